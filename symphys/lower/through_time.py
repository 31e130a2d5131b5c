"""Trajectories that are compared with observations: run forwards, with tangents, and backwards by the discrete adjoint.

Times are those of observations: row r begins at row_times[r] and takes row_steps[r] steps of length row_lengths[r] to
the next, so that irregular times are met exactly. What a method remembers between steps starts anew at every row.
Backwards, states come from undoing steps where the method is reversible (memory grows with the rows alone); else rows
are done again from their beginning and from marks within them, so that memory grows with the root of their length.
Source: Griewank, Walther, "Evaluating Derivatives" (2nd ed.), chapter 12.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from codegen import Array, Bar, Intent, Kernel, Kind, Node, apply, integer, real
from symphys.lower.flow import Flow
from symphys.lower.frame import LANE, Frame, State
from symphys.lower.reverse_step import Cotangents, ReverseStep, RungeKuttaReverse, Wanted, pulled
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
        stages = len(reverse.tableau.b)
        frame.array("tableau", (stages + 2, stages), instanced=False)


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


def adjoint_kernel(stepping: Stepping, reverse: ReverseStep, reversible: bool, dtype: str) -> Kernel:
    """From `saved` and a loss by it, `saved_bars` [n, rows], to its slopes `initial_bars` [n], `parameter_bars` [A].

    Those by the weights of networks are added to `weight_bars`.
    """
    frame = frame_of(stepping, dtype)
    b, names = frame.builder, stepping.flow.names
    n, m, many = len(names), stepping.memory, len(stepping.unknown)
    frame.array("saved", (n, "rows"))
    frame.array("saved_bars", (n, "rows"))
    frame.array("initial_bars", (n,), intent=Intent.OUT)
    frame.array("parameter_bars", (max(many, 1),), intent=Intent.OUT)
    declare_tableau(frame, reverse)
    if stepping.weights:
        frame.arrays.append(stepping.weight_bars)
    if not reversible:
        frame.array("held_marks", (n + m, "marks"), intent=Intent.INOUT)
        frame.array("held_steps", (n + m, "segment"), intent=Intent.INOUT)
        frame.scalar("marks", Kind.INT)
        frame.scalar("segment", Kind.INT)
    frame.load_parameters()
    bars = [b.register("bar", real(0.0)) for _ in range(n)]
    kept_bars = [b.register("kept_bar", real(0.0)) for _ in range(m)]
    sums = [b.register("parameter_bar", real(0.0)) for _ in range(many)]
    moving = tuple(b.register(f"at_{name}", real(0.0)) for name in (*names, *["kept"] * m))
    sweep = _Backward(stepping, reverse, frame, moving, bars, kept_bars, sums)
    last = frame.scalar("rows", Kind.INT) - 1
    with b.loop("back_row", 0, last) as back:
        index = b.let("row", last - 1 - back)
        row = row_at(frame, index)
        for i in range(n):
            b.assign(bars[i], bars[i] + b.load("seed", "saved_bars", i, index + 1))
        assign(frame, kept_bars, [real(0.0)] * m)
        if reversible:
            sweep.undo(row, index)
        else:
            sweep.repeat(row, index)
        sweep.close(row, index)
    for i in range(n):
        b.store("initial_bars", i, value=bars[i] + b.load("seed", "saved_bars", i, integer(0)))
    for a in range(many):
        b.store("parameter_bars", a, value=sums[a])
    return Kernel("adjoint", LANE, tuple(frame.arrays), tuple(frame.scalars), b.block())


@dataclass(frozen=True)
class _Backward:
    """Writes one row of the way back."""

    stepping: Stepping
    reverse: ReverseStep
    frame: Frame
    moving: State
    bars: Sequence[Node]
    kept_bars: Sequence[Node]
    sums: Sequence[Node]

    def _load(self, place: Node) -> None:
        n = len(self.stepping.flow.names)
        assign(self.frame, self.moving[:n], _saved(self.frame, place, n))

    def _start(self, row: Row) -> None:
        n = len(self.stepping.flow.names)
        first = begin_row(self.stepping, self.frame, row, self.moving[:n])
        assign(self.frame, self.moving[n:], first)

    def _pull(self, row: Row, k: Node) -> None:
        """Cotangents back through step k, from the state and memory before it."""
        n = len(self.stepping.flow.names)
        after = Cotangents(tuple(self.bars), tuple(self.kept_bars), tuple(self.sums))
        before = self.reverse.back(
            self.frame.builder, self.frame, row.time(k), row.length, self.moving[:n], self.moving[n:], after
        )
        assign(
            self.frame,
            (*self.bars, *self.kept_bars, *self.sums),
            (*before.state, *before.memory, *before.parameters),
        )

    def undo(self, row: Row, index: Node) -> None:
        """From the end of a row back to its beginning, undoing each step before its cotangents are pulled."""
        b = self.frame.builder
        self._load(index + 1)
        end = Row(row.time(row.steps), real(0.0) - row.length, row.steps)
        self._start(end)
        with b.loop("back_step", 0, row.steps) as done:
            k = b.let("k", row.steps - 1 - done)
            assign(
                self.frame,
                self.moving,
                advance(self.stepping, self.frame, row.time(k + 1), end.length, self.moving),
            )
            self._pull(row, k)

    def repeat(self, row: Row, index: Node) -> None:
        """A row once more: marks in it, then from the last mark on every step, which is kept and pulled through."""
        b, frame = self.frame.builder, self.frame
        segment = frame.scalar("segment", Kind.INT)
        whole = b.let("segments", apply("quotient", row.steps + segment - 1, segment))
        self._load(index)
        self._start(row)

        def length(mark: Node) -> Node:
            rest = row.steps - mark * segment
            return b.let("count", apply("select", apply("lt", rest, segment), rest, segment))

        with b.loop("mark", 0, whole - 1) as mark:
            self._hold("held_marks", mark)
            with b.loop("inner", 0, segment) as inner:
                t = row.time(mark * segment + inner)
                assign(frame, self.moving, advance(self.stepping, frame, t, row.length, self.moving))
        self._hold("held_marks", whole - 1)
        with b.loop("back_mark", 0, whole) as back:
            mark = b.let("mark", whole - 1 - back)
            self._recall("held_marks", mark)
            count = length(mark)
            self._hold("held_steps", integer(0))
            with b.loop("inner", 1, count) as inner:
                t = row.time(mark * segment + inner - 1)
                assign(frame, self.moving, advance(self.stepping, frame, t, row.length, self.moving))
                self._hold("held_steps", inner)
            with b.loop("back_inner", 0, count) as done:
                inner = b.let("inner", count - 1 - done)
                self._recall("held_steps", inner)
                self._pull(row, b.let("k", mark * segment + inner))

    def close(self, row: Row, index: Node) -> None:
        """The cotangents of the first memory of a row, back to its state and the parameters."""
        if not self.stepping.memory:
            return
        n = len(self.stepping.flow.names)
        self._load(index)
        found = pulled(
            self.frame.builder,
            self.stepping.start,
            self.frame,
            row.begin,
            row.length,
            self.moving[:n],
            tuple(self.kept_bars),
            self.stepping.wanted,
        )
        targets = (*self.bars, *self.sums)
        assign(self.frame, targets, [a + c for a, c in zip(targets, found, strict=True)])

    def _hold(self, array: str, place: Node) -> None:
        for i, value in enumerate(self.moving):
            self.frame.builder.store(array, i, place, value=value)

    def _recall(self, array: str, place: Node) -> None:
        b = self.frame.builder
        assign(self.frame, self.moving, [b.load("held", array, i, place) for i in range(len(self.moving))])


def _saved(frame: Frame, place: Node, n: int) -> list[Node]:
    return [frame.builder.load("saved_state", "saved", i, place) for i in range(n)]


def assign(frame: Frame, registers: Sequence[Node], values: Sequence[Node]) -> None:
    """All registers at once: values are computed before any of them changes."""
    named = [frame.builder.let("new", value) for value in values]
    for register, value in zip(registers, named, strict=True):
        frame.builder.assign(register, value)
