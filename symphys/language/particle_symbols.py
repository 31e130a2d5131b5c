"""What stands inside a sum over particles: components, distances, directions and attributes, as symbols with labels."""

from __future__ import annotations

from typing import Any

import sympy

_AXES = "xyz"


class LocalSymbol(sympy.Symbol):
    """A number, or a vector, that belongs to the particles whose labels it bears; `role` says which.

    Roles: "position", "velocity" and "displacement" (components along `axis`), "distance", "cosine" (of the angle at
    the first of three labels), "speed squared", "attribute" (called `word`); and, in what is derived, the vectors
    "acceleration", "rate", "place", "direction" and "areal", the basis vectors "basis", and the number "multiplier".
    """

    role: str
    labels: tuple[str, ...]
    axis: int | None
    word: str

    def __new__(
        cls, name: str, role: str, labels: tuple[str, ...], axis: int | None = None, word: str = "", **assumptions: Any
    ) -> Any:
        """A symbol outside of SymPy's cache: what it knows belongs to it alone."""
        made = sympy.Symbol.__xnew__(cls, name, **assumptions)
        made.role, made.labels, made.axis, made.word = role, labels, axis, word
        return made

    def __getnewargs_ex__(self) -> Any:
        return (self.name, self.role, self.labels, self.axis, self.word), self._assumptions_orig

    def _hashable_content(self) -> Any:
        return (*super()._hashable_content(), self.role, self.labels, str(self.axis), self.word)

    def _latex(self, printer: Any) -> str:
        index = "".join(self.labels)
        if self.role == "attribute":
            symbol = "m" if self.word == "mass" else rf"\mathrm{{{self.word}}}"
            return f"{symbol}_{{{index}}}"
        written = {
            "distance": rf"r_{{{index}}}",
            "cosine": rf"\cos\theta_{{{''.join((*self.labels[1:2], *self.labels[:1], *self.labels[2:]))}}}",
            "speed squared": rf"\dot{{\mathbf{{r}}}}_{{{index}}}^{{2}}",
            "acceleration": rf"\ddot{{\mathbf{{r}}}}_{{{index}}}",
            "rate": rf"\dot{{\mathbf{{r}}}}_{{{index}}}",
            "place": rf"\mathbf{{r}}_{{{index}}}",
            "direction": rf"\hat{{\mathbf{{r}}}}_{{{index}}}",
            "multiplier": rf"\lambda_{{{f'{self.word[1:]},' if self.word else ''}{index}}}",
            "areal": rf"\left(\mathbf{{r}}_{{{index}}} \times \dot{{\mathbf{{r}}}}_{{{index}}}\right)",
        }
        if self.role in written:
            return written[self.role]
        if self.role == "basis":
            return rf"\mathbf{{e}}_{{{axis_name(self.axis or 0)}}}"
        letter = axis_name(self.axis or 0) if self.axis is not None and self.axis < len(_AXES) else self.name
        return rf"\dot{{{letter}}}_{{{index}}}" if self.role == "velocity" else f"{letter}_{{{index}}}"


def axis_name(axis: int) -> str:
    """x, y, z, x3, x4, ..."""
    return _AXES[axis] if axis < len(_AXES) else f"x{axis}"


def component(label: str, order: int, axis: int) -> Any:
    """A component of a particle's position (order 0) or velocity (order 1)."""
    kind = "velocity" if order else "position"
    return LocalSymbol(f"{'v' if order else ''}{axis_name(axis)}_{label}", kind, (label,), axis, real=True)


def displacement(label: str, other: str, axis: int) -> Any:
    """A component of r_label - r_other; minus that of r_other - r_label."""
    if label > other:
        return -displacement(other, label, axis)
    return LocalSymbol(f"{axis_name(axis)}_{label}{other}", "displacement", (label, other), axis, real=True)


def distance(label: str, other: str) -> Any:
    """|r_label - r_other|."""
    labels = tuple(sorted((label, other)))
    return LocalSymbol(f"r_{''.join(labels)}", "distance", labels, positive=True)


def cosine(label: str, first: str, second: str) -> Any:
    """The cosine of the angle at `label` between the directions to two others."""
    return LocalSymbol(f"cos_{first}{label}{second}", "cosine", (label, *sorted((first, second))), real=True)


def rate_squared(label: str) -> Any:
    """|r'_label|^2."""
    return LocalSymbol(f"v2_{label}", "speed squared", (label,), nonnegative=True)


def attribute(name: str, label: str) -> Any:
    """A number of one particle; masses are positive."""
    kind = {"positive": True} if name == "mass" else {"real": True}
    letter = "m" if name == "mass" else name
    return LocalSymbol(f"{letter}_{label}", "attribute", (label,), None, name, **kind)


def vector(kind: str, *labels: str) -> Any:
    """A vector in what is derived: "acceleration", "rate", "place", "areal" of a particle, "direction" of a pair."""
    letter = {"acceleration": "a", "rate": "v", "place": "r", "direction": "e", "areal": "rxv"}[kind]
    return LocalSymbol(f"{letter}_{''.join(labels)}", kind, labels, real=True)


def multiplier(labels: tuple[str, ...], mark: str) -> Any:
    """The multiplier of a constraint between some particles; `mark` tells constraints apart."""
    return LocalSymbol(f"lambda{mark}_{''.join(labels)}", "multiplier", labels, None, mark, real=True)


def basis(axis: int) -> Any:
    """The basis vector of an axis."""
    return LocalSymbol(f"e_{axis_name(axis)}", "basis", (), axis, real=True)


def relabelled(symbol: Any, names: dict[str, str]) -> Any:
    """The same thing of other particles."""
    if not isinstance(symbol, LocalSymbol) or not set(symbol.labels) & set(names):
        return symbol
    labels = tuple(names.get(label, label) for label in symbol.labels)
    match symbol.role:
        case "distance":
            return distance(*labels)
        case "cosine":
            return cosine(*labels)
        case "displacement":
            return displacement(labels[0], labels[1], symbol.axis or 0)
        case "position" | "velocity":
            return component(labels[0], int(symbol.role == "velocity"), symbol.axis or 0)
        case "speed squared":
            return rate_squared(*labels)
        case "attribute":
            return attribute(symbol.word, *labels)
    return vector(symbol.role, *labels)
