"""The stages of explicit Runge-Kutta steps in loops: what is written does not grow with their number.

The coefficients stand in the array `tableau` [stages + 2, stages]: rows of a, then b, then c.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from codegen import Builder, Node, integer, real
from symphys.integrators import ExplicitTableau
from symphys.lower.flow import Flow
from symphys.lower.frame import Frame, State
from symphys.lower.stepper import Inputs


@dataclass(frozen=True)
class Stages:
    """Y_i = x + h sum_(j<i) a_ij k_j and k_i = f(t + c_i h, Y_i) of a method and a system."""

    flow: Flow
    tableau: ExplicitTableau

    @property
    def count(self) -> int:
        """How many stages a step has."""
        return len(self.tableau.b)

    def declare(self, frame: Frame) -> None:
        """The array of coefficients in a kernel."""
        frame.array("tableau", (self.count + 2, self.count), instanced=False)

    def summed(
        self, b: Builder, array: str, first: Node, last: Node, weight: Callable[[Node], tuple[Node, Node]]
    ) -> list[Node]:
        """sum_j weight_j array[j] for j = first, ..., last - 1; weights are at (row, column) of the tableau."""
        sums = [b.register("sum", real(0.0)) for _ in self.flow.names]
        with b.loop("j", first, last) as j:
            factor = b.load("weight", "tableau", *weight(j))
            for c, register in enumerate(sums):
                b.assign(register, register + factor * b.load("part", array, j, c))
        return sums

    def state(self, b: Builder, h: Node, x: State, rates: str, i: Node) -> State:
        """Y_i from the rates [stages, n] of the stages before it."""
        moved = self.summed(b, rates, integer(0), i, lambda j: (i, j))
        return tuple(b.let("y", x_c + h * m) for x_c, m in zip(x, moved, strict=True))

    def arguments(self, b: Builder, inputs: Inputs, t: Node, h: Node, i: Node, y: State) -> State:
        """What the rates of stage i are functions of."""
        time = b.let("stage_time", t + b.load("c", "tableau", integer(self.count + 1), i) * h)
        return (time, *y, *inputs.signals(b, time), *inputs.parameters)

    def run(self, b: Builder, inputs: Inputs, t: Node, h: Node, x: State, keep: Callable[[Node, State], None]) -> State:
        """The state after a step; `keep` is told each stage and its state."""
        n, s = len(x), self.count
        rates = b.local("stage_rate", (s, n))
        with b.loop("stage", 0, s) as i:
            y = self.state(b, h, x, rates, i)
            keep(i, y)
            for c, rate in enumerate(b.call(self.flow.rates, self.arguments(b, inputs, t, h, i, y))):
                b.store(rates, i, c, value=rate)
        moved = self.summed(b, rates, integer(0), integer(s), lambda j: (integer(s), j))
        return tuple(x_c + h * m for x_c, m in zip(x, moved, strict=True))


def tableau_rows(tableau: ExplicitTableau) -> list[list[float]]:
    """What the array `tableau` holds."""
    s = len(tableau.b)
    return [[*row, *[0.0] * (s - len(row))] for row in tableau.a] + [list(tableau.b), list(tableau.c)]
