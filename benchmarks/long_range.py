"""Row `long_range`: molten salt in a box, charges over all images through a mesh, beside wave by wave and LAMMPS.

512, 4096 and 32768 ions of charge 1 that repel each other exponentially, cutoff 2.9 of distances of 1.1, velocity
Verlet. All are asked for the same error of forces, root mean square: what the cutoff leaves out at an accuracy of 1e-4,
by the estimate of Kolafa and Perram, Molecular Simulation 9 (1992) 351. What symphys reaches is in the notes, against
waves at 1e-12. LAMMPS (`pppm`, `born/coul/long`) needs its Python package and an MPI library. All
cores on both sides.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from sympy import exp

from benchmarks.harness import Case, interleaved, threads
from benchmarks.peer_fluid import lammps_box

NAME = "long range"
SPACING, CUTOFF, ACCURACY, STEP = 1.1, 2.9, 1e-4, 0.01
HEIGHT, SIGMA, RHO, TEMPERATURE = 1.0, 0.7, 0.11, 0.1
KNOWN = 16  # ions along an edge up to which errors are measured: waves at 1e-12 are many
STEPS = {8: (150, 150), 16: (40, 10), 32: (12, 1)}  # by ions along an edge, of a mesh and of waves


def salt(edge: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Places, velocities [ions, 3], charges and the edge of the box."""
    grid = np.stack(np.meshgrid(*[np.arange(edge)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    velocities = np.random.default_rng(0).normal(0, TEMPERATURE**0.5, grid.shape)
    return grid * SPACING, velocities - velocities.mean(axis=0), (-1.0) ** grid.sum(1), edge * SPACING


def ours(edge: int, how: object) -> Callable[[int], object]:
    """A function that takes some steps."""
    import symphys as ph

    ions = ph.particles("r", dim=3, attributes=("charge",))
    melt = ph.Lagrangian(
        ions.sum(lambda a: ions.mass(a) * a.speed_squared / 2)
        - ions.pairs(lambda a, b: ions.charge(a) * ions.charge(b) / a.distance(b))
        - ions.pairs(lambda a, b: HEIGHT * exp((SIGMA - a.distance(b)) / RHO))
    )
    places, velocities, charges, length = salt(edge)
    simulator = melt.compile(box=[length] * 3, cutoff=CUTOFF, smoothing="shift force", long_range=how)

    def run(steps: int) -> object:
        return simulator.run(
            {ions: places, ph.dot(ions): velocities}, {ions.mass: 1.0, ions.charge: charges}, t_span=(0, steps * STEP),
            dt=STEP, save_every=steps, threads=threads(),
        )  # fmt: skip

    return run


def error_of(edge: int, how: object) -> float:
    """Of forces, root mean square, when ions have left their places, against waves at 1e-12."""
    import symphys as ph

    places, _, charges, length = salt(edge)
    places = places + np.random.default_rng(1).uniform(-0.3, 0.3, places.shape)
    ions = ph.particles("r", dim=3, attributes=("charge",))
    bare = ph.Lagrangian(
        ions.sum(lambda a: ions.mass(a) * a.speed_squared / 2)
        - ions.pairs(lambda a, b: ions.charge(a) * ions.charge(b) / a.distance(b))
    )
    found = []
    for each in (how, ph.Ewald(accuracy=1e-12, mesh=False)):
        run = bare.compile(box=[length] * 3, cutoff=CUTOFF, long_range=each).run(
            {ions: places, ph.dot(ions): 0 * places}, {ions.mass: 1.0, ions.charge: charges}, t_span=(0, 1e-6), dt=1e-6
        )
        found.append(run[ph.dot(ions)][-1] / 1e-6)
    return math.sqrt(((found[0] - found[1]) ** 2).sum(1).mean())


def allowed(edge: int) -> float:
    """2 Q accuracy / sqrt(n r V), with Q = n."""
    return 2 * ACCURACY * edge**1.5 / math.sqrt(CUTOFF * (edge * SPACING) ** 3)


def lammps(edge: int) -> Callable[[int], object]:
    """A function that takes some steps; raises as `lammps_box` does."""
    places, velocities, charges, length = salt(edge)
    run, count = lammps_box(places, velocities, length, "charge"), len(places)
    run.numpy.extract_atom("q")[:count] = charges[run.numpy.extract_atom("id")[:count] - 1]
    run.commands_string(
        f"""mass 1 1.0
        pair_style born/coul/long {CUTOFF}
        pair_coeff 1 1 {HEIGHT} {RHO} {SIGMA} 0.0 0.0
        kspace_style pppm {ACCURACY}
        kspace_modify force {allowed(edge)}
        neighbor 0.3 bin
        neigh_modify delay 0 every 2 check yes
        fix 1 all nve
        thermo 100000
        timestep {STEP}
        """
    )
    return lambda steps: run.command(f"run {steps} post no")


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """Steps per second: of the time that thrice as many steps take, less what beginning takes."""
    import symphys as ph

    cases, skipped = [], []
    for edge, (many, few) in STEPS.items():
        runs: dict[str, tuple[int, Callable[[int], object]]] = {}
        try:
            runs["LAMMPS pppm"] = many, lammps(edge)
        except (ImportError, OSError) as error:
            skipped.append(f"LAMMPS: {error}")
        notes: dict[str, object] = {"asked for": allowed(edge)}
        if with_ours:
            mesh, waves = (ph.Ewald(accuracy=ACCURACY, mesh=each) for each in (True, False))
            runs |= {"symphys": (many, ours(edge, mesh)), "waves": (few, ours(edge, waves))}
            if edge <= KNOWN:
                notes |= {"error by mesh": error_of(edge, mesh), "error by waves": error_of(edge, waves)}
        timed = {
            f"{name} {turns * steps}": (lambda take=take, n=turns * steps: take(n))
            for name, (steps, take) in runs.items()
            for turns in (1, 3)
        }
        taken = interleaved(timed, rounds=3)
        rates = {name: 2 * n / (taken[f"{name} {3 * n}"] - taken[f"{name} {n}"]) for name, (n, _) in runs.items()}
        mine = rates.pop("symphys", None)
        if "waves" in rates:
            notes["by waves, steps/s"] = rates.pop("waves")
        cases.append(Case(f"{edge**3} ions, f64", "steps/s", mine, rates, bar=1.0, better="higher", notes=notes))
    return cases, skipped
