"""From what kernels left behind to a Result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import Copier
from symphys.language.arrays import on_host
from symphys.lower.frame import EVENT, REJECTED, ROW, RUNNING, STATUS, STEPS
from symphys.mechanics.constrained import Constrained
from symphys.mechanics.dynamics import Dynamics, FirstOrder, SecondOrder
from symphys.simulate.execute import OUTCOMES, Buffers, drift_of
from symphys.simulate.ledger import ledger_along
from symphys.simulate.multipliers import multipliers_along
from symphys.simulate.request import RunRequest
from symphys.simulate.result import EventRecord, Result
from symphys.simulate.run_adaptive import AdaptiveRun
from symphys.simulate.run_fixed import FixedRun
from symphys.simulate.status import Outcome
from symphys.simulate.stiffness import why_so_many_steps


def collect_fixed(request: RunRequest, run: FixedRun) -> Result:
    """The result of a fixed-step run; what was not reached is cut off (one trajectory) or NaN (ensembles)."""
    buffers, marks = run.buffers, run.marks
    outcomes = _outcomes(buffers.line("counters", STATUS), run.interrupted)
    saved, times = _saved(request, buffers), marks.times
    reached = _each(buffers.line("counters", STEPS), lambda steps: request.span[0] + steps * marks.h)
    if not request.instances.shape:
        times, saved = _cut(times, saved, np.isfinite(saved[:, :, 0]).all(axis=0))
    return _result(request, buffers, times, saved, outcomes, reached)


def collect_adaptive(request: RunRequest, run: AdaptiveRun, times: NDArray[np.float64] | None) -> Result:
    """The result of an adaptive run, sampled at `times` or (None) at its own steps; see `collect_fixed`."""
    buffers, count, shape = run.buffers, request.instances.count, request.instances.shape
    outcomes, exhausted = _outcomes(buffers.line("counters", STATUS), run.interrupted), run.exhausted[:count]
    if exhausted.any():
        exhausted = exhausted & (buffers.counter(STATUS) == RUNNING)
        outcomes = np.where(exhausted, np.array(Outcome.MAX_STEPS, dtype=object), outcomes)
    saved = _saved(request, buffers)
    reached = _each(buffers.line("carry", saved.shape[0]), lambda time: time.astype(np.float64))
    if times is None:
        rows = int(buffers.counter(ROW).max())
        saved, own = saved[:, :rows], buffers.arrays["row_times"][:rows, :count].astype(np.float64)
        shown: NDArray[Any] = np.moveaxis(own, 0, -1).reshape(*shape, rows)
    else:
        shown = times
        if not shape:
            shown, saved = _cut(times, saved, np.arange(len(times)) < buffers.counter(ROW)[0])
    details = why_so_many_steps(request, buffers, exhausted)
    return _result(request, buffers, shown, saved, outcomes, reached, details)


def _each(values: NDArray[Any], act: Callable[[NDArray[Any]], NDArray[Any]]) -> NDArray[Any]:
    """What `act` makes of each number, once where a number stands for all."""
    return act(values) if values.strides[0] or len(values) < 2 else np.broadcast_to(act(values[:1]), values.shape)


def _outcomes(status: NDArray[np.int64], interrupted: bool) -> NDArray[np.object_]:
    """How trajectories ended [instances]."""
    names = np.empty(max(OUTCOMES) + 1, dtype=object)
    names[list(OUTCOMES)] = list(OUTCOMES.values())
    names[RUNNING] = Outcome.INTERRUPTED if interrupted else names[RUNNING]
    return _each(status, names.__getitem__)


def _saved(request: RunRequest, buffers: Buffers) -> Any:
    """[n, rows, instances], what was saved: of ensembles that stay there, on the device."""
    if request.on_device and request.instances.shape:
        return buffers.arrays.on_device("saved")[:, :, : buffers.instances]
    return buffers.arrays["saved"][:, :, : buffers.instances]


def _cut(times: NDArray[Any], saved: NDArray[Any], kept: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any]]:
    rows = int(np.argmin(kept)) if not kept.all() else len(kept)
    return times[:rows], saved[:, :rows]


def _stop_times(request: RunRequest, buffers: Buffers) -> NDArray[np.float64]:
    """When a terminal event ended each trajectory [instances]; NaN where none did."""
    assert request.events is not None
    count = request.instances.count
    times = buffers.arrays["event_values"][len(request.events.events), :count].astype(np.float64)
    return np.where(buffers.counter(STATUS) == EVENT, times, np.nan)


def _append_stop(
    buffers: Buffers, stop: float, times: NDArray[Any], saved: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """One trajectory that an event ended has the event's own time and state as its last."""
    if len(times) and times[-1] == stop:
        return times, saved
    where = np.argwhere(buffers.arrays["event_times"][:, :, 0] == stop)[0]
    last = buffers.arrays["event_states"][where[0], where[1], :, :1]
    return np.append(times, stop), np.concatenate([saved, last[:, None, :]], axis=1)


