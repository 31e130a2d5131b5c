"""Row `pair_network`: pair potentials learnt from positions alone, after Bhattoo, Ranu, Krishnan (2023).

Speed: value and gradient of the squared error of 100 runs of three balls, 190 velocity Verlet steps of 0.01, 20 frames
a tenth apart, network 1-16-16-1 (squareplus); JAX: `lax.scan` under `vmap`, jitted, reverse mode. All cores on both
sides.

Accuracy: three balls with linear springs, (r - 1)^2 / 2, with quartic ones, (r - 1)^4 / 2, and four gravitating bodies,
-1 / r; unit masses, 100 runs for training and 20 unseen ones, started about the published starts, start velocities
known. Position error: mean squared error of unseen runs. Momenta: the larger drift of the learnt system over 1000 saved
steps, from the published start. Six and eight bodies: linear springs in motions never seen, the mean over 1000 saved
steps of the error of the true H relative to its value, a momentum and an energy that the network does not know. Five
seeds of weights; the median counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import symphys as ph
from benchmarks import peer_networks
from benchmarks.harness import Case, interleaved
from symphys.learn.fit import _Ask
from symphys.learn.options import read_options
from symphys.learn.particles import ParticleSystem
from symphys.learn.unknowns import read_unknowns
from symphys.simulate.compiled import kernels_for

NAME = "pair_network"
SEEDS = range(5)
RUNS, UNSEEN, STEP, TIMES = 100, 20, 0.01, np.linspace(0.0, 1.9, 20)
HIDDEN = (16, 16)

BALLS = ph.particles("r", dim=3)
KINETIC = BALLS.sum(lambda a: BALLS.mass(a) * a.speed_squared / 2)
MASS = {BALLS.mass: 1.0}
TRIANGLE = (
    [
        (0.486657678894505, 0.755041888583519, 0),
        (-0.681737994414464, 0.293660233197210, 0),
        (-0.022596327468640, -0.612645601255358, 0),
    ],
    [
        (-0.182709864466916, 0.363013287999004, 0),
        (-0.579074922540872, -0.748157481446087, 0),
        (0.761784787007641, 0.385144193447218, 0),
    ],
)
STARS = ([(1, 0, 0), (9, 0, 0), (11, 0, 0), (-1, 0, 0)], [(0, 0.05, 0), (0, -0.05, 0), (0, 0.65, 0), (0, -0.65, 0)])


@dataclass(frozen=True)
class Task:
    """A published problem: V(r), its start, how far starts are spread, what is to be reached, and in how many steps."""

    name: str
    potential: Callable
    start: tuple
    spread: float
    limit: float
    rounds: int  # of Levenberg and Marquardt's method


TASKS = (
    Task("linear springs", lambda r: (r - 1) ** 2 / 2, TRIANGLE, 0.2, 1e-9, 80),
    Task("quartic springs", lambda r: (r - 1) ** 4 / 2, TRIANGLE, 0.2, 1e-8, 120),
    Task("gravity", lambda r: -1 / r, STARS, 0.02, 1e-9, 60),
)


def system(potential: Callable):
    """Particles with a pair potential."""
    return ph.Lagrangian(KINETIC - BALLS.pairs(lambda a, b: potential(a.distance(b))))


def motions(task: Task, runs: int, seed: int) -> ph.Trajectories:
    """Positions of runs from starts about the published one, with their start velocities."""
    random = np.random.default_rng(seed)
    places, rates = (np.array(x, float) + random.normal(0, task.spread, (runs, len(x), 3)) for x in task.start)
    start = {BALLS: places, ph.dot(BALLS): rates}
    run = system(task.potential).compile(method="verlet").run(start, MASS, (0, TIMES[-1]), dt=STEP, t_eval=TIMES)
    return ph.Trajectories(TIMES, {BALLS: run[BALLS]}, start={ph.dot(BALLS): rates})


def long_run(learnt, weights: dict, start: dict):
    """1000 saved steps, a tenth apart; with half the step, so that what is seen is the error of the potential."""
    return learnt.compile(method="verlet").run(start, {**weights, **MASS}, (0, 100), dt=STEP / 2, save_every=20)


def true_energy(potential: Callable, run) -> np.ndarray:
    """H [time] of unit masses along a run."""
    i, j = np.triu_indices(run[BALLS].shape[-2], 1)
    r = np.linalg.norm(run[BALLS][:, i] - run[BALLS][:, j], axis=-1)
    return (run[ph.dot(BALLS)] ** 2).sum((1, 2)) / 2 + potential(r).sum(axis=1)


def cluster(count: int) -> dict:
    """Six or eight balls at the corners of an octahedron or a cube whose edges are 1, shaken."""
    random = np.random.default_rng(count)
    signs = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)]) / 2
    corners = signs if count == 8 else np.concatenate([np.eye(3), -np.eye(3)]) / np.sqrt(2)
    places = corners + random.normal(0, 0.05, (count, 3))
    return {BALLS: places, ph.dot(BALLS): random.normal(0, 0.1, (count, 3))}


def solve(task: Task, seed: int) -> dict[str, float]:
    """Errors and time of one seed."""
    network = ph.network("V", inputs=1, hidden=HIDDEN, activation="squareplus")
    learnt = system(network)
    train, unseen = motions(task, RUNS, 0), motions(task, UNSEEN, 1)
    begin = time.perf_counter()
    fit = learnt.fit(train, parameters=MASS, method="verlet", dt=STEP, seed=seed, steps=task.rounds)
    found = {"seconds": time.perf_counter() - begin, "train": fit.loss}
    size = float(np.mean(unseen.observed[BALLS][:, 1:] ** 2))
    found["position error"] = float(fit.relative_error(unseen)[BALLS] ** 2 * size)
    start = dict(zip((BALLS, ph.dot(BALLS)), (np.array(x, float) for x in task.start), strict=True))
    run = long_run(learnt, fit.parameters, start)
    found["drift"] = float(max(run.drift[name] for name in ("momentum", "angular momentum")))
    for count in (6, 8) if task.name == "linear springs" else ():
        run = long_run(learnt, fit.parameters, cluster(count))
        energy = true_energy(task.potential, run)
        found[f"{count} bodies"] = float(np.mean(np.abs(energy - energy[0])) / abs(energy[0]))
    return found


def ours(data: ph.Trajectories) -> tuple:
    """(network, weights, value and gradient of the loss)."""
    network = ph.network("V", inputs=1, hidden=HIDDEN, activation="squareplus")
    fitted = ParticleSystem(system(network).dynamics, kernels_for("cpu", "float64"))
    unknowns = read_unknowns((), (network,), None, {}, {}, {})
    objective = _Ask(fitted, unknowns, MASS, read_options(method="verlet", dt=STEP)).objective(data)
    u = objective.begin(unknowns.guess)
    return network, unknowns.guess, lambda: objective.gradient(u)


def jax_step(layers: list, data: ph.Trajectories) -> Callable[[], object]:
    """The same in JAX."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    i, j = np.triu_indices(3, 1)

    def potential(weights, places):
        y = jnp.linalg.norm(places[i] - places[j], axis=-1)[None]
        for matrix, bias in weights[:-1]:
            z = matrix @ y + bias[:, None]
            y = (z + jnp.sqrt(z * z + 4)) / 2
        return (weights[-1][0] @ y + weights[-1][1][:, None]).sum()

    def loss(weights, places, rates, seen):
        def force(x):
            return -jax.grad(potential, argnums=1)(weights, x)

        def step(state, _):
            x, v, f = state
            v = v + STEP / 2 * f
            x = x + STEP * v
            f = force(x)
            return (x, v + STEP / 2 * f, f), x

        def one(x, v):
            return jax.lax.scan(step, (x, v, force(x)), None, length=190)[1][9::10]

        return ((jax.vmap(one)(places, rates) - seen) ** 2).mean()

    step = jax.jit(jax.value_and_grad(loss))
    seen = data.observed[BALLS]
    given = ([(jnp.asarray(w), jnp.asarray(b)) for w, b in layers],)
    given += tuple(map(jnp.asarray, (seen[:, 0], data.start[ph.dot(BALLS)], seen[:, 1:])))
    return lambda: jax.block_until_ready(step(*given))


