"""The energy function h = sum p_i q'_i - L, kept apart by the additive terms of L.

A term that is homogeneous of degree k in the velocities contributes (k - 1) times itself (Goldstein, section 2.7), so
that for L = T2 + T1 + T0 the energy T2 - T0 comes out without cancellations.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sympy

from symphys.mechanics.differentiate import directional
from symphys.mechanics.graph import free_symbols, postorder

_MAX_TERMS = 64  # distributing a product over a longer sum would cost more than it tells


def energy_terms(lagrangian: Any, velocities: Sequence[Any]) -> tuple[Any, ...]:
    """The additive terms of sum v_i dL/dv_i - L, in jet symbols."""
    terms = []
    for term in additive_terms(lagrangian, velocities):
        degree = homogeneity(term, velocities)
        if degree is None:
            (scaled,) = directional((term,), {velocity: velocity for velocity in velocities})
            terms.extend(sympy.Add.make_args(scaled - term))
        elif degree != 1:
            terms.append((degree - 1) * term)
    return tuple(term for term in terms if term != 0)


def additive_terms(expression: Any, velocities: Sequence[Any] = ()) -> tuple[Any, ...]:
    """The terms of a sum; a product is distributed over a sum of terms of different degree in the velocities."""
    terms: list[Any] = []
    for term in sympy.Add.make_args(expression):
        mixed = [
            factor
            for factor in sympy.Mul.make_args(term)
            if isinstance(factor, sympy.Add)
            and len(factor.args) <= _MAX_TERMS
            and homogeneity(factor, velocities) is None
        ]
        if len(mixed) == 1 and isinstance(term, sympy.Mul):
            rest = sympy.Mul(*(factor for factor in term.args if factor is not mixed[0]))
            terms.extend(part for each in mixed[0].args for part in additive_terms(rest * each, velocities))
        else:
            terms.append(term)
    return tuple(terms)


def homogeneity(expression: Any, velocities: Iterable[Any]) -> Any:
    """The degree in which `expression` is homogeneous in the velocities, read off its structure; None if unknown."""
    moving = frozenset(velocities)
    degrees: dict[Any, Any] = {}
    for node in postorder((expression,)):
        degrees[node] = _degree(node, moving, degrees)
    return degrees[expression]


def _degree(node: Any, moving: frozenset[Any], degrees: Mapping[Any, Any]) -> Any:
    if node in moving:
        return sympy.S.One
    if not node.args:
        return sympy.S.Zero
    known = [degrees[arg] for arg in node.args] if isinstance(node, sympy.Add | sympy.Mul | sympy.Pow) else []
    if known and None not in known:
        if isinstance(node, sympy.Mul):
            return sympy.Add(*known)
        if isinstance(node, sympy.Add) and len(set(known)) == 1:
            return known[0]
        if isinstance(node, sympy.Pow) and node.exp.is_number:
            return known[0] * node.exp
    return None if free_symbols((node,)) & moving else sympy.S.Zero
