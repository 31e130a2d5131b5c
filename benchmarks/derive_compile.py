"""Row `derive_compile`: a planar chain of N pendulums, from `Lagrangian(...)` to the first result, cold and warm.

Cold is a process with an empty cache directory; warm is the next process with the cache that the first one left.
Imports are not counted. heyoka has no derivation of this form at equal speed, so it is handed the equations with the
mass matrix already factorised symbolically (L D L^T), which favours it; it keeps a cache on disk as well.
One evaluation of the right-hand side is timed in a batch on one thread: ours inside RK4 steps (a quarter of a step,
the sums of the method included), heyoka's as its compiled function.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

from benchmarks import peer_heyoka
from benchmarks.fresh import empty_cache, measure
from benchmarks.harness import Case, seconds
from benchmarks.problems import GRAVITY

NAME = "derive_compile"
SIZES = {8: 3.0, 16: 5.0}  # pendulums: seconds allowed cold
WARM = 0.5
BATCH, STEPS = 4096, 50


def chain_symphys(size: int) -> tuple[Any, list[Any], list[Any], Any]:
    """Unit masses and lengths, angles from the vertical: L = sum_ij c_ij w_i w_j cos(q_i - q_j) / 2 + g sum ..."""
    import sympy

    import symphys as ph

    angles = list(ph.coordinates(" ".join(f"theta{k}" for k in range(size))))
    rates = [ph.dot(angle) for angle in angles]
    gravity = ph.parameters("g", positive=True)
    carried = [[size - max(i, j) for j in range(size)] for i in range(size)]
    kinetic = sympy.Add(  # one sum of 256 terms, where Python's sum would sort 256 sums
        *[
            carried[i][j] * rates[i] * rates[j] * sympy.cos(angles[i] - angles[j]) / 2
            for i in range(size)
            for j in range(size)
        ]
    )
    potential = -gravity * sympy.Add(*((size - i) * sympy.cos(angles[i]) for i in range(size)))
    return ph.Lagrangian(kinetic - potential), angles, rates, gravity


def chain_heyoka(size: int) -> tuple[list[tuple[Any, Any]], list[Any]]:
    """M a = F eliminated symbolically by L D L^T, without expanding shared subexpressions."""
    import heyoka as hy

    angles = [hy.make_vars(f"a{k}") for k in range(size)]
    rates = [hy.make_vars(f"w{k}") for k in range(size)]

    def carried(i: int, j: int) -> float:
        return float(size - max(i, j))

    lower: dict[tuple[int, int], Any] = {}
    diagonal: list[Any] = []
    for j in range(size):
        pivot = hy.expression(carried(j, j))
        for k in range(j):
            pivot = pivot - lower[j, k] * lower[j, k] * diagonal[k]
        diagonal.append(pivot)
        for i in range(j + 1, size):
            entry = carried(i, j) * hy.cos(angles[i] - angles[j])
            for k in range(j):
                entry = entry - lower[i, k] * lower[j, k] * diagonal[k]
            lower[i, j] = entry / pivot
    solution: list[Any] = []
    for i in range(size):
        value = -GRAVITY * carried(i, i) * hy.sin(angles[i])
        for j in range(size):
            if j != i:
                value = value - carried(i, j) * hy.sin(angles[i] - angles[j]) * rates[j] * rates[j]
        for k in range(i):
            value = value - lower[i, k] * solution[k]
        solution.append(value)
    for i in reversed(range(size)):
        value = solution[i] / diagonal[i]
        for k in range(i + 1, size):
            value = value - lower[k, i] * solution[k]
        solution[i] = value
    system = list(zip(angles, rates, strict=True)) + list(zip(rates, solution, strict=True))
    return system, [*angles, *rates]


def first_result_symphys(size: int) -> float:
    """Seconds from `Lagrangian(...)` to the end of one adaptive trajectory."""
    # Imports are apart, also those that symphys leaves until they are needed.
    import numba  # noqa: F401

    import symphys  # noqa: F401

    def work() -> None:
        system, angles, rates, gravity = chain_symphys(size)
        start = {angle: 0.1 + 0.4 * k / size for k, angle in enumerate(angles)} | dict.fromkeys(rates, 0.0)
        system.compile().run(start, {gravity: GRAVITY}, t_span=(0.0, 1.0), rtol=1e-9, t_eval=[1.0])

    return seconds(work)


def first_result_heyoka(size: int) -> float:
    """The same for heyoka in compact mode, at its default tolerance."""
    import heyoka as hy

    def work() -> None:
        system, variables = chain_heyoka(size)
        start = np.zeros(len(variables))
        start[:size] = 0.1 + 0.4 * np.arange(size) / size
        hy.taylor_adaptive(system, start, compact_mode=True, tol=1e-9).propagate_until(1.0)

    return seconds(work)


def evaluation_symphys(size: int) -> float:
    """Nanoseconds for one evaluation inside RK4 steps of a batch, one thread."""
    system, angles, rates, gravity = chain_symphys(size)
    simulator = system.compile(method="rk4")
    draws = np.random.default_rng(0).uniform(-1.0, 1.0, (size, BATCH))
    start = dict(zip(angles, draws, strict=True)) | dict.fromkeys(rates, 0.0)
    end = 1e-4 * STEPS

    def work() -> None:
        simulator.run(start, {gravity: GRAVITY}, t_span=(0.0, end), dt=1e-4, t_eval=[end], watch_every=0, threads=1)

    work()
    return 1e9 * min(seconds(work) for _ in range(7)) / (4 * STEPS * BATCH)


def evaluation_heyoka(size: int) -> float:
    """Nanoseconds for one evaluation of heyoka's compiled function over a batch, one thread."""
    import heyoka as hy

    system, variables = chain_heyoka(size)
    function = hy.cfunc([rate for _, rate in system], vars=variables)
    inputs = np.random.default_rng(0).uniform(-1.0, 1.0, (len(variables), BATCH))
    outputs = np.zeros_like(inputs)
    repeats = 20

    def work() -> None:
        for _ in range(repeats):
            function(inputs, outputs=outputs)

    work()
    return 1e9 * min(seconds(work) for _ in range(7)) / (repeats * BATCH)


