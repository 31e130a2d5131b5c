"""The rows of a run of fields as they come: in memory or in a file, and in checkpoints."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import Copier
from symphys.simulate.lattice.naming import field_name
from symphys.simulate.lattice.result import FieldResult
from symphys.simulate.lattice.table import WATCHED, field_table
from symphys.simulate.rowfile import RowFile, create_row_file, open_row_file
from symphys.simulate.save import save_table
from symphys.simulate.status import Outcome
from symphys.simulate.table import status_codes

Member = tuple[int, ...]
State = Mapping[Any, NDArray[Any]]


@dataclass(frozen=True)
class Checkpoints:
    """Where the whole state of a run is written, every how many rows.

    last: {label: [*shape, *grid]}; steps: [...], how many steps lie behind.
    """

    path: Path
    every: int
    last: dict[Any, NDArray[Any]]
    steps: NDArray[np.int64]


@dataclass
class Record:
    """A result that fills up: its arrays are written in place.

    result: all rows, whose states hold anything until they are saved, and are without memory where `file` takes them.
    laid: [..., rows], those that are saved. copier: lays large rows down.
    """

    result: FieldResult
    laid: NDArray[np.bool_]
    copier: Copier
    file: RowFile | None = None
    checkpoints: Checkpoints | None = None
    saved: int = 0
    written: dict[Any, Any] = field(default_factory=dict)

    @property
    def wanted(self) -> tuple[Any, ...]:
        """The parts of the state that go on record: all of them where checkpoints are written."""
        return tuple(self.result.states if self.checkpoints is None else self.checkpoints.last)

    def keep(self, member: Member, row: int, state: State, integrals: tuple[Any, Any], time: float) -> None:
        """Save the state [*grid] of one member, and the integrals of its laws and of the absolute values of terms."""
        self.put(member, row, state, dict(zip(self.result.totals, integrals[0], strict=True)))
        for name, total, size in zip(self.result.totals, *integrals, strict=True):
            self.result.watch.see(name, member, float(total), float(size))
        self.reach(member, time)
        self._write_ends(member)
        self._check(member, state, int(self.result.steps[row]))

    def put(self, member: Member, row: int, state: State, totals: Mapping[str, Any]) -> None:
        """Lay a row down, with its integrals."""
        r = self.result
        for label, whole in r.states.items():
            if label not in state:  # it lies there already, on the device
                continue
            if self.file is None:
                self.copier.copy(whole[(*member, row)], state[label])
            else:
                self.file.write("state", field_name(label), (*member, row), state[label])
        for name, total in totals.items():
            r.totals[name][(*member, row)] = total
            if self.file is not None:
                self.file.write("total", name, (*member, row), total)
        if self.file is not None:
            self.file.flush()  # before the count, which promises that the row is there
        r.rows[member], self.laid[(*member, row)] = row + 1, True

    def reach(self, member: Member, time: float) -> None:
        """Note how far a member has come."""
        self.result.times_reached[member] = time

    def end(self, member: Member, outcome: Outcome) -> None:
        """Note how a member ended."""
        self.result.outcomes[member] = outcome
        self._write_ends(member)

    def finish(self) -> FieldResult:
        """The result, read from the file if there is one; what was not reached is cut off, or NaN in ensembles."""
        r, kept = self.result, len(self.result.t)
        if not r.shape:
            kept = int(r.rows)
        states = r.states
        if self.file is not None:
            self.file.close()
            opened = FieldResult.open(self.file.path)
            states = {label: opened[field_name(label)] for label in r.states}
        else:
            missing = ~self.laid
            for values in states.values():
                if missing.any() and not hasattr(values, "__cuda_array_interface__"):  # those are blank from the start
                    values[missing] = np.nan
            if kept < len(r.t):
                states = {label: values[:kept] for label, values in r.states.items()}
        totals = r.totals if kept == len(r.t) else {name: values[:kept] for name, values in r.totals.items()}
        return replace(r, t=r.t[:kept], steps=r.steps[:kept], states=states, totals=totals)

    def _write_ends(self, member: Member) -> None:
        if self.file is None:
            return
        r = self.result
        ends = {(role, name): a for role in WATCHED for name, a in getattr(r.watch, role).items()}
        ends |= {("drift", name): a for name, a in r.drift.items()}
        ends |= {("status", ""): status_codes(r.outcomes), ("time_reached", ""): r.times_reached, ("rows", ""): r.rows}
        for (role, name), values in ends.items():
            now = values[member]
            if self.written.get((role, name, member)) != now:  # most of them seldom change
                self.file.write(role, name, member, now)
                self.written[role, name, member] = now
        self.file.flush()

    def _check(self, member: Member, state: State, step: int) -> None:
        """Write a checkpoint, if one is due."""
        c = self.checkpoints
        if c is None:
            return
        for label, last in c.last.items():
            last[member] = state[label]
        c.steps[member] = step
        self.saved += 1
        if self.saved % c.every == 0:
            write_whole(checkpoint_of(self.result, c), c.path)


def checkpoint_of(result: FieldResult, checkpoints: Checkpoints) -> FieldResult:
    """The result with the last state of each member alone; members at different steps have rows of their own."""
    marks, last = result.marks, checkpoints.last
    steps, places = np.unique(checkpoints.steps, return_inverse=True)
    places = places.reshape(result.shape)
    known = dict(zip(marks.steps.tolist(), marks.times.tolist(), strict=True))
    times = np.array([known.get(int(k), result.t_start + k * marks.h) for k in steps])
    shape = result.shape
    members = list(np.ndindex(*shape))
    states = {}
    for label, values in last.items():
        whole = np.full((*shape, len(steps), *result.grid.shape), np.nan, dtype=values.dtype)
        for member in members:
            whole[(*member, int(places[member]))] = values[member]
        states[label] = whole
    totals = {}
    rows = {int(k): row for row, k in enumerate(result.steps)}
    for name, course in result.totals.items():
        totals[name] = np.full((*shape, len(steps)), np.nan)
        for member in members:
            row = rows.get(int(checkpoints.steps[member]))
            if row is not None:
                totals[name][(*member, int(places[member]))] = course[(*member, row)]
    return replace(result, t=times, states=states, totals=totals, steps=steps, rows=np.asarray(places + 1))


def write_whole(result: FieldResult, path: Path) -> None:
    """Write a result such that the path holds either what was there before or all that is new, whatever happens."""
    beside = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    save_table(field_table(result), beside, compressed=False)
    with beside.open("rb") as file:
        os.fsync(file.fileno())
    beside.replace(path)


def open_record(result: FieldResult, path: Path | None, checkpoints: Checkpoints | None, threads: int) -> Record:
    """A record that fills up `result`, in memory, to which so many threads copy rows, or in a file."""
    file = None if path is None else create_row_file(field_table(result), path, len(result.shape) + 1)
    laid = np.zeros((*result.shape, len(result.t)), dtype=np.bool_)
    return Record(result, laid, Copier(threads), file, checkpoints)


def moved(record: Record, path: Path) -> Record:
    """The record with its file under another name, in place of what was there."""
    assert record.file is not None
    record.file.close()
    if path.is_dir():
        shutil.rmtree(path)
    record.file.path.replace(path)
    return replace(record, file=open_row_file(field_table(record.result), path))
