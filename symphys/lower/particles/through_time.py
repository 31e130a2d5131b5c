"""Runs of a few particles through time as kernels, and the derivatives of the steps they take.

A step of a splitting is kick a_0, drift b_0, kick a_1, ..., kick a_s. The last kick of a step and the first of the next
are one, but where a row is saved: rows end with a kick of their own. Before a kick the force is evaluated, unless it is
at hand, so that each force is written once. With F(r, p) and unknown p,

    dv += a h / m dF,   dr += b h dv,   dF = sum over pairs of f dd + (2 f' (d . dd) + df/dp . dp) d,   d = r_i - r_j,

where f' is the derivative by |d|^2: a pair's network is differentiated once by its distance and once by its weights,
however many weights there are. Other forces are acts (`symphys.lower.particles.acts`), with Jacobians in place of f and
f'. So is what friction and turns do for half a step before and after a step: the halves of two steps that follow each
other are one, at standing places, between the last kick of the one and the first of the other. The adjoint pulls
cotangents back through the same steps. Sources: Hairer, Lubich, Wanner, "Geometric Numerical Integration", VI.9;
Griewank, Walther, "Evaluating Derivatives" (2nd ed.), section 12.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from codegen import Array, Intent, Kernel, Kind, Node, apply, integer, real
from symphys.lower.particles.bodies import STANDING, Bodies, Unknown
from symphys.lower.particles.columns import Columns
from symphys.lower.particles.cotangents import Cotangents
from symphys.lower.particles.held import Holding
from symphys.lower.particles.held_columns import HeldColumns
from symphys.lower.particles.held_cotangents import HeldCotangents
from symphys.lower.particles.layout import Layout

INT = Kind.INT


@dataclass(frozen=True)
class Move:
    """A kick and a drift, of length `kick` and `drift`; `mark` numbers all places at which forces are evaluated.

    before: the length of a kick that stands before friction and turns of length `ease`, and `visit` the number of
    these; without them, `kick` is all of it. Where something is held, velocities are projected there. fresh: 1, or 0
    where the force at hand is that of the row before. on: 1, or 0 where a row ends and nothing drifts.
    """

    before: Node
    ease: Node
    kick: Node
    drift: Node
    mark: Node
    visit: Node
    fresh: Node
    on: Node


def _opened(layout: Layout) -> Bodies:
    """A kernel that knows its rows and the weights of its splitting."""
    bodies = Bodies(layout)
    bodies.declare(Array("row_lengths", ("rows",)))
    for name in ("row_steps", "row_marks"):
        bodies.declare(Array(name, ("rows",), INT, instanced=False))
    for name in ("kicks", "drifts"):
        bodies.declare(Array(name, ("stages",), instanced=False))
    if bodies.layout.dynamics.timed:
        bodies.declare(Array("row_times", ("rows",)))
        bodies.declare(Array("shares", ("stages",), instanced=False))
    bodies.weigh()
    return bodies


@contextmanager
def _moves(bodies: Bodies, row: Node, back: bool = False) -> Iterator[Move]:
    """Loops over all kicks of a row, the last of which has no drift; `back`: the last first.

    Inside, the bodies know the time.
    """
    b, stages = bodies.builder, bodies.scalar("stages", INT) - 1
    h, steps = b.load("h", "row_lengths", row), b.load("steps_here", "row_steps", row, kind=INT)
    begin = b.load("marks_before", "row_marks", row, kind=INT)
    end = b.load("end", "kicks", stages)
    timed = bodies.layout.dynamics.timed
    start = b.load("start", "row_times", row) if timed else None
    with b.loop("step", 0, steps + 1) as count:
        k = b.let("k_step", steps - count) if back else count
        goes_on = b.let("goes_on", apply("lt", k, steps))
        stop = b.let("stop", apply("select", goes_on, stages, integer(1)))
        with b.loop("stage_count", 0, stop) as passed:
            stage = b.let("stage", stop - 1 - passed) if back else passed
            first, later = apply("eq", stage, integer(0)), apply("lt", integer(0), k)
            before = apply("select", apply("and", first, later), end, 0.0)
            own = apply("select", goes_on, b.load("own", "kicks", stage), 0.0)
            drift = apply("select", goes_on, b.load("drift_weight", "drifts", stage), 0.0)
            anew = apply("or", apply("or", apply("lt", integer(0), stage), later), apply("eq", row, integer(0)))
            fresh = b.let("fresh", apply("select", anew, integer(1), integer(0)))
            if start is not None:
                share = apply("select", goes_on, b.load("share", "shares", stage), 0.0)
                bodies.now = b.let("now", start + h * (apply("to_real", k) + share))
            mark, drift = b.let("mark", begin + k * stages + stage), b.let("drift_length", h * drift)
            apart = bodies.rates is not None or bool(bodies.held)
            halves = [apply("select", apply("and", first, which), 0.5, 0.0) for which in (later, goes_on)]
            ease = b.let("ease_length", h * (halves[0] + halves[1])) if apart else real(0.0)
            kick = b.let("kick_length", h * own if apart else h * (before + own))
            early = b.let("kick_before", h * before) if apart else real(0.0)
            visit = b.let("visit", mark + row) if apart else mark
            on = b.let("on", apply("select", goes_on, integer(1), integer(0))) if bodies.held else fresh
            yield Move(early, ease, kick, drift, mark, visit, fresh, on)


def _ease(bodies: Bodies, move: Move, columns: Columns | None = None, visited: bool = False) -> None:
    """A kick by the force at hand, and what friction and turns then make of velocities; nothing without them."""
    b, act = bodies.builder, bodies.rates
    if act is None:
        return
    _kick(bodies, move.before)
    if visited:
        _copy(bodies, "velocity", "visited_rates", move.visit)
    if columns is not None:
        columns.ease(move.ease)
        return
    with bodies.gripped(act, STANDING, (move.ease,)) as grip:
        for k, value in enumerate(b.call(act.function, grip.arguments, ["eased"] * act.outputs)):
            b.store("velocity", grip.who[act.ends[0]], k, value=value)


def _kick(bodies: Bodies, length: Node) -> None:
    for i in bodies.each_particle():
        pace = bodies.pace(i, length)
        bodies.add("velocity", i, values=[pace * f for f in bodies.vector("f", "force", i)])


def _hold_rates(holding: Holding | None, move: Move, visited: bool = False) -> None:
    """A kick by the force at hand, and velocities projected; nothing where nothing is held."""
    if holding is None:
        return
    _kick(holding.bodies, move.before)
    holding.project()
    if visited:
        _copy(holding.bodies, "velocity", "visited_rates", move.visit)
        _keep(holding, "visited_strains", move.visit)


def _advance_held(holding: Holding | None, bodies: Bodies, move: Move, visited: bool = False) -> None:
    """A kick, a drift, and places held."""
    if holding is None:
        _advance(bodies, move)
        return
    holding.begin()
    _advance(bodies, move)
    with bodies.builder.loop("held", 0, move.on):
        holding.close(move.drift)
        if visited:
            _keep(holding, "visited_amounts", move.mark)


def _keep(holding: Holding, target: str, place: Node) -> None:
    b = holding.bodies.builder
    with b.loop("row", 0, holding.count) as row:
        b.store(target, place, row, value=b.load("kept", "held_amount", row))


def _advance(bodies: Bodies, move: Move) -> None:
    """A kick by the force at hand, and a drift."""
    b = bodies.builder
    for i in bodies.each_particle():
        pace = bodies.pace(i, move.kick)
        for k in range(bodies.layout.dim):
            rate = b.let("rate", b.load("v", "velocity", i, k) + pace * b.load("f", "force", i, k))
            b.store("velocity", i, k, value=rate)
            b.store("position", i, k, value=b.load("r", "position", i, k) + move.drift * rate)


def _copy(bodies: Bodies, source: str, target: str, *leading: Node | int) -> None:
    """Vectors of all particles into a row of another array."""
    for i in bodies.each_particle():
        for k, value in enumerate(bodies.vector("copied", source, i)):
            bodies.builder.store(target, *leading, i, k, value=value)


def _save(bodies: Bodies, row: Node | int) -> None:
    for order, name in enumerate(("position", "velocity")):
        _copy(bodies, name, "saved", row, order)


def _moving(layout: Layout) -> Bodies:
    bodies = _opened(layout)
    for name in ("position", "velocity", "force"):
        bodies.vectors(name)
    bodies.declare(Array("saved", ("rows", 2, "count", layout.dim), intent=Intent.OUT))
    return bodies


def observe_kernel(layout: Layout, visited: bool) -> Kernel:
    """From `position`, `velocity` to `saved` [rows, 2, count, dim].

    visited: leave the places at which forces were met, `visited` [marks, count, dim], and the velocities that friction
    and turns met, `visited_rates` [visits, count, dim].
    """
    bodies = _moving(layout)
    b = bodies.builder
    if visited:
        bodies.vectors("visited", "marks", intent=Intent.OUT)
        if bodies.rates is not None or bodies.held:
            bodies.vectors("visited_rates", "visits", intent=Intent.OUT)
        for name, axis in (("visited_amounts", "marks"), ("visited_strains", "visits")) if bodies.held else ():
            bodies.declare(Array(name, (axis, "held_rows"), intent=Intent.OUT))
    holding = Holding(bodies) if bodies.held else None
    _save(bodies, 0)
    with b.loop("row", 0, bodies.scalar("rows", INT) - 1) as row:
        with _moves(bodies, row) as move:
            with b.loop("anew", 0, move.fresh):
                bodies.forces()
                if visited:
                    _copy(bodies, "position", "visited", move.mark)
            _ease(bodies, move, visited=visited)
            _hold_rates(holding, move, visited)
            _advance_held(holding, bodies, move, visited)
        _save(bodies, row + 1)
    return bodies.whole("observe")


def sensitivity_kernel(layout: Layout, unknown: Unknown, orders: tuple[int, ...]) -> Kernel:
    """`saved` as `observe_kernel`, and `saved_dots` [columns, orders, rows, count, dim], its derivatives.

    orders: of which 0 are places and 1 velocities. Columns: unknown parameters, weights, and whatever else `changes`
    [columns, 3, count, dim] (of places, velocities, forces) begins with.
    """
    bodies = _moving(layout)
    b, columns = bodies.builder, Columns(bodies, unknown, orders)
    holding = Holding(bodies) if bodies.held else None
    held = HeldColumns(holding, columns) if holding else None
    _save(bodies, 0)
    with columns.each() as u:
        columns.save(u, 0)
    with b.loop("row", 0, bodies.scalar("rows", INT) - 1) as row:
        with _moves(bodies, row) as move:
            with b.loop("anew", 0, move.fresh):
                columns.evaluate()
            _ease(bodies, move, columns)
            _hold_rates(holding, move)
            if held is not None:
                held.note_project()
            with columns.each() as u:
                with b.loop("anew", 0, move.fresh):
                    columns.turn(u)
                if bodies.rates is not None:
                    columns.ease_column(u, move.before)
                if held is None:
                    columns.move(u, move.kick, move.drift)
                else:
                    columns.kick(u, move.before)
                    held.project(u)
            _advance_held(holding, bodies, move)
            if held is not None:
                _close_columns(held, columns, move)
        _save(bodies, row + 1)
        with columns.each() as u:
            columns.save(u, row + 1)
    return bodies.whole("sensitivities")


def _close_columns(held: HeldColumns, columns: Columns, move: Move) -> None:
    """The kick, the drift and the places of all columns, where something is held."""
    b = columns.bodies.builder
    with b.loop("held", 0, move.on):
        held.note_close()
    with columns.each() as u:
        with b.loop("held", 0, move.on):
            held.bend(u)
        columns.move(u, move.kick, move.drift)
        with b.loop("held", 0, move.on):
            held.close(u, move.drift)


def adjoint_kernel(layout: Layout, unknown: Unknown) -> Kernel:
    """From `visited` and a loss by what was saved, `saved_bars` [rows, 2, count, dim], to its slopes.

    `place_bars`, `rate_bars` [count, dim] by the initial state; `parameter_bars` [A] of each run, `weight_bars` [W] of
    all.
    """
    bodies = _opened(layout)
    b, bars = bodies.builder, Cotangents(bodies, unknown)
    held = HeldCotangents(Holding(bodies), bars) if bodies.held else None
    bodies.declare(Array("saved_bars", ("rows", 2, "count", layout.dim)))

    def seeds(row: Node | int) -> None:
        for order, name in enumerate(("place_bars", "rate_bars")):
            for i in bodies.each_particle():
                bodies.add(name, i, values=bodies.vector("seed", "saved_bars", row, order, i))

    last_row = bodies.scalar("rows", INT) - 1
    with b.loop("back_row", 0, last_row) as done:
        row = b.let("row", last_row - 1 - done)
        seeds(row + 1)
        with _moves(bodies, row, back=True) as move:
            _undo(bars, held, move)
            if bodies.rates is not None:
                bars.uneased(bodies.rates, move.mark, move.visit, move.ease)
            if held is not None:
                held.unprojected(move.mark, move.visit)
            if bodies.rates is not None or held is not None:
                bars.undo(move.before, None)
            with b.loop("anew", 0, move.fresh):
                bars.forces(move.mark)
    seeds(0)
    return bodies.whole("adjoint")


def _undo(bars: Cotangents, held: HeldCotangents | None, move: Move) -> None:
    """A drift and the kick before it, and what held places thereafter."""
    b = bars.bodies.builder
    if held is None:
        bars.undo(move.kick, move.drift)
        return
    with b.loop("held", 0, move.on):
        held.unclosed(move.mark, move.drift)
    bars.undo(move.kick, move.drift)
    with b.loop("held", 0, move.on):
        held.unbent("visited_amounts", move.mark, move.mark)
