"""A bead on a turning hoop chooses a side: a pitchfork bifurcation, with friction.

Physics.  A bead slides on a hoop of radius R that turns about its vertical diameter at the rate Omega.  Below the
critical rate sqrt(g / R) it comes to rest at the bottom.  Above it the bottom is unstable, and two new places of rest
leave it: cos(theta) = g / (R Omega^2).  Which one it takes is decided by how it starts.

Scaling.  Time in units of sqrt(R / g), so the critical rate is 1; the Rayleigh function c theta'^2 / 2 with c = 0.5
damps within a few units.  At the critical rate the approach is not exponential but slow, theta ~ t^(-1/2): the points
beside the corner of the curve are not yet at rest, and no patience cures it.

Run time.  2000 beads, each with a hoop of its own, for 200 units of time: a few seconds, most of them compilation.

    python examples/bead_on_hoop.py [picture.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sympy import cos, sin

import symphys as ph

SMALL = {"hoops": 50}  # what the tests run


def main(picture: str = "bead_on_hoop.png", hoops: int = 2000, t_end: float = 200.0) -> None:
    # --- write --------------------------------------------------------------------------------------------------
    theta = ph.coordinates("theta")
    m, R, g, c = ph.parameters("m R g c", positive=True)
    Omega = ph.parameters("Omega")
    rate = ph.dot(theta)
    kinetic = m * R**2 * (rate**2 + Omega**2 * sin(theta) ** 2) / 2
    bead = ph.Lagrangian(kinetic + m * g * R * cos(theta), dissipation=c * rate**2 / 2)
    print(bead)

    # --- run: an array as a parameter makes an ensemble ---------------------------------------------------------------
    turning = np.linspace(0.0, 3.0, hoops)
    start = {theta: np.random.default_rng(0).choice([-0.1, 0.1], hoops), rate: 0.0}
    values = {m: 1.0, R: 1.0, g: 1.0, c: 0.5, Omega: turning}
    result = bead.compile().run(start, values, (0.0, t_end), rtol=1e-8, t_eval=[0.0, t_end])
    print(result)

    # --- look -------------------------------------------------------------------------------------------------------
    rest = result[theta][:, -1]
    theory = np.arccos(np.minimum(1.0, 1 / np.maximum(turning, 1e-9) ** 2))
    away = np.abs(turning - 1) > 0.2  # elsewhere it is not yet at rest
    print(f"largest distance from the theory, away from the corner: {np.abs(np.abs(rest) - theory)[away].max():.1e}")
    assert np.abs(np.abs(rest) - theory)[away].max() < 1e-4

    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    axes.plot(turning, np.degrees(rest), ".", markersize=2, label="where the bead rests")
    for sign in (1, -1):
        axes.plot(turning, sign * np.degrees(theory), "k", linewidth=0.7, label="theory" if sign > 0 else None)
    axes.set(xlabel=r"$\Omega\ /\ \sqrt{g/R}$", ylabel=r"$\theta$ / degrees", title="Bead on a turning hoop")
    axes.legend()
    figure.savefig(picture, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main(*sys.argv[1:2])
