"""A potential that nobody wrote down, and a friction coefficient, from noisy accelerations: a network in a Lagrangian.

Physics.  A particle with friction in a double well, V = x^4 / 4 - x^2 / 2.  Of this only Newton's law is known:
L = v^2 / 2 - V(x) with V a network, and a Rayleigh function c v^2 / 2 with c unknown.  The network's form says that
forces have a potential, so that what is learnt has an energy, which friction alone consumes.

Scaling.  Unit mass, lengths and times of the well; states in |x| < 1.6, |v| < 1, accelerations with noise 0.05.

Run time.  A few seconds: sixteen neurons and one coefficient by Levenberg and Marquardt's method.

    python examples/unknown_potential.py [picture.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import symphys as ph

SMALL = {"samples": 300, "steps": 30}  # what the tests run


def main(picture: str = "unknown_potential.png", samples: int = 2000, steps: int = 100) -> None:
    # --- data -----------------------------------------------------------------------------------------------------
    rng = np.random.default_rng(5)
    place, speed = rng.uniform(-1.6, 1.6, samples), rng.uniform(-1, 1, samples)
    pull = place - place**3 - 0.1 * speed + rng.normal(0, 0.05, samples)

    # --- write ----------------------------------------------------------------------------------------------------
    x = ph.coordinates("x")
    v, a = ph.dot(x), ph.ddot(x)
    c = ph.parameters("c", positive=True)
    V = ph.network("V", inputs=1, hidden=(16,), activation="tanh")
    particle = ph.Lagrangian(v**2 / 2 - V(x), dissipation=c * v**2 / 2)

    # --- fit ------------------------------------------------------------------------------------------------------
    fit = particle.fit({x: place, v: speed, a: pull}, steps=steps, seed=0)
    print(fit.status)
    print(f"c = {fit.parameters[c]:.4f} +- {fit.uncertainties[c]:.4f}, in truth 0.1")
    assert abs(fit.parameters[c] - 0.1) < 4 * fit.uncertainties[c]

    # --- run: the fitted system is a system like any other --------------------------------------------------------
    start, times = {x: [1.5, -1.5, 0.05], v: 0.0}, np.linspace(0.0, 40.0, 801)
    learnt = particle.compile().run(start, fit.parameters, (0.0, 40.0), rtol=1e-8, t_eval=times)
    well = ph.Lagrangian(v**2 / 2 - x**4 / 4 + x**2 / 2, dissipation=c * v**2 / 2)
    truth = well.compile().run(start, {c: 0.1}, (0.0, 40.0), rtol=1e-8, t_eval=times)

    # --- look -----------------------------------------------------------------------------------------------------
    at = np.linspace(-1.6, 1.6, 200)
    found = V.evaluate(fit.parameters[V], at)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.plot(at, at**4 / 4 - at**2 / 2, "k", linewidth=0.8, label="in truth")
    left.plot(at, found - found[100], label="learnt")
    left.set(xlabel="x", ylabel="V", title="The potential, of which only slopes were seen")
    left.legend()
    right.plot(times, truth[x].T, "k", linewidth=0.8)
    right.plot(times, learnt[x].T, "--")
    right.set(xlabel="t", ylabel="x", title="Motions: in truth, and as learnt (dashed)")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main(*sys.argv[1:2])
