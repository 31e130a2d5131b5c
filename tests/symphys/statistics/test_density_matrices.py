"""What states tell, against closed forms."""

import numpy as np
import pytest

import symphys as ph
from symphys.quantum import (
    expectation,
    fidelity,
    partial_trace,
    pure_state,
    purity,
    relative_entropy,
    thermal_state,
    trace_distance,
    von_neumann_entropy,
)


def random_states(n: int, count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    a = rng.normal(0, 1, (count, n, n)) + 1j * rng.normal(0, 1, (count, n, n))
    rho = a @ a.conj().swapaxes(-1, -2)
    return rho / np.trace(rho, axis1=-2, axis2=-1)[:, None, None]


def test_diagonal_states_are_distributions() -> None:
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])
    assert von_neumann_entropy(np.diag(p)) == pytest.approx(ph.statistics.shannon_entropy(p), rel=1e-14)
    assert von_neumann_entropy(np.eye(4) / 4, base=2) == pytest.approx(2, rel=1e-14)
    expected = ph.statistics.relative_entropy(p, q)
    assert relative_entropy(np.diag(p), np.diag(q)) == pytest.approx(expected, rel=1e-13)
    assert fidelity(np.diag(p), np.diag(q)) == pytest.approx(np.sqrt(p * q).sum() ** 2, rel=1e-13)
    assert trace_distance(np.diag(p), np.diag(q)) == pytest.approx(np.abs(p - q).sum() / 2, rel=1e-14)
    assert purity(np.diag(p)) == pytest.approx((p**2).sum(), rel=1e-14)


def test_pure_states() -> None:
    """Roots of eigenvalues of size eps stray by sqrt(eps)."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(0, 1, (2, 5)) + 1j * rng.normal(0, 1, (2, 5))
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    overlap = abs(np.vdot(a, b)) ** 2
    assert fidelity(pure_state(a), pure_state(b)) == pytest.approx(overlap, abs=2e-7)
    assert trace_distance(pure_state(a), pure_state(b)) == pytest.approx(np.sqrt(1 - overlap), rel=1e-12)
    assert relative_entropy(pure_state(a), pure_state(b)) == np.inf
    assert relative_entropy(pure_state(a), pure_state(a)) == pytest.approx(0, abs=1e-12)
    assert von_neumann_entropy(pure_state(a)) == pytest.approx(0, abs=1e-13)


def test_inequalities_of_entropy() -> None:
    """Klein: relative entropies are positive. Subadditivity: S_AB <= S_A + S_B. Monotony: parts are less apart."""
    rho, sigma = random_states(6, 20, 1), random_states(6, 20, 2)
    whole = relative_entropy(rho, sigma)
    assert (whole > 0).all()
    a, b = (partial_trace(rho, (2, 3), keep) for keep in (0, 1))
    assert (von_neumann_entropy(rho) < von_neumann_entropy(a) + von_neumann_entropy(b)).all()
    assert (relative_entropy(a, partial_trace(sigma, (2, 3), 0)) < whole).all()
    parts = fidelity(b, partial_trace(sigma, (2, 3), 1))
    assert (parts > fidelity(rho, sigma)).all()


def test_parts_of_a_product_are_its_factors() -> None:
    a, b, c = (random_states(n, 1, n)[0] for n in (2, 3, 2))
    whole = np.kron(np.kron(a, b), c)[None].repeat(2, axis=0)
    for keep, expected in ((0, a), (1, b), (2, c), ((0, 2), np.kron(a, c)), ((1, 2), np.kron(b, c))):
        np.testing.assert_allclose(partial_trace(whole, (2, 3, 2), keep)[1], expected, atol=1e-14)


def test_thermal_states_are_gibbs() -> None:
    h = np.diag([0.0, 1.0, 3.0])
    turn = np.linalg.qr(np.random.default_rng(0).normal(0, 1, (3, 3)))[0]
    state = thermal_state(turn @ h @ turn.T, 0.7)
    weights = np.exp(-np.diag(h) / 0.7)
    np.testing.assert_allclose(np.diag(turn.T @ state @ turn), weights / weights.sum(), atol=1e-14)
    energy = expectation(state, turn @ h @ turn.T)
    # F = E - k_B T S = -k_B T ln Z
    assert energy - 0.7 * von_neumann_entropy(state) == pytest.approx(-0.7 * np.log(weights.sum()), rel=1e-12)


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(ph.InputError, match=r"the density matrix has the trace 3, not 1"):
        von_neumann_entropy(np.eye(3))
    with pytest.raises(ph.InputError, match=r"dims = \(2, 3\) multiply to 6, the state has the shape \(4, 4\)"):
        partial_trace(np.eye(4) / 4, (2, 3), 0)
    with pytest.raises(ph.InputError, match=r"keep = 2; there are the parts 0 to 1"):
        partial_trace(np.eye(4) / 4, (2, 2), 2)
    with pytest.raises(ph.InputError, match=r"the states have 2 and 3 levels"):
        fidelity(np.eye(2) / 2, np.eye(3) / 3)
    with pytest.raises(ph.InputError, match=r"base = 1; logarithms have a base above 1"):
        von_neumann_entropy(np.eye(2) / 2, base=1)
    with pytest.raises(ph.InputError, match="make no state"):
        pure_state([0, 0])
    with pytest.raises(ph.InputError, match=r"the temperature is -1"):
        thermal_state(np.eye(2), -1)
