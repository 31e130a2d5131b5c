"""Infinitesimal symmetries of densities as users write them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy

from symphys.errors import InputError
from symphys.fields.read import scalar
from symphys.language.fields import is_field
from symphys.mechanics.read import name_of


@dataclass(frozen=True, init=False, repr=False)
class FieldSymmetry:
    """x^mu -> x^mu + eps coordinates[x^mu], psi -> psi + eps changes[psi] leaves the equations of fields as they are.

    changes: {psi: eta}, for those fields that change; expressions in fields, coordinates, parameters (and derivatives).
        The conjugate changes by the conjugate.
    coordinates: {x: xi}, for those coordinates of spacetime that change.
    boundary: (K^0, K^1, ...), if the transformation changes L d^n x dt by eps D_mu K^mu; found if not given.
    name: what its conservation law is called; a name is found if none is given.

    The current is sum over psi of dL/d(psi_mu) (eta - psi_nu xi^nu) + L xi^mu - K^mu, so a translation gives +momentum
    and {t: -1} gives +energy.  Raises `InputError` for keys that are no fields or coordinates and for what is no scalar
    expression.  Noether, Nachr. Ges. Wiss. Goettingen (1918) 235; Olver, "Applications of Lie Groups to Differential
    Equations", 2nd ed., section 4.4.
    """

    items: tuple[tuple[Any, Any], ...]
    moved: tuple[tuple[Any, Any], ...]
    boundary: tuple[Any, ...] | None
    name: str

    def __init__(
        self,
        changes: Mapping[Any, Any] | None = None,
        coordinates: Mapping[Any, Any] | None = None,
        *,
        boundary: Iterable[Any] | None = None,
        name: str = "",
    ) -> None:
        changes, coordinates = changes or {}, coordinates or {}
        for given, what in ((changes, "changes"), (coordinates, "coordinates")):
            if not isinstance(given, Mapping):
                raise InputError(f"The {what} of a symmetry are a mapping, not of type {type(given).__name__}.")
        for psi in changes:
            if not is_field(psi):
                raise InputError(f"{psi} is no field; the changes of a symmetry say how fields change.")
        for x in coordinates:
            if not isinstance(x, sympy.Symbol) or not x.is_real:
                raise InputError(f"{x} is no coordinate of spacetime; they are made by spacetime().")
        object.__setattr__(self, "items", tuple((psi, scalar(eta, f"change of {psi}")) for psi, eta in changes.items()))
        object.__setattr__(self, "moved", tuple((x, scalar(xi, f"change of {x}")) for x, xi in coordinates.items()))
        read = None if boundary is None else tuple(scalar(each, "boundary term") for each in boundary)
        object.__setattr__(self, "boundary", read)
        object.__setattr__(self, "name", name)

    @property
    def changes(self) -> dict[Any, Any]:
        """{psi: eta}, as given."""
        return dict(self.items)

    @property
    def coordinates(self) -> dict[Any, Any]:
        """{x: xi}, as given."""
        return dict(self.moved)

    @property
    def generator(self) -> str:
        """The vector field sum xi^mu d/dx^mu + sum eta d/dpsi in text, for example "-y d/dx + x d/dy"."""
        parts = [(str(x), xi) for x, xi in self.moved] + [(name_of(psi), eta) for psi, eta in self.items]
        plain = {f: sympy.Symbol(name_of(f)) for _, each in parts for f in each.atoms(sympy.Function) if is_field(f)}
        shown = [(name, each.xreplace(plain)) for name, each in parts if each != 0]
        text = " + ".join(_coefficient(each) + f"d/d{name}" for name, each in shown)
        return text.replace("+ -", "- ") or "0"

    def __repr__(self) -> str:
        return f"FieldSymmetry({self.name + ': ' if self.name else ''}{self.generator})"


def _coefficient(each: Any) -> str:
    if each in (1, -1):
        return "" if each == 1 else "-"
    return f"({each}) " if isinstance(each, sympy.Add) else f"{each} "
