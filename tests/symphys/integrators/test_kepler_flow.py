"""Kepler's flow in universal variables against fifty digits, on every kind of orbit, and its invariants."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphys.integrators.kepler_flow import NEAR, NUMBERS, kepler_flow, stumpff, stumpff_near

CONTEXT = mpmath.MPContext()
CONTEXT.dps = 50


def exact_flow(q, w, a, k, h):
    """The same state in fifty digits: Kepler's equation by bisection, the G functions in closed form."""
    q, w, a, k, h = [CONTEXT.mpf(x) for x in q], [CONTEXT.mpf(x) for x in w], *map(CONTEXT.mpf, (a, k, h))
    r, mu = CONTEXT.sqrt(sum(x * x for x in q)), a * k
    beta = 2 * mu / r - a * a * sum(y * y for y in w)
    eta = a * sum(x * y for x, y in zip(q, w, strict=True))

    def universal(s):
        x = CONTEXT.sqrt(beta) * s
        g0, g1 = CONTEXT.cos(x).real, (s * CONTEXT.sin(x) / x).real
        return g0, g1, (1 - g0) / beta, (s - g1) / beta

    def missed(s):
        _, g1, g2, g3 = universal(s)
        return CONTEXT.sign(h) * (r * g1 + eta * g2 + mu * g3 - h)

    low, high = CONTEXT.mpf(0), CONTEXT.sign(h)
    while missed(high) < 0:
        high *= 2
    for _ in range(190):
        middle = (low + high) / 2
        low, high = (middle, high) if missed(middle) < 0 else (low, middle)
    g0, g1, g2, g3 = universal(high)
    after = r * g0 + eta * g1 + mu * g2
    moved = [x * (1 - mu * g2 / r) + a * y * (h - mu * g3) for x, y in zip(q, w, strict=True)]
    pulled = [y * (1 - mu * g2 / after) - k * g1 / (r * after) * x for x, y in zip(q, w, strict=True)]
    return np.array([[float(x) for x in moved], [float(y) for y in pulled]])


PLACES = st.tuples(*[st.floats(0.2, 2.0) for _ in range(3)])
SPEEDS = st.tuples(*[st.floats(-1.0, 1.0).filter(lambda x: abs(x) > 1e-3) for _ in range(3)])
TIMES = st.floats(-3.0, 3.0).map(lambda x: math.copysign(10.0 ** (abs(x) - 2), x))


@given(
    q=PLACES, w=SPEEDS, speed=st.sampled_from([0.1, 1.0, 10.0]), a=st.floats(0.5, 2.0), k=st.floats(0.5, 2.0), h=TIMES
)
def test_bound_and_open_orbits_agree_with_fifty_digits(q, w, speed, a, k, h):
    check_flow(q, tuple(speed * y for y in w), a, k, h)


@given(q=PLACES, w=SPEEDS, h=TIMES)
def test_so_do_repelled_bodies(q, w, h):
    check_flow(q, w, 1.3, -0.8, h)


def check_flow(q, w, a, k, h):
    """Tolerance: what one unit in the last place of each input does to the exact state, times 64 operations in a row,
    as numbers met on the way are as well conditioned as the input."""
    found, exact = np.array(kepler_flow(q, w, a, k, h)), exact_flow(q, w, a, k, h)
    up = 1.0 + 2.0**-52
    inputs = [(q, w, a * up, k, h), (q, w, a, k * up, h), (q, w, a, k, h * up)]
    inputs += [(tuple(x * (up if i == j else 1) for j, x in enumerate(q)), w, a, k, h) for i in range(3)]
    inputs += [(q, tuple(x * (up if i == j else 1) for j, x in enumerate(w)), a, k, h) for i in range(3)]
    bound = sum(np.abs(exact_flow(*each) - exact).max(axis=1) for each in inputs) + 2.0**-52 * np.abs(exact).max(axis=1)
    assert (np.abs(found - exact).max(axis=1) <= 64 * bound).all()


def test_a_circle_closes_after_a_thousand_periods():
    """One unit in the last place of h is 1e-13 of a radian after 1000 periods."""
    q, w = kepler_flow((1.0, 0.0), (0.0, 1.0), 1.0, 1.0, 2000 * math.pi)
    assert np.abs(np.array((*q, *w)) - (1, 0, 0, 1)).max() < 4e-12


def test_steps_add_up():
    """Two flows of h are one of 2 h, also through the pericentre of an orbit of eccentricity 0.99.

    Its error grows by the ratio of the speeds there and here, 200, and by the rounding of some sixty operations.
    """
    q, w = (1.99, 0.0), (0.0, math.sqrt(0.01 / 1.99))
    for h in (0.01, 0.5, 2.0, 3.0):
        once = kepler_flow(*kepler_flow(q, w, 1.0, 1.0, h), 1.0, 1.0, h)
        at_once = kepler_flow(q, w, 1.0, 1.0, 2 * h)
        assert np.abs(np.array(once) - np.array(at_once)).max() < 200 * 60 * 2.0**-52


@pytest.mark.parametrize("z", [-30.0, -1.0, -NEAR, -1e-9, 0.0, 1e-9, NEAR, 1.0, 9.8, 30.0])
def test_stumpff_functions(z):
    """c_n(z) = sum (-z)^k / (n + 2 k)!, in fifty digits; the closed forms lose up to 1 / NEAR of their digits."""
    exact = [
        float(CONTEXT.nsum(lambda k, n=n: (-CONTEXT.mpf(z)) ** int(k) / CONTEXT.factorial(n + 2 * k), [0, 60]))
        for n in (1, 2, 3)
    ]
    for found, expected in zip(stumpff(z, NUMBERS), exact, strict=True):
        assert abs(found - expected) <= 2.0**-52 * 8 * max(abs(expected), 0.1)
    if abs(z) <= NEAR:
        for found, expected in zip(stumpff_near(z), exact[1:], strict=True):
            assert abs(found - expected) <= 2.0**-52 * abs(expected)
