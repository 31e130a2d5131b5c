"""The programs of particles: steps of a splitting, forces alone, and what is measured.

A step's first kick uses the force that the last one left, so that a symmetric splitting that begins and ends with a
kick evaluates the force once for each of its drifts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from codegen import EVERYWHERE, Array, Intent, Kernel, Kind, Launch, Program, Repeat, Scalar, apply, integer, variable
from symphys.integrators import Splitting
from symphys.lower.particles.force import energies_of, force_on
from symphys.lower.particles.layout import Layout
from symphys.lower.particles.site import Site


@dataclass(frozen=True)
class Plan:
    """Programs, and scalars that are multiples of the step."""

    advance: Program
    begin: Program
    weights: dict[str, float]


def plan_of(layout: Layout, splitting: Splitting) -> Plan:
    """The programs of a splitting; `begin` evaluates the first force."""
    force, kick, drift = _kick(layout, True), _kick(layout, False), _drift(layout)
    weights = {}
    steps = []
    fresh = False  # whether the positions have changed since the force was evaluated
    for number, (kind, weight) in enumerate(splitting.stages):
        name = f"weight_{number}"
        weights[name] = weight
        kernel = drift if kind == "drift" else force if fresh else kick
        fresh = kind == "drift"
        steps.append(launch_of(layout, kernel, (("weight", name),), EVERYWHERE if kernel is force else 0))
    if splitting.stages[0][0] == "drift":  # no force outlives the step
        steps = [replace(s, kernel=force, reach=EVERYWHERE) if s.kernel is kick else s for s in steps]
    advance = program_of("advance", (Repeat("steps", tuple(steps), "k"),))
    weights["weight_none"] = 0.0
    begin = program_of("begin", (launch_of(layout, force, (("weight", "weight_none"),), EVERYWHERE),))
    return Plan(advance, begin, weights)


def _kick(layout: Layout, evaluate: bool) -> Kernel:
    """v += w F / m, with the force of the present places or the one at hand."""
    site = Site(layout)
    b = site.builder
    forces = force_on(site) if evaluate else [site.own("force", axis) for axis in range(layout.dim)]
    b.comment("kick: velocities change at standing places")
    (mass,) = site.lower((layout.dynamics.mass,), {})
    pace = b.let("pace", site.scalar("weight") / mass)
    for axis, force in enumerate(forces):
        moved = site.own("velocity", axis) + pace * force
        if evaluate:
            site.store("force", axis, force)
        site.store("velocity", axis, moved)
    return site.kernel("pull" if evaluate else "kick")


def _drift(layout: Layout) -> Kernel:
    """r += w v."""
    site = Site(layout)
    site.builder.comment("drift: places change at standing velocities")
    for axis in range(layout.dim):
        site.store("position", axis, site.own("position", axis) + site.scalar("weight") * site.own("velocity", axis))
    return site.kernel("drift")


MEASURES = ("kinetic", "potential", "potential size", "virial", "speed")


def measures_of(layout: Layout) -> tuple[str, ...]:
    """What `measure` adds up: energies, the virial sum r . F of pairs, sum m |v|, momenta and angular momenta."""
    axes = range(layout.dim)
    turns = [f"turn {a}{b}" for a in axes for b in axes if a < b]
    return (*MEASURES, *(f"momentum {k}" for k in axes), *turns, "turn size")


def measure_program(layout: Layout) -> Program:
    """totals [measures] of a crowd, [measures, runs] of a batch."""
    site = Site(layout)
    b, dim = site.builder, layout.dim
    names = measures_of(layout)
    shape = (len(names), "runs") if layout.batch else (len(names),)
    site.declare(Array("totals", shape, intent=Intent.SUM, instanced=False))
    alone, pairs, size, virial = energies_of(site)
    (mass,) = site.lower((layout.dynamics.mass,), {})
    rates = [site.own("velocity", axis) for axis in range(dim)]
    places = [site.own("position", axis) for axis in range(dim)]
    square = b.let("speed_squared", sum((v * v for v in rates[1:]), rates[0] * rates[0]))
    turns = [places[i] * rates[j] - places[j] * rates[i] for i in range(dim) for j in range(dim) if i < j]
    turn_size = apply("sqrt", sum((x * x for x in turns[1:]), turns[0] * turns[0])) if turns else square * 0.0
    potential, potential_size = pairs, size
    for each in alone:
        potential, potential_size = potential + each, potential_size + apply("abs", each)
    values = [
        *(0.5 * mass * square, potential, potential_size, virial, mass * apply("sqrt", square)),
        *(mass * v for v in rates),
        *(mass * x for x in turns),
        mass * turn_size,
    ]
    real = apply("lt", site.index, site.scalar("count", Kind.INT))
    for number, value in enumerate(values):
        if layout.batch:
            b.accumulate("totals", integer(number), variable(layout.lane, Kind.INT), value=value)
        else:
            b.accumulate("totals", integer(number), value=apply("select", real, value, 0.0))
    return program_of("measure", (launch_of(layout, site.kernel("measure"), (), EVERYWHERE),))


def launch_of(layout: Layout, kernel: Kernel, rename: Iterable[tuple[str, str]] = (), reach: int = 0) -> Launch:
    """The launch of a kernel over all particles."""
    return Launch(kernel, layout.extents, tuple(rename), reach)


def program_of(name: str, body: tuple[Launch | Repeat, ...]) -> Program:
    """A program with the arrays and scalars that its steps name."""
    arrays: dict[str, Array] = {}
    scalars: dict[str, Scalar] = {}

    def visit(steps: Iterable[Launch | Repeat]) -> None:
        for step in steps:
            if isinstance(step, Repeat):
                for size in (step.count, step.counter):
                    if isinstance(size, str):
                        scalars.setdefault(size, Scalar(size, Kind.INT))
                visit(s for s in step.body if isinstance(s, Launch | Repeat))
                continue
            names = dict(step.rename)
            for extent in step.extents:
                if isinstance(extent, str):
                    scalars.setdefault(extent, Scalar(extent, Kind.INT))
            for array in step.kernel.arrays:
                there = names.get(array.name, array.name)
                arrays[there] = replace(array, name=there)
            for scalar in step.kernel.scalars:
                there = names.get(scalar.name, scalar.name)
                scalars[there] = replace(scalar, name=there)

    visit(body)
    return Program(name, tuple(arrays.values()), tuple(scalars.values()), body)
