"""Runs of a few particles through time as kernels, and the derivatives of the steps they take.

A step of a splitting is kick a_0, drift b_0, kick a_1, ..., kick a_s, the force evaluated after every drift; the last
kick of a step and the first of the next are one, but for rows that are saved. With F(r, p) and unknown p,

    dv += a h / m dF,   dr += b h dv,   dF = sum over pairs of f dd + (2 f' (d . dd) + df/dp . dp) d,   d = r_i - r_j,

where f' is the derivative by |d|^2: a pair's network is differentiated once by its distance and once by its weights,
however many weights there are. The adjoint pulls cotangents back through the same steps. Sources: Hairer, Lubich,
Wanner, "Geometric Numerical Integration", VI.9; Griewank, Walther, "Evaluating Derivatives" (2nd ed.), section 12.1.
"""

from __future__ import annotations

from codegen import Array, Intent, Kernel, Kind, Node, add_many, apply, integer
from symphys.lower.particles.bodies import Bodies, Link, PairFunction, Unknown
from symphys.lower.particles.columns import Columns
from symphys.lower.particles.layout import Layout

INT = Kind.INT


def _opened(layout: Layout) -> Bodies:
    """A kernel that knows its rows and the weights of its splitting."""
    bodies = Bodies(layout)
    bodies.declare(Array("row_lengths", ("rows",)))
    bodies.declare(Array("row_steps", ("rows",), INT, instanced=False))
    bodies.declare(Array("kicks", ("stages",), instanced=False))
    bodies.declare(Array("drifts", ("stages",), instanced=False))
    for name in ("position", "velocity", "force"):
        bodies.vectors(name)
    bodies.weigh()
    return bodies


def _first_weight(bodies: Bodies, k: Node, stage: Node, h: Node) -> Node:
    """That of the kick before a drift: with the last kick of the step before, where there was one."""
    b, last = bodies.builder, bodies.scalar("stages", INT) - 1
    own, end = b.load("own", "kicks", stage), b.load("end", "kicks", last)
    goes_on = apply("and", apply("eq", stage, integer(0)), apply("lt", integer(0), k))
    return b.let("kick_weight", h * (own + apply("select", goes_on, end, 0.0)))


def _last_weight(bodies: Bodies, h: Node) -> Node:
    b = bodies.builder
    return b.let("kick_weight", h * b.load("end", "kicks", bodies.scalar("stages", INT) - 1))


def _mark(bodies: Bodies, row: Node, k: Node, stage: Node) -> Node:
    """The place among all that are visited of the one after a drift."""
    b = bodies.builder
    before = b.load("marks_before", "row_marks", row, kind=INT)
    return b.let("mark", before + k * (bodies.scalar("stages", INT) - 1) + stage + 1)


def _move(bodies: Bodies, kick: Node, drift: Node | None) -> None:
    """A kick by the force at hand, and a drift."""
    b = bodies.builder
    for i in bodies.each_particle():
        pace = bodies.pace(i, kick)
        for k in range(bodies.layout.dim):
            rate = b.let("rate", b.load("v", "velocity", i, k) + pace * b.load("f", "force", i, k))
            b.store("velocity", i, k, value=rate)
            if drift is not None:
                b.store("position", i, k, value=b.load("r", "position", i, k) + drift * rate)


def _copy(bodies: Bodies, source: str, target: str, *leading: Node | int) -> None:
    """Vectors of all particles into a row of another array."""
    for i in bodies.each_particle():
        for k, value in enumerate(bodies.vector("copied", source, i)):
            bodies.builder.store(target, *leading, i, k, value=value)


def _save(bodies: Bodies, row: Node | int) -> None:
    for order, name in enumerate(("position", "velocity")):
        _copy(bodies, name, "saved", row, order)


def observe_kernel(layout: Layout, visited: bool) -> Kernel:
    """From `position`, `velocity` to `saved` [rows, 2, count, dim]; `visited` [marks, count, dim]: all that was."""
    bodies = _opened(layout)
    b = bodies.builder
    bodies.declare(Array("saved", ("rows", 2, "count", layout.dim), intent=Intent.OUT))
    if visited:
        bodies.vectors("visited", "marks", intent=Intent.OUT)
        bodies.declare(Array("row_marks", ("rows",), INT, instanced=False))

    def evaluate(mark: Node) -> None:
        bodies.forces()
        if visited:
            _copy(bodies, "position", "visited", mark)

    evaluate(integer(0))
    _save(bodies, 0)
    with b.loop("row", 0, bodies.scalar("rows", INT) - 1) as row:
        h, steps = b.load("h", "row_lengths", row), b.load("steps_here", "row_steps", row, kind=INT)
        with b.loop("k_step", 0, steps) as k, b.loop("stage", 0, bodies.scalar("stages", INT) - 1) as stage:
            _move(bodies, _first_weight(bodies, k, stage, h), h * b.load("drift_weight", "drifts", stage))
            evaluate(_mark(bodies, row, k, stage) if visited else integer(0))
        _move(bodies, _last_weight(bodies, h), None)
        _save(bodies, row + 1)
    return bodies.whole("observe")


