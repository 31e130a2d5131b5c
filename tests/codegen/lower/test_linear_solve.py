"""Solutions against LAPACK's, and what the zero pattern saves.

Tolerance: both solutions are backward stable, so they differ by at most a growth factor times n eps cond(A), relative
to the largest unknown; the matrices here have entries of order one and growth below 8.
"""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.builder import Builder
from codegen.errors import CompilerBug
from codegen.interpret import evaluate
from codegen.ir import constant_value, real, variable, walk
from codegen.lower.block_structure import SingularMatrixError, triangular_blocks
from codegen.lower.linear_solve import elimination_order, solve, solve_statements
from codegen.lower.linear_solve_loops import solve_function
from codegen.primitives import apply
from codegen.program import Function, statements
from codegen.spec import check_function
from tests.codegen.lower.running import run

EPS = 2.3e-16
SIZES = st.integers(1, 7)
SEEDS = st.integers(0, 2**32 - 1)


def symbols(shape_of, known=lambda value: value == 0.0):
    """Variables in place of the numbers, except for those that the compiler may know."""
    return [
        [real(v) if known(v) else variable(f"a_{i}_{j}") for j, v in enumerate(row)] for i, row in enumerate(shape_of)
    ]


def values_of(matrix, right):
    named = {f"a_{i}_{j}": v for i, row in enumerate(matrix) for j, v in enumerate(row)}
    return {**named, **{f"b_{i}": v for i, v in enumerate(right)}}


def unknowns(n):
    return [variable(f"b_{i}") for i in range(n)]


def agree(found, matrix, right):
    expected = np.linalg.solve(matrix, right)
    n = len(right)
    tolerance = 64 * n * EPS * np.linalg.cond(matrix) * np.abs(expected).max()
    np.testing.assert_allclose(np.array(found, dtype=float), expected, rtol=0, atol=tolerance)


def solved(matrix, right, positive, varying=()):
    x = solve(symbols(matrix), unknowns(len(right)), positive, varying)
    return evaluate(x, values_of(matrix, right))


def positive_matrix(rng, n, density=1.0):
    factor = rng.normal(size=(n, n)) * (rng.random((n, n)) < density)
    return factor @ factor.T + np.eye(n)


def off_diagonal_matrix(rng, n):
    return rng.normal(size=(n, n)) * rng.integers(0, 2, (n, 1)) + n * np.roll(np.eye(n), 1, 0)


@given(SIZES, SEEDS, st.sampled_from([0.2, 0.5, 1.0]))
def test_positive(n, seed, density):
    rng = np.random.default_rng(seed)
    matrix, right = positive_matrix(rng, n, density), rng.normal(size=n)
    agree(solved(matrix, right, True), matrix, right)
    varying = [variable(f"a_{i}_{j}") for i in range(n) for j in range(n) if rng.random() < 0.5]
    agree(solved(matrix, right, True, varying), matrix, right)


