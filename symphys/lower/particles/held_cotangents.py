"""Cotangents of held particles: a solve is undone by one solve with the transposed matrix."""

from __future__ import annotations

from dataclasses import dataclass

from codegen import Array, Intent, Node
from symphys.lower.particles.bodies import Where
from symphys.lower.particles.cotangents import Cotangents
from symphys.lower.particles.held import Holding


@dataclass(frozen=True)
class HeldCotangents:
    """Writes what holding does to cotangents (`symphys.lower.particles.held`), from the end of a run to its start.

    `visited_amounts` [marks, rows] and `visited_strains` [visits, rows] hold the amounts of places and velocities.
    """

    holding: Holding
    bars: Cotangents

    def __post_init__(self) -> None:
        bodies = self.holding.bodies
        for name, axis in (("visited_amounts", "marks"), ("visited_strains", "visits")):
            bodies.declare(Array(name, (axis, "held_rows"), intent=Intent.IN))
        bodies.vectors("visited_rates", "visits", intent=Intent.IN)
        for name in ("held_bars", "held_dots"):
            bodies.vectors(name)

    def unclosed(self, mark: Node, drift: Node) -> None:
        """Before a drift is undone: cotangents of its end, and, in `held_bars`, of M G^T s at its begin."""
        holding, bodies, b = self.holding, self.holding.bodies, self.holding.bodies.builder
        per_time = b.let("per_time", 1.0 / drift)
        ended: Where = {0: ("visited", (b.let("next_mark", mark + 1),))}
        holding.slopes({0: ("visited", (mark,))}, "held_old")
        holding.slopes(ended, "held_new")
        holding.factor("held_new", "held_old")
        for i in bodies.each_particle():
            places, rates = bodies.vector("r_bar", "place_bars", i), bodies.vector("v_bar", "rate_bars", i)
            for k, (r, v) in enumerate(zip(places, rates, strict=True)):
                b.store("held_bars", i, k, value=r + per_time * v)
        for each, row, who in holding.rows():
            b.store("held_sum", row, value=-holding.along("held_old", each, row, who, "held_bars", light=True))
        holding.solve(transposed=True)
        bodies.clear("held_dots")
        for each, first in holding.lists():
            with holding.gripped(each.value, first, ended) as (grip, row):
                found = self.bars.pulled(each.value, grip, [b.load("seed", "held_sum", row)])
                bodies.pull_legs(each.value, grip, found, {0: "held_dots"})
        for i in bodies.each_particle():
            turned = bodies.vector("turned_bar", "held_dots", i)
            bodies.add("place_bars", i, values=turned)
            bodies.add("held_bars", i, values=turned)

    def unbent(self, amounts: str, place: Node, mark: Node) -> None:
        """From `held_bars`, cotangents of Q s at the places of a mark; `amounts`, `place`: where s stands."""
        holding, bodies, b = self.holding, self.holding.bodies, self.holding.bodies.builder
        for i in bodies.each_particle():
            for k, x in enumerate(bodies.vector("bar", "held_bars", i)):
                b.store("held_dots", i, k, value=bodies.pace(i, x))
        for each, first in holding.lists():
            here: Where = {0: ("visited", (mark,))}
            with holding.gripped(each.pull, first, here, lambda row: b.load("much", amounts, place, row)) as (grip, _):
                found = self.bars.pulled(each.pull, grip, bodies.dealt(each.pull, grip, "held_dots"))
                bodies.pull_legs(each.pull, grip, found, {0: "place_bars"})

    def unprojected(self, mark: Node, visit: Node) -> None:
        """Cotangents before velocities were projected."""
        holding, bodies, b = self.holding, self.holding.bodies, self.holding.bodies.builder
        holding.slopes({0: ("visited", (mark,))}, "held_new")
        holding.factor("held_new", "held_new")
        for each, row, who in holding.rows():
            b.store("held_sum", row, value=-holding.along("held_new", each, row, who, "rate_bars", light=True))
        holding.solve(transposed=True)
        where: Where = {0: ("visited", (mark,)), 1: ("visited_rates", (visit,))}
        for each, first in holding.lists():
            with holding.gripped(each.rate, first, where) as (grip, row):
                found = self.bars.pulled(each.rate, grip, [b.load("seed", "held_sum", row)])
                bodies.pull_legs(each.rate, grip, found, {0: "place_bars", 1: "rate_bars"})
        for i in bodies.each_particle():
            for k, x in enumerate(bodies.vector("v_bar", "rate_bars", i)):
                b.store("held_bars", i, k, value=-x)
        self.unbent("visited_strains", visit, mark)
