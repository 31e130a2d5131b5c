"""Stiff runs through SciPy's implicit integrators, on the compiled right-hand side and its Jacobian.

SciPy steps one trajectory at a time. What it finds is written into the same buffers that adaptive kernels fill, so that
results, events and drifts are those of every other run. Virtanen et al., Nature Methods 17 (2020) 261.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import CompiledKernel, Function
from symphys.errors import UnsupportedError
from symphys.integrators import External, Method
from symphys.lower.events import EventPlan
from symphys.lower.fixed import WATCH_NOTHING
from symphys.lower.frame import EVENT, FINISHED, NOT_FINITE, RUNNING, STEP_TOO_SMALL
from symphys.lower.rates_kernel import functions_kernel, rates_jacobian
from symphys.simulate.compiled import Kernels, Lowered
from symphys.simulate.execute import ROW, STATUS, STEPS, Buffers, Report, make_buffers
from symphys.simulate.inputs import Instances
from symphys.simulate.run_adaptive import FIRST_ROWS, AdaptiveRun, Tolerances

Vector = NDArray[np.float64]
Value = Callable[[float, Vector], Vector]
LEAST_RTOL = 100.0 * np.finfo(np.float64).eps  # what SciPy accepts


@dataclass
class Evaluator:
    """Functions of one trajectory's system, evaluated one point at a time in float64."""

    kernel: CompiledKernel
    arrays: dict[str, NDArray[Any]]
    scalars: dict[str, Any]
    finite: bool = True  # whether the last values were

    def set_parameters(self, parameters: Vector) -> None:
        """The parameters of the trajectory that is coming."""
        self.arrays["parameters"][: len(parameters), 0] = parameters

    def __call__(self, t: float, x: Vector) -> Vector:
        """The values at one point."""
        self.arrays["times"][0] = t
        self.arrays["state"][:, 0] = x
        self.kernel(self.arrays, self.scalars, (1,))
        values: Vector = self.arrays["values"][:, 0].copy()
        self.finite = bool(np.isfinite(values).all())
        return values


@dataclass(frozen=True)
class Functions:
    """What a run evaluates; None where there is nothing of the kind."""

    rates: Evaluator
    jacobian: Evaluator | None
    watches: Evaluator | None
    events: Evaluator | None

    def set_parameters(self, parameters: Vector) -> None:
        """The parameters of the trajectory that is coming."""
        for each in (self.rates, self.jacobian, self.watches, self.events):
            if each is not None:
                each.set_parameters(parameters)


