"""Trajectories whose steps follow a tolerance: explicit Runge-Kutta pairs and Taylor series, each trajectory at its own pace.

A launch takes at most `budget` steps a trajectory and stops early where the rows of `saved` are full; the host goes on from
`carry`. Sampled runs save at `sample_times` [samples] by dense output; free runs save every accepted step with its time in
`row_times` [rows].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from codegen import (
    Builder,
    CompilerBug,
    Function,
    Intent,
    Kernel,
    Kind,
    Let,
    Node,
    apply,
    boolean,
    integer,
    real,
    rebuild,
    taylor_coefficients,
    variable,
)
from symphys.integrators import ExplicitTableau, Taylor
from symphys.integrators.arithmetic import horner
from symphys.integrators.control import StepControl, control_for
from symphys.integrators.tableau import dense_stages, explicit_step, interpolate
from symphys.integrators.taylor import decay_rate
from symphys.lower.events import EventPlan, write_events
from symphys.lower.fixed import WATCH_NOTHING, WATCH_STEPS
from symphys.lower.flow import Flow
from symphys.lower.frame import (
    COUNTERS,
    EVENT,
    FINISHED,
    LANE,
    NOT_FINITE,
    REJECTED,
    ROW,
    RUNNING,
    STATUS,
    STEP_TOO_SMALL,
    STEPS,
    Frame,
    State,
    all_finite,
)
from symphys.lower.stepper import rates_of

At = Callable[[Builder, Node], State]
Dense = Callable[[Builder], At]  # opened once a step, where extra stages are computed, then asked at any theta


@dataclass(frozen=True)
class Tried:
    """A step that was tried: its length, whether it is accepted, where it leads, the next length, what to remember."""

    length: Node
    accepted: Node | None  # None: always
    state: State
    next_length: Node
    memory: State
    dense: Dense


class Pacer(Protocol):
    """An adaptive method: tries steps and proposes their lengths."""

    def memory_names(self) -> tuple[str, ...]:
        """What is remembered between steps, after the state and the length."""

    def start(self, b: Builder, frame: Frame, t: Node, x: State) -> tuple[Node, State]:
        """A first length (positive) and the first contents of the memory."""

    def attempt(self, b: Builder, frame: Frame, t: Node, x: State, length: Node, memory: State, left: Node) -> Tried:
        """Try a step of at most `left` (positive lengths; `frame.direction` is the sign of time)."""


def power(base: Node, exponent: float) -> Node:
    """base^exponent for base >= 0 through our vector exp and log; 0 stays 0."""
    return apply("exp", apply("log", base) * real(exponent))


def scales(frame: Frame, x: State, new: State) -> State:
    """The error that is allowed to each component: atol + rtol max(|x|, |x_new|)."""
    rtol, atol = frame.scalar("rtol"), frame.scalar("atol")
    return tuple(atol + rtol * apply("max", apply("abs", a), apply("abs", b)) for a, b in zip(x, new, strict=True))


def mean_square(values: Sequence[Node], scale: Sequence[Node]) -> Node:
    """The mean of the squares of scaled values."""
    total: Node = real(0.0)
    for v, s in zip(values, scale, strict=True):
        ratio = v / s
        total = total + ratio * ratio
    return total * real(1.0 / len(values))


@dataclass(frozen=True)
class RungeKuttaPacer:
    """An embedded explicit Runge-Kutta pair with Hairer's controller; the rates at the step's end are kept where they are a stage."""

    flow: Flow
    tableau: ExplicitTableau

    def memory_names(self) -> tuple[str, ...]:
        return ("previous_error", *(f"rate_now_{n}" for n in self.flow.names))

    @property
    def control(self) -> StepControl:
        return control_for(self.tableau)

    def start(self, b: Builder, frame: Frame, t: Node, x: State) -> tuple[Node, State]:
        # Hairer, Norsett, Wanner I, II.4, as integrators.control.first_step does it with floats
        rates = rates_of(self.flow, b, frame)
        scale = tuple(b.let("scale", s) for s in scales(frame, x, x))
        slope = rates(t, x)
        size = b.let("size", apply("sqrt", mean_square(x, scale)))
        speed = b.let("speed", apply("sqrt", mean_square(slope, scale)))
        small = apply("or", apply("lt", size, 1e-5), apply("lt", speed, 1e-5))
        trial = apply("select", small, real(1e-6), real(0.01) * size / speed)
        trial = b.let("trial", apply("min", trial, frame.span()))
        signed = trial * frame.direction
        ahead = rates(t + signed, tuple(a + signed * r for a, r in zip(x, slope, strict=True)))
        change = tuple(p - q for p, q in zip(ahead, slope, strict=True))
        bend = b.let("bend", apply("sqrt", mean_square(change, scale)) / trial)
        largest = b.let("largest", apply("max", speed, bend))
        floor = apply("max", real(1e-6), trial * real(1e-3))
        guess = power(real(0.01) / largest, 1.0 / (self.tableau.error_order + 1))
        guess = apply("select", apply("lt", largest, 1e-15), floor, guess)
        length = apply("min", apply("min", trial * real(100.0), guess), frame.span())
        return length, (real(self.control.error_floor), *slope)

    def attempt(self, b: Builder, frame: Frame, t: Node, x: State, length: Node, memory: State, left: Node) -> Tried:
        tableau, control = self.tableau, self.control
        rates = rates_of(self.flow, b, frame)
        taken = b.let("taken", apply("min", length, left))
        h = b.let("h", taken * frame.direction)
        previous, slope = memory[0], memory[1:]
        stages, new, errors = explicit_step(tableau, rates, t, x, h, slope)
        new = tuple(b.let(f"new_{n}", v) for n, v in zip(self.flow.names, new, strict=True))
        scale = tuple(b.let("scale", s) for s in scales(frame, x, new))
        squares = [mean_square(e, scale) for e in errors]
        if len(squares) == 1:
            error = apply("sqrt", squares[0])
        else:  # DOP853: order 8 where the solution is smooth, not blind where the fifth-order estimate vanishes
            below = squares[0] + real(0.01) * squares[1]
            error = apply("select", apply("lt", 0.0, below), squares[0] / apply("sqrt", below), real(0.0))
        error = b.let("error", error)
        accepted = b.let("accepted", apply("le", error, 1.0))
        raw = real(control.safety) * power(error, -control.exponent)
        grown = raw * power(apply("max", previous, control.error_floor), control.feedback) if control.feedback else raw
        grown = apply("min", real(control.largest), apply("max", real(control.smallest), grown))
        shrunk = apply("max", real(control.smallest), raw)
        shrunk = apply("select", apply("isfinite", error), shrunk, real(control.smallest))
        factor = apply("select", accepted, grown, shrunk)
        # a last step that was cut short says little about the next length
        following = apply("select", apply("and", accepted, apply("lt", taken, length)), length, taken * factor)
        slope_next = stages[-1] if tableau.fsal else rates(t + h, new)
        remembered = (apply("max", error, control.error_floor), *slope_next)

        def dense(inner: Builder) -> At:
            extended = dense_stages(tableau, rates_of(self.flow, inner, frame), t, x, h, stages)
            return lambda _, theta: interpolate(tableau, x, h, extended, theta)

        return Tried(taken, accepted, new, following, remembered, dense)


@dataclass(frozen=True)
class TaylorPacer:
    """Taylor series of a fixed order, the step from the decay of the last two coefficients."""

    flow: Flow
    taylor: Taylor
    order: int

    def memory_names(self) -> tuple[str, ...]:
        return ()

    def start(self, b: Builder, frame: Frame, t: Node, x: State) -> tuple[Node, State]:
        return real(0.0), ()

    def attempt(self, b: Builder, frame: Frame, t: Node, x: State, length: Node, memory: State, left: Node) -> Tried:
        n = len(x)
        series = b.call(self.series(), (t, *x, *frame.parameters))
        rows = [x, *(series[k * n : (k + 1) * n] for k in range(self.order))]

        def norm(values: State) -> Node:
            total: Node = real(0.0)
            for value in values:
                total = apply("max", total, apply("abs", value))
            return total

        rate = decay_rate(
            self.order, norm(x), norm(rows[-2]), norm(rows[-1]), power, lambda a, c: apply("max", a, c)
        )
        rate = b.let("decay", rate)
        step = real(self.taylor.step_factor(self.order)) / rate
        step = apply("select", apply("eq", rate, 0.0), left, step)  # zero: the polynomial is the solution
        taken = b.let("taken", apply("min", step, left))
        h = b.let("h", taken * frame.direction)
        columns = list(zip(*rows, strict=True))

        def at(duration: Node) -> State:
            return tuple(horner(column, duration) for column in columns)

        new = tuple(b.let(f"new_{m}", v) for m, v in zip(self.flow.names, at(h), strict=True))
        return Tried(taken, None, new, step, (), lambda _: lambda __, theta: at(theta * h))

    def series(self) -> Function:
        """The coefficients of orders 1..p as one function of (t, x, parameters)."""
        a = self.flow.arguments
        rates = self.flow.rates
        time = None if self.flow.autonomous else a.time
        rows = taylor_coefficients(a.state, straight_line(rates), self.order, time)
        results = tuple(value for row in rows[1:] for value in row)
        return Function("taylor_series", (a.time, *a.state, *a.parameters), (), results)


def straight_line(function: Function) -> State:
    """The results of a straight-line function in its parameters alone."""
    known: dict[Node, Node] = {}
    for statement in function.body:
        if not isinstance(statement, Let):
            raise CompilerBug(f"{function.name} is no straight line: {type(statement).__name__}; choose another method")
        known[statement.target] = rebuild((statement.value,), known)[0]
    return rebuild(function.results, known)


@dataclass(frozen=True)
class AdaptivePlan:
    """What an adaptive kernel does besides stepping: sample at given times or save every step; watch; events."""

    sampled: bool
    watch: str = WATCH_STEPS
    events: EventPlan | None = None


class AdaptiveFrame(Frame):
    """A frame that knows the direction of time and what is left of it."""

    @property
    def direction(self) -> Node:
        return self.scalar("direction")

    def span(self) -> Node:
        return (self.scalar("t_end") - self.scalar("t_start")) * self.direction


def carry_names(flow: Flow, pacer: Pacer) -> tuple[str, ...]:
    """What `carry` holds, in order: state, time, its lost digits, next length, memory."""
    return (*flow.names, "time_now", "time_lost", "length", *pacer.memory_names())


def prepare_kernel(flow: Flow, pacer: Pacer, plan: AdaptivePlan, dtype: str) -> Kernel:
    """From the initial state to `carry`, `counters` and `watched`."""
    frame = AdaptiveFrame(flow, dtype)
    b = frame.builder
    names = carry_names(flow, pacer)
    frame.array("initial", (len(flow.names),))
    frame.array("carry", (len(names),), intent=Intent.INOUT)
    frame.array("counters", (COUNTERS,), Kind.INT, Intent.INOUT)
    t = frame.scalar("t_start")
    for name in ("t_end", "direction", "rtol", "atol", "first_length"):
        frame.scalar(name)
    frame.load_parameters()
    x = tuple(b.load(f"{n}_0", "initial", i) for i, n in enumerate(flow.names))
    if flow.watches and plan.watch != WATCH_NOTHING:
        frame.array("watched", (3 * len(flow.watches),), intent=Intent.INOUT)
        frame.start_watches(t, x)
    length, memory = pacer.start(b, frame, t, x)
    wanted = frame.scalar("first_length")
    length = apply("select", apply("lt", 0.0, wanted), wanted, length)
    frame.store_registers((*x, t, real(0.0), length, *memory))
    for counter in range(COUNTERS):
        b.store("counters", counter, value=integer(0))
    if plan.events is not None:
        plan.events.prepare(frame, t, x)
    return Kernel("prepare", LANE, tuple(frame.arrays), tuple(frame.scalars), b.block())


def advance_kernel(flow: Flow, pacer: Pacer, plan: AdaptivePlan, dtype: str) -> Kernel:
    """The kernel that advances trajectories to t_end, or until its budget is spent or its rows are full."""
    frame = AdaptiveFrame(flow, dtype)
    b = frame.builder
    names = carry_names(flow, pacer)
    frame.array("carry", (len(names),), intent=Intent.INOUT)
    frame.array("counters", (COUNTERS,), Kind.INT, Intent.INOUT)
    frame.array("saved", (len(flow.names), "rows"), intent=Intent.OUT)
    if plan.sampled:
        frame.array("sample_times", ("rows",), instanced=False)
    else:
        frame.array("row_times", ("rows",), intent=Intent.OUT)
    watching = bool(flow.watches) and plan.watch != WATCH_NOTHING
    if watching:
        frame.array("watched", (3 * len(flow.watches),), intent=Intent.INOUT)
    for name in ("t_start", "t_end", "direction", "rtol", "atol", "least_length", "longest"):
        frame.scalar(name)
    rows, budget = frame.scalar("rows", Kind.INT), frame.scalar("budget", Kind.INT)
    frame.load_parameters()
    registers = frame.load_registers(names)
    n = len(flow.names)
    x, (t, t_lost, length), memory = registers[:n], registers[n : n + 3], registers[n + 3 :]
    counters = frame.load_registers(("status", "steps", "rejected", "row"), "counters", Kind.INT)
    watched = frame.watch_registers() if watching else ()
    if plan.events is not None:
        plan.events.load(frame)
    status, steps, rejected, row = counters
    tries = b.register("tries", integer(0))
    going = apply("and", apply("eq", status, RUNNING), apply("lt", tries, budget))
    if not plan.sampled:
        going = apply("and", going, apply("lt", row, rows))
    with b.repeat_while(going):
        b.assign(tries, tries + 1)
        if watching and plan.watch == WATCH_STEPS and isinstance(pacer, TaylorPacer):
            frame.observe_watches(watched, t, x)
        end = frame.scalar("t_end")
        left = b.let("left", ((end - t) - t_lost) * frame.direction)
        allowed = apply("min", left, frame.scalar("longest"))
        tried = pacer.attempt(b, frame, t, x, length, memory, allowed)
        ends = b.let("ends", apply("le", left, tried.length))
        exact_t = apply("add_exact", t, apply("add_exact", tried.length * frame.direction, t_lost))
        following = b.let("t_next", apply("select", ends, end, exact_t))
        lost = apply("sub_exact", apply("add_exact", tried.length * frame.direction, t_lost), apply("sub_exact", following, t))
        lost = b.let("lost_next", apply("select", ends, real(0.0), lost))
        writer = _Writer(frame, plan, x, t, status, row, steps)
        finite = b.let("finite", all_finite(tried.state))
        accepted = finite if tried.accepted is None else apply("and", tried.accepted, finite)
        with b.where(b.let("good", accepted)):
            b.assign(steps, steps + 1)
            writer.record(tried, following, ends)
            for register, value in zip((*x, t, t_lost, *memory), (*tried.state, following, lost, *tried.memory), strict=True):
                b.assign(register, value)
            with b.where(apply("and", ends, apply("eq", status, RUNNING))):
                b.assign(status, integer(FINISHED))
            if watching and not isinstance(pacer, TaylorPacer):
                frame.observe_watches(watched, t, x)
        with b.where(apply("not", accepted)):
            b.assign(rejected, rejected + 1)
        next_length = b.let("next_length", tried.next_length)
        b.assign(length, next_length)
        tiny = apply("le", tried.length, frame.scalar("least_length") * apply("max", apply("abs", t), frame.span() * real(1e-3)))
        tiny = apply("and", tiny, apply("not", ends))
        with b.where(apply("and", apply("eq", status, RUNNING), apply("or", tiny, apply("not", apply("isfinite", next_length))))):
            reason = apply("select", finite, integer(STEP_TOO_SMALL), integer(NOT_FINITE))
            b.assign(status, reason)
    if watching and isinstance(pacer, TaylorPacer):
        frame.observe_watches(watched, t, x)
    frame.store_registers(registers)
    frame.store_registers(counters, "counters")
    if watching:
        frame.store_registers(watched, "watched")
    if plan.events is not None:
        plan.events.store(frame)
    return Kernel("advance", LANE, tuple(frame.arrays), tuple(frame.scalars), b.block())


@dataclass(frozen=True)
class _Writer:
    """Saves what lies inside an accepted step, and finds its events."""

    frame: AdaptiveFrame
    plan: AdaptivePlan
    x: State
    t: Node
    status: Node
    row: Node
    steps: Node

    def record(self, tried: Tried, following: Node, ends: Node) -> None:
        frame, b, plan = self.frame, self.frame.builder, self.plan
        if plan.events is not None:
            write_events(plan.events, frame, self.t, tried.length * frame.direction, tried.dense(b), tried.state)
            with b.where(plan.events.stopped):
                b.assign(self.status, integer(EVENT))
        if plan.sampled:
            self._sample(tried, following)
        else:
            every = frame.scalar("save_every", Kind.INT)
            due = apply("or", ends, apply("eq", apply("remainder", self.steps, every), 0))
            with b.where(apply("and", due, apply("eq", self.status, RUNNING))):
                frame.save(self.row, tried.state)
                b.store("row_times", self.row, value=following)
                b.assign(self.row, self.row + 1)

    def _sample(self, tried: Tried, following: Node) -> None:
        frame, b = self.frame, self.frame.builder
        rows = frame.scalar("rows", Kind.INT)
        limit = following
        if self.plan.events is not None and self.plan.events.stop_time is not None:
            limit = apply("select", self.plan.events.stopped, self.plan.events.stop_time, following)
        limit = b.let("limit", limit)

        def due(time: Node) -> Node:
            return apply("le", time * frame.direction, limit * frame.direction)

        last = rows - 1
        place = apply("select", apply("lt", self.row, rows), self.row, last)
        time = b.register("sample_time", b.load("first_sample", "sample_times", place))
        more = b.let("more", apply("and", apply("lt", self.row, rows), due(time)))
        with b.where(more):
            at = tried.dense(b)
            pending = b.register("pending", boolean(True))
            with b.repeat_while(pending):
                theta = ((time - self.t) * frame.direction) / tried.length
                exact = apply("eq", time, following)
                inner = at(b, theta)
                values = tuple(apply("select", exact, end, inside) for end, inside in zip(tried.state, inner, strict=True))
                frame.save(self.row, values)
                b.assign(self.row, self.row + 1)
                place = apply("select", apply("lt", self.row, rows), self.row, last)
                b.assign(time, b.load("next_sample", "sample_times", place))
                b.assign(pending, apply("and", apply("lt", self.row, rows), due(time)))


__all__ = [
    "REJECTED", "ROW", "STATUS", "STEPS", "AdaptivePlan", "RungeKuttaPacer", "TaylorPacer", "advance_kernel", "carry_names",
    "prepare_kernel", "variable",
]  # fmt: skip
