"""Cotangents of places, velocities and forces of a few particles, pulled back through what they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from codegen import Array, Bar, Intent, Node, add_many, real
from symphys.lower.particles.acts import Act
from symphys.lower.particles.bodies import Bodies, Grip, Link, PairFunction, Unknown


@dataclass(frozen=True)
class Cotangents:
    """Writes what happens to `place_bars`, `rate_bars`, `force_bars` [count, dim] from the end of a run to its start.

    Those of parameters, `parameter_bars` [A], and of weights, `weight_bars` [W], add up. `visited` and `visited_rates`
    hold what was on the way there.
    """

    bodies: Bodies
    unknown: Unknown

    def __post_init__(self) -> None:
        bodies, unknown = self.bodies, self.unknown
        bodies.vectors("visited", "marks", intent=Intent.IN)
        for name in ("place_bars", "rate_bars", "force_bars"):
            bodies.vectors(name)
        bodies.declare(Array("parameter_bars", (max(len(unknown.symbols), 1),), intent=Intent.INOUT))
        bodies.declare(unknown.row(Intent.SUM))
        if bodies.rates is not None:
            bodies.vectors("visited_rates", "visits", intent=Intent.IN)

    @property
    def bars(self) -> Mapping[str, Bar]:
        """Where those of weights go."""
        return self.unknown.bars(self.unknown.row(Intent.SUM))

    def undo(self, kick: Node, drift: Node | None) -> None:
        """A drift, if there was one, and the kick before it."""
        bodies, b = self.bodies, self.bodies.builder
        for i in bodies.each_particle():
            pace = bodies.pace(i, kick)
            for k in range(bodies.layout.dim):
                rate = b.load("rate_bar", "rate_bars", i, k)
                if drift is not None:
                    rate = b.let("rate_bar", rate + drift * b.load("place_bar", "place_bars", i, k))
                    b.store("rate_bars", i, k, value=rate)
                b.store("force_bars", i, k, value=b.load("force_bar", "force_bars", i, k) + pace * rate)

    def forces(self, mark: Node) -> None:
        """All forces at the places of a mark."""
        bodies = self.bodies
        bodies.links("visited", mark, visit=self._visit)
        for act in bodies.acts:
            with bodies.gripped(act, {0: ("visited", (mark,))}) as grip:
                found = self.pulled(act, grip, bodies.dealt(act, grip, "force_bars"))
                bodies.pull_legs(act, grip, found, {0: "place_bars"})
        bodies.clear("force_bars")

    def uneased(self, act: Act, mark: Node, visit: Node, duration: Node) -> None:
        """What friction and turns made of velocities within a duration."""
        bodies = self.bodies
        where = {0: ("visited", (mark,)), 1: ("visited_rates", (visit,))}
        with bodies.gripped(act, where, (duration,)) as grip:
            found = self.pulled(act, grip, bodies.dealt(act, grip, "rate_bars"))
            for k in range(bodies.layout.dim):
                bodies.builder.store("rate_bars", grip.who[act.ends[0]], k, value=real(0.0))
            bodies.pull_legs(act, grip, found, {0: "place_bars", 1: "rate_bars"})

    def pulled(self, act: Act, grip: Grip, seeds: list[Node]) -> list[Node]:
        """The cotangents of the legs of an act; those of what is unknown go to their places."""
        symbols = self.unknown.symbols
        found = self.bodies.builder.call(act.reverse(symbols, self.bars), (*grip.arguments, *seeds))
        for a, value in zip(act.chosen(symbols), found[act.inputs :], strict=True):
            self._add(a, grip.chosen(value))
        return list(found[: act.inputs])

    def _visit(self, each: PairFunction, link: Link) -> None:
        bodies, b = self.bodies, self.bodies.builder
        here, there = bodies.vector("here", "force_bars", link.first), bodies.vector("there", "force_bars", link.second)
        apart = [b.let("bar_apart", x - y) for x, y in zip(here, there, strict=True)]
        seed = bodies.near(link, add_many(s * m for s, m in zip(link.steps, apart, strict=True)))
        reverse = each.reverse(self.unknown, self.bars)
        factor, by_square, *direct = b.call(reverse, (*link.arguments, b.let("seed", seed)))
        factor, bend = bodies.near(link, factor), bodies.near(link, 2.0 * by_square)
        factor, bend = b.let("factor", factor), b.let("bend", bend)
        pulls = [b.let("pull_bar", factor * m + bend * s) for s, m in zip(link.steps, apart, strict=True)]
        bodies.add("place_bars", link.first, values=pulls)
        bodies.add("place_bars", link.second, values=[-p for p in pulls])
        for a, value in zip(each.chosen(self.unknown), direct, strict=True):
            self._add(a, bodies.near(link, value))

    def _add(self, a: int, value: Node) -> None:
        b = self.bodies.builder
        b.store("parameter_bars", a, value=b.load("before", "parameter_bars", a) + value)
