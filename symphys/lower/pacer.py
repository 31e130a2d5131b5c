"""Adaptive methods in kernels: how a step is tried, judged, and followed by a longer or shorter one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Protocol

from codegen import Builder, Function, Node, apply, boolean, moving_exponents, real, taylor_coefficients
from symphys.integrators import ExplicitTableau, Taylor
from symphys.integrators.arithmetic import horner
from symphys.integrators.control import StepControl, control_for
from symphys.integrators.tableau import dense_stages, explicit_step, interpolate
from symphys.integrators.taylor import decay_rate
from symphys.lower.constraint import projected
from symphys.lower.flow import Flow
from symphys.lower.frame import Frame, State
from symphys.lower.stepper import rates_of
from symphys.lower.straight import straight_line

IN_SIGHT = 2.0  # by how much an exponent may move in a step, in orders of the series
NEGLIGIBLE = 30.0  # beyond that: exp(-30) is 1e-13, which leaves room for large factors


class AdaptiveFrame(Frame):
    """A frame that knows the direction of time and what is left of it."""

    @property
    def direction(self) -> Node:
        """The sign of time, +1 or -1."""
        return self.scalar("direction")

    def span(self) -> Node:
        """The length of the whole run, positive."""
        return (self.scalar("t_end") - self.scalar("t_start")) * self.direction


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

    @property
    def dense_order(self) -> int:
        """How accurate the states inside a step are: what integrals over steps should match."""

    def memory_names(self) -> tuple[str, ...]:
        """What is remembered between steps, after the state and the length."""

    def start(self, b: Builder, frame: AdaptiveFrame, t: Node, x: State) -> tuple[Node, State]:
        """A first length (positive) and the first contents of the memory."""

    def attempt(
        self, b: Builder, frame: AdaptiveFrame, t: Node, x: State, length: Node, memory: State, left: Node
    ) -> Tried:
        """Try a step of at most `left` (positive lengths; `frame.direction` is the sign of time)."""


def power(base: Node, exponent: float) -> Node:
    """base^exponent for base >= 0 through our vector exp and log; 0 stays 0."""
    return apply("exp", apply("log", base) * real(exponent))


def weights(frame: AdaptiveFrame, x: State, new: State) -> State:
    """One over the error that is allowed to each component, atol + rtol max(|x|, |x_new|)."""
    rtol, atol = frame.scalar("rtol"), frame.scalar("atol")
    sizes = (apply("max", apply("abs", a), apply("abs", b)) for a, b in zip(x, new, strict=True))
    return tuple(real(1.0) / (atol + rtol * size) for size in sizes)


def mean_square(values: Sequence[Node], weight: Sequence[Node]) -> Node:
    """The mean of the squares of values times their weights, the reciprocals of the errors allowed."""
    total: Node = real(0.0)
    for v, s in zip(values, weight, strict=True):
        ratio = v * s
        total = total + ratio * ratio
    return total * real(1.0 / len(values))


@dataclass(frozen=True)
class RungeKuttaPacer:
    """An embedded explicit Runge-Kutta pair with Hairer's controller; the rates at a step's end serve the next step."""

    flow: Flow
    tableau: ExplicitTableau

    @property
    def dense_order(self) -> int:
        """That of the method; its dense output is one less."""
        return self.tableau.order

    def memory_names(self) -> tuple[str, ...]:
        return ("previous_error", *(f"rate_now_{n}" for n in self.flow.names))

    @property
    def control(self) -> StepControl:
        """The rule by which the length of the next step follows from the error of this one."""
        return control_for(self.tableau)

    def start(self, b: Builder, frame: AdaptiveFrame, t: Node, x: State) -> tuple[Node, State]:
        # Hairer, Norsett, Wanner I, II.4, as integrators.control.first_step does it with floats
        rates = rates_of(self.flow, b, frame)
        scale = tuple(b.let("weight", s) for s in weights(frame, x, x))
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

    def attempt(
        self, b: Builder, frame: AdaptiveFrame, t: Node, x: State, length: Node, memory: State, left: Node
    ) -> Tried:
        tableau, control = self.tableau, self.control
        rates = rates_of(self.flow, b, frame)
        taken = b.let("taken", apply("min", length, left))
        h = b.let("h", taken * frame.direction)
        previous, slope = memory[0], memory[1:]
        stages, new, errors = explicit_step(tableau, rates, t, x, h, slope)
        new = tuple(b.let(f"new_{n}", v) for n, v in zip(self.flow.names, new, strict=True))
        scale = tuple(b.let("weight", s) for s in weights(frame, x, new))
        squares = [mean_square(e, scale) for e in errors]
        if len(squares) == 1:
            error = apply("sqrt", squares[0])
        else:  # DOP853: order 8 where the solution is smooth, not blind where the fifth-order estimate vanishes
            below = squares[0] + real(0.01) * squares[1]
            error = apply("select", apply("eq", below, 0.0), real(0.0), squares[0] / apply("sqrt", below))
        error = b.let("error", error)
        new, held = projected(self.flow, b, frame, t + h, new)
        accepted = apply("le", error, 1.0)
        accepted = b.let("accepted", accepted if held is None else apply("and", accepted, held))
        raw = real(control.safety) * power(error, -control.exponent)
        grown = raw * power(apply("max", previous, control.error_floor), control.feedback) if control.feedback else raw
        grown = apply("min", real(control.largest), apply("max", real(control.smallest), grown))
        shrunk = apply("max", real(control.smallest), raw)
        shrunk = apply("select", apply("isfinite", error), shrunk, real(control.smallest))
        factor = apply("select", accepted, grown, shrunk)
        # a last step that was cut short says little about the next length
        following = apply("select", apply("and", accepted, apply("lt", taken, length)), length, taken * factor)
        if held is not None:  # a step too long to be carried back is too long
            following = apply("select", held, following, apply("min", following, real(control.smallest) * taken))
        slope_next = stages[-1] if tableau.fsal and held is None else rates(t + h, new)
        remembered = (apply("max", error, control.error_floor), *slope_next)

        def dense(inner: Builder) -> At:
            extended = dense_stages(tableau, rates_of(self.flow, inner, frame), t, x, h, stages)

            def at(place: Builder, theta: Node) -> State:
                return projected(self.flow, place, frame, t + theta * h, interpolate(tableau, x, h, extended, theta))[0]

            return at

        return Tried(taken, accepted, new, following, remembered, dense)


@dataclass(frozen=True)
class TaylorPacer:
    """Taylor series of a fixed order, the step from the decay of the last two coefficients."""

    flow: Flow
    taylor: Taylor
    order: int
    wanted: int | None = None  # the order that the tolerance asks for, where a higher one is taken

    @property
    def dense_order(self) -> int:
        """That of the series."""
        return self.order

    def memory_names(self) -> tuple[str, ...]:
        return ()

    def start(self, b: Builder, frame: AdaptiveFrame, t: Node, x: State) -> tuple[Node, State]:
        return real(0.0), ()

    def attempt(
        self, b: Builder, frame: AdaptiveFrame, t: Node, x: State, length: Node, memory: State, left: Node
    ) -> Tried:
        n = len(x)
        series = b.call(self.series(), (t, *x, *frame.parameters))
        rows = [x, *(series[k * n : (k + 1) * n] for k in range(self.order))]
        exponents = [series[k : k + self.order] for k in range(n * self.order, len(series), self.order)]

        def norm(values: State) -> Node:
            sizes = [apply("abs", value) for value in values]
            while len(sizes) > 1:  # in pairs: the next step waits for the largest
                sizes = [reduce(partial(apply, "max"), sizes[i : i + 2]) for i in range(0, len(sizes), 2)]
            return sizes[0]

        b.comment("the step, from the decay of the last two Taylor coefficients")
        # in logarithms, which cost one exponential in place of two powers and a division
        log_rate = decay_rate(
            self.order,
            norm(x),
            norm(rows[-2]),
            norm(rows[-1]),
            lambda base, exponent: apply("log", base) * real(exponent),
            lambda one, other: apply("max", one, other),
        )
        step = b.let("step", apply("exp", real(math.log(self.taylor.step_factor(self.order, self.wanted))) - log_rate))
        taken = b.let("taken", apply("min", step, left))
        if exponents:
            taken = self._within_sight(b, taken, exponents)
        h = b.let("h", taken * frame.direction)
        columns = list(zip(*rows, strict=True))

        def at(duration: Node) -> State:
            return tuple(horner(column, duration) for column in columns)

        new = tuple(b.let(f"new_{m}", v) for m, v in zip(self.flow.names, at(h), strict=True))
        new, held = projected(self.flow, b, frame, t + h, new)
        length_next = taken  # which nothing follows from: the coefficients at the end of the step say how far to go
        if held is not None:  # no length that follows: the run ends here
            length_next = apply("select", held, taken, apply("sqrt", real(0.0) - taken))

        def inside(place: Builder, theta: Node) -> State:
            return projected(self.flow, place, frame, t + theta * h, at(theta * h))[0]

        return Tried(taken, held, new, length_next, (), lambda _: inside)

    def _within_sight(self, b: Builder, taken: Node, exponents: Sequence[State]) -> Node:
        """The step, halved until no exponential rises in it of which the coefficients hold no trace.

        exp(u) leaves coefficients above exp(-2 p) where u moves by up to 2 p in the step; beyond that it must stay so
        small, or so large, all along that nothing depends on how it moves (a sigmoid of it is flat).
        """
        p = float(self.order if self.wanted is None else self.wanted)
        b.comment("no step beyond where an exponential may rise unseen")
        length = b.register("in_sight", taken)
        unseen: Node = boolean(False)
        for now, *moves in exponents:
            moved = length * horner([apply("abs", m) for m in moves], length)
            near = apply("lt", apply("abs", now) - moved, IN_SIGHT * p + NEGLIGIBLE)
            unseen = apply("or", unseen, apply("and", apply("lt", IN_SIGHT * p, moved), near))
        with b.repeat_while(unseen):
            b.assign(length, length * real(0.5))
        return b.let("seen", length)

    def series(self) -> Function:
        """The coefficients of orders 1..p as a function of (t, x, parameters); then those of each exponent, 0..p-1."""
        a = self.flow.arguments
        rates = straight_line(self.flow.rates)
        time = None if self.flow.autonomous else a.time
        exponents = moving_exponents(rates, (*a.state, *(() if time is None else (time,))))
        n = len(a.state)
        rows = taylor_coefficients(a.state, rates, self.order, time, exponents)
        results = tuple(value for row in rows[1:] for value in row[:n])
        followed = tuple(row[n + k] for k in range(len(exponents)) for row in rows[:-1])
        return Function("taylor_series", (a.time, *a.state, *a.parameters), (), (*results, *followed))
