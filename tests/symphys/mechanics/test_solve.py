"""Linear systems in symbols: exact, and defined wherever the matrix is regular."""

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from symphys.errors import UnsupportedError
from symphys.mechanics.probe import vanishes
from symphys.mechanics.solve import blocks, solve_linear

x, y = sympy.symbols("x y", real=True)


@given(st.integers(1, 4), st.randoms(use_true_random=False))
def test_the_solution_solves(n, random):
    entries = (0, 0, 1, -2, x, y, sympy.cos(x), x * y)
    rows = [[random.choice(entries) + (5 + x if i == j else 0) for j in range(n)] for i in range(n)]
    right = [random.choice(entries) for _ in range(n)]
    solution = solve_linear(rows, right, "x")
    assert vanishes(
        sum(a * s for a, s in zip(row, solution, strict=True)) - b for row, b in zip(rows, right, strict=True)
    )


def test_no_pivot_stands_in_a_denominator():
    """[[x, 1], [1, 0]] is regular at x = 0, where elimination by the first pivot divides by zero."""
    solution = solve_linear([[x, 1], [1, 0]], [y, x], "x")
    assert [value.subs(x, 0) for value in solution] == [0, y]


def test_blocks_that_do_not_couple_are_solved_on_their_own():
    rows = [[1, 0, x, 0], [0, 2, 0, 0], [x, 0, 1, 0], [0, 0, 0, 3]]
    assert blocks(rows) == [[0, 2], [1], [3]]
    many = [[int(i == j) * (i + 1) for j in range(30)] for i in range(30)]
    assert solve_linear(many, [1] * 30, "x") == tuple(sympy.Rational(1, i + 1) for i in range(30))


def test_large_dense_matrices_are_refused():
    dense = [[sympy.cos(x * (i + j)) for j in range(7)] for i in range(7)]
    with pytest.raises(UnsupportedError, match="dense 7 x 7 matrix"):
        solve_linear(dense, [0] * 7, "The closed form")
