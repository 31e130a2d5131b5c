"""Row `accuracy_lagrangian`: the double pendulum of Cranmer et al. (2020) learnt as a Lagrangian, from accelerations.

m = l = 1, g = 9.8, angles in [0, 2 pi], rates in [-10, 10], 3000 samples without noise. Twice: with kinetic energy
known to be quadratic in the rates, L = v^T M(q) v / 2 - V(q), with M (by its Cholesky factor) and V networks of the
angles' cosines and sines; and with nothing known but that motion has inertia, L = v^2 / 2 + N(q, v). Squared errors are
weighted by 1 / (1 + |a| / 5), as the score is a mean of absolute values and accelerations reach 120. Error: mean
absolute difference of accelerations on 10 000 other samples. Energy: mean absolute change of the true energy at t = 100
along motions of the learnt system from 40 starts at rest, by the largest potential energy, 29.4. Five seeds of data and
weights; the median counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from sympy import cos, pi

import symphys as ph
from benchmarks.harness import Case

NAME = "accuracy_lagrangian"
SEEDS = range(5)
SAMPLES, SMALL = 3000, 5.0
TURNS = {0: 2 * float(pi), 1: 2 * float(pi)}
PUBLISHED = {"acceleration": 0.069, "energy": 4.3e-3}

a, b = ph.coordinates("theta1 theta2")
u, w = ph.dot(a), ph.dot(b)
TRUE = ph.Lagrangian(u**2 + w**2 / 2 + u * w * cos(a - b) + 9.8 * (2 * cos(a) + cos(b)))
ACCELERATIONS = [ph.ddot(a), ph.ddot(b)]


def samples(rng: np.random.Generator, count: int) -> dict:
    """States and their true accelerations."""
    state = {a: rng.uniform(0, 2 * np.pi, count), b: rng.uniform(0, 2 * np.pi, count)}
    state |= {u: rng.uniform(-10, 10, count), w: rng.uniform(-10, 10, count)}
    return state | dict(zip(ACCELERATIONS, TRUE.evaluate(ACCELERATIONS, state), strict=True))


def known_form() -> ph.Lagrangian:
    """L = v^T M v / 2 - V with networks of angles."""
    mass = ph.network("M", inputs=2, outputs=3, hidden=(16, 16), periodic=TURNS)
    potential = ph.network("V", inputs=2, hidden=(16, 16), periodic=TURNS)
    matrix = ph.positive_matrix(mass(a, b), floor=0.05)
    kinetic = (matrix[0, 0] * u**2 + 2 * matrix[0, 1] * u * w + matrix[1, 1] * w**2) / 2
    return ph.Lagrangian(kinetic - potential(a, b))


def nothing_known() -> ph.Lagrangian:
    """L = v^2 / 2 + N(q, v) with one network of everything."""
    scales = {"input_scale": [1, 1, 5, 5], "output_scale": 20}
    network = ph.network("N", inputs=4, hidden=(24, 24), periodic=TURNS, **scales)
    return ph.Lagrangian((u**2 + w**2) / 2 + network(a, b, u, w))


FORMS: dict[str, tuple[Callable[[], ph.Lagrangian], int, dict[str, float]]] = {
    "known form": (known_form, 200, {"acceleration": 0.02, "energy": 1e-4, "seconds": 150.0}),
    "nothing known": (nothing_known, 200, {"acceleration": 0.05, "energy": 2e-3}),
}


def solve(form: str, seed: int) -> dict[str, float]:
    """Errors and time of one seed."""
    made, steps, _ = FORMS[form]
    rng = np.random.default_rng(seed)
    train, test = samples(rng, SAMPLES), samples(rng, 10_000)
    system = made()
    begin = time.perf_counter(), time.process_time()
    weights = {s: 1 / (1 + np.abs(train[s]) / SMALL) for s in ACCELERATIONS}
    fit = system.fit(train, steps=steps, seed=seed, weights=weights)
    errors = {"seconds": time.perf_counter() - begin[0], "processor seconds": time.process_time() - begin[1]}
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
    cases = []
    units = {"acceleration": "L1 error", "energy": "relative change", "seconds": "s"}
    for form, (_, _, limits) in FORMS.items() if with_ours else ():
        found = [solve(form, seed) for seed in SEEDS]
        notes = {key: [each[key] for each in found] for key in found[0]} | {"published": PUBLISHED}
        for name, limit in limits.items():
            median = float(np.median(notes[name]))
            cases.append(Case(f"double pendulum, {form}, {name}", units[name], median, limit=limit, notes=notes))
    return cases, []
