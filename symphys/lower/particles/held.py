"""What holds a few particles in runs that are fitted: the steps of RATTLE, and their derivatives.

A drift to r* is followed by r = r* + Q s, v += Q s / w, with Q = M^-1 G^T at the places r_0 where it began and
f(r) = 0; a step ends with v -= Q l, G v = 0. By the implicit function theorem

    A ds = -(G (dr* + dQ s) + df/dp dp),      A = G(r) M^-1 G(r_0)^T,
    A dl = dG v + G (dv - dQ l),              v after, all at the same places,

with the matrix of the solve itself, so that no iteration is differentiated. All constraints of a run are one dense
system, as few particles have few; one whose pivot is rounding follows from others, and its amount is 0. Sources: as for
`symphys.lower.particles.holding`; Griewank, Walther, "Evaluating Derivatives" (2nd ed.), section 15.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from codegen import Array, Intent, Kind, Node, add_many, apply, integer, real
from symphys.lower.particles.acts import Act, HeldActs
from symphys.lower.particles.bodies import Bodies, Grip, Where

INT = Kind.INT
ITERATIONS = 30  # of Newton's method, which from a drift's end needs two or three
FAR = 1e30  # where runs go that cannot be held


@dataclass(frozen=True)
class Holding:
    """All constraints of a run; a row for each. `bodies` are what is held."""

    bodies: Bodies

    def __post_init__(self) -> None:
        bodies = self.bodies
        for name in ("held_field", "held_begin"):
            bodies.vectors(name)
        for name in ("held_old", "held_new"):
            bodies.declare(Array(name, ("held_rows", self.ends, bodies.layout.dim), intent=Intent.INOUT))
        bodies.declare(Array("held_matrix", ("held_rows", "held_rows"), intent=Intent.INOUT))
        for name in ("held_inverse", "held_amount", "held_sum"):
            bodies.declare(Array(name, ("held_rows",), intent=Intent.INOUT))

    @property
    def ends(self) -> int:
        """How many ends a row has at most."""
        return max(len(each.pull.ends) for each in self.bodies.held)

    @property
    def count(self) -> Node:
        """The number of rows."""
        return self.bodies.scalar("held_rows", INT)

    # -- rows ----------------------------------------------------------------------------------------------------------
    def lists(self) -> Iterator[tuple[HeldActs, Node]]:
        """Each list with its first row."""
        first: Node = integer(0)
        for each in self.bodies.held:
            yield each, first
            first = first + self.bodies.scalar(f"acts{each.value.number}", INT)

    def rows(self) -> Iterator[tuple[HeldActs, Node, dict[str, Node]]]:
        """A loop over all rows: what is held, the row, and who its ends are."""
        for each, first in self.lists():
            with self.bodies.ends(each.value) as (place, who):
                yield each, self.bodies.builder.let("held_row", first + place), who

    @contextmanager
    def gripped(
        self, act: Act, first: Node, where: Where, amount: Callable[[Node], Node] | None = None
    ) -> Iterator[tuple[Grip, Node]]:
        """A loop over one list, with the row; amount: what a pull is given, from the row, 1 without."""

        def given(place: Node) -> tuple[Node, ...]:
            if not act.given:
                return ()
            return (real(1.0) if amount is None else amount(first + place),)

        with self.bodies.gripped(act, where, given) as grip:
            yield grip, self.bodies.builder.let("held_row", first + grip.place)

    def slopes(self, where: Where, target: str) -> None:
        """df/dr of all rows into an array."""
        b, dim = self.bodies.builder, self.bodies.layout.dim
        for each, first in self.lists():
            with self.gripped(each.pull, first, where) as (grip, row):
                found = b.call(each.pull.function, grip.arguments, ["slope"] * each.pull.outputs)
                for e in range(len(each.pull.ends)):
                    for k in range(dim):
                        b.store(target, row, e, k, value=found[e * dim + k])

    def along(self, slopes: str, each: HeldActs, row: Node, who: dict[str, Node], field: str, light: bool) -> Node:
        """The slopes of one row times vectors of its ends; light: over masses."""
        parts = []
        for e, end in enumerate(each.pull.ends):
            own = self.bodies.vector("own", slopes, row, e)
            other = self.bodies.vector("along", field, who[end])
            total = add_many(x * y for x, y in zip(own, other, strict=True))
            parts.append(self.bodies.pace(who[end], total) if light else total)
        return add_many(parts)

    def push(self, slopes: str, amount: Callable[[Node], Node], *fields: tuple[str, Node | None]) -> None:
        """Add M^-1 G^T times amounts to vectors, each scaled."""
        for each, row, who in self.rows():
            much = self.bodies.builder.let("amount", amount(row))
            for e, end in enumerate(each.pull.ends):
                own = self.bodies.vector("own", slopes, row, e)
                pace = self.bodies.pace(who[end], much)
                for field, scale in fields:
                    values = [pace * x if scale is None else scale * pace * x for x in own]
                    self.bodies.add(field, who[end], values=values)

    # -- the linear system ---------------------------------------------------------------------------------------------
    def factor(self, later: str, earlier: str) -> None:
        """A = G_later M^-1 G_earlier^T, eliminated in place."""
        b, n = self.bodies.builder, self.count
        self.bodies.clear("held_field")
        for each, column, who in self.rows():
            for sign in (1.0, 0.0):
                for e, end in enumerate(each.pull.ends):
                    own = self.bodies.vector("own", earlier, column, e)
                    pace = self.bodies.pace(who[end], real(sign))
                    for k, x in enumerate(own):
                        b.store("held_field", who[end], k, value=pace * x if sign else real(0.0))
                if sign:
                    for other, row, whose in self.rows():
                        value = self.along(later, other, row, whose, "held_field", light=False)
                        b.store("held_matrix", row, column, value=value)
        with b.loop("pivot_row", 0, n) as p:
            b.store("held_sum", p, value=b.load("diagonal", "held_matrix", p, p))
        with b.loop("pivot", 0, n) as p:
            pivot = b.load("pivot_here", "held_matrix", p, p)
            slight = self.bodies.scalar("hold_slight") * apply("abs", b.load("whole", "held_sum", p))
            small = apply("le", apply("abs", pivot), slight)
            inverse = b.let("inverse", apply("select", small, 0.0, 1.0 / apply("select", small, 1.0, pivot)))
            b.store("held_inverse", p, value=inverse)
            with b.loop("below", p + 1, n) as i:
                left = b.let("left", b.load("left_of", "held_matrix", i, p) * inverse)
                b.store("held_matrix", i, p, value=left)
                with b.loop("beside", p + 1, n) as j:
                    value = b.load("value", "held_matrix", i, j) - left * b.load("above", "held_matrix", p, j)
                    b.store("held_matrix", i, j, value=value)

    def solve(self, transposed: bool = False) -> None:
        """`held_sum` becomes A^-1, or A^-T, times itself."""
        b, n = self.bodies.builder, self.count

        def swept(i: Node, start: Node, stop: Node, over: bool) -> Node:
            total = b.register("rest", b.load("right", "held_sum", i))
            with b.loop("known", start, stop) as j:
                where = (j, i) if transposed else (i, j)
                b.assign(total, total - b.load("factor", "held_matrix", *where) * b.load("found", "held_sum", j))
            return total * b.load("inverse_here", "held_inverse", i) if over else total

        with b.loop("down", 0, n) as i:
            b.store("held_sum", i, value=swept(i, integer(0), i, over=transposed))
        with b.loop("up", 0, n) as up:
            i = b.let("row_up", n - 1 - up)
            b.store("held_sum", i, value=swept(i, i + 1, n, over=not transposed))

    # -- steps ---------------------------------------------------------------------------------------------------------
    def begin(self) -> None:
        """Before a drift: its places, and their slopes."""
        for i in self.bodies.each_particle():
            for k, value in enumerate(self.bodies.vector("begun", "position", i)):
                self.bodies.builder.store("held_begin", i, k, value=value)
        self.slopes({0: ("position", ())}, "held_old")

    def close(self, drift: Node) -> None:
        """After a drift of that length: places with f = 0, velocities that lead there; `held_amount` is how much."""
        bodies, b, n = self.bodies, self.bodies.builder, self.count
        per_time = b.let("per_time", 1.0 / drift)
        here: Where = {0: ("position", ())}
        with b.loop("row", 0, n) as row:
            b.store("held_amount", row, value=real(0.0))
        epsilon, root = bodies.scalar("hold_epsilon"), bodies.scalar("hold_root")
        change, before = b.register("change", real(1e30)), b.register("change_before", real(1e31))
        count, far = b.register("corrections", integer(0)), b.register("far", real(0.0))
        rough = apply("lt", apply("max", 0.1 * root * far, 4.0 * epsilon * far), change)
        shrinks = apply("or", apply("lt", count, integer(4)), apply("lt", change, before))
        with b.repeat_while(apply("and", apply("and", rough, shrinks), apply("lt", count, ITERATIONS))):
            self.slopes(here, "held_new")
            self.factor("held_new", "held_old")
            b.assign(before, change)
            b.assign(change, real(0.0))
            for each, first in self.lists():
                with self.gripped(each.value, first, here) as (grip, row):
                    (value,) = b.call(each.value.function, grip.arguments, ["off"])
                    b.store("held_sum", row, value=-value)
                    for x in grip.arguments[: each.value.inputs]:
                        b.assign(far, apply("max", far, apply("abs", x)))
            self.solve()
            bodies.clear("held_field")
            more = self.amount("held_sum")
            self.push("held_old", more, ("held_field", None))
            for i in bodies.each_particle():
                for k, moved in enumerate(bodies.vector("moved", "held_field", i)):
                    b.assign(change, apply("max", change, apply("abs", moved)))
                    for name, scale in (("position", real(1.0)), ("velocity", per_time)):
                        b.store(name, i, k, value=b.load("was", name, i, k) + scale * moved)
            with b.loop("row", 0, n) as row:
                total = b.load("amount_before", "held_amount", row) + b.load("more", "held_sum", row)
                b.store("held_amount", row, value=total)
            b.assign(count, count + 1)
        lost = b.let("lost", apply("select", apply("lt", count, ITERATIONS), 0.0, FAR))
        for i in bodies.each_particle():  # so that no fit takes what is not held
            bodies.add("position", i, values=[lost] * bodies.layout.dim)
        self.slopes(here, "held_new")
        self.factor("held_new", "held_old")

    def project(self) -> None:
        """Velocities with G v = 0; `held_amount` is how much of Q was taken off."""
        self.slopes({0: ("position", ())}, "held_new")
        self.factor("held_new", "held_new")
        for each, row, who in self.rows():
            value = self.along("held_new", each, row, who, "velocity", light=False)
            self.bodies.builder.store("held_sum", row, value=value)
        self.solve()
        self.push("held_new", self.amount("held_sum"), ("velocity", real(-1.0)))
        b = self.bodies.builder
        with b.loop("row", 0, self.count) as row:
            b.store("held_amount", row, value=b.load("strain", "held_sum", row))

    def amount(self, name: str) -> Callable[[Node], Node]:
        """What stands in an array for each row."""
        return lambda row: self.bodies.builder.load("much", name, row)
