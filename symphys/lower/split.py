"""Steps of a splitting whose parts the user gave: exact flows in turn, the first part for the drift."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from codegen import Builder, Node
from symphys.integrators import Splitting
from symphys.integrators.splitting import compose, leapfrogged
from symphys.lower.flow import Flow
from symphys.lower.parts import PartFlow
from symphys.lower.stepper import Inputs, Lossless, State, Stepped, compensated_add

Carried = tuple[State, State]  # the state and its lost digits, none where sums are plain


@dataclass(frozen=True)
class SplitStepper(Lossless):
    """A composition of the flows of parts: the first one drifts, the others kick, as a leapfrog where they are many."""

    flow: Flow
    splitting: Splitting
    compensated: bool = False

    def step(self, b: Builder, inputs: Inputs, t: Node, x: State, memory: State, h: Node) -> Stepped:
        """One step from (t, x) of length h."""
        first, *others = (self._flow(b, inputs, part, number + 1) for number, part in enumerate(self.flow.parts))
        state, lost = compose(self.splitting, {"drift": first, "kick": leapfrogged(others)}, t, (x, memory), h)
        return Stepped(state, lost)

    def _flow(
        self, b: Builder, inputs: Inputs, part: PartFlow, number: int
    ) -> Callable[[Node, Carried, Node], Carried]:
        names = self.flow.names

        def advance(t: Node, carried: Carried, duration: Node) -> Carried:
            x, lost = list(carried[0]), list(carried[1])
            b.comment(f"the exact flow of part {number}, by which {', '.join(names[i] for i in part.moving)} move")
            arguments = (duration, t, *x, *inputs.signals(b, t), *inputs.parameters)
            changes = b.call(part.function, arguments, [f"change_{names[i]}" for i in part.moving])
            if self.compensated:
                own = tuple(tuple(values[i] for i in part.moving) for values in (x, lost))
                sums, left = compensated_add(own[0], changes, own[1])
                for i, total, rest in zip(part.moving, sums, left, strict=True):
                    x[i], lost[i] = b.let(f"at_{names[i]}", total), b.let(f"lost_at_{names[i]}", rest)
            else:
                for i, change in zip(part.moving, changes, strict=True):
                    x[i] = b.let(f"at_{names[i]}", x[i] + change)
            return tuple(x), tuple(lost)

        return advance
