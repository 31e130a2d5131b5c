"""A charged wave packet in a magnetic field: it circles and does not spread.

Physics.  A packet exp(-r^2 / (4 l^2)) with l^2 = hbar / (q B) that is given a velocity v is a coherent state of the
cyclotron motion: it goes round at w = q B / m on a circle of radius v / w and keeps its shape (Landau and Lifshitz,
Quantum Mechanics, section 112; Johnson and Lippmann, Phys. Rev. 76 (1949) 828).  An electric field makes the circle
drift across both fields at E / B.  By Ehrenfest's theorem the middle of any packet moves as a classical particle where
the Hamiltonian is quadratic.  What is observed does not depend on the gauge: A = B (-y, x) / 2 and A = B (-y, 0) give
one motion, from starts that differ by the phase -x y B / 2.

Scaling.  hbar = m = q = B = 1: the magnetic length is 1 and a period 2 pi.

Run time.  Two packets in two gauges, 108 x 108 points, 1200 steps of Runge and Kutta's method: half a minute.

    python examples/magnetic_packet.py [picture.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sympy import I, conjugate

import symphys as ph

SMALL = {"points": 64, "steps": 480}  # what the tests run


def main(picture: str = "magnetic_packet.png", points: int = 108, steps: int = 1200) -> None:
    # --- write: a free particle in an electric field along x, coupled to A --------------------------------------------
    t, x, y = ph.spacetime("t x y")
    psi = ph.complex_field("psi", (t, x, y))
    B, E = ph.parameters("B E", real=True)
    bar = conjugate(psi)
    carried = I / 2 * (bar * psi.diff(t) - psi * bar.diff(t))
    slopes = bar.diff(x) * psi.diff(x) + bar.diff(y) * psi.diff(y)
    free = ph.LagrangianDensity(carried - slopes / 2 + E * x * bar * psi)
    potentials = {"symmetric": (-B * y / 2, B * x / 2), "Landau": (-B * y, 0)}
    charged = {gauge: free.minimal_coupling((0, *a), charge=1) for gauge, a in potentials.items()}
    print(charged["symmetric"])

    # --- run: from (0, 2) with velocity (2, 0), without and with an electric field ------------------------------------
    grid = ph.Grid({x: (-8.5, 8.5, points), y: (-9.5, 8.5, points)}, boundary="dirichlet")
    X, Y = grid.mesh
    packet = np.exp(-(X**2 + (Y - 2) ** 2) / 4) / np.sqrt(2 * np.pi)
    starts = {"symmetric": packet * np.exp(1j * (2 - 1) * X)}  # velocity and A_x, which is -1 there
    starts["Landau"] = starts["symmetric"] * np.exp(-0.5j * X * Y)
    runs, fields = {}, np.array([0.0, 0.3])
    for gauge, theory in charged.items():
        simulator = theory.compile(grid, order=8)
        runs[gauge] = simulator.run(
            {psi: starts[gauge]}, {B: 1.0, E: fields}, (0, 2 * np.pi), dt=2 * np.pi / steps, save_every=steps // 40
        )
        print(runs[gauge])
        assert runs[gauge].drift["charge"].max() < 1e-4

    # --- look: middle and width of the packet -------------------------------------------------------------------------
    density, other = (np.abs(runs[gauge][psi]) ** 2 for gauge in ("symmetric", "Landau"))
    weighted, times = density * grid.weights, runs["symmetric"].t
    middle = np.stack([(weighted * each).sum(axis=(2, 3)) for each in (X, Y)])
    width = np.stack([(weighted * each**2).sum(axis=(2, 3)) for each in (X, Y)]) - middle**2
    orbit = np.stack(
        [
            2 * np.sin(times) + fields[:, None] * (1 - np.cos(times)),
            2 * np.cos(times) - fields[:, None] * (times - np.sin(times)),
        ]
    )  # x'' = E + y', y'' = -x'
    print(f"distance of the middle from the classical orbit {np.abs(middle - orbit).max():.1e}", end=", ")
    print(f"change of the widths {np.abs(width - 1).max():.1e}", end=", ")
    print(f"difference between the gauges {np.abs(density - other).max() / density.max():.1e}")
    assert np.abs(middle - orbit).max() < 1e-3
    assert np.abs(width - 1).max() < 1e-3
    assert np.abs(density - other).max() < 0.01 * density.max()

    figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
    for i, panel in enumerate(axes):
        shown = sum(density[i, row] for row in (0, 10, 20, 30, 40))
        panel.pcolormesh(X, Y, shown, cmap="Blues", shading="nearest", rasterized=True)
        panel.plot(*orbit[:, i], "k", linewidth=0.7, label="classical orbit")
        panel.plot(*middle[:, i, ::2], "C1.", label="middle of the packet")
        panel.set(xlabel="$x$", ylabel="$y$", aspect="equal", title=f"E = {fields[i]:g}, at quarters of a period")
        panel.legend(loc="lower left")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main(*sys.argv[1:2])
