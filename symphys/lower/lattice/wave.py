"""Second-order fields by splitting: phi += a dt phi_t, phi_t += b dt F(phi), and friction followed exactly.

With friction, phi_tt = F(phi) - gamma phi_t, the damping phi_t exp(-gamma dt) is a flow of its own: a conformal
symplectic method (McLachlan, Quispel, Acta Numerica 11 (2002) 341, section 3.4). An absorbing layer is friction that
depends on place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from codegen import Intent, Kernel, Launch, Node, Repeat, apply, program_halo
from symphys.integrators import Splitting
from symphys.lower.lattice.convolve import convolutions_in
from symphys.lower.lattice.layout import Layout
from symphys.lower.lattice.plan import (
    Course,
    Piece,
    Plan,
    Stage,
    course_of,
    halo_launches,
    held,
    kernel_of,
    launch_of,
    numbers_of,
    program_of,
    renamed,
    sponge,
)
from symphys.lower.lattice.site import Site


def wave_plan(layout: Layout, splitting: Splitting) -> Plan:
    """Steps of a splitting for fields whose rates are free of velocities but for linear friction."""
    stages = split_stages(splitting)
    flows = _flows(layout)
    if "damp" in flows.kernels:
        stages = (Stage("damp", 0.5, 0.0), *stages, Stage("damp", 0.5, 1.0))
    course = course_of(stages)
    program = program_of(layout, "wave", (*_opening(flows, course), *flows.written(course.after)[0]))
    weights, offsets = numbers_of(stages)
    own = {s.name for s in program.scalars}
    offsets = {name: value for name, value in offsets.items() if name in own}
    convolved = convolutions_in(layout.dynamics, layout.dynamics.rates)
    sequence = tuple(
        Piece(stage.offset, flows.written([(str(i), stage)])[0], convolved if stage.kind == "kick" else ())
        for i, stage in enumerate(stages)
    )
    return Plan(program, sequence, weights, offsets, {}, False, flows.reach)


def _opening(flows: _Flows, course: Course) -> tuple[Launch | Repeat, ...]:
    """All of a run but what comes after its repetition.

    A body that leaves the positions in the other arrays is taken twice at a time. The odd step goes with what comes
    before where both together bring the positions back, and is taken in place where they do not.
    """
    rings = flows.layout.rings
    body, moved = flows.written(course.body, flows.advance)
    before, _ = flows.written(course.before)
    if not moved:
        return *before, Repeat(course.count, body, "k", rings=rings)
    twice, _ = flows.written((*course.body, *course.again()), flows.advance)
    pairs = Repeat(f"{course.count}_pairs", twice, "k", 2, rings)
    first, moved = flows.written((*course.before, *course.body), flows.advance)
    if not moved:
        return Repeat(f"{course.count}_odd", first, "k"), Repeat(f"{course.count}_even", before), pairs
    return *before, pairs, Repeat(f"{course.count}_odd", flows.written(course.body)[0], "k")


@dataclass(frozen=True)
class _Flows:
    """The kernels of the flows, the one of a kick and the drift after it, and how far kicks reach.

    A kick reads positions around the site, so that a drift in the same pass must write elsewhere: `advance` reads the
    positions from one set of arrays and writes them to another.
    """

    layout: Layout
    kernels: Mapping[str, Kernel]
    advance: Kernel | None
    reach: int
    halo: int

    def written(
        self, part: Sequence[tuple[str, Stage]], advance: Kernel | None = None
    ) -> tuple[tuple[Launch, ...], bool]:
        """The launches of some stages, and whether they leave the positions in the other arrays."""
        launches: list[Launch] = []
        moved, number = False, 0
        while number < len(part):
            suffix, stage = part[number]
            following = part[number + 1][1].kind if number + 1 < len(part) else ""
            reach = self.reach if stage.kind == "kick" else 0
            if advance is not None and (stage.kind, following) == ("kick", "drift"):
                number += 1
                both = (*renamed(advance, suffix), ("drift_weight", f"weight_{part[number][0]}"))
                launches.append(launch_of(self.layout, advance, reach, (*both, *self._swapped(advance, moved))))
                moved = not moved
            else:
                kernel = self.kernels[stage.kind]
                names = (*renamed(kernel, suffix), *self._swapped(kernel, moved))
                launches.append(launch_of(self.layout, kernel, reach, names))
            if "drift" in (stage.kind, following if launches[-1].kernel is advance else ""):
                launches += halo_launches(self.layout, [_next(p) if moved else p for p in self._positions], self.halo)
            number += 1
        return tuple(launches), moved

    @property
    def _positions(self) -> list[str]:
        return [c.name for c in self.layout.components if not c.velocity]

    def _swapped(self, kernel: Kernel, moved: bool) -> Iterable[tuple[str, str]]:
        """Where the positions are, and where they go, by the names that a kernel has for these arrays."""
        own = {a.name for a in kernel.arrays}
        pairs = ((p, _next(p)) for p in self._positions) if moved else ()
        return [each for a, b in pairs for each in ((a, b), (b, a)) if each[0] in own]


def _flows(layout: Layout) -> _Flows:
    """The kernels of a theory; kick and drift in one where nothing stands between the steps."""
    kick, reach = _kick(layout)
    kernels = {"kick": kick, "drift": _drift(layout)}
    damp = _damp(layout)
    if damp is not None:
        kernels["damp"] = damp
    halo = program_halo(program_of(layout, "kick", (launch_of(layout, kick, reach),)))
    in_one_go = layout.order is not None and not convolutions_in(layout.dynamics, layout.dynamics.rates)
    return _Flows(layout, kernels, _advance(layout) if in_one_go else None, reach, halo)


def _next(position: str) -> str:
    return f"next_of_{position}"


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
    """phi_t += weight F, and how far F reaches along the outer axes."""
    site = Site(layout)
    _kicked(site)
    return kernel_of("kick", site), site.reach


def _kicked(site: Site) -> dict[str, Node]:
    """The velocities after a kick, stored, by the names of their components; those without a force are left out."""
    layout, b, weight = site.layout, site.builder, site.scalar("weight")
    friction = layout.dynamics.structure.friction
    assert friction is not None
    rest = {u.velocity: 0 for u in layout.dynamics.unknowns}
    found = {}
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
            after = b.let(f"kicked_{component.name}", before + weight * force)
            site.over_sites(component.name, Intent.INOUT)
            b.store(component.name, *site.where, value=after)
            found[component.name] = after
    return found


def _advance(layout: Layout) -> Kernel:
    """phi_t += weight F, then phi += drift_weight phi_t into other arrays, for neighbours still read the old ones."""
    site = Site(layout)
    kicked, weight = _kicked(site), site.scalar("drift_weight")
    zero = (0,) * layout.dimensions
    for number in range(len(layout.dynamics.unknowns)):
        for q, v in zip(layout.parts(number), layout.parts(number, velocity=True), strict=True):
            velocity = kicked[v.name] if v.name in kicked else site.at(v.name, zero)
            moved = site.at(q.name, zero) + weight * velocity
            target = site.over_sites(_next(q.name), Intent.OUT)
            site.builder.store(target, *site.where, value=moved)
    return kernel_of("advance", site)


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
    layers = any("absorbing" in ends for ends in layout.ends)
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
