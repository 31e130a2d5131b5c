"""Derivatives of places, velocities and forces by many unknowns, carried along column by column."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from codegen import Array, Intent, Kind, Node, add_many, apply, integer, real
from symphys.lower.particles.acts import Act, acts_of
from symphys.lower.particles.bodies import STANDING, Bodies, Grip, Link, PairFunction, Unknown, Where

INT = Kind.INT


@dataclass(frozen=True)
class Columns:
    """Writes what happens to `changes` [columns, 3, count, dim] beside the bodies themselves.

    `links` [slots, dim + 2] holds of every pair r_i - r_j, f and 2 f'; `link_slopes` [slots, columns] df/dp in units of
    `unit`, which are then those of all columns of parameters. `act<n>` [grips, outputs inputs] holds the Jacobians of
    acts, `act<n>_slopes` [grips, outputs, columns] their derivatives by what is unknown, likewise.
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
        for act in acts_of(bodies.layout.dynamics):
            n = act.number
            bodies.declare(Array(f"act{n}", (f"acts{n}", act.outputs * act.inputs), intent=Intent.INOUT))
            bodies.declare(Array(f"act{n}_slopes", (f"acts{n}", act.outputs, "columns"), intent=Intent.INOUT))

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
        for act in self.bodies.acts:
            with self.bodies.gripped(act, STANDING) as grip:
                self.bodies.deal(act, grip, self.record(act, grip), "force")

    def ease(self, duration: Node) -> None:
        """Velocities after friction and turns within a duration, and what the columns need of that."""
        act = self.bodies.rates
        assert act is not None
        with self.bodies.gripped(act, STANDING, (duration,)) as grip:
            for k, value in enumerate(self.record(act, grip)):
                self.bodies.builder.store("velocity", grip.who[act.ends[0]], k, value=value)

    def record(self, act: Act, grip: Grip) -> list[Node]:
        """The results of an act; their derivatives, one result after another, go to memory."""
        b, many, n = self.bodies.builder, len(self.unknown.symbols), act.number
        unit = self.bodies.scalar("unit")
        values = [b.let("act", grip.chosen(v)) for v in b.call(act.function, grip.arguments, ["act"] * act.outputs)]
        reverse = act.reverse(self.unknown.symbols, self.unknown.bars(self.bar))
        with b.loop("output", 0, act.outputs) as o:
            seeds = [grip.chosen(apply("select", apply("eq", o, integer(k)), 1.0, 0.0)) for k in range(act.outputs)]
            found = b.call(reverse, (*grip.arguments, *seeds))
            for j, value in enumerate(found[: act.inputs]):
                b.store(f"act{n}", grip.place, o * act.inputs + j, value=grip.chosen(value))
            for a, value in zip(act.chosen(self.unknown.symbols), found[act.inputs :], strict=True):
                b.store(f"act{n}_slopes", grip.place, o, a, value=unit * grip.chosen(value))
            if self.unknown.weight_count and act.weights:
                with b.loop("weight", 0, self.unknown.weight_count) as w:
                    slope = grip.chosen(b.load("weight_slope", "weight_bars", w))
                    b.store(f"act{n}_slopes", grip.place, o, w + many, value=unit * slope)
                    b.store("weight_bars", w, value=real(0.0))
        return values

    def dots_of(self, act: Act, u: Node) -> Iterator[tuple[Grip, list[Node]]]:
        """The derivatives of the results of an act by one column, from those of its legs, in a loop."""
        b, n = self.bodies.builder, act.number
        dots: Where = {order: ("changes", (u, integer(order))) for order in (0, 1)}
        with self.bodies.gripped_dots(act, dots) as grip:
            found = []
            for o in range(act.outputs):
                total = b.load("slope", f"act{n}_slopes", grip.place, o, u)
                for j, dot in enumerate(grip.arguments):
                    total = total + b.load("part", f"act{n}", grip.place, o * act.inputs + j) * dot
                found.append(b.let("act_dot", total))
            yield grip, found

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
        for n in (each.number for each in bodies.pairs):
            with b.loop("pair", 0, bodies.scalar(f"pairs{n}", INT)) as p:
                first, second = (b.load(w, f"{w}{n}", p, kind=INT) for w in ("first", "second"))
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
            slots = slots + bodies.scalar(f"pairs{n}", INT)
        for act in bodies.acts:
            for grip, dots in self.dots_of(act, u):
                bodies.deal(act, grip, dots, "changes", u, 2)

    def ease_column(self, u: Node, kick: Node) -> None:
        """A kick of one column, and what friction and turns make of its velocities."""
        bodies, act = self.bodies, self.bodies.rates
        assert act is not None
        self.kick(u, kick)
        for grip, dots in self.dots_of(act, u):
            for k, dot in enumerate(dots):
                bodies.builder.store("changes", u, 1, grip.who[act.ends[0]], k, value=dot)

    def kick(self, u: Node, kick: Node) -> None:
        """A kick of one column."""
        bodies = self.bodies
        for i in bodies.each_particle():
            pace = bodies.pace(i, kick)
            pulls = bodies.vector("f_dot", "changes", u, 2, i)
            bodies.add("changes", u, 1, i, values=[pace * pull for pull in pulls])

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
