"""Runs of fields from their starts to their ends, members of an ensemble one after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from symphys.simulate.lattice.given import Inputs
from symphys.simulate.lattice.record import Member, Record
from symphys.simulate.lattice.running import Recorded, Run
from symphys.simulate.status import Outcome

if TYPE_CHECKING:
    from symphys.simulate.lattice.simulator import FieldSimulator

Told = Callable[[], Recorded | None]
PORTION = 1 << 25  # sites times steps between looks at progress and at states that left the finite world
AHEAD = 64  # by how much portions are longer where launches run ahead of the host, which waits at every look
LEAST = 65  # steps, there: to look takes as long as a step, and large lattices take steps together, four at a time


@dataclass(frozen=True)
class Course:
    """What is to be run: `inputs` hold the states in which the members begin, after `begin` [...] steps each.

    unseen: [...], members whose first row is still to be saved and watched. ended: [...], those that stay as they are.
    stays: the rows lie on the device.
    """

    inputs: Inputs
    begin: NDArray[np.int64]
    unseen: NDArray[np.bool_]
    ended: NDArray[np.bool_]
    threads: int
    stays: bool = False


def follow(simulator: FieldSimulator, course: Course, record: Record, report: Callable[[float], None]) -> None:
    """Run all members of a course, and record them.

    Steps are taken in portions that end at rows and, between them, at a number of steps that only the grid and the
    backend decide: a run that begins at a row takes the very portions that the whole run takes from there.
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
    least, each = (LEAST, AHEAD * PORTION) if run.arrays.ahead else (1, PORTION)
    portion = max(least, each // int(np.prod(simulator.grid.shape)))
    rows = Rows(record, member, run.arrays.ahead, course.stays)
    try:
        for row, step in enumerate(marks.steps):
            if step < begin or (step == begin and not course.unseen[member]):
                continue
            while run.k < step:
                run.go(min(portion, int(step) - run.k), watch=run.k + portion >= step)
                report(run.k / max(marks.count, 1))
                if run.k < step and not run.finite():
                    rows.end(Outcome.NOT_FINITE)
                    return
            rows.take(row, run)
            if rows.ended:
                return
        rows.settle(0)  # a row that is kept later would say that the run has come no further than to it
        while run.k < marks.count and not rows.ended:
            run.go(min(portion, marks.count - run.k))
            if not run.finite():
                rows.end(Outcome.NOT_FINITE)
                return
            record.reach(member, run.time)
        rows.end(Outcome.FINISHED)
    except KeyboardInterrupt:
        rows.settle(0)
        raise
    finally:
        if course.stays:  # rows that were laid are there for whoever looks next, and before the run's arrays are free
            run.arrays.settle()


@dataclass
class Rows:
    """The saved rows of a member: `ahead` of them may be on their way to the host while steps go on."""

    record: Record
    member: Member
    ahead: int
    stays: bool = False
    ended: bool = False
    waiting: deque[tuple[int, float, Told]] = field(default_factory=deque)

    def take(self, row: int, run: Run) -> None:
        """The present state is to be saved."""
        if self.stays:
            self._lay(row, run)
            return
        self.waiting.append((row, run.time, run.recorded(self.record.wanted)))
        self.settle(self.ahead)

    def _lay(self, row: int, run: Run) -> None:
        """The present state is to be saved on the device."""
        if not run.finite():
            self.end(Outcome.NOT_FINITE)
            self.ended = True
            return
        run.lay({label: whole[(*self.member, row)] for label, whole in self.record.result.states.items()})
        self.record.keep(self.member, row, {}, run.totals(), run.time)

    def settle(self, ahead: int) -> None:
        """Save all rows but the last `ahead`; the first whose state is not finite is the end."""
        while len(self.waiting) > ahead and not self.ended:
            row, time, told = self.waiting[0]  # until it is saved: an interrupt saves it again
            found = told()
            if found is None:
                self.ended = True
                self.record.end(self.member, Outcome.NOT_FINITE)
                return
            self.record.keep(self.member, row, *found, time)
            self.waiting.popleft()

    def end(self, outcome: Outcome) -> None:
        """Save what is on its way, and note how the member ended."""
        self.settle(0)
        if not self.ended:
            self.record.end(self.member, outcome)
