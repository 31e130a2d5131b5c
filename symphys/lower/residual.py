"""Residuals of a system on samples as kernels: their values, their rows of derivatives, the gradient of a loss.

One sample an instance. What a residual is made of: the state, signals and parameters of the system; measured values;
and what the equations of motion predict for them. Derivatives by the unknown parameters are those of the IR, exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codegen import (
    Array,
    Bar,
    Builder,
    DenseJet,
    Function,
    Intent,
    Kernel,
    Load,
    Node,
    add_many,
    as_node,
    identifier,
    jacobian,
    rebuild,
    variable,
    vjp_function,
    walk,
)
from symphys.lower.arguments import Arguments, arguments_of
from symphys.lower.evaluate import solved_rates
from symphys.lower.expressions import lower_expressions, weights_read
from symphys.mechanics.dynamics import Dynamics

LANE = "sample"
RESERVED = ("state", "signals", "parameters", "times", "data", "roots", "residuals", "rows", "total", "slope", LANE)


@dataclass(frozen=True)
class Terms:
    """Residuals as nodes of the system's arguments and of measured values.

    residuals: [m], each multiplied by the root of its weight. squared: whether the loss is the mean of their squares
    (of the residuals themselves otherwise). data, roots: the variables of measured values and of roots of weights [m].
    """

    arguments: Arguments
    data: tuple[Node, ...]
    roots: tuple[Node, ...]
    residuals: tuple[Node, ...]
    squared: bool

    def unknown(self, symbols: Sequence[Any]) -> tuple[Node, ...]:
        """The variables of unknown parameters."""
        return tuple(self.arguments.symbols[s] for s in symbols)

    @property
    def used(self) -> frozenset[Node]:
        """The variables on which residuals depend."""
        return frozenset(n for n in walk(self.residuals) if n.op == "variable")

    @property
    def weights(self) -> tuple[Array, ...]:
        """The arrays of the weights on which residuals depend."""
        return weights_read(self.residuals)

    def function(self, name: str, results: Sequence[Node]) -> Function:
        """Nodes of these residuals as a function of all that they are made of."""
        return Function(name, (*self.arguments.all, *self.data, *self.roots), (), tuple(results))

    def linear_in(self, symbols: Sequence[Any], weights: Sequence[Array] = ()) -> bool:
        """Whether residuals are linear in these parameters and in these weights.

        A network is linear in its weights if it has no hidden layer, at points that depend on nothing unknown.
        """
        found = [(n, n.attribute) for n in walk(self.residuals) if isinstance(n.attribute, DenseJet)]
        jets = [n for n, jet in found if jet.network.array in weights]
        unknown = self.unknown(symbols)
        if any(jet.network.hidden for n, jet in found if n in jets):
            return False
        if any(n in unknown or n in jets for n in walk([argument for jet in jets for argument in jet.args])):
            return False
        values = tuple(variable(f"network_value_{i}") for i in range(len(jets)))
        residuals = rebuild(self.residuals, dict(zip(jets, values, strict=True)))
        slopes = [slope for row in jacobian(residuals, (*unknown, *values)) for slope in row]
        return not any(n in unknown or n in values for n in walk(slopes))


def lower_terms(
    dynamics: Dynamics,
    residuals: Sequence[Any],
    predictions: Mapping[Any, Any],
    measured: Sequence[Any],
    squared: bool = True,
) -> Terms:
    """Residuals (expressions in jet symbols, `measured` symbols and the keys of `predictions`) in nodes.

    predictions: {symbol: expression}, evaluated with the rates that the equations of motion give.
    """
    arguments = arguments_of(dynamics)
    taken = {*RESERVED, *(str(n.attribute) for n in arguments.all), *(array.name for array in arguments.weights)}
    symbols = dict(arguments.symbols)

    def fresh(wish: str) -> Node:
        text = identifier(wish, taken)
        taken.add(text)
        return variable(text)

    data = tuple(fresh(s.name) for s in measured)
    symbols |= dict(zip(measured, data, strict=True))
    wanted: set[Any] = set().union(*(e.free_symbols for e in predictions.values()))
    moving = {**symbols, **solved_rates(dynamics, arguments.symbols, wanted)}
    symbols |= dict(zip(predictions, lower_expressions(list(predictions.values()), moving), strict=True))
    roots = tuple(fresh(f"root_{i}") for i in range(len(residuals)))
    plain = lower_expressions(list(residuals), symbols)
    weighed = tuple(r * root if squared else r * root * root for r, root in zip(plain, roots, strict=True))
    return Terms(arguments, data, roots, weighed, squared)


def _open(terms: Terms) -> tuple[Builder, list[Array]]:
    """A kernel that has loaded all that residuals are made of."""
    b, a = Builder(), terms.arguments
    for name in (*RESERVED, *(array.name for array in terms.weights)):
        b.names.fresh(name)
    groups = (("state", a.state), ("signals", a.signals), ("parameters", a.parameters), ("data", terms.data))
    arrays = [Array(name, (max(len(nodes), 1),)) for name, nodes in (*groups, ("roots", terms.roots))]
    arrays += [Array("times", ()), *terms.weights]
    b.add(Load(a.time, "times", ()))
    for name, nodes in (*groups, ("roots", terms.roots)):
        for i, target in enumerate(nodes):
            b.names.fresh(str(target.attribute))
            b.add(Load(target, name, (as_node(i),)))
    return b, arrays


def residual_kernel(terms: Terms) -> Kernel:
    """`residuals` [m]."""
    b, arrays = _open(terms)
    for i, value in enumerate(terms.residuals):
        b.store("residuals", i, value=value)
    arrays.append(Array("residuals", (len(terms.residuals),), intent=Intent.OUT))
    return Kernel("residuals", LANE, tuple(arrays), (), b.block())


def widths(unknown: Sequence[Any], weights: Sequence[Array]) -> list[int]:
    """Where the columns of each network's weights begin, behind those of the unknown parameters, and where they end."""
    found = [len(unknown)]
    for array in weights:
        found.append(found[-1] + int(array.shape[0]))
    return found


