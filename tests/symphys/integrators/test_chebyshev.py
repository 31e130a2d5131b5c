"""Chebyshev's basis: exact conversion, Clenshaw's sum, and dense output that single precision stands."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphys.integrators import METHODS, ExplicitTableau
from symphys.integrators.chebyshev import clenshaw, shifted_chebyshev
from symphys.integrators.tableau import stage_weights

DENSE = [m for m in METHODS.values() if isinstance(m, ExplicitTableau) and m.interpolant]


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=9), st.floats(0, 1))
def test_the_sum_is_that_of_the_powers(powers, theta):
    """Tolerance: each of at most nine powers of coefficients up to ten, to a few units of 2^-52."""
    (found,) = clenshaw([(c,) for c in shifted_chebyshev(powers)], theta)
    assert abs(found - sum(p * theta**k for k, p in enumerate(powers))) <= 2.0**-52 * 16 * sum(map(abs, powers))


def test_first_polynomials():
    assert shifted_chebyshev((0.0, 1.0)) == (0.5, 0.5)
    assert shifted_chebyshev((1.0, -8.0, 8.0)) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize("method", [pytest.param(m, id=m.name) for m in DENSE])
def test_weights_of_dense_output_are_right_in_single_precision(method):
    """Against powers in double: what is lost is some units of the weights' own size, not of their coefficients'."""
    for theta in np.linspace(0.0, 1.0, 21):
        exact = np.array(stage_weights(method, theta))
        rows = [np.array(shifted_chebyshev(row), dtype=np.float32) for row in method.interpolant]
        single = np.float32(theta) * np.array(clenshaw([tuple(c) for c in zip(*rows, strict=True)], np.float32(theta)))
        size = max(sum(np.abs(row)) for row in rows)
        assert np.abs(single - exact).max() <= 2.0**-23 * 16 * size
