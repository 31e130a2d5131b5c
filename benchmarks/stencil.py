"""Row `stencil`: phi^4 on 1024^2 sites with differences of order 4 and 8, the wave equation on 256^3 with 7 points.

Leapfrog on a periodic grid through the public classes, halos and boundaries included; the peers sweep the inner sites
of arrays whose ghost cells nobody refreshes. Sites updated per second; the energy is recorded every fiftieth step where
the case says so.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import symphys as ph
from benchmarks.harness import Case, interleaved, threads
from benchmarks.peer_stencils import numba_rows, pystencils_sweep
from symphys.simulate.lattice.given import read_inputs

NAME = "stencil"
CASES = (
    ((1024, 1024), 4, "float64", 2),
    ((1024, 1024), 8, "float64", 2),
    ((1024, 1024), 4, "float32", 2),
    ((1024, 1024), 8, "float32", 2),
    ((256, 256, 256), 2, "float32", 1),
    ((256, 256, 256), 2, "float32", 2),
    ((256, 256, 256), 2, "float64", 1),
    ((256, 256, 256), 2, "float64", 2),
)


def ours(shape: tuple[int, ...], order: int, dtype: str, workers: int) -> Any:
    """A run in memory, whose `go(n)` takes n steps and whose `totals()` measures the energy."""
    coordinates = ph.spacetime("t x y z"[: 2 * len(shape) + 1])
    t, *axes = coordinates
    phi = ph.scalar_field("phi", coordinates)
    slopes = sum(phi.diff(a) ** 2 for a in axes)
    well = (phi**2 - 1) ** 2 / 4 if len(shape) == 2 else 0
    theory = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 - slopes / 2 - well)
    grid = ph.Grid({a: (0.0, 0.1 * n, n) for a, n in zip(axes, shape, strict=True)})
    simulator = theory.compile(grid=grid, method="verlet", order=order, dtype=dtype)
    rng = np.random.default_rng(0)
    start = {phi: 0.01 * rng.random(shape), phi.diff(t): 0.0}
    return simulator.start(read_inputs(theory.dynamics, grid, start, {}), (), 0.0, 0.03, workers)


def with_energy(run: Any) -> Callable[[int], None]:
    """Steps with the energy recorded every fiftieth."""

    def steps(count: int) -> None:
        for _ in range(count // 50):
            run.go(50, watch=True)
            run.totals()

    return steps


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """Sites per second of each case."""
    cases, skipped = [], set()
    for shape, order, dtype, wanted in CASES:
        workers = min(wanted, threads())
        steps = 200 if len(shape) == 2 else 50
        contestants: dict[str, Callable[[], object]] = {}
        for name, make in (("pystencils", pystencils_sweep), ("Numba rows", numba_rows)):
            try:
                sweep = make(shape, order, dtype, workers)
            except ImportError as missing:
                skipped.add(f"{name}: {missing}")
                continue
            contestants[name] = partial(sweep, steps)
        if with_ours:
            mine = ours(shape, order, dtype, workers)
            recorded = with_energy(ours(shape, order, dtype, workers))
            contestants["symphys"] = partial(mine.go, steps)
            contestants["with energy"] = partial(recorded, steps)
        rates = {n: float(np.prod(shape)) * steps / s / 1e6 for n, s in interleaved(contestants, rounds=5).items()}
        energy = rates.pop("with energy", None)
        own = rates.pop("symphys", None)
        size = "x".join(map(str, shape))
        cases.append(
            Case(f"{size}, order {order}, {dtype}, {workers} threads", "Mcell/s", own, rates, bar=1.1, better="higher")
        )
        if own and energy:
            cases.append(
                Case(
                    f"{size}, order {order}, {dtype}, {workers} threads: energy every fiftieth step, cost",
                    "x",
                    own / energy,
                    limit=1.15,
                )
            )
    return cases, sorted(skipped)
