"""Runs of a few particles through time as kernels, and the derivatives of the steps they take.

A step of a splitting is kick a_0, drift b_0, kick a_1, ..., kick a_s. The last kick of a step and the first of the next
are one, but where a row is saved: rows end with a kick of their own. Before a kick the force is evaluated, unless it is
at hand, so that each force is written once. With F(r, p) and unknown p,

    dv += a h / m dF,   dr += b h dv,   dF = sum over pairs of f dd + (2 f' (d . dd) + df/dp . dp) d,   d = r_i - r_j,

where f' is the derivative by |d|^2: a pair's network is differentiated once by its distance and once by its weights,
however many weights there are. The adjoint pulls cotangents back through the same steps. Sources: Hairer, Lubich,
Wanner, "Geometric Numerical Integration", VI.9; Griewank, Walther, "Evaluating Derivatives" (2nd ed.), section 12.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from codegen import Array, Intent, Kernel, Kind, Node, add_many, apply, integer
from symphys.lower.particles.bodies import Bodies, Link, PairFunction, Unknown
from symphys.lower.particles.columns import Columns
from symphys.lower.particles.layout import Layout

INT = Kind.INT


@dataclass(frozen=True)
class Move:
    """A kick and a drift, of length `kick` and `drift`; `mark` numbers all places at which forces are evaluated.

    fresh: 1, or 0 where the force at hand is that of the row before.
    """

    kick: Node
    drift: Node
    mark: Node
    fresh: Node


def _opened(layout: Layout) -> Bodies:
    """A kernel that knows its rows and the weights of its splitting."""
    bodies = Bodies(layout)
    bodies.declare(Array("row_lengths", ("rows",)))
    for name in ("row_steps", "row_marks"):
        bodies.declare(Array(name, ("rows",), INT, instanced=False))
    for name in ("kicks", "drifts"):
        bodies.declare(Array(name, ("stages",), instanced=False))
    bodies.weigh()
    return bodies


@contextmanager
def _moves(bodies: Bodies, row: Node, back: bool = False) -> Iterator[Move]:
    """Loops over all kicks of a row, the last of which has no drift; `back`: the last first."""
    b, stages = bodies.builder, bodies.scalar("stages", INT) - 1
    h, steps = b.load("h", "row_lengths", row), b.load("steps_here", "row_steps", row, kind=INT)
    begin = b.load("marks_before", "row_marks", row, kind=INT)
    end = b.load("end", "kicks", stages)
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
            kick, drift = b.let("kick_length", h * (before + own)), b.let("drift_length", h * drift)
            yield Move(kick, drift, b.let("mark", begin + k * stages + stage), fresh)


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
    """From `position`, `velocity` to `saved` [rows, 2, count, dim]; `visited` [marks, count, dim]: all that was."""
    bodies = _moving(layout)
    b = bodies.builder
    if visited:
        bodies.vectors("visited", "marks", intent=Intent.OUT)
    _save(bodies, 0)
    with b.loop("row", 0, bodies.scalar("rows", INT) - 1) as row:
        with _moves(bodies, row) as move:
            with b.loop("anew", 0, move.fresh):
                bodies.forces()
                if visited:
                    _copy(bodies, "position", "visited", move.mark)
            _advance(bodies, move)
        _save(bodies, row + 1)
    return bodies.whole("observe")


def sensitivity_kernel(layout: Layout, unknown: Unknown, orders: tuple[int, ...]) -> Kernel:
    """`saved` as `observe_kernel`, and `saved_dots` [columns, orders, rows, count, dim], its derivatives.

    orders: of which 0 are places and 1 velocities. Columns: unknown parameters, weights, and whatever else `changes`
    [columns, 3, count, dim] (of places, velocities, forces) begins with.
    """
    bodies = _moving(layout)
    b, columns = bodies.builder, Columns(bodies, unknown, orders)
    _save(bodies, 0)
    with columns.each() as u:
        columns.save(u, 0)
    with b.loop("row", 0, bodies.scalar("rows", INT) - 1) as row:
        with _moves(bodies, row) as move:
            with b.loop("anew", 0, move.fresh):
                columns.evaluate()
            with columns.each() as u:
                with b.loop("anew", 0, move.fresh):
                    columns.turn(u)
                columns.move(u, move.kick, move.drift)
            _advance(bodies, move)
        _save(bodies, row + 1)
        with columns.each() as u:
            columns.save(u, row + 1)
    return bodies.whole("sensitivities")


def adjoint_kernel(layout: Layout, unknown: Unknown) -> Kernel:
    """From `visited` and a loss by what was saved, `saved_bars` [rows, 2, count, dim], to its slopes.

    `place_bars`, `rate_bars` [count, dim] by the initial state; `parameter_bars` [A] of each run, `weight_bars` [W] of
    all.
    """
    bodies = _opened(layout)
    b, dim = bodies.builder, layout.dim
    bodies.vectors("visited", "marks", intent=Intent.IN)
    bodies.declare(Array("saved_bars", ("rows", 2, "count", dim)))
    for name in ("place_bars", "rate_bars", "force_bars"):
        bodies.vectors(name)
    bodies.declare(Array("parameter_bars", (max(len(unknown.symbols), 1),), intent=Intent.INOUT))
    bar = unknown.row(Intent.SUM)
    bodies.declare(bar)
    bars = unknown.bars(bar)

    def visit(each: PairFunction, link: Link) -> None:
        here, there = bodies.vector("here", "force_bars", link.first), bodies.vector("there", "force_bars", link.second)
        apart = [b.let("bar_apart", x - y) for x, y in zip(here, there, strict=True)]
        seed = bodies.near(link, add_many(s * m for s, m in zip(link.steps, apart, strict=True)))
        factor, by_square, *direct = b.call(each.reverse(unknown, bars), (*link.arguments, b.let("seed", seed)))
        factor, bend = bodies.near(link, factor), bodies.near(link, 2.0 * by_square)
        factor, bend = b.let("factor", factor), b.let("bend", bend)
        pulls = [b.let("pull_bar", factor * m + bend * s) for s, m in zip(link.steps, apart, strict=True)]
        bodies.add("place_bars", link.first, values=pulls)
        bodies.add("place_bars", link.second, values=[-p for p in pulls])
        for a, value in zip(each.chosen(unknown), direct, strict=True):
            before = b.load("before", "parameter_bars", a)
            b.store("parameter_bars", a, value=before + bodies.near(link, value))

    def seeds(row: Node | int) -> None:
        for order, name in enumerate(("place_bars", "rate_bars")):
            for i in bodies.each_particle():
                bodies.add(name, i, values=bodies.vector("seed", "saved_bars", row, order, i))

    def undo(move: Move) -> None:
        for i in bodies.each_particle():
            pace = bodies.pace(i, move.kick)
            for k in range(dim):
                rate = b.load("rate_bar", "rate_bars", i, k) + move.drift * b.load("place_bar", "place_bars", i, k)
                rate = b.let("rate_bar", rate)
                b.store("rate_bars", i, k, value=rate)
                b.store("force_bars", i, k, value=b.load("force_bar", "force_bars", i, k) + pace * rate)

    last_row = bodies.scalar("rows", INT) - 1
    with b.loop("back_row", 0, last_row) as done:
        row = b.let("row", last_row - 1 - done)
        seeds(row + 1)
        with _moves(bodies, row, back=True) as move:
            undo(move)
            with b.loop("anew", 0, move.fresh):
                bodies.links("visited", move.mark, visit=visit)
                bodies.clear("force_bars")
    seeds(0)
    return bodies.whole("adjoint")
