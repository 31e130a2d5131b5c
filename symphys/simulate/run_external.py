"""Stiff runs through SciPy's implicit integrators, on the compiled right-hand side and its Jacobian.

SciPy steps one trajectory at a time. What it finds is written into the same buffers that adaptive kernels fill, so that
results, events and drifts are those of every other run. Virtanen et al., Nature Methods 17 (2020) 261.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import Function, HostMemory
from symphys.integrators import External
from symphys.lower.frame import FINISHED, NOT_FINITE, RUNNING, STATUS, STEP_TOO_SMALL, STEPS
from symphys.lower.rates_kernel import functions_kernel, rates_jacobian
from symphys.simulate.execute import Buffers, Report
from symphys.simulate.request import RunRequest, Sampling, Tolerances
from symphys.simulate.run import begin
from symphys.simulate.run_adaptive import FIRST_ROWS, AdaptiveRun
from symphys.simulate.track import Evaluator, Functions, Track, Vector

LEAST_RTOL = 100.0 * np.finfo(np.float64).eps  # what SciPy accepts


def run_external(request: RunRequest, sampling: Sampling, tolerances: Tolerances) -> AdaptiveRun:
    """Advance the trajectories one after the other to the end of the span; an interrupt keeps what was saved.

    Works in float64 whatever the precision of the results. SciPy steps on the host on every backend; rates, Jacobian,
    watches and events are evaluated on the backend, a point at a time, which a GPU is not made for.
    """
    method, instances = request.method, request.instances
    assert isinstance(method, External)
    functions = functions_of(request)
    buffers = _buffers(request, sampling.times)
    exhausted = np.zeros(instances.count, dtype=bool)
    for index in range(instances.count):
        functions.set_parameters(instances.parameters[:, index])
        track = Track(
            buffers, index, functions, sampling.times, sampling.save_every, request.events, request.span, request.ledger
        )
        try:
            start = instances.state[:, index]
            exhausted[index] = _advance(track, method, start, tolerances, request.report, instances.count)
        except KeyboardInterrupt:
            return AdaptiveRun(_as_dtype(buffers, request.dtype), True, exhausted)
    return AdaptiveRun(_as_dtype(buffers, request.dtype), False, exhausted)


def functions_of(request: RunRequest) -> Functions:
    """What a run evaluates at single points, in float64."""
    flow, events, ledger = request.lowered.flow, request.events, request.ledger
    slopes = rates_jacobian(flow)
    watched = [w.function for w in flow.watches] if request.watch_every else []
    return Functions(
        rates_of(request),
        None if slopes is None else _evaluator(request, "jacobian", [slopes]),
        _evaluator(request, "watches", watched) if watched else None,
        _evaluator(request, "ledger", [ledger.powers, ledger.energy]) if ledger is not None else None,
        None if events is None else _evaluator(request, events.key, [e.function for e in events.events]),
    )


def rates_of(request: RunRequest) -> Evaluator:
    """x' of a run's system at single points, in float64."""
    return _evaluator(request, "rates", [request.lowered.flow.rates])


def _evaluator(request: RunRequest, key: Any, functions: list[Function]) -> Evaluator:
    def build() -> Any:
        return functions_kernel(request.lowered.flow, functions, "float64")

    kernel, _ = replace(request.kernels, dtype="float64").get(("external", key), build, 1)
    own = [array for array in kernel.kernel.arrays if array.instanced]
    arrays = {array.name: np.zeros((*(int(size) for size in array.shape), 1)) for array in own}
    tabled = {name: np.ascontiguousarray(table, dtype=np.float64) for name, table in request.tables.items()}
    return Evaluator(kernel, {**arrays, **tabled}, dict(request.places))


def _buffers(request: RunRequest, times: NDArray[np.float64] | None) -> Buffers:
    rows, carry = FIRST_ROWS if times is None else len(times), len(request.lowered.flow.names) + 1
    here = replace(request, instances=request.instances.on_host())
    buffers = begin(here, HostMemory(), 1, np.dtype(np.float64), carry, rows)
    if times is None:
        buffers.new("row_times", (rows,), np.float64, np.nan)
    return buffers


def _as_dtype(buffers: Buffers, dtype: np.dtype[Any]) -> Buffers:
    buffers.arrays["saved"] = buffers.arrays["saved"].astype(dtype)
    return buffers


def _advance(
    track: Track, method: External, start: Vector, tolerances: Tolerances, report: Report, trajectories: int
) -> bool:
    """One trajectory; whether it ran out of steps."""
    solver = _solver(track, method, start, tolerances)
    counters = track.buffers.arrays["counters"][:, track.index]
    track.begin(start)
    first, last = track.span
    while counters[STATUS] == RUNNING:
        before, t_before = solver.y.copy(), solver.t
        with warnings.catch_warnings():  # the status says what they warn of
            warnings.simplefilter("ignore")
            try:
                message = solver.step()
            except (ValueError, np.linalg.LinAlgError):
                if track.functions.rates.finite and (
                    track.functions.jacobian is None or track.functions.jacobian.finite
                ):
                    raise
                message, solver.status = "not finite", "failed"
        if solver.status == "failed":
            finite = message != "not finite" and track.functions.rates.finite
            counters[STATUS] = STEP_TOO_SMALL if finite else NOT_FINITE
            return False
        if not np.isfinite(solver.y).all():
            counters[STATUS] = NOT_FINITE
            return False
        counters[STEPS] += 1
        track.take(t_before, before, solver)
        report((track.index + (solver.t - first) / (last - first)) / trajectories)
        if counters[STATUS] == RUNNING and solver.status == "finished":
            counters[STATUS] = FINISHED
        elif counters[STATUS] == RUNNING and counters[STEPS] >= tolerances.max_steps:
            return True
    return False


def _solver(track: Track, method: External, start: Vector, tolerances: Tolerances) -> Any:
    from scipy import integrate

    n, slopes = len(start), track.functions.jacobian
    return getattr(integrate, method.scipy_name)(
        track.functions.rates,
        track.span[0],
        start.astype(np.float64),
        track.span[1],
        rtol=max(tolerances.rtol, LEAST_RTOL),
        atol=tolerances.atol,
        max_step=tolerances.longest,
        first_step=min(tolerances.first, abs(track.span[1] - track.span[0])) or None,
        jac=None if slopes is None else lambda t, x: slopes(t, x).reshape(n, n),
    )
