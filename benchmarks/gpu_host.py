"""Rows of `python -m benchmarks.gpu`: what users wait for around the kernels, from their arrays to the result.

What a call takes beside its kernels is measured in copies: the time in which this host copies as many bytes as are
given and come back to memory that is fresh, pages included, as results need. Bytes that are given are read twice (are
they finite?) and written once, to pinned memory; those that come back are read there and written once; the bus goes on
meanwhile. That is at most two copies of all bytes; three are allowed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import symphys as ph
from benchmarks.gpu_clock import device_clock, device_seconds
from benchmarks.harness import Case

COPIES = 3.0
LAUNCHES = (
    1.0  # milliseconds for what does not grow with the arrays: fifty launches and questions, and the host's Python
)


def copy_seconds(size: int) -> float:
    """Seconds in which the host copies so many bytes to fresh memory, the median of three times."""
    given = np.ones(size, dtype=np.uint8)
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        made = np.empty(size, dtype=np.uint8)
        made[...] = given
        times.append(time.perf_counter() - begin)
    return float(np.median(times))


def kernel_milliseconds(call: Callable[[], object]) -> float:
    """Milliseconds that the kernels of a call take on the device."""
    with device_clock() as clock:
        call()
    return sum(float(np.sum(times)) for times in clock.values())


def beside(name: str, call: Callable[[], object], size: int) -> Case:
    """What a call takes beside its kernels, by the copies of its bytes."""
    whole, kernels, copy = 1e3 * device_seconds(call), kernel_milliseconds(call), 1e3 * copy_seconds(size)
    notes = {"whole call, ms": whole, "kernels, ms": kernels, "one copy, ms": copy, "bytes": size}
    return Case(name, "ms beside the kernels", whole - kernels, limit=COPIES * copy + LAUNCHES, notes=notes)


def ensemble(count: int = 8_388_608) -> list[Case]:
    """Lorenz, f32: three components and one parameter of each trajectory are given, three come back; on the host, and
    where all stays on the device."""
    import cupy

    x, y, z = ph.coordinates("x y z")
    sigma, rho, beta = ph.parameters("sigma rho beta")
    system = ph.VectorField({x: sigma * (y - x), y: x * (rho - z) - y, z: x * y - beta * z})
    simulator = system.compile(method="tsit5", dtype="float32", backend="cuda")
    random = np.random.default_rng(0).random((3, count), dtype=np.float32)
    given = {**dict(zip((x, y, z), random, strict=True)), rho: np.linspace(0.0, 21.0, count, dtype=np.float32)}
    cases = []
    for arrays, held in (("numpy", given), ("cupy", {s: cupy.asarray(a) for s, a in given.items()})):
        start, values = {s: held[s] for s in (x, y, z)}, {sigma: 10.0, rho: held[rho], beta: 8 / 3}
        for pace, options in (("dt", {"dt": 1e-3}), ("rtol", {"rtol": 1e-5})):

            def run(start: Any = start, values: Any = values, arrays: str = arrays, options: Any = options) -> None:
                simulator.run(start, values, t_span=(0.0, 1.0), t_eval=[1.0], watch_every=0, arrays=arrays, **options)

            travels = (7 * 4 + 8) * count if arrays == "numpy" else 0  # the parameter once more, in double precision
            counted = 2 * 8 * count if pace == "rtol" else 0  # steps, taken and rejected, which differ
            cases.append(beside(f"Lorenz f32, {pace}, {arrays}", run, travels + counted))
    return cases


def recording(size: int = 2048, rows: int = 20) -> list[Case]:
    """What saving rows costs: phi^4 on a plane, with every tenth step saved, against the steps alone."""
    t, x, y = ph.spacetime("t x y")
    phi = ph.scalar_field("phi", (t, x, y))
    slopes = phi.diff(x) ** 2 + phi.diff(y) ** 2
    theory = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 - slopes / 2 - (phi**2 - 1) ** 2 / 4)
    grid = ph.Grid(dict.fromkeys((x, y), (0.0, 0.1 * size, size)))
    simulator = theory.compile(grid=grid, method="verlet", dtype="float32", backend="cuda")
    start = {phi: np.random.default_rng(1).normal(0.0, 0.1, grid.shape), phi.diff(t): 0.0}

    def run(every: int) -> None:
        simulator.run(start, {}, (0.0, 0.03 * 10 * rows), dt=0.03, save_every=every, keep=[phi])

    saved, alone = (device_seconds(partial(run, every)) for every in (10, 10 * rows))
    copy = copy_seconds(4 * size**2)
    notes = {"with rows, ms": 1e3 * saved, "without, ms": 1e3 * alone, "copy of a row, ms": 1e3 * copy}
    name = f"phi^4 {size}^2 f32, {rows} rows"
    return [Case(name, "ms a row", 1e3 * (saved - alone) / (rows - 1), limit=1e3 * COPIES * copy, notes=notes)]


def gradient(batch: int = 65_536) -> list[Case]:
    """Loss and gradient of a network Lagrangian: weights go, a sum and a slope come back, samples stay."""
    from benchmarks.network_lagrangian import drawn, objective
    from symphys.simulate.compiled import kernels_for

    cases = []
    for dtype in ("float32", "float64"):
        network, states, measured = drawn((64,) * 3, batch, dtype)
        loss, weights = objective(network, states, measured, kernels_for("cuda", dtype))
        size = 2 * weights.size * np.dtype(dtype).itemsize
        cases.append(beside(f"4 inputs, 3 x 64, {batch}, {dtype}", partial(loss.gradient, weights), size))
    return cases


def calls() -> list[Case]:
    """Whole calls of ensembles and of gradients."""
    return [*ensemble(), *gradient()]
