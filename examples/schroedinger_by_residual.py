"""A wave packet without time steps: a network that satisfies Schroedinger's equation, and a sum of plane waves.

Physics.  A free Gaussian packet moves and spreads, |psi|^2 = exp(-(x - k t)^2 / (1 + t^2)) / sqrt(pi (1 + t^2)).
Here it is no initial value problem that is stepped through: psi(t, x) as a whole is an ansatz with unknowns, and what
is made least is what is left of the equation, the start and the ends at all points together (Lagaris, Likas,
Fotiadis, IEEE Trans. Neural Netw. 9 (1998) 987; Raissi, Perdikaris, Karniadakis, J. Comput. Phys. 378 (2019) 686).
Of a network whose first layer is drawn and kept (Fourier features) only the last is learnt, and the equation is
linear: its weights follow at once by least squares.  With hidden layers it is solved by Gauss-Newton steps.  A sum of
plane waves, each with the frequency k^2 / 2, satisfies the equation by construction, and the start alone fixes the
amplitudes.

Scaling.  hbar = m = 1; the packet has width 1 and momentum 2; t in [0, 1/2], x in [-5, 6].

Run time.  The plane waves a second, the network a quarter of a minute.

    python examples/schroedinger_by_residual.py [picture.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sympy import I, Rational, conjugate, exp, pi

import symphys as ph

SMALL = {"waves": 80, "points": 32, "error": 0.02}  # what the tests run


def main(
    picture: str = "schroedinger_by_residual.png", waves: int = 250, points: int = 48, error: float = 1e-5
) -> None:
    # --- write ----------------------------------------------------------------------------------------------------
    t, x = ph.spacetime("t x")
    psi = ph.complex_field("psi", (t, x))
    bar = conjugate(psi)
    theory = ph.LagrangianDensity(I / 2 * (bar * psi.diff(t) - psi * bar.diff(t)) - bar.diff(x) * psi.diff(x) / 2)
    momentum, start = 2, pi ** Rational(-1, 4) * exp(-(x**2) / 2 + 2 * I * x)
    domain = {t: (0.0, 0.5), x: (-5.0, 6.0)}
    times, places = np.meshgrid(np.linspace(0, 0.5, 41), np.linspace(-5, 6, 221), indexing="ij")
    spread = 1 + 1j * times
    exact = np.exp(-((places - momentum * times) ** 2) / (2 * spread) + 1j * momentum * (places - momentum * times / 2))
    exact /= np.pi**0.25 * np.sqrt(spread)

    def distance(found: np.ndarray) -> float:
        return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))

    # --- a sum of plane waves: periodic over a length that is large beside the packet -----------------------------
    k = momentum + 2 * np.pi / 20 * np.arange(-26, 27)
    ansatz = ph.plane_waves("c", (t, x), np.column_stack([-(k**2) / 2, k]))
    summed = theory.solve({psi: ansatz}, {t: domain[t], x: (-9.5, 9.5)}, {psi.subs(t, 0): start})
    by_waves = distance(summed.evaluate(psi, {t: times, x: places}))
    print(f"plane waves, {summed.method}: {by_waves:.1e}")
    assert by_waves < 1e-10

    # --- a network with two outputs, times the phase of the momentum; hidden=(20, 20) would be learnt as a whole ----
    N = ph.network("N", 2, outputs=2, hidden=(), features=waves, input_shift=[0.25, 0.5], input_scale=[0.25, 3.0])
    carried = (N(t, x)[0] + I * N(t, x)[1]) * exp(I * momentum * (x - momentum * t / 2))
    conditions = {psi.subs(t, 0): start, psi.subs(x, -5): 0, psi.subs(x, 6): 0}
    solution = theory.solve({psi: carried}, domain, conditions, points=points)
    found = solution.evaluate(psi, {t: times, x: places})
    print(f"network, {solution.method}, {N.count} weights: {distance(found):.1e}")
    for name, left in solution.residuals.items():
        print(f"  {name}: {left:.1e}")
    assert distance(found) < error

    # --- look -----------------------------------------------------------------------------------------------------
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for row in (0, 20, 40):
        left.plot(places[row], np.abs(exact[row]) ** 2, "k", linewidth=0.8)
        left.plot(places[row, ::4], np.abs(found[row, ::4]) ** 2, ".", label=f"t = {times[row, 0]:g}")
    left.set(xlabel="x", ylabel=r"$|\psi|^2$", title="The packet: exact (lines), network (points)")
    left.legend()
    image = right.pcolormesh(times, places, np.log10(np.abs(found - exact)), shading="nearest", rasterized=True)
    figure.colorbar(image, ax=right)
    right.set(xlabel="t", ylabel="x", title="Error of the network, its logarithm")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main(*sys.argv[1:2])
