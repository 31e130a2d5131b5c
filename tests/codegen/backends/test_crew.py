"""Threads that stay awake between runs do each piece once, whoever calls and however long it has been."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from os import getpid
from threading import get_ident

import numpy as np
import pytest

from codegen.backends import get_backend
from codegen.backends.cpu_crew import crew_of
from codegen.backends.cpu_program import CpuProgram
from codegen.builder import Builder
from codegen.ir import Kind, variable
from codegen.program import EVERYWHERE, Array, Intent, Kernel, Launch, Program, Repeat, Scalar

ROWS, LANES = 64, 256  # enough for threads to be worth their while


def _counting() -> CpuProgram:
    """u += 1 everywhere, then v = u of the next row, so that threads must wait for each other; `steps` times."""
    row = variable("row", Kind.INT)
    rows = Scalar("rows", Kind.INT)
    b = Builder()
    b.store("u", row, value=b.load("before", "u", row) + 1.0)
    up = Kernel("up", "lane", (Array("u", ("rows",), intent=Intent.INOUT),), (rows,), b.block(), ("row",))
    b = Builder()
    b.store("v", row, value=b.load("next", "u", row + 1))
    arrays = (Array("u", ("heights",)), Array("v", ("rows",), intent=Intent.OUT))
    sizes = (rows, Scalar("heights", Kind.INT))
    over = Kernel("over", "lane", arrays, sizes, b.block(), ("row",))
    launches = (
        Launch(up, ("heights", "lanes"), (("rows", "heights"),), EVERYWHERE),
        Launch(over, ("rows", "lanes"), (), EVERYWHERE),
    )
    program = Program(
        "counting",
        (Array("u", ("heights",), intent=Intent.INOUT), Array("v", ("rows",), intent=Intent.OUT)),
        tuple(Scalar(name, Kind.INT) for name in ("rows", "heights", "lanes", "steps")),
        (Repeat("steps", launches),),
    )
    compiled = get_backend("cpu").compile_program(program)
    assert isinstance(compiled, CpuProgram)
    return compiled


def _run(program: CpuProgram, threads: int, runs: int, pause: float = 0.0) -> None:
    arrays = {"u": np.zeros((ROWS + 1, LANES)), "v": np.zeros((ROWS, LANES))}
    for run in range(runs):
        program(arrays, {"rows": ROWS, "heights": ROWS + 1, "lanes": LANES, "steps": 3}, threads)
        time.sleep(pause)
        assert (arrays["u"] == 3 * (run + 1)).all()
        assert (arrays["v"] == 3 * (run + 1)).all()


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("pause", [0.0, 0.0005, 0.02], ids=["awake", "about to sleep", "asleep"])
def test_every_piece_is_done_once(threads: int, pause: float) -> None:
    _run(_counting(), threads, runs=10 if pause < 0.01 else 3, pause=pause)


def test_callers_at_the_same_time_have_crews_of_their_own() -> None:
    program = _counting()
    with ThreadPoolExecutor(3) as callers:
        for done in [callers.submit(_run, program, 2, 4) for _ in range(3)]:
            done.result()


def test_a_thread_that_was_roused_and_never_came_is_roused_again() -> None:
    """As when an interrupt falls between both."""
    from codegen.backends.numba_driver import ROUSED, STATE

    program = _counting()
    _run(program, 2, runs=1)
    crew = crew_of(getpid(), get_ident(), 1)
    time.sleep(0.1)
    crew.mail[0, STATE] = ROUSED
    _run(program, 2, runs=2)
