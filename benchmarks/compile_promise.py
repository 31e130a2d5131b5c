"""Row `compile_promise`: what compilation costs does not grow with the ensemble, and new values never pay it again.

The cost is that of `compile` and a first run less that of a second run, in a fresh process with an empty cache; each
size is measured several times and the least is kept, since other work on the machine can only add.
"""

from __future__ import annotations

import json
import sys

import numpy as np

from benchmarks.fresh import empty_cache, measure
from benchmarks.harness import Case, seconds
from benchmarks.problems import pendulum_starts, pendulum_symphys

NAME = "compile_promise"
COUNTS = (1, 100, 10_000)
METHODS = {"taylor": {"rtol": 1e-9}, "rk4": {"dt": 0.01}}
ATTEMPTS = 3
FLAT = 1.2  # the largest over the smallest; and a run with new values over a run with the old


def compilation(method: str, count: int) -> float:
    """Seconds that the first run costs more than the second, compilation and derivation included."""
    system, symbols, values = pendulum_symphys()
    starts = dict(zip(symbols, pendulum_starts(count), strict=True))

    def work(simulator: object) -> None:
        simulator.run(starts, values, t_span=(0.0, 1.0), t_eval=[1.0], **METHODS[method])  # type: ignore[attr-defined]

    made: list[object] = []

    def first() -> None:
        made.append(system.compile(method=method))
        work(made[0])

    cold = seconds(first)
    return cold - min(seconds(lambda: work(made[0])) for _ in range(3))


def new_values(method: str, count: int) -> float:
    """A run with parameter values never seen before, over a run with the values of the run before (medians)."""
    system, symbols, values = pendulum_symphys()
    starts = dict(zip(symbols, pendulum_starts(count), strict=True))
    simulator = system.compile(method=method)
    draws = np.random.default_rng(3).uniform(0.9, 1.1, (16, len(values)))
    timed: dict[str, list[float]] = {"new": [], "old": []}
    for row in draws:
        drawn = {symbol: value * factor for (symbol, value), factor in zip(values.items(), row, strict=True)}
        for age in ("new", "old"):
            timed[age].append(
                seconds(
                    lambda drawn=drawn: simulator.run(starts, drawn, t_span=(0.0, 1.0), t_eval=[1.0], **METHODS[method])
                )
            )
    # The very first run compiles: it is the promise's one exception.
    return float(np.median(timed["new"][1:]) / np.median(timed["old"][1:]))


TASKS = {"compilation": compilation, "new_values": new_values}


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """No peer: the promise is absolute."""
    if not with_ours:
        return [], ["no peer keeps this promise; nothing to measure without symphys"]
    cases = []
    for method in METHODS:
        costs = {}
        for count in COUNTS:
            attempts = []
            for _ in range(ATTEMPTS):
                with empty_cache() as home:
                    attempts.append(measure("benchmarks.compile_promise", "compilation", method, count, home=home))
            costs[str(count)] = min(attempts)
        cases.append(
            Case(
                name=f"{method}: compile time, ensembles of {', '.join(map(str, COUNTS))}, largest / smallest",
                unit="x",
                ours=max(costs.values()) / min(costs.values()),
                limit=FLAT,
                notes={"seconds": costs},
            )
        )
        with empty_cache() as home:
            ratio = measure("benchmarks.compile_promise", "new_values", method, COUNTS[-1], home=home)
        cases.append(Case(f"{method}: a run with new parameter values / with old ones", "x", ratio, limit=FLAT))
    return cases, []


if __name__ == "__main__":
    task, chosen, number = sys.argv[1:]
    print(json.dumps(TASKS[task](chosen, int(number))))