def sensitivity_kernel(layout: Layout, unknown: Unknown, orders: tuple[int, ...]) -> Kernel:
    """`saved` as `observe_kernel`, and `saved_dots` [columns, orders, rows, count, dim], its derivatives.

    orders: of which 0 are places and 1 velocities. Columns: unknown parameters, weights, and whatever else `changes`
    [columns, 3, count, dim] (of places, velocities, forces) begins with.
    """
    bodies = _opened(layout)
    bodies.declare(Array("saved", ("rows", 2, "count", layout.dim), intent=Intent.OUT))
    columns = Columns(bodies, unknown, orders)
    b = bodies.builder
    columns.evaluate()
    _save(bodies, 0)
    with columns.each() as u:
        columns.turn(u)
        columns.save(u, 0)
    with b.loop("row", 0, bodies.scalar("rows", INT) - 1) as row:
        h, steps = b.load("h", "row_lengths", row), b.load("steps_here", "row_steps", row, kind=INT)
        with b.loop("k_step", 0, steps) as k, b.loop("stage", 0, bodies.scalar("stages", INT) - 1) as stage:
            kick = _first_weight(bodies, k, stage, h)
            drift = b.let("drift_length", h * b.load("drift_weight", "drifts", stage))
            _move(bodies, kick, drift)
            columns.evaluate()
            with columns.each() as u:
                columns.move(u, kick, drift)
                columns.turn(u)
        last = _last_weight(bodies, h)
        _move(bodies, last, None)
        _save(bodies, row + 1)
        with columns.each() as u:
            columns.move(u, last, None)
            columns.save(u, row + 1)
    return bodies.whole("sensitivities")


def adjoint_kernel(layout: Layout, unknown: Unknown) -> Kernel:
    """From `visited` and a loss by what was saved, `saved_bars` [rows, 2, count, dim], to its slopes.

    `place_bars`, `rate_bars` [count, dim] by the initial state; `parameter_bars` [A], `weight_bars` [W] of each run.
    """
    bodies = Bodies(layout)
    b, dim = bodies.builder, layout.dim
    bodies.declare(Array("row_lengths", ("rows",)))
    bodies.declare(Array("row_steps", ("rows",), INT, instanced=False))
    for name in ("kicks", "drifts"):
        bodies.declare(Array(name, ("stages",), instanced=False))
    bodies.vectors("visited", "marks", intent=Intent.IN)
    bodies.declare(Array("saved_bars", ("rows", 2, "count", dim)))
    for name in ("place_bars", "rate_bars", "force_bars"):
        bodies.vectors(name)
    bodies.weigh()
    bodies.declare(Array("parameter_bars", (max(len(unknown.symbols), 1),), intent=Intent.INOUT))
    bar = Array("weight_bars", (max(unknown.weight_count, 1),), intent=Intent.INOUT)
    bodies.declare(bar)
    bars = unknown.bars(bar)
    bodies.declare(Array("row_marks", ("rows",), INT, instanced=False))

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

    def back(mark: Node) -> None:
        """Through the force at a mark."""
        bodies.links("visited", mark, visit=visit)
        bodies.clear("force_bars")

    def seeds(row: Node | int) -> None:
        for order, name in enumerate(("place_bars", "rate_bars")):
            for i in bodies.each_particle():
                bodies.add(name, i, values=bodies.vector("seed", "saved_bars", row, order, i))

    def kick_back(weight: Node, drift: Node | None = None) -> None:
        for i in bodies.each_particle():
            pace = bodies.pace(i, weight)
            for k in range(dim):
                rate = b.load("rate_bar", "rate_bars", i, k)
                if drift is not None:
                    rate = b.let("rate_bar", rate + drift * b.load("place_bar", "place_bars", i, k))
                    b.store("rate_bars", i, k, value=rate)
                b.store("force_bars", i, k, value=b.load("force_bar", "force_bars", i, k) + pace * rate)

    last_row = bodies.scalar("rows", INT) - 1
    stages = bodies.scalar("stages", INT) - 1
    with b.loop("back_row", 0, last_row) as done:
        row = b.let("row", last_row - 1 - done)
        h, steps = b.load("h", "row_lengths", row), b.load("steps_here", "row_steps", row, kind=INT)
        seeds(row + 1)
        kick_back(_last_weight(bodies, h))
        with b.loop("back_step", 0, steps) as back_k, b.loop("back_stage", 0, stages) as back_stage:
            k, stage = b.let("k_step", steps - 1 - back_k), b.let("stage", stages - 1 - back_stage)
            back(_mark(bodies, row, k, stage))
            drift = b.let("drift_length", h * b.load("drift_weight", "drifts", stage))
            kick_back(_first_weight(bodies, k, stage, h), drift)
    back(integer(0))
    seeds(0)
    return bodies.whole("adjoint")
