"""Explicit Runge-Kutta methods: SciPy's tables, pairs, dense output, reuse of stages, bad data."""

import dataclasses

import numpy as np
import pytest
from scipy.integrate import RK45
from scipy.integrate._ivp import dop853_coefficients as published

from symphys.errors import MethodError
from symphys.integrators import METHODS, ExplicitTableau
from symphys.integrators.rk4 import RK4
from symphys.integrators.tableau import dense_stages, explicit_step, interpolate, stage_weights
from symphys.integrators.tsit5 import TSIT5
from tests.symphys.integrators.series import (
    LENGTH,
    START,
    TIME,
    H,
    Series,
    exact,
    general_velocity,
    rates_of,
    rounding,
)

TABLEAUS = [method for method in METHODS.values() if isinstance(method, ExplicitTableau)]
RATES = rates_of(general_velocity)
SOLUTION = exact(general_velocity)
PAIRS = [
    pytest.param(method, order, row, id=f"{method.name}-{order}")
    for method in TABLEAUS
    for row, order in enumerate((5, 3) if len(method.errors) == 2 else (method.error_order,) * len(method.errors))
]
DENSE = [pytest.param(method, id=method.name) for method in TABLEAUS if method.interpolant]


def series_step(tableau):
    x = tuple(Series([value]) for value in START)
    return x, *explicit_step(tableau, RATES, Series([TIME]), x, H)


def table(tableau):
    rows = tableau.a + tableau.extra_a
    return np.array([row + (0.0,) * (len(rows) - len(row)) for row in rows])


def test_dop853_is_the_published_table():
    """To one unit in the last place: both are roundings of the same decimals."""
    ours = METHODS["dop853"]
    np.testing.assert_allclose(table(ours), published.A, rtol=2.3e-16, atol=0)
    np.testing.assert_allclose(ours.c + ours.extra_c, published.C, rtol=2.3e-16, atol=0)
    np.testing.assert_allclose(ours.b[:12], published.B, rtol=2.3e-16, atol=0)
    # SciPy subtracts rounded numbers in E3, and so is off by units of the numbers, not of the difference.
    np.testing.assert_allclose(ours.errors, [published.E5, published.E3], rtol=2.3e-16, atol=2.3e-16)


def test_dop853_interpolates_as_scipy_does():
    """Hairer's nested form, expanded: coefficients of up to 1e3 cancel, so to 1e3 units of 2e-16 each."""
    ours = METHODS["dop853"]
    rng = np.random.default_rng(0)
    k = rng.normal(size=(16, 1))
    step = published.B @ k[:12]
    parts = [step, k[0] - step, 2 * step - (k[12] + k[0]), *(published.D @ k)]
    for theta in (0.1, 0.5, 0.9):
        nested = 0.0
        for i, part in enumerate(reversed(parts)):
            nested = (nested + part) * (theta if i % 2 == 0 else 1 - theta)
        value = interpolate(ours, (0.0,), 1.0, [tuple(row) for row in k], theta)
        np.testing.assert_allclose(value[0], nested[0], rtol=0, atol=1e-12)


def test_dopri5_is_scipys_table():
    ours = METHODS["dopri5"]
    np.testing.assert_allclose(table(ours)[:6, :5], RK45.A, rtol=2.3e-16, atol=0)
    np.testing.assert_allclose(ours.b[:6], RK45.B, rtol=2.3e-16, atol=0)
    np.testing.assert_allclose(ours.errors[0], -RK45.E, rtol=2.3e-16, atol=0)
    np.testing.assert_allclose(ours.interpolant, RK45.P, rtol=2.3e-16, atol=0)


@pytest.mark.parametrize(("tableau", "order", "row"), PAIRS)
def test_the_embedded_method_has_its_order(tableau, order, row):
    """x_new less its error estimate is exact up to the embedded order, and no further."""

    def embedded(record):
        _, _, new, errors = series_step(record)
        return np.array([(n + -1.0 * e).c for n, e in zip(new, errors[row], strict=True)])

    error = np.abs(embedded(tableau) - SOLUTION)
    allowed = rounding(lambda shake: embedded(shake(tableau)) - embedded(tableau), np.abs(SOLUTION))
    assert (error[:, : order + 1] <= allowed[:, : order + 1]).all()
    assert (error[:, order + 1] > 10 * allowed[:, order + 1]).any()


