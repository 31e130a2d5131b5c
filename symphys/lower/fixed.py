"""Trajectories with a fixed step: the kernel that prepares them and the kernel that advances them.

Time is t_start + k h for step k, so that it never accumulates rounding. A launch covers rows first_row..last_row of
`step_marks` [rows + 1]: row r takes the steps step_marks[r]..step_marks[r + 1] - 1 and then saves to row row_slots[r]
of `saved`, or nowhere where that is negative; so the host divides long runs as it likes.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen import Intent, Kernel, Kind, Node, apply, integer, real
from symphys.lower.events import EventPlan, write_fixed_events
from symphys.lower.flow import Canonical, Flow
from symphys.lower.frame import (
    COUNTERS,
    EVENT,
    LANE,
    NOT_CONVERGED,
    NOT_FINITE,
    RUNNING,
    Frame,
    State,
    all_finite,
)
from symphys.lower.gauss import GaussStepper
from symphys.lower.ledger import HERMITE_ORDER, hermite
from symphys.lower.merged import MergedStepper
from symphys.lower.stepper import Stepper, rates_of

WATCH_NOTHING, WATCH_SAVED, WATCH_STEPS = "nothing", "saved steps", "every step"


@dataclass(frozen=True)
class FixedPlan:
    """What a fixed-step kernel does besides stepping."""

    watch: str = WATCH_STEPS
    strided: bool = False  # watch only every watch_every-th step
    events: EventPlan | None = None


def carry_names(flow: Flow, stepper: Stepper) -> tuple[str, ...]:
    """What `carry` holds, in order."""
    return (*flow.names, *stepper.memory_names())


def to_working(frame: Frame, canonical: Canonical | None, t: Node, user: State) -> State:
    """The working state of the user's: momenta in place of velocities for canonical methods."""
    if canonical is None:
        return user
    n = len(user) // 2
    momenta = frame.builder.call(canonical.momenta, frame.arguments(t, user), [f"p{i}" for i in range(n)])
    return (*user[:n], *momenta)


def to_user(
    frame: Frame, stepper: Stepper, canonical: Canonical | None, t: Node, h: Node, working: State, memory: State
) -> State:
    """The user's state of the working one."""
    if isinstance(stepper, MergedStepper):
        return stepper.behind(working, memory, h)
    if canonical is None:
        return working
    n = len(working) // 2
    guess = memory[-2 * n : -n]  # the velocities at the last stage
    arguments = (t, *working, *guess, *frame.signals(frame.builder, t), *frame.parameters)
    velocities = frame.builder.call(canonical.velocities, arguments, [f"v{i}" for i in range(n)])
    return (*working[:n], *velocities)


