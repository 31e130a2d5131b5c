"""Constraints in kernels: RATTLE for molecules of any shape, each solved for itself, molecules side by side as lanes.

Particles that a constraint binds belong to one molecule. Beside its free motion it moves along M^-1 G^T, with
G_ae = df_a/dr_e at the places where the step began: Newton's method finds the amounts s with f(r + M^-1 G^T s) = 0, and
its matrix G(r) M^-1 G^T is sparse. How that is eliminated is known beforehand, as a list of turns `target -= left *
right / pivot` in which the right-hand side takes part, the same for all molecules of one shape. A pivot that is
rounding is that of a constraint that follows from others; its amount is 0.

The words (row, grip, entry, mix, turn) are told in docs/compiler.md, "What is held", with water as the example.

Velocities need no projection before a step has ended: what they have along M^-1 G^T is taken up by the amounts that
follow.

Sources: Ryckaert, Ciccotti, Berendsen, J. Comput. Phys. 23 (1977) 327; Andersen, J. Comput. Phys. 52 (1983) 24;
Kraeutler, van Gunsteren, Huenenberger, J. Comput. Chem. 22 (2001) 501.
"""

from __future__ import annotations

from codegen import EVERYWHERE, Array, Intent, Kind, Launch, Node, add_many, apply, integer, real, variable
from symphys.lower.particles.block import Block, Row
from symphys.lower.particles.bonds import member_symbols
from symphys.lower.particles.layout import Layout

I = Kind.INT
ITERATIONS = 30  # of Newton's method, which from a step's end needs two or three


def hold_launches(layout: Layout, weight: str) -> tuple[Launch, ...]:
    """After a drift: places with f = 0, velocities that lead there, and the pulls that serve the next drift."""
    if not layout.dynamics.held:
        return ()
    block = Block(layout)
    block.builder.comment("constraint forces, of places: f(r) = 0")
    _close(block, project=False)
    _settle(block)
    if layout.listed:
        _stray(block)
    return (_launch(block, "hold_places", (("weight", weight),)),)


def rate_launches(layout: Layout) -> tuple[Launch, ...]:
    """At the end of a step: velocities along which f stays 0."""
    if not layout.dynamics.held:
        return ()
    block = Block(layout)
    block.builder.comment("constraint forces, of velocities: df/dt = 0")
    _project_rates(block)
    return (_launch(block, "hold_rates"),)


def project_launches(layout: Layout) -> tuple[Launch, ...]:
    """The nearest places with f = 0, and velocities with df/dt = 0."""
    block = Block(layout)
    _close(block, project=True)
    _settle(block)
    return (_launch(block, "project_places"), *rate_launches(layout))


def check_launches(layout: Layout) -> tuple[Launch, ...]:
    """Whether places and velocities are held, pulls for the first drift; how many constraints follow from others."""
    if not layout.dynamics.held:
        return ()
    places = Block(layout)
    _settle(places)
    block = Block(layout)
    b = block.builder
    who, off, spare = (b.register("who", integer(0)), b.register("off", real(0.0)), b.register("spare", integer(0)))

    def look(row: Row) -> None:
        rate = block.along(row, "hold_slope", "velocity")
        b.store(block.scratch("hold_entry"), block.entry(row.number), value=rate)
        parts = [x for end in range(len(row.members)) for x in block.vector("hold_slope", block.grip(row.number, end))]
        rates = [block.other("velocity", m, axis) for m in row.members.values() for axis in range(layout.dim)]
        size = add_many(x * x for x in parts) * add_many(x * x for x in rates)
        limit = block.scalar("hold_tolerance") * block.scalar("hold_tolerance") * size
        bad = b.let("bad", apply("and", apply("lt", limit, rate * rate), apply("eq", who, integer(0))))
        b.assign(off, apply("select", bad, rate, off))
        b.assign(who, apply("select", bad, integer(-1) - row.number, who))

    block.rows(look)
    block.eliminate()
    with b.loop("row", block.first, block.last) as row:
        b.assign(spare, spare + apply("select", apply("eq", block.inverse(row), 0.0), integer(1), integer(0)))
    b.store(block.note("hold_spare", I), block.row, value=spare)
    _blame(block, who, off)
    return _launch(places, "settle"), _launch(block, "look_at_constraints")


def virial_launches(layout: Layout) -> tuple[Launch, ...]:
    """hold_virial [1], or [1, runs]: the sum of r . F over the forces that hold what is held, at places at hand.

    They follow from f'' = 0, G M^-1 (F + G^T lambda) + bend = 0.
    """
    if not layout.dynamics.held:
        return ()
    block = Block(layout)
    b = block.builder
    total = b.register("virial", real(0.0))

    def look(row: Row) -> None:
        symbols, _ = member_symbols(block, row.members, (row.held.bend,))
        (bend,) = block.lower((row.held.bend,), symbols)
        push = block.along(row, "hold_pull", "force") + bend
        b.store(block.scratch("hold_entry"), block.entry(row.number), value=-push)

    def add(row: Row) -> None:
        symbols, _ = member_symbols(block, row.members, row.held.pulls)
        pulls = block.lower(row.held.pulls, symbols)
        b.assign(total, total + block.amount(row.number) * add_many(pulls))

    block.rows(look)
    block.eliminate()
    block.rows(add)
    shape = (1, "runs") if layout.batch else (1,)
    block.declare(Array("hold_virial", shape, intent=Intent.SUM, instanced=False))
    if block.real is None:
        b.accumulate("hold_virial", integer(0), variable(layout.lane, I), value=total)
    else:
        b.accumulate("hold_virial", integer(0), value=apply("select", block.real, total, 0.0))
    return (_launch(block, "virial_of_constraints"),)


