"""Second-order fields by splitting: phi += a dt phi_t, phi_t += b dt F(phi), and friction followed exactly.

With friction, phi_tt = F(phi) - gamma phi_t, the damping phi_t exp(-gamma dt) is a flow of its own: a conformal
symplectic method (McLachlan, Quispel, Acta Numerica 11 (2002) 341, section 3.4). An absorbing layer is friction that
depends on place.
"""

from __future__ import annotations

from codegen import Intent, Kernel, Launch, Node, apply, program_halo
from symphys.integrators import Splitting
from symphys.lower.lattice.convolve import convolutions_in
from symphys.lower.lattice.layout import Layout
from symphys.lower.lattice.plan import (
    Piece,
    Plan,
    Stage,
    halo_launches,
    held,
    kernel_of,
    launch_of,
    numbers_of,
    program_of,
    renamed,
    sponge,
    steps_of,
)
from symphys.lower.lattice.site import Site


def wave_plan(layout: Layout, splitting: Splitting) -> Plan:
    """Steps of a splitting for fields whose rates are free of velocities but for linear friction."""
    kick, reach = _kick(layout)
    drift, damp = _drift(layout), _damp(layout)
    positions = [c.name for c in layout.components if not c.velocity]
    halo = program_halo(program_of(layout, "kick", (launch_of(layout, kick, reach),)))
    fill = halo_launches(layout, positions, halo)

    def steps(stage: Stage, suffix: str) -> tuple[Launch, ...]:
        kernel = {"kick": kick, "drift": drift, "damp": damp}[stage.kind]
        assert kernel is not None
        there = reach if stage.kind == "kick" else 0
        one = launch_of(layout, kernel, there, renamed(kernel, suffix))
        return (one, *fill) if stage.kind == "drift" else (one,)

    stages = split_stages(splitting)
    if damp is not None:
        stages = (Stage("damp", 0.5, 0.0), *stages, Stage("damp", 0.5, 1.0))
    body = steps_of(stages, steps)
    weights, offsets = numbers_of(stages)
    program = program_of(layout, "wave", body)
    own = {s.name for s in program.scalars}
    offsets = {name: value for name, value in offsets.items() if name in own}
    convolved = convolutions_in(layout.dynamics, layout.dynamics.rates)
    sequence = tuple(
        Piece(stage.offset, steps(stage, str(i)), convolved if stage.kind == "kick" else ())
        for i, stage in enumerate(stages)
    )
    return Plan(program, sequence, weights, offsets, {}, False, reach)


def split_stages(splitting: Splitting) -> tuple[Stage, ...]:
    """The stages of a splitting, each at the time to which the other kind has turned the clock."""
    turned = {"kick": 0.0, "drift": 0.0}
    found = []
    for kind, weight in splitting.stages:
        other = "drift" if kind == "kick" else "kick"
        found.append(Stage(kind, weight, turned[other]))
        turned[kind] += weight
    return tuple(found)


def _kick(layout: Layout) -> tuple[Kernel, int]:
    """phi_t += weight F, and how far F reaches along the first outer axis."""
    site = Site(layout)
    b, weight = site.builder, site.scalar("weight")
    friction = layout.dynamics.structure.friction
    assert friction is not None
    rest = {u.velocity: 0 for u in layout.dynamics.unknowns}
    for number, rate in enumerate(layout.dynamics.rates):
        # friction is a flow of its own, so that the force is the rate at rest
        value = site.lowering.run(rate.xreplace(rest))
        for component in layout.parts(number, velocity=True):
            force = value[component.part]
            if force is None:
                continue
            b.comment(f"force on {component.name}")
            force = b.let(f"force_{component.name}", held(site, force))
            before = site.at(component.name, (0,) * layout.dimensions)
            site.over_sites(component.name, Intent.INOUT)
            b.store(component.name, *site.where, value=before + weight * force)
    return kernel_of("kick", site), site.reach


def _drift(layout: Layout) -> Kernel:
    """phi += weight phi_t."""
    site = Site(layout)
    weight = site.scalar("weight")
    zero = (0,) * layout.dimensions
    for number in range(len(layout.dynamics.unknowns)):
        for q, v in zip(layout.parts(number), layout.parts(number, velocity=True), strict=True):
            moved = site.at(q.name, zero) + weight * site.at(v.name, zero)
            site.over_sites(q.name, Intent.INOUT)
            site.builder.store(q.name, *site.where, value=moved)
    return kernel_of("drift", site)


def _damp(layout: Layout) -> Kernel | None:
    """phi_t *= exp(-weight (gamma + sigma)); None where nothing damps."""
    friction = layout.dynamics.structure.friction
    assert friction is not None
    layers = "absorbing" in layout.boundaries
    if not layers and not any(friction):
        return None
    site = Site(layout)
    weight, layer = site.scalar("weight"), sponge(site)
    zero = (0,) * layout.dimensions
    for number, gamma in enumerate(friction):
        total: Node | None = layer
        if gamma != 0:
            own = site.lowering.real(gamma)
            total = own if total is None else total + own
        if total is None:
            continue
        factor = site.builder.let("factor", apply("exp", -(weight * total)))
        for v in layout.parts(number, velocity=True):
            slowed = site.at(v.name, zero) * factor
            site.over_sites(v.name, Intent.INOUT)
            site.builder.store(v.name, *site.where, value=slowed)
    return kernel_of("damp", site)
