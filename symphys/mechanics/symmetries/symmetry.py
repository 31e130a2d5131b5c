"""Infinitesimal symmetries as users write them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy

from symphys.errors import InputError
from symphys.language.symbols import is_function_of_time
from symphys.mechanics.read import name_of, scalar


@dataclass(frozen=True, init=False, repr=False)
class Symmetry:
    """t -> t + eps time, q -> q + eps changes[q] leaves the equations of motion as they are.

    changes: {q: xi} for the coordinates that change; expressions in time, coordinates, parameters (and velocities).
    time: tau, the change of the time itself; 0 by default.
    boundary: K, if the transformation changes L dt by eps dK; found by itself if it is not given and exists.
    name: what its conservation law is called; a name is found if none is given.

    The charge is sum p_i (xi_i - q'_i tau) + L tau - K, so a translation gives +p and time = -1 gives +energy.  Raises
    `InputError` for keys that are no functions of time and for what is no real scalar expression.  Noether, Nachr. Ges.
    Wiss. Goettingen (1918) 235; Olver, "Applications of Lie Groups to Differential Equations", 2nd ed., section 4.4.
    """

    items: tuple[tuple[Any, Any], ...]
    time: Any
    boundary: Any | None
    name: str

    def __init__(
        self, changes: Mapping[Any, Any], *, time: Any = 0, boundary: Any | None = None, name: str = ""
    ) -> None:
        if not isinstance(changes, Mapping):
            raise InputError(f"A symmetry is given as a mapping {{q: change of q}}, not by a {type(changes).__name__}.")
        for q in changes:
            if not is_function_of_time(q):
                raise InputError(
                    f"{q} is no coordinate; a symmetry says how coordinates, as made by coordinates(), change."
                )
        items = tuple((q, scalar(change, f"change of {q}")) for q, change in changes.items())
        object.__setattr__(self, "items", items)
        object.__setattr__(self, "time", scalar(time, "change of the time"))
        object.__setattr__(self, "boundary", None if boundary is None else scalar(boundary, "boundary term"))
        object.__setattr__(self, "name", name)

    @property
    def changes(self) -> dict[Any, Any]:
        """{q: xi}, as given."""
        return dict(self.items)

    @property
    def generator(self) -> str:
        """The vector field tau d/dt + sum xi_i d/dq_i in text, for example "-y d/dx + x d/dy"."""
        directions = [("t", self.time), *((name_of(q), xi) for q, xi in self.items)]
        parts = [(name, xi) for name, xi in directions if xi != 0]
        plain = {
            q: sympy.Symbol(name_of(q)) for _, xi in parts for q in xi.atoms(sympy.Function) if is_function_of_time(q)
        }
        text = " + ".join(_coefficient(xi.xreplace(plain)) + f"d/d{name}" for name, xi in parts)
        return text.replace("+ -", "- ") or "0"

    def __repr__(self) -> str:
        boundary = "" if self.boundary in (None, 0) else f", boundary {self.boundary}"
        return f"Symmetry({self.name + ': ' if self.name else ''}{self.generator}{boundary})"


def _coefficient(xi: Any) -> str:
    if xi == 1:
        return ""
    if xi == -1:
        return "-"
    return f"({xi}) " if isinstance(xi, sympy.Add) else f"{xi} "
