"""Entropies, and distributions of largest entropy, against closed forms and inequalities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symphys as ph
from symphys.statistics import maximum_entropy, relative_entropy, shannon_entropy


def test_entropies_along_any_axis() -> None:
    p = np.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(shannon_entropy(p, base=2), [1.5, 0], atol=1e-15)
    np.testing.assert_allclose(shannon_entropy(p.T, axis=0, base=2), [1.5, 0], atol=1e-15)
    np.testing.assert_allclose(relative_entropy(p, p), 0, atol=1e-15)
    assert relative_entropy(p[0], p[1]) == np.inf
    assert relative_entropy(p[1], p[0]) == pytest.approx(np.log(2), rel=1e-14)


def test_the_die_of_jaynes() -> None:
    """A die whose mean is 4.5, as in Jaynes, "Where do we stand on maximum entropy?" (1978)."""
    found = maximum_entropy([np.arange(1.0, 7)], [4.5])
    np.testing.assert_allclose(found.probabilities, [0.0543, 0.0788, 0.1142, 0.1654, 0.2398, 0.3475], atol=6e-5)
    assert found.entropy == pytest.approx(1.61358, abs=1e-5)


def test_mean_and_variance_make_a_gaussian() -> None:
    """On a grid that reaches eleven deviations to both sides, p ~ exp(-(x - 0.7)^2 / (2 s^2))."""
    x = np.linspace(-20, 20, 801)
    found = maximum_entropy([x, x**2], [0.7, 0.7**2 + 1.7**2])
    gauss = np.exp(-((x - 0.7) ** 2) / (2 * 1.7**2))
    np.testing.assert_allclose(found.probabilities, gauss / gauss.sum(), atol=1e-10)
    np.testing.assert_allclose(found.multipliers, [-0.7 / 1.7**2, 1 / (2 * 1.7**2)], rtol=1e-8)


@given(st.integers(0, 10_000), st.integers(1, 4), st.booleans())
def test_a_planted_distribution_is_found_and_none_has_more_entropy(seed: int, m: int, weighted: bool) -> None:
    """The means of random probabilities are feasible. Pythagoras: D(p|prior) = D(p|best) + D(best|prior)."""
    rng = np.random.default_rng(seed)
    states = 12
    f, p = rng.normal(0, 3, (m, states)), rng.dirichlet(np.ones(states))
    prior = rng.dirichlet(np.ones(states)) if weighted else None
    found = maximum_entropy(f, f @ p, prior=prior)
    # Newton ends where the slope is at rounding: of a sum of twelve terms of size 3
    np.testing.assert_allclose(f @ found.probabilities, f @ p, atol=1e-10)
    against = np.full(states, 1 / states) if prior is None else prior
    total = relative_entropy(p, against)
    assert relative_entropy(p, found.probabilities) + relative_entropy(
        found.probabilities / found.probabilities.sum(), against
    ) == pytest.approx(total, abs=1e-8)
    weights = against * states if prior is None else prior
    expected = weights * np.exp(-found.multipliers @ f - found.log_partition)
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-8)
    entropy = shannon_entropy(found.probabilities / found.probabilities.sum())
    if prior is None:
        assert found.entropy == pytest.approx(entropy, abs=1e-9)


def test_features_that_depend_on_each_other_share_the_multiplier() -> None:
    levels = np.arange(5.0)
    one = maximum_entropy([levels], [1.3])
    two = maximum_entropy([levels, 2 * levels], [1.3, 2.6])
    np.testing.assert_allclose(two.probabilities, one.probabilities, atol=1e-12)
    constant = maximum_entropy([levels, np.full(5, 3.0)], [1.3, 3.0])
    np.testing.assert_allclose(constant.probabilities, one.probabilities, atol=1e-12)


def test_infeasible_means_are_named() -> None:
    levels = np.arange(6.0)
    with pytest.raises(ph.InputError, match=r"means\[0\] = 7 is infeasible: features\[0\] lies between 0 and 5"):
        maximum_entropy([levels], [7.0])
    with pytest.raises(ph.InputError, match=r"means\[0\] = 5 is infeasible: it is the edge of features\[0\]"):
        maximum_entropy([levels], [5.0])
    with pytest.raises(ph.InputError, match=r"each is possible alone, but no distribution has them together"):
        maximum_entropy([levels, levels**2], [2.0, 3.0])  # a variance of -1
    with pytest.raises(ph.InputError, match=r"each is possible alone, but only one that excludes states has them"):
        maximum_entropy([levels, levels**2], [2.5, 12.5])  # all weight on the ends
    with pytest.raises(ph.InputError, match=r"each is possible alone, but no distribution has them together"):
        maximum_entropy([levels, 2 * levels], [2.0, 3.0])


def test_what_is_no_distribution_is_refused() -> None:
    with pytest.raises(ph.InputError, match=r"the probabilities add up to 0\.9, not to 1"):
        shannon_entropy([0.5, 0.4])
    with pytest.raises(ph.InputError, match=r"a distribution holds -0\.5"):
        shannon_entropy([1.5, -0.5])
    with pytest.raises(ph.InputError, match=r"over 2 and 3 states cannot be compared"):
        relative_entropy([0.5, 0.5], [0.5, 0.25, 0.25])
    with pytest.raises(ph.InputError, match=r"features of the shape \(3,\) and means of \(1,\)"):
        maximum_entropy([1.0, 2, 3], [2.0])
    with pytest.raises(ph.InputError, match=r"a prior of the shape \(2,\) for 3 states"):
        maximum_entropy([[1.0, 2, 3]], [2.0], prior=[1.0, 1.0])
