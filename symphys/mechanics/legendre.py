"""The Legendre transform, the same in both directions: L(v) to H(p) and H(p) to L(v).

With p_i = dF/dv_i the transform is G(p) = sum p_i v_i(p) - F(v(p)) (Goldstein, "Classical Mechanics", 3rd ed.,
section 8.1); transformed twice, F returns.
"""

from collections.abc import Sequence
from typing import Any

import sympy

from symphys.errors import DegenerateLagrangianError, LegendreTransformError
from symphys.mechanics.differentiate import gradient, jacobian
from symphys.mechanics.energy import additive_terms
from symphys.mechanics.graph import free_symbols, substitute
from symphys.mechanics.probe import Probe, depends, vanishes
from symphys.mechanics.solve import blocks, solve_linear
from symphys.mechanics.structure import regular, settled
from symphys.mechanics.tidy import simplified, without

_POINTS = 6
_SMALL = (1, 10, 100)  # velocities are tried at a fraction of the other values: |v| < c may bound them


def legendre_transform(function: Any, variables: Sequence[Any], duals: Sequence[Any]) -> tuple[Any, tuple[Any, ...]]:
    """G(p) = sum p_i v_i - F and the solution v(p) of p_i = dF/dv_i, for symbols v = `variables` and p = `duals`.

    Raises `DegenerateLagrangianError` if d2F/dv dv is singular, and `LegendreTransformError` if p = dF/dv cannot be
    solved in closed form for v on one real branch.
    """
    slopes = gradient(function, variables)
    hessian = jacobian(slopes, variables)
    if not regular(hessian):
        raise DegenerateLagrangianError("The matrix of second derivatives is singular.")
    hessian = settled(hessian, variables)
    offsets = tuple(without(slope, variables) for slope in slopes)
    shifted = [dual - offset for dual, offset in zip(duals, offsets, strict=True)]
    if not depends([entry for row in hessian for entry in row], variables):
        solution = solve_linear(hessian, shifted, "The Legendre transform")
        half = sympy.Add(*(p * v for p, v in zip(shifted, solution, strict=True))) / 2
        return half - without(function, variables), solution
    # F = F0 + b v + F2(v): with k = p - b in the place of p only F2 is left to transform
    kinetic = tuple(sympy.Dummy(f"k_{dual}", real=True) for dual in duals)
    pure = [slope - offset for slope, offset in zip(slopes, offsets, strict=True)]
    roots: list[Any] = [sympy.S.Zero] * len(variables)
    for block in blocks(hessian):
        solved = _solve_block(*([sequence[i] for i in block] for sequence in (pure, variables, kinetic)))
        if solved is None:
            relations = ", ".join(f"{dual} = {slope}" for dual, slope in zip(duals, slopes, strict=True))
            raise LegendreTransformError(
                f"The relations {relations} cannot be solved in closed form for {', '.join(map(str, variables))} on "
                "one real branch, so no Legendre transform can be written down; work with the system as it was given."
            )
        for i, value in zip(block, solved, strict=True):
            roots[i] = value
    still = sympy.Add(*(term for term in additive_terms(function) if not free_symbols((term,)) & set(variables)))
    (inside,) = substitute((function,), dict(zip(variables, roots, strict=True)))
    (linear,) = substitute(
        (sympy.Add(*(b * v for b, v in zip(offsets, variables, strict=True))),),
        dict(zip(variables, roots, strict=True)),
    )
    products = sympy.Add(*(k * v for k, v in zip(kinetic, roots, strict=True)))
    moving = simplified(products - inside + linear + still)
    shift = dict(zip(kinetic, shifted, strict=True))
    transformed, *velocities = substitute((moving, *roots), shift)
    return transformed - still, tuple(velocities)


def _solve_block(slopes: Sequence[Any], variables: Sequence[Any], duals: Sequence[Any]) -> tuple[Any, ...] | None:
    hessian = settled(jacobian(slopes, variables), variables)
    if not depends([entry for row in hessian for entry in row], variables):
        return solve_linear(hessian, duals, "The Legendre transform")
    candidates = [(root,) for root in _roots(slopes[0] - duals[0], variables[0])] if len(variables) == 1 else []
    candidates += _isotropic(slopes, variables, duals)
    return next((each for each in candidates if _inverts(each, slopes, variables, duals)), None)


def _roots(equation: Any, variable: Any) -> list[Any]:
    try:
        return [root for root in sympy.solve(equation, variable) if isinstance(root, sympy.Expr)]
    except NotImplementedError:
        return []


def _isotropic(slopes: Sequence[Any], variables: Sequence[Any], duals: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Solutions of p = f(|v|) v, as for a relativistic particle: p and v are parallel, one scalar is unknown."""
    n = len(slopes)
    if not vanishes(slopes[i] * variables[j] - slopes[j] * variables[i] for i in range(n) for j in range(i + 1, n)):
        return []
    speed, size = sympy.Symbol("speed", positive=True), sympy.Symbol("size", positive=True)
    (profile,) = substitute((slopes[0],), {variables[0]: speed, **dict.fromkeys(variables[1:], sympy.S.Zero)})
    length = sympy.sqrt(sympy.Add(*(dual**2 for dual in duals)))
    found = []
    for root in _roots(profile - size, speed):
        if n == 1:  # written so that it is defined at p = 0 too
            found.append((sympy.sign(duals[0]) * substitute((root,), {size: length})[0],))
        else:
            (ratio,) = substitute((sympy.simplify(root / size),), {size: length})
            found.append(tuple(dual * ratio for dual in duals))
    return found


def _inverts(candidate: Sequence[Any], slopes: Sequence[Any], variables: Sequence[Any], duals: Sequence[Any]) -> bool:
    """Whether v(p(v)) = v at random points where p is real."""
    if free_symbols(candidate) & set(variables):
        return False
    checked = 0
    for seed in range(_POINTS):
        for fraction in _SMALL:
            drawn = Probe(seed)
            point = Probe(seed, {variable: drawn.value(variable) / fraction for variable in variables})
            there = dict(zip(duals, point(slopes), strict=True))
            if any(not _is_real(value, point.context) for value in there.values()):
                continue
            back = Probe(seed, {**point.values, **there})(candidate)
            wanted = [point.value(variable) for variable in variables]
            if any(not abs(a - b) <= 1e-25 * (1 + abs(b)) for a, b in zip(back, wanted, strict=True)):
                return False
            checked += 1
    return checked > 0


def _is_real(value: Any, context: Any) -> bool:
    return value == value and (not isinstance(value, context.mpc) or value.imag == 0)
