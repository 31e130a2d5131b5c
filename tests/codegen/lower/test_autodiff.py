"""Derivatives of nodes: dot test, Taylor slopes, and the derivative of every primitive in the table."""

from itertools import pairwise

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.interpret import evaluate
from codegen.ir import Kind, Node, add_many, constant_value, integer, real, variable, walk
from codegen.lower.autodiff import gradient, hessian, jacobian, jvp, vjp
from codegen.primitives import PRIMITIVES, apply
from tests.codegen.lower.mpmath_meaning import mp_evaluate

X = tuple(variable(name) for name in "abc")
REALS = st.floats(-1.5, 1.5).map(lambda v: round(v, 3))
POINTS = st.tuples(REALS, REALS, REALS)


def grow(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    pairs = st.tuples(inner, inner)
    return st.one_of(
        pairs.map(lambda p: p[0] + p[1]),
        pairs.map(lambda p: p[0] - p[1]),
        pairs.map(lambda p: p[0] * p[1]),
        pairs.map(lambda p: p[0] / (p[1] * p[1] + 1.5)),
        pairs.map(lambda p: apply("atan2", p[0], p[1] * p[1] + 1.5)),
        inner.map(lambda n: apply("sin", n)),
        inner.map(lambda n: apply("tanh", n)),
        inner.map(lambda n: apply("exp", apply("cos", n))),
        inner.map(lambda n: apply("sqrt", n * n + 1.0)),
        inner.map(lambda n: apply("pow", n * n + 1.0, real(0.3))),
    )


GRAPHS = st.recursive(st.sampled_from([*X, real(0.7), real(-2.0)]), grow, max_leaves=10)
MAPS = st.lists(GRAPHS, min_size=1, max_size=4).map(tuple)


def at(roots, point, **more):
    values = {**dict(zip("abc", map(np.float64, point), strict=True)), **more}
    return np.array([float(v) for v in evaluate(tuple(roots), values)])


@given(MAPS, POINTS, POINTS, st.lists(REALS, min_size=4, max_size=4))
def test_dot_product(roots, point, direction, weights):
    """<J v, w> = <v, J^T w> to rounding, relative to the sum of absolute values of all products."""
    v, w = [real(x) for x in direction], [real(x) for x in weights[: len(roots)]]
    forward = at(jvp(roots, dict(zip(X, v, strict=True))), point)
    backward = at(vjp(roots, w, X), point)
    matrix = np.abs([at(row, point) for row in jacobian(roots, X)])
    scale = 1.0 + np.abs(weights[: len(roots)]) @ matrix @ np.abs(direction)
    left, right = forward @ np.array(weights[: len(roots)]), backward @ np.array(direction)
    assert abs(left - right) <= 1e-12 * scale


@given(GRAPHS, POINTS, POINTS)
def test_taylor_slopes(root, point, direction):
    """|f(x+hv) - f(x) - h Jv| shrinks like h^2, and like h^3 with h^2 vHv/2 taken off too.

    f is taken to 40 digits, the derivatives in double: they leave an error of rounding times h. Between steps that
    differ by 8 the exponents must be met to within 0.35; the coarse remainder is the larger of two, lest one be a zero.
    """
    fine, coarse = 2.0**-12, (2.0**-9, 1.4 * 2.0**-9)
    slope_node = jvp((root,), dict(zip(X, map(real, direction), strict=True)))[0]
    slope = at((slope_node,), point)[0]
    matrix = hessian(root, X)
    bend = np.array(direction) @ np.array([at(row, point) for row in matrix]) @ np.array(direction)

    def remainders(h):
        with mpmath.workdps(40):
            rest = mp_evaluate(root, [p + h * mpmath.mpf(d) for p, d in zip(point, direction, strict=True)])
            rest -= mp_evaluate(root, point)
            return abs(float(rest - mpmath.mpf(h * slope))), abs(float(rest - mpmath.mpf(h * slope) - h**2 * bend / 2))

    inside = at(tuple(walk([slope_node, *(n for row in matrix for n in row)])), point)
    noise = 1e-13 * np.abs(inside).max() * fine
    first, second = (max(r) for r in zip(*map(remainders, coarse), strict=True))
    assert remainders(fine)[0] <= 8**-1.65 * first + noise
    assert remainders(fine)[1] <= 8**-2.65 * second + noise


DIFFERENTIABLE = [row for row in PRIMITIVES.values() if row.partials is not None and Kind.INT not in row.kinds]


@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=lambda row: row.name)
def test_every_primitive_with_a_derivative(row):
    """Partials against mpmath's numerical derivative of the same meaning, wherever the function is defined."""
    arguments = [apply("lt", X[0], X[1]) if kind is Kind.BOOL else X[i] for i, kind in enumerate(row.kinds)]
    n = apply(row.name, *arguments)
    inside = 0
    for point in [(0.3, 0.8, 0.2), (0.75, 0.4, 1.2), (1.6, 0.9, -2.0), (-0.6, 1.3, 0.4)]:
        with np.errstate(all="ignore"):
            if not np.isfinite(at((n,), point)[0]):
                continue
        inside += 1
        for i, slope in enumerate(gradient(n, X)):
            order = tuple(int(j == i) for j in range(3))
            with mpmath.workdps(40):
                expected = float(mpmath.diff(lambda *p: mp_evaluate(n, p), point, order))
            assert at((slope,), point)[0] == pytest.approx(expected, rel=1e-13, abs=1e-14)
    assert inside


