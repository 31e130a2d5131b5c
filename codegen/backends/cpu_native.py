"""Launches and their repetitions in one piece: what runs without a return to Python, in turn or tiled."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache
from threading import get_ident
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from codegen.program import EVERYWHERE, Intent, Launch
from codegen.schedule import CACHE, SMALL, meetings, shares, skews, tiling

from .interface import address

if TYPE_CHECKING:
    from .cpu import CpuKernel


@dataclass(frozen=True)
class Operation:
    """What is known of a launch before it has numbers."""

    launch: Launch
    kernel: CpuKernel

    @cached_property
    def names(self) -> dict[str, str]:
        """Arrays and scalars of the program, by the names that the kernel has for them."""
        names = dict(self.launch.rename)
        own = (*(a.name for a in self.kernel.kernel.arrays), *(s.name for s in self.kernel.kernel.scalars))
        return {name: names.get(name, name) for name in own}

    @cached_property
    def accesses(self) -> dict[str, tuple[bool, int]]:
        """By array of the program: whether it is written, and how far the launch reaches in it."""
        found: dict[str, tuple[bool, int]] = {}
        for array in self.kernel.kernel.arrays:
            written = array.intent is not Intent.IN
            found[self.names[array.name]] = (written, 0 if written else self.launch.reach)
        return found

    @cached_property
    def sums(self) -> tuple[str, ...]:
        """The arrays to which it adds, by the kernel's names."""
        return tuple(a.name for a in self.kernel.kernel.arrays if a.intent is Intent.SUM)

    def slot(self, counter: str | None) -> int:
        """Where the counter of a repetition stands in the table."""
        own = (s.name for s in self.kernel.kernel.scalars if self.names[s.name] == counter)
        return self.kernel.slot(next(own, ""))


