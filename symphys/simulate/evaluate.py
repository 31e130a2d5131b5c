"""Derived quantities on arrays, through the same kernels as everything else."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.language import spread_arrays
from symphys.language.networks import networks_in
from symphys.lower.evaluate import evaluate_kernel
from symphys.mechanics.dynamics import Dynamics
from symphys.mechanics.graph import postorder
from symphys.mechanics.jets import from_jet, to_jet
from symphys.mechanics.read import scalar
from symphys.simulate.compiled import Kernels
from symphys.simulate.execute import cores
from symphys.simulate.inputs import (
    broadcast_shape,
    check_assumptions,
    numbers,
    padded,
    real_numbers,
    refuse_missing,
    refuse_strange,
)
from symphys.simulate.weights import kernel_weights, split_weights

Reader = Callable[[str, Any, Any], NDArray[np.float64]]


def evaluate_expression(
    dynamics: Dynamics,
    kernels: Kernels,
    expression: Any,
    state: Mapping[Any, Any],
    parameters: Mapping[Any, Any],
    t: Any,
) -> NDArray[np.float64]:
    """The values of an expression (or of several, on a first axis) at states, parameters and times that broadcast.

    `kernels` keeps what was compiled for the next call. States may hold NaN, as they do beyond the end of trajectories;
    so does then what is evaluated there.

    Raises InputError for symbols that the system does not have, for values that are missing where the expression needs
    them, and for arrays that do not fit each other.
    """
    parameters = spread_arrays(parameters)
    several = isinstance(expression, Sequence | sympy.MatrixBase)
    listed = list(expression) if several else [expression]
    jets = [read_expression(dynamics, e) for e in listed]
    signals = [user for _, user in dynamics.signals]
    networks = networks_in(postorder(jets))
    known = {*dynamics.labels, *dynamics.parameters, *signals, *dynamics.networks, *networks}
    refuse_strange([k for k in (*state, *parameters) if k not in known], sorted(known, key=str), "symbol")
    given = {**state, **parameters}
    needed = {s for jet in jets for s in jet.free_symbols}
    accelerating = not needed <= {
        *dynamics.state,
        *dynamics.parameters,
        dynamics.time,
        *(s for s, _ in dynamics.signals),
    }
    if accelerating:
        needed = {*dynamics.state, *dynamics.parameters, dynamics.time, *(s for s, _ in dynamics.signals)}
    used = tuple(dict.fromkeys((*networks, *dynamics.networks))) if accelerating else networks
    times = numbers("time", "t", t)
    columns = {
        "state": _columns(dynamics.state, dynamics.labels, needed, given, "value", real_numbers),
        "parameters": _columns(dynamics.parameters, dynamics.parameters, needed, given, "value"),
        "signals": _columns(
            [s for s, _ in dynamics.signals], signals, needed, at_times(signals, given, times), "signal"
        ),
    }
    shape = broadcast_shape({"t": times, **{(n, i): a for n, arrays in columns.items() for i, a in enumerate(arrays)}})
    count = math.prod(shape)
    weights, _ = split_weights({network: given[network] for network in used if network in given}, used)
    kernel, lanes = kernels.get(("evaluate", *jets), lambda: evaluate_kernel(dynamics, jets), count)
    arrays = {
        name: padded(
            np.array([np.broadcast_to(a, shape).reshape(-1) for a in values]).reshape(len(values), count),
            lanes,
            np.float64,
        )
        for name, values in columns.items()
    }
    arrays |= kernel_weights(weights)
    arrays["times"] = padded(np.broadcast_to(times, shape).reshape(1, -1), lanes, np.float64)[0]
    arrays["values"] = np.zeros((len(jets), arrays["times"].shape[-1]))
    kernel(arrays, {}, (count,), threads=cores())
    values = arrays["values"][:, :count].reshape(len(jets), *shape)
    return values if several else values[0]


def read_expression(dynamics: Dynamics, expression: Any) -> Any:
    """An expression in jet symbols, all of which the system has; InputError for others."""
    jet = to_jet(scalar(expression, "expression"), dynamics.space)
    space = dynamics.space
    known = {*dynamics.parameters, dynamics.time, *(s for s, _ in dynamics.signals)}
    orders = [order for order in map(space.order, dynamics.state) if order is not None]
    solved = 1 + max(order for _, order in orders)  # what follows from the equations of motion
    known |= {space.symbol(function, order) for function, _ in orders for order in range(solved + 1)}
    known |= {*getattr(dynamics, "multipliers", ()), *getattr(dynamics, "idle", ())}
    if strange := sorted(str(from_jet(s, space)) for s in jet.free_symbols - known):
        have = ", ".join(str(s) for s in (*dynamics.labels, *dynamics.parameters))
        raise InputError(
            f"{expression} holds {strange[0]}, which the system does not have; it has {have}, t, "
            f"and time derivatives up to order {solved}"
        )
    return jet


def _columns(
    symbols: Any, labels: Any, needed: set[Any], given: Mapping[Any, Any], what: str, read: Reader = numbers
) -> list[NDArray[np.float64]]:
    refuse_missing([u for s, u in zip(symbols, labels, strict=True) if s in needed and u not in given], what, given)
    columns = []
    for label in labels:
        column = read(what, label, given.get(label, 0.0))
        if label in given:
            check_assumptions(label, column)
        columns.append(column)
    return columns


def at_times(signals: Sequence[Any], given: Mapping[Any, Any], times: NDArray[np.float64]) -> dict[Any, Any]:
    """Signals given as functions of time, at these times; numbers and arrays as they are."""
    found = {}
    for signal in signals:
        if signal in given:
            value = given[signal]
            if isinstance(value, tuple):
                raise InputError(
                    f"the signal {signal} is given as samples; evaluate takes its value or a function of time"
                )
            found[signal] = np.vectorize(value, otypes=[float])(times) if callable(value) else value
    return found