@given(MAPS, POINTS)
def test_jacobian_by_rows_and_by_columns(roots, point):
    """Both sweeps give the same numbers and the same zeros."""
    rows = [gradient(root, X) for root in roots]
    columns = [jvp(roots, {other: real(float(other == x)) for other in X}) for x in X]
    by_rows, by_columns = (
        np.array([at(r, point) for r in rows]),
        np.array([at(c, point) for c in columns]).T,
    )
    np.testing.assert_allclose(by_rows, by_columns, rtol=1e-11, atol=1e-11 * (1 + np.abs(by_rows).max()))


def test_structural_zeros_are_constants():
    a, b, c = X
    matrix = jacobian((a * b, apply("sin", b), apply("floor", c), c - c), X)
    zero = [[constant_value(entry) == 0 for entry in row] for row in matrix]
    assert zero == [[False, False, True], [True, False, True], [True, True, True], [True, True, True]]


def test_independent_interior_nodes():
    """A node that is differentiated by is independent, whatever it was made of."""
    a, b, _ = X
    inner = apply("sin", a)
    root = inner * a + b
    assert gradient(root, (inner, a)) == (a, inner)
    assert jvp((root,), {inner: real(1.0), a: real(0.0)}) == (a,)
    assert jvp((inner,), {inner: b}) == (b,)
    assert vjp((a, a, b), (real(2.0), real(3.0), real(5.0)), (a, b)) == (real(5.0), real(5.0))


def test_integers_have_no_derivative():
    i = variable("i", Kind.INT)
    assert gradient(apply("to_real", i + integer(1)) * X[0], (X[0], i))[1] == real(0.0)


def test_hessian_is_symmetric_node_by_node():
    matrix = hessian(apply("exp", X[0] * X[1]) / (X[2] + X[0]), X)
    assert all(matrix[i][j] is matrix[j][i] for i in range(3) for j in range(3))


def test_gradient_costs_a_small_multiple():
    """The gradient of a function of 200 variables takes less than five times its operations (Griewank's bound)."""
    xs = [variable(f"x{i}") for i in range(200)]
    root = add_many(apply("sin", x * y) for x, y in pairwise(xs))
    count = lambda roots: sum(1 for n in walk(roots) if n.args)  # noqa: E731
    assert count(gradient(root, xs)) <= 5 * count((root,))


def test_depth_needs_no_recursion():
    n = X[0]
    for _ in range(5000):
        n = apply("sin", n) + X[1]
    assert len(gradient(n, X)) == 3
