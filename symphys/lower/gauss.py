"""Gauss-Legendre collocation in kernels: fixed-point sweeps over the stages, in canonical variables where there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codegen import Builder, Node, apply, integer, real
from symphys.integrators import Gauss
from symphys.integrators.arithmetic import combine
from symphys.integrators.gauss import predicted_states, stage_states
from symphys.lower.flow import Canonical, Flow
from symphys.lower.stepper import Inputs, State, Stepped, compensated_add, rates_of

SWEEPS = 100  # of the fixed-point iteration; it gains at least a digit a sweep at any sensible step
LEAST = 1e-30  # what a group of components is measured by where it is zero and at rest; above the least float32


@dataclass(frozen=True)
class GaussStepper:
    """Gauss-Legendre collocation by fixed-point iteration, in canonical variables for Lagrangian systems.

    The iteration stops where the stages no longer move, or rounding keeps those that have converged in motion. How far
    they move is measured for coordinates and for velocities or momenta apart, each by the largest of their kind, so
    that units do not matter. Source: Hairer, Lubich, Wanner, "Geometric Numerical Integration", VIII.5 and VIII.6.
    """

    flow: Flow
    gauss: Gauss
    tolerance: float
    canonical: Canonical | None = None
    compensated: bool = False

    def memory_names(self) -> tuple[str, ...]:
        """The digits that sums have lost, then the rates at the stages of the step before."""
        lost = tuple(f"lost_{n}" for n in self.flow.names) if self.compensated else ()
        return (*lost, *(f"stage{i}_{n}" for i in range(self.gauss.stages) for n in self.flow.names))

    def _rates(self, b: Builder, inputs: Inputs, t: Node, x: State, guess: State) -> State:
        if self.canonical is None:
            return rates_of(self.flow, b, inputs)(t, x)
        arguments = (t, *x, *guess, *inputs.signals(b, t), *inputs.parameters)
        return b.call(self.canonical.rates, arguments, [f"rates_{n}" for n in self.flow.names])

    def _guess(self, stage: State) -> State:
        return stage[: len(stage) // 2] if self.canonical is not None else ()

    def start(self, b: Builder, inputs: Inputs, t: Node, x: State, h: Node) -> State:
        """The first contents of the memory, from rates at the start."""
        guess = tuple(real(0.0) for _ in x)
        return self.remembered(self._rates(b, inputs, t, x, self._guess(guess)))

    def remembered(self, rates: State) -> State:
        """The first contents of the memory for given rates at the start."""
        lost = tuple(real(0.0) for _ in rates) if self.compensated else ()
        return (*lost, *(rates * self.gauss.stages))

    def step(self, b: Builder, inputs: Inputs, t: Node, x: State, memory: State, h: Node) -> Stepped:
        """One step from (t, x) of length h."""
        s, n, names = self.gauss.stages, len(x), self.flow.names
        lost, memory = (memory[:n], memory[n:]) if self.compensated else ((), memory)
        old = tuple(memory[i * n : (i + 1) * n] for i in range(s))
        states = predicted_states(self.gauss, x, h, old)
        registers = [[b.register(f"k{i}_{m}", r) for m, r in zip(names, old[i], strict=True)] for i in range(s)]
        points = [[b.register(f"y{i}_{m}", r) for m, r in zip(names, states[i], strict=True)] for i in range(s)]
        change, before = b.register("change", real(1.0)), b.register("change_before", real(0.0))
        sweep = b.register("sweep", integer(0))
        weights = self._weights(b, x, old, h)
        # the first sweeps may move further than the one before, as Newton's method settles with them
        early = apply("or", apply("lt", sweep, 2), apply("lt", real(self.tolerance), change))
        more = apply("and", apply("or", early, apply("lt", change, before)), apply("lt", sweep, SWEEPS))
        b.comment("fixed-point sweeps over the stages at the Gauss points, until nothing moves any more")
        with b.repeat_while(apply("and", more, apply("lt", 0.0, change))):
            fresh = []
            for i, c in enumerate(self.gauss.c):
                guess = self._guess(tuple(registers[i]))
                fresh.append(self._rates(b, inputs, t + real(c) * h, tuple(points[i]), guess))
            moved = stage_states(self.gauss, x, h, tuple(fresh))
            size = b.let("moved", self._distance(moved, points, weights))
            b.assign(before, change)
            b.assign(change, size)
            for i in range(s):
                for register, value in zip((*registers[i], *points[i]), (*fresh[i], *moved[i]), strict=True):
                    b.assign(register, value)
            b.assign(sweep, sweep + 1)
        stages = tuple(tuple(r) for r in registers)
        increments = tuple(h * total for total in combine(self.gauss.b, stages))
        if self.compensated:
            new, lost = compensated_add(x, increments, lost)
        else:
            new = tuple(a + d for a, d in zip(x, increments, strict=True))
        kept = (*lost, *(value for stage in stages for value in stage))
        return Stepped(new, kept, apply("le", change, real(self.tolerance)))

    def _weights(self, b: Builder, x: State, old: Sequence[State], h: Node) -> list[Node]:
        """One over the size of each group of components: the largest, or what the step before added to it."""
        weights = []
        for group in self.flow.groups:
            size: Node = real(LEAST)
            for i in group:
                size = apply("max", size, apply("abs", x[i]))
                for stage in old:
                    size = apply("max", size, apply("abs", h * stage[i]))
            weights.append(b.let("weight", real(1.0) / size))
        return weights

    def _distance(self, moved: Sequence[State], points: Sequence[Sequence[Node]], weights: Sequence[Node]) -> Node:
        """How far the stages moved, in parts of the size of their group."""
        largest: Node = real(0.0)
        for group, weight in zip(self.flow.groups, weights, strict=True):
            far: Node = real(0.0)
            for new, point in zip(moved, points, strict=True):
                for i in group:
                    far = apply("max", far, apply("abs", new[i] - point[i]))
            largest = apply("max", largest, far * weight)
        return largest
