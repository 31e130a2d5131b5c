"""Row `fluid`: 4096 Lennard-Jones atoms that have melted, cutoff 2.5, velocity Verlet with step 0.005.

Density 0.8442, started at temperature 1.44, 200 steps to melt, then the steps that are timed. Every contestant makes
its lists of neighbours anew when atoms have strayed by half of its skin. All cores on both sides. LAMMPS needs its
Python package and an MPI library; OpenMM is not measured.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.harness import Case, interleaved, threads
from benchmarks.peer_fluid import lammps_steps, numba_steps

NAME = "fluid"
SIDE, DENSITY, TEMPERATURE, STEP, MELT, STEPS = 16, 0.8442, 1.44, 0.005, 200, 200


def crystal() -> tuple[np.ndarray, np.ndarray, float]:
    """Places, velocities [atoms, 3] and the edge of the box."""
    edge = SIDE / DENSITY ** (1 / 3)
    places = np.stack(np.meshgrid(*[np.arange(SIDE)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) * edge / SIDE
    velocities = np.random.default_rng(0).normal(0, TEMPERATURE**0.5, places.shape)
    return places, velocities - velocities.mean(axis=0), edge


def ours(dtype: str) -> Callable[[int], object]:
    """A function that takes some steps from where the last ones ended."""
    import symphys as ph

    atoms = ph.particles("r", dim=3)
    epsilon, sigma = ph.parameters("epsilon sigma", positive=True)
    fluid = ph.Lagrangian(
        atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2)
        - atoms.pairs(lambda a, b: 4 * epsilon * ((sigma / a.distance(b)) ** 12 - (sigma / a.distance(b)) ** 6))
    )
    places, velocities, edge = crystal()
    simulator = fluid.compile(method="verlet", box=[edge] * 3, cutoff=2.5, dtype=dtype)
    state = {atoms: places, ph.dot(atoms): velocities}

    def run(steps: int) -> object:
        result = simulator.run(
            state, {atoms.mass: 1.0, epsilon: 1.0, sigma: 1.0}, t_span=(0, steps * STEP), dt=STEP, save_every=steps,
            threads=threads(),
        )  # fmt: skip
        state.update({atoms: result[atoms][-1], ph.dot(atoms): result[ph.dot(atoms)][-1]})
        return result

    return run


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """Steps per second on all cores."""
    places, velocities, edge = crystal()
    contestants: dict[str, Callable[[int], object]] = {"Numba": numba_steps(places, velocities, edge, STEP)}
    skipped = ["OpenMM is not measured"]
    try:
        contestants["LAMMPS"] = lammps_steps(places, velocities, edge, STEP)
    except (ImportError, OSError) as error:
        skipped.append(f"LAMMPS: {error}")
    if with_ours:
        contestants |= {"symphys": ours("float64"), "symphys f32": ours("float32")}
    for advance in contestants.values():
        advance(MELT)
    timed = {name: (lambda advance=advance: advance(STEPS)) for name, advance in contestants.items()}
    rates = {name: STEPS / value for name, value in interleaved(timed).items()}
    single, double = rates.pop("symphys f32", None), rates.pop("symphys", None)
    size = SIDE**3
    return [
        Case(f"{size} atoms, f64", "steps/s", double, rates, bar=1.0, better="higher"),
        Case(f"{size} atoms, f32 against f64 peers", "steps/s", single, rates, bar=1.3, better="higher"),
    ], skipped
