"""Neighbours within a cutoff: lists of the particles near each cluster, and images of clusters across a periodic box.

Clusters are small and compact (Pall, Hess, Comput. Phys. Commun. 184 (2013) 2641). Every cluster is also a slot;
further slots are images of clusters, moved by edges of the box, so that forces know nothing of the box: whatever its
shape, and however far a cutoff reaches across it. Every particle has a list of its own: of the members of slots that
are closer to it than the cutoff and a skin. Lists of a cluster stand side by side as its members do, and are filled up
to one length with the number of one who is near nobody.
"""

from __future__ import annotations

from codegen import (
    EVERYWHERE,
    Array,
    Builder,
    Intent,
    Kernel,
    Kind,
    Launch,
    Node,
    Program,
    Repeat,
    Scalar,
    add_many,
    apply,
    integer,
    real,
    variable,
)
from symphys.lower.cells import cell_among
from symphys.lower.particles.layout import Layout
from symphys.lower.programs import program_of

I = Kind.INT
NOWHERE = 1e30  # where empty bounding boxes begin and end


def image_launch(layout: Layout, name: str) -> Launch:
    """<name>_slots [n, slot, member] = <name> [n, source of the slot, member].

    Of positions, + shift [slot, n], and where their components lie side by side, position_slots [slot, member, n].
    """
    leading, moved = layout.leading(name), name == "position"
    beside = moved and layout.stride > 1
    b = Builder()
    for taken in ("slot", "member", "whole", "slots_of", "source", "shift"):
        b.names.fresh(taken)
    slot = variable("slot", I)
    cluster = b.load("cluster", "source", slot, kind=I)
    for k in range(leading):
        value = b.load("here", "whole", k, cluster)
        if moved:
            value = value + b.load("move", "shift", slot, k)
        b.store("slots_of", *((slot, k) if beside else (k, slot)), value=value)
    arrays = [Array("source", ("slots",), I, instanced=False), Array("whole", (leading, "clusters"))]
    shape = ("slots",) if beside else (leading, "slots")
    arrays.append(Array("slots_of", shape, intent=Intent.OUT, components=layout.stride if beside else 1))
    if moved:
        arrays.append(Array("shift", ("slots", leading), instanced=False))
    scalars = (Scalar("clusters", I), Scalar("slots", I))
    kernel = Kernel(f"images_of_{name}", "member", tuple(arrays), scalars, b.block(), ("slot",), layout.size)
    return Launch(kernel, ("slots", "size"), (("whole", name), ("slots_of", f"{name}_slots")), EVERYWHERE)


def list_program(layout: Layout) -> Program:
    """neighbours [cluster, entry, member]: who is near each particle, by number in the slots; found [cluster, member].

    Images, and bounding boxes `low_all`, `high_all` [dim, slot], follow the places first; `reference` takes these and
    `strayed` begins anew. `order`: the slots, cell by cell of where their centres were, `cells` where each cell begins,
    the last axis running fastest; `cells_<k>`, `origin_<k>`, `per_cell_<k>`: numbers, start and inverse width of the
    cells along an axis. `range`: cutoff and skin; `half_<k>`: half of the longest bounding box, and how far centres
    have gone since they were sorted. More than `capacity` are counted, not kept. Here the lists
    are seen flat, neighbours_flat [listed]. Lists of a cluster are filled up to
    the longest, `found_all` [cluster], with `nobody`.
    """
    rows = ("clusters", "size")
    launches = (
        image_launch(layout, "position"),
        Launch(_mark_kernel(layout), rows),
        Launch(_bounds_kernel(layout), ("slots",)),
        Launch(_ListKernel(layout).written(), rows, (), EVERYWHERE),
        Launch(_ends_kernel(layout), ("clusters",)),
        Launch(_fill_kernel(layout), rows, (), EVERYWHERE),
    )
    return program_of("list", (Repeat(1, launches),))


def _mark_kernel(layout: Layout) -> Kernel:
    """reference = position, strayed = 0."""
    b = Builder()
    for taken in ("cluster", "member", "position", "reference", "strayed", "clusters"):
        b.names.fresh(taken)
    cluster = variable("cluster", I)
    for k in range(layout.dim):
        b.store("reference", k, cluster, value=b.load("here", "position", k, cluster))
    b.store("strayed", cluster, value=real(0.0))
    places = (layout.dim, "clusters")
    arrays = (
        Array("position", places), Array("reference", places, intent=Intent.OUT),
        Array("strayed", ("clusters",), intent=Intent.OUT),
    )  # fmt: skip
    return Kernel("mark_places", "member", arrays, (Scalar("clusters", I),), b.block(), ("cluster",), layout.size)


