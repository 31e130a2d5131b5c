"""Row `agents`: 128 waters as agents, 18 invariants an atom, quadratic losses, Nose-Hoover chains, 1000 steps.

Each of the 384 atoms descends a quadratic form in 18 sums of weights over its surroundings, nine for each species: six
exponentials and three Gaussians, with ranges as in "Molecular Learning Dynamics" (Gusev, Vanchurin). Places are those
of a jittered lattice at the density of water, coefficients small random numbers: the work does not depend on them. The
bar is a time: 2 s, a tenth of the published 20 s.
"""

from __future__ import annotations

import numpy as np
from sympy import exp

from benchmarks.harness import Case, interleaved, threads

NAME = "agents"
EDGE, STEPS = 15.6404, 1000


def simulation():
    """A run of some steps."""
    import symphys as ph

    atoms = ph.particles("r", dim=3, species=("O", "H"))
    weights = [lambda s, a=a: exp(-s / a) for a in (0.5, 1, 2, 3, 4, 6)]
    weights += [lambda s, w=w: exp(-(s**2) / (2 * w**2)) for w in (1, 2, 4)]
    losses, values, rng = {}, {}, np.random.default_rng(0)
    for kind in ("O", "H"):
        seen = [atoms.environment(kind, of=other, weight=w) for other in ("O", "H") for w in weights]
        A = ph.parameter_array(f"A_{kind}", len(seen))
        B = ph.parameter_array(f"B_{kind}", (len(seen), len(seen)), symmetric=True)
        losses[kind] = sum(A[i] * a for i, a in enumerate(seen))
        losses[kind] += sum(B[i, j] * a * b / 2 for i, a in enumerate(seen) for j, b in enumerate(seen))
        square = rng.normal(0, 1e-5, (len(seen), len(seen)))
        values |= {A: rng.normal(0, 1e-4, len(seen)), B: square + square.T}
    masses, species = {"O": 15.9994, "H": 1.00794}, ["O", "H", "H"] * 128
    kT, fs = 300 * ph.units.kB, ph.units.fs
    simulator = ph.LearningDynamics(atoms, losses).compile(
        method="verlet", thermostat=ph.NoseHoover(temperature=kT, relaxation=50 * fs), box=[EDGE] * 3
    )
    lattice = np.stack(np.meshgrid(*[np.arange(8)] * 3, indexing="ij"), -1).reshape(-1, 3)[:384] * EDGE / 8
    start = {
        atoms: lattice + rng.uniform(-0.3, 0.3, lattice.shape),
        ph.dot(atoms): ph.maxwell_boltzmann(kT, masses, species, seed=0),
    }

    def run(steps: int):
        return simulator.run(
            start, {**values, atoms.mass: masses}, species=species, t_span=(0, 0.5 * fs * steps), dt=0.5 * fs,
            save_every=steps, threads=threads(),
        )  # fmt: skip

    return run


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """Seconds for all steps on all cores."""
    if not with_ours:
        return [], ["the published figure is the only peer"]
    advance = simulation()
    seconds = interleaved({"symphys": lambda: advance(STEPS)}, rounds=3)["symphys"]
    return [Case("384 atoms, 18 weights, 1000 steps", "s", seconds, limit=2.0)], []
