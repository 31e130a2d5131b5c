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
    apply,
    integer,
    variable,
)
from symphys.lower.particles.layout import Layout
from symphys.lower.particles.programs import program_of

I = Kind.INT


def image_kernel(layout: Layout, vector: bool) -> Kernel:
    """slots [dim, slot, member] = clusters [dim, source of the slot, member] + shift [slot, dim]; numbers likewise."""
    b = Builder()
    for name in ("slot", "member", "whole", "slots_of", "source", "shift"):
        b.names.fresh(name)
    slot = variable("slot", I)
    cluster = b.load("cluster", "source", slot, kind=I)
    arrays = [Array("source", ("slots",), I, instanced=False)]
    if vector:
        arrays.append(Array("shift", ("slots", layout.dim), instanced=False))
        for axis in range(layout.dim):
            moved = b.load("here", "whole", axis, cluster) + b.load("move", "shift", slot, axis)
            b.store("slots_of", axis, slot, value=moved)
    else:
        b.store("slots_of", slot, value=b.load("here", "whole", cluster))
    shape = (layout.dim,) if vector else ()
    arrays += [Array("whole", (*shape, "clusters")), Array("slots_of", (*shape, "slots"), intent=Intent.OUT)]
    scalars = (Scalar("clusters", I), Scalar("slots", I))
    name = "images" if vector else "images_of_numbers"
    return Kernel(name, "member", tuple(arrays), scalars, b.block(), ("slot",), layout.size)


def image_launch(layout: Layout, name: str, vector: bool) -> Launch:
    """Bring the images of one array up to date."""
    kernel = image_kernel(layout, vector)
    return Launch(kernel, ("slots", "size"), (("whole", name), ("slots_of", f"{name}_slots")), EVERYWHERE)


def list_program(layout: Layout) -> Program:
    """neighbours [clusters * capacity]: the slots' members near each cluster; found [cluster]: how many there are.

    `low`, `high` [dim, cluster]: bounding boxes. `order`: the members of all slots, cell by cell, `places` [dim, entry]
    where they are, `cells` where each cell begins, the last axis running fastest; `cells_<k>`, `origin_<k>`,
    `per_cell_<k>`: numbers, start and inverse width of the cells along an axis. More than `capacity` are counted, not
    kept.
    """
    dim = layout.dim
    b = Builder()
    arrays = [
        Array("low", (dim,)), Array("high", (dim,)), Array("found", (), I, Intent.OUT),
        Array("order", ("entries",), I, instanced=False), Array("places", (dim, "entries"), instanced=False),
        Array("cells", ("cell_marks",), I, instanced=False),
        Array("neighbours", ("listed",), I, Intent.OUT, instanced=False),
    ]  # fmt: skip
    scalars = [Scalar(n, I) for n in ("entries", "cell_marks", "listed", "capacity")] + [Scalar("range")]
    for k in range(dim):
        scalars += [Scalar(f"cells_{k}", I), Scalar(f"origin_{k}"), Scalar(f"per_cell_{k}")]
    for name in ("cluster", *(a.name for a in arrays), *(s.name for s in scalars)):
        b.names.fresh(name)
    reach = Scalar("range").node
    capacity = Scalar("capacity", I).node
    low, high = ([b.load(f"{w}_{k}", w, k) for k in range(dim)] for w in ("low", "high"))
    first: list[Node] = []
    last: list[Node] = []
    for k in range(dim):
        count = apply("to_real", Scalar(f"cells_{k}", I).node)
        origin, pace = Scalar(f"origin_{k}").node, Scalar(f"per_cell_{k}").node
        for ends, edge in ((first, low[k] - reach), (last, high[k] + reach)):
            place = apply("max", apply("min", apply("floor", (edge - origin) * pace), count - 1.0), 0.0)
            ends.append(b.let("edge", apply("to_int", place)))
    found = b.register("count", integer(0))
    base = b.let("base", variable("cluster", I) * capacity)

    def visit(axis: int, row: Node) -> None:
        """All cells of the range along this axis and the ones that follow."""
        if axis == dim - 1:
            width = Scalar(f"cells_{axis}", I).node
            start = b.load("start", "cells", row * width + first[axis], kind=I)
            stop = b.load("stop", "cells", row * width + last[axis] + 1, kind=I)
            entry = b.register("entry", start)
            with b.repeat_while(apply("lt", entry, stop)):
                keep(entry)
                b.assign(entry, entry + 1)
            return
        place = b.register(f"place_{axis}", first[axis])
        with b.repeat_while(apply("le", place, last[axis])):
            visit(axis + 1, row * Scalar(f"cells_{axis}", I).node + place)
            b.assign(place, place + 1)

    def keep(entry: Node) -> None:
        """Write an entry behind the last one kept, and keep it if it is near the bounding box."""
        square: Node | None = None
        for k in range(dim):
            x = b.load("x", "places", k, entry)
            gap = apply("max", apply("max", low[k] - x, x - high[k]), 0.0)
            square = gap * gap if square is None else square + gap * gap
        assert square is not None
        name = b.load("name", "order", entry, kind=I)
        free = apply("select", apply("lt", found, capacity), found, capacity - 1)
        b.store("neighbours", base + free, value=name)
        near = apply("select", apply("lt", square, reach * reach), integer(1), integer(0))
        b.assign(found, found + near)

    visit(0, integer(0))
    b.store("found", value=found)
    kernel = Kernel("list_neighbours", "cluster", tuple(arrays), tuple(scalars), b.block(), (), 1)
    return program_of("list", (Launch(kernel, ("clusters",)),))