def prepare_kernel(flow: Flow, stepper: Stepper, canonical: Canonical | None, plan: FixedPlan, dtype: str) -> Kernel:
    """From the user's initial state to `carry`, `counters` and `watched`."""
    frame = Frame(flow, dtype)
    b = frame.builder
    names = carry_names(flow, stepper)
    frame.array("initial", (len(flow.names),))
    frame.array("carry", (len(names),), intent=Intent.INOUT)
    frame.array("counters", (COUNTERS,), Kind.INT, Intent.INOUT)
    t, h = frame.scalar("t_start"), frame.scalar("h")
    frame.load_parameters()
    user = tuple(b.load(f"{n}_0", "initial", i) for i, n in enumerate(flow.names))
    if flow.watched and plan.watch != WATCH_NOTHING:
        frame.array("watched", (3 * len(flow.watched),), intent=Intent.INOUT)
        if flow.ledger is not None:
            flow.ledger.prepare(frame)
        frame.start_watches(t, user)
    if canonical is not None:  # the first guess of the velocities is what the user gave
        working = to_working(frame, canonical, t, user)
        arguments = (t, *working, *user[len(user) // 2 :], *frame.signals(b, t), *frame.parameters)
        rates = b.call(canonical.rates, arguments)
        assert isinstance(stepper, GaussStepper)
        memory = stepper.remembered(rates)
    else:
        memory = stepper.start(b, frame, t, user, h)
        working = user
        if isinstance(stepper, MergedStepper):
            working = stepper.ahead(user, memory, h)
            _save_given(frame, user)
    frame.store_registers((*working, *memory))
    for counter in range(COUNTERS):
        b.store("counters", counter, value=integer(0))
    if plan.events is not None:
        plan.events.prepare(frame, t, user)
    return Kernel("prepare", LANE, tuple(frame.arrays), tuple(frame.scalars), b.block())


def _save_given(frame: Frame, user: State) -> None:
    """The first row as it was given, which a state that was carried ahead and back would miss by rounding."""
    frame.array("saved", (len(user), "rows"), intent=Intent.OUT)
    frame.scalar("rows", Kind.INT)
    slot = frame.scalar("first_slot", Kind.INT)
    with frame.builder.where(apply("le", 0, slot)):
        frame.save(slot, user)


def advance_kernel(flow: Flow, stepper: Stepper, canonical: Canonical | None, plan: FixedPlan, dtype: str) -> Kernel:
    """The kernel that advances trajectories by rows of steps."""
    frame = Frame(flow, dtype)
    b = frame.builder
    frame.array("carry", (len(carry_names(flow, stepper)),), intent=Intent.INOUT)
    frame.array("counters", (COUNTERS,), Kind.INT, Intent.INOUT)
    frame.array("saved", (len(flow.names), "rows"), intent=Intent.OUT)
    frame.array("step_marks", ("marks",), Kind.INT, instanced=False)
    frame.array("row_slots", ("marks",), Kind.INT, instanced=False)
    watching = bool(flow.watched) and plan.watch != WATCH_NOTHING
    if watching:
        frame.array("watched", (3 * len(flow.watched),), intent=Intent.INOUT)
    t_start, h = frame.scalar("t_start"), frame.scalar("h")
    for name in ("rows", "marks", "watch_every"):
        frame.scalar(name, Kind.INT)
    first_row, last_row = frame.scalar("first_row", Kind.INT), frame.scalar("last_row", Kind.INT)
    frame.load_parameters()
    names = carry_names(flow, stepper)
    registers = frame.load_registers(names)
    n = len(flow.names)
    x, memory = registers[:n], registers[n:]
    status, steps = frame.load_registers(("status", "steps"), "counters", Kind.INT)
    watched = frame.watch_registers() if watching else ()
    works = flow.ledger.load(frame) if watching and flow.ledger is not None else ()
    writer = _Writer(frame, stepper, canonical, plan, x, memory, status, steps, watched, works)
    if plan.events is not None:
        plan.events.load(frame)
    with b.loop("row", first_row, last_row) as row:
        begin = b.load("begin", "step_marks", row, kind=Kind.INT)
        end = b.load("end", "step_marks", row + 1, kind=Kind.INT)
        with b.loop("k", begin, end) as k:
            writer.step(t_start, h, k)
        writer.finish_row(t_start, h, begin, end, row)
    frame.store_registers(registers)
    frame.store_registers((status, steps), "counters")
    if watching:
        frame.store_registers(watched, "watched")
        frame.store_registers(works, "works")
    if plan.events is not None:
        plan.events.store(frame)
    return Kernel("advance", LANE, tuple(frame.arrays), tuple(frame.scalars), b.block())


@dataclass(frozen=True)
class _Writer:
    """Writes the body of the loops."""

    frame: Frame
    stepper: Stepper
    canonical: Canonical | None
    plan: FixedPlan
    x: State
    memory: State
    status: Node
    steps: Node
    watched: State
    works: State

    def step(self, t_start: Node, h: Node, k: Node) -> None:
        if self.plan.events is None:
            self._free_step(t_start, h, k)
        else:  # a terminal event freezes its trajectory
            with self.frame.builder.where(apply("eq", self.status, RUNNING)):
                self._free_step(t_start, h, k)

    def _free_step(self, t_start: Node, h: Node, k: Node) -> None:
        frame, b = self.frame, self.frame.builder
        t = b.let("t", t_start + apply("to_real", k) * h)
        if self.watched and self.plan.watch == WATCH_STEPS:
            if self.plan.strided:
                every = frame.scalar("watch_every", Kind.INT)
                with b.where(apply("eq", apply("remainder", k, every), 0)):
                    self._watch(t, h)
            else:
                self._watch(t, h)
        stepped = self.stepper.step(b, frame, t, self.x, self.memory, h)
        new = tuple(b.let(f"next_{n}", v) for n, v in zip(frame.flow.names, stepped.state, strict=True))
        kept = tuple(b.let(f"next_{n}", v) for n, v in zip(self.stepper.memory_names(), stepped.memory, strict=True))
        if stepped.converged is not None:
            failed = apply("not", apply("or", stepped.converged, apply("not", all_finite(new))))
            with b.where(apply("and", failed, apply("eq", self.status, RUNNING))):
                b.assign(self.status, integer(NOT_CONVERGED))
        if self.plan.events is not None:
            write_fixed_events(
                self.plan.events, frame, self.stepper, self.canonical, t, h, self.x, self.memory, new, kept
            )
            with b.where(self.plan.events.stopped):
                b.assign(self.status, integer(EVENT))
        if self.works:
            self._work(t, h, new, kept)
        for register, value in zip((*self.x, *self.memory), (*new, *kept), strict=True):
            b.assign(register, value)

    def _watch(self, t: Node, h: Node) -> None:
        frame = self.frame
        frame.observe_watches(self.watched, t, self._user(t, h, self.x, self.memory), self.works)

    def _user(self, t: Node, h: Node, x: State, memory: State) -> State:
        return to_user(self.frame, self.stepper, self.canonical, t, h, x, memory)

    def _work(self, t: Node, h: Node, new: State, kept: State) -> None:
        """What the powers do in this step, or up to the event that ends the run inside it."""
        frame, b, ledger, events = self.frame, self.frame.builder, self.frame.flow.ledger, self.plan.events
        assert ledger is not None
        b.comment("the works of this step, on the cubic through its ends")
        before = self._user(t, h, self.x, self.memory)
        after = self._user(t + h, h, new, kept)
        rates = rates_of(frame.flow, b, frame)
        at = hermite(h, (before, after), (rates(t, before), rates(t + h, after)))
        end: Node = real(1.0)
        if events is not None and events.stop_time is not None:
            end = apply("select", events.stopped, (events.stop_time - t) / h, end)
        for register, work in zip(self.works, ledger.works(b, frame, t, h, at, end, HERMITE_ORDER), strict=True):
            b.assign(register, register + work)

    def finish_row(self, t_start: Node, h: Node, begin: Node, end: Node, row: Node) -> None:
        frame, b = self.frame, self.frame.builder
        b.comment("the end of a row of steps: is the state finite, and is it to be saved?")
        running = apply("eq", self.status, RUNNING)
        finite = b.let("finite", all_finite(self.x))
        with b.where(apply("and", running, apply("not", finite))):
            b.assign(self.status, integer(NOT_FINITE))
        slot = b.load("slot", "row_slots", row, kind=Kind.INT)
        t = b.let("t_row", t_start + apply("to_real", end) * h)
        with b.where(apply("eq", self.status, RUNNING)):
            b.assign(self.steps, end)
            user = self._user(t, h, self.x, self.memory)
            if self.watched:
                frame.observe_watches(self.watched, t, user, self.works)
            with b.where(apply("le", 0, slot)):
                if isinstance(self.stepper, MergedStepper):
                    with b.where(apply("lt", 0, end)):  # the first row was saved as it was given
                        frame.save(slot, user)
                else:
                    frame.save(slot, user)
                if self.works and frame.flow.ledger is not None:
                    frame.flow.ledger.save(frame, slot, self.works)
