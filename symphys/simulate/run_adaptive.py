"""Runs whose steps follow a tolerance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.integrators import ExplicitTableau, Method, Taylor
from symphys.integrators.taylor import order_from_tolerance
from symphys.lower import adaptive, fixed
from symphys.lower.events import EventPlan
from symphys.lower.frame import RUNNING
from symphys.lower.pacer import Pacer, RungeKuttaPacer, TaylorPacer
from symphys.simulate.compiled import Kernels, Lowered
from symphys.simulate.execute import REJECTED, ROW, STATUS, STEPS, Buffers, Report, launch, make_buffers
from symphys.simulate.inputs import Instances, padded

BUDGET = 4096  # attempts a trajectory and launch
FIRST_ROWS = 256  # rows of a free run at first; doubled as they fill


@dataclass(frozen=True)
class Tolerances:
    """What steers the steps: relative and absolute error a step, bounds of the step, and how many steps at most."""

    rtol: float
    atol: float
    longest: float
    first: float
    max_steps: int


@dataclass(frozen=True)
class AdaptiveRun:
    """What an adaptive run left behind; `rows` are the saved states of a free run [n, rows, lanes], with their times."""

    buffers: Buffers
    interrupted: bool
    exhausted: NDArray[np.bool_]


def pacer_for(lowered: Lowered, method: Method, tolerances: Tolerances) -> Pacer:
    """The adaptive stepper of a method."""
    if isinstance(method, Taylor):
        return TaylorPacer(lowered.flow, method, order_from_tolerance(method, min(tolerances.rtol, 0.1)))
    assert isinstance(method, ExplicitTableau)
    return RungeKuttaPacer(lowered.flow, method)


def run_adaptive(
    lowered: Lowered,
    kernels: Kernels,
    method: Method,
    instances: Instances,
    span: tuple[float, float],
    times: NDArray[np.float64] | None,
    save_every: int,
    tolerances: Tolerances,
    watch: str,
    events: EventPlan | None,
    shared: dict[str, Any],
    tables: dict[str, float | int],
    threads: int,
    report: Report,
) -> AdaptiveRun:
    """Advance all trajectories to the end of the span; an interrupt keeps what was saved."""
    flow = lowered.flow
    pacer = pacer_for(lowered, method, tolerances)
    plan = adaptive.AdaptivePlan(times is not None, watch, events)
    order = getattr(pacer, "order", 0)
    key = ("adaptive", method.name, order, plan.sampled, watch, events.key if events else None)
    prepare, lanes = kernels.get(
        ("prepare", *key), lambda: adaptive.prepare_kernel(flow, pacer, plan, kernels.dtype), instances.count
    )
    advance, _ = kernels.get(key, lambda: adaptive.advance_kernel(flow, pacer, plan, kernels.dtype), instances.count)
    dtype = np.dtype(kernels.dtype)
    watches = len(flow.watches) if watch != fixed.WATCH_NOTHING else 0
    buffers = make_buffers(
        padded(instances.state, lanes, dtype),
        padded(instances.parameters, lanes, dtype),
        instances.count,
        lanes,
        len(adaptive.carry_names(flow, pacer)),
        watches,
        shared,
    )
    if events is not None:
        events.allocate(buffers, len(flow.names), dtype)
    rows = FIRST_ROWS if times is None else len(times)
    buffers.new("saved", (len(flow.names), rows), dtype, np.nan)
    if times is None:
        buffers.new("row_times", (rows,), dtype, np.nan)
    else:
        buffers.arrays["sample_times"] = np.ascontiguousarray(times, dtype=dtype)
    scalars: dict[str, Any] = {
        "t_start": span[0],
        "t_end": span[1],
        "direction": float(np.sign(span[1] - span[0])),
        "rtol": tolerances.rtol,
        "atol": tolerances.atol,
        "first_length": tolerances.first,
        "longest": tolerances.longest,
        "least_length": 4.0 * float(np.finfo(dtype).eps),
        "rows": rows,
        "budget": BUDGET,
        "save_every": save_every,
        **tables,
    }
    launch(prepare, buffers, scalars, threads)
    if times is None:
        _save_start(buffers, span[0])
    elif times[0] == span[0]:
        _sample_start(buffers)
    interrupted, exhausted = _advance(advance, buffers, scalars, tolerances, threads, report, times is None)
    return AdaptiveRun(buffers, interrupted, exhausted)


def _save_start(buffers: Buffers, start: float) -> None:
    buffers.arrays["saved"][:, 0] = buffers.arrays["initial"]
    buffers.arrays["row_times"][0] = start
    buffers.counter(ROW)[:] = 1


def _sample_start(buffers: Buffers) -> None:
    """A first sample at the start is the initial state itself, not an interpolation."""
    buffers.arrays["saved"][:, 0] = buffers.arrays["initial"]
    buffers.counter(ROW)[:] = 1


def _advance(
    kernel: Any,
    buffers: Buffers,
    scalars: dict[str, Any],
    tolerances: Tolerances,
    threads: int,
    report: Report,
    free: bool,
) -> tuple[bool, NDArray[np.bool_]]:
    attempts = 0
    time_row = buffers.arrays["saved"].shape[0]  # `carry` holds the time after the state
    span = scalars["t_end"] - scalars["t_start"]
    never = np.zeros(buffers.instances, dtype=bool)
    try:
        while True:
            budget = min(scalars["budget"], tolerances.max_steps - attempts)
            launch(kernel, buffers, {**scalars, "budget": budget}, threads)
            running = buffers.counter(STATUS) == RUNNING
            share = (buffers.arrays["carry"][time_row, : buffers.instances] - scalars["t_start"]) / span
            report(float(np.mean(np.where(running, share, 1.0))))
            if not running.any():
                return False, never
            if free and (buffers.counter(ROW)[running] >= scalars["rows"]).any():
                scalars["rows"] = _widen(buffers, scalars["rows"])
            attempts = int((buffers.counter(STEPS) + buffers.counter(REJECTED))[running].max())
            if attempts >= tolerances.max_steps:
                return False, running
    except KeyboardInterrupt:
        return True, never


def _widen(buffers: Buffers, rows: int) -> int:
    """Twice as many rows for a free run."""
    for name in ("saved", "row_times"):
        old = buffers.arrays[name]
        new = np.full((*old.shape[:-2], 2 * rows, old.shape[-1]), np.nan, dtype=old.dtype)
        new[..., :rows, :] = old
        buffers.arrays[name] = new
    return 2 * rows


__all__ = ["ROW", "STATUS", "STEPS", "AdaptiveRun", "Tolerances", "pacer_for", "run_adaptive"]
