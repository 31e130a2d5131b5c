"""A map learnt as its generating function: symplectic whatever the network says.

Physics.  The flow of a Hamiltonian over a fixed time maps (q, p) to (Q, P) and is symplectic, M^T J M = J for its
Jacobian M.  A network for Q and P is not; one for a generating function F(q, P) is, by p = dF/dq and Q = dF/dP
(Goldstein, Classical Mechanics, section 9.1; for learnt maps, Chen, Tao, ICML (2021), arXiv:2103.05632).  The map is
implicit, and each step solves its equations by Newton's method to rounding.  Data are states of a pendulum a unit of
time apart, at angles and momenta up to 1.5; the time step of the map is far beyond what an integrator would take.

Scaling.  Length, mass and gravity are 1.

Run time.  A quarter of a minute.

    python examples/generating_function.py [picture.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sympy import Eq, cos

import symphys as ph

SMALL = {"samples": 400, "width": 8, "fitted": 40, "iterations": 100, "error": 0.05}  # what the tests run


def main(
    picture: str = "generating_function.png",
    samples: int = 2000,
    width: int = 16,
    fitted: int = 200,
    iterations: int = 1000,
    error: float = 1e-3,
) -> None:
    # --- data: pairs of states a unit of time apart ---------------------------------------------------------------
    angle, momentum = ph.canonical("theta p_theta")
    pendulum = ph.Hamiltonian(momentum**2 / 2 - cos(angle), {angle: momentum})
    rng = np.random.default_rng(7)
    before = {angle: rng.uniform(-1.5, 1.5, samples), momentum: rng.uniform(-1.5, 1.5, samples)}
    after = pendulum.compile().run(before, {}, (0.0, 1.0), rtol=1e-12, t_eval=[1.0])

    # --- write: old and new variables as derivatives of one function ----------------------------------------------
    q, p, Q, P = ph.parameters("q p Q P")
    F = ph.network("F", inputs=2, hidden=(width, width))
    step = ph.Relation(Eq(p, P + F(q, P).diff(q)), Eq(Q, q + F(q, P).diff(P)))
    print(step)

    # --- fit ------------------------------------------------------------------------------------------------------
    data = {q: before[angle], p: before[momentum], Q: after[angle][:, 0], P: after[momentum][:, 0]}
    fit = step.fit(data, steps=fitted)
    print(f"{fit.method}, relative errors {fit.relative_error(data)}")

    # --- run: the learnt map, again and again ---------------------------------------------------------------------
    here = {q: np.linspace(0.2, 1.2, 6), p: np.zeros(6)}
    orbit = [here]
    for _ in range(iterations):
        found = step.solve([Q, P], here, fit.parameters, guess={Q: here[q], P: here[p]})
        here = {q: found[Q], p: found[P]}
        orbit.append(here)
    places, momenta = (np.array([each[s] for each in orbit]) for s in (q, p))

    # --- check: symplectic to rounding, energy without drift ------------------------------------------------------
    ends = {q: places[:-1], p: momenta[:-1], Q: places[1:], P: momenta[1:]}
    M = step.jacobian([Q, P], [q, p], ends, fit.parameters)
    J = np.array([[0.0, 1.0], [-1.0, 0.0]])
    defect = np.abs(np.swapaxes(M, -1, -2) @ J @ M - J).max()
    energy = momenta**2 / 2 - np.cos(places)
    swing = np.abs(energy - energy[0]).max()
    print(f"largest |M^T J M - J| {defect:.1e}, largest change of the energy {swing:.1e} over {iterations} steps")
    assert defect < 1e-13
    assert swing < error

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.plot(places, momenta, ".", markersize=1)
    left.set(xlabel="q", ylabel="p", title=f"{iterations} steps of the learnt map from six starts")
    right.plot(energy - energy[0])
    right.set(xlabel="step", ylabel="$H - H_0$", title="The energy of the pendulum along them")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main(*sys.argv[1:2])
