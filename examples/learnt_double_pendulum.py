"""A double pendulum of which nothing is known but that motion has inertia: its Lagrangian is a network.

Physics.  Two unit masses on unit rods, g = 9.8, after Cranmer et al., "Lagrangian neural networks" (2020). The
Lagrangian is v^2 / 2 + N(q, v) with one network of angles and rates; the Euler-Lagrange equations, with its second
derivatives and the solution of M a = F, are derived, and the network is learnt from accelerations at random states.
What is learnt has an energy of its own, and keeps the true one nearly, of which it was never told.

Scaling.  Angles in radians, rates in [-10, 10] rad/s, accelerations up to 120 rad/s^2.

Run time.  Half a minute: 793 weights by Levenberg and Marquardt's method.

    python examples/learnt_double_pendulum.py [picture.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sympy import cos

import symphys as ph

SMALL = {"samples": 600, "steps": 90, "hidden": (14, 14), "allowed": 3.0}  # what the tests run


def main(
    picture: str = "learnt_double_pendulum.png",
    samples: int = 3000,
    steps: int = 150,
    hidden: tuple[int, ...] = (24, 24),
    allowed: float = 0.1,
) -> None:
    # --- data -----------------------------------------------------------------------------------------------------
    a, b = ph.coordinates("theta1 theta2")
    u, w = ph.dot(a), ph.dot(b)
    truth = ph.Lagrangian(u**2 + w**2 / 2 + u * w * cos(a - b) + 9.8 * (2 * cos(a) + cos(b)))
    rng = np.random.default_rng(0)

    def measured(count: int) -> dict:
        states = {s: rng.uniform(0, 2 * np.pi, count) for s in (a, b)} | {
            s: rng.uniform(-10, 10, count) for s in (u, w)
        }
        accelerations = [ph.ddot(a), ph.ddot(b)]
        return states | dict(zip(accelerations, truth.evaluate(accelerations, states), strict=True))

    data, others = measured(samples), measured(2000)

    # --- write ----------------------------------------------------------------------------------------------------
    turn = {0: 2 * np.pi, 1: 2 * np.pi}
    N = ph.network("N", inputs=4, hidden=hidden, periodic=turn, input_scale=[1, 1, 5, 5], output_scale=20)
    pendulum = ph.Lagrangian((u**2 + w**2) / 2 + N(a, b, u, w))

    # --- fit ------------------------------------------------------------------------------------------------------
    weights = {s: 1 / (1 + np.abs(data[s]) / 5) for s in (ph.ddot(a), ph.ddot(b))}
    fit = pendulum.fit(data, weights=weights, steps=steps, seed=0)
    print(fit.status)
    found = pendulum.evaluate([ph.ddot(a), ph.ddot(b)], {s: others[s] for s in (a, b, u, w)}, fit.parameters)
    error = np.mean(np.abs(found - [others[ph.ddot(a)], others[ph.ddot(b)]]))
    print(f"mean absolute error of accelerations elsewhere: {error:.4f} (published: 0.069)")
    assert error < allowed

    # --- run ------------------------------------------------------------------------------------------------------
    start, times = {a: 1.2, b: 0.4, u: 0.0, w: 0.0}, np.linspace(0.0, 10.0, 501)
    learnt = pendulum.compile().run(start, fit.parameters, (0.0, 10.0), rtol=1e-9, t_eval=times)
    true = truth.compile().run(start, {}, (0.0, 10.0), rtol=1e-9, t_eval=times)
    assert learnt.drift["energy"] < 1e-5  # its own
    energy = truth.evaluate(truth.conserved[0].expression, {s: learnt[s] for s in (a, b, u, w)}) / 29.4

    # --- look -----------------------------------------------------------------------------------------------------
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for angle, name in ((a, "upper"), (b, "lower")):
        left.plot(times, true[angle], "k", linewidth=0.8)
        left.plot(times, learnt[angle], "--", label=name)
    left.set(xlabel="t / s", ylabel="angle / rad", title="Motion: in truth, and as learnt (dashed)")
    left.legend()
    right.plot(times, energy - energy[0])
    right.set(xlabel="t / s", ylabel="change / largest potential", title="The true energy along the learnt motion")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main(*sys.argv[1:2])