def _events(request: RunRequest, buffers: Buffers, stops: NDArray[np.float64]) -> tuple[EventRecord, ...]:
    """The crossings of every event; those after the end of the run, inside its last step, did not happen."""
    assert request.events is not None
    plan, start = request.events, request.span[0]
    count, shape = request.instances.count, request.instances.shape
    records = []
    for index in range(len(plan.events)):
        times = np.moveaxis(buffers.arrays["event_times"][index, :, :count], 0, -1).copy()
        states = np.moveaxis(buffers.arrays["event_states"][index, :, :, :count], -1, 0).copy()
        late = np.abs(times - start) > np.abs(stops - start)[:, None]
        times[late], states[late] = np.nan, np.nan
        found = buffers.arrays["event_counts"][index, :count] - late.sum(axis=1)
        used = slice(0, min(int(found.max()), plan.slots) if found.size else 0)
        by_symbol = {
            label: states[:, used, i].reshape(*shape, used.stop) for i, label in enumerate(request.lowered.flow.labels)
        }
        records.append(EventRecord(times[:, used].reshape(*shape, used.stop), by_symbol, found.reshape(shape)))
    return tuple(records)


def _result(
    request: RunRequest,
    buffers: Buffers,
    times: NDArray[Any],
    saved: NDArray[Any],
    outcomes: NDArray[np.object_],
    reached: NDArray[Any],
    details: NDArray[Any] | None = None,
) -> Result:
    instances, flow, dynamics = request.instances, request.lowered.flow, request.lowered.dynamics
    count, shape = instances.count, instances.shape
    events: tuple[EventRecord, ...] = ()
    works = np.zeros((0, *saved.shape[1:]))
    if request.ledger is not None:
        works = buffers.arrays["saved_work"][:, : saved.shape[1], :count]
    if request.events is not None:
        stops = _stop_times(request, buffers)
        events = _events(request, buffers, stops)
        reached = np.where(np.isfinite(stops), stops, reached)
        if not shape and np.isfinite(stops[0]):
            before = len(times)
            times, saved = _append_stop(buffers, float(stops[0]), times, saved)
            if request.ledger is not None and len(times) > before:
                works = np.concatenate([works, buffers.arrays["works"][:, None, :1]], axis=1)
    states = saved
    if request.on_device and shape and (request.ledger is not None or isinstance(dynamics, Constrained)):
        saved = on_host(saved)  # from which multipliers and the ledger are found on the host
    elif request.on_device and not shape:
        buffers.arrays["states"] = np.ascontiguousarray(saved)
        states = buffers.arrays.on_device("states")
    drifts = drift_of(buffers, request.watches, shape) if request.watches else []
    return Result(
        t=times,
        states={label: states[i].T.reshape(*shape, states.shape[1]) for i, label in enumerate(flow.labels)},
        parameters=_parameters(request),
        drift=dict(zip(flow.watched, drifts, strict=False)),
        outcomes=_fixed(outcomes.reshape(shape)),
        times_reached=_fixed(np.asarray(reached, dtype=np.float64).reshape(shape)),
        steps=_fixed(buffers.line("counters", STEPS).reshape(shape)),
        rejected=_fixed(buffers.line("counters", REJECTED).reshape(shape)),
        events=events,
        method=request.method.name,
        conserved={quantity.name: quantity.expression for quantity in dynamics.conserved},
        pairs=_pairs(dynamics),
        multipliers=multipliers_along(dynamics, flow, saved, times, instances, request.tables, request.places),
        ledger=ledger_along(request, saved, works, times),
        details=None if details is None else details.reshape(shape),
    )


def _parameters(request: RunRequest) -> dict[Any, NDArray[np.float64]]:
    """Copies of what was given, by symbol [...]: on the device where they were given there and results stay there."""
    instances, found, copier = request.instances, {}, Copier(request.threads)
    for symbol, given in zip(request.lowered.dynamics.parameters, instances.values, strict=True):
        row = given if request.on_device else on_host(given)
        own = np.empty_like(row, dtype=np.float64)
        if isinstance(row, np.ndarray):
            copier.copy(own, row)
        else:
            own[...] = row
        many = own.ndim or not instances.shape
        found[symbol] = _fixed(own.reshape(instances.shape) if many else np.broadcast_to(own, instances.shape))
    return found


def _fixed(values: Any) -> Any:
    """An array of the host as one that is read-only, as it is where one number stands for all trajectories."""
    if isinstance(values, np.ndarray):
        values.flags.writeable = False
    return values


def _pairs(dynamics: Dynamics) -> tuple[tuple[Any, Any], ...]:
    """Which components are a coordinate and its velocity or momentum."""
    labels = dynamics.labels
    if isinstance(dynamics, SecondOrder):
        n = len(labels) // 2
        return tuple(zip(labels[:n], labels[n:], strict=True))
    return tuple((labels[q], labels[p]) for q, p in dynamics.pairs) if isinstance(dynamics, FirstOrder) else ()
