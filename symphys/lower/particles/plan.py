"""The programs of particles: steps of a splitting, forces alone, and what is measured.

A step's first kick uses the force that the last one left, so that a symmetric splitting that begins and ends with a
kick evaluates the force once for each of its drifts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from codegen import (
    EVERYWHERE,
    Array,
    Intent,
    Kernel,
    Kind,
    Launch,
    Node,
    Program,
    Repeat,
    add_many,
    apply,
    integer,
    variable,
)
from symphys.integrators import Splitting
from symphys.lower.particles.far import far_launches
from symphys.lower.particles.force import energies_of, force_on, slopes_of, surroundings_of
from symphys.lower.particles.holding import (
    check_launches,
    hold_launches,
    project_launches,
    rate_launches,
    virial_launches,
)
from symphys.lower.particles.layout import Layout
from symphys.lower.particles.lists import image_launch
from symphys.lower.particles.site import Site
from symphys.lower.particles.thermostat import noise_kernel, scaling_launches
from symphys.lower.particles.velocities import decayed, turned
from symphys.lower.programs import Step, program_of
from symphys.statistics import Berendsen, Langevin, NoseHoover, Thermostat


@dataclass(frozen=True)
class Plan:
    """Programs, and scalars: `weights`, multiples of the step, and `shares` of a step after which forces are met.

    `project` only where something is held; with lists, `apart` is one step of `advance`, each part up to a drift.
    """

    advance: Program
    begin: Program
    weights: dict[str, float]
    shares: dict[str, float]
    project: Program | None = None
    apart: tuple[Program, ...] = ()


def plan_of(layout: Layout, splitting: Splitting, thermostat: Thermostat | None = None) -> Plan:
    """The programs of a splitting; `begin` evaluates the first force.

    Friction acts for half a step before and after, and so does what turns velocities. Baths that look at the kinetic
    energy do likewise or, if they are not reversible, for a whole step after; noise stands in the middle of the drift.
    What is held is so after every drift, and its velocities before the bath. The time goes on with the drifts, so that
    a force that depends on it is met where and when the drifts have led (`symphys.integrators.splitting.compose`).
    """
    kick, drift = _kick(layout, evaluate=False), _drift(layout)
    weights, shares, passed = {"weight_none": 0.0}, {"share_none": 0.0, "share_whole": 1.0}, [0.0]
    steps: list[Step] = []
    # a splitting that begins with a drift leaves no force behind
    fresh = splitting.stages[0][0] == "drift"
    for number, (kind, weight) in enumerate(splitting.stages):
        name = f"weight_{number}"
        weights[name], share = weight, f"share_{number}"
        passed += [weight] if kind == "drift" else []
        if kind == "drift" and isinstance(thermostat, Langevin):
            weights[name] = 0.5 * weight
            half = launch_of(layout, drift, (("weight", name),))
            drifts = (half, *hold_launches(layout, name))
            steps += [*drifts, launch_of(layout, noise_kernel(layout)), *drifts, *_images(layout, "position")]
            fresh = True
        elif kind == "drift":
            steps += [launch_of(layout, drift, (("weight", name),)), *hold_launches(layout, name)]
            steps += _images(layout, "position")
            fresh = True
        elif fresh:
            shares[share] = math.fsum(passed)
            steps += pull_launches(layout, name, share)
            fresh = False
        else:
            steps.append(launch_of(layout, kick, (("weight", name),)))
    steps += rate_launches(layout)
    if isinstance(thermostat, NoseHoover | Berendsen):
        bath = scaling_launches(layout, thermostat, "weight_bath")
        weights["weight_bath"] = 0.5 if isinstance(thermostat, NoseHoover) else 1.0
        steps = [*(bath if isinstance(thermostat, NoseHoover) else ()), *steps, *bath]
    if layout.dynamics.friction is not None:
        weights["weight_forget"] = 0.5
        forget = (launch_of(layout, _forget(layout), (("weight", "weight_forget"),)), *rate_launches(layout))
        steps = [*forget, *steps, *forget]
    if layout.dynamics.turning:
        weights["weight_turn"] = 0.5
        turn, rest = _turn(layout), rate_launches(layout)
        early, late = (launch_of(layout, turn, _met("weight_turn", share)) for share in ("share_none", "share_whole"))
        steps = [early, *rest, *steps, late, *rest]
    advance = program_of("advance", (Repeat("steps", tuple(steps), "k"),))
    begin = program_of("begin", (*check_launches(layout), *pull_launches(layout, "weight_none", "share_none")))
    project = program_of("project", project_launches(layout)) if layout.dynamics.held else None
    return Plan(advance, begin, weights, shares, project, _apart(layout, steps))


def _apart(layout: Layout, steps: list[Step]) -> tuple[Program, ...]:
    """The steps, cut behind what follows each drift, so that new lists can be made there."""
    if not layout.listed:
        return ()
    ends = [k + 1 for k, step in enumerate(steps) if step == image_launch(layout, "position")]
    cuts = zip([0, *ends], [*ends, len(steps)], strict=True)
    parts = [tuple(steps[first:last]) for first, last in cuts if first < last]
    return tuple(program_of(f"advance_{n}", (Repeat("steps", part, "k"),)) for n, part in enumerate(parts))


def pull_launches(layout: Layout, weight: str, share: str) -> tuple[Step, ...]:
    """Evaluate the force, and kick with it: first what must be known of all before."""
    return (*far_launches(layout, share), *look_launches(layout, share), pull_launch(layout, weight, share))


def pull_launch(layout: Layout, weight: str, share: str) -> Launch:
    """Evaluate the force and kick with it, where all else is known."""
    return launch_of(layout, _kick(layout, evaluate=True), _met(weight, share), EVERYWHERE)


def look_launches(layout: Layout, share: str) -> tuple[Launch, ...]:
    """The slopes of what depends on surroundings, if anything does."""
    if not layout.dynamics.environments:
        return ()
    site = Site(layout)
    for a, slope in enumerate(slopes_of(site, surroundings_of(site))):
        site.store("slope", a, slope)
    look = launch_of(layout, site.kernel("look_around"), (("time_share", share),), EVERYWHERE)
    images = _images(layout, "slope") if layout.dynamics.reciprocal else ()
    return (look, *images)


def _met(weight: str, share: str) -> tuple[tuple[str, str], ...]:
    """By what a kick is scaled, and the share of the step after which it is met."""
    return ("weight", weight), ("time_share", share)


def _images(layout: Layout, name: str) -> tuple[Launch, ...]:
    """What brings the images of an array up to date, where there are any."""
    return (image_launch(layout, name),) if layout.listed else ()


def _kick(layout: Layout, evaluate: bool) -> Kernel:
    """v += w F / m, with the force of the present places or the one at hand."""
    site = Site(layout)
    b = site.builder
    forces = _held(site, _felt(site)) if evaluate else [site.own("force", axis) for axis in range(layout.dim)]
    b.comment("kick: velocities change at standing places")
    (mass,) = site.lower((layout.dynamics.mass,), {})
    pace = b.let("pace", site.scalar("weight") / mass)
    for axis, force in enumerate(forces):
        moved = site.own("velocity", axis) + pace * force
        if evaluate:
            site.store("force", axis, force)
        site.store("velocity", axis, moved)
    return site.kernel("pull" if evaluate else "kick")


def _felt(site: Site) -> list[Node]:
    """Forces of the present places. What acts on particles alone leaves out what fills up rows."""
    dynamics, forces = site.layout.dynamics, force_on(site)
    if dynamics.sites or dynamics.environments or dynamics.coupling is not None:
        return [site.of_real(force) for force in forces]
    return forces


def _forget(layout: Layout) -> Kernel:
    """v *= exp(-w / tau): friction of agents that forget, followed exactly."""
    site = Site(layout)
    b = site.builder
    b.comment("friction: velocities decay at standing places")
    (friction,) = site.lower((layout.dynamics.friction,), {})
    _store(site, decayed(_rates(site), site.scalar("weight"), friction, b.let))
    return site.kernel("forget")


def _turn(layout: Layout) -> Kernel:
    """v turns about b at standing places, by |b| w / m, exactly."""
    site = Site(layout)
    b = site.builder
    b.comment("turn: velocities turn at standing places")
    mass, *field = site.lower((layout.dynamics.mass, *layout.dynamics.turning), {})
    _store(site, [b.let("turned", v) for v in turned(_rates(site), site.scalar("weight"), mass, field, b.let)])
    return site.kernel("turn")


def _rates(site: Site) -> list[Node]:
    return [site.own("velocity", axis) for axis in range(site.layout.dim)]


def _store(site: Site, rates: list[Node]) -> None:
    for axis, value in enumerate(rates):
        site.store("velocity", axis, site.of_real(value))


def _held(site: Site, forces: list[Node]) -> list[Node]:
    """Forces no larger than the limit, and a count of those that were, where there is one."""
    if not site.layout.limited:
        return forces
    b, limit = site.builder, site.scalar("limit")
    forces = [b.let("bare", force) for force in forces]
    square = b.let("size_squared", add_many(force * force for force in forces))
    over = b.let("over", apply("lt", limit * limit, square))
    factor = b.let("held", apply("select", over, limit / apply("sqrt", apply("select", over, square, 1.0)), 1.0))
    hits = site.own("hits", kind=Kind.INT) + apply("select", over, integer(1), integer(0))
    site.store("hits", None, hits, Kind.INT)
    return [force * factor for force in forces]


def _drift(layout: Layout) -> Kernel:
    """r += w v; with lists, how far a particle has been from where it was when they were made."""
    site = Site(layout)
    b = site.builder
    b.comment("drift: places change at standing velocities")
    square = None
    for axis in range(layout.dim):
        moved = b.let("moved_to", site.own("position", axis) + site.scalar("weight") * site.own("velocity", axis))
        site.store("position", axis, moved)
        if layout.listed:
            away = moved - site.own("reference", axis)
            square = away * away if square is None else square + away * away
    if square is not None:
        before, square = site.own("strayed"), b.let("away_squared", square)
        # what is not a number is no less than before, so that it is kept
        site.store("strayed", None, apply("select", apply("lt", square, before), before, square))
    return site.kernel("drift")


MEASURES = ("kinetic", "potential", "potential size", "virial", "speed")


def measures_of(layout: Layout) -> tuple[str, ...]:
    """What `measure` adds up: energies, the virial sum r . F of pairs, sum m |v|, momenta and angular momenta."""
    axes = range(layout.dim)
    turns = [f"turn {a}{b}" for a in axes for b in axes if a < b]
    return (*MEASURES, *(f"momentum {k}" for k in axes), *turns, "turn size")


def ends_stale(splitting: Splitting) -> bool:
    """Whether places have changed when a step ends since forces were evaluated."""
    return splitting.stages[-1][0] == "drift"


def measure_program(layout: Layout, stale: bool = False) -> Program:
    """totals [measures] of a crowd, [measures, runs] of a batch; `stale`: what is known of all is of earlier places."""
    site = Site(layout)
    b, dim = site.builder, layout.dim
    names = measures_of(layout)
    shape = (len(names), "runs") if layout.batch else (len(names),)
    site.declare(Array("totals", shape, intent=Intent.SUM, instanced=False))
    alone, pairs, size, virial = energies_of(site)
    (mass,) = site.lower((layout.dynamics.mass,), {})
    rates = _rates(site)
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
    lanes = (variable(layout.lane, Kind.INT),) if layout.batch else ()
    for number, value in enumerate(values):
        b.accumulate("totals", integer(number), *lanes, value=site.of_real(value))
    launch = launch_of(layout, site.kernel("measure"), (), EVERYWHERE)
    before = (*far_launches(layout, "time_share"), *look_launches(layout, "time_share")) if stale else ()
    return program_of("measure", (*before, launch, *virial_launches(layout)))


def launch_of(layout: Layout, kernel: Kernel, rename: Iterable[tuple[str, str]] = (), reach: int = 0) -> Launch:
    """The launch of a kernel over all particles; names that it does not have are not renamed."""
    known = {array.name for array in kernel.arrays} | {scalar.name for scalar in kernel.scalars}
    return Launch(kernel, layout.extents, tuple(pair for pair in rename if pair[0] in known), reach)
