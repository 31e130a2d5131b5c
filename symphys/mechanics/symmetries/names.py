"""What conservation laws are called, in which order they stand, and with which sign.

Coordinates called x, y, z, or x1, y1, z1, x_sun, ... belong to bodies in space: their laws are called by the axes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from symphys.mechanics.symmetries.determine import TIME, Monomial, Place

Coefficients = Mapping[Place, Any]

_AXES = "xyz"
_THIRD = {("x", "y"): "z", ("y", "z"): "x", ("z", "x"): "y"}
_LONGEST = 40


@dataclass(frozen=True)
class Bodies:
    """Which coordinates are Cartesian: for each body (a suffix such as "1") the index of its x, y, z."""

    names: tuple[str, ...]
    axes: tuple[tuple[str, Mapping[str, int]], ...]

    @classmethod
    def of(cls, names: Sequence[str]) -> "Bodies":
        """Groups of at least two coordinates whose names differ in the letter of the axis alone."""
        groups: dict[str, dict[str, int]] = {}
        for index, name in enumerate(names):
            match = re.fullmatch(r"([xyz])(_?\w*)", name)
            if match:
                groups.setdefault(match[2], {})[match[1]] = index
        return cls(tuple(names), tuple((body, axes) for body, axes in groups.items() if len(axes) > 1))

    def planes(self) -> dict[str, list[tuple[int, int]]]:
        """{axis: the pairs of coordinates that a rotation of all bodies about it mixes}."""
        pairs = {
            axis: [(known[a], known[b]) for _, known in self.axes if a in known and b in known]
            for (a, b), axis in _THIRD.items()
        }
        return {axis: each for axis, each in pairs.items() if each}

    def axis_of(self, i: int, j: int) -> tuple[str, str] | None:
        """(axis, body) of the rotation q_i -> q_j, counted positive from x to y, y to z, z to x."""
        for body, axes in self.axes:
            for (a, b), axis in _THIRD.items():
                if (axes.get(a), axes.get(b)) == (i, j):
                    return axis, body
        return None


def direction(weights: Mapping[int, Any], bodies: Bodies) -> str:
    """The name of the direction in which coordinates move at the rates `weights`."""
    names = bodies.names
    if len(weights) == 1:
        return str(names[next(iter(weights))])
    if len(set(weights.values())) == 1:
        letters = {name[0] for name in (names[i] for i in weights)}
        alike = [i for i, name in enumerate(names) if name[0] in letters and re.fullmatch(r"[a-zA-Z](_?\w*)", name)]
        if len(letters) == 1 and len(alike) == len(weights) and letters <= set(_AXES):
            return str(letters.pop())
        if len(weights) == len(names):
            return "of all"
    text = str(sympy.Add(*(weight * sympy.Symbol(names[i]) for i, weight in weights.items())))
    return text if len(text) <= _LONGEST else "of " + ", ".join(names[i] for i in weights)


def rotation(linear: Mapping[tuple[int, int], Any], bodies: Bodies) -> str | None:
    """The name of xi_i = sum d_ij q_j if that turns coordinates in pairs; None for any other linear map.

    Turning one mass-weighted coordinate into another counts too.
    """
    pairs = sorted({(min(i, j), max(i, j)) for i, j in linear})
    if any(i == j or not _opposite(linear, i, j) for i, j in pairs) or len(set(sum(pairs, ()))) < 2 * len(pairs):
        return None
    found = [bodies.axis_of(i, j) or bodies.axis_of(j, i) for i, j in pairs]
    axes = {each[0] for each in found if each}
    if None not in found and len(axes) == 1 and len(set(map(abs, linear.values()))) == 1:
        axis = axes.pop()
        turned = [body for body, known in bodies.axes if len(set(known) - {axis}) == 2]
        mine = [each[1] for each in found if each]
        return axis if len(mine) == len(turned) else f"{axis} of {', '.join(body.strip('_') or '1' for body in mine)}"
    names = bodies.names
    return " and ".join(f"{names[i]} {names[j]}" for i, j in pairs)


def _opposite(linear: Mapping[tuple[int, int], Any], i: int, j: int) -> bool:
    there, back = linear.get((i, j)), linear.get((j, i))
    if there is None or back is None:
        return False
    return bool((there / back).is_negative) or (there / back).could_extract_minus_sign()


@dataclass(frozen=True)
class Title:
    """The name of a law, its place in the list, and the factor that gives its generator the usual sign."""

    name: str
    rank: tuple[Any, ...]
    sign: int


_KINDS = ("energy", "momentum", "angular momentum", "boost", "dilation", "expansion", "other")


def centre_of_mass(axis: str, about: bool) -> Title:
    """What X x P of the centre of mass, or the rest `about` it, is called; it stands behind that of everything."""
    name = f"angular momentum {axis} {'about' if about else 'of'} the centre of mass"
    return Title(name, (_KINDS.index("angular momentum"), 2, name, TIME), 1)


def title(coefficients: Coefficients, bodies: Bodies) -> Title:
    """What the law of a generator with polynomial coefficients is called."""
    parts = _parts(coefficients)
    known = _expansion(coefficients) if parts is None else None
    if parts is None:
        kind = "expansion" if known else "other"
        return Title(known or _text(coefficients, bodies), (_KINDS.index(kind),), 1)
    names: list[tuple[str, str, Any]] = []
    if parts.delay is not None:
        names.append(("energy", "energy", -parts.delay))
    if parts.shift:
        names.append(("momentum", f"momentum {direction(parts.shift, bodies)}", next(iter(parts.shift.values()))))
    if parts.linear or parts.stretch is not None:
        turning = rotation(parts.linear, bodies) if parts.stretch is None else None
        scaling = all(i == j for i, j in parts.linear)
        if turning is not None:
            names.append(("angular momentum", f"angular momentum {turning}", _handedness(parts.linear, bodies)))
        elif scaling:
            names.append(("dilation", "dilation", next(iter(parts.linear.values()), parts.stretch)))
        else:
            return Title(_text(coefficients, bodies), (_KINDS.index("other"),), 1)
    if parts.drift:
        kind = "Lorentz boost" if parts.tilt else "Galilean boost"
        names.append(("boost", f"{kind} {direction(parts.drift, bodies)}", next(iter(parts.drift.values()))))
    elif parts.tilt:
        return Title(_text(coefficients, bodies), (_KINDS.index("other"),), 1)
    sign = -1 if names[0][2].could_extract_minus_sign() else 1
    order = min((i for component, m in coefficients for i in (component, *(k - 1 for k in m)) if i >= 0), default=TIME)
    axis = names[0][1] if names[0][0] == "angular momentum" else ""
    rank = (_KINDS.index(names[0][0]), len(names), axis, order)
    return Title(" and ".join(name for _, name, _ in names), rank, sign)


@dataclass(frozen=True)
class _Parts:
    """tau = delay + stretch t + sum tilt_j q_j and xi_i = shift_i + drift_i t + sum linear_ij q_j."""

    delay: Any
    stretch: Any
    tilt: Mapping[int, Any]
    shift: Mapping[int, Any]
    drift: Mapping[int, Any]
    linear: Mapping[tuple[int, int], Any]


def _parts(coefficients: Coefficients) -> _Parts | None:
    if any(len(m) > 1 for _, m in coefficients):
        return None
    tau = {m: c for (component, m), c in coefficients.items() if component == TIME}
    xi = {(component, m): c for (component, m), c in coefficients.items() if component != TIME}
    return _Parts(
        tau.get(()),
        tau.get((0,)),
        {m[0] - 1: c for m, c in tau.items() if m and m[0]},
        {i: c for (i, m), c in xi.items() if m == ()},
        {i: c for (i, m), c in xi.items() if m == (0,)},
        {(i, m[0] - 1): c for (i, m), c in xi.items() if m and m[0]},
    )


def _handedness(linear: Mapping[tuple[int, int], Any], bodies: Bodies) -> Any:
    """Positive for a rotation from x to y: then d_yx is positive."""
    i, j = min((min(pair), max(pair)) for pair in linear)
    return linear[(j, i)] if bodies.axis_of(j, i) is None else linear[(i, j)]


def _expansion(coefficients: Coefficients) -> str | None:
    """tau = t^2 with xi = t q: the special conformal transformation of free motion."""
    time = {m for component, m in coefficients if component == TIME}
    place = {m for component, m in coefficients if component != TIME}
    return "expansion" if time == {(0, 0)} and all(len(m) == 2 and m[0] == 0 for m in place) else None


def _text(coefficients: Coefficients, bodies: Bodies) -> str:
    def written(monomial: Monomial) -> Any:
        return sympy.Mul(*(sympy.Symbol("t" if k == 0 else bodies.names[k - 1]) for k in monomial))

    components = sorted({component for component, _ in coefficients})
    parts = []
    for component in components:
        form = sympy.Add(*(c * written(m) for (k, m), c in coefficients.items() if k == component))
        parts.append(f"{'t' if component == TIME else bodies.names[component]} -> {form}")
    text = f"charge of {', '.join(parts)}"
    return text if len(text) <= 2 * _LONGEST else "charge of a linear transformation"
