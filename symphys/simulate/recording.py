"""Saved rows of trajectories on their way to the host while the next launch runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.simulate.execute import Buffers

ROWS = ("saved", "saved_work")  # arrays whose rows no later launch changes


def widened(old: NDArray[Any], rows: int) -> NDArray[Any]:
    """A copy with so many rows, along the last axis but one, the new ones NaN."""
    new = np.full((*old.shape[:-2], rows, old.shape[-1]), np.nan, dtype=old.dtype)
    new[..., : old.shape[-2], :] = old
    return new


@dataclass
class Recording:
    """Rows that were saved by one launch are copied by a stream of their own while the next one runs."""

    buffers: Buffers
    host: dict[str, NDArray[Any]]
    waiting: list[tuple[slice, Any]] = field(default_factory=list)  # each until it is there: interrupts lose none
    done: int = 0  # rows that were told to be `ready`
    there: int = 0  # rows that have come

    @classmethod
    def of(cls, buffers: Buffers, on_device: bool) -> Recording:
        """Nothing is copied where launches are over when they return, nor where results stay `on_device`."""
        memory = buffers.arrays
        names = [name for name in ROWS if name in memory] if memory.ahead and not on_device else []
        return cls(buffers, {name: np.empty(memory.shape(name), buffers.dtype) for name in names})

    def follow(self, slots: NDArray[np.int64]) -> None:
        """A launch was started that saves rows into these slots: take what the one before it saved."""
        if not self.host:
            return
        saved = slots[slots >= 0]
        if len(saved):
            self.waiting.append((slice(int(saved[0]), int(saved[-1]) + 1), self.buffers.arrays.mark()))
        self._take(1 if len(saved) else 0)

    def ready(self, until: int) -> None:
        """No launch from here on changes the rows before `until`: they leave when the next one was started."""
        if self.host and until > self.done:
            self.waiting.append((slice(self.done, until), self.buffers.arrays.mark()))
            self.done = until

    def take(self) -> None:
        """Bring all that is ready, while what was launched since goes on."""
        self._take(0)

    def widen(self, rows: int) -> None:
        """Room for more rows; nothing may be on its way. An interrupt leaves all as it was, or all wider."""
        self.host = {name: widened(old, rows) for name, old in self.host.items()}

    @property
    def size(self) -> int:
        """Bytes that are to leave the device."""
        return sum(rows.nbytes for rows in self.host.values())

    def finish(self) -> None:
        """Take what the last launch saved; the host's arrays are the run's from here on."""
        self._take(0)
        for name, rows in self.host.items():
            rows[..., self.there :, :] = np.nan
            self.buffers.arrays[name] = rows

    def _take(self, left: int) -> None:
        """Bring all that waits but the last `left`."""
        while len(self.waiting) > left:
            rows, since = self.waiting[0]
            for name, out in self.host.items():
                self.buffers.arrays.bring(name, rows, out, since)
            self.there = rows.stop
            self.waiting.pop(0)
