"""A group of runs on its way: portions of steps, what is saved and watched, and who leaves the finite world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.simulate.particles.state import State
from symphys.simulate.particles.watch import Watch
from symphys.simulate.run_fixed import Marks
from symphys.simulate.status import Outcome

PORTION = 1 << 28  # pairs of particles between looks at progress and at states that left the finite world


@dataclass
class Course:
    """One group of runs on its way: where what it leaves is written, [member, ...]."""

    state: State
    marks: Marks
    look: int | None
    saved: NDArray[Any]
    watch: Watch
    outcomes: NDArray[Any]
    reached: NDArray[np.float64]
    details: NDArray[Any]

    def run(self, report: Callable[[float], None]) -> None:
        """Take all steps; runs that leave the finite world keep what they have."""
        state, marks = self.state, self.marks
        work = max(1, state.inputs.count**2 * len(state.members))
        portion = max(1, PORTION // work)
        try:
            for row, step in enumerate([*marks.steps, marks.count]):
                while state.k < step:
                    ahead = min(portion, int(step) - state.k)
                    if self.look is not None:
                        ahead = min(ahead, self.look - state.k % self.look)
                    state.go(ahead)
                    report(state.k / max(marks.count, 1))
                    if not self._alive():
                        return
                    if self.look is not None and state.k % self.look == 0 and state.k < step:
                        self.watch.see(state.totals(), None, self._running)
                if row < len(marks.steps):
                    self._keep(row)
        except KeyboardInterrupt:
            self.outcomes[self._running] = Outcome.INTERRUPTED

    @property
    def _running(self) -> NDArray[np.bool_]:
        return np.array([o is Outcome.FINISHED for o in self.outcomes])

    def _alive(self) -> bool:
        """Note who is no longer held or finite; whether anyone goes on."""
        for member, (step, what) in self.state.lost().items():
            if self.outcomes[member] is Outcome.FINISHED:
                self.outcomes[member], self.reached[member] = Outcome.NOT_CONVERGED, step
                self.details[member] = what
        finite = np.isfinite(self.state.read("position")).all((1, 2)) & np.isfinite(self.state.read("velocity")).all(
            (1, 2)
        )
        self.outcomes[self._running & ~finite] = Outcome.NOT_FINITE
        self.reached[self._running] = self.state.k
        return bool(self._running.any())

    def _keep(self, row: int) -> None:
        running = self._running
        self.saved[0, running, row] = self.state.read("position")[running]
        self.saved[1, running, row] = self.state.read("velocity")[running]
        self.watch.see(self.state.totals(), row, running)
