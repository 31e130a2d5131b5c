"""Trajectories with their derivatives by many unknowns: the sensitivity carried along, step by step.

With x_new = f(x, p) the sensitivity S = dx/dp obeys S_new = (df/dx) S + df/dp. Rows of both derivatives are pulled back
through the step, one for each component of the state and of what is remembered, so that the cost of a network does not
grow with the number of its weights. Source: Griewank, Walther, "Evaluating Derivatives" (2nd ed.), section 12.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from codegen import Intent, Kernel, Kind, Node, add_many, apply, integer, real
from symphys.lower.frame import LANE, Frame, State
from symphys.lower.reverse_step import Cotangents, ReverseStep, pulled
from symphys.lower.through_time import Stepping, advance, assign, begin_row, declare_tableau, frame_of, row_at

Pull = Callable[[State], tuple[Sequence[Node], Sequence[Node]]]  # seeds -> slopes by what moves, and by parameters


def sensitivity_kernel(stepping: Stepping, reverse: ReverseStep, dtype: str) -> Kernel:
    """`saved` [n, rows] as `observe_kernel`, and `saved_dots` [n, rows, columns], its derivatives.

    Columns: unknown parameters, unknown weights, and what else `sensitivity` [n + m, columns] begins with: directions
    of initial states, by which the caller fills its first n rows.
    """
    frame = frame_of(stepping, dtype)
    b, names = frame.builder, stepping.flow.names
    n, m = len(names), stepping.memory
    frame.array("initial", (n,))
    frame.array("saved", (n, "rows"), intent=Intent.OUT)
    frame.array("sensitivity", (n + m, "columns"), intent=Intent.INOUT)
    frame.array("following", (n + m, "columns"), intent=Intent.INOUT)
    frame.array("saved_dots", (n, "rows", "columns"), intent=Intent.OUT)
    declare_tableau(frame, reverse)
    if stepping.weights:
        frame.arrays.append(stepping.weight_bars)
    frame.scalar("columns", Kind.INT)
    frame.load_parameters()
    x = frame.load_registers(names, "initial")
    memory = tuple(b.register("kept", real(0.0)) for _ in range(m))
    carried = _Carried(stepping, frame)
    frame.save(integer(0), x)
    carried.save(integer(0))
    with b.loop("row", 0, frame.scalar("rows", Kind.INT) - 1) as index:
        row = row_at(frame, index)
        if m:
            if reverse.remembers:

                def pull_start(seeds: State) -> tuple[Sequence[Node], Sequence[Node]]:
                    found = pulled(b, stepping.start, frame, row.begin, row.length, x, seeds, stepping.wanted)
                    return found[:n], found[n:]

                carried.advance(pull_start, m, n, "sensitivity", offset=n)
            assign(frame, memory, begin_row(stepping, frame, row, x))
        with b.loop("k", 0, row.steps) as k:
            time = b.let("step_time", row.time(k))
            zeros = tuple(real(0.0) for _ in stepping.unknown)

            def pull_step(seeds: State) -> tuple[Sequence[Node], Sequence[Node]]:
                padded = (*seeds, *(real(0.0) for _ in range(n + m - len(seeds))))
                after = Cotangents(padded[:n], padded[n:], zeros)
                before = reverse.back(b, frame, time, row.length, x, memory, after)
                slopes = (*before.state, *before.memory)
                return slopes[: len(seeds)], before.parameters

            count = n + m if reverse.remembers else n
            carried.advance(pull_step, count, count, "following")
            carried.take(count)
            assign(frame, (*x, *memory), advance(stepping, frame, time, row.length, (*x, *memory)))
        frame.save(index + 1, x)
        carried.save(index + 1)
    return Kernel("sensitivities", LANE, tuple(frame.arrays), tuple(frame.scalars), b.block())


@dataclass(frozen=True)
class _Carried:
    """Writes what happens to the sensitivity."""

    stepping: Stepping
    frame: Frame

    def advance(self, pull: Pull, results: int, moving: int, target: str, offset: int = 0) -> None:
        """Rows of the sensitivity of `results`, functions of the first `moving` rows' states, into `target`."""
        frame, b = self.frame, self.frame.builder
        many, weights = len(self.stepping.unknown), self.stepping.weight_count
        with b.loop("result", 0, results) as c:
            if weights:
                with b.loop("weight", 0, weights) as w:
                    b.store("weight_bars", w, value=real(0.0))
            one, zero = real(1.0), real(0.0)
            seeds = tuple(b.let("seed", apply("select", apply("eq", c, i), one, zero)) for i in range(results))
            slopes, direct = pull(seeds)
            slopes = [b.let("slope", slope) for slope in slopes]
            place = b.let("place", c + offset)
            with b.loop("column", 0, frame.scalar("columns", Kind.INT)) as u:
                terms = [slopes[j] * b.load("carried", "sensitivity", j, u) for j in range(moving)]
                b.store(target, place, u, value=add_many(terms))
            for a in range(many):
                b.store(target, place, a, value=b.load("moved", target, place, a) + direct[a])
            if weights:
                with b.loop("weight", 0, weights) as w:
                    column = b.let("column", w + many)
                    own = b.load("own", "weight_bars", w)
                    b.store(target, place, column, value=b.load("moved", target, place, column) + own)

    def take(self, count: int) -> None:
        """The following sensitivity becomes the present one."""
        b = self.frame.builder
        with b.loop("column", 0, self.frame.scalar("columns", Kind.INT)) as u:
            for i in range(count):
                b.store("sensitivity", i, u, value=b.load("next", "following", i, u))

    def save(self, place: Node) -> None:
        """The sensitivity of the state into a row of what is saved."""
        b = self.frame.builder
        with b.loop("column", 0, self.frame.scalar("columns", Kind.INT)) as u:
            for i in range(len(self.stepping.flow.names)):
                b.store("saved_dots", i, place, u, value=b.load("now", "sensitivity", i, u))
