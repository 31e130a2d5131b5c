"""A kernel that evaluates expressions of a system on arrays: accelerations, energies, anything that was derived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sympy

from codegen import Array, Builder, CompilerBug, Intent, Kernel, Load, Node, as_node, real
from symphys.lower.arguments import arguments_of
from symphys.lower.expressions import lower_expressions, weights_read
from symphys.lower.flow import accelerations, rate_nodes
from symphys.lower.frame import LANE
from symphys.lower.saddle import motion
from symphys.mechanics.constrained import Constrained
from symphys.mechanics.dynamics import Dynamics, SecondOrder
from symphys.mechanics.jets import JetSpace


def evaluate_kernel(dynamics: Dynamics, expressions: Sequence[Any]) -> Kernel:
    """`values` [m] of m expressions in jet symbols, from `state` [n], `parameters` [P], `signals` [U] and `times` [].

    One point an instance. Accelerations and multipliers (and the rates of first-order states) that occur are solved
    from the equations of motion first.
    """
    a = arguments_of(dynamics)
    symbols = dict(a.symbols)
    needed = set().union(*(sympy.sympify(e).free_symbols for e in expressions))
    symbols.update(solved_rates(dynamics, symbols, needed))
    values = lower_expressions(expressions, symbols)
    b = Builder()
    for p in a.all:
        b.names.fresh(str(p.attribute))
    arrays = (
        Array("state", (max(len(a.state), 1),)),
        Array("signals", (max(len(a.signals), 1),)),
        Array("parameters", (max(len(a.parameters), 1),)),
        Array("times", ()),
        Array("values", (len(expressions),), intent=Intent.OUT),
        *weights_read(values),
    )
    for array, inputs in (("state", a.state), ("signals", a.signals), ("parameters", a.parameters)):
        for i, target in enumerate(inputs):
            _bind(b, target, array, i)
    _bind(b, a.time, "times")
    for i, value in enumerate(values):
        b.store("values", i, value=value)
    return Kernel("evaluate", LANE, arrays, (), b.block())


def _bind(b: Builder, target: Node, array: str, *index: int) -> None:
    b.add(Load(target, array, tuple(as_node(i) for i in index)))


def solved_rates(dynamics: Dynamics, symbols: Mapping[Any, Node], needed: set[Any]) -> dict[Any, Node]:
    """Nodes for those jet symbols of `needed` that follow from the equations of motion: rates and multipliers."""
    space = dynamics.space
    found: dict[Any, Node] = {}
    if isinstance(dynamics, Constrained):
        wanted = [_rate(space, q, 2) for q in dynamics.coordinates]
        found.update(dict.fromkeys(dynamics.idle, real(0.0)))
        if needed & {*wanted, *dynamics.multipliers}:
            solved, multipliers = motion(dynamics, symbols)
            found.update(zip(wanted, solved, strict=True))
            found.update(zip(dynamics.multipliers, multipliers, strict=True))
        return found
    if isinstance(dynamics, SecondOrder):
        wanted = [_rate(space, q, 2) for q in dynamics.coordinates]
        if needed & set(wanted):
            found.update(zip(wanted, accelerations(dynamics, symbols), strict=True))
        return found
    wanted = [_rate(space, x, 1) for x in dynamics.state]
    if needed & set(wanted):
        found.update(zip(wanted, rate_nodes(dynamics, symbols), strict=True))
    return found


def _rate(space: JetSpace, symbol: Any, order: int) -> Any:
    """The jet symbol of a time derivative of what `symbol` stands for."""
    known = space.order(symbol)
    if known is None:
        raise CompilerBug(f"{symbol} is no jet symbol of its own system")
    return space.symbol(known[0], order)
