"""Light in glass: a pulse that shrinks and recovers, and beams that collapse.

Physics.  In a Kerr medium light raises the refractive index where it is strong.  Its envelope obeys
i psi_z + (psi_xx + psi_yy) / 2 + |psi|^2 psi = 0: distance plays the part of time, and x is the time within a pulse
(with anomalous dispersion) or a place across a beam.  A pulse 2 sech x is two solitons at one place: they beat, and the
pulse is itself again each pi / 2, four times as bright in between (Satsuma and Yajima, Prog. Theor. Phys. Suppl. 55
(1974) 284).  A beam has two directions to shrink in.  Its width obeys <r^2>'' = 4 H, whatever its shape (Vlasov,
Petrishchev and Talanov, Radiophys. Quantum Electron. 14 (1971) 1062).  Above the power of the Townes profile, 5.850,
nothing stops its focus (Chiao, Garmire and Townes, Phys. Rev. Lett. 13 (1964) 479), unless the medium saturates: the
term s |psi|^4 psi holds it up.

Scaling.  Width of the pulse or beam, the distance over which it spreads, and the Kerr coefficient are 1.

Run time.  A pulse over two periods, and three beams on 192 x 192 points for 400 steps: fifteen seconds.

    python examples/kerr_pulse.py [picture.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sympy import I, conjugate

import symphys as ph

SMALL = {"points": 96, "steps": 100}  # what the tests run
TOWNES = 5.850


def main(picture: str = "kerr_pulse.png", points: int = 192, steps: int = 400) -> None:
    z, x, y = ph.spacetime("z x y")
    s = ph.parameters("s", nonnegative=True)

    # --- a pulse: write, run, compare -----------------------------------------------------------------------------
    pulse = ph.complex_field("pulse", (z, x))
    fibre = medium(pulse, z, (x,), 0)
    print(fibre)
    grid = ph.Grid({x: (-20.0, 20.0, 512)})
    bright = {pulse: 2 / np.cosh(grid.points[x])}
    beat = fibre.compile(grid, "blanes_moan4").run(bright, {}, (0.0, np.pi), dt=np.pi / 1600, save_every=16)
    print(beat)
    error = np.abs(beat[pulse] - two_solitons(beat.t[:, None], grid.points[x])).max()
    print(f"largest distance from two solitons {error:.1e}")
    assert error < 1e-5

    # --- beams below and above the threshold, and above it in a medium that saturates ---------------------------------
    beam = ph.complex_field("beam", (z, x, y))
    glass = medium(beam, z, (x, y), s)
    square = ph.Grid({x: (-8.0, 8.0, points), y: (-8.0, 8.0, points)})
    r2 = square.mesh[0] ** 2 + square.mesh[1] ** 2
    powers, saturations = np.array([0.5, 1.3, 1.3]), np.array([0.0, 0.0, 0.1])
    start = {beam: np.sqrt(powers * TOWNES / np.pi)[:, None, None] * np.exp(-r2 / 2)}
    run = glass.compile(square).run(start, {s: saturations}, (0.0, 1.0), dt=1 / steps, save_every=steps // 50)
    print(run)
    intensity = np.abs(run[beam]) ** 2
    width = (intensity * r2 * square.weights).sum(axis=(2, 3))
    brightest = intensity.max(axis=(2, 3)) / intensity[:, :1].max(axis=(2, 3))
    told = width[:2, :1] + 2 * run.totals["energy"][:2, :1] * run.t**2  # without saturation
    print(f"brightest at the end {np.round(brightest[:, -1], 2)}", end=", ")
    print(f"distance of the widths from their law {np.abs(width[:2] / told - 1).max():.1e}")
    assert np.abs(width[:2] / told - 1).max() < 1e-3
    assert brightest[0, -1] < 1
    assert brightest[1, -1] > 4
    assert brightest[2].max() < 1.5

    # --- look ---------------------------------------------------------------------------------------------------
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    near = np.abs(grid.points[x]) < 3
    mesh = left.pcolormesh(beat.t, grid.points[x][near], np.abs(beat[pulse][:, near].T) ** 2, cmap="magma")
    left.set(xlabel="$z$", ylabel="$x$", title=r"$|\psi|^2$ of a pulse of two solitons")
    figure.colorbar(mesh)
    for i, (power, saturation) in enumerate(zip(powers, saturations, strict=True)):
        (line,) = right.plot(run.t, brightest[i], label=rf"P = {power:g} $P_c$, s = {saturation:g}: brightest point")
        right.plot(run.t, width[i] / width[i, 0], "--", color=line.get_color(), label=r"$\langle r^2 \rangle$")
    right.set(xlabel="$z$", ylabel="relative to the start", yscale="log", title="Beams")
    right.legend(fontsize="small")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


def medium(psi, z, across, s):
    """L = i (psi* psi_z - c.c.) / 2 - |grad psi|^2 / 2 + |psi|^4 / 2 - s |psi|^6 / 3."""
    bar = conjugate(psi)
    slopes = sum(bar.diff(each) * psi.diff(each) for each in across)
    kerr = (bar * psi) ** 2 / 2 - s * (bar * psi) ** 3 / 3
    return ph.LagrangianDensity(I / 2 * (bar * psi.diff(z) - psi * bar.diff(z)) - slopes / 2 + kerr)


def two_solitons(z, x):
    """The solution that starts as 2 sech x."""
    above = np.cosh(3 * x) + 3 * np.exp(4j * z) * np.cosh(x)
    return 4 * np.exp(0.5j * z) * above / (np.cosh(4 * x) + 4 * np.cosh(2 * x) + 3 * np.cos(4 * z))


if __name__ == "__main__":
    main(*sys.argv[1:2])
