"""phi(X) with plain floats, against SciPy's matrix exponential."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from symphys.integrators.exponential import apply_matrix, phi

entries = st.floats(-3.0, 3.0)


def dense(matrix, size):
    found = np.zeros((size, size))
    for place, entry in matrix.items():
        found[place] = entry
    return found


@given(st.integers(1, 4).flatmap(lambda n: st.lists(entries, min_size=n * n, max_size=n * n)))
def test_one_plus_x_phi_is_the_exponential(values):
    """Rounding of 1e-16 a product, a hundred of them, beside entries up to exp(12)."""
    n = int(np.sqrt(len(values)))
    X = np.array(values).reshape(n, n)
    found = dense(phi({(i, j): X[i, j] for i in range(n) for j in range(n) if X[i, j]}, n), n)
    exponential = expm(X)
    np.testing.assert_allclose(np.eye(n) + X @ found, exponential, atol=1e-13 * (1 + np.exp(np.linalg.norm(X))))


@pytest.mark.parametrize("x", [-30.0, -1.0, -1e-3, -1e-12, 0.0, 1e-12, 1e-3, 1.0, 10.0])
def test_small_numbers_lose_no_digits(x):
    expected = np.expm1(x) / x if x else 1.0
    assert phi({(0, 0): x} if x else {}, 1)[0, 0] == pytest.approx(expected, rel=1e-14)


def test_rows_without_entries_are_left_out():
    assert apply_matrix({(0, 1): 2.0, (0, 0): 1.0}, (3.0, 4.0)) == {0: 11.0}
