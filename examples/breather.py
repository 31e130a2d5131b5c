"""Breathers of the sine-Gordon field: a kink and an antikink, bound, that swing for ever.

Physics.  phi_tt - phi_xx + sin phi = 0 is solved by phi = 4 arctan(s cos(w t) / (w cosh(s x))), s = (1 - w^2)^(1/2),
for every frequency w below 1, which no wave has: a lump that swings and does not radiate.  Its amplitude is
4 arctan(s / w) and its energy 16 s, less than the 16 of a kink and an antikink at rest (Ablowitz, Kaup, Newell and
Segur, Phys. Rev. Lett. 30 (1973) 1262; Rajaraman, Solitons and Instantons, section 2.5).

Scaling.  Mass and speed of waves are 1.  A breather is as wide as 1 / s: w ends at 0.9, so that the box holds it.

Run time.  Eight breathers for 200 pi units of time, 20 to 90 periods each: ten seconds.

    python examples/breather.py [picture.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sympy import cos

import symphys as ph

SMALL = {"breathers": 2, "t_end": 100.0}  # what the tests run


def main(picture: str = "breather.png", breathers: int = 8, t_end: float = 628.0) -> None:
    # --- write --------------------------------------------------------------------------------------------------
    t, x = ph.spacetime("t x")
    phi = ph.scalar_field("phi", (t, x))
    rate = phi.diff(t)
    theory = ph.LagrangianDensity(rate**2 / 2 - phi.diff(x) ** 2 / 2 - (1 - cos(phi)))
    print(theory)

    # --- run: an array with an axis in front of the grid's makes an ensemble ------------------------------------------
    grid = ph.Grid({x: (-40.0, 40.0, 321)}, boundary="neumann")
    w = np.linspace(0.2, 0.9, breathers)
    start = breather(0.0, grid.points[x], w[:, None])
    run = theory.compile(grid, order=8).run({phi: start, rate: 0.0}, {}, (0.0, t_end), dt=0.1, save_every=5, keep=phi)
    print(run)

    # --- look: how often the middle swings, how far, and with which energy --------------------------------------------
    middle, amplitude = run[phi][:, :, 160], 4 * np.arctan(np.sqrt(1 - w**2) / w)
    frequency = np.array([2 * np.pi / period(run.t, each) for each in middle])
    energy = run.totals["energy"][:, -1]
    exact = breather(run.t[:, None], grid.points[x], w[:, None, None])
    print(f"relative errors: frequency {np.abs(frequency / w - 1).max():.1e}", end=", ")
    print(f"energy {np.abs(energy / (16 * np.sqrt(1 - w**2)) - 1).max():.1e}", end=", ")
    print(f"field, to the end, {np.abs(run[phi] - exact).max():.1e}")
    assert np.abs(frequency / w - 1).max() < 5e-4  # the crossings are found by straight lines
    assert np.abs(np.abs(middle).max(axis=1) / amplitude - 1).max() < 0.01  # saved each 0.5, which misses the very top
    assert np.abs(energy / (16 * np.sqrt(1 - w**2)) - 1).max() < 1e-6
    assert np.abs(run[phi] - exact).max() < 2e-3
    assert run.drift["energy"].max() < 1e-7

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    last = run.t > t_end - 60
    mesh = left.pcolormesh(run.t[last], grid.points[x][100:221], run[phi][0, last, 100:221].T, cmap="RdBu_r")
    left.set(xlabel="$t$", ylabel="$x$", title=rf"$\phi$, $\omega$ = {w[0]:g}, the last of {t_end:g}")
    figure.colorbar(mesh)
    many = np.linspace(0.15, 0.95, 200)
    right.plot(many, 16 * np.sqrt(1 - many**2), "k", linewidth=0.7, label=r"$16 \sqrt{1 - \omega^2}$")
    right.plot(frequency, energy, "o", label="energy")
    right.plot(many, 4 * np.arctan(np.sqrt(1 - many**2) / many), "k--", linewidth=0.7, label="4 arctan")
    right.plot(frequency, np.abs(middle).max(axis=1), "s", label="amplitude")
    right.set(xlabel=r"$\omega$, measured", title="Breathers")
    right.legend()
    figure.savefig(picture, dpi=150)
    plt.close(figure)


def breather(t: np.ndarray | float, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The exact solution, at rest at t = 0."""
    s = np.sqrt(1 - w**2)
    return 4 * np.arctan(s * np.cos(w * t) / (w * np.cosh(s * x)))


def period(t: np.ndarray, values: np.ndarray) -> float:
    """The mean time between upward crossings of zero, by straight lines between the saved times."""
    up = np.flatnonzero((values[:-1] < 0) & (values[1:] >= 0))
    times = t[up] - values[up] * (t[up + 1] - t[up]) / (values[up + 1] - values[up])
    return float((times[-1] - times[0]) / (len(times) - 1))


if __name__ == "__main__":
    main(*sys.argv[1:2])