TASKS = {
    ("first", "symphys"): first_result_symphys,
    ("first", "heyoka"): first_result_heyoka,
    ("evaluation", "symphys"): evaluation_symphys,
    ("evaluation", "heyoka"): evaluation_heyoka,
}


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """Cold, warm, and one evaluation, for each size."""
    names = (["symphys"] if with_ours else []) + (["heyoka"] if peer_heyoka.available() else [])
    cases = []
    for size, allowed in SIZES.items():
        cold, warm, evaluation = {}, {}, {}
        for name in names:
            with empty_cache() as home:
                cold[name] = measure("benchmarks.derive_compile", "first", name, size, home=home)
                warm[name] = min(measure("benchmarks.derive_compile", "first", name, size, home=home) for _ in range(3))
                evaluation[name] = measure("benchmarks.derive_compile", "evaluation", name, size, home=home)
        for label, figures, limit in (("cold", cold, allowed), ("from the cache", warm, WARM)):
            mine = figures.pop("symphys", None)
            cases.append(Case(f"chain of {size}, first result, {label}", "s", mine, figures, limit=limit))
        mine = evaluation.pop("symphys", None)
        bar = 1.0 if size == min(SIZES) else None
        cases.append(Case(f"chain of {size}, one right-hand side", "ns", mine, evaluation, bar=bar))
    return cases, [] if peer_heyoka.available() else ["heyoka is not installed"]


if __name__ == "__main__":
    task, who, count = sys.argv[1:]
    print(json.dumps(TASKS[task, who](int(count))))
