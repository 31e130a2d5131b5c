"""Runs that go on where a result, a file or a checkpoint ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.language.arrays import on_host
from symphys.simulate.inputs import read_times, whole_number
from symphys.simulate.lattice.follow import Course
from symphys.simulate.lattice.given import read_inputs
from symphys.simulate.lattice.naming import field_name
from symphys.simulate.lattice.record import Record
from symphys.simulate.lattice.result import FieldResult
from symphys.simulate.run_fixed import Marks
from symphys.simulate.status import Outcome

if TYPE_CHECKING:
    from symphys.simulate.lattice.simulator import FieldSimulator

DEAD = (Outcome.NOT_FINITE,)


def read_source(simulator: FieldSimulator, source: Any) -> FieldResult:
    """The result to go on from, which must be of this theory, grid, method and precision.

    Raises InputError where it is of another, or lacks a part of the state.
    """
    if not isinstance(source, FieldResult):
        path = Path(source)
        source = FieldResult.load(path) if path.suffix == ".npz" else FieldResult.open(path)
    have = {field_name(label): values for label, values in source.states.items()}
    if lost := [name for name in map(field_name, simulator.labels) if name not in have]:
        raise InputError(f"{lost[0]} was not saved, so that nothing can go on from here; keep it, or write checkpoints")
    laws = {law.name: str(simulator.dynamics.jets.from_jet(sum(law.terms))) for law in simulator.watched}
    kinds = {field_name(u.label): u.complex for u in simulator.dynamics.unknowns}
    compared = (
        ("grid", _grid_text(source), _grid_text(simulator)),
        ("method", source.method, simulator.choice.method.name),
        ("derivatives", source.derivatives, simulator.choice.derivatives),
        ("dtype", _precision(next(iter(have.values()))), simulator.dtype),
        ("conserved quantities", {n: str(law) for n, law in source.conserved.items()}, laws),
        (
            "complex fields",
            [n for n in kinds if np.dtype(have[n].dtype).kind == "c"],
            [n for n, c in kinds.items() if c],
        ),
    )
    for what, one, other in compared:
        if one != other:
            raise InputError(f"the run to go on from had {what} {one}, but this simulator has {other}; compile it so")
    if not (np.asarray(source.rows) > 0).any():
        raise InputError("the run to go on from saved nothing; start it anew")
    return source


def _grid_text(holder: Any) -> str:
    return ", ".join(f"{a.coordinate}: {a.start}..{a.stop} {a.count} {a.boundary}" for a in holder.grid.axes)


def _precision(values: Any) -> str:
    return "float32" if values.dtype in (np.float32, np.complex64) else "float64"


def further_marks(source: FieldResult, t_end: float | None, t_eval: Any, save_every: int | None) -> Marks:
    """The rows of the whole run: those that are there, and those to come, of the same step.

    By default those that had been planned; beyond these every `save_every`-th step, by default as far apart as the last
    two. Raises InputError where nothing is left to do, for ends that lie behind, and times between steps.
    """
    marks, h, start = source.marks, source.marks.h, source.t_start
    here = int(_steps_of(source).min())
    count = marks.count
    if t_end is not None:
        count = round((float(t_end) - start) / h)
        if abs((float(t_end) - start) / h - count) > 1e-6 * max(1, abs(count)):
            raise InputError(f"t_end = {t_end} lies between two steps of dt = {h} from t = {start}; give a multiple")
        if count <= here:
            raise InputError(f"t_end = {t_end} is not beyond t = {start + here * h:g}, which was reached")
    elif t_eval is None and all(outcome.ok or outcome in DEAD for outcome in source.outcomes.flat):
        raise InputError(f"the run went to its end, t = {start + count * h:g}; give t_end to go on")
    if t_eval is not None:
        times = read_times(t_eval, (start, start + count * h))
        steps = np.rint((times - start) / h).astype(np.int64)
        if (np.abs((times - start) / h - steps) > 1e-6 * np.maximum(1, steps)).any() or (steps <= here).any():
            raise InputError(f"t_eval must hold multiples of dt = {h} beyond t = {start + here * h:g}")
    else:
        later = (marks.steps > here) & (marks.steps <= count)
        steps, times = marks.steps[later], marks.times[later]
        if save_every is not None:
            steps = steps[:0]
        every = _spacing(marks, save_every)
        last = int(steps[-1]) if len(steps) else here
        if save_every is None and count <= marks.count:
            every = count + 1  # what was planned, and no more
        added = np.arange(last + every, count + 1, every, dtype=np.int64)
        times = np.concatenate([times[: len(steps)], start + added.astype(np.float64) * h])
        steps = np.concatenate([steps, added])
    new = ~np.isin(steps, source.steps)
    steps, times = np.concatenate([source.steps, steps[new]]), np.concatenate([source.t, times[new]])
    order = np.argsort(steps, kind="stable")
    return Marks(steps[order], times[order], count, h)


def _spacing(marks: Marks, save_every: int | None) -> int:
    if save_every is not None:
        return whole_number("save_every", save_every)
    return int(marks.steps[-1] - marks.steps[-2]) if len(marks.steps) > 1 else max(1, int(marks.steps[-1]))


def _steps_of(source: FieldResult) -> NDArray[np.int64]:
    """[...], the number of the last step that each member saved; 0 where it saved none."""
    rows = np.asarray(source.rows)
    return np.where(rows > 0, source.steps[np.maximum(rows - 1, 0)], 0)


def course_from(simulator: FieldSimulator, source: FieldResult, functions: Mapping[Any, Any], threads: int) -> Course:
    """Members begin where the source left them."""
    shape, rows = source.shape, np.asarray(source.rows)
    ended = np.array([outcome in DEAD for outcome in source.outcomes.flat], dtype=np.bool_).reshape(shape)
    if ((rows == 0) & ~ended).any():
        raise InputError("members of the ensemble saved nothing, not even their start; go on from a checkpoint")
    states = {}
    for label in simulator.labels:
        stored = source[label]
        whole = np.zeros((*shape, *simulator.grid.shape), dtype=stored.dtype)
        for member in np.ndindex(*shape):
            if not ended[member]:
                whole[member] = on_host(stored[(*member, int(rows[member]) - 1)])
        states[label] = whole
    numbers = {symbol: source.parameters[_key(source, symbol)] for symbol in simulator.dynamics.parameters}
    for symbol in functions:
        if symbol in numbers:
            raise InputError(
                f"the parameter {symbol} is that of the run to go on from; give external functions and weights alone"
            )
    inputs = read_inputs(simulator.dynamics, simulator.grid, states, {**numbers, **functions})
    begin = _steps_of(source)
    unseen = np.zeros(shape, dtype=np.bool_)
    if 0 in source.marks.steps:  # without laws nothing tells; a start that is saved twice is saved alike
        first = next(iter(source.watch.first.values()), np.full(shape, np.nan))
        unseen = (begin == 0) & np.isnan(first)
    return Course(replace(inputs, shape=shape), begin, unseen, ended, threads)


def _key(source: FieldResult, symbol: Any) -> Any:
    for key in source.parameters:
        if key == symbol or field_name(key) == field_name(symbol):
            return key
    raise InputError(
        f"the run to go on from has no parameter {symbol}; it has {', '.join(map(str, source.parameters))}"
    )


def copy_rows(source: FieldResult, record: Record) -> None:
    """Lay what the source holds down in a record, row by row."""
    r = record.result
    place = {int(step): row for row, step in enumerate(r.steps)}
    for member in np.ndindex(*source.shape):
        for row in range(int(source.rows[member])):
            state = {label: on_host(source[label][(*member, row)]) for label in r.states}
            totals = {name: course[(*member, row)] for name, course in source.totals.items()}
            record.put(member, place[int(source.steps[row])], state, totals)
        for role in ("first", "change", "scale"):
            for name, values in getattr(source.watch, role).items():
                getattr(r.watch, role)[name][member] = values[member]
        record.reach(member, float(source.times_reached[member]))
        outcome: Any = source.outcomes[member]
        if outcome in DEAD:
            record.end(member, outcome)
