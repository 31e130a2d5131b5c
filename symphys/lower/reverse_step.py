"""How a step is undone for derivatives: by the adjoint of its function, or, for implicit steps, of its equations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from codegen import Bar, Builder, Node, apply, integer, real, vjp_function
from symphys.integrators.arithmetic import add_scaled, combine
from symphys.integrators.gauss import stage_states
from symphys.lower.flow import Flow
from symphys.lower.gauss import SWEEPS, GaussStepper
from symphys.lower.stages import Stages
from symphys.lower.step_function import StepFunction
from symphys.lower.stepper import Inputs, State


@dataclass(frozen=True)
class Cotangents:
    """The derivatives of a loss by a state, by what is remembered with it, and by the unknown parameters [A]."""

    state: State
    memory: State
    parameters: State


@dataclass(frozen=True)
class Wanted:
    """By what is differentiated: the variables of parameters [A], and where cotangents of networks' weights go."""

    parameters: State
    bars: Mapping[str, Bar]


class ReverseStep(Protocol):
    """Pulls cotangents back through one step."""

    @property
    def remembers(self) -> bool:
        """Whether anything depends on what is remembered between steps."""

    def back(
        self, b: Builder, inputs: Inputs, t: Node, h: Node, x: State, memory: State, after: Cotangents
    ) -> Cotangents:
        """From cotangents after the step from (t, x, memory) of length h to those before it; parameters are added."""


def pulled(
    b: Builder,
    step: StepFunction,
    inputs: Inputs,
    t: Node,
    h: Node,
    moving: State,
    seeds: State,
    wanted: Wanted,
) -> State:
    """The cotangents of (moving, unknown parameters) for cotangents `seeds` of the results of a step function."""
    arguments = step.arguments(b, inputs, t, h, moving)
    function = step.adjoint(wanted.parameters, wanted.bars)
    return b.call(function, (*arguments, *seeds), ["bar"] * (len(moving) + len(wanted.parameters)))


@dataclass(frozen=True)
class ExplicitReverse:
    """The adjoint of a step that is a straight line: explicit methods and splittings."""

    step: StepFunction
    wanted: Wanted
    remembers: bool = True

    def back(
        self, b: Builder, inputs: Inputs, t: Node, h: Node, x: State, memory: State, after: Cotangents
    ) -> Cotangents:
        """See `ReverseStep`."""
        n, m = len(x), len(memory)
        bars = pulled(b, self.step, inputs, t, h, (*x, *memory), (*after.state, *after.memory), self.wanted)
        sums = tuple(a + c for a, c in zip(after.parameters, bars[n + m :], strict=True))
        return Cotangents(bars[:n], bars[n : n + m], sums)


@dataclass(frozen=True)
class RungeKuttaReverse:
    """The adjoint of an explicit Runge-Kutta step, its stages in a loop.

    With k_i = f(Y_i), Y_i = x + h sum_(j<i) a_ij k_j, x_new = x + h sum b_i k_i and the cotangent l of x_new, from the
    last stage down: k_i_ = h (b_i l + sum_(j>i) a_ji Y_j_), Y_i_ = J_i^T k_i_; the cotangent of x is l + sum Y_i_.
    `kept`: the step whose Y_i stand in the array `saved_stages` [stages, n, steps]; where it is None they are found
    again. Source: Hager, Numerische Mathematik 87 (2000) 247.
    """

    stages: Stages
    wanted: Wanted
    kept: Node | None = None
    remembers: bool = False

    def back(
        self, b: Builder, inputs: Inputs, t: Node, h: Node, x: State, memory: State, after: Cotangents
    ) -> Cotangents:
        """See `ReverseStep`."""
        stages, n, s = self.stages, len(x), self.stages.count
        flow, parameters = stages.flow, self.wanted.parameters
        pull = vjp_function(flow.rates, [*flow.arguments.state, *parameters], with_results=False, bars=self.wanted.bars)
        recall = self._found(b, inputs, t, h, x) if self.kept is None else self._recalled(b, n, self.kept)
        bars = b.local("stage_bar", (s, n))
        found = [b.register("total_bar", l) for l in after.state]
        slopes = [b.register("total_slope", total) for total in after.parameters]
        with b.loop("back_stage", 0, s) as back:
            i = b.let("stage", integer(s - 1) - back)
            above = stages.summed(b, bars, i + 1, integer(s), lambda j: (j, i))
            own = b.load("own", "tableau", integer(s), i)
            seeds = [h * (own * l + a) for l, a in zip(after.state, above, strict=True)]
            arguments = stages.arguments(b, inputs, t, h, i, recall(i))
            pulled_back = b.call(pull, (*arguments, *seeds), ["back"] * (n + len(parameters)))
            for c in range(n):
                b.store(bars, i, c, value=pulled_back[c])
            for register, value in zip((*found, *slopes), pulled_back, strict=True):
                b.assign(register, register + value)
        return Cotangents(tuple(found), tuple(real(0.0) for _ in memory), tuple(slopes))

    def _found(self, b: Builder, inputs: Inputs, t: Node, h: Node, x: State) -> Callable[[Node], State]:
        """The states of all stages, computed; they are had by the number of the stage."""
        stages, n, s = self.stages, len(x), self.stages.count
        states, rates = b.local("stage", (s, n)), b.local("stage_rate", (s, n))

        def place(i: Node) -> State:
            y = stages.state(b, h, x, rates, i)
            for c in range(n):
                b.store(states, i, c, value=y[c])
            return y

        with b.loop("stage", 0, s - 1) as i:
            for c, rate in enumerate(b.call(stages.flow.rates, stages.arguments(b, inputs, t, h, i, place(i)))):
                b.store(rates, i, c, value=rate)
        place(integer(s - 1))  # whose rate no other stage needs
        return lambda i: tuple(b.load("y", states, i, c) for c in range(n))

    @staticmethod
    def _recalled(b: Builder, n: int, step: Node) -> Callable[[Node], State]:
        return lambda i: tuple(b.load("y", "saved_stages", i, c, step) for c in range(n))


