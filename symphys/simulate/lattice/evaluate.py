"""Any expression in fields, their derivatives, coordinates and parameters, at all points of a grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from codegen import Program, get_backend
from symphys.discretise import Grid
from symphys.errors import InputError, UnsupportedError
from symphys.fields.derive import convolutions_in
from symphys.fields.dynamics import FieldDynamics
from symphys.language.networks import networks_in
from symphys.lower.lattice.plan import Plan
from symphys.mechanics.graph import postorder
from symphys.mechanics.probe import vanishes
from symphys.simulate.execute import cores
from symphys.simulate.inputs import numbers
from symphys.simulate.lattice.choose import choose_field_method
from symphys.simulate.lattice.given import given_functions, labels_of, member_of, read_inputs
from symphys.simulate.lattice.machine import build_machine
from symphys.simulate.lattice.running import Run


def evaluate_on_grid(
    dynamics: FieldDynamics,
    expression: Any,
    state: Mapping[Any, Any],
    parameters: Mapping[Any, Any],
    grid: Any,
    t: Any,
    order: int | None,
    backend: str,
) -> NDArray[Any]:
    """[..., *grid], an expression in jet symbols of the state; see `LagrangianDensity.evaluate`."""
    if not isinstance(grid, Grid):
        raise InputError(f"grid is {grid!r}; give a Grid, such as Grid({{x: (-10, 10, 256)}})")
    _check_rates(dynamics, expression)
    layout = choose_field_method(dynamics, grid, "auto", order).layout
    # layers that damp are no part of an expression, and their ends have no slope
    places = {axis.coordinate: (axis.start, axis.stop, axis.count) for axis in grid.axes}
    left, right = (
        {axis.coordinate: axis.ends[side].replace("absorbing", "neumann") for axis in grid.axes} for side in (0, 1)
    )
    still = Grid(places, {x: (left[x], right[x]) for x in places})
    asked = _asked(dynamics, expression)
    layout = replace(layout, dynamics=asked, ends=tuple(axis.ends for axis in still.axes))
    known = {label for u in dynamics.unknowns for label in labels_of(u)}
    known |= {*dynamics.parameters, *given_functions(dynamics), *asked.parameters, *given_functions(asked)}
    known |= {*dynamics.networks, *asked.networks}
    if strange := [key for key in (*state, *parameters) if key not in known]:
        listed = ", ".join(sorted(map(str, known)))
        raise InputError(f"{strange[0]} is no part of this theory; it has {listed}")
    used = {*asked.parameters, *given_functions(asked), *asked.networks}
    whole = _whole_state(dynamics, asked, expression, state)
    inputs = read_inputs(asked, still, whole, {s: v for s, v in parameters.items() if s in used})
    times = numbers("time", dynamics.time, t)
    shape = np.broadcast_shapes(inputs.shape, times.shape)
    plan = Plan(Program("still", (), (), ()), (), {}, {}, {}, layout.order is None, 0)
    machine = build_machine(layout, plan, get_backend(backend), "float64", (), (expression,))
    values = np.zeros((*shape, *grid.shape), dtype=np.complex128)
    for member in np.ndindex(*shape):
        own = {symbol: float(np.broadcast_to(a, shape)[member]) for symbol, a in inputs.numbers.items()}
        time = float(np.broadcast_to(times, shape)[member])
        run = Run(machine, still, own, inputs.functions, 1.0, time, cores(), inputs.weights)
        run.put({label: member_of(a, shape, grid.shape, member) for label, a in inputs.state.items()})
        (found,) = run.probe((expression,))
        values[member][run.frame.inside] = found
    real = vanishes((expression - dynamics.jets.conjugated(expression),))
    return values.real.copy() if real else values


def _check_rates(dynamics: FieldDynamics, expression: Any) -> None:
    """Raise UnsupportedError for rates of what the equations do not move."""
    orders = {u.field: u.order for u in dynamics.unknowns}
    for symbol in dynamics.jets.present((expression,)):
        jet = dynamics.jets.jet(symbol)
        if jet is not None and jet.index[0] >= orders.get(jet.function, 1):
            raise UnsupportedError(
                f"{dynamics.jets.written(symbol)} in the expression is a rate that the equations do not give"
            )


def _asked(dynamics: FieldDynamics, expression: Any) -> FieldDynamics:
    """The theory with what the expression names instead of what its rates name; nothing in it moves."""
    jets = dynamics.jets
    convolutions = convolutions_in((expression,), jets)
    inside = (expression, *(each.term.argument for each in convolutions))
    fields = {u.field for u in dynamics.unknowns}
    present = [(s, jet) for s in jets.present(inside) if (jet := jets.jet(s)) is not None]
    given = tuple(s for s, jet in present if jet.function in jets.given and jet.function not in fields)
    symbols = set().union(*(each.free_symbols for each in inside), *(c.term.kernel.free_symbols for c in convolutions))
    parameters = sorted(
        (s for s in symbols if jets.jet(s) is None and s not in dynamics.coordinates and isinstance(s, sympy.Symbol)),
        key=str,
    )
    found = replace(dynamics, parameters=tuple(parameters), given=given, convolutions=convolutions)
    return replace(found, laws=(), constraints=(), energy=(), networks=networks_in(postorder(inside)))


def _whole_state(
    dynamics: FieldDynamics, asked: FieldDynamics, expression: Any, state: Mapping[Any, Any]
) -> dict[Any, Any]:
    """The state with zeros for what the expression does not ask for; InputError for what it does."""
    jets = dynamics.jets
    inside = (expression, *(each.term.argument for each in asked.convolutions))
    found = [jet for s in jets.present(inside) if (jet := jets.jet(s)) is not None]
    whole = {}
    for unknown in dynamics.unknowns:
        for rate, label in enumerate(labels_of(unknown)):
            needed = any(jet.function == unknown.field and jet.index[0] == rate for jet in found)
            if needed and label not in state:
                raise InputError(f"the expression needs values of {label}; add {{{label}: [*grid]}} to the state")
            whole[label] = state.get(label, 0.0)
    return whole
