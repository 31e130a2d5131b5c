"""What the laws of symmetries of densities are called, in which order they stand, and with which sign."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy

from symphys.fields.ansatz import Change, Drift, Variable
from symphys.fields.read import Density
from symphys.language.fields import is_complex_field
from symphys.mechanics.read import name_of

Coefficients = Mapping[Drift | Change, Any]  # the weight of a change is its coefficient; the key holds weight 1

_KINDS = ("energy", "momentum", "charge", "shift", "rotation", "angular momentum", "boost", "dilation", "other")
_THIRD = {("x", "y"): "z", ("y", "z"): "x", ("z", "x"): "y"}
_LONGEST = 80


@dataclass(frozen=True)
class Title:
    """The name of a law, its place in the list, and the factor that gives its generator the usual sign."""

    name: str
    kind: str
    sign: int

    @property
    def rank(self) -> tuple[Any, ...]:
        """By kind; within one in the order in which they were found."""
        return (_KINDS.index(self.kind),)


def title(coefficients: Coefficients, density: Density) -> Title:
    """What the law of a generator is called."""
    drifts = {key: c for key, c in coefficients.items() if isinstance(key, Drift)}
    turns = {key: c for key, c in coefficients.items() if isinstance(key, Change)}
    constant = {key.axis: c for key, c in drifts.items() if key.factor is None}
    linear = {(key.axis, key.factor): c for key, c in drifts.items() if key.factor is not None}
    if drifts and not linear and not turns and len(constant) == 1:
        return _translation(*constant.popitem(), density)
    if linear and not constant:
        return _moving(linear, density) or _other(coefficients, density)
    if turns and not drifts:
        return _internal(turns) or _other(coefficients, density)
    return _other(coefficients, density)


def _translation(axis: int, coefficient: Any, density: Density) -> Title:
    if axis == 0:
        return Title("energy", "energy", -1 if _positive(coefficient) else 1)
    return Title(f"momentum {density.coordinates[axis].name}", "momentum", 1 if _positive(coefficient) else -1)


def _moving(linear: Mapping[tuple[int, int], Any], density: Density) -> Title | None:
    names = [x.name for x in density.coordinates]
    pairs = sorted({(min(pair), max(pair)) for pair in linear})
    if all(mu == nu for mu, nu in linear):
        return Title("dilation", "dilation", 1 if _positive(next(iter(linear.values()))) else -1)
    if len(pairs) > 1:
        return None
    ((i, j),) = pairs
    there, back = linear.get((j, i), 0), linear.get((i, j), 0)  # xi^j = there x^i, xi^i = back x^j
    if i == 0:
        kind = "Galilean boost" if back == 0 else "Lorentz boost"
        return Title(f"{kind} {names[j]}", "boost", 1 if _positive(there) else -1) if there != 0 else None
    if sympy.simplify(there + back) != 0:
        return None
    a, b = names[i], names[j]
    sign = 1 if _positive(there) else -1
    axis = _THIRD.get((a, b)) or _THIRD.get((b, a))
    if (b, a) in _THIRD:
        sign = -sign
    return Title(f"angular momentum {axis or f'{a} {b}'}", "angular momentum", sign)


def _internal(turns: Mapping[Change, Any]) -> Title | None:
    if any(key.factor is not None for key in turns):
        return None
    if all(key.source is None for key in turns):
        if len({key.target[0] for key in turns}) > 1:
            return None
        (target,) = {key.target[0] for key in turns}
        weight = next(c for key, c in turns.items() if not key.target[1])
        part = " (imaginary part)" if is_complex_field(target) and not weight.is_real else ""
        first = weight if weight.is_real else weight / sympy.I
        return Title(f"shift {name_of(target)}{part}", "shift", 1 if _positive(first) else -1)
    plain = {(key.target, key.source): c for key, c in turns.items() if key.source is not None}
    if len(plain) < len(turns):
        return None
    diagonal = all(a == b and is_complex_field(a[0]) for a, b in plain)
    if diagonal and len(plain) == 2:
        (variable,) = {a for (a, _) in plain if not a[1]}
        rate = plain[variable, variable] / sympy.I
        return Title(f"charge {name_of(variable[0])}", "charge", -1 if _positive(rate) else 1)
    fields = {each[0] for pair in plain for each in pair}
    if len(plain) == 2 and len(fields) == 2 and not any(map(is_complex_field, fields)):
        (a, b) = sorted((f for f in fields), key=name_of)
        there, back = plain.get(((b, False), (a, False)), 0), plain.get(((a, False), (b, False)), 0)
        if there != 0 and sympy.simplify(there + back) == 0:
            return Title(f"rotation {name_of(a)} {name_of(b)}", "rotation", 1 if _positive(there) else -1)
    return None


def _other(coefficients: Coefficients, density: Density) -> Title:
    parts: dict[str, Any] = {}
    for key, c in coefficients.items():
        factor = sympy.S.One if key.factor is None else density.coordinates[key.factor]
        if isinstance(key, Drift):
            name = density.coordinates[key.axis].name
            parts[name] = parts.get(name, 0) + c * factor
        elif not key.target[1]:
            name = name_of(key.target[0])
            parts[name] = parts.get(name, 0) + c * factor * _plain(key.source)
    text = "charge of " + ", ".join(f"{name} -> {form}" for name, form in parts.items())
    return Title(text if len(text) <= _LONGEST else "charge of a linear transformation", "other", 1)


def _plain(source: Variable | None) -> Any:
    if source is None:
        return sympy.S.One
    symbol = sympy.Symbol(name_of(source[0]))
    return sympy.conjugate(symbol) if source[1] else symbol


def _positive(coefficient: Any) -> bool:
    return not sympy.sympify(coefficient).could_extract_minus_sign()
