"""Trajectories that take about as many steps, side by side.

The lanes of a block go on until the slowest of them has ended, so that a block of unlike trajectories computes a third
more steps than it keeps. How many steps each has left is foreseen from its pace so far; the columns of all arrays are
sorted by that, and put back at the end. No trajectory knows of another, so that the results are the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from codegen import HostMemory
from symphys.lower.frame import ROW
from symphys.simulate.execute import Buffers

PROBE = 32  # attempts after which the pace of a trajectory is known well enough
BLOCKS = 4  # that a thread must have at least: fewer end no sooner in another order
WORTH = 1.05  # by how much the blocks must become shorter
WITH_ROWS = ("saved", "saved_work", "row_times")  # arrays whose last axis but one is that of rows
CHUNK = 64  # rows that are sorted at a time, through a copy


def _length(expected: NDArray[np.float64], lanes: int) -> float:
    """The sum over blocks of what their slowest lane expects; a last block that is not full is left out."""
    whole = len(expected) // lanes * lanes
    return float(expected[:whole].reshape(-1, lanes).max(axis=1).sum())


@dataclass
class Grouping:
    """The trajectories of a run in its arrays: column j holds the one that came as number order[j]."""

    buffers: Buffers
    threads: int
    changed: bool = False

    @classmethod
    def of(cls, buffers: Buffers, threads: int) -> Grouping:
        """As they came."""
        return cls(buffers, threads)

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """At first they are as they came."""
        return np.arange(self.buffers.instances)

    @property
    def useful(self) -> bool:
        """Whether there are blocks enough among which to choose, on the host, where blocks are known."""
        lanes, host = self.buffers.lanes, isinstance(self.buffers.arrays, HostMemory)
        return host and lanes > 1 and self.buffers.instances >= BLOCKS * lanes * self.threads

    def sort(self, expected: NDArray[np.float64]) -> None:
        """Sort by the steps that each column is expected to have left, where that makes blocks shorter.

        The sorted blocks are dealt out like cards, as each thread takes a run of neighbours.
        """
        lanes, ranks = self.buffers.lanes, np.argsort(expected)
        if _length(expected, lanes) < WORTH * _length(expected[ranks], lanes):
            return
        whole = len(ranks) // lanes * lanes
        blocks = ranks[:whole].reshape(-1, lanes)
        dealt = np.concatenate([blocks[thread :: self.threads] for thread in range(self.threads)])
        chosen = np.concatenate([dealt.reshape(-1), ranks[whole:]])
        self._take(chosen)
        self.order, self.changed = self.order[chosen], True

    @property
    def came(self) -> NDArray[np.intp]:
        """In which column each trajectory is, by the number with which it came."""
        found = np.empty_like(self.order)
        found[self.order] = np.arange(len(found))
        return found

    def restore(self) -> None:
        """Put all columns back to where they came."""
        if self.changed:
            self._take(self.came)
            self.order, self.changed = np.arange(len(self.order)), False

    def _take(self, columns: NDArray[np.intp]) -> None:
        """Let column j of every array be the one that is number columns[j] now."""
        count, rows = len(columns), int(self.buffers.counter(ROW).max())
        for name in self.buffers.own - {"initial"}:  # which nothing reads any more
            array = self.buffers.arrays[name]
            flat = array.reshape(-1, *array.shape[-2:]) if name in WITH_ROWS else array.reshape(1, -1, array.shape[-1])
            for part in flat:
                for first in range(0, rows if name in WITH_ROWS else len(part), CHUNK):
                    few = part[first : min(first + CHUNK, rows) if name in WITH_ROWS else first + CHUNK, :count]
                    few[...] = np.take(few, columns, axis=1, mode="clip")
