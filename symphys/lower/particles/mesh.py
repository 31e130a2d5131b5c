"""The smooth part of a sum over all images through a mesh: charges are spread, transformed, weighted, and read back.

The mesh holds complex numbers. What comes back has the potential in its real part and in its imaginary part what the
virial takes in its place, as both are sums over waves with real, even weights (`symphys.discretise.mesh.influence`).

Slopes of an interpolated energy do not quite add up to zero. What all charges together are pushed by is taken off in
proportion to their masses, as an acceleration of all of them, which does no work while their momenta cancel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from codegen import (
    EVERYWHERE,
    Array,
    Builder,
    Intent,
    Kernel,
    Kind,
    Launch,
    Node,
    Scalar,
    Transform,
    add_many,
    apply,
    variable,
)
from symphys.discretise.splines import cardinal_spline
from symphys.language.particle_symbols import LocalSymbol
from symphys.lower.particles.coupling import coupling_factor, self_energy
from symphys.lower.particles.layout import Layout
from symphys.lower.particles.mesh_cells import AXES, PART, Sorting, members_of, places_on_mesh, points_along, wrapped
from symphys.lower.particles.site import Site, axis_wish, summed
from symphys.lower.particles.spread import spread_launches

I = Kind.INT
WORDS = ("spline", "slope")
Step = Launch | Transform


def mesh_launches(layout: Layout, share: str) -> tuple[Step, ...]:
    """mesh: the potential of all charges, and its virial; mesh_force: what it does to each, after a share of a step."""
    there, back = (Transform("mesh", "mesh", "mesh_z", inverse, ("fourier",) * 3, False) for inverse in (False, True))
    return (
        *spread_launches(layout),
        there,
        _weigh_launch(),
        back,
        _read_launch(layout, share),
        *_total_launches(layout),
    )


def force_of_mesh(site: Site) -> list[Node]:
    """[dim], what the mesh does to particle i, less its part of what it does to all together."""
    (mass,) = site.lower((site.layout.dynamics.mass,), {})
    totals = site.declare(Array("mesh_total", (len(AXES) + 1,), instanced=False))
    heavy = site.builder.load("mesh_mass", totals, len(AXES))
    share = site.builder.let("share", mass / heavy)
    return [
        site.own("mesh_force", k) - share * site.builder.load(axis_wish("mesh_push", k), totals, k)
        for k in range(len(AXES))
    ]


def energy_of_mesh(site: Site) -> tuple[Node, Node]:
    """i's share of the energy and of the virial of the mesh; less what it does to itself."""
    b = site.builder
    (energy, virial), add = summed(site, ("mesh_energy", "mesh_virial"))
    with _rows_near(site) as (across, sums):
        add([across[0] * sums(0, 0), across[0] * sums(0, 1)])
    half = b.let("half_strength", 0.5 * coupling_factor(site))
    return half * (energy - self_energy(site)), half * virial


def _weigh_launch() -> Launch:
    """Every wave by its weight, and by i times that of its virial."""
    b = Builder()
    for taken in ("mesh", "mesh_influence", "mesh_x", "mesh_y", "plane", "line", "point"):
        b.names.fresh(taken)
    place = (variable("plane", I), variable("line", I))
    arrays = (
        Array("mesh", ("mesh_x", "mesh_y"), intent=Intent.INOUT, components=2),
        Array("mesh_influence", ("mesh_x", "mesh_y"), components=2),
    )
    u, v = (b.load("number", "mesh", *place, k) for k in (0, 1))
    weight, bend = (b.load("weight", "mesh_influence", *place, k) for k in (0, 1))
    for k, value in enumerate((u * weight - v * bend, v * weight + u * bend)):
        b.store("mesh", *place, k, value=b.let("weighed", value))
    scalars = (Scalar("mesh_x", I), Scalar("mesh_y", I))
    kernel = Kernel("mesh_weigh", "point", arrays, scalars, b.block(), ("plane", "line"), 8)
    return Launch(kernel, ("mesh_x", "mesh_y", "mesh_z"))


