"""Row `accuracy_relativistic`: the particle of Cranmer et al. (2020), q'' = g (1 - v^2)^(5/2) / (1 + 2 v^2), v = q'.

Its Lagrangian is (1 - v^2)^(-1/2) + g q. Data as published: q in [-10, 10], v = 0.99999 tanh(2 n), g = 10 n with n
normal, without noise; 5000 samples in place of 1.5e8. Known: a kinetic energy that is v^2 / 2 times a positive factor K
of speed, and a potential of place and of g, L = v^2 / 2 exp K(artanh v) + U(q, g). Squared errors are weighted by the
published weights, 1 + 1 / sqrt(1 - v^2), and by 1 / (0.001 + |a|). Error: mean of absolute differences of accelerations
under the published weights, on 20 000 other samples. Momentum: dL/dv for |v| < 0.9 against v (1 - v^2)^(-3/2), after
the scale and the constant that motions leave open are fitted; largest difference by the largest momentum. Five seeds of
data and weights; the median counts.
"""

from __future__ import annotations

import time

import numpy as np
from sympy import atanh, exp

import symphys as ph
from benchmarks.harness import Case

NAME = "accuracy_relativistic"
SEEDS = range(5)
SAMPLES, STEPS, TRIES = 5000, 300, 8
PUBLISHED = {"weighted acceleration": 7.9e-4}
LIMITS = {"weighted acceleration": 1e-4, "momentum": 1e-3, "seconds": 60.0}

q = ph.coordinates("q")
v, acceleration = ph.dot(q), ph.ddot(q)
g = ph.parameters("g")
K = ph.network("K", inputs=1, hidden=(12,), even=(0,))
U = ph.network("U", inputs=2, hidden=(8,), input_scale=10, output_scale=100)
KINETIC = v**2 / 2 * exp(K(atanh(v)))
LEARNT = ph.Lagrangian(KINETIC + U(q, g))


def samples(rng: np.random.Generator, count: int) -> tuple[dict, np.ndarray]:
    """States with their true accelerations, and the force g of each."""
    place, speed = rng.uniform(-10, 10, count), 0.99999 * np.tanh(2 * rng.normal(size=count))
    force = 10 * rng.normal(size=count)
    return {q: place, v: speed, acceleration: force * (1 - speed**2) ** 2.5 / (1 + 2 * speed**2)}, force


def published_weights(data: dict) -> np.ndarray:
    return 1 + 1 / np.sqrt(1 - data[v] ** 2)


def momentum_error(parameters: dict) -> float:
    """Up to scale and constant."""
    speed = np.linspace(-0.9, 0.9, 401)
    found = LEARNT.evaluate(KINETIC.diff(v), {q: 0.0, v: speed}, {**parameters, g: 1.0})
    true = speed * (1 - speed**2) ** -1.5
    columns = np.stack([found, np.ones_like(found)], axis=1)
    off = columns @ np.linalg.lstsq(columns, true, rcond=None)[0] - true
    return float(np.abs(off).max() / np.abs(true).max())


def solve(seed: int) -> dict[str, float]:
    """Errors and time of one seed."""
    rng = np.random.default_rng(seed)
    (train, force), (test, other) = samples(rng, SAMPLES), samples(rng, 20_000)
    weights = {acceleration: published_weights(train) / (1e-3 + np.abs(train[acceleration]))}
    begin = time.perf_counter(), time.process_time()
    fit = LEARNT.fit(train, parameters={g: force}, weights=weights, steps=STEPS, tries=TRIES, seed=seed)
    errors = {"seconds": time.perf_counter() - begin[0], "processor seconds": time.process_time() - begin[1]}
    found = LEARNT.evaluate(acceleration, {q: test[q], v: test[v]}, {**fit.parameters, g: other})
    off = np.abs(found - test[acceleration])
    errors["weighted acceleration"] = float(np.average(off, weights=published_weights(test)))
    errors["momentum"] = momentum_error(fit.parameters)
    return errors


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """A case for each figure: the median over the seeds, against what is to be reached."""
    if not with_ours:
        return [], []
    found = [solve(seed) for seed in SEEDS]
    notes = {key: [each[key] for each in found] for key in found[0]} | {"published": PUBLISHED}
    units = {"weighted acceleration": "L1 error", "momentum": "relative", "seconds": "s"}
    return [
        Case(f"relativistic particle, {name}", units[name], float(np.median(notes[name])), limit=limit, notes=notes)
        for name, limit in LIMITS.items()
    ], []
