"""Kernels about constraints besides the steps: expressions at points, and states carried to the manifold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codegen import Intent, Kernel
from symphys.lower.constraint import projected
from symphys.lower.expressions import lower_expressions
from symphys.lower.flow import Flow
from symphys.lower.frame import LANE, Frame
from symphys.lower.saddle import motion
from symphys.mechanics.constrained import Constrained
from symphys.mechanics.dynamics import Dynamics


def at_points_kernel(dynamics: Dynamics, flow: Flow, expressions: Sequence[Any]) -> Kernel:
    """`values` [m] of expressions in jet symbols and multipliers, from `times` [], `state` [n] and `parameters` [P].

    One point an instance; signals come from their tables.
    """
    frame = Frame(flow, "float64")
    b = frame.builder
    frame.array("times", ())
    frame.array("state", (len(flow.names),))
    frame.array("values", (len(expressions),), intent=Intent.OUT)
    frame.load_parameters()
    t = b.load(str(flow.arguments.time.attribute), "times")
    x = tuple(b.load(name, "state", i) for i, name in enumerate(flow.names))
    inputs = frame.arguments(t, x)
    own = dict(zip(flow.arguments.all, inputs, strict=True))
    symbols = {symbol: own[node] for symbol, node in flow.arguments.symbols.items()}
    if isinstance(dynamics, Constrained):
        needed = set().union(*(expression.free_symbols for expression in expressions))
        if needed & set(dynamics.multipliers):
            symbols |= dict(zip(dynamics.multipliers, motion(dynamics, symbols)[1], strict=True))
    for place, value in enumerate(lower_expressions(expressions, symbols)):
        b.store("values", place, value=value)
    return Kernel("evaluate_at_points", LANE, tuple(frame.arrays), tuple(frame.scalars), b.block())


def projection_kernel(flow: Flow) -> Kernel:
    """`state` [n] carried to the constraints at the time `t_start`, one state an instance."""
    frame = Frame(flow, "float64")
    b = frame.builder
    frame.array("state", (len(flow.names),), intent=Intent.INOUT)
    t = frame.scalar("t_start")
    frame.load_parameters()
    x = tuple(b.load(f"{name}_given", "state", i) for i, name in enumerate(flow.names))
    for i, value in enumerate(projected(flow, b, frame, t, x)[0]):
        b.store("state", i, value=value)
    return Kernel("project", LANE, tuple(frame.arrays), tuple(frame.scalars), b.block())
