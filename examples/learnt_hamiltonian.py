"""A Hamiltonian and a plain vector field learnt from the same noisy data: structure is what keeps energy.

Physics.  A pendulum, H = 3 (1 - cos q) + p^2, after Greydanus et al., "Hamiltonian neural networks" (2019): states with
noise 0.1, rates without. Once H is a network and moves along Hamilton's equations; once the two rates are networks, and
nothing says that they belong together. The errors of their rates are alike. But the first has an energy by its form,
and the second drifts.

Scaling.  Dimensionless. 25 runs of three units of time, amplitudes of 1.3 to 2.3.

Run time.  A few seconds: 49 and 62 weights by Levenberg and Marquardt's method.

    python examples/learnt_hamiltonian.py [picture.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sympy import cos

import symphys as ph

SMALL = {"runs": 10, "steps": 30, "length": 30.0}  # what the tests run


def main(picture: str = "learnt_hamiltonian.png", runs: int = 25, steps: int = 60, length: float = 200.0) -> None:
    # --- data -----------------------------------------------------------------------------------------------------
    q, p = ph.canonical("q p")
    truth = ph.Hamiltonian(3 * (1 - cos(q)) + p**2, {q: p})
    rng = np.random.default_rng(1)
    radius, angle = rng.uniform(1.3, 2.3, runs), rng.uniform(0, 2 * np.pi, runs)
    start, times = {q: radius * np.cos(angle), p: radius * np.sin(angle)}, np.linspace(0, 3, 45)
    motion = truth.compile().run(start, {}, (0.0, 3.0), rtol=1e-9, t_eval=times)
    rates = truth.evaluate([ph.dot(q), ph.dot(p)], {q: motion[q], p: motion[p]})
    noisy = {s: (motion[s] + rng.normal(0, 0.1, motion[s].shape)).reshape(-1) for s in (q, p)}
    data = noisy | {ph.dot(q): rates[0].reshape(-1), ph.dot(p): rates[1].reshape(-1)}

    # --- write ----------------------------------------------------------------------------------------------------
    H = ph.network("H", inputs=2, hidden=(12,))
    f = ph.network("f", inputs=2, outputs=2, hidden=(12,))
    systems = {
        "Hamiltonian network": ph.Hamiltonian(H(q, p), {q: p}),
        "plain vector field": ph.VectorField({q: f(q, p)[0], p: f(q, p)[1]}),
    }

    # --- fit, run: the same calls for both ------------------------------------------------------------------------
    begin, later = {q: 2.0, p: 0.0}, np.linspace(0.0, length, 1201)
    found = {}
    for name, system in systems.items():
        fit = system.fit(data, steps=steps, seed=0, regularisation=0.01 / len(data[q]))
        run = system.compile().run(begin, fit.parameters, (0.0, length), rtol=1e-9, t_eval=later)
        energy = 3 * (1 - np.cos(run[q])) + run[p] ** 2
        found[name] = run, energy
        print(f"{name}: loss {fit.loss:.4f}, true energy drifts by {energy[-1] / energy[0] - 1:+.1%}")

    # --- check: one keeps its own energy, and the true one better than the other does -----------------------------
    learnt, energy = found["Hamiltonian network"]
    assert learnt.drift["energy"] < 1e-6
    assert np.ptp(energy) < np.ptp(found["plain vector field"][1])

    # --- look -----------------------------------------------------------------------------------------------------
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
    left.plot(data[q], data[p], "k.", markersize=1)
    for name, (run, energy) in found.items():
        left.plot(run[q], run[p], linewidth=0.8, label=name)
        right.plot(later, energy, label=name)
    left.set(xlabel="q", ylabel="p", aspect="equal", title="Data, and one motion of each")
    right.set(xlabel="t", ylabel="H", title="The true energy")
    right.legend()
    figure.savefig(picture, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main(*sys.argv[1:2])
