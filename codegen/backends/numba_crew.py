"""Threads that stay awake between courses: what is given out is begun at once, without Python and its lock.

A word of memory says what the thread that looks at it does: it is `ASLEEP`, `ROUSED` by Python and on its way, `AWAKE`,
`CALLED` or `AT_WORK`. The leader calls all of its crew before it sets any to work: one that is about to sleep either is
called first, and stays, or is found asleep. Which of both happens is decided by one atomic exchange of the word.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, njit
from numba.core import types
from numba.extending import intrinsic

from .numba_driver import _arrived, _give_way, run_in_turn

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