def rows_kernel(terms: Terms, unknown: Sequence[Any], weights: Sequence[Array] = ()) -> Kernel:
    """`residuals` [m] and `rows` [m, U], the derivatives of each by every unknown parameter, then by `weights`.

    Rows of weights are pulled back through networks, one residual at a time, and added to what `rows` holds.
    """
    b, arrays = _open(terms)
    wrt = terms.unknown(unknown)
    edges = widths(unknown, weights)
    m = len(terms.residuals)
    rows = Array("rows", (m, max(edges[-1], 1)), intent=Intent.INOUT if weights else Intent.OUT)
    slopes = () if weights else jacobian(terms.residuals, wrt)
    for i, value in enumerate(terms.residuals):
        row: Sequence[Node]
        if weights:
            bars = {a.name: Bar(rows, (i,), edge) for a, edge in zip(weights, edges, strict=False)}
            function = terms.function(f"residual_{i}", (value,))
            value, *row = b.call(vjp_function(function, wrt, bars=bars), (*function.parameters, as_node(1.0)))
        else:
            row = slopes[i]
        b.store("residuals", i, value=value)
        for j, slope in enumerate(row):
            b.store("rows", i, j, value=slope)
    arrays += [Array("residuals", (m,), intent=Intent.OUT), rows]
    return Kernel("rows", LANE, tuple(arrays), (), b.block())


def gradient_kernel(terms: Terms, unknown: Sequence[Any], weights: Sequence[Array] = ()) -> Kernel:
    """`total` [1] and `slope` [U]: the sum of the losses of all samples and its gradient, in one reverse sweep."""
    b, arrays = _open(terms)
    values = terms.residuals
    loss = add_many([r * r for r in values] if terms.squared else values)
    wrt, edges = terms.unknown(unknown), widths(unknown, weights)
    slope = Array("slope", (max(edges[-1], 1),), intent=Intent.SUM, instanced=False)
    bars = {a.name: Bar(slope, (), edge) for a, edge in zip(weights, edges, strict=False)}
    function = terms.function("loss", (loss,))
    value, *found = b.call(vjp_function(function, wrt, bars=bars), (*function.parameters, as_node(1.0)))
    b.accumulate("total", 0, value=value)
    for j, each in enumerate(found):
        b.accumulate("slope", j, value=each)
    arrays += [Array("total", (1,), intent=Intent.SUM, instanced=False), slope]
    return Kernel("gradient", LANE, tuple(arrays), (), b.block())
