"""A field theory learnt as a Lagrangian density of neighbouring sites, with nothing known but that motion has inertia.

Physics.  phi^4 on a ring of 32 sites, L = sum_i v_i^2 / 2 - (phi_{i+1} - phi_i)^2 / 2 - (phi_i^2 - 1)^2 / 4.  Of this
only the form is known: a density of the field at a site and its neighbours and of its rate, the same at all sites,
L = sum_i v_i^2 / 2 + N(phi_{i-1}, phi_i, phi_{i+1}, v_i) with N a network.  Varied where the neighbours stand, it gives
the acceleration of site i from sites i-2 to i+2, and a mass matrix with one entry a site, 1 + d2N/dv_i^2.

Data.  Fields and rates at random with the accelerations that they have, |phi| < 1.5, |v| < 1; Levenberg and Marquardt's
method on these.  What is learnt has an energy, which its motions keep, and ten periods 2 pi / 2^(1/2) of the well show
whether it is that of the theory.

Scaling.  Everything in units of the spacing, the mass and the depth of the well; ten periods are 44.4.

Run time.  A minute; the same script with `potential = 0` learns the wave equation in a few seconds.

    python examples/lattice_lagrangian_network.py [picture.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import symphys as ph

SMALL = {"samples": 30, "hidden": 10, "steps": 40, "accuracy": 0.1}  # what the tests run


def main(
    picture: str = "lattice_lagrangian_network.png",
    samples: int = 100,
    hidden: int = 24,
    steps: int = 500,
    accuracy: float = 1e-4,
) -> None:
    # --- write: neighbours are shifts of the field ----------------------------------------------------------------
    t, x = ph.spacetime("t x")
    phi = ph.scalar_field("phi", (t, x))
    v, a = phi.diff(t), phi.diff(t, 2)
    left, right = ph.shift(phi, {x: -1}), ph.shift(phi, {x: 1})
    potential = (phi**2 - 1) ** 2 / 4
    truth = ph.LagrangianDensity(v**2 / 2 - (right - phi) ** 2 / 2 - potential)
    N = ph.network("N", inputs=4, hidden=(hidden,), output_scale=0.1)
    lattice = ph.LagrangianDensity(v**2 / 2 + N(left, phi, right, v))
    ring = ph.Grid({x: (0, 32, 32)})

    # --- data -----------------------------------------------------------------------------------------------------
    rng = np.random.default_rng(0)

    def drawn(count: int) -> dict:
        state = {phi: rng.uniform(-1.5, 1.5, (count, 32)), v: rng.uniform(-1, 1, (count, 32))}
        return state | {a: truth.evaluate(a, state, {}, ring)}

    # --- fit ------------------------------------------------------------------------------------------------------
    fit = lattice.fit(drawn(samples), grid=ring, steps=steps)
    error = fit.relative_error(drawn(100))[a]
    print(f"{fit.status}\naccelerations of unseen states: {error:.1e} relative")
    assert error < accuracy

    # --- run: the fitted density is a density like any other ------------------------------------------------------
    angle = 2 * np.pi / 32 * ring.points[x]
    start = {phi: 1 + 0.3 * np.cos(angle) + 0.1 * np.sin(2 * angle), v: 0.1 * np.sin(angle)}
    plan = {"t_span": (0.0, 44.4), "dt": 0.02, "save_every": 20}
    learnt = lattice.compile(ring).run(start, fit.parameters, **plan)
    known = truth.compile(ring).run(start, {}, **plan)
    energy = truth.evaluate(truth.hamiltonian_density, {phi: learnt[phi], v: learnt[v]}, {}, ring).sum(axis=1)
    print(f"over ten periods its own energy drifts by {learnt.drift['energy']:.1e}, ", end="")
    print(f"that of the theory by {np.ptp(energy) / energy.max():.1e}; the fields part by ", end="")
    print(f"{np.abs(learnt[phi] - known[phi]).max():.1e}")
    assert learnt.drift["energy"] < 1e-5

    # --- look -----------------------------------------------------------------------------------------------------
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    for panel, values, title in zip(
        axes, (known[phi], learnt[phi], learnt[phi] - known[phi]), ("in truth", "as learnt", "difference"), strict=True
    ):
        image = panel.imshow(values, aspect="auto", origin="lower", extent=(0, 32, 0, 44.4))
        panel.set(xlabel="site", ylabel="t", title=title)
        figure.colorbar(image, ax=panel)
    figure.savefig(picture, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main(*sys.argv[1:2])
