"""Row `accuracy_bodies`: two and three gravitating bodies as network Hamiltonians (Greydanus et al., 2019).

Unit masses, G = 1, in a plane. Data as theirs: two bodies on nearly circular orbits, 50 points over t in [0, 20] (three
bodies: 20 points over t in [0, 5]), states with true rates, without noise; of 800 orbits (of 4000) 160 are taken where
nothing is known, else 40. Test: mean squared error of rates on 20 other orbits. Energy: mean squared change of the true
energy along motions of the learnt system from 15 other starts, 500 points over t in [0, 25] (three bodies: [0, 3]). Two
bodies with nothing known, H one network of all eight variables, and with V(r) unknown, H = K + V(r); three bodies with
V(r) unknown, one network for all pairs. Five seeds of data and weights; the median counts.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from sympy import sqrt

import symphys as ph
from benchmarks.harness import Case

NAME = "accuracy_bodies"
SEEDS = range(5)
OTHERS, STARTS = 20, 15
PUBLISHED = {"two": {"test": 2.8e-6, "energy": 3.9e-5}, "three": {"test": 0.488, "energy": 4.19e-2}}


@dataclass(frozen=True)
class Bodies:
    """So many bodies in a plane: x, y and their momenta; points and lengths of orbits and of runs for the energy."""

    count: int
    points: int
    length: float
    tested: float

    @property
    def symbols(self) -> tuple:
        """[4 n]: all x, all y, then their momenta."""
        names = [f"{kind}{i}" for kind in ("x", "y", "u", "v") for i in range(1, self.count + 1)]
        return ph.canonical(" ".join(names))

    @property
    def pairs(self) -> dict:
        half = 2 * self.count
        return dict(zip(self.symbols[:half], self.symbols[half:], strict=True))

    @property
    def kinetic(self):
        return sum(p**2 for p in self.pairs.values()) / 2

    def over_pairs(self, function):
        """The sum of a function of the distance over all pairs."""
        x, y = self.symbols[: self.count], self.symbols[self.count : 2 * self.count]
        ways = combinations(range(self.count), 2)
        return sum(function(sqrt((x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2)) for i, j in ways)

    def starts(self, random: np.random.RandomState, count: int) -> np.ndarray:
        """[4 n, count], as the published data draw them."""
        draw = _two if self.count == 2 else _three
        return np.array([draw(random) for _ in range(count)]).T


TWO, THREE = Bodies(2, 50, 20.0, 25.0), Bodies(3, 20, 5.0, 3.0)


def _two(random: np.random.RandomState) -> np.ndarray:
    place = random.rand(2) + 0.5
    push = np.array([-place[1], place[0]]) / (2 * np.hypot(*place) ** 1.5) * (1 + 0.05 * random.randn())
    return np.stack([place, -place, push, -push]).reshape(2, 2, 2).transpose(0, 2, 1).reshape(-1)


def _three(random: np.random.RandomState) -> np.ndarray:
    place = 2 * random.rand(2) - 1
    radius = random.rand() * 0.3 + 0.9
    place *= radius / np.hypot(*place)
    push = np.array([-place[1], place[0]]) / radius**1.5 * np.sqrt(np.sin(np.pi / 3) / (2 * np.cos(np.pi / 6) ** 2))
    c, s = np.cos(2 * np.pi / 3), np.sin(2 * np.pi / 3)
    turn = np.array([[c, -s], [s, c]])
    places = np.array([place, turn @ place, turn @ turn @ place])
    pushes = np.array([push, turn @ push, turn @ turn @ push]) * (1 + 0.2 * (2 * random.rand(3, 2) - 1))
    return np.concatenate([places.T.reshape(-1), pushes.T.reshape(-1)])


def truth(bodies: Bodies) -> ph.Hamiltonian:
    return ph.Hamiltonian(bodies.kinetic + bodies.over_pairs(lambda r: -1 / r), bodies.pairs)


def samples(bodies: Bodies, seed: int, orbits: int) -> dict:
    """States along orbits, with their true rates."""
    system, symbols = truth(bodies), bodies.symbols
    start = dict(zip(symbols, bodies.starts(np.random.RandomState(seed), orbits), strict=True))
    times = np.linspace(0, bodies.length, bodies.points)
    run = system.compile().run(start, {}, (0.0, bodies.length), rtol=1e-10, t_eval=times)
    states = {s: run[s].reshape(-1) for s in symbols}
    rates = [ph.dot(s) for s in symbols]
    return states | dict(zip(rates, system.evaluate(rates, states), strict=True))


def errors_of(bodies: Bodies, learnt: ph.Hamiltonian, parameters: dict, seed: int) -> dict[str, float]:
    """On other orbits: mean squared error of rates, mean squared change of the true energy."""
    data, symbols = samples(bodies, 10_000 + seed, OTHERS), bodies.symbols
    rates = [ph.dot(s) for s in symbols]
    found = learnt.evaluate(rates, {s: data[s] for s in symbols}, parameters)
    test = float(np.mean((found - np.array([data[rate] for rate in rates])) ** 2))
    start = dict(zip(symbols, bodies.starts(np.random.RandomState(20_000 + seed), STARTS), strict=True))
    times = np.linspace(0, bodies.tested, 500)
    run = learnt.compile().run(start, parameters, (0.0, bodies.tested), rtol=1e-10, t_eval=times)
    energy = truth(bodies).evaluate(truth(bodies).expression, {s: run[s] for s in symbols})
    return {"test": test, "energy": float(np.mean((energy - energy[:, :1]) ** 2))}


def nothing_known() -> ph.Hamiltonian:
    return ph.Hamiltonian(ph.network("H", inputs=8, hidden=(24, 24))(*TWO.symbols), TWO.pairs)


def pairs_unknown(bodies: Bodies) -> ph.Hamiltonian:
    return ph.Hamiltonian(bodies.kinetic + bodies.over_pairs(ph.network("V", 1, hidden=(12,))), bodies.pairs)


PROBLEMS = {
    "two bodies, nothing known": (TWO, nothing_known, 160, 80, {"test": 5e-8, "energy": 5e-8, "seconds": 120.0}),
    "two bodies, V(r) unknown": (
        TWO,
        lambda: pairs_unknown(TWO),
        40,
        100,
        {"test": 1e-10, "energy": 1e-11, "seconds": 10},
    ),
    "three bodies, V(r) unknown": (THREE, lambda: pairs_unknown(THREE), 40, 100, {"test": 0.488, "energy": 4.19e-2}),
}


def solve(problem: str, seed: int) -> dict[str, float]:
    """Errors and time of one seed."""
    bodies, made, orbits, steps, _ = PROBLEMS[problem]
    data, system = samples(bodies, seed, orbits), made()
    begin = time.perf_counter(), time.process_time()
    fit = system.fit(data, steps=steps, seed=seed)
    spent = {"seconds": time.perf_counter() - begin[0], "processor seconds": time.process_time() - begin[1]}
    return spent | errors_of(bodies, system, fit.parameters, seed)


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """A case for each figure: the median over the seeds, against what is to be reached (three bodies: as published)."""
    cases = []
    for problem, (*_, limits) in PROBLEMS.items() if with_ours else ():
        found = [solve(problem, seed) for seed in SEEDS]
        published = PUBLISHED[problem.split()[0]]
        notes = {key: [each[key] for each in found] for key in found[0]} | {"published": published}
        for name, limit in limits.items():
            unit = "s" if name == "seconds" else "mean squared error"
            median = float(np.median(notes[name]))
            cases.append(Case(f"{problem}, {name}", unit, median, limit=limit, notes=notes))
    return cases, []
