"""Events in kernels: crossings of g = 0 found after each step, located by partial steps, recorded and counted.

A crossing inside a step from (t, x) is located on theta in [0, 1] by the Illinois form of regula falsi (Dowell and
Jarratt, BIT 11 (1971) 168): the state at t + theta h is the method's own dense output where it has one, a step of
length theta h where it has none, so that the crossing has the order of the method.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from codegen import Builder, Function, Intent, Kind, Node, apply, boolean, integer, real
from symphys.lower.flow import Canonical
from symphys.lower.frame import Frame, State
from symphys.lower.stepper import Stepper

ITERATIONS = 60
At = Callable[[Builder, Node], State]


@dataclass(frozen=True)
class EventSpec:
    """A function of the user's state, the sign of its crossing (0: both), the crossing that ends the run (or 0)."""

    function: Function
    direction: int
    stop_after: int


@dataclass
class EventPlan:
    """All events of a run; `slots` crossings of each are recorded, with time and user's state."""

    events: Sequence[EventSpec]
    slots: int
    values: tuple[Node, ...] = ()
    counts: tuple[Node, ...] = ()
    stopped: Node = field(default_factory=lambda: boolean(False))
    stop_time: Node | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """What a kernel with these events is known by."""
        return (tuple(self.events), self.slots)

    def declare(self, frame: Frame) -> None:
        """The arrays of E events: last values and stop time [E + 1], counts [E], times [E, slots], states [.., n]."""
        n, m = len(self.events), len(frame.flow.names)
        frame.array("event_values", (n + 1,), intent=Intent.INOUT)
        frame.array("event_counts", (n,), Kind.INT, Intent.INOUT)
        frame.array("event_times", (n, self.slots), intent=Intent.INOUT)
        frame.array("event_states", (n, self.slots, m), intent=Intent.INOUT)

    def allocate(self, buffers: Any, components: int, dtype: Any) -> None:
        """The arrays of a run; `buffers.new` makes instanced arrays."""
        n = len(self.events)
        buffers.new("event_values", (n + 1,), dtype)
        buffers.new("event_counts", (n,), np.int64)
        buffers.new("event_times", (n, self.slots), dtype, np.nan)
        buffers.new("event_states", (n, self.slots, components), dtype, np.nan)

    def evaluate(self, frame: Frame, t: Node, user: State, wish: str) -> State:
        """The values of all event functions at a time and a user's state."""
        b = frame.builder
        return tuple(
            b.call(e.function, frame.arguments(t, user), (f"{wish}_{i}",))[0] for i, e in enumerate(self.events)
        )

    def prepare(self, frame: Frame, t: Node, user: State) -> None:
        """First values of the event functions, no crossings yet."""
        self.declare(frame)
        for i, value in enumerate(self.evaluate(frame, t, user, "event")):
            frame.builder.store("event_values", i, value=value)
            frame.builder.store("event_counts", i, value=integer(0))

    def load(self, frame: Frame) -> None:
        """Registers of what the last launch stored."""
        self.declare(frame)
        n = len(self.events)
        self.values = frame.load_registers([f"event_{i}" for i in range(n)], "event_values")
        self.counts = frame.load_registers([f"crossings_{i}" for i in range(n)], "event_counts", Kind.INT)
        (self.stop_time,) = frame.load_registers(("stop_time",), "event_values", offset=n)
        b = frame.builder
        self.stopped = b.register("stopped", boolean(False))

    def store(self, frame: Frame) -> None:
        """The registers, for the next launch."""
        frame.store_registers(self.values, "event_values")
        frame.store_registers(self.counts, "event_counts")
        assert self.stop_time is not None
        frame.store_registers((self.stop_time,), "event_values", len(self.events))


