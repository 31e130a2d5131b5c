"""Launches and their repetitions in one piece: what runs without a return to Python, in turn or tiled.

`prepare` lays down all that stays from run to run, `run_piece` adds the numbers of one run, shares it out and calls the
loops of `numba_driver`. The idea is told in docs/compiler.md, "Steps over large arrays".
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from threading import get_ident
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from codegen.interpret_program import size_of
from codegen.schedule import CACHE, SMALL, meetings, shares, skews, tiling

from .cpu_crew import crew_of, new_barrier
from .cpu_pieces import Bound, Operation, Piece, Place
from .interface import address

Arrays = Mapping[str, NDArray[Any]]
OPS, TIMES = 1, 2  # columns of a course: how many operations a segment has, and how often they are done


@dataclass(frozen=True)
class Prepared:
    """A piece with its arrays, which it does not keep alive: what stays from run to run.

    sizes: the integers by which arrays and extents are as large as they are. table [ops, entries]: all but the scalars,
    of which each segment has reals and integers at these places of the flat table. sums: operation, entry and array of
    each sum. total: the bytes of all arrays.
    """

    arrays: tuple[tuple[str, ref[NDArray[Any]]], ...]
    sizes: tuple[int, ...]
    places: tuple[Place, ...]
    table: NDArray[np.uint64]
    scalars: tuple[tuple[NDArray[np.int64], NDArray[np.int64]], ...]
    sums: tuple[tuple[int, int, str], ...]
    addresses: NDArray[np.int64]
    total: int

    def fits(self, arrays: Arrays, sizes: tuple[int, ...]) -> bool:
        """Whether it is for these very arrays."""
        return sizes == self.sizes and all(arrays[name] is known() for name, known in self.arrays)


def prepare(piece: Piece, bound: Sequence[Bound], arrays: Arrays, sizes: tuple[int, ...]) -> Prepared:
    """What stays, from operations that have been bound to their arrays."""
    rows = [b.operation.kernel.table(b.arrays, b.scalars, b.extents)[0] for b in bound]
    table = np.zeros((len(rows), max(len(row) for row in rows)), dtype=np.uint64)
    for i, row in enumerate(rows):
        table[i, : len(row)] = row
    named = {name: arrays[name] for op in piece.operations for name in op.accesses}
    flat, first = [], 0
    for segment in piece.segments:
        flat.append(segment.entries(first, table.shape[1]))
        first += len(segment.operations)
    sums = [(i, *each) for i, op in enumerate(piece.operations) for each in op.sums]
    return Prepared(
        tuple((name, ref(a)) for name, a in named.items()),
        sizes,
        tuple(b.place for b in bound),
        table,
        tuple(flat),
        tuple(sums),
        np.array([op.kernel.address for op in piece.operations]),
        sum(a.nbytes for a in {id(a): a for a in named.values()}.values()),
    )


def run_piece(
    piece: Piece, prepared: Prepared, arrays: Arrays, scalars: dict[str, Any], threads: int, wraps: bool, known: Any
) -> None:
    """Many steps without a return to Python, in turn or tiled; sums start from zero, and counters go on.

    known: what one program has found out about the sharing of its operations, which is remembered.
    """
    from .numba_driver import run_in_turn, run_tiled

    table, course = _with_numbers(piece, prepared, scalars)
    threads = max(1, threads) if max(prepared.total, *(p.work for p in prepared.places)) > SMALL else 1
    longest = int(np.argmax(course[:, OPS] * course[:, TIMES]))  # the segment in which most is done decides on tiles
    body = piece.segments[longest].operations if course[longest, TIMES] > 1 else piece.operations
    key = (id(piece), prepared.sizes, prepared.total, threads, len(body), longest)
    order: _Order | None = known.get(key)
    if order is None:
        order = known[key] = _order(piece, prepared, body, threads, wraps)
    tile = order.tile and _even(order.tile, order.room, int((course[:, OPS] * course[:, TIMES]).sum()))
    own, threads = order.parts[0], max(len(part) for part in order.parts)
    # each thread has a table of its own, with sums of its own
    tables = [table, *(table.copy() for _ in range(1, threads))]
    sums = [_own_sums(mine, prepared, arrays) for mine in tables]
    barrier = new_barrier(threads)

    def work_of(me: int) -> None:
        given = (prepared.addresses, tables[me], order.slots)
        if tile is None:
            run_in_turn(*given, order.share(me), course, threads, address(barrier))
            return
        edges = (*own[me], int(wraps or me > 0), int(wraps or me < len(own) - 1))
        space = (prepared.places[0].rows, order.columns)
        run_tiled(*given, order.blocks, order.needs, edges, space, course, tile, threads, address(barrier))

    if tile is None and threads > 1:
        crew = crew_of(os.getpid(), get_ident(), threads - 1)
        shared = [order.share(me) for me in range(threads)]
        crew.run((prepared.addresses, tables, order.slots), shared, course, barrier)
    else:
        together(work_of, threads)
    # in the order of the threads: the same for the same number of them
    for k, (_, _, name) in enumerate(prepared.sums):
        arrays[name][...] = sum(each[k] for each in sums)


def _with_numbers(
    piece: Piece, prepared: Prepared, scalars: dict[str, Any]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The table with the present scalars, and the course: for each segment its first operation, how many there are, how
    often they are done, the count of the first time, and by how much it goes up. Counters among the scalars go on."""
    table, course = prepared.table.copy(), np.zeros((len(piece.segments), 5), dtype=np.int64)
    flat, first = table.reshape(-1), 0
    for number, (segment, (reals, words)) in enumerate(zip(piece.segments, prepared.scalars, strict=True)):
        flat[reals] = np.array([scalars[name] for name in segment.reals], dtype=np.float64).view(np.uint64)
        flat[words] = np.array([scalars[name] for name in segment.words], dtype=np.int64).view(np.uint64)
        times, start = max(0, size_of(segment.count, scalars)), 0
        if segment.counter is not None:
            start = int(scalars[segment.counter])
            scalars[segment.counter] += times * segment.stride
        course[number] = first, len(segment.operations), times, start, segment.stride
        first += len(segment.operations)
    return table, course


