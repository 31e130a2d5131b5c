"""Constraints in runs: initial states checked and projected, multipliers along trajectories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from codegen import Kernel, get_backend, optimise_kernel
from symphys.errors import InputError
from symphys.lower.constraint_kernel import at_points_kernel, projection_kernel
from symphys.lower.flow import Flow
from symphys.mechanics.constrained import Constrained
from symphys.mechanics.differentiate import gradient
from symphys.mechanics.dynamics import Dynamics
from symphys.mechanics.energy import additive_terms
from symphys.mechanics.jets import from_jet
from symphys.simulate.inputs import Instances

HELD = {"float64": 1e-10, "float32": 1e-5}  # residual of a constraint, relative to its largest terms
DISTANCE = {"float64": 1e-12, "float32": 1e-6}  # from the manifold, where all terms are small
Arrays = Mapping[str, NDArray[Any]]
Scalars = Mapping[str, float | int]


def evaluate_along(
    dynamics: Dynamics,
    flow: Flow,
    expressions: Sequence[Any],
    state: NDArray[Any],
    parameters: NDArray[Any],
    times: NDArray[Any],
    tables: Arrays,
    places: Scalars,
) -> NDArray[np.float64]:
    """The values [m, points] of expressions in jet symbols and multipliers, at `state` [n, points] and `times`."""
    arrays = {
        "state": np.ascontiguousarray(state, dtype=np.float64),
        "parameters": _at_least_one(parameters),
        "times": np.ascontiguousarray(times, dtype=np.float64),
        "values": np.zeros((len(expressions), times.size)),
        **tables,
    }
    _run(at_points_kernel(dynamics, flow, expressions), arrays, places, times.size)
    return arrays["values"]


def consistent(
    dynamics: Dynamics,
    flow: Flow,
    instances: Instances,
    start: float,
    dtype: str,
    project: bool,
    tables: Arrays,
    places: Scalars,
) -> Instances:
    """The instances, if their states obey the constraints, or projected to them.

    Raises InputError, naming a constraint, its residual and the remedy, for states that do not obey them, and where
    the projection does not converge.
    """
    if not isinstance(dynamics, Constrained):
        return instances
    if project:
        instances = _projected(flow, instances, start, tables, places)
    constraints, rates = _all(dynamics)
    m = len(constraints)
    velocities = dynamics.velocities
    slopes = [sympy.Add(*map(sympy.Abs, gradient(rate, velocities))) for rate in rates]
    sizes = [sympy.Add(*(sympy.Abs(term) for term in additive_terms(each))) for each in (*constraints, *rates)]
    times = np.full(instances.count, start)
    expressions = [*constraints, *rates, *sizes, *slopes]
    values = evaluate_along(dynamics, flow, expressions, instances.state, instances.parameters, times, tables, places)
    residuals, scales, steep = values[: 2 * m], values[2 * m : 4 * m], np.tile(values[4 * m :], (2, 1))
    bad = ~(np.abs(residuals) <= HELD[dtype] * scales + DISTANCE[dtype] * steep)
    if bad.any():
        _refuse(dynamics, residuals, bad, instances, project)
    return instances


def _all(dynamics: Constrained) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The constraints and their rates, the redundant ones too: there may be states that they alone exclude."""
    return (*dynamics.constraints, *dynamics.redundant), (*dynamics.constraint_rates, *dynamics.redundant_rates)


def multipliers_along(
    dynamics: Dynamics,
    flow: Flow,
    saved: NDArray[Any],
    times: NDArray[Any],
    instances: Instances,
    tables: Arrays,
    places: Scalars,
) -> dict[Any, NDArray[np.float64]]:
    """The multipliers [..., rows] of each trajectory at its saved states [n, rows, instances] and times [..., rows]."""
    if not isinstance(dynamics, Constrained):
        return {}
    n, rows, count = saved.shape
    clock = np.broadcast_to(times, (*instances.shape, rows)).reshape(count, rows).T.reshape(-1)
    parameters = np.tile(instances.parameters, (1, rows))
    with np.errstate(all="ignore"):  # beyond its end a trajectory is NaN
        values = evaluate_along(
            dynamics, flow, dynamics.multipliers, saved.reshape(n, -1), parameters, clock, tables, places
        )
    shaped = np.moveaxis(values.reshape(-1, rows, count), 1, -1).reshape(-1, *instances.shape, rows)
    idle = {symbol: np.where(np.isfinite(shaped[0]), 0.0, np.nan) for symbol in dynamics.idle}
    return {**dict(zip(dynamics.multipliers, shaped, strict=True)), **idle}


def _projected(flow: Flow, instances: Instances, start: float, tables: Arrays, places: Scalars) -> Instances:
    arrays = {
        "state": np.ascontiguousarray(instances.state, dtype=np.float64).copy(),
        "parameters": _at_least_one(instances.parameters),
        **tables,
    }
    _run(projection_kernel(flow), arrays, {"t_start": start, **places}, instances.count)
    return replace(instances, components=list(arrays["state"]))


def _refuse(
    dynamics: Constrained, residuals: NDArray[Any], bad: NDArray[np.bool_], instances: Instances, project: bool
) -> None:
    index, instance = (int(i) for i in np.argwhere(bad)[0])
    constraints, rates = _all(dynamics)
    m = len(constraints)
    constraint = from_jet(constraints[index % m], dynamics.space)
    where = f" of trajectory {np.unravel_index(instance, instances.shape)}" if instances.shape else ""
    found = f"{residuals[index, instance]:.6g}"
    if project:
        raise InputError(
            f"the initial state{where} could not be projected to the constraint {constraint} = 0: the residual is "
            f"still {found}; start nearer to it"
        )
    if index < m:
        what = f"violates the constraint {constraint} = 0: the residual is {found}"
    else:
        rate = from_jet(rates[index - m], dynamics.space)
        what = f"moves off the constraint {constraint} = 0: its rate {rate} is {found} and should be 0"
    raise InputError(
        f"the initial state{where} {what}; give values that obey it, or project_initial=True to take the nearest ones"
    )


def _at_least_one(parameters: NDArray[Any]) -> NDArray[np.float64]:
    values = np.ascontiguousarray(parameters, dtype=np.float64)
    return values if len(values) else np.zeros((1, values.shape[1]))


def _run(kernel: Kernel, arrays: dict[str, NDArray[Any]], scalars: Scalars, count: int) -> None:
    if count:
        get_backend("reference").compile(optimise_kernel(kernel))(arrays, dict(scalars), (count,))