def _bounds_kernel(layout: Layout) -> Kernel:
    """The bounding boxes of slots; what fills up clusters has no part in them."""
    b = Builder()
    for taken in ("slot", "position_all", "kind_all", "low_all", "high_all", "width"):
        b.names.fresh(taken)
    slot, axes = variable("slot", I), range(layout.dim)
    far = real(NOWHERE)
    low, high = ([b.register(w, end) for _ in axes] for w, end in (("low", far), ("high", -far)))
    with b.loop("part", 0, layout.size) as part:
        name = b.let("name", slot * integer(layout.size) + part)
        with b.where(apply("le", integer(0), b.load("own", "kind_all", name, kind=I))):
            for k in axes:
                x = b.load("x", "position_all", *layout.place(name, k))
                b.assign(low[k], apply("min", low[k], x))
                b.assign(high[k], apply("max", high[k], x))
    for k in axes:
        b.store("low_all", k, value=low[k])
        b.store("high_all", k, value=high[k])
    arrays = (
        layout.places(), Array("kind_all", ("width",), I, instanced=False),
        Array("low_all", (layout.dim,), intent=Intent.OUT), Array("high_all", (layout.dim,), intent=Intent.OUT),
    )  # fmt: skip
    return Kernel("bound_slots", "slot", arrays, (Scalar("width", I),), b.block(), (), 1)


def _ends_kernel(layout: Layout) -> Kernel:
    """The longest and the shortest list of each cluster."""
    b = Builder()
    for taken in ("cluster", "found_flat", "found_all", "least", "flat_width"):
        b.names.fresh(taken)
    first = variable("cluster", I) * integer(layout.size)
    begin = b.load("begin", "found_flat", first, kind=I)
    most, least = b.register("most", begin), b.register("fewest", begin)
    with b.loop("part", 1, layout.size) as part:
        own = b.load("own", "found_flat", first + part, kind=I)
        b.assign(most, apply("select", apply("lt", most, own), own, most))
        b.assign(least, apply("select", apply("lt", own, least), own, least))
    b.store("found_all", value=most)
    b.store("least", value=least)
    arrays = (
        Array("found_flat", ("flat_width",), I, instanced=False),
        Array("found_all", (), I, Intent.OUT), Array("least", (), I, Intent.OUT),
    )  # fmt: skip
    return Kernel("ends_of_lists", "cluster", arrays, (Scalar("flat_width", I),), b.block(), (), 1)


def _fill_kernel(layout: Layout) -> Kernel:
    """Lists of a cluster are made as long as its longest: behind its end, each names `nobody`."""
    b = Builder()
    for taken in ("cluster", "member", "neighbours", "found", "found_all", "least", "nobody", "clusters", "capacity"):
        b.names.fresh(taken)
    cluster, nobody, capacity = (variable(name, I) for name in ("cluster", "nobody", "capacity"))
    own = b.load("own", "found", cluster, kind=I)
    first, last = (b.load(w, a, cluster, kind=I) for w, a in (("first", "least"), ("last", "found_all")))
    last = apply("select", apply("lt", last, capacity), last, capacity)
    with b.loop("entry", first, last) as entry, b.where(apply("le", own, entry)):
        b.store("neighbours", cluster, entry, value=nobody)
    rows = ("clusters",)
    arrays = (
        Array("neighbours", ("clusters", "capacity"), I, Intent.INOUT, short=True), Array("found", rows, I),
        Array("found_all", rows, I, instanced=False), Array("least", rows, I, instanced=False),
    )  # fmt: skip
    scalars = tuple(Scalar(name, I) for name in ("clusters", "capacity", "nobody"))
    return Kernel("fill_lists", "member", arrays, scalars, b.block(), ("cluster",), layout.size)


