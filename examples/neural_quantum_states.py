"""Neural quantum states: the ground states of spin chains as networks of what symmetry leaves unchanged.

Physics.  Two chains with periodic ends.  The Ising chain in a transverse field, H = -sum Z_i Z_{i+1} - h sum X_i, is
critical at h = 1, and free fermions give E = -2 / sin(pi / 2 n) (Pfeuty, Ann. Phys. 57 (1970) 79).  The frustrated
chain has couplings 1 to neighbours and J2 to next ones; with every second spin turned about z (Marshall, Proc. R.
Soc. A 232 (1955) 48) its ground state is nearly free of sign changes.  Amplitudes are networks (Carleo, Troyer,
Science 355 (2017) 602) of correlations of a configuration and of windows of its domain walls.  All states of the
symmetric sector are summed, so that there is no sampling, and steps are those of Gauss and Newton.

Scaling.  Energies in units of the coupling, Pauli matrices.

Run time.  A minute; 14 and 20 spins have 85 and 13 648 symmetric states.

    python examples/neural_quantum_states.py [picture.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sympy import exp

import symphys as ph

SMALL = {"spins": (8, 10), "steps": 30, "errors": (1e-4, 1e-3)}  # what the tests run


def around(values: tuple, distances: range) -> list:
    """Correlations of a ring, divided by its size."""
    n = len(values)
    return [sum(values[i] * values[(i + r) % n] for i in range(n)) / n for r in distances]


def main(
    picture: str = "neural_quantum_states.png",
    spins: tuple = (14, 20),
    steps: int = 60,
    errors: tuple = (1e-5, 1e-5),
) -> None:
    # --- write: the frustrated chain ------------------------------------------------------------------------------
    n, second = spins[0], 0.2
    X, Y, Z = ph.quantum.spins(n)
    hamiltonian = 0
    for distance, coupling in ((1, 1), (2, second)):
        for i in range(n):
            j = (i + distance) % n
            turned = (-1) ** distance  # x and y of every second spin change sign
            hamiltonian += coupling * (turned * (X[i] * X[j] + Y[i] * Y[j]) + Z[i] * Z[j])
    frustrated = ph.quantum.SpinLattice(hamiltonian)
    N = ph.network("N", inputs=n // 2, hidden=(8, 8))

    # --- solve ----------------------------------------------------------------------------------------------------
    exact = frustrated.ground_state()
    state = frustrated.ground_state(ansatz=lambda s: 1 + N(*around(s, range(1, n // 2 + 1))), max_steps=steps)
    share = (state.energy - exact.energy) / abs(exact.energy)
    print(f"{n} frustrated spins, {N.count} weights: E = {state.energy:.8f}, exact {exact.energy:.8f}, {share:.1e}")
    assert -1e-12 < share < errors[0]
    histories = {f"{n} frustrated spins": state.history / exact.energy}

    # --- the critical Ising chain: correlations, and windows of eight neighbouring domain walls -------------------
    n, window = spins[1], 8
    X, _, Z = ph.quantum.spins(n)
    h = ph.parameters("h")
    ising = ph.quantum.SpinLattice(-sum(Z[i] * Z[(i + 1) % n] for i in range(n)) - h * sum(X))
    N = ph.network("N", inputs=n // 2 * 2 - 1, hidden=(6,))
    M = ph.network("M", inputs=window, hidden=(6,))

    def amplitude(s: tuple) -> object:
        walls = [s[i] * s[(i + 1) % n] for i in range(n)]
        pairs = [*around(s, range(1, n // 2 + 1)), *around(walls, range(2, n // 2 + 1))]
        local = sum(M(*(walls[(i + j) % n] for j in range(window))) for i in range(n))
        return exp(N(*pairs) + local)

    state = ising.ground_state({h: 1.0}, ansatz=amplitude, max_steps=steps // 2)
    energy = -2 / np.sin(np.pi / (2 * n))
    share = (state.energy - energy) / abs(energy)
    print(f"{n} critical spins, {N.count + M.count} weights: E = {state.energy:.8f}, exact {energy:.8f}, {share:.1e}")
    assert -1e-12 < share < errors[1]
    histories[f"{n} critical spins"] = state.history / energy

    # --- look -----------------------------------------------------------------------------------------------------
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for name, history in histories.items():
        left.semilogy(np.maximum(1 - history, 1e-13), label=name)
    left.set(xlabel="step", ylabel="error of the energy, relative", title="Descent")
    left.legend()
    distances = range(1, n // 2 + 1)
    reference = ising.ground_state({h: 1.0})
    for each, style in ((reference, "k-"), (state, "C1o")):
        found = [each.probability(lambda s, r=r: np.mean(s * np.roll(s, -r, axis=0), axis=0)) for r in distances]
        right.loglog(distances, found, style, label="exact" if each is reference else "network")
    right.set(xlabel="distance", ylabel=r"$\langle Z_0 Z_r \rangle$", title="Correlations of the critical chain")
    right.legend()
    figure.savefig(picture, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main(*sys.argv[1:2])