def _own_sums(table: NDArray[np.uint64], prepared: Prepared, arrays: Arrays) -> list[NDArray[Any]]:
    """Zeros for the sums of one thread, told to its table."""
    made = [np.zeros_like(arrays[name]) for _, _, name in prepared.sums]
    for (op, entry, _), zeros in zip(prepared.sums, made, strict=True):
        table[op, entry] = address(zeros)
    return made


@lru_cache(maxsize=8)
def waiting_threads(process: int, caller: int, threads: int) -> ThreadPoolExecutor:
    """Threads that wait for the next run: starting them anew would cost more than small runs take.

    A forked process has none of its parent's threads. Threads of one run wait for each other, so that those who call at
    the same time may not share them: the pool is that of one `process` and of one `caller` in it.
    """
    del process, caller
    return ThreadPoolExecutor(threads)


def together(work: Callable[[int], None], threads: int) -> None:
    """work(0) here, work(1), ... in threads of their own; an error of any is raised here."""
    pool = waiting_threads(os.getpid(), get_ident(), threads) if threads > 1 else None
    waiting = [] if pool is None else [pool.submit(work, me) for me in range(1, threads)]
    work(0)
    for future in waiting:
        future.result()


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

    def share(self, me: int) -> NDArray[np.int64]:
        """[operations, 2], the blocks of one thread."""
        return np.array([part[me] if me < len(part) else (0, 0) for part in self.parts], dtype=np.int64)


def _order(piece: Piece, prepared: Prepared, body: Sequence[Operation], threads: int, wraps: bool) -> _Order:
    """Tiles where all operations go over like rows, and where they gain anything for the operations `body`."""
    places, total = prepared.places, prepared.total
    slots = np.array([op.slot(segment.counter) for segment in piece.segments for op in segment.operations])
    rows, none = places[0].rows, np.zeros((0, 0), dtype=np.int64)
    alike = rows > 1 and all(p.rows == rows for p in places)
    columns = places[0].columns if all(p.columns == places[0].columns for p in places) else 1
    if alike and not any(op.everywhere for op in piece.operations) and total > CACHE:
        lag, own = sum(skews([op.accesses for op in body])), shares(0, rows, threads)
        found = tiling(lag, total // rows, min(b - a for a, b in own), threads == 1 and not wraps, columns)
        if found is not None:
            tile = (found.steps * len(body), found.steps * lag, found.band, min(found.chunk, columns))
            blocks = np.array([p.row_blocks // columns for p in places])
            room = rows if threads == 1 and not wraps else min(b - a for a, b in own) // 2
            return _Order([own], slots, blocks, columns, tile, _needs(piece.operations), room)
    parts = [shares(0, p.rows * p.row_blocks, threads) for p in places]
    return _Order(parts, slots, none, columns, None, none)


def _even(tile: tuple[int, int, int, int], room: int, count: int) -> tuple[int, int, int, int]:
    """Tiles for `count` operations, none much smaller than the others; an eighth larger, where that saves one.

    Every tile goes through the whole of the arrays.
    """
    most, lag = tile[:2]
    number = max(1, -(-count * 8 // (9 * most)))
    ops = min(-(-count // number), most + most // 8)
    return (ops, min(lag * max(ops, most) // most, room), *tile[2:])


def _needs(ops: Sequence[Operation]) -> NDArray[np.int64]:
    """[later, earlier]: by how many rows an operation must lag behind another one; many of them are alike."""
    kinds: dict[tuple[tuple[str, tuple[bool, int]], ...], int] = {}
    which = [kinds.setdefault(tuple(op.accesses.items()), len(kinds)) for op in ops]
    return np.array(meetings([dict(kind) for kind in kinds]))[np.ix_(which, which)]
