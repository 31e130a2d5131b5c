"""Runs whose steps follow a tolerance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from codegen import CompiledKernel
from symphys.integrators import ExplicitTableau, Method, Taylor
from symphys.integrators.taylor import order_from_tolerance
from symphys.lower import adaptive
from symphys.lower.frame import REJECTED, ROW, RUNNING, STATUS, STEPS
from symphys.lower.pacer import Pacer, RungeKuttaPacer, TaylorPacer
from symphys.simulate.compiled import Lowered
from symphys.simulate.execute import Buffers, launch
from symphys.simulate.recording import Recording, widened
from symphys.simulate.regroup import PROBE, WITH_ROWS, Grouping
from symphys.simulate.request import RunRequest, Sampling, Tolerances
from symphys.simulate.run import Run, begin

BUDGET = 4096  # attempts a trajectory and launch
MUCH, SOON = 1 << 25, 512  # bytes to record, past which launches are this short, so that rows leave meanwhile
TINY = 1e-9  # of the span: the least share of it on which a guess of the steps that are left is built
FIRST_ROWS = 256  # rows of a free run at first; doubled as they fill


@dataclass(frozen=True)
class AdaptiveRun(Run):
    """What an adaptive run left behind, and which trajectories [lanes] ran out of steps."""

    exhausted: NDArray[np.bool_]

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """See `Run`."""
        return replace(super().joined(parts), exhausted=np.concatenate([part.exhausted for part in parts]))


# How much higher the Taylor order of a single trajectory is: its steps wait for latency, which grows with p, not p^2.
SINGLE = 1.25


def pacer_for(lowered: Lowered, method: Method, tolerances: Tolerances, instances: int) -> Pacer:
    """The adaptive stepper of a method for that many trajectories."""
    if isinstance(method, Taylor):
        wanted = order_from_tolerance(method, min(tolerances.rtol, 0.1))
        order = math.ceil(SINGLE * wanted) if instances == 1 else wanted
        return TaylorPacer(lowered.flow, method, order, wanted)
    assert isinstance(method, ExplicitTableau)
    return RungeKuttaPacer(lowered.flow, method)


def run_adaptive(request: RunRequest, sampling: Sampling, tolerances: Tolerances) -> AdaptiveRun:
    """Advance all trajectories to the end of the span; an interrupt keeps what was saved."""
    flow, kernels, instances, events = request.lowered.flow, request.kernels, request.instances, request.events
    pacer = pacer_for(request.lowered, request.method, tolerances, instances.count)
    times, dtype = sampling.times, request.dtype
    plan = adaptive.AdaptivePlan(times is not None, request.watch, events)
    order = (getattr(pacer, "order", 0), getattr(pacer, "wanted", 0))
    key = ("adaptive", request.method.name, order, plan.sampled, request.watch, events.key if events else None)
    advance, lanes = kernels.get(
        key, lambda: adaptive.advance_kernel(flow, pacer, plan, kernels.dtype), instances.count
    )
    rows, carry = FIRST_ROWS if times is None else len(times), len(adaptive.carry_names(flow, pacer))
    buffers = begin(request, kernels.backend.memory(), lanes, dtype, carry, rows)
    if times is None:
        buffers.new("row_times", (rows,), dtype, np.nan)
    else:
        buffers.arrays["sample_times"] = np.ascontiguousarray(times, dtype=dtype)
    start, end = request.span
    scalars: dict[str, Any] = {
        "t_start": start,
        "t_end": end,
        "direction": math.copysign(1.0, end - start),
        "rtol": tolerances.rtol,
        "atol": tolerances.atol,
        "first_length": tolerances.first,
        "longest": tolerances.longest,
        "least_length": 4.0 * float(np.finfo(dtype).eps),
        "rows": rows,
        "budget": BUDGET,
        "save_every": sampling.save_every,
        **request.places,
    }
    if times is None:
        _save_start(buffers, start)
    elif times[0] == start:
        _sample_start(buffers)
    recording = Recording.of(buffers, request.on_device)
    launches = _Launches(advance, request, buffers, scalars, tolerances.max_steps, times is None, recording)
    interrupted, exhausted = launches.go()
    recording.ready(scalars["rows"])
    recording.finish()
    return AdaptiveRun(buffers, interrupted, exhausted)


def _save_start(buffers: Buffers, start: float) -> None:
    _sample_start(buffers)
    buffers.arrays["row_times"][0] = start


def _sample_start(buffers: Buffers) -> None:
    """A first sample at the start is the initial state itself, not an interpolation."""
    buffers.arrays["saved"][:, 0] = buffers.arrays.read("initial")
    if "saved_work" in buffers.arrays:
        buffers.arrays["saved_work"][:, 0] = 0.0
    buffers.arrays["counters"][ROW] = 1


@dataclass(frozen=True)
class _Launches:
    """A run on its way; `free`: every step of its own may be saved, in rows whose number grows."""

    kernel: CompiledKernel
    request: RunRequest
    buffers: Buffers
    scalars: dict[str, Any]
    max_steps: int
    free: bool
    recording: Recording

    def go(self) -> tuple[bool, NDArray[np.bool_]]:
        """Launch until all trajectories have ended; whether that was interrupted, and which ran out of steps."""
        grouping = Grouping.of(self.buffers, self.request.threads)
        try:
            interrupted, exhausted = self._grouped(grouping)
            return interrupted, exhausted[grouping.came] if grouping.changed else exhausted
        finally:
            grouping.restore()

    def _grouped(self, grouping: Grouping) -> tuple[bool, NDArray[np.bool_]]:
        """What `go` does, told in the order in which the grouping leaves the trajectories."""
        attempts, fresh = 0, 1
        time_row = len(self.request.lowered.flow.names)  # `carry` holds the time after the state
        scale = (self.scalars["t_start"], self.scalars["t_end"] - self.scalars["t_start"])
        at = partial(Pace.at, instances=self.buffers.instances, time_row=time_row, scale=scale)
        never = np.zeros(self.buffers.instances, dtype=np.bool_)
        try:
            while True:
                longest = SOON if self.recording.size > MUCH else self.scalars["budget"]  # rows of free runs grow
                budget = min(PROBE if fresh and grouping.useful else longest, self.max_steps - attempts)
                scalars = {**self.scalars, "budget": budget, "fresh": fresh}
                launch(self.kernel, self.buffers, scalars, self.request.threads)
                fresh = 0
                self.recording.take()
                if not self.buffers.having(RUNNING):
                    self.request.report(1.0)
                    return False, never
                pace = self.buffers.arrays.ask(["counters", "carry"], at)
                self.request.report(pace.share)
                self.recording.ready(pace.first_row)
                if self.free and pace.last_row >= self.scalars["rows"]:
                    self.recording.take()
                    _widen(self.buffers, self.recording, self.scalars)
                attempts = pace.attempts
                if attempts >= self.max_steps:
                    return False, self.buffers.counter(STATUS) == RUNNING
                if grouping.useful:
                    running, shares, done = _paces(self.buffers.arrays, self.buffers.instances, time_row, *scale)
                    grouping.sort(np.where(running, done * (1.0 / np.maximum(shares, TINY) - 1.0), 0.0))
        except KeyboardInterrupt:
            return True, never


@dataclass(frozen=True)
class Pace:
    """How far trajectories have come: the mean share of the span, and of those that run the fewest and the most rows
    that they have saved, and the most attempts."""

    share: float
    first_row: int
    last_row: int
    attempts: int

    @classmethod
    def at(cls, arrays: Mapping[str, Any], instances: int, time_row: int, scale: tuple[float, float]) -> Pace:
        """As it is now; some are running."""
        running, shares, done = _paces(arrays, instances, time_row, *scale)
        rows = arrays["counters"][ROW, :instances]
        last = int(np.where(running, rows, 0).max())
        return cls(
            float(np.where(running, shares, 1.0).mean()),
            int(np.where(running, rows, last).min()),
            last,
            int(np.where(running, done, 0).max()),
        )


def _paces(arrays: Mapping[str, Any], instances: int, time_row: int, start: float, span: float) -> tuple[Any, Any, Any]:
    """Which trajectories run, the share of the span that each has done, and its attempts [instances]."""
    counters = arrays["counters"][:, :instances]
    shares = (arrays["carry"][time_row, :instances] - start) / span
    return counters[STATUS] == RUNNING, shares, counters[STEPS] + counters[REJECTED]


def _widen(buffers: Buffers, recording: Recording, scalars: dict[str, Any]) -> None:
    """Twice as many rows for a free run. Whenever an interrupt comes, no more are told than arrays have room for."""
    rows, memory = 2 * scalars["rows"], buffers.arrays
    made = {name: widened(memory.read(name), rows) for name in WITH_ROWS if name in memory}
    recording.widen(rows)
    memory.update(made)
    scalars["rows"] = rows
