"""Row `accuracy_spins`: neural quantum states of the critical Ising chain and of the frustrated chain.

Ising: N = 20, h = 1, periodic; E = -2 / sin(pi / 2 N); published 9.7e-4 relative in 5 s. J1-J2: L = 14, J2 = 0.2,
periodic, Pauli matrices; E = -23.06401448; published -23.0641(45) in 100 s. Five seeds of weights; the median counts,
of the error and of the time of `ground_state` with all that is compiled (a second start finds kernels on disk).
Widths and numbers of steps were chosen by the energies alone, which are upper bounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import exp

import symphys as ph
from benchmarks.harness import Case

NAME = "accuracy_spins"
SEEDS = range(5)
WINDOW = 8


@dataclass(frozen=True)
class Task:
    """A chain with its exact energy, what was published, what is to be reached, and the ansatz."""

    name: str
    lattice: Callable[[], ph.quantum.SpinLattice]
    ansatz: Callable[[tuple], Any]
    steps: int
    exact: float
    published: float
    longest: float


def around(values: tuple, distances: range) -> list:
    """Correlations of a ring, divided by its size."""
    n = len(values)
    return [sum(values[i] * values[(i + r) % n] for i in range(n)) / n for r in distances]


def ising() -> ph.quantum.SpinLattice:
    X, _, Z = ph.quantum.spins(20)
    return ph.quantum.SpinLattice(-sum(Z[i] * Z[(i + 1) % 20] for i in range(20)) - sum(X))


def ising_amplitude(s: tuple) -> Any:
    """Correlations of spins and of domain walls, and windows of neighbouring walls."""
    N, M = ph.network("N", inputs=19, hidden=(6,)), ph.network("M", inputs=WINDOW, hidden=(6,))
    walls = [s[i] * s[(i + 1) % 20] for i in range(20)]
    pairs = [*around(s, range(1, 11)), *around(walls, range(2, 11))]
    return exp(N(*pairs) + sum(M(*(walls[(i + j) % 20] for j in range(WINDOW))) for i in range(20)))


def frustrated() -> ph.quantum.SpinLattice:
    """Every second spin is turned about z."""
    X, Y, Z = ph.quantum.spins(14)
    total = 0
    for distance, coupling in ((1, 1.0), (2, 0.2)):
        for i in range(14):
            j = (i + distance) % 14
            total += coupling * ((-1) ** distance * (X[i] * X[j] + Y[i] * Y[j]) + Z[i] * Z[j])
    return ph.quantum.SpinLattice(total)


def frustrated_amplitude(s: tuple) -> Any:
    return 1 + ph.network("N", inputs=7, hidden=(8, 8))(*around(s, range(1, 8)))


TASKS = (
    Task("Ising, N = 20, h = 1", ising, ising_amplitude, 25, -2 / np.sin(np.pi / 40), 9.7e-4, 20.0),
    Task("J1-J2, L = 14, J2 = 0.2", frustrated, frustrated_amplitude, 40, -23.06401448, 2e-4, 5.0),
)


def solve(task: Task, seed: int) -> tuple[float, float]:
    """Relative error and seconds."""
    begin = time.perf_counter()
    state = task.lattice().ground_state(ansatz=task.ansatz, seed=seed, max_steps=task.steps)
    return abs(state.energy - task.exact) / abs(task.exact), time.perf_counter() - begin


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """Errors and times, the median over the seeds, against what is to be reached."""
    cases = []
    for task in TASKS if with_ours else ():
        errors, times = zip(*(solve(task, seed) for seed in SEEDS), strict=True)
        notes = {"errors": errors, "seconds": times, "published": task.published}
        cases.append(Case(f"{task.name}, error", "relative", float(np.median(errors)), limit=1e-5, notes=notes))
        cases.append(Case(f"{task.name}, time", "s", float(np.median(times)), limit=task.longest))
    return cases, []