def speed(with_ours: bool) -> Case:
    """One training step."""
    network, weights, step = ours(motions(TASKS[0], RUNS, 0))
    contestants: dict[str, Callable[[], object]] = {"symphys": step} if with_ours else {}
    notes: dict[str, object] = {}
    if peer_networks.jax_available():
        contestants["jax"] = jax_step(list(network.layers(weights)), motions(TASKS[0], RUNS, 0))
        value, _ = contestants["jax"]()
        notes["relative difference of the values"] = abs(float(value) - step()[0]) / float(value)
    times = {name: 1e3 * value for name, value in interleaved(contestants).items()}
    mine = times.pop("symphys", None)
    return Case("training step, 100 runs of three balls, 190 steps", "ms", mine, times, bar=10.0, notes=notes)


def accuracy(task: Task) -> list[Case]:
    """The cases of a problem: the median over the seeds, against what is to be reached."""
    found = [solve(task, seed) for seed in SEEDS]
    notes = {key: [each[key] for each in found] for key in found[0]} | {"published, linear": [8e-9, 2.4e-8]}
    limits = {"position error": task.limit, "drift": 1e-12, "6 bodies": 1e-4, "8 bodies": 1e-4, "seconds": 120.0}
    cases = []
    for name, limit in limits.items():
        if name in found[0]:
            unit = {"position error": "mean squared error", "seconds": "s"}.get(name, "relative")
            ours = float(np.median([each[name] for each in found]))
            noted = notes if name == "position error" else {}
            cases.append(Case(f"{task.name}, {name}", unit, ours, limit=limit, notes=noted))
    return cases


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """The training step, then for each problem the median over the seeds, against what is to be reached."""
    cases = [speed(with_ours)]
    for task in TASKS if with_ours else ():
        cases += accuracy(task)
    return cases, [] if peer_networks.jax_available() else ["JAX is not installed"]
