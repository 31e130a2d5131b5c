"""A group of runs on its way: portions of steps, what is saved and watched, and who leaves the finite world."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.simulate.particles.state import State, Told
from symphys.simulate.particles.watch import Watch
from symphys.simulate.run_fixed import Marks
from symphys.simulate.status import Outcome

PARTS = ("position", "velocity")
PORTION = 1 << 28  # pairs of particles between looks at progress and at states that left the finite world


@dataclass
class Course:
    """One group of runs on its way: where what it leaves is written, [member, ...]."""

    state: State
    marks: Marks
    look: int | None
    saved: Any
    watch: Watch
    outcomes: NDArray[Any]
    reached: NDArray[np.float64]
    details: NDArray[Any]
    kept: NDArray[np.int64]  # [member], how many rows
    stays: bool = False  # `saved` lies on the device
    waiting: deque[tuple[int, int, Told]] = field(default_factory=deque)

    def run(self, report: Callable[[float], None]) -> None:
        """Take all steps; runs that leave the finite world keep what they have."""
        try:
            self._steps(report)
            self._settle(0)
        except KeyboardInterrupt:
            self._settle(0)
            self.outcomes[self._running] = Outcome.INTERRUPTED
        finally:
            if self.stays:  # an interrupt may come between a row that was laid and what is read after it
                self.state.arrays.settle()

    def _steps(self, report: Callable[[float], None]) -> None:
        state, marks = self.state, self.marks
        portion = max(1, PORTION // max(1, state.pairs))
        late = state.arrays.ahead if state.holds is None else 0  # what is held is looked at row by row
        for row, step in enumerate([*marks.steps, marks.count]):
            saved = row < len(marks.steps)
            while state.k < step:
                ahead = min(portion, int(step) - state.k)
                if self.look is not None:
                    ahead = min(ahead, self.look - state.k % self.look)
                state.go(ahead)
                report(state.k / max(marks.count, 1))
                if saved and state.k == step:
                    break  # the row itself tells who is still finite
                if not (self._settle(late if saved else 0) and self._alive()):
                    return
                if self.look is not None and state.k % self.look == 0 and state.k < step:
                    if not self._settle(0):
                        return
                    self.watch.see(state.totals(), None, self._running)
            if saved and self.stays:
                if not self._alive():
                    return
                self._lay(row)
            elif saved:
                self.waiting.append((row, state.k, state.recorded()))
                if not self._settle(late):
                    return

    @property
    def _running(self) -> NDArray[np.bool_]:
        return np.array([o is Outcome.FINISHED for o in self.outcomes])

    def _alive(self) -> bool:
        """Note who is no longer held or finite now; whether anyone goes on."""
        self._let_go()
        if not self.state.finite():
            places, velocities = self.state.read("position"), self.state.read("velocity")
            if not self._settle(0):
                return False
            self._leave(places, velocities)
        if not self.waiting:
            self.reached[self._running] = self.state.k
        return bool(self._running.any())

    def _lay(self, row: int) -> None:
        """Save a row on the device, for all members alike; what members that have left have no row for stays NaN."""
        running = self._running
        members = [slice(None)] if running.all() else [slice(m, m + 1) for m in np.flatnonzero(running)]

        def act(arrays: Mapping[str, Any]) -> None:
            for number, name in enumerate(PARTS):
                for some in members:
                    self.saved[number, some, row] = self.state.in_order(arrays[name])[some]

        self.state.arrays.lay(PARTS, act)
        self.kept[running] = row + 1
        self.watch.see(self.state.totals(), row, running)

    def _let_go(self) -> None:
        for member, (step, what) in self.state.lost().items():
            if self.outcomes[member] is Outcome.FINISHED:
                self.outcomes[member], self.reached[member] = Outcome.NOT_CONVERGED, step
                self.details[member] = what

    def _leave(self, places: NDArray[Any], velocities: NDArray[Any]) -> None:
        finite = np.isfinite(places).all((1, 2)) & np.isfinite(velocities).all((1, 2))
        lost = self._running & ~finite
        self.outcomes[lost], self.details[lost] = Outcome.NOT_FINITE, self.state.astray

    def _settle(self, late: int) -> bool:
        """Save all rows but the last `late`, which may be on their way to the host; whether anyone goes on."""
        while len(self.waiting) > late and self._running.any():
            row, step, told = self.waiting[0]  # until it is saved: an interrupt saves it again
            places, velocities, totals = told()
            self._let_go()
            self._leave(places, velocities)
            running = self._running
            self.reached[running] = step
            self.saved[0, running, row], self.saved[1, running, row] = places[running], velocities[running]
            self.kept[running] = row + 1
            self.watch.see(totals, row, running)
            self.waiting.popleft()
        return bool(self._running.any())
