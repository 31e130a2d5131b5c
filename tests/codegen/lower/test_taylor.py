"""Taylor coefficients against known solutions, and against mpmath for every primitive; and what they cost.

Tolerance: 1e-13 of each coefficient (a few hundred roundings of 1e-16), plus 1e-16 of the largest, halved with each
order, for coefficients that vanish by symmetry.
"""

from collections import Counter

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.interpret import evaluate
from codegen.ir import Kind, real, variable, walk
from codegen.lower.taylor import taylor_coefficients
from codegen.lower.taylor_form import taylor_form
from codegen.primitives import PRIMITIVES, apply
from tests.codegen.lower.mpmath_meaning import mp_evaluate

A, B, C, T = (variable(name) for name in "abct")


def coefficients(state, rates, order, values, time=None):
    rows = taylor_coefficients(state, rates, order, time)
    flat = evaluate(tuple(n for row in rows for n in row), {name: np.float64(v) for name, v in values.items()})
    return np.array(flat, dtype=float).reshape(order + 1, len(state))


def series(function, at, order):
    with mpmath.workdps(80):
        return np.array([float(c) for c in mpmath.taylor(function, mpmath.mpf(at), order)])


def close(found, expected, relative=1e-13):
    scale = np.abs(expected) + np.abs(expected).max() * 2.0 ** -np.arange(len(expected)) * 1e-3
    assert (np.abs(found - expected) <= relative * scale).all(), (found, expected)


def test_exponential():
    close(coefficients((A,), (A,), 25, {"a": 1.7})[:, 0], 1.7 * series(mpmath.exp, 0, 25))


def test_tangent_solves_the_riccati_equation():
    close(coefficients((A,), (A * A + 1.0,), 20, {"a": np.tan(0.4)})[:, 0], series(mpmath.tan, mpmath.mpf(0.4), 20))


def test_pendulum():
    """theta'' = -sin theta from rest at 2 asin(k): theta = 2 asin(k cd(t, k)), Jacobi's elliptic function."""
    k = mpmath.mpf(0.6)
    with mpmath.workdps(80):
        at, angle = mpmath.mpf(0.3), lambda t: 2 * mpmath.asin(k * mpmath.ellipfun("cd", t, m=k**2))
        start, velocity = angle(at), mpmath.diff(angle, at)
    found = coefficients((A, B), (B, -apply("sin", A)), 16, {"a": float(start), "b": float(velocity)})
    close(found[:, 0], series(angle, at, 16))


def test_kepler():
    """An ellipse of eccentricity 0.3 from pericentre, by Kepler's equation; x even in t and y odd."""
    e = mpmath.mpf("0.3")
    anomaly = lambda t: mpmath.findroot(lambda u: u - e * mpmath.sin(u) - t, t / (1 - e))  # noqa: E731
    radius = apply("sqrt", A * A + B * B)
    cube = radius * radius * radius
    u, v = variable("u"), variable("v")
    start = {"a": 0.7, "b": 0.0, "u": 0.0, "v": np.sqrt(1.3 / 0.7)}
    found = coefficients((A, B, u, v), (u, v, -A / cube, -B / cube), 12, start)
    with mpmath.workdps(60):
        close(found[:, 0], series(lambda t: mpmath.cos(anomaly(t)) - e, 0, 12))
        close(found[:, 1], series(lambda t: mpmath.sqrt(1 - e**2) * mpmath.sin(anomaly(t)), 0, 12))


def test_explicit_time():
    """x' = sin(3 t^2) has the coefficients of the integral."""
    found = coefficients((A,), (apply("sin", T * T * 3.0),), 14, {"a": 0.0, "t": 0.6}, T)
    expected = series(lambda t: mpmath.sin(3 * t**2), 0.6, 13) / np.arange(1, 15)
    close(found[1:, 0], expected)


EXPANDABLE = [row for row in PRIMITIVES.values() if row.result in (Kind.REAL, None) and Kind.INT not in row.kinds]


@pytest.mark.parametrize("row", EXPANDABLE, ids=lambda row: row.name)
def test_every_primitive(row):
    """y' = f(a, b, c) along a = a0 + t + t^2/2, b = b0 - t, c = c0 + 2t, against mpmath's series of the composite."""
    arguments = [apply("lt", A, B) if kind is Kind.BOOL else (A, B, C)[i] for i, kind in enumerate(row.kinds)]
    n, y, order, inside = apply(row.name, *arguments), variable("y"), 9, 0
    for point in [(0.3, 0.8, 0.2), (0.75, 0.4, 1.2), (1.6, 0.9, -2.0), (-0.6, 1.3, 0.4)]:
        start = dict(zip("abc", map(np.float64, point), strict=True))
        with np.errstate(all="ignore"):
            if not np.isfinite(evaluate((n,), start)[0]):
                continue
        inside += 1
        rates = (T + 1.0, real(-1.0), real(2.0), n)
        found = coefficients((A, B, C, y), rates, order, {**start, "y": 0.0, "t": 0.0}, T)[1:, 3]
        path = lambda t: (point[0] + t + t**2 / 2, point[1] - t, point[2] + 2 * t)  # noqa: B023, E731
        expected = series(lambda t: mp_evaluate(n, path(t)), 0, order - 1) / np.arange(1, order + 1)  # noqa: B023
        scale = np.maximum.accumulate(np.abs(expected)) + 1e-3
        assert (np.abs(found - expected) <= 1e-12 * scale).all(), (found, expected)
    assert inside


