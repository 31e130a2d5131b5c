"""Neighbours part: when a double pendulum becomes chaotic.

Physics.  Two equal masses on two equal rods are let go at rest, with both rods at the same angle.  Released low, they
swing in two normal modes; released high, two pendulums that start a billionth apart soon have nothing in common.  The
separation of neighbours grows as exp(lambda t), lambda being the largest Lyapunov exponent, until it is as large as the
motion itself.  The picture shows its logarithm over time and angle of release: calm at the bottom, chaos from about
80 degrees on, with islands of order.

Scaling.  m l^2 (g / l) is the unit of energy and sqrt(l / g) that of time, so one picture serves all pendulums; here
m = l = g = 1.  A step must not blur what starts 1e-9 apart: rtol = 1e-12.

Run time.  4000 pendulums for 60 units of time: a few seconds, of which one compiles.

    python examples/double_pendulum_chaos.py [picture.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sympy import cos

import symphys as ph

SMALL = {"releases": 40, "t_end": 40.0}  # what the tests run


def main(picture: str = "double_pendulum_chaos.png", releases: int = 2000, t_end: float = 60.0) -> None:
    # --- write --------------------------------------------------------------------------------------------------
    theta1, theta2 = ph.coordinates("theta1 theta2")
    m, l, g = ph.parameters("m l g", positive=True)
    w1, w2 = ph.dot(theta1), ph.dot(theta2)
    kinetic = m * l**2 * (2 * w1**2 + w2**2 + 2 * w1 * w2 * cos(theta1 - theta2)) / 2
    potential = -m * g * l * (2 * cos(theta1) + cos(theta2))
    pendulum = ph.Lagrangian(kinetic - potential)
    print(pendulum)

    # --- run: [2, releases] pendulums, each with a neighbour ------------------------------------------------------
    gap = 1e-9
    angle = np.linspace(0.02, np.pi - 0.02, releases)
    start = {theta1: angle + np.array([[0.0], [gap]]), theta2: angle, w1: 0.0, w2: 0.0}
    times = np.linspace(0.0, t_end, 301)
    result = pendulum.compile().run(start, {m: 1.0, l: 1.0, g: 1.0}, (0.0, t_end), rtol=1e-12, t_eval=times)
    print(result)

    # --- look: how far apart the neighbours are ---------------------------------------------------------------------
    state = np.stack([result[each] for each in (theta1, theta2, w1, w2)])  # [4, 2, releases, time]
    apart = np.sqrt(((state[:, 1] - state[:, 0]) ** 2).sum(axis=0))
    calm, wild = (np.median(apart[chosen, -1]) / gap for chosen in (angle < 0.5, angle > 2.0))
    print(f"neighbours end {calm:.1e} times as far apart as they began below 0.5 rad, {wild:.1e} times above 2 rad")
    assert calm < 1e3  # linearly in time at most
    assert wild > 100 * calm

    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    mesh = axes.pcolormesh(
        times, np.degrees(angle), np.log10(np.maximum(apart, gap / 10)), cmap="magma", rasterized=True
    )
    axes.set(xlabel=r"$t\ /\ \sqrt{l/g}$", ylabel="angle of release / degrees", title="Double pendulum")
    figure.colorbar(mesh, label="log10 of the separation of neighbours")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main(*sys.argv[1:2])
