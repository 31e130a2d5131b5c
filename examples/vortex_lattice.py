"""A rotating condensate: vortices in a lattice.

Physics.  In a frame that rotates at Omega the energy of a condensate has one term more, -Omega L_z, and vortices of one
quantum each make it least.  On average they rotate as a solid body does (Feynman): Omega / pi of them a unit of area,
in a triangular lattice with sides (2 pi / (3^(1/2) Omega))^(1/2) (Abrikosov).  In a trap this holds in the middle.
Towards the edge of the Thomas-Fermi profile, at R^2 = 2 (g / (pi (1 - Omega^2)))^(1/2), they are fewer, so that the
Omega R^2 of Feynman's rule is more than there are (Fetter, Rev. Mod. Phys. 81 (2009) 647; Madison, Chevy, Wohlleben and
Dalibard, Phys. Rev. Lett. 84 (2000) 806).

Scaling.  hbar = m = 1 and the frequency of the trap is 1; one particle, so that g is the interaction of all of them.

Run time.  Two descents on 96 x 96 points, of some thousand steps for the lattice: half a minute.

    python examples/vortex_lattice.py [picture.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sympy import I, conjugate

import symphys as ph

SMALL = {"interaction": 100.0, "points": 40, "half": 6.5}  # what the tests run
RATE = 0.8


def main(picture: str = "vortex_lattice.png", interaction: float = 500.0, points: int = 96, half: float = 10.0) -> None:
    # --- write: the energy in the rotating frame, L_z made real by its conjugate --------------------------------------
    t, x, y = ph.spacetime("t x y")
    psi = ph.complex_field("psi", (t, x, y))
    g, Omega = ph.parameters("g Omega", nonnegative=True)
    bar = conjugate(psi)
    turned = x * psi.diff(y) - y * psi.diff(x)
    spin = -I / 2 * (bar * turned - psi * conjugate(turned))
    slopes = bar.diff(x) * psi.diff(x) + bar.diff(y) * psi.diff(y)
    condensate = ph.LagrangianDensity(
        I / 2 * (bar * psi.diff(t) - psi * bar.diff(t))
        - slopes / 2
        - (x**2 + y**2) / 2 * bar * psi
        - g / 2 * (bar * psi) ** 2
        + Omega * spin
    )
    print(condensate)

    # --- run: the state without vortices, which is the one at rest; and, from noise, the one with them ----------------
    grid = ph.Grid({x: (-half, half, points), y: (-half, half, points)})
    values = {g: interaction, Omega: RATE}
    calm = condensate.ground_state(grid, {**values, Omega: 0.0}, tolerance=1e-6)
    rng = np.random.default_rng(1)
    noise = rng.normal(size=grid.shape) + 1j * rng.normal(size=grid.shape)
    hump = np.exp(-4 * sum(each**2 for each in grid.mesh) / half**2)
    state = condensate.ground_state(grid, values, initial={psi: hump * noise}, tolerance=1e-6)
    print(state)
    print(f"energy without vortices {calm.energy:.4f}, with them {state.energy:.4f}")
    assert state.ok
    assert state.energy < calm.energy - 0.1  # that at rest has no angular momentum, so one energy in all frames

    # --- look: a vortex is where the phase winds ----------------------------------------------------------------------
    edge2 = 2 * np.sqrt(interaction / (np.pi * (1 - RATE**2)))
    found, winding = vortices(state[psi], *grid.mesh)
    r2_found = (found**2).sum(axis=1)
    found, winding = found[r2_found < 0.75 * edge2], winding[r2_found < 0.75 * edge2]  # beyond is no fluid to speak of
    halfway, feynman = (r2_found < edge2 / 2).sum(), RATE * edge2 / 2
    apart = np.sort(np.linalg.norm(found[:, None] - found, axis=2), axis=1)[:, 1:3].mean()
    side = np.sqrt(2 * np.pi / (np.sqrt(3) * RATE))
    print(f"{len(found)} vortices, {halfway} of them in the inner half, there Feynman's rule says {feynman:.1f}")
    print(f"neighbours are {apart:.2f} apart, in Abrikosov's lattice {side:.2f}")
    assert (winding == 1).all()
    assert abs(halfway - feynman) < 0.15 * feynman
    assert halfway <= len(found) < 2 * feynman
    assert abs(apart - side) < 0.1 * side

    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    for panel, values, colours, title in (
        (axes[0], np.abs(state[psi]) ** 2, "magma", rf"$|\psi|^2$, {len(found)} vortices"),
        (axes[1], np.angle(state[psi]), "twilight", r"phase of $\psi$"),
    ):
        mesh = panel.pcolormesh(*grid.mesh, values, cmap=colours, shading="gouraud" if panel is axes[0] else "nearest")
        figure.colorbar(mesh)
        panel.add_patch(plt.Circle((0, 0), np.sqrt(edge2), fill=False, color="w", linestyle=":"))
        panel.set(xlabel="$x$", ylabel="$y$", title=title, aspect="equal")
    axes[1].plot(*found.T, "w+", markersize=4)
    figure.savefig(picture, dpi=150)
    plt.close(figure)


def vortices(psi: np.ndarray, X: np.ndarray, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Middles [n, 2] of the squares of the grid about which the phase winds, and how often [n]."""
    corners = np.stack([psi[:-1, :-1], psi[1:, :-1], psi[1:, 1:], psi[:-1, 1:]])
    steps = np.angle(np.roll(corners, -1, axis=0) / corners)
    winding = np.rint(steps.sum(axis=0) / (2 * np.pi)).astype(int)
    i, j = np.nonzero(winding)
    middles = np.stack([(X[i, j] + X[i + 1, j]) / 2, (Y[i, j] + Y[i, j + 1]) / 2], axis=1)
    return middles, winding[i, j]


if __name__ == "__main__":
    main(*sys.argv[1:2])
