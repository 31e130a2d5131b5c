"""How launches are laid out, measured against each other: a row of `python -m benchmarks.gpu`.

Each variant is a `Schedule`; the usual one is first, and the best is named. The arithmetic is the same in all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from sympy import sqrt

import symphys as ph
from benchmarks.gpu_clock import device_clock, device_layouts, on_device, per_step
from benchmarks.harness import Case
from codegen import compile_program
from codegen.backends.cuda import CudaBackend
from codegen.backends.cuda_schedule import Schedule
from symphys.simulate.lattice.running import Run
from symphys.simulate.particles.state import build_machine

LENGTHS = (9, 41)  # of runs of fields: the longer one has eight rounds of four steps more
USUAL = Schedule()
SINGLE = replace(USUAL, steps=1)
SITES: Mapping[str, Schedule] = {
    "usual": USUAL,
    **{f"tiles {high} high": replace(USUAL, high=high) for high in (8, 12, 24)},
    **{f"stretches of {stretch}": replace(USUAL, stretch=stretch) for stretch in (64, 256, 1024)},
    "tiles 34 across": replace(USUAL, across=34),
    "two steps, not streaming": replace(USUAL, streaming=False),
    "one step at a time": SINGLE,
    "a site a thread": replace(SINGLE, wide=False),
    "sixteen bytes, not ahead": replace(SINGLE, ahead=False),
    "not streaming": replace(SINGLE, streaming=False),
    "sixteen bytes alone": replace(SINGLE, ahead=False, streaming=False),
    **{f"blocks {tall} high": replace(SINGLE, tall=tall) for tall in (4, 16)},
    **{f"blocks of {threads}": replace(SINGLE, threads=threads) for threads in (128, 512)},
}
PARTICLES: Mapping[str, Schedule] = {
    "usual": USUAL,
    **{
        f"{rows} particles a thread by {group} terms, {parts} threads a sum": replace(
            USUAL, rows=rows, few=1, group=group, parts=parts, full=1 << 20
        )
        for rows, group, parts in (
            *((2, 16, parts) for parts in (1, 2, 4, 8, 16)),
            *((2, 8, parts) for parts in (4, 8)),
            *((4, 8, parts) for parts in (4, 8, 16)),
            *((1, 16, 4), (1, 8, 4), (3, 8, 8), (4, 16, 8), (4, 4, 8)),
        )
    },
}


def best(times: Mapping[str, float]) -> str:
    """The fastest, and what it gains on the usual one."""
    name = min(times, key=lambda variant: times[variant])
    return f"{name}: {times['usual'] / times[name]:.3f} times as fast as the usual"


def phi_fourth(size: int) -> tuple[ph.LagrangianDensity, ph.Grid]:
    """phi^4 in three dimensions, on a cube."""
    t, *axes = ph.spacetime("t x y z")
    phi = ph.scalar_field("phi", (t, *axes))
    slopes = sum(phi.diff(a) ** 2 for a in axes)
    theory = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 - slopes / 2 - (phi**2 - 1) ** 2 / 4)
    return theory, ph.Grid(dict.fromkeys(axes, (0.0, 0.1 * size, size)))


def gravity(bodies: int, backend: str = "cuda") -> tuple[Any, dict[Any, Any], dict[Any, Any]]:
    """Softened gravity in single precision: a simulator, starts and parameters."""
    stars = ph.particles("x", dim=3)
    G, eps = ph.parameters("G eps", positive=True)
    cluster = ph.Lagrangian(
        stars.sum(lambda a: stars.mass(a) * a.speed_squared / 2)
        + stars.pairs(lambda a, b: G * stars.mass(a) * stars.mass(b) / sqrt(a.distance(b) ** 2 + eps**2))
    )
    rng = np.random.default_rng(1)
    start = {stars: rng.normal(0, 1, (bodies, 3)), ph.dot(stars): rng.normal(0, 0.4, (bodies, 3))}
    values = {stars.mass: 1 / bodies, G: 1.0, eps: 0.05}
    return cluster.compile(method="verlet", dtype="float32", backend=backend), start, values


def kernel_times(simulator: Any, start: Mapping[Any, Any], values: Mapping[Any, Any]) -> dict[str, float]:
    """Median milliseconds of every kernel of four steps, by its name."""
    with device_clock() as clock:
        simulator.run(start, values, t_span=(0, 4e-3), dt=1e-3, save_every=4)
    return {name: float(np.median(times)) for name, times in clock.items()}


def stencil_variants(size: int, order: int, tried: Mapping[str, Schedule] = SITES) -> Case:
    """Milliseconds of a step of fields with every layout."""
    theory, grid = phi_fourth(size)
    made = theory.compile(grid=grid, method="verlet", order=order, dtype="float32", backend="cuda").machine
    fields = tuple(component.name for component in made.layout.components)
    times: dict[str, float] = {}
    for name, schedule in tried.items():
        backend = CudaBackend(schedule=schedule)
        advance = compile_program(made.plan.program, backend, made.dtype, made.halo)
        run = Run(replace(made, backend=backend, advance=advance), grid, {}, {}, 0.03, 0.0, 1)
        times[name] = 1e3 * per_step(on_device(run, fields), *LENGTHS)
        print(f"  order {order}, {name}: {times[name]:.3f} ms", flush=True)
        del run
    return Case(f"phi^4 {size}^3 f32, order {order}", "ms a step", min(times.values()), notes=told(times))


def pair_variants(bodies: int, tried: Mapping[str, Schedule] = PARTICLES) -> Case:
    """Milliseconds of a sum over all pairs with every layout."""
    simulator, start, values = gravity(bodies)
    made = simulator.machine(batch=False, listed=False)
    (key,) = simulator.machines
    times: dict[str, float] = {}
    for name, schedule in tried.items():
        backend = CudaBackend(schedule=schedule)
        machine = build_machine(made.layout, simulator.method, simulator.thermostat, backend, made.dtype)
        one = replace(simulator, machines={key: machine})
        with device_layouts() as laid:
            found = kernel_times(one, start, values)
        if one.machines != {key: machine}:
            raise RuntimeError(f"the layout {name!r} was not measured: a run compiled programs of its own")
        times[name] = found["pull"]
        print(f"  pairs, {name}: pull {found['pull']:.3f} ms ({laid['pull']})", flush=True)
        print(f"    measure {found['measure']:.3f} ms ({laid['measure']})", flush=True)
    return Case(f"gravity, {bodies} bodies, f32", "ms a force", min(times.values()), notes=told(times))


def told(times: Mapping[str, float]) -> dict[str, object]:
    """All times, and the name of the shortest."""
    print(f"  best: {best(times)}", flush=True)
    return {**times, "best": best(times)}
