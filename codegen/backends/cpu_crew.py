"""The threads of one caller: they wait awake for a while, because starting or waking them costs as much as small runs.

Waking a thread takes 0.05 to 0.3 ms, a step of a few thousand particles about as much.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .interface import address

LINE = 64  # bytes of a cache line
ROOM = 32  # words of a thread's memory: whole lines
PATIENCE = 1_000_000  # looks of an idle thread: about a millisecond
SPINS, FEW_SPINS = 300_000, 2000  # turns of a thread that waits for others, before it offers its core to any


def fit(threads: int) -> bool:
    """Whether there is a core for each; else they must make room for each other."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return threads <= cores


def new_barrier(threads: int) -> NDArray[np.int64]:
    """A count of arrivals, and behind it after how many turns those who wait give way; a cache line."""
    barrier = np.zeros(LINE // 8, dtype=np.int64)
    barrier[1] = SPINS if fit(threads) else FEW_SPINS
    return barrier


class Crew:
    """Threads beside that of the caller, and the memory by which they are given work."""

    def __init__(self, threads: int) -> None:
        raw = np.zeros((threads + 1) * ROOM, dtype=np.int64)
        lead = (-address(raw) % LINE) // raw.itemsize
        self.mail = raw[lead : lead + threads * ROOM].reshape(threads, ROOM)
        self.addresses = np.array([address(row) for row in self.mail], dtype=np.int64)
        self.pools = [ThreadPoolExecutor(1) for _ in range(threads)]
        self.roused: list[Future[None] | None] = [None] * threads
        self.patience = PATIENCE if fit(threads + 1) else 0

    def run(
        self,
        given: tuple[NDArray[np.int64], Sequence[NDArray[np.uint64]], NDArray[np.int64]],
        parts: Sequence[NDArray[np.int64]],
        course: NDArray[np.int64],
        barrier: NDArray[np.int64],
    ) -> None:
        """`run_in_turn` by all: the caller's share is the first of tables and parts."""
        from .numba_driver import ASLEEP, JOB, ROUSED, STATE, lead

        kernels, tables, slots = given
        number = len(tables) - 1
        mail, addresses = self.mail[:number], self.addresses[:number]
        for row, table, part in zip(mail, tables[1:], parts[1:], strict=True):
            arrays = [address(a) for a in (kernels, table, slots, part)]
            job = [*arrays, *table.shape, len(course), address(course), number + 1, address(barrier)]
            row[JOB : JOB + len(job)] = job
        while True:
            for k in range(number):
                before = self.roused[k]
                interrupted = mail[k, STATE] == ROUSED and (before is None or before.done())
                if mail[k, STATE] == ASLEEP or interrupted:
                    mail[k, STATE] = ROUSED
                    self.roused[k] = self.pools[k].submit(self._attend, k)
            if lead(addresses, kernels, tables[0], slots, parts[0], course, address(barrier)):
                return

    def _attend(self, k: int) -> None:
        from .numba_driver import attend

        attend(self.addresses[k], self.patience)


@lru_cache(maxsize=8)
def crew_of(process: int, caller: int, threads: int) -> Crew:
    """The crew of a thread: those who call at the same time may not share one.

    A forked process has none of its parent's threads.
    """
    del process, caller
    return Crew(threads)
