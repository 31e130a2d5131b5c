"""Splittings: order conditions in the free algebra, symplecticity, reversal, flows, compensated sums, bad input."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphys.errors import MethodError
from symphys.integrators import METHODS, Splitting
from symphys.integrators.splitting import (
    alternating,
    compensated_splitting_step,
    compose,
    compose_ahead,
    palindrome,
    splitting_step,
    verlet_composition,
)
from symphys.integrators.verlet import VERLET

SPLITTINGS = [method for method in METHODS.values() if isinstance(method, Splitting)]
EVERY = [pytest.param(method, id=method.name) for method in SPLITTINGS]
GENERAL = [pytest.param(method, id=method.name) for method in SPLITTINGS if not method.requires_quadratic_kinetic]
LEAPFROG_IN_KICK = [pytest.param(method, id=method.name) for method in SPLITTINGS if method.name.startswith("abah")]


def expansion(factors, keep):
    """The product of exponentials exp(weight X), as a mapping from words in the letters X to coefficients."""
    series = {"": 1.0}
    for letter, weight in factors:
        product = {}
        for word, coefficient in series.items():
            power, longer = coefficient, word
            for k in itertools.count(1):
                product[longer] = product.get(longer, 0.0) + power
                longer += letter
                power *= weight / k
                if not keep(longer):
                    break
        series = product
    return series


def check_order_conditions(factors, letters, keep, depth):
    """The product equals exp of the sum of the letters, in all words that `keep` keeps.

    Tolerance: every factor rounds its weight and its product, two units in the last place of what the coefficients sum
    to when all weights are taken positive.
    """
    product = expansion(factors, keep)
    bound = expansion([(letter, abs(weight)) for letter, weight in factors], keep)
    words = ("".join(w) for n in range(1, depth + 1) for w in itertools.product(letters, repeat=n))
    for word in filter(keep, words):
        exact = 1.0 / math.factorial(len(word))
        assert abs(product.get(word, 0.0) - exact) <= 2.0**-51 * len(factors) * (bound.get(word, 0.0) + exact), word


def kept(orders, small):
    """Whether a word of some degree in the small letters lies within the generalised orders."""
    return lambda word: len(word) <= (orders[min(n, len(orders)) - 1] if (n := sum(map(word.count, small))) else 12)


@pytest.mark.parametrize("method", GENERAL)
def test_order_conditions_hold_in_the_free_algebra(method):
    """exp(a_1 A) exp(b_1 B) ... = exp(A + B) up to the order, or up to the order for each power of B."""
    orders = method.epsilon_orders or (method.order,)
    factors = [("A" if kind == "drift" else "B", weight) for kind, weight in method.stages]
    keep = kept(orders, "B")
    check_order_conditions(factors, "AB", lambda word: keep(word) and len(word) <= max(orders), max(orders))


@pytest.mark.parametrize("method", [pytest.param(m, id=m.name) for m in SPLITTINGS if m.epsilon_orders])
def test_generalised_orders_are_not_understated(method):
    """One more order for the first power of epsilon would be false: some word of that length fails by more than 1e-12.

    Rounding is below 1e-20 here, as the coefficients of these words are below 1e-4.
    """
    first = method.epsilon_orders[0]
    factors = [("A" if kind == "drift" else "B", weight) for kind, weight in method.stages]
    product = expansion(factors, lambda word: len(word) <= first + 1 and word.count("B") <= 1)
    words = ["A" * i + "B" + "A" * (first - i) for i in range(first + 1)]
    assert max(abs(product[word] - 1 / math.factorial(first + 1)) for word in words) > 1e-12


@pytest.mark.parametrize("method", LEAPFROG_IN_KICK)
def test_the_kick_may_itself_be_a_leapfrog(method):
    """Replacing exp(b (B + C)) by exp(b B / 2) exp(b C) exp(b B / 2) keeps the generalised orders."""
    factors = []
    for kind, weight in method.stages:
        factors += [("A", weight)] if kind == "drift" else [("B", weight / 2), ("C", weight), ("B", weight / 2)]
    orders = method.epsilon_orders
    keep = kept(orders, "BC")
    check_order_conditions(factors, "ABC", lambda word: keep(word) and len(word) <= max(orders), max(orders))


def force(t, q):
    x, y = q
    return -1.0 * x + -2.0 * (x * y) + 0.3 * t, -1.0 * y + -1.0 * (x * x) + y * y


def velocity(t, p):
    return p[0] + 0.3 * (p[0] * p[0] * p[1]), p[1] + 0.1 * (p[0] * p[0] * p[0]) + 0.2 * t * p[1]


STATES = st.tuples(*[st.floats(-0.5, 0.5) for _ in range(4)])


@pytest.mark.parametrize("method", EVERY)
@given(state=STATES)
def test_the_map_is_symplectic(method, state):
    """Phi^T J Phi = J with the derivative by complex step, which is exact to rounding.

    Tolerance: each stage multiplies by a matrix whose entries are rounded, one unit in the last place of its norm.
    """
    tiny, h = 1e-40, 0.2
    columns = []
    for k in range(4):
        x = [complex(value, tiny if i == k else 0.0) for i, value in enumerate(state)]
        q, p = splitting_step(method, force, velocity, 0.1, tuple(x[:2]), tuple(x[2:]), h)
        columns.append([component.imag / tiny for component in (*q, *p)])
    jacobian = np.array(columns).T
    j = np.block([[np.zeros((2, 2)), np.eye(2)], [-np.eye(2), np.zeros((2, 2))]])
    growth = math.prod(1.0 + 3.0 * h * abs(weight) for _, weight in method.stages)
    assert np.abs(jacobian.T @ j @ jacobian - j).max() <= 2.0**-52 * 8 * len(method.stages) * growth**2


@pytest.mark.parametrize("method", [pytest.param(m, id=m.name) for m in SPLITTINGS if m.symmetric])
@given(state=STATES)
def test_a_symmetric_method_returns_when_the_step_is_reversed(method, state):
    """A step with h from t, then one with -h from t + h, with explicit time in both parts.

    Tolerance: one unit in the last place a stage, grown by at most the product of the stages' norms.
    """
    h = 0.2
    q, p = splitting_step(method, force, velocity, 0.1, state[:2], state[2:], h)
    q, p = splitting_step(method, force, velocity, 0.1 + h, q, p, -h)
    growth = math.prod(1.0 + 3.0 * h * abs(weight) for _, weight in method.stages)
    assert (
        max(abs(a - b) for a, b in zip(state, (*q, *p), strict=True)) <= 2.0**-52 * 4 * len(method.stages) * growth**2
    )


def test_symplectic_euler_does_not_return():
    """The property above is one that a method can fail: an unsymmetric map comes back off by O(h^2)."""
    method = METHODS["symplectic_euler"]
    q, p = splitting_step(method, force, velocity, 0.1, (0.3, 0.1), (0.2, 0.4), 0.2)
    q, p = splitting_step(method, force, velocity, 0.3, q, p, -0.2)
    assert abs(q[0] - 0.3) > 1e-3


def test_a_nystroem_method_loses_its_order_where_the_kinetic_energy_is_not_quadratic():
    """H = p^2/2 + p^4/4 + q^2/2 + q^4/4: doubling the steps of srkn11_6 gains less than order 6 gives."""

    def error(steps):
        q, p, h = (0.8,), (0.6,), 1.0 / steps
        for _ in range(steps):
            q, p = splitting_step(
                METHODS["srkn11_6"], lambda _, q: (-q[0] - q[0] ** 3,), lambda _, p: (p[0] + p[0] ** 3,), 0.0, q, p, h
            )
        return np.array((*q, *p))

    best = error(1024)
    slope = math.log2(np.abs(error(16) - best).max() / np.abs(error(32) - best).max())
    assert slope < 5.0


def test_verlet_is_half_kick_drift_half_kick():
    q, p = splitting_step(VERLET, lambda _, q: (-(q[0] ** 3),), lambda _, p: p, 0.0, (0.7,), (0.2,), 0.1)
    half = 0.2 + 0.05 * -(0.7**3)
    there = 0.7 + 0.1 * half
    assert q == (there,)
    assert p == (half + 0.05 * -(there**3),)


def test_each_part_sees_the_clock_that_the_other_turns():
    seen = {"kick": [], "drift": []}
    flows = {kind: (lambda t, _, dt, kind=kind: seen[kind].append((t, dt))) for kind in seen}
    compose(VERLET, flows, 1.0, None, 0.5)
    assert seen == {"kick": [(1.0, 0.25), (1.5, 0.25)], "drift": [(1.25, 0.5)]}


@pytest.mark.parametrize("method", [p for p in EVERY if p.values[0].fsal])
def test_steps_between_merged_borders_are_the_steps(method):
    """Ahead by the first flow, five steps, and back by it: the five steps, at the same clocks.

    Each flow adds with one rounding of numbers below two, and the stages are fewer than forty a step.
    """
    flows = {
        "kick": lambda t, x, h: (x[0], x[1] - h * (x[0] ** 3 + math.cos(3.0 * t))),
        "drift": lambda t, x, h: (x[0] + h * (x[1] + 0.1 * math.sin(5.0 * t)), x[1]),
    }
    h, first = 0.05, method.stages[0]
    x = (0.3, 0.8)
    ahead = flows[first[0]](0.0, x, first[1] * h)
    for k in range(5):
        x = compose(method, flows, k * h, x, h)
        ahead = compose_ahead(method, flows, k * h, ahead, h)
    behind = flows[first[0]](5 * h, ahead, -first[1] * h)
    assert np.abs(np.subtract(behind, x)).max() < 5 * 40 * 2.0**-52


def test_compensated_summation_keeps_the_digits_that_plain_sums_lose():
    """20 000 Verlet steps of an oscillator in float32, against the same steps in float64.

    Each plain sum loses up to half a unit, 3e-8, and the losses add up. With the carry none is lost, and what remains
    is the rounding of the increments, 3e-8 |h F| = 3e-10: as 40 000 of them are random, the root of their number times
    each, 6e-8; twenty times that is allowed.
    """
    h, steps = 0.01, 20_000
    q, p = (0.7,), (0.2,)
    plain = ((np.float32(0.7),), (np.float32(0.2),))
    careful = (*plain, ((np.float32(0),), (np.float32(0),)))
    q, p = (float(plain[0][0]),), (float(plain[1][0]),)
    small = np.float32(h)
    for _ in range(steps):
        q, p = splitting_step(VERLET, lambda _, q: (-q[0],), lambda _, p: p, 0.0, q, p, float(small))
        plain = splitting_step(VERLET, lambda _, q: (-q[0],), lambda _, p: p, 0.0, *plain, small)
        careful = compensated_splitting_step(
            VERLET, lambda _, q: (-q[0],), lambda _, p: p, 0.0, *careful[:2], small, careful[2]
        )
    with_carry, without = abs(float(careful[0][0]) - q[0]), abs(float(plain[0][0]) - q[0])
    assert with_carry < 1.2e-6
    assert with_carry < without / 5


def test_builders():
    assert palindrome("drift", (0.5, 1.0)) == (("drift", 0.5), ("kick", 1.0), ("drift", 0.5))
    assert verlet_composition((0.25, 0.5)) == alternating("kick", (0.125, 0.25, 0.375, 0.5, 0.375, 0.25, 0.125))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stages": (("push", 1.0), ("drift", 1.0))}, r"'push'.*only 'kick' and 'drift'"),
        ({"stages": (("kick", 0.5), ("kick", 0.5), ("drift", 1.0))}, "two neighbouring stages"),
        ({"stages": alternating("kick", (0.5, 1.1, 0.5))}, "drift weights sum to 1.1, must sum to 1"),
        ({"stages": alternating("kick", (1.0, 1.0))}, "symmetric=True, but"),
        ({"epsilon_orders": (4, 3)}, "order 2 must be the least"),
    ],
)
def test_wrong_data_are_refused(changes, message):
    with pytest.raises(MethodError, match=message):
        dataclasses.replace(VERLET, **changes)
