"""Runs of fields from their starts to their ends, members of an ensemble one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from symphys.simulate.lattice.given import Inputs
from symphys.simulate.lattice.record import Member, Record
from symphys.simulate.lattice.running import Run
from symphys.simulate.status import Outcome

if TYPE_CHECKING:
    from symphys.simulate.lattice.simulator import FieldSimulator

PORTION = 1 << 25  # sites times steps between looks at progress and at states that left the finite world


@dataclass(frozen=True)
class Course:
    """What is to be run: `inputs` hold the states in which the members begin, after `begin` [...] steps each.

    unseen: [...], members whose first row is still to be saved and watched. ended: [...], those that stay as they are.
    """

    inputs: Inputs
    begin: NDArray[np.int64]
    unseen: NDArray[np.bool_]
    ended: NDArray[np.bool_]
    threads: int


def follow(simulator: FieldSimulator, course: Course, record: Record, report: Callable[[float], None]) -> None:
    """Run all members of a course, and record them.

    Steps are taken in portions that end at rows and, between them, at a number of steps that only the grid decides: a
    run that begins at a row takes the very portions that the whole run takes from there.
    """
    members = list(np.ndindex(*course.inputs.shape))
    try:
        for number, member in enumerate(members):
            if not course.ended[member]:
                _member(simulator, course, record, member, lambda share: report((number + share) / len(members)))  # noqa: B023
    except KeyboardInterrupt:
        return  # what has not ended is on record as interrupted


def _member(
    simulator: FieldSimulator, course: Course, record: Record, member: Member, report: Callable[[float], None]
) -> None:
    marks, t_start = record.result.marks, record.result.t_start
    run = simulator.start(course.inputs, member, t_start, marks.h, course.threads)
    run.k = begin = int(course.begin[member])
    portion = max(1, PORTION // int(np.prod(simulator.grid.shape)))
    for row, step in enumerate(marks.steps):
        if step < begin or (step == begin and not course.unseen[member]):
            continue
        while run.k < step:
            run.go(min(portion, int(step) - run.k), watch=run.k + portion >= step)
            report(run.k / max(marks.count, 1))
            if not is_finite(run):
                record.end(member, Outcome.NOT_FINITE)
                return
        record.keep(member, row, run.state(), run.totals(), run.time)
    while run.k < marks.count:
        run.go(min(portion, marks.count - run.k))
        if not is_finite(run):
            record.end(member, Outcome.NOT_FINITE)
            return
        record.reach(member, run.time)
    record.end(member, Outcome.FINISHED)


def is_finite(run: Run) -> bool:
    """Whether the state consists of numbers."""
    return all(bool(np.isfinite(a).all()) for a in run.state().values())
