"""Indefinite integrals in bounded time: a table, substitution, parts, products of waves; None for all the rest.

General algorithms may take for ever on an integrand of one line, and what boundary terms need is what differentiation
has made: sums of terms f(w) dw/dx.
"""

from typing import Any

import sympy
from sympy.core.function import AppliedUndef, Derivative, Subs
from sympy.simplify.fu import TR8

from symphys.mechanics.graph import free_symbols, is_opaque, postorder, substitute, written_operations

_MAX_OPERATIONS = 60  # of one term
_MAX_TERMS_OPERATIONS = 600  # beyond this, sums are not multiplied out
_S = sympy.Dummy("s", real=True)
_TABLE = {
    sympy.sin(_S): -sympy.cos(_S),
    sympy.cos(_S): sympy.sin(_S),
    sympy.tan(_S): -sympy.log(sympy.Abs(sympy.cos(_S))),
    sympy.exp(_S): sympy.exp(_S),
    sympy.sinh(_S): sympy.cosh(_S),
    sympy.cosh(_S): sympy.sinh(_S),
    sympy.tanh(_S): sympy.log(sympy.cosh(_S)),
    sympy.log(_S): _S * sympy.log(_S) - _S,
    sympy.atan(_S): _S * sympy.atan(_S) - sympy.log(1 + _S**2) / 2,
    sympy.cos(_S) ** -2: sympy.tan(_S),
    sympy.sin(_S) ** -2: -sympy.cot(_S),
    sympy.tan(_S) ** 2: sympy.tan(_S) - _S,
    sympy.cosh(_S) ** -2: sympy.tanh(_S),
    sympy.tanh(_S) ** 2: _S - sympy.tanh(_S),
    1 / (1 + _S**2): sympy.atan(_S),
    1 / sympy.sqrt(1 - _S**2): sympy.asin(_S),
    1 / sympy.sqrt(1 + _S**2): sympy.asinh(_S),
}
_WAVES = (sympy.sin, sympy.cos, sympy.exp, sympy.sinh, sympy.cosh)


def antiderivative(integrand: Any, variable: Any) -> Any | None:
    """An indefinite integral, for generic values of everything else; None if none of the rules applies."""
    forms = [integrand]
    if written_operations(integrand) <= _MAX_TERMS_OPERATIONS:
        forms += [sympy.expand_mul(integrand), sympy.expand(integrand, power_base=False, power_exp=False, log=False)]
    for form in forms:
        parts = [_of_term(term, variable) for term in sympy.Add.make_args(form)]
        if None not in parts:
            return sympy.Add(*parts)
    return None


def _of_term(term: Any, x: Any) -> Any | None:
    if x not in free_symbols((term,)):
        return term * x
    constant, inside = term.as_independent(x, as_Add=False)
    if written_operations(inside) > _MAX_OPERATIONS:
        return None
    for rule in (_listed, _by_substitution, _by_parts, _of_waves):
        found = rule(inside, x)
        if found is not None:
            return constant * found
    return None


def _listed(integrand: Any, x: Any) -> Any | None:
    """What the table says of a function of `x` itself."""
    base, power = integrand.as_base_exp()
    if base == x and x not in power.free_symbols:
        return sympy.log(sympy.Abs(x)) if power == -1 else x ** (power + 1) / (power + 1)
    known = _TABLE.get(substitute((integrand,), {x: _S})[0])
    return substitute((known,), {_S: x})[0] if known is not None else _lowered(integrand, x)


def _lowered(integrand: Any, x: Any) -> Any | None:
    """The derivative of an undetermined function of one order less: V'(x) gives V(x)."""
    inner, place = integrand, {}
    if isinstance(integrand, Subs):
        inner, place = integrand.expr, dict(zip(integrand.variables, integrand.point, strict=True))
    if not isinstance(inner, Derivative) or not isinstance(inner.expr, AppliedUndef):
        return None
    own = next((variable for variable, value in place.items() if value == x), x)
    rest = [(variable, count) for variable, count in inner.variable_count if variable != own]
    counts = [count for variable, count in inner.variable_count if variable == own]
    if len(counts) != 1 or any(x in free_symbols((value,)) for key, value in place.items() if key != own):
        return None
    lower = [*rest, (own, counts[0] - 1)] if counts[0] > 1 else rest
    found = Derivative(inner.expr, *lower) if lower else inner.expr
    return found.subs(place) if place else found