@dataclass(frozen=True)
class GaussReverse:
    """The adjoint of collocation: its stage equations transposed, solved by the sweeps that solve them forwards.

    With x_new = x + h sum b_i k_i, k_i = f(Y_i), Y_i = x + h sum_j a_ij k_j and the cotangent l of x_new:
    l_i = h (b_i l + sum_j a_ji J_j^T l_j), and the cotangent of x is l + sum_i J_i^T l_i. What is remembered is a first
    guess, on which nothing depends. Source: Hairer, Lubich, Wanner, "Geometric Numerical Integration", VI.9.2.
    """

    flow: Flow
    stepper: GaussStepper
    wanted: Wanted
    remembers: bool = False

    def back(
        self, b: Builder, inputs: Inputs, t: Node, h: Node, x: State, memory: State, after: Cotangents
    ) -> Cotangents:
        """See `ReverseStep`."""
        gauss, n = self.stepper.gauss, len(x)
        s = gauss.stages
        kept = self.stepper.step(b, inputs, t, x, memory, h).memory
        stages = tuple(kept[i * n : (i + 1) * n] for i in range(s))
        points = [tuple(b.let("stage", y) for y in point) for point in stage_states(gauss, x, h, stages)]
        times = [t + real(c) * h for c in gauss.c]
        signals = [inputs.signals(b, time) for time in times]
        at = [(times[i], *points[i], *signals[i], *inputs.parameters) for i in range(s)]
        turn = vjp_function(self.flow.rates, self.flow.arguments.state, with_results=False)
        pull = vjp_function(self.flow.rates, self.wanted.parameters, with_results=False, bars=self.wanted.bars)
        bars = [[b.register("stage_bar", real(gauss.b[i]) * h * l) for l in after.state] for i in range(s)]
        found = [[b.register("pulled", real(0.0)) for _ in range(n)] for _ in range(s)]
        change, before, sweep = b.register("change", 1.0), b.register("before", 0.0), b.register("sweep", integer(0))
        size: Node = real(1e-300)
        for l in after.state:
            size = apply("max", size, apply("abs", l))
        enough = b.let("enough", size * real(self.stepper.tolerance))
        early = apply("or", apply("lt", sweep, 2), apply("lt", enough, change))
        more = apply("and", apply("or", early, apply("lt", change, before)), apply("lt", sweep, SWEEPS))
        b.comment("the transposed stage equations, by sweeps until nothing moves any more")
        with b.repeat_while(apply("and", more, apply("lt", 0.0, change))):
            for i in range(s):
                for register, value in zip(found[i], b.call(turn, (*at[i], *bars[i]), ["back"] * n), strict=True):
                    b.assign(register, value)
            largest: Node = real(0.0)
            fresh = []
            for j in range(s):
                column = combine([gauss.a[i][j] for i in range(s)], [tuple(f) for f in found])
                scaled = combine([gauss.b[j]], [after.state])
                fresh.append([b.let("next", h * (p + q)) for p, q in zip(scaled, column, strict=True)])
                for new, old in zip(fresh[j], bars[j], strict=True):
                    largest = apply("max", largest, apply("abs", new - old))
            b.assign(before, change)
            b.assign(change, largest)
            for new_bars, old_bars in zip(fresh, bars, strict=True):
                for new, old in zip(new_bars, old_bars, strict=True):
                    b.assign(old, new)
            b.assign(sweep, sweep + 1)
        state = after.state
        for i in range(s):
            state = add_scaled(state, real(1.0), tuple(found[i]))
        sums = list(after.parameters)
        for i in range(s):
            slopes = b.call(pull, (*at[i], *bars[i]), ["slope"] * len(sums))
            sums = [total + slope for total, slope in zip(sums, slopes, strict=True)]
        return Cotangents(tuple(state), tuple(real(0.0) for _ in memory), tuple(sums))