@given(SIZES, SEEDS, st.sampled_from([0.3, 0.6, 1.0]))
def test_indefinite(n, seed, density):
    """Regular matrices with random zeros, also on the diagonal: a permutation added makes them regular."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, n)) * (rng.random((n, n)) < density)
    matrix[np.arange(n), rng.permutation(n)] += 3.0
    if np.linalg.cond(matrix) > 1e8:
        matrix += 5 * n * np.eye(n)
    right = rng.normal(size=n)
    agree(solved(matrix, right, False), matrix, right)


@pytest.mark.parametrize(
    "matrix",
    [
        [[0.0, 1.0], [1.0, 0.0]],
        [[1e-20, 1.0], [1.0, 0.0]],
        [[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 3.0, 0.0]],
        [[2.0, 0.0, 1.0], [0.0, 3.0, 1.0], [1.0, 1.0, 0.0]],
        [[1e-18, 1.0, 0.5], [1.0, 2.0, 1.0], [3.0, 1.0, 4.0]],
        [[0.0, 2.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 5.0], [0.0, 1.0, 1.0, 1.0]],
    ],
)
@pytest.mark.parametrize("known_zeros", [True, False])
def test_pivoting_is_needed(matrix, known_zeros):
    """Zeros and tiny numbers on the diagonal, whether or not the compiler knows of them."""
    matrix, right = np.array(matrix), np.arange(1.0, len(matrix) + 1)
    known = (lambda value: value == 0.0) if known_zeros else (lambda _: False)
    found = evaluate(solve(symbols(matrix, known), unknowns(len(right)), False), values_of(matrix, right))
    agree(found, matrix, right)


def count(x, *ops):
    return sum(n.op in ops for n in walk(x))


def test_diagonal_and_triangular_systems_take_divisions_alone():
    b = unknowns(4)
    diagonal = symbols(np.diag([1.0, 2.0, 3.0, 4.0]))
    assert count(solve(diagonal, b, True), "add", "sub", "mul") == 0
    assert count(solve(diagonal, b, True), "div") == 4
    shuffled = symbols(np.tril(np.ones((4, 4)))[[2, 0, 3, 1]][:, [1, 3, 0, 2]])
    x = solve(shuffled, b, False)
    assert count(x, "div") == 4
    assert count(x, "select") == 0


def test_blocks_are_solved_apart():
    matrix = np.kron(np.eye(3), np.array([[2.0, 1.0], [1.0, 2.0]]))[[0, 2, 4, 1, 3, 5]][:, [0, 2, 4, 1, 3, 5]]
    assert len(triangular_blocks([frozenset(np.flatnonzero(row).tolist()) for row in matrix], True)) == 3
    x = solve(symbols(matrix), unknowns(6), True)
    assert count(x, "div") == 3


def test_no_fill_in_a_star():
    """The hub of a star is eliminated last, so that a system of n rows takes 9n operations, not n^3/3."""
    n = 20
    matrix = np.eye(n)
    matrix[0, :] = matrix[:, 0] = 0.1
    matrix[0, 0] = 3.0
    a = symbols(matrix)
    assert elimination_order(a)[-2][1] == 1
    x = solve(a, unknowns(n), True)
    assert sum(1 for node in walk(x) if node.args) <= 9 * n


def test_pivots_that_do_not_vary_are_taken_first():
    """[[2 m, c], [c, m]] with c varying: eliminated by the fixed m, whose reciprocal no step has to compute."""
    m, c = variable("m"), variable("c")
    x = solve([[apply("sin", c), c], [c, m]], unknowns(2), True, [c])
    divisors = [n.args[1] for n in walk(x) if n.op == "div"]
    assert m in divisors
    assert len(divisors) == 2
    assert count(solve([[apply("sin", c), c], [c, apply("cos", c)]], unknowns(2), True, [c]), "div") == 1


@pytest.mark.parametrize(
    ("pattern", "positive", "rows", "columns"),
    [
        ([[1, 0], [0, 0]], True, (1,), ()),
        ([[1, 1], [0, 0]], False, (1,), ()),
        ([[1, 0, 1], [0, 0, 1], [0, 0, 1]], False, (1, 2), (2,)),
        ([[0, 1, 1], [0, 1, 1], [0, 1, 1]], False, (0, 1, 2), (1, 2)),
    ],
)
def test_singular_by_structure(pattern, positive, rows, columns):
    with pytest.raises(SingularMatrixError, match=rf"rows {', '.join(map(str, rows))} ") as caught:
        solve(symbols(np.array(pattern, dtype=float)), unknowns(len(pattern)), positive)
    assert caught.value.rows == rows
    assert caught.value.columns == columns


def test_shapes_are_checked():
    with pytest.raises(CompilerBug, match="2 rows"):
        solve([[real(1.0)], [real(1.0)]], unknowns(1), False)


@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_loops_solve_too(n, positive):
    """Lanes with different pivots are solved side by side."""
    rng = np.random.default_rng(n)
    lanes = 4
    make = (
        positive_matrix
        if positive
        else lambda rng, n: rng.normal(size=(n, n)) * rng.integers(0, 2, (n, 1)) + np.roll(np.eye(n), 1, 0)
    )
    matrices, rights = [make(rng, n) for _ in range(lanes)], rng.normal(size=(lanes, n))
    kept = np.tril_indices(n) if positive else tuple(np.indices((n, n)).reshape(2, -1))
    inputs = np.array([[*m[kept], *b] for m, b in zip(matrices, rights, strict=True)]).T
    check_function(solve_function(n, positive))
    outputs = run(solve_function(n, positive), inputs)
    for lane in range(lanes):
        agree(outputs[:, lane], matrices[lane], rights[lane])


def test_code_of_loops_grows_with_the_square_only():
    sizes = [len(list(statements(solve_function(n, False).body))) - n * n for n in (10, 20, 40)]
    first, second = (b - a for a, b in pairwise(sizes))
    assert second == 2 * first


def test_large_blocks_become_loops():
    """A dense block of 30 is looped over, thirty blocks of one are not."""
    n = 30
    rng = np.random.default_rng(0)
    matrix = positive_matrix(rng, n)
    a, b = symbols(matrix), unknowns(n)
    parameters = tuple(e for row in a for e in row) + tuple(b)
    builder = Builder()
    x = solve_statements(builder, a, b, True)
    assert builder.block()
    right = rng.normal(size=n)
    outputs = run(Function("f", parameters, builder.block(), x), np.array([*matrix.ravel(), *right])[:, None])
    agree(outputs[:, 0], matrix, right)

    builder = Builder()
    assert len(solve_statements(builder, symbols(np.eye(n)), b, False)) == n
    assert not builder.block()


def test_constants_are_folded():
    x = solve([[real(2.0), real(1.0)], [real(1.0), real(3.0)]], [real(3.0), real(4.0)], True)
    assert [constant_value(v) for v in x] == [1.0, 1.0]
