"""From what kernels left behind to a Result."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.integrators import Method
from symphys.lower.events import EventPlan
from symphys.mechanics.dynamics import Dynamics, FirstOrder, SecondOrder
from symphys.simulate.compiled import Lowered
from symphys.simulate.execute import OUTCOMES, REJECTED, ROW, STATUS, STEPS, Buffers, drift_of
from symphys.simulate.inputs import Instances
from symphys.simulate.result import EventRecord, Result
from symphys.simulate.run_adaptive import AdaptiveRun
from symphys.simulate.run_fixed import FixedRun
from symphys.simulate.status import Outcome


def collect_fixed(
    run: FixedRun, lowered: Lowered, instances: Instances, events: EventPlan | None, method: Method, watched: bool
) -> Result:
    """The result of a fixed-step run; what was not reached is cut off (one trajectory) or NaN (ensembles)."""
    buffers, marks, count = run.buffers, run.marks, instances.count
    outcomes = _outcomes(buffers, count, run.interrupted)
    saved = buffers.arrays["saved"][:, :, :count]
    steps = buffers.counter(STEPS)[:count]
    reached = marks.times[0] - marks.steps[0] * marks.h + steps * marks.h
    found = _events(lowered, buffers, events, instances)
    times = marks.times
    if not instances.shape:
        times, saved = _cut(times, saved, np.isfinite(saved[:, :, 0]).all(axis=0))
    if events is not None:
        reached, times, saved = _stop(buffers, events, instances, outcomes, reached, times, saved)
    return _result(lowered, instances, buffers, times, saved, outcomes, reached, steps, found, method, watched)


def collect_adaptive(
    run: AdaptiveRun,
    lowered: Lowered,
    instances: Instances,
    times: NDArray[np.float64] | None,
    span: tuple[float, float],
    events: EventPlan | None,
    method: Method,
    watched: bool,
) -> Result:
    """The result of an adaptive run; see `collect_fixed`."""
    buffers, count = run.buffers, instances.count
    outcomes = _outcomes(buffers, count, run.interrupted)
    outcomes[run.exhausted[:count] & (buffers.counter(STATUS)[:count] == 0)] = Outcome.MAX_STEPS
    saved = buffers.arrays["saved"][:, :, :count]
    reached = buffers.arrays["carry"][saved.shape[0], :count].astype(np.float64)
    found = _events(lowered, buffers, events, instances)
    if times is None:
        rows = int(buffers.counter(ROW)[:count].max())
        saved, own = saved[:, :rows], buffers.arrays["row_times"][:rows, :count].astype(np.float64)
        shown: NDArray[Any] = own[:, 0] if not instances.shape else np.moveaxis(own, 0, -1).reshape(*instances.shape, rows)
    else:
        shown = times
        if not instances.shape:
            shown, saved = _cut(times, saved, np.arange(len(times)) < buffers.counter(ROW)[0])
    if events is not None:
        reached, shown, saved = _stop(buffers, events, instances, outcomes, reached, shown, saved)
    return _result(
        lowered, instances, buffers, shown, saved, outcomes, reached, buffers.counter(STEPS)[:count], found, method, watched
    )


def _outcomes(buffers: Buffers, count: int, interrupted: bool) -> NDArray[np.object_]:
    status = buffers.counter(STATUS)[:count]
    outcomes = np.array([OUTCOMES[int(s)] for s in status], dtype=object)
    if interrupted:
        outcomes[status == 0] = Outcome.INTERRUPTED
    return outcomes


def _cut(times: NDArray[Any], saved: NDArray[Any], kept: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any]]:
    rows = int(np.argmin(kept)) if not kept.all() else len(kept)
    return times[:rows], saved[:, :rows]


def _stop(
    buffers: Buffers, plan: EventPlan, instances: Instances, outcomes: Any, reached: Any, times: Any, saved: Any
) -> tuple[Any, Any, Any]:
    """Trajectories that a terminal event ended: the time is the event's; one trajectory gets the event's state as its last."""
    count = instances.count
    stopped = outcomes == Outcome.EVENT
    stop_times = buffers.arrays["event_values"][len(plan.events), :count]
    reached = np.where(stopped, stop_times, reached)
    if instances.shape or not stopped[0] or (len(times) and times[-1] == stop_times[0]):
        return reached, times, saved
    where = np.argwhere(buffers.arrays["event_times"][:, :, 0] == stop_times[0])[0]
    last = buffers.arrays["event_states"][where[0], where[1], :, :1]
    return reached, np.append(times, stop_times[0]), np.concatenate([saved, last[:, None, :]], axis=1)


def _events(lowered: Lowered, buffers: Buffers, plan: EventPlan | None, instances: Instances) -> tuple[EventRecord, ...]:
    if plan is None:
        return ()
    count, shape = instances.count, instances.shape
    stop = buffers.arrays["event_values"][len(plan.events), :count]
    ended = buffers.counter(STATUS)[:count]
    records = []
    for index in range(len(plan.events)):
        times = np.moveaxis(buffers.arrays["event_times"][index, :, :count], 0, -1).copy()
        states = np.moveaxis(buffers.arrays["event_states"][index, :, :, :count], -1, 0).copy()
        stops = ended == 5  # crossings after the one that ended the run, inside the same step, did not happen
        late = stops[:, None] & (np.abs(times - times[:, :1]) > np.abs(stop[:, None] - times[:, :1]))
        times[late], states[late] = np.nan, np.nan
        crossings = buffers.arrays["event_counts"][index, :count]
        found = np.where(stops, np.isfinite(times).sum(axis=1), crossings)
        by_symbol = {
            label: states[:, :, i].reshape(*shape, plan.slots)[_used(shape, found)] for i, label in enumerate(lowered.flow.labels)
        }
        records.append(EventRecord(times.reshape(*shape, plan.slots)[_used(shape, found)], by_symbol, found.reshape(shape)))
    return tuple(records)


def _used(shape: tuple[int, ...], found: NDArray[np.int64]) -> Any:
    """Only the slots that some trajectory filled."""
    most = int(found.max()) if found.size else 0
    return (..., slice(0, most))


def _result(
    lowered: Lowered,
    instances: Instances,
    buffers: Buffers,
    times: NDArray[Any],
    saved: NDArray[Any],
    outcomes: NDArray[np.object_],
    reached: NDArray[Any],
    steps: NDArray[np.int64],
    events: tuple[EventRecord, ...],
    method: Method,
    watched: bool,
) -> Result:
    shape, flow = instances.shape, lowered.flow
    states = {
        label: np.moveaxis(saved[i], 0, -1).reshape(*shape, saved.shape[1]) for i, label in enumerate(flow.labels)
    }
    parameters = {
        symbol: instances.parameters[i].reshape(shape) for i, symbol in enumerate(lowered.dynamics.parameters)
    }
    drifts = drift_of(buffers, len(flow.watches), shape) if watched and flow.watches else []
    return Result(
        t=times,
        states=states,
        parameters=parameters,
        drift={watch.name: drift for watch, drift in zip(flow.watches, drifts, strict=False)},
        outcomes=outcomes.reshape(shape),
        times_reached=np.asarray(reached, dtype=np.float64).reshape(shape),
        steps=steps.reshape(shape),
        rejected=buffers.counter(REJECTED)[: instances.count].reshape(shape),
        events=events,
        method=method.name,
        conserved={quantity.name: quantity.expression for quantity in lowered.dynamics.conserved},
        pairs=_pairs(lowered.dynamics),
    )


def _pairs(dynamics: Dynamics) -> tuple[tuple[Any, Any], ...]:
    """Which components are a coordinate and its velocity or momentum."""
    labels = dynamics.labels
    if isinstance(dynamics, SecondOrder):
        n = len(labels) // 2
        return tuple(zip(labels[:n], labels[n:], strict=True))
    return tuple((labels[q], labels[p]) for q, p in dynamics.pairs) if isinstance(dynamics, FirstOrder) else ()
