"""Forces of pairs at given places, frames side by side as lanes, and their derivatives by what is unknown."""

from __future__ import annotations

from codegen import Array, Intent, Kernel, Node, add_many, real
from symphys.lower.particles.bodies import Bodies, Link, PairFunction, Unknown
from symphys.lower.particles.layout import Layout


def force_kernel(layout: Layout) -> Kernel:
    """`force` [count, dim] at `position`."""
    bodies = _opened(layout)
    bodies.forces()
    return bodies.whole("forces")


def force_rows_kernel(layout: Layout, unknown: Unknown) -> Kernel:
    """`force` as `force_kernel`, and its derivatives, added to `rows` [columns, count, dim]."""
    bodies = _opened(layout)
    b, many = bodies.builder, len(unknown.symbols)
    bodies.vectors("rows_of", "columns")
    bar = unknown.row(Intent.INOUT)
    bodies.declare(bar)
    bodies.clear("force")

    def put(link: Link, column: Node | int, slope: Node) -> None:
        pulls = [b.let("pull_dot", slope * step) for step in link.steps]
        bodies.add("rows_of", column, link.first, values=pulls)
        bodies.add("rows_of", column, link.second, values=[-p for p in pulls])

    def visit(each: PairFunction, link: Link) -> None:
        found = b.call(each.reverse(unknown, unknown.bars(bar)), (*link.arguments, real(1.0)))
        factor, _, *direct = (b.let("here", bodies.near(link, value)) for value in found)
        bodies.pull(link, factor)
        for a, value in zip(each.chosen(unknown), direct, strict=True):
            put(link, a, value)
        if unknown.weight_count:
            with b.loop("weight", 0, unknown.weight_count) as w:
                slope = b.let("weight_slope", bodies.near(link, b.load("slope", "weight_bars", w)))
                b.store("weight_bars", w, value=real(0.0))
                put(link, b.let("column", w + many), slope)

    bodies.links("position", visit=visit)
    return bodies.whole("force_rows")


def force_bars_kernel(layout: Layout, unknown: Unknown) -> Kernel:
    """From a loss by the force, `force_bars` [count, dim], to its slopes.

    `parameter_bars` [A] of each frame, `weight_bars` [W] of all.
    """
    bodies = Bodies(layout)
    b = bodies.builder
    bodies.vectors("position", intent=Intent.IN)
    bodies.vectors("force_bars", intent=Intent.IN)
    bodies.declare(Array("parameter_bars", (max(len(unknown.symbols), 1),), intent=Intent.INOUT))
    bar = unknown.row(Intent.SUM)
    bodies.declare(bar)

    def visit(each: PairFunction, link: Link) -> None:
        here, there = bodies.vector("here", "force_bars", link.first), bodies.vector("there", "force_bars", link.second)
        seed = add_many(s * (x - y) for s, x, y in zip(link.steps, here, there, strict=True))
        seed = b.let("seed", bodies.near(link, seed))
        _, _, *direct = b.call(each.reverse(unknown, unknown.bars(bar)), (*link.arguments, seed))
        for a, value in zip(each.chosen(unknown), direct, strict=True):
            before = b.load("before", "parameter_bars", a)
            b.store("parameter_bars", a, value=before + bodies.near(link, value))

    bodies.links("position", visit=visit)
    return bodies.whole("force_bars_back")


def _opened(layout: Layout) -> Bodies:
    bodies = Bodies(layout)
    bodies.vectors("position", intent=Intent.IN)
    bodies.vectors("force")
    return bodies
