"""Repeated launches in native code: many steps of a lattice run without a return to Python.

A step is a sequence of operations, each a compiled kernel over rows (indices of its first outer axis). Two schedules:

- in turn: every operation over all rows, shared out to the threads, with a barrier after each;
- tiled: some steps are taken on rows that stay in the cache. Each thread owns a run of rows. Where operation n reaches
  r rows to either side, rows closer to a border than the sum of the reaches so far wait (the trapezoid shrinks); within
  the trapezoid, bands of rows are taken through all operations, each operation lagging behind the one before by its
  reach; after a barrier the rows around the borders follow in the same manner (their trapezoid grows). Rows of a second
  outer axis are columns here: where whole rows leave the cache, all this is done on a chunk of columns after the other,
  and the chunk of each operation is shifted back by its lag. The columns from which the first chunk is shifted away
  wait for the last one, so that the columns may be periodic. (Wonnacott, IPDPS 2000; Frigo, Strumpen, ICS 2005.) The
  order of the operations on any place and its neighbours is that of the program, so that the result is the same to the
  last bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit
from numba.core import types
from numba.extending import intrinsic

SPINS = 2000  # turns of a waiting thread before it offers its core to others


def entry_address(launch: Any) -> int:
    """The address of the machine code of `launch(first, last, table)`, compiled by Numba or loaded from its cache."""
    (result,) = launch.overloads.values()
    return int(result.library.get_pointer_to_function(result.fndesc.llvm_func_name))


@intrinsic  # type: ignore[untyped-decorator]
def _call(typing_context: Any, address: Any, first: Any, last: Any, table: Any) -> Any:  # noqa: ARG001
    """Call the machine code at an address as Numba does: status = f(result, exception, first, last, table)."""
    signature = types.int32(types.int64, types.int64, types.int64, types.int64)

    def generate(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        pointer, word = ir.IntType(8).as_pointer(), ir.IntType(64)
        kind = ir.FunctionType(ir.IntType(32), [pointer, pointer, word, word, word])
        function = builder.inttoptr(arguments[0], kind.as_pointer())
        with builder.goto_entry_block():
            result, exception = builder.alloca(pointer), builder.alloca(pointer)
        given = [builder.bitcast(p, pointer) for p in (result, exception)]
        return builder.call(function, [*given, arguments[1], arguments[2], arguments[3]])

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
    """Until `goal` arrivals have been counted."""
    _arrive(barrier)
    turns = 0
    while _arrived(barrier) < goal:
        turns += 1
        if turns > SPINS:
            _give_way()


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _run(address: int, tables: Any, op: int, slot: int, count: int, first: int, last: int) -> None:
    """One operation on blocks first..last-1 in one step of the repetition."""
    if slot >= 0:
        tables[op, slot] = np.uint64(count)
    _call(address, first, last, tables[op].ctypes.data)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def run_in_turn(
    addresses: Any, tables: Any, slots: Any, shares: Any, steps: int, clock: Any, threads: int, barrier: int
) -> None:
    """All operations of `steps` steps, each on this thread's blocks `shares` [ops, 2].

    `clock`: the count of the first step, and by how much it goes up with each.
    """
    goal = 0
    for step in range(steps):
        for op in range(len(addresses)):
            if shares[op, 0] < shares[op, 1]:
                _run(addresses[op], tables, op, slots[op], clock[0] + step * clock[1], shares[op, 0], shares[op, 1])
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
    addresses: Any, tables: Any, slots: Any, blocks: Any, skews: Any, region: Any, space: Any, tile: Any, clock: Any
) -> None:
    """`tile[0]` steps on the rows of a trapezoid, by bands of `tile[1]` rows and `tile[2]` columns.

    `region`: the rows of the first operation, begin and end, and how they move for those that lag behind it: begin +
    region[2] lag, end + region[3] lag. `space`: all rows, all columns.
    """
    ops = len(addresses)
    begin, end, down, up = region[0], region[1], region[2], region[3]
    width, turns, band, chunk = space[1], tile[0], tile[1], tile[2]
    lag = np.int64(0)
    for k in range(1, turns * ops):
        lag += skews[k % ops]
    for left in range(0, width, chunk):
        right = min(left + chunk, width)
        for start in range(begin, end + (1 + up) * lag, band):
            behind = np.int64(0)
            for k in range(turns * ops):
                op = k % ops
                if k > 0:
                    behind += skews[op]
                first, last = max(begin + down * behind, start - behind), min(end + up * behind, start + band - behind)
                if first >= last:
                    continue
                now = clock[0] + k // ops * clock[1]
                given = (addresses[op], tables, op, slots[op], now, blocks[op], (first, last))
                if chunk == width:
                    _take(*given, (0, width), space)
                    continue
                low, high = max(behind, left - behind), width if right == width else right - behind
                if low < high:
                    _take(*given, (low, high), space)
                if right == width and behind > 0:
                    _take(*given, (0, min(behind, width)), space)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def run_tiled(
    addresses: Any,
    tables: Any,
    slots: Any,
    blocks: Any,
    skews: Any,
    edges: Any,
    space: Any,
    steps: int,
    clock: Any,
    tile: Any,
    threads: int,
    barrier: int,
) -> None:
    """`tile[0]` steps at a time on this thread's rows, by bands of `tile[1]` rows and `tile[2]` columns.

    `blocks` [ops]: blocks a column; `skews` [ops]: rows and columns by which an operation lags behind the one before it
    (the first one: behind the last one of the step before). `edges`: first row, last row + 1, whether the rows below
    and above belong to others. `space`: all rows, all columns.
    """
    begin, end, below, above = edges[0], edges[1], edges[2], edges[3]
    goal = 0
    done = 0
    while done < steps:
        taken = (min(tile[0], steps - done), tile[1], tile[2])
        given = (addresses, tables, slots, blocks, skews)
        now = (clock[0] + done * clock[1], clock[1])
        _sweep(*given, (begin, end, below, -above), space, taken, now)
        if threads > 1:
            goal += threads
            _wait(barrier, goal)
        if below:
            _sweep(*given, (begin, begin, -1, 1), space, taken, now)
        if threads > 1:
            goal += threads
            _wait(barrier, goal)
        done += taken[0]
