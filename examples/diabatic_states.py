"""Two electronic states that meet: a diabatic matrix from adiabatic energies, and the coupling that these hide.

Physics.  Electronic structure gives adiabatic energies, the eigenvalues of a symmetric 2 x 2 matrix of energies

    W(x) = [[m + d, c], [c, m - d]],    E = m -+ sqrt(d^2 + c^2),

whose elements are smooth where the energies nearly touch.  At an avoided crossing the adiabatic states turn into each
other by the angle atan2(c, d) / 2, and its slope is the non-adiabatic coupling <1|d 2/dx> = -c d' / (2 (d^2 + c^2))
that drives transitions (Baer, Beyond Born-Oppenheimer, Wiley (2006), chapter 1).  Energies alone leave the angle
open.  What is known besides fixes it: the diabatic states cross once, d = (x - x0) s(x) with s positive, and their
interaction c does not depend on x.  With m and s as networks and x0 and c as numbers, the matrix follows from noisy
energies.

Scaling.  Atomic units are left aside: energies up to 1, lengths up to 3.

Run time.  A few seconds.

    python examples/diabatic_states.py [picture.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sympy import Eq, sqrt

import symphys as ph

SMALL = {"samples": 200, "steps": 60}  # what the tests run


def main(picture: str = "diabatic_states.png", samples: int = 400, steps: int = 200) -> None:
    # --- data -----------------------------------------------------------------------------------------------------
    rng = np.random.default_rng(2)
    place, crossing, interaction, noise = np.linspace(-3, 3, samples), 0.3, 0.08, 1e-4

    def truth(at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """m, d and d' of the matrix that the data come from."""
        return at**2 / 20, 0.5 * np.tanh(at - crossing), 0.5 / np.cosh(at - crossing) ** 2

    mean, half, _ = truth(place)
    gap = np.sqrt(half**2 + interaction**2)

    # --- write ----------------------------------------------------------------------------------------------------
    x, lower, upper, x0 = ph.parameters("x E_1 E_2 x0")
    c = ph.parameters("c", positive=True)
    m, s = ph.network("m", 1, hidden=(8,)), ph.network("s", 1, hidden=(8,))
    d = (x - x0) * ph.positive(s(x))
    surfaces = ph.Relation(Eq(lower, m(x) - sqrt(d**2 + c**2)), Eq(upper, m(x) + sqrt(d**2 + c**2)))

    # --- fit ------------------------------------------------------------------------------------------------------
    data = {
        x: place,
        lower: mean - gap + rng.normal(0, noise, samples),
        upper: mean + gap + rng.normal(0, noise, samples),
    }
    fit = surfaces.fit(data, guess={c: 0.2, x0: 0.0}, steps=steps)
    print(fit)
    assert abs(fit.parameters[c] - interaction) < 0.002
    assert abs(fit.parameters[x0] - crossing) < 0.005

    # --- look: the coupling, of which no energy says anything by itself -------------------------------------------
    at = np.linspace(-2, 2, 401)
    coupling = surfaces.evaluate(-c * d.diff(x) / (2 * (d**2 + c**2)), {x: at}, fit.parameters)
    _, half, slope = truth(at)
    exact = -interaction * slope / (2 * (half**2 + interaction**2))
    worst = np.abs(coupling - exact).max() / np.abs(exact).max()
    print(f"largest error of the non-adiabatic coupling {worst:.1e} of its largest value")
    assert worst < 0.05

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.plot(place, data[lower], "k.", place, data[upper], "k.", markersize=2)
    for sign, name in ((1, "$W_{11}$"), (-1, "$W_{22}$")):
        left.plot(at, surfaces.evaluate(m(x) + sign * d, {x: at}, fit.parameters), label=name)
    left.set(xlabel="x", ylabel="energy", title="Adiabatic energies (points), diabatic ones as learnt")
    left.legend()
    right.plot(at, exact, "k", linewidth=0.8, label="exact")
    right.plot(at, coupling, "--", label="learnt")
    right.set(xlabel="x", ylabel=r"$\langle 1 | \partial_x 2 \rangle$", title="Non-adiabatic coupling")
    right.legend()
    figure.savefig(picture, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main(*sys.argv[1:2])
