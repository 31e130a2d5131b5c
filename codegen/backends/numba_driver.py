"""Repeated launches in native code: many steps of a lattice run without a return to Python.

A course is a sequence of operations, each a compiled kernel over rows (indices of its first outer axis). Two schedules:

- in turn: every operation over all rows, shared out to the threads, with a barrier after each;
- tiled: some operations, of one repetition or of several, are taken on rows that stay in the cache. Each thread owns a
  run of rows. Where operation n reaches r rows to either side, rows closer to a border than the sum of the reaches so
  far wait (the trapezoid shrinks); within the trapezoid, bands of rows are taken through all operations, each operation
  lagging behind the one before by its reach; after a barrier the rows around the borders follow in the same manner
  (their trapezoid grows). Rows of a second outer axis are columns here: where whole rows leave the cache, all this is
  done on a chunk of columns after the other, and the chunk of each operation is shifted back by its lag. The columns
  from which the first chunk is shifted away wait for the last one, so that the columns may be periodic. (Wonnacott,
  IPDPS 2000; Frigo, Strumpen, ICS 2005.) The order of the operations on any place and its neighbours is that of the
  program, so that the result is the same to the last bit, but for sums over all instances.

Threads that stay awake between courses: what is given out is begun at once, without Python and its lock.

A word of memory says what the thread that looks at it does: it is `ASLEEP`, `ROUSED` by Python and on its way, `AWAKE`,
`CALLED` or `AT_WORK`. The leader calls all of its crew before it sets any to work: one that is about to sleep either is
called first, and stays, or is found asleep. Which of both happens is decided by one atomic exchange of the word.
All of this stands in one file, by whose date Numba tells whether the machine code that it kept is still good.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, njit
from numba.core import types
from numba.extending import intrinsic


@intrinsic  # type: ignore[untyped-decorator]
def _call(typing_context: Any, address: Any, first: Any, last: Any, table: Any) -> Any:  # noqa: ARG001
    """Call the machine code of a kernel at an address: f(first, last, table)."""
    signature = types.void(types.int64, types.int64, types.int64, types.int64)

    def generate(context: Any, builder: Any, __: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        kind = ir.FunctionType(ir.VoidType(), [word, word, word])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])
        return context.get_dummy_value()

    return signature, generate


@intrinsic  # type: ignore[untyped-decorator]
def _arrive(typing_context: Any, address: Any) -> Any:  # noqa: ARG001
    """Add one to the counter at an address, atomically."""
    signature = types.int64(types.int64)

    def generate(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        return builder.atomic_rmw("add", builder.inttoptr(arguments[0], word.as_pointer()), word(1), "seq_cst")

    return signature, generate


@intrinsic  # type: ignore[untyped-decorator]
def _arrived(typing_context: Any, address: Any) -> Any:  # noqa: ARG001
    """The counter at an address."""
    signature = types.int64(types.int64)

    def generate(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        return builder.load_atomic(builder.inttoptr(arguments[0], word.as_pointer()), "seq_cst", 8)

    return signature, generate


@intrinsic  # type: ignore[untyped-decorator]
def _give_way(typing_context: Any) -> Any:  # noqa: ARG001
    """Offer the core to other threads (POSIX sched_yield)."""
    signature = types.int32()

    def generate(_: Any, builder: Any, __: Any, ___: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(32), [])
        function = builder.module.globals.get("sched_yield") or ir.Function(builder.module, kind, "sched_yield")
        return builder.call(function, [])

    return signature, generate


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _wait(barrier: int, goal: int) -> None:
    """Until `goal` arrivals have been counted; the word behind the count says after how many turns to give way."""
    _arrive(barrier)
    turns, spins = 0, _arrived(barrier + 8)
    while _arrived(barrier) < goal:
        turns += 1
        if turns > spins:
            _give_way()


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _run(address: int, tables: Any, op: int, slot: int, count: int, first: int, last: int) -> None:
    """One operation on blocks first..last-1 in one step of the repetition."""
    if slot >= 0:
        tables[op, slot] = np.uint64(count)
    _call(address, first, last, tables[op].ctypes.data)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def run_in_turn(addresses: Any, tables: Any, slots: Any, shares: Any, course: Any, threads: int, barrier: int) -> None:
    """All operations of a course, each on this thread's blocks `shares` [ops, 2].

    `course` [segments, 5]: the first operation, how many there are, how often they are done in turn, the count of the
    first time, and by how much it goes up with each.
    """
    goal = 0
    for first, ops, steps, start, stride in course:
        for step in range(steps):
            for op in range(first, first + ops):
                if shares[op, 0] < shares[op, 1]:
                    _run(addresses[op], tables, op, slots[op], start + step * stride, shares[op, 0], shares[op, 1])
                if threads > 1:
                    goal += threads
                    _wait(barrier, goal)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _take(
    address: int, tables: Any, op: int, slot: int, count: int, block: int, rows: Any, columns: Any, space: Any
) -> None:
    """One operation on a rectangle of rows and columns, `block` blocks a column; row -1 is the last one."""
    first, last, low, high = rows[0], rows[1], columns[0], columns[1]
    many, width = space[0], space[1]
    if low == 0 and high == width:
        line = width * block
        if first < 0:
            _run(address, tables, op, slot, count, (first + many) * line, (min(last, 0) + many) * line)
        if last > 0:
            _run(address, tables, op, slot, count, max(first, 0) * line, last * line)
        return
    for row in range(first, last):
        begin = (row + many if row < 0 else row) * width
        _run(address, tables, op, slot, count, (begin + low) * block, (begin + high) * block)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _sweep(
    addresses: Any, tables: Any, slots: Any, blocks: Any, taken: Any, region: Any, space: Any, band: int, chunk: int
) -> None:
    """The operations `taken` on the rows of a trapezoid, by bands of rows and chunks of columns.

    `taken` [taken, 3]: operation, count, rows by which it lags. `region`: the rows of the first operation, begin and
    end, and how they move for those that lag behind it: begin + region[2] lag, end + region[3] lag. `space`: all rows,
    all columns.
    """
    begin, end, down, up = region[0], region[1], region[2], region[3]
    width, lag = space[1], taken[-1, 2]
    for left in range(0, width, chunk):
        right = min(left + chunk, width)
        for start in range(begin, end + (1 + up) * lag, band):
            for op, count, behind in taken:
                first, last = max(begin + down * behind, start - behind), min(end + up * behind, start + band - behind)
                if first >= last:
                    continue
                given = (addresses[op], tables, op, slots[op], count, blocks[op], (first, last))
                if chunk == width:
                    _take(*given, (0, width), space)
                    continue
                low, high = max(behind, left - behind), width if right == width else right - behind
                if low < high:
                    _take(*given, (low, high), space)
                if right == width and behind > 0:
                    _take(*given, (0, min(behind, width)), space)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _fill(taken: Any, course: Any, needs: Any, furthest: int, place: Any) -> int:
    """As many of the operations from a place of the course on as one tile takes; how many these are.

    Each lags so far behind that it meets no earlier one, and none lags more than `furthest` rows. `place` (segment,
    turn, operation in it) goes on.
    """
    found = 0
    while found < len(taken) and place[0] < len(course):
        first, ops, steps, start, stride = course[place[0]]
        if place[1] >= steps:
            place[0] += 1
            place[1] = 0
            continue
        op = first + place[2]
        behind = taken[found - 1, 2] if found > 0 else 0
        for k in range(found):
            behind = max(behind, taken[k, 2] + needs[op, taken[k, 0]])
        if found > 0 and behind > furthest:
            break
        taken[found, 0], taken[found, 1], taken[found, 2] = op, start + place[1] * stride, behind
        found += 1
        place[2] += 1
        if place[2] == ops:
            place[1] += 1
            place[2] = 0
    return found


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def run_tiled(
    addresses: Any,
    tables: Any,
    slots: Any,
    blocks: Any,
    needs: Any,
    edges: Any,
    space: Any,
    course: Any,
    tile: Any,
    threads: int,
    barrier: int,
) -> None:
    """A course (see `run_in_turn`) in tiles of `tile[0]` operations at most, of which none lags by more than `tile[1]`
    rows, on this thread's rows, by bands of `tile[2]` rows and `tile[3]` columns.

    `blocks` [ops]: blocks a column; `needs` [later, earlier]: rows and columns by which an operation must lag behind
    another. `edges`: first row, last row + 1, whether the rows below and above belong to others. `space`: all rows, all
    columns.
    """
    begin, end, below, above = edges[0], edges[1], edges[2], edges[3]
    place, room = np.zeros(3, dtype=np.int64), np.zeros((tile[0], 3), dtype=np.int64)
    goal = 0
    found = _fill(room, course, needs, tile[1], place)
    while found > 0:
        given = (addresses, tables, slots, blocks, room[:found])
        _sweep(*given, (begin, end, below, -above), space, tile[2], tile[3])
        if threads > 1:
            goal += threads
            _wait(barrier, goal)
        if below:
            _sweep(*given, (begin, begin, -1, 1), space, tile[2], tile[3])
        if threads > 1:
            goal += threads
            _wait(barrier, goal)
        found = _fill(room, course, needs, tile[1], place)


ASLEEP, ROUSED, AWAKE, CALLED, AT_WORK = range(5)
WORD = 8  # bytes
STATE, JOB = 0, 8  # where in the memory of a thread its word stands, and what it is given, a cache line apart
SOON, GRACE = 2000, 100_000  # looks of who was roused before it gives way to others, and before it sleeps again
ENTRIES = 10  # of a job: addresses of arrays and their sizes, see `job_of`


@intrinsic  # type: ignore[untyped-decorator]
def _exchange(typing_context: Any, address: Any, expected: Any, wanted: Any) -> Any:  # noqa: ARG001
    """Put `wanted` where `expected` stands, atomically; whether it stood there."""
    signature = types.boolean(types.int64, types.int64, types.int64)

    def generate(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        at = builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())
        pair = builder.cmpxchg(at, arguments[1], arguments[2], "seq_cst", "seq_cst")
        return builder.extract_value(pair, 1)

    return signature, generate


@intrinsic  # type: ignore[untyped-decorator]
def _pointer(typing_context: Any, address: Any) -> Any:  # noqa: ARG001
    """An address as a pointer."""
    signature = types.voidptr(types.int64)

    def generate(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], ir.IntType(8).as_pointer())

    return signature, generate


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def attend(mail: int, patience: int) -> None:
    """Do what is given until nothing has been given for so many looks."""
    _exchange(mail, ROUSED, AWAKE)
    turns, begun = 0, False
    while True:
        if _arrived(mail) == AT_WORK:
            job = carray(_pointer(mail + JOB * WORD), (ENTRIES,), dtype=np.int64)
            ops, width, segments = job[4], job[5], job[6]
            run_in_turn(
                carray(_pointer(job[0]), (ops,), dtype=np.int64),
                carray(_pointer(job[1]), (ops, width), dtype=np.uint64),
                carray(_pointer(job[2]), (ops,), dtype=np.int64),
                carray(_pointer(job[3]), (ops, 2), dtype=np.int64),
                carray(_pointer(job[7]), (segments, 5), dtype=np.int64),
                job[8],
                job[9],
            )
            _exchange(mail, AT_WORK, AWAKE)
            turns, begun = 0, True
        turns += 1
        if not begun and turns > SOON:  # who was roused is wanted, and must not sleep before
            _give_way()
        if turns > patience + (0 if begun else GRACE) and _exchange(mail, AWAKE, ASLEEP):
            return


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def lead(mails: Any, addresses: Any, tables: Any, slots: Any, shares: Any, course: Any, barrier: int) -> bool:
    """A course (see `run_in_turn`) with the threads that attend to `mails`, whose jobs are written there.

    False, and nothing is done, where one of them has gone to sleep.
    """
    for k in range(len(mails)):
        turns, spins = 0, _arrived(barrier + WORD)
        while not _exchange(mails[k], AWAKE, CALLED):
            if _arrived(mails[k]) == ASLEEP:
                for called in range(k):
                    _exchange(mails[called], CALLED, AWAKE)
                return False
            turns += 1
            if turns > spins:
                _give_way()
    for mail in mails:
        _exchange(mail, CALLED, AT_WORK)
    run_in_turn(addresses, tables, slots, shares, course, len(mails) + 1, barrier)
    for mail in mails:  # what they were given must stay until they have left it
        turns, spins = 0, _arrived(barrier + WORD)
        while _arrived(mail) == AT_WORK:
            turns += 1
            if turns > spins:
                _give_way()
    return True
