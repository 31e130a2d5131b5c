"""Derivatives of held particles by many unknowns, column by column, by the implicit function theorem."""

from __future__ import annotations

from dataclasses import dataclass

from codegen import Node, integer, real
from symphys.lower.particles.bodies import STANDING, Where
from symphys.lower.particles.columns import Columns
from symphys.lower.particles.held import Holding


@dataclass(frozen=True)
class HeldColumns:
    """Writes what holding does to `changes` beside the bodies themselves (`symphys.lower.particles.held`)."""

    holding: Holding
    columns: Columns

    def __post_init__(self) -> None:
        self.holding.bodies.vectors("held_dots")

    def note_project(self) -> None:
        """After velocities were projected: how pulls and rates bend."""
        holding = self.holding
        for each, first in holding.lists():
            with holding.gripped(each.pull, first, STANDING, holding.amount("held_amount")) as (grip, _):
                self.columns.record(each.pull, grip)
            with holding.gripped(each.rate, first, STANDING) as (grip, _):
                self.columns.record(each.rate, grip)

    def project(self, u: Node) -> None:
        """The velocities of one column: dv - dQ l - Q dl."""
        holding, bodies, b = self.holding, self.holding.bodies, self.holding.bodies.builder
        self.bend(u)
        for i in bodies.each_particle():
            bodies.add("changes", u, 1, i, values=[-x for x in bodies.vector("bent", "held_dots", i)])
        for each, first in holding.lists():
            for grip, dots in self.columns.dots_of(each.rate, u):
                b.store("held_sum", first + grip.place, value=dots[0])
        holding.solve()
        self._take(u, ((1, real(-1.0)),), "held_new")

    def note_close(self) -> None:
        """After places were closed: how pulls bent where the drift began, and slopes where it ended."""
        holding = self.holding
        for each, first in holding.lists():
            began: Where = {0: ("held_begin", ())}
            with holding.gripped(each.pull, first, began, holding.amount("held_amount")) as (grip, _):
                self.columns.record(each.pull, grip)
            with holding.gripped(each.value, first, STANDING) as (grip, _):
                self.columns.record(each.value, grip)

    def close(self, u: Node, drift: Node) -> None:
        """After the drift of one column: dQ s + Q ds, and what it does to velocities."""
        holding, bodies, b = self.holding, self.holding.bodies, self.holding.bodies.builder
        per_time = b.let("per_time", 1.0 / drift)
        for i in bodies.each_particle():
            bent = bodies.vector("bent", "held_dots", i)
            bodies.add("changes", u, 0, i, values=bent)
            bodies.add("changes", u, 1, i, values=[per_time * x for x in bent])
        for each, first in holding.lists():
            for grip, dots in self.columns.dots_of(each.value, u):
                b.store("held_sum", first + grip.place, value=-dots[0])
        holding.solve()
        self._take(u, ((0, real(1.0)), (1, per_time)), "held_old")

    def bend(self, u: Node) -> None:
        """`held_dots` = dQ times the amounts at hand; for a drift, at the places where it begins."""
        holding, bodies = self.holding, self.holding.bodies
        bodies.clear("held_dots")
        for each, _ in holding.lists():
            for grip, dots in self.columns.dots_of(each.pull, u):
                bodies.deal(each.pull, grip, dots, "held_dots")
        for i in bodies.each_particle():
            for k, x in enumerate(bodies.vector("pull_dot", "held_dots", i)):
                bodies.builder.store("held_dots", i, k, value=bodies.pace(i, x))

    def _take(self, u: Node, scaled: tuple[tuple[int, Node], ...], slopes: str) -> None:
        """Add Q times `held_sum` to orders of one column, each scaled."""
        holding, bodies = self.holding, self.holding.bodies
        bodies.clear("held_field")
        holding.push(slopes, holding.amount("held_sum"), ("held_field", None))
        for i in bodies.each_particle():
            field = bodies.vector("field", "held_field", i)
            for order, scale in scaled:
                bodies.add("changes", u, integer(order), i, values=[scale * x for x in field])
