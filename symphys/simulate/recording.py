"""Saved rows of trajectories on their way to the host while the next launch runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.simulate.execute import Buffers

ROWS = ("saved", "saved_work")  # arrays whose rows no later launch changes


@dataclass
class Recording:
    """Rows that were saved by one launch are copied by a stream of their own while the next one runs."""

    buffers: Buffers
    host: dict[str, NDArray[Any]]
    waiting: list[tuple[slice, Any]] = field(default_factory=list)  # each until it is there: interrupts lose none

    @classmethod
    def of(cls, buffers: Buffers, on_device: bool) -> Recording:
        """Nothing is copied where launches are over when they return, nor where results stay `on_device`."""
        memory = buffers.arrays
        names = [name for name in ROWS if name in memory] if memory.ahead and not on_device else []
        return cls(buffers, {name: np.full(memory.shape(name), np.nan, buffers.dtype) for name in names})

    def follow(self, slots: NDArray[np.int64]) -> None:
        """A launch was started that saves rows into these slots: take what the one before it saved."""
        if not self.host:
            return
        saved = slots[slots >= 0]
        if len(saved):
            self.waiting.append((slice(int(saved[0]), int(saved[-1]) + 1), self.buffers.arrays.mark()))
        self._take(1 if len(saved) else 0)

    def finish(self) -> None:
        """Take what the last launch saved; the host's arrays are the run's from here on."""
        self._take(0)
        for name, rows in self.host.items():
            self.buffers.arrays[name] = rows

    def _take(self, left: int) -> None:
        """Bring all that waits but the last `left`."""
        while len(self.waiting) > left:
            rows, since = self.waiting[0]
            for name, out in self.host.items():
                self.buffers.arrays.bring(name, rows, out, since)
            self.waiting.pop(0)
