"""Trajectories run backwards by the discrete adjoint: cotangents pulled back from observation to observation.

States come from undoing steps where the method is reversible (memory grows with the rows alone). Else rows are done
again from their beginning and from marks within them, so that memory grows with the root of their length; or, where
there was room to keep the stages of every step, nothing is done again.
Source: Griewank, Walther, "Evaluating Derivatives" (2nd ed.), chapter 12.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from codegen import Intent, Kernel, Kind, Node, apply, integer, real
from symphys.lower.frame import LANE, Frame, State
from symphys.lower.reverse_step import Cotangents, ReverseStep, RungeKuttaReverse, pulled
from symphys.lower.through_time import Row, Stepping, advance, assign, begin_row, declare_tableau, frame_of, row_at


class WayBack(Enum):
    """Where the states on the way back come from."""

    UNDO = "steps undone"
    REPEAT = "rows done again, from marks in them"
    RECALL = "stages kept in `saved_stages` by `keep_stages_kernel`, of rows of one step each"


def adjoint_kernel(stepping: Stepping, reverse: ReverseStep, way: WayBack, dtype: str) -> Kernel:
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
    if way is WayBack.RECALL:
        assert isinstance(reverse, RungeKuttaReverse)
        frame.array("saved_stages", (reverse.stages.count, n, "rows"))
    if way is WayBack.REPEAT:
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
        if way is WayBack.RECALL:
            sweep.recall(row, index)
        elif way is WayBack.UNDO:
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

    def _pull(self, row: Row, k: Node, reverse: ReverseStep | None = None) -> None:
        """Cotangents back through step k, from the state and memory before it."""
        n = len(self.stepping.flow.names)
        after = Cotangents(tuple(self.bars), tuple(self.kept_bars), tuple(self.sums))
        before = (reverse or self.reverse).back(
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

    def recall(self, row: Row, index: Node) -> None:
        """The one step of a row, whose stages were kept."""
        assert isinstance(self.reverse, RungeKuttaReverse)
        self._load(index)
        self._pull(row, integer(0), replace(self.reverse, kept=index))

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
