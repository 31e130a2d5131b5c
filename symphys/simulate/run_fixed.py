"""Runs with a fixed step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import CompiledKernel
from symphys.errors import InputError
from symphys.integrators import Gauss
from symphys.lower import fixed
from symphys.lower.frame import RUNNING
from symphys.lower.merged import merged
from symphys.lower.steppers import stepper_for
from symphys.simulate.blow_up import find_steps, keep_state
from symphys.simulate.execute import Buffers, launch
from symphys.simulate.recording import Recording
from symphys.simulate.request import RunRequest
from symphys.simulate.run import Run, begin

PORTION = 4096  # steps between looks at progress and at trajectories that failed
WORK = 12_500_000  # steps of all trajectories that a launch takes at least


@dataclass(frozen=True)
class Marks:
    """The steps at which a run is saved: `steps` [rows], and their times [rows]."""

    steps: NDArray[np.int64]
    times: NDArray[np.float64]
    count: int
    h: float


def read_marks(span: tuple[float, float], dt: float, times: NDArray[Any] | None, save_every: int | None) -> Marks:
    """The grid of a fixed-step run: round((t1 - t0) / dt) steps of equal length; InputError for times between steps."""
    start, end = span
    count = round(abs(end - start) / dt)
    if count == 0:
        raise InputError(f"dt = {dt} is more than twice as long as t_span = {span}; take a shorter step")
    h = math.copysign(dt, end - start)
    if abs(abs(end - start) / dt - count) < 1e-6 * count:  # the end is met exactly
        h = (end - start) / count
    if times is None:
        steps = np.arange(0, count + 1, save_every or 1, dtype=np.int64)
        return Marks(steps, start + steps.astype(np.float64) * h, count, h)
    place = (times - start) / h
    steps = np.rint(place).astype(np.int64)
    off = np.abs(place - steps) > 1e-6 * np.maximum(1.0, np.abs(place))
    if off.any() or steps.max() > count:
        bad = times[off][0] if off.any() else times[np.argmax(steps)]
        raise InputError(
            f"t_eval holds {bad}, which lies between two steps of dt = {dt} from t = {start}; "
            "give times that are multiples of dt, or use rtol"
        )
    return Marks(steps, times, count, h)


def portions(marks: Marks) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Boundaries [rows + 1] and slots [rows] of the kernel's rows: long stretches are divided, only marks are saved."""
    boundaries, slots = [0], []
    for slot, step in enumerate(marks.steps):
        while step - boundaries[-1] > PORTION:
            boundaries.append(boundaries[-1] + PORTION)
            slots.append(-1)
        boundaries.append(int(step))
        slots.append(slot)
    while boundaries[-1] < marks.count:
        boundaries.append(min(boundaries[-1] + PORTION, marks.count))
        slots.append(-1)
    return np.array(boundaries, dtype=np.int64), np.array([*slots, -1], dtype=np.int64)


@dataclass(frozen=True)
class FixedRun(Run):
    """What a fixed-step run left behind, and where it was to be saved."""

    marks: Marks


def run_fixed(request: RunRequest, marks: Marks, compensated: bool) -> FixedRun:
    """Advance all trajectories by the marked steps; an interrupt keeps what was saved."""
    lowered, kernels, method = request.lowered, request.kernels, request.method
    flow, instances, events = lowered.flow, request.instances, request.events
    canonical = lowered.canonical if isinstance(method, Gauss) and not flow.q else None
    stepper = stepper_for(flow, method, compensated, canonical, float(np.finfo(kernels.dtype).eps))
    if events is None:  # which look into steps, and end them earlier
        stepper = merged(stepper)
    plan = fixed.FixedPlan(request.watch, request.watch_every > 1, events)
    key = ("fixed", method.name, plan.watch, plan.strided, compensated, events.key if events else None)
    prepare, lanes = kernels.get(
        ("prepare", *key), lambda: fixed.prepare_kernel(flow, stepper, canonical, plan, kernels.dtype), instances.count
    )
    advance, _ = kernels.get(
        key, lambda: fixed.advance_kernel(flow, stepper, canonical, plan, kernels.dtype), instances.count
    )
    rows, carry = len(marks.steps), len(fixed.carry_names(flow, stepper))
    buffers = begin(request, kernels.backend.memory(), lanes, request.dtype, carry, rows)
    boundaries, slots = portions(marks)
    buffers.arrays["step_marks"], buffers.arrays["row_slots"] = boundaries, slots
    scalars: dict[str, Any] = {"t_start": request.span[0], "h": marks.h, "rows": rows, "marks": len(boundaries)}
    scalars |= {"watch_every": max(request.watch_every, 1), "first_slot": int(slots[0]) if marks.steps[0] == 0 else -1}
    scalars |= request.places
    launch(prepare, buffers, scalars, request.threads)
    return FixedRun(buffers, _advance((prepare, advance), request, buffers, scalars, boundaries, slots), marks)


def _advance(
    kernels: tuple[CompiledKernel, CompiledKernel],
    request: RunRequest,
    buffers: Buffers,
    scalars: dict[str, Any],
    boundaries: NDArray[np.int64],
    slots: NDArray[np.int64],
) -> bool:
    """Launch in portions of about a second's work, stop where all trajectories have ended; True if interrupted."""
    total, kernel = len(boundaries) - 1, kernels[1]
    portion = max(PORTION, WORK // max(buffers.width, 1))  # instance-steps a launch
    first = 0
    recording = Recording.of(buffers, request.on_device)
    try:
        while first < total:
            last = first + 1
            while last < total and boundaries[last + 1] - boundaries[first] <= portion:
                last += 1
            before = keep_state(kernel, buffers) if first else None  # the first launch begins where `prepare` ends
            launch(kernel, buffers, {**scalars, "first_row": first, "last_row": last}, request.threads)
            recording.follow(slots[first:last])
            find_steps(kernels, buffers, before, scalars, first, request.threads)
            first = last
            request.report(boundaries[first] / max(boundaries[-1], 1))
            if not buffers.having(RUNNING):
                break
    except KeyboardInterrupt:
        return True
    finally:
        recording.finish()
    return False
