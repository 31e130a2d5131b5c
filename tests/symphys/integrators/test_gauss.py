"""Gauss methods: coefficients to the last digit, identities of collocation, stability, invariants, predictor."""

import dataclasses

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphys.errors import MethodError
from symphys.integrators import METHODS, Gauss
from symphys.integrators.gauss import gauss_step, predicted_states, stage_states

GAUSS = [method for method in METHODS.values() if isinstance(method, Gauss)]
EVERY = [pytest.param(method, id=method.name) for method in GAUSS]


@pytest.mark.parametrize("method", EVERY)
def test_coefficients_are_those_of_the_legendre_nodes_to_the_last_digit(method):
    """Recomputed with 40 digits and rounded once: equal, not close."""
    with mpmath.workdps(40):
        s = method.stages
        polynomial = mpmath.taylor(lambda x: mpmath.legendre(s, 2 * x - 1), 0, s)[::-1]
        nodes = sorted(mpmath.re(root) for root in mpmath.polyroots(polynomial, maxsteps=200, extraprec=200))
        moments = mpmath.matrix(s, s)
        for k in range(s):
            for j in range(s):
                moments[k, j] = nodes[j] ** k
        inverse = moments**-1

        def weights(x):
            return tuple(float(mpmath.fsum(inverse[j, k] * x ** (k + 1) / (k + 1) for k in range(s))) for j in range(s))

        assert method.c == pytest.approx([float(node) for node in nodes], rel=0, abs=0)
        assert method.b == weights(mpmath.mpf(1))
        assert method.a == tuple(weights(node) for node in nodes)


@pytest.mark.parametrize("method", EVERY)
def test_identities_of_collocation_and_symmetry(method):
    """B(2s), C(s), D(s), b_i a_ij + b_j a_ji = b_i b_j and the reflection symmetry; sums of few terms below one."""
    a, b, c = np.array(method.a), np.array(method.b), np.array(method.c)
    allowed = {"rtol": 0, "atol": 4 * 2.0**-52}
    for k in range(1, method.order + 1):
        np.testing.assert_allclose(b @ c ** (k - 1), 1 / k, **allowed)
    for k in range(1, method.stages + 1):
        np.testing.assert_allclose(a @ c ** (k - 1), c**k / k, **allowed)
        np.testing.assert_allclose((b * c ** (k - 1)) @ a, b / k * (1 - c**k), **allowed)
    np.testing.assert_allclose(b[:, None] * a + (b[:, None] * a).T, np.outer(b, b), **allowed)
    np.testing.assert_allclose(a + a[::-1, ::-1], np.tile(b, (method.stages, 1)), **allowed)
    np.testing.assert_allclose(c + c[::-1], 1.0, **allowed)


@pytest.mark.parametrize("method", EVERY)
@given(frequency=st.floats(0.01, 1e4))
def test_it_neither_damps_nor_grows_an_oscillation_of_any_frequency(method, frequency):
    """|R(i y)| = 1 on the whole axis: A-stability without damping. Tolerance: eps times the condition of I - z A."""
    a, b, z = np.array(method.a), np.array(method.b), 1j * frequency
    matrix = np.eye(method.stages) - z * a
    growth = 1 + z * b @ np.linalg.solve(matrix, np.ones(method.stages))
    assert abs(abs(growth) - 1) < 2.0**-52 * 20 * np.linalg.cond(matrix) * max(1.0, abs(growth))


@pytest.mark.parametrize("method", EVERY)
def test_quadratic_invariants_are_conserved(method):
    """Energy and angular momentum of a rotating isotropic oscillator, 200 steps; a random walk of rounding errors."""

    def rates(t, x):
        return (x[2] + 0.3 * x[1], x[3] - 0.3 * x[0], -x[0] + 0.3 * x[3], -x[1] - 0.3 * x[2])

    def invariants(x):
        return 0.5 * (x[0] ** 2 + x[1] ** 2 + x[2] ** 2 + x[3] ** 2), x[0] * x[3] - x[1] * x[2]

    x = (0.7, 0.1, -0.2, 0.5)
    start = invariants(x)
    for i in range(200):
        _, x = gauss_step(method, rates, 0.2 * i, x, 0.2)
    np.testing.assert_allclose(invariants(x), start, rtol=0, atol=200 * 2.0**-52)


@pytest.mark.parametrize("method", EVERY)
def test_the_predictor_is_exact_for_polynomial_rates(method):
    """Rates that are polynomials in time of degree s - 1 are extrapolated exactly into the next step.

    Tolerance: one unit in the last place of the weights' sum, which extrapolation makes large.
    """
    degree, h = method.stages - 1, 0.5

    def rates(t, x):
        return (1.0 + 2.0 * t**degree,)

    stages, x = gauss_step(method, rates, 0.0, (0.3,), h)
    expected = stage_states(method, x, h, tuple(rates(h + c * h, x) for c in method.c))
    size = max(sum(abs(entry) for entry in row) for row in method.predictor)
    np.testing.assert_allclose(predicted_states(method, x, h, stages), expected, rtol=0, atol=8 * 2.0**-52 * size)


def test_a_step_that_is_too_long_is_said_so():
    with pytest.raises(MethodError, match=r"gauss4.*step 50.*smaller step"):
        gauss_step(METHODS["gauss4"], lambda _, x: (x[1], -x[0]), 0.0, (1.0, 0.0), 50.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stages": 3}, "shapes of 3 stages"),
        ({"c": (0.2, 0.8)}, "row 0 of a sums to"),
        ({"a": ((0.25, -0.038675134594812866), (0.5386751345948129, 0.2500000001))}, "row 1 of a sums to"),
        ({"b": (0.6, 0.4)}, "not symplectic in the stages 0 and 0"),
    ],
)
def test_wrong_data_are_refused(changes, message):
    with pytest.raises(MethodError, match=message):
        dataclasses.replace(METHODS["gauss4"], **changes)
