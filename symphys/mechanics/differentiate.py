"""Exact derivatives of expressions with shared subexpressions, none of them simplified.

Gradients go in reverse: one sweep over the graph gives the derivatives by all variables (Griewank, Walther,
"Evaluating Derivatives", 2nd ed., section 3.2).  Rates along a flow go forward: one sweep gives the derivatives of
all expressions along one direction (section 3.1).  Functions with kinks or jumps (Abs, sign, Max, Piecewise) are
differentiated piece by piece.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sympy
from sympy.core.function import AppliedUndef, ArgumentIndexError, Derivative

from symphys.errors import UnsupportedError
from symphys.mechanics.graph import children, is_opaque, postorder

_PIECEWISE_CONSTANT = (sympy.sign, sympy.Heaviside, sympy.floor, sympy.ceiling)


def gradient(expression: Any, variables: Sequence[Any]) -> tuple[Any, ...]:
    """The derivatives of `expression` by each of the symbols `variables`, by one reverse sweep.

    Raises `UnsupportedError` for a function whose derivative SymPy does not know.
    """
    wanted = set(variables)
    order = postorder((expression,))
    active = _depending(order, wanted)
    adjoints: dict[Any, list[Any]] = {expression: [sympy.S.One]}
    for node in reversed(order):
        if node not in active or node in wanted or node not in adjoints:
            continue
        adjoint = sympy.Add(*adjoints.pop(node))
        if adjoint is sympy.S.Zero:
            continue
        if is_opaque(node) or isinstance(node, sympy.Piecewise):
            for variable, slope in _slopes_of_whole(node, variables).items():
                adjoints.setdefault(variable, []).append(adjoint * slope)
            continue
        for index, child in enumerate(children(node)):
            if child in active:
                slope = partial(node, index)
                adjoints.setdefault(child, []).append(adjoint if slope is sympy.S.One else adjoint * slope)
    return tuple(sympy.Add(*adjoints.get(variable, ())) for variable in variables)


def jacobian(expressions: Iterable[Any], variables: Sequence[Any]) -> tuple[tuple[Any, ...], ...]:
    """The rows of derivatives of each expression by each variable."""
    return tuple(gradient(expression, variables) for expression in expressions)


def directional(expressions: Iterable[Any], tangents: Mapping[Any, Any]) -> tuple[Any, ...]:
    """The derivative of each expression along `tangents` (symbol to rate), by one forward sweep over them all."""
    expressions = tuple(expressions)
    order = postorder(expressions)
    active = _depending(order, set(tangents))
    rates: dict[Any, Any] = dict(tangents)
    for node in order:
        if node not in active or node in tangents:
            continue
        if is_opaque(node) or isinstance(node, sympy.Piecewise):
            slopes = _slopes_of_whole(node, tuple(tangents))
            terms = [slope * tangents[variable] for variable, slope in slopes.items()]
        else:
            terms = [
                partial(node, index) * rates[child] for index, child in enumerate(children(node)) if child in active
            ]
        rates[node] = sympy.Add(*terms)
    return tuple(rates[expression] if expression in active else sympy.S.Zero for expression in expressions)


def partial(node: Any, index: int) -> Any:
    """The derivative of one node by its argument number `index`, the other arguments held."""
    args = node.args
    if isinstance(node, sympy.Add):
        return sympy.S.One
    if isinstance(node, sympy.Mul):
        return sympy.Mul(*args[:index], *args[index + 1 :])
    if isinstance(node, sympy.Pow):
        base, exponent = args
        return exponent * base ** (exponent - 1) if index == 0 else sympy.log(base) * node
    if isinstance(node, sympy.Max | sympy.Min):
        beats = sympy.Ge if isinstance(node, sympy.Max) else sympy.Le
        others = args[:index] + args[index + 1 :]
        return sympy.Piecewise((1, sympy.And(*(beats(args[index], other) for other in others))), (0, True))
    if isinstance(node, _PIECEWISE_CONSTANT):
        return sympy.S.Zero
    if isinstance(node, sympy.Mod):
        return sympy.S.One if index == 0 else -sympy.floor(args[0] / args[1])
    return _slope_of_function(node, index)


def _slopes_of_whole(node: Any, variables: Sequence[Any]) -> dict[Any, Any]:
    """The derivatives of a node that cannot be taken argument by argument, by those variables that it contains.

    A Piecewise becomes one of slopes: a slope times an indicator would be 0 times infinity where a branch that does not
    apply has none.
    """
    present = [variable for variable in variables if variable in node.free_symbols]
    if is_opaque(node):
        return {variable: node.diff(variable) for variable in present}
    rows = [gradient(branch.expr, present) for branch in node.args]
    slopes = [
        sympy.Piecewise(*((row[index], branch.cond) for row, branch in zip(rows, node.args, strict=True)))
        for index in range(len(present))
    ]
    return dict(zip(present, slopes, strict=True))


def _slope_of_function(node: Any, index: int) -> Any:
    try:
        slope = node.fdiff(index + 1)
    except (AttributeError, NotImplementedError, ArgumentIndexError):
        holes = [sympy.Dummy(real=True) for _ in node.args]
        slope = node.func(*holes).diff(holes[index]).subs(dict(zip(holes, node.args, strict=True)), simultaneous=True)
    undetermined = isinstance(node, AppliedUndef)
    if not undetermined and slope.has(Derivative) and not node.has(Derivative):
        raise UnsupportedError(
            f"The derivative of {node.func.__name__} by its argument number {index + 1} is not known, so {node} cannot "
            "stand in an expression that is to be differentiated; write it with functions that have one."
        )
    return slope


def _depending(order: Sequence[Any], variables: set[Any]) -> set[Any]:
    active: set[Any] = set()
    for node in order:
        through = any(child in active for child in children(node))
        if through or node in variables or (is_opaque(node) and node.free_symbols & variables):
            active.add(node)
    return active
