"""Complex fields of first order by splitting: linear waves in wave number, local phases in space.

psi_t = L(d) psi - i V(x, t, |psi|^2, ...) psi. The linear part multiplies each wave by exp(lambda(k) dt), between two
transforms; the local part keeps |psi|, so that V stands still and the phase exp(-i V dt) is exact, also where V holds
convolutions of |psi|^2. Each part is unitary where lambda is imaginary and V real. Strang, SIAM J. Numer. Anal. 5
(1968) 506; Bao, Jaksch, Markowich, J. Comput. Phys. 187 (2003) 318.
"""

from __future__ import annotations

from codegen import Array, Kernel, Kind, Node, apply
from symphys.fields.dynamics import FieldDynamics
from symphys.integrators import Splitting
from symphys.lower.lattice.convolve import convolutions_in, convolve_steps, convolves_by_program, transform_of_array
from symphys.lower.lattice.layout import Layout
from symphys.lower.lattice.packed import PackedSite, packed_name
from symphys.lower.lattice.plan import (
    Piece,
    Plan,
    Stage,
    Step,
    kernel_of,
    launch_of,
    numbers_of,
    program_of,
    renamed,
    sponge,
    steps_of,
)
from symphys.lower.lattice.wave import split_stages


def why_not_split(dynamics: FieldDynamics) -> str:
    """Why fields cannot be split into waves and phases; empty where they can."""
    if dynamics.structure.local is None:
        return "not all fields are complex and of first order in time with a local, real potential"
    return ""


def coupled(dynamics: FieldDynamics) -> bool:
    """Whether the linear part mixes unknowns, so that each wave number has a matrix."""
    linear = dynamics.structure.linear
    return any(linear[a][b] for a in range(len(linear)) for b in range(len(linear)) if a != b)


def separable_waves(dynamics: FieldDynamics) -> bool:
    """Whether the waves of all unknowns are products over the axes: each on its own, no mixed derivatives."""
    rows = dynamics.structure.linear
    single = all(sum(1 for order in index[1:] if order) <= 1 for a, row in enumerate(rows) for index in row[a])
    return single and not coupled(dynamics)


def split_plan(layout: Layout, splitting: Splitting) -> Plan:
    """Steps of a splitting: kicks are phases, drifts are waves."""
    d = layout.dynamics
    assert d.structure.local is not None
    convolved = convolutions_in(d, d.structure.local)
    in_program = convolves_by_program(layout)
    factors: dict[str, float] = {}

    def steps(stage: Stage, suffix: str) -> tuple[Step, ...]:
        if stage.kind == "kick":
            kernel = _phases(layout)
            convolve = convolve_steps(layout, convolved) if in_program else ()
            return (*convolve, launch_of(layout, kernel, 0, renamed(kernel, suffix)))
        tag = f"w{sorted(distinct).index(stage.weight)}"
        kernel, tables = _waves(layout)
        own = {table: f"{table}_{tag}" for table in tables}
        factors.update(dict.fromkeys(own.values(), stage.weight))
        names = [packed_name(layout, n) for n in range(len(d.unknowns))]
        there = tuple(transform_of_array(layout, name, inverse=False) for name in names)
        back = tuple(transform_of_array(layout, name, inverse=True, scaled=False) for name in names)
        return (*there, launch_of(layout, kernel, 0, own.items()), *back)

    stages = split_stages(splitting)
    merged = stages[0].weight + stages[-1].weight if stages[0].kind == stages[-1].kind == "drift" else None
    distinct = {s.weight for s in stages if s.kind == "drift"} | ({merged} if merged is not None else set())
    body = steps_of(stages, steps)
    numbers, offsets = numbers_of(stages)
    program = program_of(layout, "split_step", body)
    own = {s.name for s in program.scalars}
    hosted = () if in_program else convolved
    sequence = tuple(
        Piece(stage.offset, steps(stage, str(i)), hosted if stage.kind == "kick" else ())
        for i, stage in enumerate(stages)
    )
    return Plan(
        program,
        sequence,
        {name: w for name, w in numbers.items() if name in own},
        {name: o for name, o in offsets.items() if name in own},
        factors,
        True,
        0,
    )


def _phases(layout: Layout) -> Kernel:
    """psi *= exp(-i weight V), and a layer's damping."""
    local = layout.dynamics.structure.local
    assert local is not None
    site = PackedSite(layout)
    b, weight, layer = site.builder, site.scalar("weight"), sponge(site)
    angles = []
    for number, potential in enumerate(local):
        b.comment(f"potential of {packed_name(layout, number)}")
        angles.append(b.let(f"angle_{number}", weight * site.lowering.real(potential)))
    for number, angle in enumerate(angles):
        x, y = site.packed(number)
        c, s = b.let(f"cosine_{number}", apply("cos", angle)), b.let(f"sine_{number}", apply("sin", angle))
        new = [x * c + y * s, y * c - x * s]
        if layer is not None:
            factor = b.let(f"factor_{number}", apply("exp", -(weight * layer)))
            new = [factor * value for value in new]
        site.store(number, *new)
    return kernel_of("phases", site)


def _waves(layout: Layout) -> tuple[Kernel, tuple[str, ...]]:
    """Each wave by its factor, and the tables of the factors: one a field and axis, or one a pair of fields."""
    site = PackedSite(layout)
    many = range(len(layout.dynamics.unknowns))
    if separable_waves(layout.dynamics):
        tables = []
        for number in many:
            x, y = site.packed(number)
            for axis in range(layout.dimensions):
                name, (u, v) = _axis_factor(site, number, axis)
                tables.append(name)
                x, y = x * u - y * v, x * v + y * u
            site.store(number, x, y)
        return kernel_of("waves", site), tuple(tables)
    tables, values = [], [site.packed(number) for number in many]
    mixes = coupled(layout.dynamics)
    for a in many:
        total: list[Node] | None = None
        for b in many if mixes else (a,):
            name = wave_table(layout, a, b)
            tables.append(site.over_sites(name, components=2))
            u, v = (site._load(name, (), component) for component in (0, 1))
            x, y = values[b]
            part = [x * u - y * v, x * v + y * u]
            total = part if total is None else [p + q for p, q in zip(total, part, strict=True)]
        assert total is not None
        site.store(a, *total)
    return kernel_of("waves", site), tuple(tables)


def _axis_factor(site: PackedSite, number: int, axis: int) -> tuple[str, tuple[Node, Node]]:
    """The factor of a wave along one axis, and the table that holds it."""
    name = wave_table(site.layout, number, number, axis)
    if axis == site.layout.dimensions - 1:
        site.builder.names.fresh(name)
        site.arrays[name] = Array(name, (), components=2)
        return name, (site.builder.load("u", name, 0), site.builder.load("v", name, 1))
    size = site.layout.sizes[axis]
    site.scalar(size, Kind.INT)
    site.builder.names.fresh(name)
    site.arrays[name] = Array(name, (size, 2), instanced=False)
    row = site.where[axis]
    return name, (site.builder.load("u", name, row, 0), site.builder.load("v", name, row, 1))


def wave_table(layout: Layout, a: int, b: int, axis: int | None = None) -> str:
    """The name of a table of factors: how unknown b enters a, along one axis or at all wave numbers."""
    base = f"waves_of_{packed_name(layout, a)}"
    if axis is not None:
        return f"{base}_axis_{axis}"
    return base if a == b else f"{base}_from_{packed_name(layout, b)}"
