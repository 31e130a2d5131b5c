"""Row `accuracy_lattice`: the wave equation and phi^4 on a ring of 32 sites learnt as a density of neighbouring sites.

L = sum_i v_i^2 / 2 + N(phi_{i-1}, phi_i, phi_{i+1}, v_i): known is that motion has inertia, and nothing else; N is a
tanh network. In truth L = sum_i v_i^2 / 2 - (phi_{i+1} - phi_i)^2 / 2 - U(phi_i) with U = 0 and (phi^2 - 1)^2 / 4.
Fields uniform in [-1.5, 1.5], rates in [-1, 1], accelerations without noise. Errors: of accelerations of 100 other
states, relative; of energy over ten periods (2 pi / (2 sin(pi / 32)) of the longest wave, 2 pi / 2^(1/2) of the well),
its own, and that of the theory along the learnt motion, relative to the largest. The mass matrix has one entry a site.
Five seeds of data and weights; the median counts. None published.
"""

from __future__ import annotations

import time

import numpy as np

import symphys as ph
from benchmarks.harness import Case

NAME = "accuracy_lattice"
SEEDS = range(5)
SITES = 32
LIMITS = {"acceleration": 1e-4, "energy": 1e-5, "energy of the theory": 1e-5, "seconds": 120.0}
PLANS = {"wave": (60, 12, 400, 320.0), "phi^4": (120, 48, 600, 44.4)}  # states, neurons, steps, ten periods

t, x = ph.spacetime("t x")
phi = ph.scalar_field("phi", (t, x))
v, a = phi.diff(t), phi.diff(t, 2)
LEFT, RIGHT = ph.shift(phi, {x: -1}), ph.shift(phi, {x: 1})
CHAIN = v**2 / 2 - (RIGHT - phi) ** 2 / 2
TRUE = {"wave": ph.LagrangianDensity(CHAIN), "phi^4": ph.LagrangianDensity(CHAIN - (phi**2 - 1) ** 2 / 4)}
RING = ph.Grid({x: (0, SITES, SITES)})
ANGLE = 2 * np.pi / SITES * RING.points[x]
STARTS = {
    "wave": {phi: np.cos(ANGLE) + 0.3 * np.sin(3 * ANGLE), v: 0.1 * np.sin(ANGLE)},
    "phi^4": {phi: 1 + 0.3 * np.cos(ANGLE) + 0.1 * np.sin(2 * ANGLE), v: 0.1 * np.sin(ANGLE)},
}


def states(theory: ph.LagrangianDensity, rng: np.random.Generator, count: int) -> dict:
    """Random states and their accelerations."""
    state = {phi: rng.uniform(-1.5, 1.5, (count, SITES)), v: rng.uniform(-1, 1, (count, SITES))}
    return state | {a: theory.evaluate(a, state, {}, RING)}


def solve(name: str, seed: int) -> dict[str, float]:
    """Errors and time of one seed."""
    count, hidden, steps, end = PLANS[name]
    theory, rng = TRUE[name], np.random.default_rng(seed)
    train, test = states(theory, rng, count), states(theory, rng, 100)
    network = ph.network("N", inputs=4, hidden=(hidden,), output_scale=0.1)
    lattice = ph.LagrangianDensity(v**2 / 2 + network(LEFT, phi, RIGHT, v))
    begin = time.perf_counter()
    fit = lattice.fit(train, grid=RING, steps=steps, seed=seed)
    errors = {"seconds": time.perf_counter() - begin, "loss": fit.loss, "acceleration": fit.relative_error(test)[a]}
    run = lattice.compile(RING).run(STARTS[name], fit.parameters, (0.0, end), dt=0.02, save_every=20)
    errors["energy"] = float(run.drift["energy"])
    energy = theory.evaluate(theory.hamiltonian_density, {phi: run[phi], v: run[v]}, {}, RING).sum(axis=1)
    errors["energy of the theory"] = float(np.ptp(energy) / energy.max())
    return errors


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """A case for each figure: the median over the seeds, against what is to be reached."""
    if not with_ours:
        return [], []
    cases = []
    units = {"acceleration": "relative error", "seconds": "s"}
    for name in PLANS:
        found = [solve(name, seed) for seed in SEEDS]
        notes = {key: [each[key] for each in found] for key in found[0]}
        cases += [
            Case(
                f"{name}, {what}", units.get(what, "relative"), float(np.median(notes[what])), limit=limit, notes=notes
            )
            for what, limit in LIMITS.items()
        ]
    return cases, []
