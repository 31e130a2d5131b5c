"""A driven oscillator with unknown stiffness and unknown friction, learnt as a port-Hamiltonian system.

Physics.  x' = (J - R) grad H + G u with x = (q, p), H = p^2 / 2 + V(q), R = diag(0, c(p)) and a force u on p, after van
der Schaft, Jeltsema, "Port-Hamiltonian systems theory" (2014). In truth V = q^2 / 2 + q^4 / 10 and c = 0.1 + 0.3 p^2. V
is a network, and c a network that is positive by its form: whatever is learnt, friction only takes energy, and what the
input puts in is accounted for.

Scaling.  Dimensionless; states in |q| < 2, |p| < 2, inputs in |u| < 1, noise 0.02 on the rates.

Run time.  A few seconds: two networks of 25 weights by Levenberg and Marquardt's method.

    python examples/port_hamiltonian.py [picture.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import symphys as ph

SMALL = {"samples": 400, "steps": 40}  # what the tests run


def main(picture: str = "port_hamiltonian.png", samples: int = 2000, steps: int = 100) -> None:
    # --- data -----------------------------------------------------------------------------------------------------
    rng = np.random.default_rng(4)
    place, speed, push = rng.uniform(-2, 2, samples), rng.uniform(-2, 2, samples), rng.uniform(-1, 1, samples)
    pull = -place - 0.4 * place**3 - (0.1 + 0.3 * speed**2) * speed + push + rng.normal(0, 0.02, samples)

    # --- write ----------------------------------------------------------------------------------------------------
    q, p = ph.canonical("q p")
    u = ph.input_signal("u")
    V, c = ph.network("V", inputs=1, hidden=(8,)), ph.network("c", inputs=1, hidden=(8,))
    friction = ph.positive(c(p))
    oscillator = ph.Hamiltonian(p**2 / 2 + V(q), {q: p}, dissipation={p: friction}, inputs={p: u})

    # --- fit ------------------------------------------------------------------------------------------------------
    fit = oscillator.fit({q: place, p: speed, u: push, ph.dot(p): pull}, steps=steps, seed=0)
    print(fit.status)
    assert fit.loss < 2 * 0.02**2

    # --- read back: a potential up to a constant, a friction as it is ---------------------------------------------
    potential = ph.distill(V(q), fit.parameters, (q,), [(-2, 2)], [q, q**2, q**3, q**4], gauge=[1])
    damping = ph.distill(friction, fit.parameters, (p,), [(-2, 2)], [1, p, p**2, p**4])
    print(f"V = {potential}, in truth q^2/2 + q^4/10\nc = {damping}, in truth 0.1 + 0.3 p^2")
    assert abs(potential.coeff(q**2) - 0.5) < 0.05
    assert abs(damping.coeff(p**2) - 0.3) < 0.1

    # --- run, driven ----------------------------------------------------------------------------------------------
    times = np.linspace(0.0, 30.0, 601)
    drive = {u: lambda time: 0.8 * np.cos(1.3 * time)}
    learnt = oscillator.compile().run(
        {q: 1.5, p: 0.0}, {**fit.parameters, **drive}, (0.0, 30.0), rtol=1e-9, t_eval=times
    )
    known = ph.Hamiltonian(p**2 / 2 + q**2 / 2 + q**4 / 10, {q: p}, dissipation={p: 0.1 + 0.3 * p**2}, inputs={p: u})
    truth = known.compile().run({q: 1.5, p: 0.0}, drive, (0.0, 30.0), rtol=1e-9, t_eval=times)
    assert learnt.drift["energy balance"] < 1e-6
    assert (np.diff(learnt.ledger.dissipated) > -1e-9).all()

    # --- look -----------------------------------------------------------------------------------------------------
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.plot(times, truth[q], "k", linewidth=0.8, label="in truth")
    left.plot(times, learnt[q], "--", label="learnt")
    left.set(xlabel="t", ylabel="q", title="Driven motion")
    left.legend()
    right.plot(times, learnt.ledger.dissipated, label="dissipated")
    right.plot(times, learnt.ledger.supplied, label="supplied")
    right.set(xlabel="t", ylabel="energy", title="What friction took and the input gave, as learnt")
    right.legend()
    figure.savefig(picture, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main(*sys.argv[1:2])
