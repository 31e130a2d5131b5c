"""Boundary terms: K with D_t K = B, for a B that is a total time derivative.

B must be linear in the highest derivatives, with coefficients that are the gradient of a function of the next lower
ones; what is left has one order less, and so on down to a function of time (Olver, section 5.4).
"""

from collections.abc import Sequence
from typing import Any

import sympy

from symphys.mechanics.action import Action
from symphys.mechanics.differentiate import directional, gradient
from symphys.mechanics.graph import free_symbols, substitute, written_operations
from symphys.mechanics.probe import depends, vanishes
from symphys.mechanics.symmetries.integrate import antiderivative
from symphys.mechanics.tidy import readable, without

_MAX_OPERATIONS = 600  # beyond this, terms are not multiplied out


def boundary_term(change: Any, action: Action) -> Any | None:
    """K with D_t K = `change` in jet symbols; None if there is none, or none in closed form."""
    functions = (*action.coordinates, *action.inputs)
    rest, total = _plain(change), sympy.S.Zero
    for order in range(_highest(rest, action, functions), 0, -1):
        top, below = action.space.symbols(functions, order), action.space.symbols(functions, order - 1)
        slopes = gradient(rest, top)
        if depends(slopes, top):
            return None
        part = potential(slopes, below)
        if part is None:
            return None
        total += part
        rest = _plain(rest - directional((part,), action.space.total_derivative)[0])
        if depends((rest,), top):
            return None
        rest = _at_rest(rest, top)
    if depends((rest,), action.space.symbols(functions)):
        return None
    last = antiderivative(_plain(_at_rest(rest, action.space.symbols(functions))), action.space.time)
    if last is None:
        return None
    total = readable(total + last)
    (rate,) = directional((total,), action.space.total_derivative)
    return total if vanishes((change - rate,)) else None


def potential(slopes: Sequence[Any], variables: Sequence[Any]) -> Any | None:
    """A function with the given derivatives by `variables`, if it has an elementary form; the curl is not checked."""
    found = sympy.S.Zero
    for slope, variable in zip(slopes, variables, strict=True):
        piece = antiderivative(_plain(slope - gradient(found, (variable,))[0]), variable)
        if piece is None:
            return None
        found += piece
    return found


def _highest(expression: Any, action: Action, functions: Sequence[Any]) -> int:
    present = free_symbols((expression,))
    orders = range(action.space.depth)
    return max((k for k in orders if present & set(action.space.symbols(functions, k))), default=0)


def _plain(expression: Any) -> Any:
    """Zero where it is zero, else a sum of products where that is not too long."""
    if vanishes((expression,)):
        return sympy.S.Zero
    if written_operations(expression) > _MAX_OPERATIONS:
        return expression
    expanded = sympy.expand_mul(expression)
    return min((expanded, expression), key=written_operations)


def _at_rest(expression: Any, symbols: Sequence[Any]) -> Any:
    """An expression that only seems to depend on `symbols`, without them."""
    if not free_symbols((expression,)) & set(symbols):
        return expression
    for value in (sympy.S.Zero, sympy.S.One):
        (plain,) = substitute((expression,), dict.fromkeys(symbols, value))
        if not plain.has(sympy.nan, sympy.zoo, sympy.oo):
            return plain
    return without(expression, symbols)
