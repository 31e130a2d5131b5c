"""Row `accuracy_lagrangian`: the double pendulum of Cranmer et al. (2020) learnt as a Lagrangian, from accelerations.

m = l = 1, g = 9.8, angles in [0, 2 pi], rates in [-10, 10], 3000 samples without noise. Known: kinetic energy is
quadratic in the rates, L = v^T M(q) v / 2 - V(q), with M (by its Cholesky factor) and V networks of the angles' cosines
and sines. Error: mean absolute difference of accelerations on 10 000 other samples. Energy: mean absolute change of
the true energy at t = 100 along motions of the learnt system from 40 starts at rest, by the largest potential energy,
29.4. Five seeds of data and weights; the median counts.
"""

from __future__ import annotations

import time

import numpy as np
from sympy import cos, pi

import symphys as ph
from benchmarks.harness import Case

NAME = "accuracy_lagrangian"
SEEDS = range(5)
SAMPLES, STEPS, HIDDEN = 3000, 300, (16, 16)
PUBLISHED = {"acceleration": 0.069, "energy": 4.3e-3}
LIMITS = {"acceleration": 0.02, "energy": 1e-4, "seconds": 150.0}

a, b = ph.coordinates("theta1 theta2")
u, w = ph.dot(a), ph.dot(b)
TRUE = ph.Lagrangian(u**2 + w**2 / 2 + u * w * cos(a - b) + 9.8 * (2 * cos(a) + cos(b)))
ACCELERATIONS = [ph.ddot(a), ph.ddot(b)]


def samples(rng: np.random.Generator, count: int) -> dict:
    """States and their true accelerations."""
    state = {a: rng.uniform(0, 2 * np.pi, count), b: rng.uniform(0, 2 * np.pi, count)}
    state |= {u: rng.uniform(-10, 10, count), w: rng.uniform(-10, 10, count)}
    return state | dict(zip(ACCELERATIONS, TRUE.evaluate(ACCELERATIONS, state), strict=True))


def learnt_system() -> ph.Lagrangian:
    """L = v^T M v / 2 - V with networks of angles."""
    turns = {0: 2 * float(pi), 1: 2 * float(pi)}
    mass = ph.network("M", inputs=2, outputs=3, hidden=HIDDEN, periodic=turns)
    potential = ph.network("V", inputs=2, hidden=HIDDEN, periodic=turns)
    matrix = ph.positive_matrix(mass(a, b), floor=0.05)
    kinetic = (matrix[0, 0] * u**2 + 2 * matrix[0, 1] * u * w + matrix[1, 1] * w**2) / 2
    return ph.Lagrangian(kinetic - potential(a, b))


def solve(seed: int, steps: int = STEPS) -> dict[str, float]:
    """Errors and time of one seed."""
    rng = np.random.default_rng(seed)
    train, test = samples(rng, SAMPLES), samples(rng, 10_000)
    system = learnt_system()
    begin = time.perf_counter()
    fit = system.fit(train, steps=steps, seed=seed)
    errors = {"seconds": time.perf_counter() - begin, "loss": fit.loss}
    state = {s: test[s] for s in (a, b, u, w)}
    found = system.evaluate(ACCELERATIONS, state, fit.parameters)
    errors["acceleration"] = float(np.mean(np.abs(found - np.array([test[s] for s in ACCELERATIONS]))))
    start = {a: rng.uniform(0, 2 * np.pi, 40), b: rng.uniform(0, 2 * np.pi, 40), u: 0.0, w: 0.0}
    run = system.compile().run(start, fit.parameters, (0.0, 100.0), rtol=1e-9, t_eval=[0.0, 100.0])
    energy = TRUE.evaluate(TRUE.conserved[0].expression, {s: run[s] for s in (a, b, u, w)})
    errors["energy"] = float(np.mean(np.abs(energy[:, 1] - energy[:, 0])) / 29.4)
    return errors


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """A case for each figure: the median over the seeds, against what is to be reached."""
    if not with_ours:
        return [], []
    found = [solve(seed) for seed in SEEDS]
    notes = {key: [each[key] for each in found] for key in found[0]} | {"published": PUBLISHED}
    units = {"acceleration": "L1 error", "energy": "relative change", "seconds": "s"}
    return [
        Case(f"double pendulum, {name}", units[name], float(np.median(notes[name])), limit=limit, notes=notes)
        for name, limit in LIMITS.items()
    ], []
