"""The adaptive Taylor method: order from tolerance, step from coefficients, and the error that they promise."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphys.errors import MethodError
from symphys.integrators.arithmetic import horner
from symphys.integrators.taylor import TAYLOR, decay_rate, order_from_tolerance, taylor_step, taylor_step_size


def test_orders_are_those_of_jorba_and_zou():
    """ceil(1 - ln(tol) / 2): 20 at the rounding unit of doubles, as heyoka takes it."""
    assert order_from_tolerance(TAYLOR, 2.0**-52) == 20
    assert order_from_tolerance(TAYLOR, 1e-9) == 12
    assert order_from_tolerance(TAYLOR, 0.9) == TAYLOR.minimum_order


@pytest.mark.parametrize("tolerance", [0.0, 1.0, -1e-3, math.nan, math.inf])
def test_a_tolerance_without_meaning_is_refused(tolerance):
    with pytest.raises(MethodError, match="between 0 and 1"):
        order_from_tolerance(TAYLOR, tolerance)


@given(radius=st.floats(0.01, 100.0), order=st.integers(3, 40), size=st.floats(0.01, 1.0))
def test_the_radius_of_a_geometric_series_is_found(radius, order, size):
    """x_k = size / radius^k, size <= 1: the estimate is absolute below 1, so off by size^(1/j) and never too small."""
    rate = decay_rate(order, size, size / radius ** (order - 1), size / radius**order)
    assert 1 / rate >= radius * (1 - 1e-12)
    assert 1 / rate <= radius * size ** (-1 / (order - 1)) * (1 + 1e-12)


@given(tolerance=st.floats(1e-15, 1e-3), radius=st.floats(0.1, 10.0))
def test_the_neglected_terms_stay_below_the_tolerance(tolerance, radius):
    """x(t) = 1 / (1 - t / radius): with h = rho e^-2 e^-0.7/(p-1) the rest is x_p h^p (h / rho) / (1 - h / rho).

    (h / rho)^(p+1) <= e^(-2 (p+1)) <= tol e^-4 for p >= 1 - ln(tol) / 2.
    """
    order = order_from_tolerance(TAYLOR, tolerance)
    coefficients = [(radius**-k,) for k in range(order + 1)]
    h = taylor_step_size(TAYLOR, coefficients)
    ratio = h / radius
    assert ratio == pytest.approx(math.exp(-2 - 0.7 / (order - 1)), rel=1e-12)
    rest = ratio ** (order + 1) / (1 - ratio)
    assert rest < tolerance
    assert taylor_step(coefficients, h)[0] + rest == pytest.approx(1 / (1 - ratio), rel=1e-14)


def test_a_polynomial_takes_the_longest_step():
    assert taylor_step_size(TAYLOR, [(1.0,), (2.0,), (0.0,), (0.0,)], longest=3.0) == 3.0
    assert taylor_step_size(TAYLOR, [(1.0, 0.0), (2.0, 1.0), (0.5, 1.0), (1.0, 0.0)], longest=1e-3) == 1e-3


def test_a_large_state_makes_the_estimate_relative():
    coefficients = np.array([[0.5], [0.5], [0.5], [0.5]])
    assert taylor_step_size(TAYLOR, 1e6 * coefficients) == pytest.approx(TAYLOR.step_factor(3), rel=1e-14)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=12), st.floats(-2, 2))
def test_horner_is_the_polynomial(coefficients, h):
    """Tolerance: two roundings a term of the sum of the terms' sizes."""
    terms = [c * h**k for k, c in enumerate(coefficients)]
    size = sum(abs(c) * max(1.0, abs(h)) ** k for k, c in enumerate(coefficients))
    assert abs(horner(coefficients, h) - math.fsum(terms)) <= 2.0**-51 * len(terms) * size
