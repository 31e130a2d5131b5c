"""Charges spread over a mesh, row by row: each adds up what the charges near it leave, and nobody else does.

In what order it does, and so what is rounded how, does not depend on how many threads there are.
"""

from __future__ import annotations

from codegen import EVERYWHERE, Array, Intent, Kind, Launch, Node, apply, real, variable
from symphys.discretise.splines import cardinal_spline
from symphys.lower.particles.coupling import charge_of
from symphys.lower.particles.layout import Layout
from symphys.lower.particles.mesh_cells import Sorting, around, places_on_mesh, points_along, sort_launches, wrapped
from symphys.lower.particles.site import Site

I = Kind.INT


def spread_launches(layout: Layout) -> tuple[Launch, ...]:
    """mesh: charges at the present places."""
    return _splines(layout), *sort_launches(layout), _spread(layout, variable("mesh_row", I))


def _splines(layout: Layout) -> Launch:
    """Of every charge: the cell that it is in, and the splines, those of the first axis by the charge."""
    site = Site(layout)
    b, order = site.builder, layout.mesh
    b.comment("splines: what each charge gives to the points near it")
    places = places_on_mesh(site)
    charge = b.let("charge", charge_of(site))
    for name, value in (
        ("mesh_column", places[0][0] * points_along(site, 1) + places[1][0]),
        ("mesh_depth", places[2][0]),
    ):
        site.declare(Array(f"{name}_flat", ("flat_width",), I, Intent.INOUT, instanced=False))
        b.store(f"{name}_flat", site.index, value=value)
    table = site.declare(Array("mesh_spline", ("flat_width", 3 * order), intent=Intent.INOUT, instanced=False))
    for k, (_, beyond) in enumerate(places):
        values, _ = cardinal_spline(beyond, order)
        for j, value in enumerate(values):
            b.store(table, site.index, k * order + j, value=charge * value if k == 0 else value)
    return Launch(site.kernel("mesh_splines"), layout.extents, (), EVERYWHERE)


def _spread(layout: Layout, row: Node) -> Launch:
    """A row of the mesh: what all charges in the columns near it give to its points."""
    site, order = Sorting(layout), layout.mesh
    b = site.builder
    b.comment("a row of the mesh: the charges near it, each by its splines")
    mesh = site.words("mesh_all_parts", "mesh_numbers", intent=Intent.INOUT, kind=Kind.REAL)
    begin = b.let("begin", row * site.scalar("mesh_stride", I) * 2)
    with b.loop("number", 0, site.scalar("mesh_stride", I) * 2) as number:
        b.store(mesh, begin + number, value=real(0.0))
    x = b.let("x", apply("quotient", row, points_along(site, 1)))
    y = b.let("y", row - x * points_along(site, 1))
    last_part = site.scalar("mesh_parts", I) - 1
    with b.loop("i", 0, order) as i:
        slab = b.let("slab", around(site, 0, x + i))
        start = b.load("slab_start", site.words("mesh_slabs", "mesh_x"), slab, kind=I)
        with b.loop("j", 0, order) as j:
            column = b.let("column", slab * points_along(site, 1) + around(site, 1, y + j))
            first = b.load("first", site.words("mesh_first", "mesh_rows"), column, kind=I)
            last = b.load("last", site.words("mesh_counts", "mesh_parts", "mesh_rows"), last_part, column, kind=I)

            def visit(entry: Node, i: Node = i, j: Node = j) -> None:
                who = b.load("who", site.words("mesh_order", "count"), entry, kind=I)
                depth = b.load("depth", site.words("mesh_depth_flat", "flat_width"), who, kind=I)
                table = site.words("mesh_spline", "flat_width", 3 * order, kind=Kind.REAL)
                across = b.load("of_x", table, who, i) * b.load("of_y", table, who, j + order)
                across = b.let("across", across)
                for k in range(order):
                    point = begin + 2 * wrapped(site, 2, depth - k)
                    more = across * b.load("of_z", table, who, 2 * order + k)
                    b.store(mesh, point, value=b.load("before", mesh, point) + more)

            site.each(start + first, start + last, visit)
    return site.launch("mesh_spread", "mesh_row", "mesh_rows")