def _read_launch(layout: Layout, share: str) -> Launch:
    """mesh_force: what the slope of the potential does to each charge."""
    site = Site(layout)
    b, full = site.builder, layout.box == "triclinic"
    b.comment("the slope of the mesh at a charge")
    slopes, add = summed(site, [axis_wish("slope", k) for k in range(len(AXES))])
    with _rows_near(site) as (across, sums):
        here = b.let("row_sum", sums(0, 0))
        add([across[1] * here, across[2] * here, across[0] * sums(1, 0)])
    turned = [b.let("slope", slope * apply("to_real", points_along(site, k))) for k, slope in enumerate(slopes)]
    strength = b.let("strength", -coupling_factor(site))
    for a in range(len(AXES)):
        parts = [turned[k] * site.scalar(f"per_{a}{k}") for k in range(len(AXES)) if full or a == k]
        site.store("mesh_force", a, strength * add_many(parts))
    met = (("time_share", share),) if "time_share" in site.scalars else ()
    return Launch(site.kernel("mesh_read"), layout.extents, met, EVERYWHERE)


def _total_launches(layout: Layout) -> tuple[Launch, ...]:
    """mesh_total: the sum of the forces, and that of the masses, in an order that no number of threads changes."""
    site = Sorting(layout)
    b, mass = site.builder, layout.dynamics.mass
    registers = [b.register(wish, 0.0) for wish in ("push_x", "push_y", "push_z", "heavy")]

    def add(j: Node) -> None:
        own = {s: site.other(s.word, j) for s in mass.free_symbols if isinstance(s, LocalSymbol)}
        values = (*(site.other("mesh_force", j, k) for k in range(len(AXES))), *site.lower((mass,), own))
        for register, value in zip(registers, values, strict=True):
            b.assign(register, register + value)

    members_of(site, PART, add)
    sums = site.words("mesh_push", "mesh_parts", len(registers), intent=Intent.INOUT, kind=Kind.REAL)
    for k, register in enumerate(registers):
        b.store(sums, PART, k, value=register)
    whole = Sorting(layout)
    b = whole.builder
    totals = [b.register("total", 0.0) for _ in registers]
    with b.loop("one_part", 0, whole.scalar("mesh_parts", I)) as one:
        sums = whole.words("mesh_push", "mesh_parts", len(registers), kind=Kind.REAL)
        for k, total in enumerate(totals):
            b.assign(total, total + b.load("push", sums, one, k))
    result = whole.words("mesh_total", len(registers), intent=Intent.INOUT, kind=Kind.REAL)
    for k, total in enumerate(totals):
        b.store(result, k, value=total)
    return site.launch("mesh_push_of_parts", "mesh_part", "mesh_parts"), whole.launch("mesh_push", "mesh_one", 1)


Sums = Callable[[int, int], Node]


@contextmanager
def _rows_near(site: Site) -> Iterator[tuple[list[Node], Sums]]:
    """A loop over the rows of the mesh near a charge: what it has of each, by its splines along the first two axes and
    with the slope of either, and sums over the row by the spline (0) or its slope (1) of a part of the mesh's numbers.
    """
    b, order, places = site.builder, site.layout.mesh, places_on_mesh(site)
    mesh = site.declare(Array("mesh_all_parts", ("mesh_numbers",), instanced=False))
    splines = [cardinal_spline(beyond, order) for _, beyond in places]
    tables = [[_table(site, f"{word}_{AXES[k]}", values) for word, values in zip(WORDS, splines[k], strict=True)]
              for k in (0, 1)]  # fmt: skip
    along = [[b.let("spline_z", value) for value in values] for values in splines[2]]
    points = [b.let("point", 2 * wrapped(site, 2, places[2][0] - k)) for k in range(order)]
    with b.loop("i", 0, order) as i:
        plane = b.let("plane", wrapped(site, 0, places[0][0] - i) * points_along(site, 1))
        x, x_slope = (b.load("of_x", table, i) for table in tables[0])
        with b.loop("j", 0, order) as j:
            line = plane + wrapped(site, 1, places[1][0] - j)
            row = b.let("line", line * site.scalar("mesh_stride", I) * 2)
            y, y_slope = (b.load("of_y", table, j) for table in tables[1])
            read: dict[int, list[Node]] = {}

            def sums(which: int, part: int) -> Node:
                if part not in read:
                    read[part] = [b.load("here", mesh, row + point + part) for point in points]
                return add_many(s * value for s, value in zip(along[which], read[part], strict=True))

            yield [x * y, x_slope * y, x * y_slope], sums


def _table(site: Site, wish: str, values: Sequence[Node]) -> str:
    """Values where a loop finds them."""
    table = site.builder.local(wish, (len(values),))
    for k, value in enumerate(values):
        site.builder.store(table, k, value=value)
    return table
