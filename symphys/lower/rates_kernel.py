"""A kernel that evaluates functions of a system at given points: rates and their Jacobian for foreign integrators."""

from __future__ import annotations

from collections.abc import Sequence

from codegen import Function, Intent, Kernel, Let, jacobian
from symphys.lower.arguments import function_of
from symphys.lower.flow import Flow
from symphys.lower.frame import LANE, Frame
from symphys.lower.straight import straight_line


def functions_kernel(flow: Flow, functions: Sequence[Function], dtype: str) -> Kernel:
    """`values` [m] of functions of (t, state, signals, parameters), from `times` [], `state` [n] and `parameters` [P].

    One point an instance; the results of the functions stand one after the other.
    """
    frame = Frame(flow, dtype)
    b = frame.builder
    frame.array("times", ())
    frame.array("state", (len(flow.names),))
    frame.array("values", (max(sum(len(f.results) for f in functions), 1),), intent=Intent.OUT)
    frame.load_parameters()
    t = b.load(str(flow.arguments.time.attribute), "times")
    x = tuple(b.load(name, "state", i) for i, name in enumerate(flow.names))
    inputs = frame.arguments(t, x)
    place = 0
    for function in functions:
        for value in b.call(function, inputs):
            b.store("values", place, value=value)
            place += 1
    return Kernel("evaluate_functions", LANE, tuple(frame.arrays), tuple(frame.scalars), b.block())


def rates_jacobian(flow: Flow) -> Function | None:
    """The function that gives d rates_i / d x_j, row by row; None where the rates are found by loops."""
    if any(not isinstance(statement, Let) for statement in flow.rates.body):
        return None
    rows = jacobian(straight_line(flow.rates), flow.arguments.state)
    names = flow.names
    wishes = [f"d_{f}_d_{x}" for f in names for x in names]
    return function_of("rates_jacobian", flow.arguments.all, [entry for row in rows for entry in row], wishes)
