"""Charges by the cells of a mesh: where each is, and the list of all of them by columns of cells along the last axis.

The list is made anew at every evaluation, by counting. Parts of the charges are counted by column, the counts are added
up, and each part puts its own charges in their places: nobody writes where another does, and the order depends on the
parts alone.
"""

from __future__ import annotations

from collections.abc import Callable

from codegen import EVERYWHERE, Array, Intent, Kernel, Kind, Launch, Node, add_many, apply, integer, variable
from symphys.lower.cells import cell_among
from symphys.lower.particles.aside import Aside
from symphys.lower.particles.layout import Layout
from symphys.lower.particles.site import Site, axis_wish

I = Kind.INT
AXES = "xyz"
PART = variable("mesh_part", I)


def places_on_mesh(site: Site) -> list[tuple[Node, Node]]:
    """By axis, the last point of the mesh that a charge reaches, and how far it is beyond it in units of a cell."""
    b, full, found = site.builder, site.layout.box == "triclinic", []
    for k in range(len(AXES)):
        parts = [site.own("position", a) * site.scalar(f"per_{a}{k}") for a in range(len(AXES)) if full or a == k]
        turns = b.let("turns", add_many(parts))
        count = apply("to_real", points_along(site, k))
        u = b.let(axis_wish("along", k), (turns - apply("floor", turns)) * count)
        cell = b.let("floor", cell_among(u, count))  # rounding may end at the next box
        found.append((b.let(axis_wish("point", k), apply("to_int", cell)), b.let(axis_wish("beyond", k), u - cell)))
    return found


def points_along(site: Site, axis: int) -> Node:
    """How many points the mesh has along an axis."""
    return site.scalar(f"mesh_{AXES[axis]}", I)


def wrapped(site: Site, axis: int, point: Node) -> Node:
    """A point before the first is one of the last."""
    return apply("select", apply("lt", point, integer(0)), point + points_along(site, axis), point)


def around(site: Site, axis: int, point: Node) -> Node:
    """A point behind the last is one of the first."""
    return apply("select", apply("lt", point, points_along(site, axis)), point, point - points_along(site, axis))


class Sorting(Aside):
    """The body of a kernel whose instances are parts of a list, or rows of the mesh, one after the other."""

    axis = "mesh_all"

    def launch(self, name: str, lane: str, count: int | str) -> Launch:
        """Over `count` instances, each for itself."""
        arrays, scalars = tuple(self.arrays.values()), tuple(self.scalars.values())
        kernel = Kernel(name, lane, arrays, scalars, self.builder.block(), (self.axis,), 1)
        return Launch(kernel, (1, count), (), EVERYWHERE)

    def words(self, name: str, *sizes: int | str, intent: Intent = Intent.IN, kind: Kind = I) -> str:
        """An array that belongs to nobody in particular."""
        return self.declare(Array(name, sizes, kind, intent, instanced=False))

    def each(self, first: Node, last: Node, visit: Callable[[Node], None]) -> None:
        """A loop whose bounds are an instance's own."""
        entry = self.builder.register("entry", first)
        with self.builder.repeat_while(apply("lt", entry, last)):
            visit(entry)
            self.builder.assign(entry, entry + 1)


def members_of(site: Sorting, part: Node, visit: Callable[[Node], None]) -> None:
    """A loop over the charges of a part of the list."""
    b = site.builder
    first = b.let("first", part * site.scalar("mesh_share", I))
    end, count = b.let("end", first + site.scalar("mesh_share", I)), site.scalar("count", I)

    def one(entry: Node) -> None:
        with site.scope():
            visit(b.load("place", site.words("wave_member", "count"), entry, kind=I))

    site.each(first, b.let("last", apply("select", apply("lt", end, count), end, count)), one)


def sort_launches(layout: Layout) -> tuple[Launch, ...]:
    """mesh_order: the charges by column; mesh_slabs, mesh_first, mesh_counts: where a column begins and ends."""
    return _counted(layout, PART), _added_up(layout), _begun(layout), _sorted(layout, PART)


def _column(site: Sorting, j: Node) -> Node:
    return site.builder.load("column", site.words("mesh_column_flat", "flat_width"), j, kind=I)


def _counted(layout: Layout, part: Node) -> Launch:
    """mesh_counts [part, column]: how many charges of a part are in a column."""
    site = Sorting(layout)
    b = site.builder
    counts = site.words("mesh_counts", "mesh_parts", "mesh_rows", intent=Intent.INOUT)
    with b.loop("column", 0, site.scalar("mesh_rows", I)) as column:
        b.store(counts, part, column, value=integer(0))

    def visit(j: Node) -> None:
        column = _column(site, j)
        b.store(counts, part, column, value=b.load("before", counts, part, column, kind=I) + 1)

    members_of(site, part, visit)
    return site.launch("mesh_count", "mesh_part", "mesh_parts")


def _added_up(layout: Layout) -> Launch:
    """Counts become how many there are before, in the same slab of columns; mesh_first: before a column."""
    site, slab = Sorting(layout), variable("mesh_slab", I)
    b = site.builder
    counts = site.words("mesh_counts", "mesh_parts", "mesh_rows", intent=Intent.INOUT)
    firsts = site.words("mesh_first", "mesh_rows", intent=Intent.INOUT)
    total = b.register("total", integer(0))
    with b.loop("y", 0, points_along(site, 1)) as y:
        column = b.let("column", slab * points_along(site, 1) + y)
        b.store(firsts, column, value=total)
        with b.loop("part", 0, site.scalar("mesh_parts", I)) as part:
            here = b.load("here", counts, part, column, kind=I)
            b.store(counts, part, column, value=total)
            b.assign(total, total + here)
    b.store(site.words("mesh_slabs", "mesh_x", intent=Intent.INOUT), slab, value=total)
    return site.launch("mesh_add_up", "mesh_slab", "mesh_x")


def _begun(layout: Layout) -> Launch:
    """mesh_slabs: how many charges there are in a slab, becomes how many there are before it."""
    site = Sorting(layout)
    b = site.builder
    slabs = site.words("mesh_slabs", "mesh_x", intent=Intent.INOUT)
    total = b.register("total", integer(0))
    with b.loop("slab", 0, points_along(site, 0)) as slab:
        here = b.load("here", slabs, slab, kind=I)
        b.store(slabs, slab, value=total)
        b.assign(total, total + here)
    return site.launch("mesh_begin", "mesh_one", 1)


def _sorted(layout: Layout, part: Node) -> Launch:
    """mesh_order: the charges by column; counts become where in its slab a part's charges of a column end."""
    site = Sorting(layout)
    b = site.builder
    counts = site.words("mesh_counts", "mesh_parts", "mesh_rows", intent=Intent.INOUT)
    order = site.words("mesh_order", "count", intent=Intent.INOUT)
    slabs = site.words("mesh_slabs", "mesh_x")

    def visit(j: Node) -> None:
        column = _column(site, j)
        before = b.load("before", counts, part, column, kind=I)
        slab = b.load("slab_start", slabs, apply("quotient", column, points_along(site, 1)), kind=I)
        b.store(order, slab + before, value=j)
        b.store(counts, part, column, value=before + 1)

    members_of(site, part, visit)
    return site.launch("mesh_sort", "mesh_part", "mesh_parts")
