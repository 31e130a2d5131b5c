"""Splittings whose steps begin and end with the same flow: what ends a step and begins the next is one flow.

The working state is ahead of the user's by the first flow of the coming step, as the momenta of a leapfrog are by half
a kick. A step so saves a multiply-add for each momentum (or position) and its registers carry fewer numbers around;
where the user's state is asked for, the flow is taken back by the rates that were found last.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen import Builder, Node
from symphys.integrators import Splitting
from symphys.integrators.arithmetic import add_scaled
from symphys.integrators.splitting import compose_ahead
from symphys.lower.flow import Flow
from symphys.lower.stepper import Inputs, SplittingStepper, State, Stepped, Stepper

Pair = tuple[State, State]  # coordinates and momenta


@dataclass(frozen=True)
class MergedStepper:
    """Steps of equal length h of a splitting with `fsal`, from one state ahead to the next."""

    inner: SplittingStepper

    @property
    def flow(self) -> Flow:
        """What flows."""
        return self.inner.flow

    @property
    def splitting(self) -> Splitting:
        """The composition."""
        return self.inner.splitting

    @property
    def kind(self) -> str:
        """The flow with which steps begin and end."""
        return self.splitting.stages[0][0]

    def memory_names(self) -> tuple[str, ...]:
        """The rates of that flow, found last."""
        what, moved = ("force", self.flow.p) if self.kind == "kick" else ("velocity", self.flow.q)
        return tuple(f"{what}_{self.flow.names[i]}" for i in moved)

    def start(self, b: Builder, inputs: Inputs, t: Node, x: State, h: Node) -> State:
        """The rates at the user's first state."""
        del h
        return self._rates(b, inputs, self.kind, t, self._pair(x))

    def ahead(self, x: State, memory: State, h: Node) -> State:
        """The working state of the user's."""
        return self._moved(x, memory, self.splitting.stages[0][1] * h)

    def behind(self, x: State, memory: State, h: Node) -> State:
        """The user's state of the working one."""
        return self._moved(x, memory, -self.splitting.stages[0][1] * h)

    def step(self, b: Builder, inputs: Inputs, t: Node, x: State, memory: State, h: Node) -> Stepped:
        """From the state ahead of t to that ahead of t + h."""
        latest: dict[str, State] = {}

        def advance(kind: str, time: Node, state: Pair, duration: Node) -> Pair:
            if kind == "kick":
                names = [f"at_{self.flow.names[i]}" for i in self.flow.q]
                state = tuple(b.let(name, value) for name, value in zip(names, state[0], strict=True)), state[1]
            latest[kind] = self._rates(b, inputs, kind, time, state)
            return self._along(kind, state, latest[kind], duration)

        flows = {
            "kick": lambda time, state, duration: advance("kick", time, state, duration),
            "drift": lambda time, state, duration: advance("drift", time, state, duration),
        }
        q, p = compose_ahead(self.splitting, flows, t, self._pair(x), h)
        return Stepped(self.inner.merge(q, p), latest[self.kind])

    def _rates(self, b: Builder, inputs: Inputs, kind: str, t: Node, state: Pair) -> State:
        return self.inner.kick(b, inputs, t, state[0]) if kind == "kick" else self.inner.drift(b, inputs, t, state[1])

    def _along(self, kind: str, state: Pair, rates: State, duration: Node) -> Pair:
        q, p = state
        return (q, add_scaled(p, duration, rates)) if kind == "kick" else (add_scaled(q, duration, rates), p)

    def _moved(self, x: State, memory: State, duration: Node) -> State:
        return self.inner.merge(*self._along(self.kind, self._pair(x), memory, duration))

    def _pair(self, x: State) -> Pair:
        return tuple(x[i] for i in self.flow.q), tuple(x[i] for i in self.flow.p)


def merged(stepper: Stepper) -> Stepper:
    """The stepper of the same method whose steps, all of one length, share the flow at their borders.

    Itself where steps begin and end with different flows, and where sums are compensated: each flow leaves lost digits.
    """
    if isinstance(stepper, SplittingStepper) and stepper.splitting.fsal and not stepper.compensated:
        return MergedStepper(stepper)
    return stepper