@pytest.mark.parametrize("tableau", DENSE)
@pytest.mark.parametrize("theta", [0.2, 0.5, 0.85])
def test_dense_output_has_its_order(tableau, theta):
    """The state at theta h is exact up to the order of the interpolant, and no further."""

    def dense(record):
        x, stages, _, _ = series_step(record)
        extended = dense_stages(record, RATES, Series([TIME]), x, H, stages)
        return np.array([component.c for component in interpolate(record, x, H, extended, theta)])

    there = SOLUTION * theta ** np.arange(LENGTH)
    error = np.abs(dense(tableau) - there)
    allowed = rounding(lambda shake: dense(shake(tableau)) - dense(tableau), np.abs(there))
    order = tableau.interpolant_order
    assert (error[:, : order + 1] <= allowed[:, : order + 1]).all()
    assert (error[:, order + 1] > 10 * allowed[:, order + 1]).any()


@pytest.mark.parametrize("tableau", DENSE)
def test_dense_output_joins_the_steps_smoothly(tableau):
    """It begins at x with the rate there and ends at x_new; where f(x_new) is a stage, with the rate there.

    Tolerance: one unit in the last place of the sum of the interpolant's entries, which cancel, a term.
    """
    size = 2.0**-52 * max(sum(abs(entry) for entry in row) for row in tableau.interpolant) * 8
    np.testing.assert_allclose(stage_weights(tableau, 1.0)[: tableau.stages], tableau.b, rtol=0, atol=size)
    rows = np.array(tableau.interpolant)
    assert rows[:, 0].tolist() == [1.0] + [0.0] * (len(rows) - 1)
    if tableau.fsal:
        slopes = rows @ np.arange(1, rows.shape[1] + 1)
        np.testing.assert_allclose(slopes, np.eye(len(rows))[tableau.stages - 1], rtol=0, atol=8 * size)


@pytest.mark.parametrize("tableau", [pytest.param(method, id=method.name) for method in TABLEAUS if method.fsal])
def test_the_last_stage_is_the_first_of_the_next_step(tableau):
    def rates(t, x):
        calls.append(t)
        return (x[1] + t, -x[0])

    calls = []
    stages, new, _ = explicit_step(tableau, rates, 0.0, (1.0, 0.5), 0.1)
    assert stages[-1] == rates(0.1, new)
    again = explicit_step(tableau, rates, 0.1, new, 0.1)
    calls.clear()
    assert explicit_step(tableau, rates, 0.1, new, 0.1, first=stages[-1]) == again
    assert len(calls) == tableau.stages - 1


def test_zero_coefficients_produce_no_operation():
    """The products of one rk4 step, counted with a scalar that does nothing else."""

    class Counted:
        products = 0

        def __add__(self, other):
            return self

        __radd__ = __add__

        def __mul__(self, other):
            Counted.products += 1
            return self

        __rmul__ = __mul__

    one = Counted()
    explicit_step(RK4, lambda *_: (one,), one, (one,), one)
    # a: 1/2, 1/2 (the last is 1); h times the sum: 3; b: 4, h: 1; times c: 1/2, 1/2, 1.
    assert Counted.products == 2 + 3 + 4 + 1 + 3


def test_no_dense_output_is_said_so():
    with pytest.raises(MethodError, match=r"'rk4'.*no dense output.*tsit5"):
        interpolate(RK4, (0.0,), 0.1, [(0.0,)] * 4, 0.5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"a": TSIT5.a[:-1]}, "need 7 rows each"),
        ({"a": ((), (0.2,), *TSIT5.a[2:])}, "row 1 of a sums to 0.2, must sum to 0.161"),
        ({"a": ((), (0.161, 0.0), *TSIT5.a[2:])}, "row 1 of a has 2 entries"),
        ({"fsal": True, "b": (*TSIT5.b[:-2], TSIT5.b[-2] - 0.1, 0.1)}, "row -1 of a must be b"),
        ({"errors": (TSIT5.b,)}, "an error row sums to"),
        ({"errors": ()}, "errors and error_order"),
        ({"interpolant": TSIT5.interpolant[:-1]}, "interpolant needs a row a stage"),
        ({"interpolant": ((1.0, 0.0, 0.0, 0.0), *TSIT5.interpolant[1:])}, "at theta = 1"),
    ],
)
def test_wrong_tables_are_refused(changes, message):
    with pytest.raises(MethodError, match=message):
        dataclasses.replace(TSIT5, **changes)