def write_events(plan: EventPlan, frame: Frame, t: Node, h: Node, at: At, new_user: State) -> None:
    """After a step from t to t + h: find, locate, record and count the crossings.

    `at(b, theta)` is the user's state at t + theta h.
    """
    b = frame.builder
    ends = plan.evaluate(frame, t + h, new_user, "event_end")
    for index, (event, before, after) in enumerate(zip(plan.events, plan.values, ends, strict=True)):
        up = apply("and", apply("lt", before, 0.0), apply("le", 0.0, after))
        down = apply("and", apply("lt", 0.0, before), apply("le", after, 0.0))
        crossed = {0: apply("or", up, down), 1: up, -1: down}[event.direction]
        with b.where(b.let(f"crossed_{index}", crossed)):
            theta = _locate(frame, event, t, h, at, before, after)
            state = at(b, theta)
            time = b.let("event_time", t + theta * h)
            count = plan.counts[index]
            with b.where(apply("lt", count, plan.slots)):
                b.store("event_times", index, count, value=time)
                for i, value in enumerate(state):
                    b.store("event_states", index, count, i, value=value)
            b.assign(count, count + 1)
            if event.stop_after:
                assert plan.stop_time is not None
                earlier = apply("or", apply("not", plan.stopped), apply("lt", h * time, h * plan.stop_time))
                with b.where(apply("and", apply("le", event.stop_after, count), earlier)):
                    b.assign(plan.stopped, boolean(True))
                    b.assign(plan.stop_time, time)
        b.assign(before, after)


def _locate(frame: Frame, event: EventSpec, t: Node, h: Node, at: At, before: Node, after: Node) -> Node:
    b = frame.builder
    low, high = b.register("low", real(0.0)), b.register("high", real(1.0))
    g_low, g_high = b.register("g_low", before), b.register("g_high", after)
    theta = b.register("theta", real(1.0))
    side, count = b.register("side", integer(0)), b.register("iteration", integer(0))
    wide = apply("lt", real(4.0 * frame.epsilon()), high - low)
    going = apply("and", apply("and", wide, apply("lt", count, ITERATIONS)), apply("not", apply("eq", g_high, 0.0)))
    with b.repeat_while(going):
        guess = (low * g_high - high * g_low) / (g_high - g_low)
        middle = real(0.5) * (low + high)
        inside = apply("and", apply("lt", low, guess), apply("lt", guess, high))
        trial = b.let("trial", apply("select", inside, guess, middle))
        user = at(b, trial)
        (value,) = b.call(event.function, frame.arguments(t + trial * h, user), ("g",))
        same_as_high = b.let("same", apply("le", 0.0, value * g_high))
        # the end that is kept twice has its value halved (Illinois), so that neither end can stick
        new_low = apply("select", same_as_high, apply("select", apply("eq", side, 1), g_low * real(0.5), g_low), value)
        new_high = apply(
            "select", same_as_high, value, apply("select", apply("eq", side, -1), g_high * real(0.5), g_high)
        )
        new_low, new_high = b.let("new_low", new_low), b.let("new_high", new_high)
        b.assign(g_low, new_low)
        b.assign(g_high, new_high)
        b.assign(low, apply("select", same_as_high, low, trial))
        b.assign(high, apply("select", same_as_high, trial, high))
        b.assign(side, apply("select", same_as_high, integer(1), integer(-1)))
        b.assign(theta, trial)
        b.assign(count, count + 1)
    return b.copy("theta_event", high)


def write_fixed_events(
    plan: EventPlan,
    frame: Frame,
    stepper: Stepper,
    canonical: Canonical | None,
    t: Node,
    h: Node,
    x: State,
    memory: State,
    new: State,
    kept: State,
) -> None:
    """Events of a fixed-step method: the state inside a step is a step of partial length."""
    from symphys.lower.fixed import to_user

    def at(b: Builder, theta: Node) -> State:
        partial = stepper.step(b, frame, t, x, memory, theta * h)
        return to_user(frame, stepper, canonical, t + theta * h, theta * h, partial.state, partial.memory)

    write_events(plan, frame, t, h, at, to_user(frame, stepper, canonical, t + h, h, new, kept))
