"""Derivatives of places, velocities and forces by many unknowns, carried along column by column."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from codegen import Array, Intent, Kind, Node, add_many, integer, real
from symphys.lower.particles.bodies import Bodies, Link, PairFunction, Unknown

INT = Kind.INT


@dataclass(frozen=True)
class Columns:
    """Writes what happens to `changes` [columns, 3, count, dim] beside the bodies themselves.

    `links` [slots, dim + 2] holds of every pair r_i - r_j, f and 2 f'; `link_slopes` [slots, columns] df/dp in units of
    `unit`, which are then those of all columns of parameters.
    """

    bodies: Bodies
    unknown: Unknown
    orders: tuple[int, ...]

    def __post_init__(self) -> None:
        bodies, dim = self.bodies, self.bodies.layout.dim
        bodies.vectors("changes", "columns", 3)
        bodies.declare(Array("saved_dots", ("columns", len(self.orders), "rows", "count", dim), intent=Intent.OUT))
        bodies.declare(Array("links", ("slots", dim + 2), intent=Intent.INOUT))
        bodies.declare(Array("link_slopes", ("slots", "columns"), intent=Intent.INOUT))
        bodies.declare(self.bar)

    @property
    def bar(self) -> Array:
        """Where the slopes of one pair by weights are collected; zero between pairs."""
        return self.unknown.row(Intent.INOUT)

    @contextmanager
    def each(self) -> Iterator[Node]:
        """A loop over all columns."""
        with self.bodies.builder.loop("column", 0, self.bodies.scalar("columns", INT)) as u:
            yield u

    def evaluate(self) -> None:
        """`force` at `position`, and what the columns need of every pair."""
        self.bodies.clear("force")
        self.bodies.links("position", visit=self._visit)

    def _visit(self, each: PairFunction, link: Link) -> None:
        bodies, b, many = self.bodies, self.bodies.builder, len(self.unknown.symbols)
        unit = bodies.scalar("unit")
        found = b.call(each.reverse(self.unknown, self.unknown.bars(self.bar)), (*link.arguments, real(1.0)))
        factor, by_square, *direct = (b.let("here", bodies.near(link, value)) for value in found)
        bodies.pull(link, factor)
        for k, value in enumerate((*link.steps, factor, 2.0 * by_square)):
            b.store("links", link.slot, k, value=value)
        for a, value in zip(each.chosen(self.unknown), direct, strict=True):
            b.store("link_slopes", link.slot, a, value=unit * value)
        if self.unknown.weight_count:
            with b.loop("weight", 0, self.unknown.weight_count) as w:
                slope = bodies.near(link, b.load("weight_slope", "weight_bars", w))
                b.store("link_slopes", link.slot, w + many, value=unit * slope)
                b.store("weight_bars", w, value=real(0.0))

    def turn(self, u: Node) -> None:
        """dF of one column."""
        bodies, b, dim = self.bodies, self.bodies.builder, self.bodies.layout.dim
        bodies.clear("changes", u, 2)
        slots = integer(0)
        for t in range(len(bodies.pairs)):
            with b.loop("pair", 0, bodies.scalar(f"pairs{t}", INT)) as p:
                first, second = (b.load(w, f"{w}{t}", p, kind=INT) for w in ("first", "second"))
                slot = b.let("slot", slots + p)
                steps = [b.load("step", "links", slot, k) for k in range(dim)]
                factor, bend = (b.load(w, "links", slot, dim + k) for k, w in enumerate(("factor", "bend")))
                here = bodies.vector("here", "changes", u, 0, first)
                there = bodies.vector("there", "changes", u, 0, second)
                apart = [b.let("apart", x - y) for x, y in zip(here, there, strict=True)]
                along = add_many(s * d for s, d in zip(steps, apart, strict=True))
                more = b.let("more", bend * along + b.load("slope", "link_slopes", slot, u))
                pulls = [b.let("pull_dot", factor * d + more * s) for s, d in zip(steps, apart, strict=True)]
                bodies.add("changes", u, 2, first, values=pulls)
                bodies.add("changes", u, 2, second, values=[-each for each in pulls])
            slots = slots + bodies.scalar(f"pairs{t}", INT)

    def move(self, u: Node, kick: Node, drift: Node) -> None:
        """A kick and a drift of one column."""
        b = self.bodies.builder
        for i in self.bodies.each_particle():
            pace = self.bodies.pace(i, kick)
            for k in range(self.bodies.layout.dim):
                rate = b.load("v_dot", "changes", u, 1, i, k) + pace * b.load("f_dot", "changes", u, 2, i, k)
                rate = b.let("rate_dot", rate)
                b.store("changes", u, 1, i, k, value=rate)
                b.store("changes", u, 0, i, k, value=b.load("r_dot", "changes", u, 0, i, k) + drift * rate)

    def save(self, u: Node, row: Node | int) -> None:
        """One column into a row of `saved_dots`."""
        for number, order in enumerate(self.orders):
            for i in self.bodies.each_particle():
                for k, value in enumerate(self.bodies.vector("dot", "changes", u, order, i)):
                    self.bodies.builder.store("saved_dots", u, number, row, i, k, value=value)