def test_power_with_a_varying_exponent():
    found = coefficients((A, B, C), (real(1.0), real(2.0), apply("pow", A, B)), 9, {"a": 1.3, "b": 0.4, "c": 0.0})[:, 2]
    expected = series(lambda t: (mpmath.mpf(1.3) + t) ** (mpmath.mpf(0.4) + 2 * t), 0, 8) / np.arange(1, 10)
    close(found[1:], expected, 1e-12)


SMOOTH = st.recursive(
    st.sampled_from([A, B, C, T, real(0.5), real(-2.0)]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: p[0] + p[1]),
        st.tuples(inner, inner).map(lambda p: p[0] - p[1]),
        st.tuples(inner, inner).map(lambda p: p[0] * p[1]),
        st.tuples(inner, inner).map(lambda p: p[0] / (p[1] * p[1] + 2.0)),
        inner.map(lambda n: apply("sin", n)),
        inner.map(lambda n: apply("tanh", n)),
        inner.map(lambda n: apply("sqrt", n * n + 1.0)),
        inner.map(lambda n: apply("pow", n * n + 1.0, B * 0.0 + real(0.3))),
    ),
    max_leaves=8,
)
NUMBERS = st.floats(-1.0, 1.0).map(lambda v: round(v, 2))


@given(st.tuples(SMOOTH, SMOOTH), st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS))
def test_coefficients_satisfy_the_equation(rates, point):
    """With x(t) the polynomial of the coefficients, x' - f(x, t) has no term below its order (c is a parameter)."""
    order = 7
    values = dict(zip("abct", point, strict=True))
    found = coefficients((A, B), rates, order, values, T)

    def residual(t):
        a, b = (sum(mpmath.mpf(c) * t**k for k, c in enumerate(column)) for column in found.T)
        slope = (sum(k * mpmath.mpf(c) * t ** (k - 1) for k, c in enumerate(column) if k) for column in found.T)
        return [
            s - mp_evaluate(rate, (a, b, point[2], point[3] + t), "abct") for s, rate in zip(slope, rates, strict=True)
        ]

    with mpmath.workdps(60):
        for i in range(2):
            rest = np.array([float(c) for c in mpmath.taylor(lambda t: residual(t)[i], 0, order - 1)])  # noqa: B023
            assert np.abs(rest).max() <= 1e-10 * (1 + np.abs(found).max()) ** 2


@given(SMOOTH, st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS))
def test_the_form_means_the_same(root, point):
    values = dict(zip("abct", map(np.float64, point), strict=True))
    before, after = evaluate((root, *taylor_form((root,), frozenset({A, B}))), values)
    scale = max(1.0, *(abs(float(v)) for v in evaluate(tuple(walk((root,))), values)))
    assert float(after) == pytest.approx(float(before), rel=1e-12, abs=1e-12 * scale)


def moving_operations(rows, state):
    """Operations by name, without those that do not depend on the state (they are computed once)."""
    dependent, found = set(state), Counter()
    for n in walk([n for row in rows for n in row]):
        if any(argument in dependent for argument in n.args):
            dependent.add(n)
            found[n.op] += 1
    return found


def test_constants_in_time_do_not_convolve():
    """x' = (m g / l) x (b sin c) costs a product an order, and one by 1/k."""
    m, g, l = variable("m"), variable("g"), variable("l")
    rows = taylor_coefficients((A,), ((m * (A * g)) / l * apply("sin", C),), 12)
    assert moving_operations(rows, (A,)) == {"mul": 23}


def test_series_that_end_stay_ended():
    """x'' = g falls freely: two coefficients, the rest are the constant zero."""
    rows = taylor_coefficients((A, B), (B, C), 6)
    assert rows[2] == (C * 0.5, real(0.0))
    assert rows[3:] == ((real(0.0), real(0.0)),) * 4


def test_one_division_by_each_series():
    """Three quotients by one moving denominator, with moving and with constant numerators, divide once."""
    below = A * A + 1.0
    rows = taylor_coefficients((A, B, C), (B / below, C / below, real(2.0) / below), 10)
    assert moving_operations(rows, (A, B, C))["div"] == 1


def test_differences_share_their_series():
    """x - y and y - x over the same denominator, as in every pair force, are one quotient."""
    below = C * C + 1.0
    once = taylor_coefficients((A, B, C), ((A - B) / below, real(1.0), A), 10)
    twice = taylor_coefficients((A, B, C), ((A - B) / below, (B - A) / below, A), 10)
    products = [moving_operations(rows, (A, B, C))["mul"] for rows in (once, twice)]
    assert products[1] <= products[0] + 20


def test_cost_of_the_double_pendulum():
    """Twelve and a half convolutions of order k cost k + 1 products each: 2625 up to order 20, and 12 % more in all."""
    a, b, u, v = state = tuple(variable(name) for name in "abuv")
    cosine, sine = apply("cos", a - b), apply("sin", a - b)
    force = (-(v * v * sine) - 2.0 * C * apply("sin", a), u * u * sine - C * apply("sin", b))
    second = (force[1] - cosine * force[0] * 0.5) / (1.0 - cosine * cosine * 0.5)
    rates = (u, v, (force[0] - cosine * second) * 0.5, second)
    found = moving_operations(taylor_coefficients(state, rates, 20), state)
    assert found["add"] + found["sub"] <= 2400
    assert found["mul"] <= 2625 * 1.12
    assert found["div"] == 1


def test_depth_needs_no_recursion():
    n = A
    for _ in range(3000):
        n = apply("sin", n) + B
    assert len(taylor_coefficients((A,), (n,), 2)) == 3