def _launch(block: Block, name: str, rename: tuple[tuple[str, str], ...] = ()) -> Launch:
    layout = block.layout
    return Launch(block.kernel(name), ("hold_blocks", "runs" if layout.batch else "size"), rename, EVERYWHERE)


def _close(block: Block, project: bool) -> None:
    """Newton's method until f = 0: along the pulls where the step began, or along those of the places at hand."""
    b = block.builder
    epsilon, root = block.scalar("hold_epsilon"), block.scalar("hold_root")
    per_time = None if project else b.let("per_time", 1.0 / block.scalar("weight"))
    change, before = b.register("change", real(1e30)), b.register("change_before", real(1e31))
    count = b.register("corrections", integer(0))
    span, far = b.register("span", real(0.0)), b.register("far", real(0.0))
    # the error that a change leaves is its square; where lengths are long, changes end as rounding of places
    rough = apply("lt", apply("max", 0.1 * root * span, 4.0 * epsilon * far), change)
    shrinks = apply("or", apply("lt", count, integer(4)), apply("lt", change, before))
    with b.repeat_while(apply("and", apply("and", rough, shrinks), apply("lt", count, ITERATIONS))):
        for register in (span, far):
            b.assign(register, 0.0)

        def look(row: Row) -> None:
            value, _, length, place = block.evaluate(row, value=True, pulls=project)
            b.store(block.scratch("hold_entry"), block.entry(row.number), value=-value)
            b.assign(span, apply("max", span, length))
            b.assign(far, apply("max", far, place))

        block.rows(look)
        block.eliminate()
        b.assign(before, change)
        b.assign(change, 0.0)
        names: dict[str, Node | None] = {"position": None} if project else {"position": None, "velocity": per_time}

        def go(row: Row) -> None:
            b.assign(change, apply("max", change, block.move(row, block.amount(row.number), names)))

        block.rows(go)
        b.assign(count, count + 1)


def _settle(block: Block) -> None:
    """Slopes and pulls at the places at hand; a row that is not held there, and when, is noted."""
    b = block.builder
    worst, who, off = b.register("worst", real(0.0)), b.register("who", integer(0)), b.register("off", real(0.0))

    def look(row: Row) -> None:
        value, steep, span, far = block.evaluate(row, value=True, pulls=True)
        reach = b.let("reach", block.scalar("hold_tolerance") * span + 16.0 * block.scalar("hold_epsilon") * far)
        square = b.let("square", value * value)
        held = apply("and", apply("le", square, steep * reach * reach), apply("isfinite", value))
        bad = b.let("bad", apply("and", apply("not", held), apply("not", apply("lt", square, worst))))
        b.assign(worst, apply("select", bad, square, worst))
        b.assign(off, apply("select", bad, value, off))
        b.assign(who, apply("select", bad, row.number + 1, who))

    block.rows(look)
    _blame(block, who, off)


def _blame(block: Block, who: Node, off: Node) -> None:
    """Leave the first failure of a molecule for the host: the row, or minus it for a rate; by how much; when."""
    b = block.builder
    lost = b.load("lost", block.note("hold_lost", I), block.row, kind=I)
    new = apply("and", apply("not", apply("eq", who, integer(0))), apply("eq", lost, integer(0)))
    with block.where_real(), b.where(b.let("new_loss", new)):
        b.store("hold_lost", block.row, value=who)
        b.store(block.note("hold_off"), block.row, value=off)
        b.store(block.note("hold_when", I), block.row, value=block.scalar("k", I))


def _stray(block: Block) -> None:
    """How far particles have been from where they were when lists were made."""

    def look(row: Row) -> None:
        for member in row.members.values():
            away = [
                block.other("position", member, axis) - block.other("reference", member, axis)
                for axis in range(block.layout.dim)
            ]
            square = add_many(x * x for x in away)
            with block.where_real():
                block.give("strayed", member, None, apply("max", block.other("strayed", member), square))

    block.rows(look)


def _project_rates(block: Block) -> None:
    """Velocities with G v = 0, the nearest in the metric of the masses."""

    def look(row: Row) -> None:
        rate = block.along(row, "hold_slope", "velocity")
        block.builder.store(block.scratch("hold_entry"), block.entry(row.number), value=-rate)

    def go(row: Row) -> None:
        block.move(row, block.amount(row.number), {"velocity": None})

    block.rows(look)
    block.eliminate()
    block.rows(go)
