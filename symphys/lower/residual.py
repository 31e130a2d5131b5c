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
    Builder,
    Intent,
    Kernel,
    Load,
    Node,
    add_many,
    as_node,
    identifier,
    jacobian,
    lower_expressions,
    variable,
    vjp,
    walk,
)
from symphys.lower.arguments import Arguments, arguments_of
from symphys.lower.evaluate import solved_rates
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

    def linear_in(self, symbols: Sequence[Any]) -> bool:
        """Whether no slope of a residual depends on these parameters."""
        unknown = self.unknown(symbols)
        slopes = [slope for row in jacobian(self.residuals, unknown) for slope in row]
        return not any(n in unknown for n in walk(slopes))


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
    taken = {*RESERVED, *(str(n.attribute) for n in arguments.all)}
    symbols = dict(arguments.symbols)

    def fresh(wish: str) -> Node:
        text = identifier(wish, taken)
        taken.add(text)
        return variable(text)

    data = tuple(fresh(f"measured_{s.name}") for s in measured)
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
    for name in RESERVED:
        b.names.fresh(name)
    groups = (("state", a.state), ("signals", a.signals), ("parameters", a.parameters), ("data", terms.data))
    arrays = [Array(name, (max(len(nodes), 1),)) for name, nodes in (*groups, ("roots", terms.roots))]
    arrays.append(Array("times", ()))
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


def rows_kernel(terms: Terms, unknown: Sequence[Any]) -> Kernel:
    """`residuals` [m] and `rows` [m, U], the derivatives of each by every unknown parameter."""
    b, arrays = _open(terms)
    wrt = terms.unknown(unknown)
    for i, (value, row) in enumerate(zip(terms.residuals, jacobian(terms.residuals, wrt), strict=True)):
        b.store("residuals", i, value=value)
        for j, slope in enumerate(row):
            b.store("rows", i, j, value=slope)
    arrays.append(Array("residuals", (len(terms.residuals),), intent=Intent.OUT))
    arrays.append(Array("rows", (len(terms.residuals), max(len(wrt), 1)), intent=Intent.OUT))
    return Kernel("rows", LANE, tuple(arrays), (), b.block())


def gradient_kernel(terms: Terms, unknown: Sequence[Any]) -> Kernel:
    """`total` [1] and `slope` [U]: the sum of the losses of all samples and its gradient, in one reverse sweep."""
    b, arrays = _open(terms)
    values = terms.residuals
    loss = add_many([r * r for r in values] if terms.squared else values)
    b.accumulate("total", 0, value=loss)
    for j, slope in enumerate(vjp((loss,), (as_node(1.0),), terms.unknown(unknown))):
        b.accumulate("slope", j, value=slope)
    arrays.append(Array("total", (1,), intent=Intent.SUM, instanced=False))
    arrays.append(Array("slope", (max(len(unknown), 1),), intent=Intent.SUM, instanced=False))
    return Kernel("gradient", LANE, tuple(arrays), (), b.block())
