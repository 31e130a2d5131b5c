"""Spins: read from Pauli operators, reduced by symmetry, solved exactly and within an ansatz."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from sympy import I, exp

import symphys as ph

Q = ph.quantum
h, J = ph.parameters("h J")


def chain(n: int, turned: bool = False) -> object:
    """Heisenberg's ring in Pauli operators, every second spin turned about z or not."""
    X, Y, Z = Q.spins(n)
    sign = -1 if turned else 1
    pairs = [(i, (i + 1) % n) for i in range(n)]
    return sum(sign * (X[i] * X[j] + Y[i] * Y[j]) + Z[i] * Z[j] for i, j in pairs)


def ising(n: int) -> object:
    X, _, Z = Q.spins(n)
    return -sum(Z[i] * Z[(i + 1) % n] for i in range(n)) - h * sum(X)


def dense(lattice: object, values: dict) -> np.ndarray:
    """[2^n, 2^n], by products of Pauli matrices."""
    matrices = [np.array(m, dtype=complex) for m in Q.pauli()]
    total = 0
    for string, coefficient in lattice.terms.terms.items():
        axes = dict(string)
        factors = [matrices[axes[i]] if i in axes else np.eye(2) for i in range(lattice.sites)]
        total = total + float(coefficient.subs(values)) * reduce(np.kron, factors)
    return total


@pytest.mark.parametrize("n", [4, 7, 10])
def test_the_ring_in_a_transverse_field_has_the_energy_of_free_fermions(n: int) -> None:
    """-2 / sin(pi / 2 n) at h = 1 (Pfeuty, Ann. Phys. 57 (1970) 79)."""
    state = Q.SpinLattice(ising(n)).ground_state({h: 1.0})
    assert state.energy == pytest.approx(-2 / np.sin(np.pi / (2 * n)), rel=1e-12)
    assert len(state.states) <= 2**n / n
    assert np.sum(state.amplitudes**2) == pytest.approx(1.0, abs=1e-12)
    # the energy is stationary in h: dE/dh = -n <X>, and <Z Z> takes the rest
    pairs = state.probability(lambda s: np.sum(s * np.roll(s, -1, axis=0), axis=0))
    assert pairs == pytest.approx(-state.energy / 2, rel=1e-10)  # self-dual at h = 1


@pytest.mark.parametrize("ends", ["open", "ring"])
def test_the_symmetric_sector_holds_the_lowest_state_of_the_whole(ends: str) -> None:
    """Against all 2^6 states, for chains with and without a field, whose ground states have no sign change."""
    X, Y, Z = Q.spins(6)
    bonds = [(i, i + 1) for i in range(5)] + ([(5, 0)] if ends == "ring" else [])
    for field in (0, 0.3):
        H = sum(-X[i] * X[j] - 0.4 * Y[i] * Y[j] + J * Z[i] * Z[j] for i, j in bonds) - field * sum(X) + 2
        lattice = Q.SpinLattice(H)
        assert len(lattice.symmetries) == (12 if ends == "ring" else 2)
        lowest = np.linalg.eigvalsh(dense(lattice, {J: 0.7}))[0]
        assert lattice.ground_state({J: 0.7}).energy == pytest.approx(lowest, rel=1e-12)


def test_magnetisation_is_kept_where_pairs_are_turned_together() -> None:
    """Heisenberg's ring of four: -8 in Pauli operators, and 4 for all spins up."""
    lattice = Q.SpinLattice(chain(4, turned=True))
    assert lattice.terms.keeps_magnetisation
    assert lattice.ground_state().energy == pytest.approx(-8.0, abs=1e-12)
    assert lattice.ground_state(magnetisation=4).energy == pytest.approx(4.0, abs=1e-12)
    assert not Q.SpinLattice(ising(4)).terms.keeps_magnetisation


def test_products_of_operators_are_reduced() -> None:
    X, Y, Z = Q.spins(2)
    lattice = Q.SpinLattice(X[0] * Y[0] * Z[0] * 3 * (-I) * Z[1] + X[0] ** 2 + Y[1] ** 3 * Y[0])
    assert lattice.terms.terms == {((1, 2),): 3, (): 1, ((0, 1), (1, 1)): 1}


def test_a_network_of_correlations_finds_the_ground_state_from_above() -> None:
    n = 8
    X, Y, Z = Q.spins(n)
    further = sum(X[i] * X[(i + 2) % n] + Y[i] * Y[(i + 2) % n] + Z[i] * Z[(i + 2) % n] for i in range(n))
    lattice = Q.SpinLattice(chain(n, turned=True) + further / 5)
    exact = lattice.ground_state()
    N = ph.network("N", inputs=n // 2, hidden=(6,))

    def amplitude(s: tuple) -> object:
        return exp(N(*(sum(s[i] * s[(i + r) % n] for i in range(n)) / n for r in range(1, n // 2 + 1))))

    state = lattice.ground_state(ansatz=amplitude, max_steps=60)
    assert -1e-12 < state.energy - exact.energy < 1e-4 * abs(exact.energy)
    assert state.parameters[N].shape == (N.count,)
    # an energy above the lowest by a share e of the gap leaves at most e of other states
    assert abs(state.amplitudes @ exact.amplitudes) > 0.999


def test_what_is_no_hamiltonian_of_spins_is_refused() -> None:
    X, Y, _ = Q.spins(3)
    other, _, _ = Q.spins(4)
    lattice = Q.SpinLattice(ising(3))
    refused = [
        (lambda: Q.spins(0), r"sites = 0; give a whole number from 1 to 24"),
        (lambda: Q.SpinLattice(h), r"holds no spins; write it in X, Y, Z = spins"),
        (lambda: Q.SpinLattice(X[0] + other[0]), r"lattices of 3 and 4 sites"),
        (lambda: Q.SpinLattice(X[0] * Y[0]), r"not Hermitian: sigma_z0 has the coefficient"),
        (lambda: Q.SpinLattice(Y[1]), r"sigma_y1 is imaginary in the basis of sigma_z"),
        (lambda: Q.SpinLattice(exp(X[1])), r"is no product of the operators that spins\(\) makes"),
        (lambda: lattice.ground_state(), r"value missing for h"),
        (lambda: lattice.ground_state({h: 1.0, J: 2.0}), r"J is no parameter of this system; it has h"),
        (lambda: lattice.ground_state({h: 1.0}, magnetisation=1), r"the Hamiltonian does not keep it"),
        (lambda: Q.SpinLattice(chain(4)).ground_state(magnetisation=1), r"magnetisation = 1 is that of no state of 4"),
        (lambda: lattice.ground_state({h: 1.0}, ansatz=lambda s: 1 + s[0]), r"there is nothing to fit"),
    ]
    for call, message in refused:
        with pytest.raises(ph.SymphysError, match=message):
            call()
