"""Repeated launches in native code: many steps of a lattice run without a return to Python.

A step is a sequence of operations, each a compiled kernel over rows (indices of its first outer axis). Two schedules:

- in turn: every operation over all rows, shared out to the threads, with a barrier after each;
- tiled: some steps are taken on rows that stay in the cache. Each thread owns a run of rows. Where operation n reaches
  r rows to either side, rows closer to a border than the sum of the reaches so far wait (the trapezoid shrinks); within
  the trapezoid, bands of rows are taken through all operations, each operation lagging behind the one before by its
  reach; after a barrier the rows around the borders follow in order. (Wonnacott, IPDPS 2000; Frigo, Strumpen, ICS
  2005.) The order of the operations on any row and its neighbours is that of the program, so that the result is the
  same to the last bit.
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
    addresses: Any, tables: Any, slots: Any, shares: Any, steps: int, count: int, threads: int, barrier: int
) -> None:
    """All operations of `steps` steps, each on this thread's blocks `shares` [ops, 2]."""
    goal = 0
    for step in range(steps):
        for op in range(len(addresses)):
            if shares[op, 0] < shares[op, 1]:
                _run(addresses[op], tables, op, slots[op], count + step, shares[op, 0], shares[op, 1])
            if threads > 1:
                goal += threads
                _wait(barrier, goal)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def run_tiled(
    addresses: Any,
    tables: Any,
    slots: Any,
    blocks: Any,
    skews: Any,
    edges: Any,
    steps: int,
    count: int,
    tile: int,
    band: int,
    threads: int,
    barrier: int,
) -> None:
    """`tile` steps at a time on this thread's rows.

    `blocks` [ops]: blocks a row; `skews` [ops]: rows by which an operation lags behind the one before it (the first
    one: behind the last one of the step before). `edges`: first row, last row + 1, whether the rows below and above
    belong to others, number of all rows. `band`: rows that are taken through all operations together.
    """
    ops = len(addresses)
    begin, end, below, above, rows = edges[0], edges[1], edges[2], edges[3], edges[4]
    goal = 0
    done = 0
    while done < steps:
        turns = min(tile, steps - done)
        lag = np.int64(0)
        for k in range(1, turns * ops):
            lag += skews[k % ops]
        start = begin
        while start - lag < end:
            behind = np.int64(0)
            for k in range(turns * ops):
                op = k % ops
                if k > 0:
                    behind += skews[op]
                low = begin + (behind if below else 0)
                high = end - (behind if above else 0)
                first = low if start == begin else max(low, start - behind)
                last = min(high, start + band - behind)
                if first < last:
                    row = blocks[op]
                    _run(addresses[op], tables, op, slots[op], count + done + k // ops, first * row, last * row)
            start += band
        if threads > 1:
            goal += threads
            _wait(barrier, goal)
        if below:
            behind = np.int64(0)
            for k in range(turns * ops):
                op = k % ops
                if k > 0:
                    behind += skews[op]
                first, last, row, present = begin - behind, begin + behind, blocks[op], count + done + k // ops
                if first < 0:
                    _run(addresses[op], tables, op, slots[op], present, (first + rows) * row, rows * row)
                    first = 0
                if first < last:
                    _run(addresses[op], tables, op, slots[op], present, first * row, last * row)
        if threads > 1:
            goal += threads
            _wait(barrier, goal)
        done += turns