def run_external(
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
    """Advance the trajectories one after the other to the end of the span; an interrupt keeps what was saved.

    Works in float64 whatever the precision of the results. Raises UnsupportedError for the backend "cuda".
    """
    del threads
    assert isinstance(method, External)
    if kernels.backend.name == "cuda":
        raise UnsupportedError(f"method {method.name!r} runs through SciPy on the host; compile with backend='cpu'")
    functions = _functions(lowered, kernels, watch, events, shared, tables)
    buffers = _buffers(lowered, instances, times, events, watch)
    exhausted = np.zeros(instances.count, dtype=bool)
    for index in range(instances.count):
        functions.set_parameters(instances.parameters[:, index])
        track = _Track(buffers, index, functions, times, save_every, events, span)
        try:
            exhausted[index] = _advance(track, method, instances.state[:, index], tolerances, report, instances.count)
        except KeyboardInterrupt:
            return AdaptiveRun(_as_dtype(buffers, kernels.dtype), True, exhausted)
    return AdaptiveRun(_as_dtype(buffers, kernels.dtype), False, exhausted)


def _functions(
    lowered: Lowered, kernels: Kernels, watch: str, events: EventPlan | None, shared: Any, tables: Any
) -> Functions:
    flow = lowered.flow
    exact = replace(kernels, dtype="float64")
    tabled = {name: np.ascontiguousarray(table, dtype=np.float64) for name, table in shared.items()}

    def evaluator(key: Any, functions: list[Function]) -> Evaluator:
        def build() -> Any:
            return functions_kernel(flow, functions, "float64")

        kernel, _ = exact.get(("external", key), build, 1)
        own = [array for array in kernel.kernel.arrays if array.instanced]
        arrays = {array.name: np.zeros((*(int(size) for size in array.shape), 1)) for array in own}
        return Evaluator(kernel, {**arrays, **tabled}, dict(tables))

    slopes = rates_jacobian(flow)
    watched = [w.function for w in flow.watches] if watch != WATCH_NOTHING else []
    return Functions(
        evaluator("rates", [flow.rates]),
        None if slopes is None else evaluator("jacobian", [slopes]),
        evaluator("watches", watched) if watched else None,
        None if events is None else evaluator(events.key, [e.function for e in events.events]),
    )


def _buffers(lowered: Lowered, instances: Instances, times: Any, events: EventPlan | None, watch: str) -> Buffers:
    n = len(lowered.flow.names)
    watches = len(lowered.flow.watches) if watch != WATCH_NOTHING else 0
    buffers = make_buffers(instances.state, instances.parameters, instances.count, 1, n + 1, watches, {})
    rows = FIRST_ROWS if times is None else len(times)
    buffers.new("saved", (n, rows), np.float64, np.nan)
    if times is None:
        buffers.new("row_times", (rows,), np.float64, np.nan)
    if events is not None:
        events.allocate(buffers, n, np.float64)
    return buffers


def _as_dtype(buffers: Buffers, dtype: str) -> Buffers:
    buffers.arrays["saved"] = buffers.arrays["saved"].astype(dtype)
    return buffers


def _advance(
    track: _Track, method: External, start: Vector, tolerances: Tolerances, report: Report, trajectories: int
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


def _solver(track: _Track, method: External, start: Vector, tolerances: Tolerances) -> Any:
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


@dataclass
class _Track:
    """One trajectory on its way: saves what falls into each step, watches, and finds events."""

    buffers: Buffers
    index: int
    functions: Functions
    times: Vector | None
    save_every: int
    plan: EventPlan | None
    span: tuple[float, float]
    first_values: Vector = field(default_factory=lambda: np.zeros(0))
    event_values: Vector = field(default_factory=lambda: np.zeros(0))

    def begin(self, start: Vector) -> None:
        """The first state, the first values of what is watched."""
        arrays, i, t = self.buffers.arrays, self.index, self.span[0]
        arrays["carry"][:, i] = (*start, t)
        if self.functions.watches is not None:
            values = self.functions.watches(t, start)
            arrays["watched"][0::3, i], arrays["watched"][2::3, i] = values[0::2], values[1::2]
        if self.functions.events is not None:
            self.event_values = self.functions.events(t, start)
        if self.times is None or self.times[0] == t:
            self._save(t, start)

    def take(self, t_before: float, before: Vector, solver: Any) -> None:
        """A step that was accepted, from (t_before, before) to where the solver stands."""
        arrays, i = self.buffers.arrays, self.index
        t, x = solver.t, solver.y
        dense = solver.dense_output() if self.times is not None or self.plan is not None else None
        counters = arrays["counters"][:, i]
        arrays["carry"][:, i] = (*x, t)
        if self.functions.watches is not None:
            watched, values = arrays["watched"][:, i], self.functions.watches(t, x)
            watched[1::3] = np.maximum(watched[1::3], np.abs(values[0::2] - watched[0::3]))
            watched[2::3] = np.maximum(watched[2::3], values[1::2])
        stop = self._find_events(t_before, before, t, x, dense)
        limit = t if stop is None else stop
        if stop is not None:
            counters[STATUS] = EVENT
        if self.times is not None:
            forward = 1.0 if self.span[1] > self.span[0] else -1.0
            while counters[ROW] < len(self.times) and forward * self.times[counters[ROW]] <= forward * limit:
                time = self.times[counters[ROW]]
                self._save(time, x if time == t else dense(time))
        elif stop is None and (solver.status == "finished" or counters[STEPS] % self.save_every == 0):
            self._save(t, x)

    def _save(self, t: float, x: Vector) -> None:
        arrays, i = self.buffers.arrays, self.index
        row = arrays["counters"][ROW, i]
        if self.times is None:
            if row == arrays["saved"].shape[1]:
                for name in ("saved", "row_times"):  # twice as many rows
                    arrays[name] = np.concatenate([arrays[name], np.full_like(arrays[name], np.nan)], axis=-2)
            arrays["row_times"][row, i] = t
        arrays["saved"][:, row, i] = x
        arrays["counters"][ROW, i] += 1

    def _find_events(self, t_before: float, before: Vector, t: float, x: Vector, dense: Any) -> float | None:
        """Locate, record and count the crossings inside a step; the time of the one that ends the run, or None."""
        evaluate, plan = self.functions.events, self.plan
        if evaluate is None or plan is None:
            return None
        after = evaluate(t, x)
        stops = []
        for number, (event, low, high) in enumerate(zip(plan.events, self.event_values, after, strict=True)):
            up, down = low < 0 <= high, high <= 0 < low
            if not ((up and event.direction >= 0) or (down and event.direction <= 0)):
                continue
            time = _crossing(evaluate, number, dense, t_before, t) if high != 0 else t
            self._record(number, time, x if time == t else dense(time))
            if event.stop_after and self.buffers.arrays["event_counts"][number, self.index] >= event.stop_after:
                stops.append(time)
        self.event_values = after
        if not stops:
            return None
        stop = min(stops, key=lambda time: abs(time - t_before))
        self.buffers.arrays["event_values"][len(plan.events), self.index] = stop
        return stop

    def _record(self, number: int, time: float, state: Vector) -> None:
        arrays, i = self.buffers.arrays, self.index
        slot = arrays["event_counts"][number, i]
        if slot < arrays["event_times"].shape[1]:
            arrays["event_times"][number, slot, i] = time
            arrays["event_states"][number, slot, :, i] = state
        arrays["event_counts"][number, i] += 1


def _crossing(evaluate: Evaluator, number: int, dense: Any, begin: float, end: float) -> float:
    """The time inside a step at which an event function vanishes along the dense output."""
    from scipy.optimize import brentq

    def value(time: float) -> float:
        return float(evaluate(time, dense(time))[number])

    ends = value(begin), value(end)
    if ends[0] * ends[1] >= 0:  # the dense output ends a rounding away from the step's own ends
        return begin if abs(ends[0]) < abs(ends[1]) else end
    width = max(abs(begin), abs(end))
    return float(brentq(value, begin, end, xtol=4.0 * np.finfo(np.float64).eps * width))
