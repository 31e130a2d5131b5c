"""Trajectories that are compared with observations: run forwards, with tangents (backwards: `way_back`).

Times are those of observations: row r begins at row_times[r] and takes row_steps[r] steps of length row_lengths[r] to
the next, so that irregular times are met exactly. What a method remembers between steps starts anew at every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from codegen import Array, Bar, Intent, Kernel, Kind, Node, apply, integer, real
from symphys.lower.flow import Flow
from symphys.lower.frame import LANE, Frame, State
from symphys.lower.reverse_step import ReverseStep, RungeKuttaReverse, Wanted
from symphys.lower.stages import Stages
from symphys.lower.step_function import StepFunction


@dataclass(frozen=True)
class Stepping:
    """How a system is stepped between observations: the step, the first memory, the variables of unknown parameters.

    weights: the arrays of unknown weights of networks, one behind the other in what is made of them. summed: whether
    their cotangents are added up over instances.
    """

    flow: Flow
    step: StepFunction
    start: StepFunction
    unknown: State
    weights: tuple[Array, ...] = ()
    summed: bool = True

    @property
    def weight_count(self) -> int:
        """How many numbers the arrays of unknown weights hold."""
        return sum(int(array.shape[0]) for array in self.weights)

    @property
    def weight_bars(self) -> Array:
        """Where cotangents of unknown weights are added: for all instances together, or each apart."""
        intent = Intent.SUM if self.summed else Intent.INOUT
        return Array("weight_bars", (max(self.weight_count, 1),), intent=intent, instanced=not self.summed)

    @property
    def wanted(self) -> Wanted:
        """By what steps are differentiated."""
        edges = accumulate((int(array.shape[0]) for array in self.weights), initial=0)
        bars = {a.name: Bar(self.weight_bars, (), edge) for a, edge in zip(self.weights, edges, strict=False)}
        return Wanted(self.unknown, bars)

    @property
    def memory(self) -> int:
        """How many numbers are remembered between steps."""
        return len(self.step.moving) - len(self.flow.names)


@dataclass(frozen=True)
class Row:
    """One row while a kernel is written: its first time, step length and number of steps."""

    begin: Node
    length: Node
    steps: Node

    def time(self, k: Node) -> Node:
        """When step k begins."""
        return self.begin + apply("to_real", k) * self.length


def frame_of(stepping: Stepping, dtype: str) -> Frame:
    """A kernel that knows the times of its rows."""
    frame = Frame(stepping.flow, dtype)
    frame.array("row_times", ("rows",))
    frame.array("row_lengths", ("rows",))
    frame.array("row_steps", ("rows",), Kind.INT, instanced=False)
    frame.scalar("rows", Kind.INT)
    return frame


def declare_tableau(frame: Frame, reverse: ReverseStep) -> None:
    """The array of coefficients that Runge-Kutta steps read on their way back."""
    if isinstance(reverse, RungeKuttaReverse):
        reverse.stages.declare(frame)


def row_at(frame: Frame, index: Node) -> Row:
    """The row of an index."""
    b = frame.builder
    begin, length = b.load("row_begin", "row_times", index), b.load("row_length", "row_lengths", index)
    return Row(begin, length, b.load("row_count", "row_steps", index, kind=Kind.INT))


def begin_row(stepping: Stepping, frame: Frame, row: Row, x: State) -> State:
    """The first memory of a row."""
    if not stepping.memory:
        return ()
    b, start = frame.builder, stepping.start
    return b.call(start.function, start.arguments(b, frame, row.begin, row.length, x))


def advance(stepping: Stepping, frame: Frame, t: Node, h: Node, registers: State) -> State:
    """The state and memory after a step."""
    b, step = frame.builder, stepping.step
    return b.call(step.function, step.arguments(b, frame, t, h, registers))


def observe_kernel(stepping: Stepping, dtype: str) -> Kernel:
    """From `initial` [n] to `saved` [n, rows], the states at the times of observations."""
    frame = frame_of(stepping, dtype)
    b, names = frame.builder, stepping.flow.names
    frame.array("initial", (len(names),))
    frame.array("saved", (len(names), "rows"), intent=Intent.OUT)
    frame.load_parameters()
    x = frame.load_registers(names, "initial")
    memory = tuple(b.register("kept", real(0.0)) for _ in range(stepping.memory))
    frame.save(integer(0), x)
    with b.loop("row", 0, frame.scalar("rows", Kind.INT) - 1) as index:
        row = row_at(frame, index)
        assign(frame, memory, begin_row(stepping, frame, row, x))
        with b.loop("k", 0, row.steps) as k:
            assign(frame, (*x, *memory), advance(stepping, frame, row.time(k), row.length, (*x, *memory)))
        frame.save(index + 1, x)
    return Kernel("observe", LANE, tuple(frame.arrays), tuple(frame.scalars), b.block())


def keep_stages_kernel(stepping: Stepping, stages: Stages, dtype: str) -> Kernel:
    """`saved` as `observe_kernel` for rows of one step each, and `saved_stages` [stages, n, rows], the states Y_i."""
    frame = frame_of(stepping, dtype)
    b, names = frame.builder, stepping.flow.names
    frame.array("initial", (len(names),))
    frame.array("saved", (len(names), "rows"), intent=Intent.OUT)
    frame.array("saved_stages", (stages.count, len(names), "rows"), intent=Intent.OUT)
    stages.declare(frame)
    frame.load_parameters()
    x = frame.load_registers(names, "initial")
    frame.save(integer(0), x)
    with b.loop("row", 0, frame.scalar("rows", Kind.INT) - 1) as index:
        row = row_at(frame, index)

        def keep(stage: Node, y: State) -> None:
            for c, value in enumerate(y):
                b.store("saved_stages", stage, c, index, value=value)

        assign(frame, x, stages.run(b, frame, row.begin, row.length, x, keep))
        frame.save(index + 1, x)
    return Kernel("keep_stages", LANE, tuple(frame.arrays), tuple(frame.scalars), b.block())


def tangent_kernel(stepping: Stepping, directions: int, dtype: str) -> Kernel:
    """`saved` as `observe_kernel`, and `saved_dots` [n, rows, K], its derivatives along K directions an instance.

    A direction is given by `initial_dots` [n, K] and `parameter_dots` [A, K]; one trajectory stands in as many
    instances as its directions need.
    """
    frame = frame_of(stepping, dtype)
    b, names = frame.builder, stepping.flow.names
    n, m, many = len(names), stepping.memory, len(stepping.unknown)
    frame.array("initial", (n,))
    frame.array("saved", (n, "rows"), intent=Intent.OUT)
    frame.array("initial_dots", (n, directions))
    frame.array("parameter_dots", (max(many, 1), directions))
    frame.array("saved_dots", (n, "rows", directions), intent=Intent.OUT)
    frame.load_parameters()
    x = frame.load_registers(names, "initial")
    memory = tuple(b.register("kept", real(0.0)) for _ in range(m))
    dots = [
        [b.register("dot", b.load("dot_0", "initial_dots", i, d)) for i in range(n)]
        + [b.register("kept_dot", real(0.0)) for _ in range(m)]
        for d in range(directions)
    ]
    seeds = [[b.load("seed", "parameter_dots", a, d) for a in range(many)] for d in range(directions)]

    def save(place: Node) -> None:
        frame.save(place, x)
        for d in range(directions):
            for i in range(n):
                b.store("saved_dots", i, place, d, value=dots[d][i])

    def call(function: StepFunction, t: Node, h: Node, moving: State, count: int) -> tuple[State, list[State]]:
        width = len(moving)
        tangents = [value for d in range(directions) for value in (*dots[d][:width], *seeds[d])]
        arguments = function.arguments(b, frame, t, h, moving)
        found = b.call(function.tangents(stepping.unknown, directions), (*arguments, *tangents))
        return found[:count], [found[count * (d + 1) : count * (d + 2)] for d in range(directions)]

    save(integer(0))
    with b.loop("row", 0, frame.scalar("rows", Kind.INT) - 1) as index:
        row = row_at(frame, index)
        if m:
            first, first_dots = call(stepping.start, row.begin, row.length, x, m)
            assign(frame, memory, first)
            for d in range(directions):
                assign(frame, dots[d][n:], first_dots[d])
        with b.loop("k", 0, row.steps) as k:
            new, new_dots = call(stepping.step, row.time(k), row.length, (*x, *memory), n + m)
            assign(frame, (*x, *memory), new)
            for d in range(directions):
                assign(frame, dots[d], new_dots[d])
        save(index + 1)
    return Kernel("tangents", LANE, tuple(frame.arrays), tuple(frame.scalars), b.block())


def assign(frame: Frame, registers: Sequence[Node], values: Sequence[Node]) -> None:
    """All registers at once: values are computed before any of them changes."""
    named = [frame.builder.let("new", value) for value in values]
    for register, value in zip(registers, named, strict=True):
        frame.builder.assign(register, value)
