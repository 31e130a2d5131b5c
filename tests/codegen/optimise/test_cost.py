"""The work of a block: what each statement costs as often as it runs, and nothing where that is not known."""

from __future__ import annotations

from codegen.builder import Builder
from codegen.ir import Kind, boolean, integer, variable
from codegen.optimise.cost import work
from codegen.primitives import apply
from codegen.program import Function, Outer

X, N = variable("x"), variable("n", Kind.INT)


def test_loops_multiply_and_shared_nodes_count_once() -> None:
    b = Builder()
    twice = X * X
    b.let("a", twice + 1.0)  # 2
    b.let("b", twice - 1.0)  # 1: the square is there
    with b.loop("i", 2, 5) as i:
        b.store("out", i, value=apply("exp", twice) * X)  # 20 + 1, and 1 for the memory, three times
        with b.loop("j", 0, 10):
            b.let("c", X * 3.0 + twice)  # 2, ten times in each
    assert work(b.block()) == 2 + 1 + 3 * (21 + 1 + 10 * 2)


def test_branches_are_taken_and_functions_entered() -> None:
    square = Function("square", (X,), (), (X * X,))
    b = Builder()
    with b.where(boolean(True)):
        b.call(square, (X,))
        b.add(Outer("sum", (integer(0),), 3, 5, ("l", "m"), integer(0), ("r", "s"), integer(0)))
    assert work(b.block()) == 1 + 2 * 3 * 5 * 2


def test_lengths_that_are_not_known_leave_the_work_unknown() -> None:
    unknown, endless, inner = Builder(), Builder(), Builder()
    with unknown.loop("i", 0, N):
        unknown.let("a", X * X)
    with endless.repeat_while(boolean(True)):
        endless.let("a", X * X)
    with inner.where(boolean(True)), inner.loop("i", 0, 3), inner.loop("j", N, 4):
        inner.let("a", X * X)
    assert work(unknown.block()) is None
    assert work(endless.block()) is None
    assert work(inner.block()) is None
