"""Expressions as graphs: every walk here visits a shared subexpression once, however often it occurs.

SymPy's own walks (`subs`, `xreplace`, `free_symbols`, `count_ops`) treat an expression as a tree, and the tree of a
derived equation is larger than its graph by powers.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import sympy
from sympy.core.function import Derivative, Subs
from sympy.functions.elementary.piecewise import ExprCondPair

# Nodes that bind or differentiate symbols: their arguments are no subexpressions in the ordinary sense.
_OPAQUE = (Derivative, Subs, sympy.Integral, sympy.Sum, sympy.Product, sympy.Limit)


def is_opaque(node: Any) -> bool:
    """Whether `node` binds or differentiates symbols, so that its arguments must not be taken one by one."""
    return isinstance(node, _OPAQUE)


def children(node: Any) -> tuple[Any, ...]:
    """The subexpressions of `node`: its arguments, the branches of a Piecewise, nothing for an opaque node."""
    if is_opaque(node) or not node.args:
        return ()
    if isinstance(node, sympy.Piecewise):
        return tuple(branch.expr for branch in node.args)
    return tuple(node.args)


def postorder(expressions: Iterable[Any]) -> list[Any]:
    """Every distinct subexpression of `expressions` once, arguments before what is made of them."""
    order: list[Any] = []
    seen: set[Any] = set()
    stack: list[tuple[Any, bool]] = [(expression, False) for expression in reversed(tuple(expressions))]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child in reversed(children(node)) if child not in seen)
    return order


def free_symbols(expressions: Iterable[Any]) -> frozenset[Any]:
    """The free symbols of all `expressions` together."""
    found: set[Any] = set()
    for node in postorder(expressions):
        if isinstance(node, sympy.Symbol):
            found.add(node)
        elif is_opaque(node):
            found |= node.free_symbols
        elif isinstance(node, sympy.Piecewise):
            found.update(*(branch.cond.free_symbols for branch in node.args))
    return frozenset(found)


def size(expressions: Iterable[Any]) -> int:
    """The number of distinct subexpressions, which is the work of evaluating them all once."""
    return len(postorder(expressions))


def written_operations(expression: Any) -> int:
    """How many operations `expression` shows when it is written out, shared parts as often as they occur."""
    counts: dict[Any, int] = {}
    for node in postorder((expression,)):
        counts[node] = max(len(node.args) - 1, 1 if node.args else 0) + sum(counts[arg] for arg in children(node))
    return counts[expression]


def exceeds(expression: Any, limit: int) -> bool:
    """Whether `written_operations` of an expression are more than a limit, found out in at most about so many steps."""
    count, stack = 0, [expression]
    while stack:
        node = stack.pop()
        if not node.args:
            continue
        count += max(len(node.args) - 1, 1)
        if count > limit:
            return True
        stack.extend(children(node))
    return False


def substitute(expressions: Iterable[Any], replacements: Mapping[Any, Any]) -> tuple[Any, ...]:
    """Replace symbols (or whole subexpressions) simultaneously, keeping what is shared shared."""
    expressions = tuple(expressions)
    done: dict[Any, Any] = dict(replacements)
    for node in postorder(expressions):
        if node not in done:
            done[node] = _rebuilt(node, done, replacements)
    return tuple(done[expression] for expression in expressions)


def _rebuilt(node: Any, done: Mapping[Any, Any], replacements: Mapping[Any, Any]) -> Any:
    if not node.args:
        return node
    if is_opaque(node):
        relevant = {old: new for old, new in replacements.items() if node.has(old)}
        # Derivatives by something that is no variable any more need SymPy's Subs, which `subs` introduces.
        plain = all(getattr(new, "_diff_wrt", False) for new in relevant.values())
        return node.xreplace(relevant) if plain else node.subs(relevant, simultaneous=True)
    if isinstance(node, sympy.Piecewise):
        return sympy.Piecewise(
            *(ExprCondPair(done[branch.expr], branch.cond.xreplace(replacements)) for branch in node.args)
        )
    new = tuple(done[child] for child in node.args)
    return node if all(a is b for a, b in zip(new, node.args, strict=True)) else node.func(*new)
