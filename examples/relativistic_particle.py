"""A Lagrangian of a fast particle learnt from accelerations, and its momentum read back as a formula.

Physics.  A particle of unit mass under a constant force g, after Cranmer et al., "Lagrangian neural networks" (2020): L
= (1 - v^2)^(-1/2) + g q, so that v' = g (1 - v^2)^(5/2) / (1 + 2 v^2), and no force takes it beyond v = 1. Of this only
the form is known: a kinetic energy that is v^2 / 2 times a positive factor which depends on speed, and a potential of
place and force, L = v^2 / 2 exp K(artanh v) + U(q, g), with K and U networks. Accelerations leave the scale of L open
and a constant in the momentum p = dL/dv; `distill` sets both, and reads p = v (1 - v^2)^(-3/2).

Scaling.  The speed limit is 1. Accelerations fall by ten orders of magnitude towards it: squared errors are weighted by
1 / (0.001 + |a|), so that slow and fast particles count alike.

Run time.  Ten seconds: seven starts are tried, as first weights without inertia lead nowhere.

    python examples/relativistic_particle.py [picture.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sympy import atanh, exp

import symphys as ph

SMALL = {"samples": 800, "steps": 120, "tries": 4}  # what the tests run


def main(picture: str = "relativistic_particle.png", samples: int = 5000, steps: int = 300, tries: int = 7) -> None:
    # --- data -----------------------------------------------------------------------------------------------------
    rng = np.random.default_rng(3)
    place, speed, force = (
        rng.uniform(-10, 10, samples),
        0.99999 * np.tanh(2 * rng.normal(size=samples)),
        10 * rng.normal(size=samples),
    )
    measured = force * (1 - speed**2) ** 2.5 / (1 + 2 * speed**2)

    # --- write ----------------------------------------------------------------------------------------------------
    q = ph.coordinates("q")
    v, a = ph.dot(q), ph.ddot(q)
    g = ph.parameters("g")
    K = ph.network("K", inputs=1, hidden=(8,), even=(0,))
    U = ph.network("U", inputs=2, hidden=(8,), input_scale=10, output_scale=100)
    kinetic = v**2 / 2 * exp(K(atanh(v)))
    particle = ph.Lagrangian(kinetic + U(q, g))

    # --- fit ------------------------------------------------------------------------------------------------------
    data, weights = {q: place, v: speed, a: measured}, {a: 1 / (1e-3 + np.abs(measured))}
    fit = particle.fit(data, parameters={g: force}, weights=weights, steps=steps, tries=tries, seed=0)
    print(fit.status)
    error = fit.relative_error(data, {g: force})[a]
    print(f"relative error of the accelerations: {error:.1e}")
    assert error < 1e-3

    # --- read back: the constant is open, and the scale is set by slow motion, p = v ------------------------------
    basis = [v, v**3, v / (1 - v**2) ** 0.5, v / (1 - v**2) ** 1.5]
    options = {"gauge": [1], "normalise": {basis[-1]: 1}}
    momentum = ph.distill(kinetic.diff(v), fit.parameters, (v,), [(-0.9, 0.9)], basis, report=True, **options)
    print(f"p = {momentum}")
    assert set(momentum.terms) == {basis[-1]}

    # --- run: the learnt particle never reaches 1 -----------------------------------------------------------------
    times = np.linspace(0.0, 4.0, 201)
    start = {q: -5.0, v: [0.0, -0.5, 0.5]}
    learnt = particle.compile().run(start, {**fit.parameters, g: 1.5}, (0.0, 4.0), rtol=1e-9, t_eval=times)
    known = ph.Lagrangian((1 - v**2) ** -0.5 + g * q)
    truth = known.compile().run(start, {g: 1.5}, (0.0, 4.0), rtol=1e-9, t_eval=times)

    # --- look -----------------------------------------------------------------------------------------------------
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    at = np.linspace(-0.9, 0.9, 181)
    found = particle.evaluate(kinetic.diff(v), {q: 0.0, v: at}, {**fit.parameters, g: 0.0}) / momentum.scale
    left.plot(at, at / (1 - at**2) ** 1.5, "k", linewidth=0.8, label="in truth")
    left.plot(at, found - found[90], "--", label="learnt")
    left.set(xlabel="v", ylabel="p", title="The momentum, of which nothing was measured")
    left.legend()
    right.plot(times, truth[v].T, "k", linewidth=0.8)
    right.plot(times, learnt[v].T, "--")
    right.set(xlabel="t", ylabel="v", title="Speeds: in truth, and as learnt (dashed)")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main(*sys.argv[1:2])
