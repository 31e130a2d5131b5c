"""Neighbours within a cutoff: lists of the particles near each cluster, and images of clusters across a periodic box.

Clusters are small and compact (Pall, Hess, Comput. Phys. Commun. 184 (2013) 2641). Every cluster is also a slot;
further slots are images of clusters, moved by edges of the box, so that forces know nothing of the box: whatever its
shape, and however far a cutoff reaches across it. The list of a cluster names the members of slots that are closer to
its bounding box than the cutoff and a skin.
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
    Scalar,
    add_many,
    apply,
    integer,
    variable,
)
from symphys.lower.particles.layout import Layout
from symphys.lower.programs import program_of

I = Kind.INT


def image_launch(layout: Layout, name: str) -> Launch:
    """<name>_slots [n, slot, member] = <name> [n, source of the slot, member]; of positions, + shift [slot, n]."""
    leading, moved = layout.leading(name), name == "position"
    b = Builder()
    for taken in ("slot", "member", "whole", "slots_of", "source", "shift"):
        b.names.fresh(taken)
    slot = variable("slot", I)
    cluster = b.load("cluster", "source", slot, kind=I)
    for k in range(leading):
        value = b.load("here", "whole", k, cluster)
        b.store("slots_of", k, slot, value=value + b.load("move", "shift", slot, k) if moved else value)
    arrays = [Array("source", ("slots",), I, instanced=False), Array("whole", (leading, "clusters"))]
    arrays.append(Array("slots_of", (leading, "slots"), intent=Intent.OUT))
    if moved:
        arrays.append(Array("shift", ("slots", leading), instanced=False))
    scalars = (Scalar("clusters", I), Scalar("slots", I))
    kernel = Kernel(f"images_of_{name}", "member", tuple(arrays), scalars, b.block(), ("slot",), layout.size)
    return Launch(kernel, ("slots", "size"), (("whole", name), ("slots_of", f"{name}_slots")), EVERYWHERE)


def list_program(layout: Layout) -> Program:
    """neighbours [clusters * capacity]: the slots' members near each cluster; found [cluster]: how many there are.

    `low_all`, `high_all` [dim, slot]: bounding boxes, of the clusters first. `order`: the slots, cell by cell of their
    centres, `cells` where each cell begins, the last axis running fastest; `cells_<k>`, `origin_<k>`, `per_cell_<k>`:
    numbers, start and inverse width of the cells along an axis. `range`: cutoff and skin; `half_<k>`: half of the
    longest bounding box. More than `capacity` are counted, not kept.
    """
    return program_of("list", (Launch(_ListKernel(layout).written(), ("clusters",)),))


class _ListKernel:
    """The kernel under construction: a cluster an instance."""

    def __init__(self, layout: Layout) -> None:
        self.layout, self.builder = layout, Builder()
        dim, axes = layout.dim, range(layout.dim)
        self.arrays = (
            Array("low_all", (dim, "slots"), instanced=False), Array("high_all", (dim, "slots"), instanced=False),
            Array("position_all", (dim, "width"), instanced=False), Array("order", ("slots",), I, instanced=False),
            Array("cells", ("cell_marks",), I, instanced=False), Array("found", (), I, Intent.OUT),
            Array("neighbours", ("listed",), I, Intent.OUT, instanced=False),
        )  # fmt: skip
        counts = ("slots", "width", "cell_marks", "listed", "capacity", *(f"cells_{k}" for k in axes))
        lengths = ("range", *(f"{word}_{k}" for k in axes for word in ("origin", "per_cell", "half")))
        self.scalars = tuple(Scalar(n, I) for n in counts) + tuple(Scalar(n) for n in lengths)
        for name in ("cluster", *(a.name for a in self.arrays), *(s.name for s in self.scalars)):
            self.builder.names.fresh(name)
        self.nodes = {s.name: s.node for s in self.scalars}

    def written(self) -> Kernel:
        """All of it."""
        b, dim, axes = self.builder, self.layout.dim, range(self.layout.dim)
        cluster = variable("cluster", I)
        self.low, self.high = ([b.load(w, f"{w}_all", k, cluster) for k in axes] for w in ("low", "high"))
        self.reach = b.let("reach_squared", self.nodes["range"] * self.nodes["range"])
        self.first, self.last = [], []
        for k in axes:
            far = self.nodes["range"] + self.nodes[f"half_{k}"]
            self.first.append(self._cell(k, self.low[k] - far))
            self.last.append(self._cell(k, self.high[k] + far))
        self.found = b.register("count", integer(0))
        self.base = b.let("base", cluster * self.nodes["capacity"])
        self._visit(0, integer(0), dim)
        b.store("found", value=self.found)
        return Kernel("list_neighbours", "cluster", self.arrays, self.scalars, b.block(), (), 1)

    def _cell(self, axis: int, edge: Node) -> Node:
        """The cell in which a coordinate lies, or the nearest there is."""
        count = apply("to_real", self.nodes[f"cells_{axis}"])
        place = apply("floor", (edge - self.nodes[f"origin_{axis}"]) * self.nodes[f"per_cell_{axis}"])
        within = apply("max", apply("min", place, count - 1.0), 0.0)
        return self.builder.let(f"cell_{axis}", apply("to_int", within))

    def _visit(self, axis: int, row: Node, dim: int) -> None:
        """All cells of the range along this axis and those that follow; along the last they are neighbours."""
        b, width = self.builder, self.nodes[f"cells_{axis}"]
        if axis < dim - 1:
            place = b.register(f"place_{axis}", self.first[axis])
            with b.repeat_while(apply("le", place, self.last[axis])):
                self._visit(axis + 1, row * width + place, dim)
                b.assign(place, place + 1)
            return
        start = b.load("start", "cells", row * width + self.first[axis], kind=I)
        stop = b.load("stop", "cells", row * width + self.last[axis] + 1, kind=I)
        entry = b.register("entry", start)
        with b.repeat_while(apply("lt", entry, stop)):
            slot = b.load("slot", "order", entry, kind=I)
            ends = [(b.load("from_", "low_all", k, slot), b.load("to", "high_all", k, slot)) for k in range(dim)]
            gap = self._square(ends)
            with b.where(apply("lt", gap, self.reach)), b.loop("part", 0, self.layout.size) as part:
                self._keep(b.let("name", slot * integer(self.layout.size) + part))
            b.assign(entry, entry + 1)

    def _keep(self, name: Node) -> None:
        """Write a member behind the last one kept, and keep it if it is near the bounding box."""
        b, capacity = self.builder, self.nodes["capacity"]
        places = [b.load("x", "position_all", k, name) for k in range(self.layout.dim)]
        square = self._square([(x, x) for x in places])
        free = apply("select", apply("lt", self.found, capacity), self.found, capacity - 1)
        b.store("neighbours", self.base + free, value=name)
        b.assign(self.found, self.found + apply("select", apply("lt", square, self.reach), integer(1), integer(0)))

    def _square(self, ends: list[tuple[Node, Node]]) -> Node:
        """The squared distance of a box from the cluster's."""
        gaps = [apply("max", apply("max", low - z, a - high), 0.0)
                for low, high, (a, z) in zip(self.low, self.high, ends, strict=True)]  # fmt: skip
        return add_many(gap * gap for gap in (self.builder.let("gap", gap) for gap in gaps))