def _by_substitution(integrand: Any, x: Any) -> Any | None:
    """f(w) dw/dx, for every part w of the integrand in turn, the largest first."""
    parts = postorder((integrand,))
    parts += [arg for node in parts if isinstance(node, Subs) for arg in node.point]
    for part in reversed(parts):
        if part in (x, integrand) or x not in free_symbols((part,)) or is_opaque(part):
            continue
        slope = part.diff(x)
        if slope == 0 or written_operations(slope) > _MAX_OPERATIONS:
            continue
        # y - x and x - y do not cancel by themselves, so both signs are tried
        rests = substitute((integrand / slope, -(integrand / sympy.expand_mul(-slope))), {part: _S})
        rest = next((each for each in rests if x not in free_symbols((each,))), None)
        if rest is None:
            continue
        constant, function = rest.as_independent(_S, as_Add=False)
        found = _S if function == 1 else _listed(function, _S)
        if found is not None:
            return constant * substitute((found,), {_S: part})[0]
    return None


def _by_parts(integrand: Any, x: Any) -> Any | None:
    """x^n times sin, cos, exp, sinh, cosh of something linear in x."""
    factors = list(sympy.Mul.make_args(integrand))
    powers = [f for f in factors if f.as_base_exp()[0] == x and f.as_base_exp()[1].is_Integer]
    waves = [f for f in factors if isinstance(f, _WAVES) and _rate(f.args[0], x) is not None]
    if len(factors) != 2 or len(powers) != 1 or len(waves) != 1 or powers[0].as_base_exp()[1] < 0:
        return None
    total, factor, wave = sympy.S.Zero, powers[0], waves[0]
    while factor != 0:
        constant, inside = wave.as_independent(x, as_Add=False)
        wave = constant * _TABLE[inside.func(_S)].subs(_S, inside.args[0]) / _rate(inside.args[0], x)
        total += factor * wave
        factor = -factor.diff(x)
    return total


def _of_waves(integrand: Any, x: Any) -> Any | None:
    """Products of sines and cosines as sums, and an exponential times one of them."""
    functions = [node for node in postorder((integrand,)) if isinstance(node, sympy.Function) and node.has(x)]
    if any(not isinstance(f, sympy.sin | sympy.cos | sympy.exp) or _rate(f.args[0], x) is None for f in functions):
        return None
    if not any(isinstance(f, sympy.exp) for f in functions):
        split = sympy.expand(TR8(integrand))
        parts = [_once(term, x) for term in sympy.Add.make_args(split)]
        return None if None in parts else sympy.Add(*parts)
    factors = sympy.Mul.make_args(integrand)
    if len(factors) != 2 or set(factors) != set(functions):
        return None
    growth, wave = sorted(factors, key=lambda f: not isinstance(f, sympy.exp))
    a, b, u = _rate(growth.args[0], x), _rate(wave.args[0], x), wave.args[0]
    if isinstance(wave, sympy.exp) or a is None or b is None:
        return None
    turned = a * sympy.sin(u) - b * sympy.cos(u) if isinstance(wave, sympy.sin) else a * sympy.cos(u) + b * sympy.sin(u)
    return growth * turned / (a**2 + b**2)


def _once(term: Any, x: Any) -> Any | None:
    constant, inside = term.as_independent(x, as_Add=False)
    if inside == 1:
        return constant * x
    found = _by_substitution(inside, x)
    found = _listed(inside, x) if found is None else found
    found = _by_parts(inside, x) if found is None else found
    return None if found is None else constant * found


def _rate(argument: Any, x: Any) -> Any | None:
    """The slope of something linear in x."""
    slope = argument.diff(x)
    return slope if slope != 0 and x not in free_symbols((slope,)) else None
