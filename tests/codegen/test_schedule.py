"""How instances are shared out: lane counts by what a kernel carries, runs of blocks that cover everything once."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.ir import Kind, integer, real, variable
from codegen.primitives import apply
from codegen.program import Array, Assign, Call, For, Function, Kernel, Load, Scalar, Statement, Var
from codegen.schedule import (
    BUSY,
    FEW,
    SOME,
    lanes_for,
    most_kept,
    padding,
    registers,
    row_shares,
    shares,
    strip_for,
    threads_for,
)
from tests.codegen.strategies import Case, random_kernels

BLOCKS = st.integers(0, 40)
WORKERS = st.integers(1, 9)


def carrying(count: int) -> Kernel:
    """A kernel of `count` real registers, one integer, and one real register inside a loop."""
    body = [Var(variable(f"r{i}"), real(0.0)) for i in range(count)]
    counter = Var(variable("turns", Kind.INT), integer(0))
    inside = For(variable("i", Kind.INT), integer(0), integer(2), (Var(variable("inner"), real(0.0)),))
    return Kernel("k", "lane", (), (), (*body, counter, inside))


@pytest.mark.parametrize(("count", "lanes"), [(0, 32), (FEW, 32), (FEW + 1, 16), (SOME, 16), (SOME + 1, 8), (500, 8)])
def test_few_registers_take_many_lanes(count: int, lanes: int) -> None:
    assert registers(carrying(count)) == count
    assert lanes_for(carrying(count), "float64") == lanes
    assert lanes_for(carrying(count), "float32") == 2 * lanes


@pytest.mark.parametrize(("weights", "lanes"), [(0, 32), (100, 16), (8000, 16), (9000, 8)])
def test_weights_take_fewer_lanes(weights: int, lanes: int) -> None:
    arrays = (Array("w", (weights,), instanced=False),) if weights else (Array("marks", ("n",), instanced=False),)
    assert lanes_for(Kernel("k", "lane", arrays, (), ()), "float64") == lanes


def stepping(count: int, loads: bool = False) -> Kernel:
    """A kernel that carries `count` registers through a loop of unknown length, which may load from memory."""
    registers = [variable(f"r{i}") for i in range(count)]
    body: list[Statement] = [Assign(r, r + 1.0) for r in registers]
    if loads:
        body.append(Load(variable("u"), "table", (variable("k", Kind.INT),)))
    loop = For(variable("k", Kind.INT), integer(0), variable("n", Kind.INT), tuple(body))
    table = (Array("table", ("n",), instanced=False),)
    return Kernel("k", "lane", table, (Scalar("n", Kind.INT),), (*(Var(r, real(0.0)) for r in registers), loop))


@pytest.mark.parametrize(
    ("kernel", "lanes"),
    [
        (stepping(FEW), 32),  # in strips
        (stepping(FEW, loads=True), 8),
        (stepping(FEW + 1), 8),
        (stepping(SOME), 8),
        (stepping(SOME + 1), 4),
        (carrying(0), 32),  # nothing is carried
        (Kernel("k", "lane", (Array("w", (100,), instanced=False),), (), stepping(3).body), 16),
    ],
)
def test_narrow_registers_hold_fewer_lanes(kernel: Kernel, lanes: int) -> None:
    assert lanes_for(kernel, "float64", 32) == lanes
    assert lanes_for(kernel, "float32", 32) == 2 * lanes
    assert padding("float64") % lanes == 0


def test_narrow_registers_hold_fewer_lanes_of_what_does_much() -> None:
    """Rows of a lattice wait for memory whatever they do."""
    assert [lanes_for(calling(values), "float64", 32) for values in (BUSY, BUSY + 1, 100)] == [32, 4, 4]
    assert lanes_for(replace(calling(BUSY + 1), outer=("row",)), "float64", 32) == 32


def test_strips_are_two_narrow_registers() -> None:
    assert [strip_for("float64", width) for width in (16, 32, 64)] == [4, 8, 0]
    assert strip_for("float32", 32) == 16


def calling(values: int) -> Kernel:
    """A kernel whose one function keeps so many values until it returns them, and its argument besides."""
    x = variable("x")
    powers = [x * float(k + 2) for k in range(values)]
    keeping = Function("keeping", (x,), (), tuple(powers))
    bound = tuple(variable(f"y{k}") for k in range(values))
    return Kernel("k", "lane", (), (), (Call(bound, keeping, (real(1.0),)),))


@pytest.mark.parametrize(
    ("values", "lanes"), [(1, 32), (143, 32), (144, 16), (287, 16), (288, 8), (1000, 8)]
)  # 144 values of 32 lanes fill 36 KiB
def test_what_is_kept_at_once_stays_near(values: int, lanes: int) -> None:
    assert most_kept(calling(values)) == values + 1
    assert lanes_for(calling(values), "float64") == lanes
    assert lanes_for(calling(values), "float32") == 2 * lanes


def test_what_is_used_up_is_not_kept() -> None:
    x, y = variable("x"), variable("y")
    total = x
    for k in range(50):
        total = total + y * float(k + 2)
    summing = Function("summing", (x, y), (), (total,))
    kernel = Kernel("k", "lane", (), (), (Call((variable("z"),), summing, (real(1.0), real(2.0))),))
    assert most_kept(kernel) < 50
    assert most_kept(carrying(3)) == 0


@given(random_kernels())
def test_every_lane_count_divides_the_padding(case: Case) -> None:
    for dtype in ("float64", "float32"):
        assert padding(dtype) % lanes_for(case.kernel, dtype) == 0


@given(begin=BLOCKS, count=BLOCKS, workers=WORKERS)
def test_shares_cover_every_block_once(begin: int, count: int, workers: int) -> None:
    """In order, without gaps; as many as there is work for, and none longer than another by more than a block."""
    runs = shares(begin, begin + count, workers)
    assert [b for run in runs for b in range(*run)] == list(range(begin, begin + count))
    assert len(runs) == max(1, min(workers, count))
    lengths = [b - a for a, b in runs]
    assert max(lengths) - min(lengths) <= 1
    assert all(left[1] == right[0] for left, right in pairwise(runs))


@given(rows=st.integers(1, 5), blocks=st.integers(1, 12), workers=WORKERS, data=st.data())
def test_shares_of_rows_are_the_blocks_asked_for_of_each_row(
    rows: int, blocks: int, workers: int, data: st.DataObject
) -> None:
    """Blocks begin..end - 1 of every row, rows numbered one after the other."""
    begin = data.draw(st.integers(0, blocks))
    end = data.draw(st.integers(begin, blocks))
    runs = row_shares(rows, blocks, begin, end, workers)
    wanted = [row * blocks + b for row in range(rows) for b in range(begin, end)]
    assert [b for run in runs for b in range(*run)] == wanted


def test_the_same_threads_share_alike() -> None:
    """Sums are added up in the order of the shares: equal shares, equal bits."""
    assert row_shares(2, 10, 0, 10, 3) == [(0, 6), (6, 13), (13, 20)]
    assert row_shares(2, 10, 2, 6, 2) == [(2, 4), (4, 6), (12, 14), (14, 16)]
    assert shares(3, 3, 4) == [(3, 3)]


def test_a_condition_is_no_real_register() -> None:
    truth = Var(variable("b", Kind.BOOL), apply("lt", variable("x"), 1.0))
    assert registers(Kernel("k", "lane", (), (), (truth,))) == 0


@pytest.mark.parametrize(
    ("work", "grain", "woken"), [(None, 100, 4), (0, 100, 1), (199, 100, 1), (200, 100, 2), (10**9, 100, 4), (1, 0, 4)]
)
def test_threads_are_woken_where_each_has_enough_to_do(work: int | None, grain: int, woken: int) -> None:
    """All of them where the work is not known, or where no grain is asked for."""
    assert threads_for(4, work, grain) == woken
