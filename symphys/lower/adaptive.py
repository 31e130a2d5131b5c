"""Trajectories whose steps follow a tolerance: a kernel that advances each at its pace.

A launch takes at most `budget` steps a trajectory and stops early where the rows of `saved` are full; the host goes on
from `carry`. Sampled runs save at `sample_times` [samples] by dense output; free runs save every accepted step with its
time in `row_times` [rows].
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen import Intent, Kernel, Kind, Node, apply, boolean, integer, real
from symphys.lower.events import EventPlan, write_events
from symphys.lower.fixed import WATCH_NOTHING, WATCH_STEPS
from symphys.lower.flow import Flow
from symphys.lower.frame import (
    COUNTERS,
    EVENT,
    FINISHED,
    LANE,
    NOT_FINITE,
    RUNNING,
    STEP_TOO_SMALL,
    State,
    all_finite,
)
from symphys.lower.pacer import AdaptiveFrame, At, Pacer, TaylorPacer, Tried


@dataclass(frozen=True)
class AdaptivePlan:
    """What an adaptive kernel does besides stepping: sample at given times or save every step; watch; events."""

    sampled: bool
    watch: str = WATCH_STEPS
    events: EventPlan | None = None


def carry_names(flow: Flow, pacer: Pacer) -> tuple[str, ...]:
    """What `carry` holds, in order: state, time, its lost digits, next length, memory."""
    return (*flow.names, "time_now", "time_lost", "length", *pacer.memory_names())


def _prepare(frame: AdaptiveFrame, pacer: Pacer, plan: AdaptivePlan) -> None:
    """From the initial state to `carry`, `watched` and what events remember.

    A part of the kernel that advances, not a kernel of its own: the rates of a large system are compiled once.
    """
    b, flow = frame.builder, frame.flow
    t = frame.scalar("t_start")
    x = tuple(b.load(f"{n}_0", "initial", i) for i, n in enumerate(flow.names))
    if flow.watched and plan.watch != WATCH_NOTHING:
        if flow.ledger is not None:
            flow.ledger.prepare(frame)
        frame.start_watches(t, x)
    length, memory = pacer.start(b, frame, t, x)
    wanted = frame.scalar("first_length")
    length = apply("select", apply("lt", 0.0, wanted), wanted, length)
    frame.store_registers((*x, t, real(0.0), length, *memory))
    if plan.events is not None:
        plan.events.prepare(frame, t, x)


def advance_kernel(flow: Flow, pacer: Pacer, plan: AdaptivePlan, dtype: str) -> Kernel:
    """The kernel that advances trajectories to t_end, or until its budget is spent or its rows are full.

    Where `fresh` is not 0, they begin at `initial`; else they go on from `carry`.
    """
    frame = AdaptiveFrame(flow, dtype)
    b = frame.builder
    names = carry_names(flow, pacer)
    frame.array("initial", (len(flow.names),))
    frame.array("carry", (len(names),), intent=Intent.INOUT)
    frame.array("counters", (COUNTERS,), Kind.INT, Intent.INOUT)
    frame.array("saved", (len(flow.names), "rows"), intent=Intent.OUT)
    if plan.sampled:
        frame.array("sample_times", ("rows",), instanced=False)
    else:
        frame.array("row_times", ("rows",), intent=Intent.OUT)
    watching = bool(flow.watched) and plan.watch != WATCH_NOTHING
    if watching:
        frame.array("watched", (3 * len(flow.watched),), intent=Intent.INOUT)
    for name in ("t_start", "t_end", "direction", "rtol", "atol", "least_length", "longest"):
        frame.scalar(name)
    rows, budget = frame.scalar("rows", Kind.INT), frame.scalar("budget", Kind.INT)
    frame.load_parameters()
    with b.where(apply("lt", 0, frame.scalar("fresh", Kind.INT))):
        _prepare(frame, pacer, plan)
    registers = frame.load_registers(names)
    n = len(flow.names)
    x, (t, t_lost, length), memory = registers[:n], registers[n : n + 3], registers[n + 3 :]
    counters = frame.load_registers(("status", "steps", "rejected", "row"), "counters", Kind.INT)
    watched = frame.watch_registers() if watching else ()
    works = flow.ledger.load(frame) if watching and flow.ledger is not None else ()
    if plan.events is not None:
        plan.events.load(frame)
    status, steps, rejected, row = counters
    ended = status if plan.events is not None else None
    tries = b.register("tries", integer(0))
    going = apply("and", apply("eq", status, RUNNING), apply("lt", tries, budget))
    if not plan.sampled:
        going = apply("and", going, apply("lt", row, rows))
    with b.repeat_while(going):
        b.assign(tries, tries + 1)
        if watching and plan.watch == WATCH_STEPS and isinstance(pacer, TaylorPacer):
            frame.observe_watches(watched, t, x, works, ended)
        end = frame.scalar("t_end")
        left = b.let("left", ((end - t) - t_lost) * frame.direction)
        allowed = apply("min", left, frame.scalar("longest"))
        tried = pacer.attempt(b, frame, t, x, length, memory, allowed)
        ends = b.let("ends", apply("le", left, tried.length))
        exact_t = apply("add_exact", t, apply("add_exact", tried.length * frame.direction, t_lost))
        following = b.let("t_next", apply("select", ends, end, exact_t))
        lost = apply(
            "sub_exact", apply("add_exact", tried.length * frame.direction, t_lost), apply("sub_exact", following, t)
        )
        lost = b.let("lost_next", apply("select", ends, real(0.0), lost))
        writer = _Writer(frame, plan, x, t, status, row, steps, works, pacer.dense_order)
        finite = b.let("finite", all_finite(tried.state))
        accepted = finite if tried.accepted is None else apply("and", tried.accepted, finite)
        with b.where(b.let("good", accepted)):
            b.assign(steps, steps + 1)
            writer.record(tried, following, ends)
            for register, value in zip(
                (*x, t, t_lost, *memory), (*tried.state, following, lost, *tried.memory), strict=True
            ):
                b.assign(register, value)
            with b.where(apply("and", ends, apply("eq", status, RUNNING))):
                b.assign(status, integer(FINISHED))
            if watching and not isinstance(pacer, TaylorPacer):
                frame.observe_watches(watched, t, x, works, ended)
        with b.where(apply("not", accepted)):
            b.assign(rejected, rejected + 1)
        # a step that left the finite world is retried shorter, whatever its error estimate made of that
        next_length = b.let("next_length", apply("select", finite, tried.next_length, tried.length * real(0.25)))
        b.assign(length, next_length)
        tiny = apply(
            "le", tried.length, frame.scalar("least_length") * apply("max", apply("abs", t), frame.span() * real(1e-3))
        )
        tiny = apply("and", tiny, apply("not", ends))
        stuck = apply("or", tiny, apply("not", apply("isfinite", next_length)))
        if tried.accepted is None:  # a step that follows from the state alone would be the same again
            stuck = apply("or", stuck, apply("not", finite))
        with b.where(apply("and", apply("eq", status, RUNNING), stuck)):
            reason = apply("select", finite, integer(STEP_TOO_SMALL), integer(NOT_FINITE))
            b.assign(status, reason)
    if watching and isinstance(pacer, TaylorPacer):
        frame.observe_watches(watched, t, x, works, ended)
    frame.store_registers(registers)
    frame.store_registers(counters, "counters")
    if watching:
        frame.store_registers(watched, "watched")
        frame.store_registers(works, "works")
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
    works: State
    order: int

    def record(self, tried: Tried, following: Node, ends: Node) -> None:
        frame, b, plan = self.frame, self.frame.builder, self.plan
        at = tried.dense(b) if plan.events is not None or self.works else None
        if plan.events is not None:
            assert at is not None
            write_events(plan.events, frame, self.t, tried.length * frame.direction, at, tried.state)
            with b.where(plan.events.stopped):
                b.assign(self.status, integer(EVENT))
        if plan.sampled:
            self._sample(tried, following, at)
        if self.works:
            self._work(tried, at)
        if not plan.sampled:
            every = frame.scalar("save_every", Kind.INT)
            due = apply("or", ends, apply("eq", apply("remainder", self.steps, every), 0))
            with b.where(apply("and", due, apply("eq", self.status, RUNNING))):
                frame.save(self.row, tried.state)
                b.store("row_times", self.row, value=following)
                if self.works and frame.flow.ledger is not None:
                    frame.flow.ledger.save(frame, self.row, self.works)
                b.assign(self.row, self.row + 1)

    def _work(self, tried: Tried, at: At | None) -> None:
        """What the powers do in this step, or up to the event that ends the run inside it."""
        frame, events = self.frame, self.plan.events
        end: Node = real(1.0)
        if events is not None and events.stop_time is not None:
            end = (events.stop_time - self.t) * frame.direction / tried.length
            end = apply("select", events.stopped, end, real(1.0))
        for register, work in zip(self.works, self._until(tried, at, end), strict=True):
            frame.builder.assign(register, register + work)

    def _until(self, tried: Tried, at: At | None, theta: Node) -> State:
        """The works from the beginning of the step to a share theta of it."""
        frame, b, ledger = self.frame, self.frame.builder, self.frame.flow.ledger
        assert ledger is not None
        assert at is not None
        return ledger.works(b, frame, self.t, tried.length * frame.direction, at, theta, self.order)

    def _sample(self, tried: Tried, following: Node, opened: At | None) -> None:
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
            at = opened or tried.dense(b)
            pending = b.register("pending", boolean(True))
            with b.repeat_while(pending):
                theta = ((time - self.t) * frame.direction) / tried.length
                exact = apply("eq", time, following)
                inner = at(b, theta)
                values = tuple(
                    apply("select", exact, end, inside) for end, inside in zip(tried.state, inner, strict=True)
                )
                frame.save(self.row, values)
                if self.works and frame.flow.ledger is not None:
                    done = self._until(tried, at, theta)
                    total = tuple(w + more for w, more in zip(self.works, done, strict=True))
                    frame.flow.ledger.save(frame, self.row, total)
                b.assign(self.row, self.row + 1)
                place = apply("select", apply("lt", self.row, rows), self.row, last)
                b.assign(time, b.load("next_sample", "sample_times", place))
                b.assign(pending, apply("and", apply("lt", self.row, rows), due(time)))
