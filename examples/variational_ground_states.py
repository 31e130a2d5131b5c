"""Ground states in two and three dimensions by a network in place of the wave function, real and complex.

Physics.  The energy of any wave function is an upper bound of that of the ground state.  Here the wave function is a
network, and its weights are varied (Carleo, Troyer, Science 355 (2017) 602, for spins; Lagaris, Likas, Fotiadis,
Comput. Phys. Commun. 104 (1997) 1, for coordinates).  Oscillators with the coupling x^2 y^2 / 2 between all pairs
have no closed form; the reference is the same theory on a grid.  A particle in an anisotropic trap that rotates has a
complex ground state: its phase is proportional to x y, its energy half the sum of the two frequencies of the
classical motion,

    f^4 - (a^2 + b^2 + 2 O^2) f^2 + (a^2 - O^2) (b^2 - O^2) = 0

for the trap frequencies a, b and the rotation O (Valatin, Proc. R. Soc. A 238 (1956) 132).

Scaling.  hbar = m = 1; lengths and energies of an oscillator of frequency 1.

Run time.  Half a minute in two dimensions, some minutes in three; the tests run two dimensions, small.

    python examples/variational_ground_states.py [picture.png]
"""

import sys
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
from sympy import I, Rational, conjugate, exp

import symphys as ph

SMALL = {"dimensions": (2,), "width": 6, "steps": 20, "points": (32,), "error": 0.05}  # what the tests run


def particle(coordinates: tuple, potential: object, rotation: object = 0) -> tuple:
    """psi and its Lagrangian density, in a frame that rotates about the z axis."""
    t, *space = coordinates
    psi = ph.complex_field("psi", coordinates)
    bar = conjugate(psi)
    rate = I / 2 * (bar * psi.diff(t) - psi * bar.diff(t))
    kinetic = sum(conjugate(d) * d for d in ph.gradient(psi)) / 2
    turning = 0
    if rotation:
        x, y = space[:2]
        momentum = -I * bar * (x * psi.diff(y) - y * psi.diff(x))
        turning = rotation * (momentum + conjugate(momentum)) / 2
    return psi, ph.LagrangianDensity(rate - kinetic - potential * bar * psi + turning)


def main(
    picture: str = "variational_ground_states.png",
    dimensions: tuple = (2, 3),
    width: int = 8,
    steps: int = 80,
    points: tuple = (64, 24),
    error: float = 5e-4,
) -> None:
    # --- coupled oscillators, real --------------------------------------------------------------------------------
    for dimension in dimensions:
        coordinates = ph.spacetime("t x y z")[: dimension + 1]
        space = coordinates[1:]
        coupling = sum(a**2 * b**2 for a, b in combinations(space, 2)) / 2
        psi, theory = particle(coordinates, sum(x**2 for x in space) / 2 + coupling)
        N = ph.network("N", inputs=dimension, hidden=(width, width))
        box = dict.fromkeys(space, (-4.0, 4.0))
        envelope = exp(-sum(x**2 for x in space) / 2)  # the ground state without coupling
        state = theory.ground_state(
            ansatz={psi: envelope * N(*space)}, domain=box, points=points[dimension - 2], max_steps=steps
        )
        grid = ph.Grid({x: (*interval, 32) for x, interval in box.items()}, boundary="dirichlet")
        reference = theory.ground_state(grid, tolerance=1e-6)
        above = state.energy - reference.energy
        print(f"{dimension} coupled oscillators: E = {state.energy:.7f}, above the grid by {above:.1e}")
        assert abs(above) < error

    # --- a rotating trap: complex, a network with two outputs -----------------------------------------------------
    t, x, y = ph.spacetime("t x y")
    a, b, rotation = 1, 2, Rational(1, 2)
    psi, theory = particle((t, x, y), (a**2 * x**2 + b**2 * y**2) / 2, rotation)
    N = ph.network("N", inputs=2, outputs=2, hidden=(width, width))
    state = theory.ground_state(
        ansatz={psi: N(x, y)[0] + I * N(x, y)[1]}, domain={x: (-5, 5), y: (-4, 4)}, points=points[0], max_steps=steps
    )
    middle = float(a**2 + b**2 + 2 * rotation**2) / 2
    product = float((a**2 - rotation**2) * (b**2 - rotation**2))
    squares = middle + np.array([1, -1]) * np.sqrt(middle**2 - product)
    above = state.energy - np.sqrt(squares).sum() / 2
    print(f"rotating trap: E = {state.energy:.7f}, above the exact one by {above:.1e}")
    assert 0 < above < error

    # --- look -----------------------------------------------------------------------------------------------------
    X, Y = np.meshgrid(np.linspace(-3, 3, 121), np.linspace(-2.5, 2.5, 101), indexing="ij")
    found = state.wavefunction({x: X, y: Y})
    found *= np.exp(-1j * np.angle(found[60, 50]))
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.pcolormesh(X, Y, np.abs(found) ** 2, cmap="Blues", shading="nearest", rasterized=True)
    left.set(xlabel="x", ylabel="y", title=r"$|\psi|^2$ in the rotating trap")
    phase = np.where(np.abs(found) > 0.01, np.angle(found), np.nan)
    image = right.pcolormesh(X, Y, phase, cmap="twilight", shading="nearest", rasterized=True)
    figure.colorbar(image, ax=right)
    right.set(xlabel="x", ylabel="y", title="Its phase, proportional to x y")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main(*sys.argv[1:2])
