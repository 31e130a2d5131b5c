"""Dense linear systems by loops over private memory, so that code does not grow with the cube of the size."""

from __future__ import annotations

from collections.abc import Sequence

from codegen.builder import Builder, Names
from codegen.ir import Node, integer, real, variable
from codegen.primitives import apply
from codegen.program import Function


def solve_function(n: int, positive: bool) -> Function:
    """x with A [n, n] x = b [n], as a function of A by rows (of its lower triangle if `positive`), then of b.

    `positive` promises a symmetric positive definite A. The methods are those of `codegen.lower.linear_solve.solve`.
    """
    entries = [(i, j) for i in range(n) for j in range(i + 1 if positive else n)]
    matrix = {at: variable(f"matrix_{at[0]}_{at[1]}") for at in entries}
    right = [variable(f"right_{i}") for i in range(n)]
    parameters = (*matrix.values(), *right)
    builder = Builder(Names([str(p.attribute) for p in parameters]))
    whole = [[matrix[max(i, j), min(i, j)] if positive else matrix[i, j] for j in range(n)] for i in range(n)]
    results = solve_in_loops(builder, whole, right, positive)
    return Function(f"solve_{'positive' if positive else 'pivoted'}_{n}", parameters, builder.block(), results)


def solve_in_loops(
    builder: Builder, matrix: Sequence[Sequence[Node]], right: Sequence[Node], positive: bool
) -> tuple[Node, ...]:
    """Write the solution of a dense system to `builder`; its unknowns are what is returned."""
    n = len(right)
    a, b = builder.local("solve_matrix", (n, n)), builder.local("solve_right", (n,))
    reciprocals = builder.local("solve_reciprocals", (n,))
    for row in range(n):
        for column in range(row + 1 if positive else n):
            builder.store(a, row, column, value=matrix[row][column])
        builder.store(b, row, value=right[row])
    with builder.loop("pivot", 0, n) as k:
        if not positive:
            _exchange_rows(builder, a, b, k, n)
        reciprocal = builder.let("reciprocal", real(1.0) / builder.load("entry", a, k, k))
        builder.store(reciprocals, k, value=reciprocal)
        scaled = builder.let("scaled", builder.load("entry", b, k) * reciprocal)
        with builder.loop("row", k + 1, n) as i:
            below = builder.load("below", a, i, k)
            factor = builder.let("factor", below * reciprocal)
            with builder.loop("column", k + 1, i + 1 if positive else integer(n)) as j:
                across = builder.load("across", a, j, k) if positive else builder.load("across", a, k, j)
                builder.store(a, i, j, value=builder.load("entry", a, i, j) - factor * across)
            builder.store(b, i, value=builder.load("entry", b, i) - below * scaled)
    with builder.loop("step", 0, n) as step:
        k = builder.let("unknown", integer(n - 1) - step)
        rest = builder.register("rest", builder.load("entry", b, k))
        with builder.loop("solved", k + 1, n) as i:
            entry = builder.load("entry", a, i, k) if positive else builder.load("entry", a, k, i)
            builder.assign(rest, rest - entry * builder.load("known", b, i))
        builder.store(b, k, value=rest * builder.load("entry", reciprocals, k))
    return tuple(builder.load(f"solution_{i}", b, i) for i in range(n))


def _exchange_rows(builder: Builder, a: str, b: str, k: Node, n: int) -> None:
    """Bring the row with the largest entry of column k to row k, each lane its own, by selections."""
    with builder.loop("candidate", k + 1, n) as i:
        upper, lower = builder.load("upper", a, k, k), builder.load("lower", a, i, k)
        exchange = builder.let("exchange", apply("lt", apply("abs", upper), apply("abs", lower)))
        with builder.loop("column", k, n) as j:
            _exchange(builder, exchange, a, (k, j), (i, j))
        _exchange(builder, exchange, b, (k,), (i,))


def _exchange(builder: Builder, exchange: Node, array: str, at: tuple[Node, ...], other: tuple[Node, ...]) -> None:
    first, second = builder.load("first", array, *at), builder.load("second", array, *other)
    builder.store(array, *at, value=apply("select", exchange, second, first))
    builder.store(array, *other, value=apply("select", exchange, first, second))