@dataclass(frozen=True)
class Bound:
    """A launch with its numbers: which code runs on how many blocks, and what it is told."""

    operation: Operation
    arrays: Mapping[str, NDArray[Any]]
    scalars: Mapping[str, float | int]
    extents: tuple[int, ...]

    @property
    def kernel(self) -> CpuKernel:
        return self.operation.kernel

    @property
    def everywhere(self) -> bool:
        """Whether each row looks at all others."""
        return self.operation.launch.reach >= EVERYWHERE

    @property
    def row_blocks(self) -> int:
        """The blocks of one index of the first outer axis; all, where there is none."""
        outer = self.extents[1:-1]
        return math.prod(outer) * -(-self.extents[-1] // self.kernel.lanes)

    @property
    def rows(self) -> int:
        return self.extents[0] if len(self.extents) > 1 else 1

    @property
    def columns(self) -> int:
        """The indices of the second outer axis; one, where there is none."""
        return self.extents[1] if len(self.extents) > 2 else 1

    @cached_property
    def work(self) -> int:
        """The bytes that it goes through; all of them at every row, where each row looks at all others."""
        size = sum([a.nbytes for a in self.arrays.values()])
        return size * self.rows if self.everywhere else size


@dataclass(frozen=True)
class Segment:
    """Launches that are done `count` times one after the other.

    counter: the scalar that goes up by `stride` each time, from `start`.
    """

    bound: tuple[Bound, ...]
    count: int = 1
    counter: str | None = None
    start: int = 0
    stride: int = 1

    @property
    def sums(self) -> bool:
        return any(b.operation.sums for b in self.bound)


def joins(before: Sequence[Segment], segment: Segment) -> bool:
    """Whether a segment may run in one piece with those before it: over like rows, and with no sum before the last.

    What is summed up is known once all threads are through, and nothing before it may touch it.
    """
    if not before or not segment.bound:
        return True
    first, ops = before[0].bound[0], [b for each in before for b in each.bound]
    if any((b.rows, b.columns) != (first.rows, first.columns) for b in segment.bound) or before[-1].sums:
        return False
    names = {b.operation.names[name] for b in segment.bound for name in b.operation.sums}
    return not names or not any(names & b.operation.accesses.keys() for b in ops)


@lru_cache(maxsize=8)
def waiting_threads(process: int, caller: int, threads: int) -> ThreadPoolExecutor:
    """Threads that wait for the next run: starting them anew would cost more than small runs take.

    A forked process has none of its parent's threads. Threads of one run wait for each other, so that those who call at
    the same time may not share them: the pool is that of one `process` and of one `caller` in it.
    """
    del process, caller
    return ThreadPoolExecutor(threads)


@dataclass(frozen=True)
class _Order:
    """How operations are shared out: blocks by operation and thread; the tiles, where there are any.

    tile: operations, rows by which the last of them may lag, rows and columns of a band. room: rows by which it may at
    most.
    """

    parts: list[list[tuple[int, int]]]
    slots: NDArray[np.int64]
    blocks: NDArray[np.int64]
    columns: int
    tile: tuple[int, int, int, int] | None
    needs: NDArray[np.int64]
    room: int = 0


def run_segments(segments: Sequence[Segment], threads: int, wraps: bool, known: dict[Any, Any]) -> None:
    """Many steps without a return to Python, in turn or tiled; sums start from zero.

    known: what one program has found out about the sharing of its operations, which is remembered.
    """
    from .numba_driver import run_in_turn, run_tiled

    ops = [b for segment in segments for b in segment.bound]
    total = sum(a.nbytes for a in {id(a): a for b in ops for a in b.arrays.values()}.values())
    threads = max(1, threads) if max(total, *(b.work for b in ops)) > SMALL else 1
    longest = max(segments, key=lambda s: s.count * len(s.bound))
    body = longest.bound if longest.count > 1 else ops
    key = (total, threads, *((id(b.operation), b.extents) for b in ops), *(id(b.operation) for b in body))
    order = known.get(key)
    if order is None:
        order = known[key] = _order(segments, body, total, threads, wraps)
    own = order.parts[0]
    threads = max(len(part) for part in order.parts)
    addresses, course = np.array([b.kernel.address for b in ops]), _course(segments)
    barrier, made = np.zeros(8, dtype=np.int64), _tables(ops, threads)
    tile = None if order.tile is None else _even(order.tile, order.room, sum(s.count * len(s.bound) for s in segments))

    def work_of(me: int) -> None:
        mine = (addresses, made[me][0], order.slots)
        if tile is None:
            given = np.array([part[me] if me < len(part) else (0, 0) for part in order.parts])
            run_in_turn(*mine, given, course, threads, address(barrier))
            return
        edges = (*own[me], int(wraps or me > 0), int(wraps or me < len(own) - 1))
        space = (ops[0].rows, order.columns)
        run_tiled(*mine, order.blocks, order.needs, edges, space, course, tile, threads, address(barrier))

    together(work_of, threads)
    for number, b in enumerate(ops):
        for name in b.operation.sums:  # in the order of the threads: the same for the same number of them
            b.arrays[name][...] = sum(sums[number][name] for _, sums in made)


def together(work: Callable[[int], None], threads: int) -> None:
    """work(0) here, work(1), ... in threads of their own; an error of any is raised here."""
    pool = waiting_threads(os.getpid(), get_ident(), threads) if threads > 1 else None
    waiting = [] if pool is None else [pool.submit(work, me) for me in range(1, threads)]
    work(0)
    for future in waiting:
        future.result()


def _order(segments: Sequence[Segment], body: Sequence[Bound], total: int, threads: int, wraps: bool) -> _Order:
    """Tiles where all operations go over like rows, and where they gain anything for the operations `body`."""
    ops = [b for segment in segments for b in segment.bound]
    slots = np.array([b.operation.slot(segment.counter) for segment in segments for b in segment.bound])
    rows, none = ops[0].rows, np.zeros((0, 0), dtype=np.int64)
    alike = rows > 1 and all(b.rows == rows for b in ops)
    columns = ops[0].columns if all(b.columns == ops[0].columns for b in ops) else 1
    if alike and not any(b.everywhere for b in ops) and total > CACHE:
        lag, own = sum(skews([b.operation.accesses for b in body])), shares(0, rows, threads)
        found = tiling(lag, total // rows, min(b - a for a, b in own), threads == 1 and not wraps, columns)
        if found is not None:
            tile = (found.steps * len(body), found.steps * lag, found.band, min(found.chunk, columns))
            blocks = np.array([b.row_blocks // columns for b in ops])
            room = rows if threads == 1 and not wraps else min(b - a for a, b in own) // 2
            return _Order([own], slots, blocks, columns, tile, _needs(ops), room)
    parts = [shares(0, b.rows * b.row_blocks, threads) for b in ops]
    return _Order(parts, slots, none, columns, None, none)


def _even(tile: tuple[int, int, int, int], room: int, count: int) -> tuple[int, int, int, int]:
    """Tiles for `count` operations, none much smaller than the others; an eighth larger, where that saves one.

    Every tile goes through the whole of the arrays.
    """
    most, lag = tile[:2]
    number = max(1, -(-count * 8 // (9 * most)))
    ops = min(-(-count // number), most + most // 8)
    return (ops, min(lag * max(ops, most) // most, room), *tile[2:])


def _course(segments: Sequence[Segment]) -> NDArray[np.int64]:
    """[segments, 5]: the first operation, how many there are, how often they are done, the counter and its stride."""
    rows, first = [], 0
    for s in segments:
        rows.append((first, len(s.bound), s.count, s.start, s.stride))
        first += len(s.bound)
    return np.array(rows, dtype=np.int64)


def _needs(ops: Sequence[Bound]) -> NDArray[np.int64]:
    """[later, earlier]: by how many rows an operation must lag behind another one; many of them are alike."""
    kinds: dict[tuple[tuple[str, tuple[bool, int]], ...], int] = {}
    which = [kinds.setdefault(tuple(b.operation.accesses.items()), len(kinds)) for b in ops]
    return np.array(meetings([dict(kind) for kind in kinds]))[np.ix_(which, which)]


def _tables(ops: Sequence[Bound], threads: int) -> list[tuple[NDArray[np.uint64], list[dict[str, NDArray[Any]]]]]:
    """The argument tables of all operations [ops, entries], a copy for each thread, and its own sums."""
    known: dict[int, int] = {}
    made = [b.kernel.table(b.arrays, b.scalars, b.extents, known) for b in ops]
    first = np.zeros((len(made), max(len(row) for row, _ in made)), dtype=np.uint64)
    for i, (row, _) in enumerate(made):
        first[i, : len(row)] = row
    found = [(first, [sums for _, sums in made])]
    for _ in range(1, threads):
        table, own = first.copy(), [dict(sums) for _, sums in made]
        for i, b in enumerate(ops):
            if b.operation.sums:
                row, own[i] = b.kernel.table(b.arrays, b.scalars, b.extents, known)
                table[i, : len(row)] = row
        found.append((table, own))
    return found
