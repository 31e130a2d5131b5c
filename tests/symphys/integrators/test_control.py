"""Step-size control: errors follow the tolerance, steps follow the solution, bounds hold."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate._ivp.common import select_initial_step

from symphys.integrators import METHODS, ExplicitTableau
from symphys.integrators.control import control_for, error_norm, error_scale, first_step
from symphys.integrators.tableau import explicit_step

PAIRS = [pytest.param(m, id=m.name) for m in METHODS.values() if isinstance(m, ExplicitTableau) and m.adaptive]


def kepler(t, x):
    cube = (x[0] ** 2 + x[1] ** 2) ** -1.5
    return x[2], x[3], -x[0] * cube, -x[1] * cube


def integrate(tableau, rates, x, stop, tolerance):
    """The adaptive loop in ten lines: the last state, the accepted steps and the number of rejected ones."""
    control = control_for(tableau)
    t, previous, steps, rejected = 0.0, control.error_floor, [], 0
    h = first_step(rates, t, x, 1.0, tableau.error_order, tolerance, tolerance)
    while t < stop:
        h = min(h, stop - t)
        _, new, errors = explicit_step(tableau, rates, t, x, h)
        error = error_norm(errors, error_scale(x, new, tolerance, tolerance))
        if error <= 1.0:
            t, x = (t + h if t + h < stop else stop), new
            steps.append(h)
            h *= control.factor(error, previous)
            previous = max(error, control.error_floor)
        else:
            rejected += 1
            h *= control.retry_factor(error)
    return x, steps, rejected


@pytest.mark.parametrize("tableau", PAIRS)
def test_an_eccentric_orbit_is_followed_at_its_tolerance(tableau):
    """Kepler with e = 0.6, one period: the end is the start.

    Local errors of the tolerance grow along an orbit at most linearly in the number of steps, and by the ratio of the
    largest to the smallest velocity, 4, squared: 100 steps times 16 is the bound; a third of the steps may be rejected.
    """
    start = (0.4, 0.0, 0.0, 2.0)
    for tolerance in (1e-4, 1e-7, 1e-10):
        x, steps, rejected = integrate(tableau, kepler, start, 2 * math.pi, tolerance)
        assert max(abs(a - b) for a, b in zip(x, start, strict=True)) < 16 * max(100, len(steps)) * tolerance
        assert rejected <= len(steps) / 3 + 2
        assert max(steps) > 4 * min(steps[1:-1]), "the steps should follow the orbit"


@pytest.mark.parametrize("tableau", PAIRS)
@given(error=st.floats(0.0, 1.0), previous=st.floats(0.0, 1.0))
def test_factors_stay_within_their_bounds(tableau, error, previous):
    control = control_for(tableau)
    assert control.smallest <= control.factor(error, previous) <= control.largest


@pytest.mark.parametrize("tableau", PAIRS)
@given(error=st.floats(1.0000001, 1e300) | st.sampled_from([math.inf, math.nan]))
def test_a_rejected_step_is_shortened(tableau, error):
    control = control_for(tableau)
    assert control.smallest <= control.retry_factor(error) <= control.safety


@pytest.mark.parametrize("tableau", PAIRS)
def test_a_smooth_solution_settles_at_a_constant_step(tableau):
    """If err = (h / h*)^(q + 1), the steps converge to a multiple of h* and stay there, without oscillation."""
    control, h, previous, steps = control_for(tableau), 1e-3, 1.0, []
    for _ in range(60):
        error = h ** (tableau.error_order + 1)
        h *= control.factor(error, previous) if error <= 1 else control.retry_factor(error)
        previous = error
        steps.append(h)
    # At rest safety * err^-(exponent - feedback) = 1, with err = h^(error order + 1).
    rest = control.safety ** (1 / ((control.exponent - control.feedback) * (tableau.error_order + 1)))
    assert steps[-10:] == pytest.approx([rest] * 10, rel=1e-6)


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0.1, 10)), min_size=1, max_size=6))
def test_the_norm_is_the_root_mean_square(pairs):
    vector, scale = zip(*pairs, strict=True)
    expected = np.sqrt(np.mean((np.array(vector) / np.array(scale)) ** 2))
    assert error_norm([vector], scale) == pytest.approx(expected, rel=1e-14)
    # With two estimates: Hairer's combination, and no division by zero where both vanish.
    combined = error_norm([vector, vector], scale)
    assert combined == pytest.approx(expected / math.sqrt(1.01), rel=1e-14, abs=1e-300)


@given(
    start=st.tuples(*[st.floats(0.2, 2.0)] * 4),
    rtol=st.sampled_from([1e-3, 1e-6, 1e-9]),
    order=st.integers(2, 8),
)
def test_the_first_step_is_scipys(start, rtol, order):
    """The same rule, so the same number, up to rounding: the second derivative is a difference that loses digits."""

    def rates(t, x):
        return np.array(kepler(t, x))

    x = np.array(start)
    theirs = select_initial_step(rates, 0.0, x, math.inf, math.inf, rates(0.0, x), 1, order, rtol, rtol)
    assert first_step(kepler, 0.0, start, 1.0, order, rtol, rtol) == pytest.approx(theirs, rel=1e-6)


def test_a_state_at_rest_has_a_first_step_too():
    assert first_step(lambda *_: (0.0,), 0.0, (0.0,), 1.0, 4, 1e-6, 1e-6) == pytest.approx(1e-6)
    assert first_step(lambda *_: (1.0,), 0.0, (5.0,), -1.0, 4, 1e-6, 1e-6, longest=1e-5) == 1e-5