class _ListKernel:
    """The kernel under construction: a particle an instance, a cluster a row, for whose members cells are visited."""

    def __init__(self, layout: Layout) -> None:
        self.layout, self.builder = layout, Builder()
        dim, axes = layout.dim, range(layout.dim)
        self.arrays = (
            Array("low_all", (dim, "slots"), instanced=False), Array("high_all", (dim, "slots"), instanced=False),
            self.layout.places(), Array("order", ("slots",), I, instanced=False),
            Array("cells", ("cell_marks",), I, instanced=False), Array("found", ("clusters",), I, Intent.OUT),
            Array("neighbours_flat", ("listed",), I, Intent.OUT, False, short=True),
            Array("position", (dim, "clusters")),
        )  # fmt: skip
        counts = ("slots", "width", "cell_marks", "clusters", "capacity", "listed", *(f"cells_{k}" for k in axes))
        lengths = ("range", *(f"{word}_{k}" for k in axes for word in ("origin", "per_cell", "half")))
        self.scalars = tuple(Scalar(n, I) for n in counts) + tuple(Scalar(n) for n in lengths)
        for name in ("cluster", "member", *(a.name for a in self.arrays), *(s.name for s in self.scalars)):
            self.builder.names.fresh(name)
        self.nodes = {s.name: s.node for s in self.scalars}

    def written(self) -> Kernel:
        """All of it."""
        b, dim, axes = self.builder, self.layout.dim, range(self.layout.dim)
        cluster = variable("cluster", I)
        self.own = [b.load("own", "position", k, cluster) for k in axes]
        self.low, self.high = ([b.load(w, f"{w}_all", k, cluster) for k in axes] for w in ("low", "high"))
        self.reach = b.let("reach_squared", self.nodes["range"] * self.nodes["range"])
        self.first, self.last = [], []
        for k in axes:
            far = self.nodes["range"] + self.nodes[f"half_{k}"]
            self.first.append(self._cell(k, self.low[k] - far))
            self.last.append(self._cell(k, self.high[k] + far))
        size = integer(self.layout.size)
        begin = b.let("begin", cluster * self.nodes["capacity"] * size + variable("member", I))
        self.end = b.let("end", begin + (self.nodes["capacity"] - 1) * size)
        self.found, self.place = b.register("count", integer(0)), b.register("place", begin)
        self._keep_all(cluster, apart=cluster * size + variable("member", I))
        self._visit(0, integer(0), dim)
        b.store("found", cluster, value=self.found)
        return Kernel("list_neighbours", "member", self.arrays, self.scalars, b.block(), ("cluster",), self.layout.size)

    def _cell(self, axis: int, edge: Node) -> Node:
        """The cell in which a coordinate lies, or the nearest there is."""
        count = apply("to_real", self.nodes[f"cells_{axis}"])
        place = (edge - self.nodes[f"origin_{axis}"]) * self.nodes[f"per_cell_{axis}"]
        return self.builder.let(f"cell_{axis}", apply("to_int", cell_among(place, count)))

    def _visit(self, axis: int, row: Node, dim: int) -> None:
        """All cells of the range along this axis and those that follow; along the last they are neighbours."""
        b, width = self.builder, self.nodes[f"cells_{axis}"]
        if axis < dim - 1:
            with b.loop(f"place_{axis}", self.first[axis], self.last[axis] + 1) as place:
                self._visit(axis + 1, row * width + place, dim)
            return
        start = b.load("start", "cells", row * width + self.first[axis], kind=I)
        stop = b.load("stop", "cells", row * width + self.last[axis] + 1, kind=I)
        with b.loop("entry", start, stop) as entry:
            slot = b.load("slot", "order", entry, kind=I)
            ends = [(b.load("from_", "low_all", k, slot), b.load("to", "high_all", k, slot)) for k in range(dim)]
            gaps = [apply("max", apply("max", low - z, a - high), 0.0)
                    for low, high, (a, z) in zip(self.low, self.high, ends, strict=True)]  # fmt: skip
            near = apply("lt", add_many(gap * gap for gap in (b.let("gap", gap) for gap in gaps)), self.reach)
            with b.where(apply("and", near, apply("not", apply("eq", slot, variable("cluster", I))))):
                self._keep_all(slot, apart=None)

    def _keep_all(self, slot: Node, apart: Node | None) -> None:
        """The members of a slot; not those whose number equals `apart`."""
        with self.builder.loop("part", 0, self.layout.size) as part:
            self._keep(self.builder.let("name", slot * integer(self.layout.size) + part), apart)

    def _keep(self, name: Node, apart: Node | None) -> None:
        """Write a particle behind the last one that was kept, for each member that it is near."""
        b = self.builder
        steps = [x - b.load("x", "position_all", *self.layout.place(name, k)) for k, x in enumerate(self.own)]
        square = add_many(step * step for step in (b.let("step", step) for step in steps))
        near = apply("lt", square, self.reach)
        with b.where(near if apart is None else apply("and", near, apply("not", apply("eq", name, apart)))):
            b.store("neighbours_flat", self.place, value=name)
            b.assign(self.found, self.found + 1)
            further = self.place + integer(self.layout.size)
            b.assign(self.place, apply("select", apply("lt", self.place, self.end), further, self.end))
