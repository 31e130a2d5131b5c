"""How one step is written into a kernel: the integrators' own arithmetic, read with nodes.

A stepper advances the working state by one step of given length and may remember numbers from one step to the next
(the force at the end of a kick, the lost digits of compensated sums, the stages of an implicit step).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from codegen import Builder, Node, apply, real
from symphys.integrators import ExplicitTableau, Splitting
from symphys.integrators.arithmetic import accumulate, combine
from symphys.integrators.splitting import compensated_splitting_step, splitting_step
from symphys.integrators.tableau import explicit_step
from symphys.lower.flow import Flow

State = tuple[Node, ...]
Rates = Callable[[Node, State], State]


class Inputs(Protocol):
    """What rates need besides time and state: the values of signals at a time, and the parameters."""

    def signals(self, builder: Builder, t: Node) -> State:
        """The signals' values at time t."""

    @property
    def parameters(self) -> State:
        """The parameters of this instance."""

    def epsilon(self) -> float:
        """The spacing of numbers at 1."""


@dataclass(frozen=True)
class Stepped:
    """After one step: the state, what to remember, and whether an inner iteration converged (None: there is none)."""

    state: State
    memory: State
    converged: Node | None = None


class Stepper(Protocol):
    """Writes steps of one method for one system."""

    def memory_names(self) -> tuple[str, ...]:
        """What is remembered between steps."""

    def start(self, b: Builder, inputs: Inputs, t: Node, x: State, h: Node) -> State:
        """The first contents of the memory."""

    def step(self, b: Builder, inputs: Inputs, t: Node, x: State, memory: State, h: Node) -> Stepped:
        """One step from (t, x) of length h."""


@dataclass(frozen=True)
class Exact:
    """A node whose sums are never contracted or reassociated: compensated summation is written with these."""

    node: Node

    def __add__(self, other: Exact) -> Exact:
        return Exact(apply("add_exact", self.node, other.node))

    def __sub__(self, other: Exact) -> Exact:
        return Exact(apply("sub_exact", self.node, other.node))


def compensated_add(x: State, increments: State, carry: State) -> tuple[State, State]:
    """x + increments with the lost digits carried into the next call (`integrators.arithmetic.accumulate`)."""
    sums = [accumulate(Exact(a), Exact(d), Exact(c)) for a, d, c in zip(x, increments, carry, strict=True)]
    return tuple(total.node for total, _ in sums), tuple(lost.node for _, lost in sums)


def rates_of(flow: Flow, b: Builder, inputs: Inputs, name: str = "rates") -> Rates:
    """f(t, x) as calls in the kernel under construction."""

    def rates(t: Node, x: State) -> State:
        signals = inputs.signals(b, t)
        b.comment("the equations of motion: rates of the state at this stage")
        return b.call(flow.rates, (t, *x, *signals, *inputs.parameters), [f"{name}_{n}" for n in flow.names])

    return rates


class Lossless:
    """A stepper that, where its sums are compensated, remembers the digits that they have lost and nothing else."""

    flow: Flow
    compensated: bool

    def memory_names(self) -> tuple[str, ...]:
        """The digits that sums have lost."""
        return tuple(f"lost_{n}" for n in self.flow.names) if self.compensated else ()

    def start(self, b: Builder, inputs: Inputs, t: Node, x: State, h: Node) -> State:
        """Nothing is lost yet."""
        del b, inputs, t, x, h
        return tuple(real(0.0) for _ in self.memory_names())


@dataclass(frozen=True)
class ExplicitStepper(Lossless):
    """An explicit Runge-Kutta method with a fixed step."""

    flow: Flow
    tableau: ExplicitTableau
    compensated: bool = False

    def step(self, b: Builder, inputs: Inputs, t: Node, x: State, memory: State, h: Node) -> Stepped:
        stages, new, _ = explicit_step(self.tableau, rates_of(self.flow, b, inputs), t, x, h)
        if not self.compensated:
            return Stepped(new, ())
        increments = tuple(h * k for k in combine(self.tableau.b, stages))
        return Stepped(*compensated_add(x, increments, memory))


@dataclass(frozen=True)
class SplittingStepper:
    """A composition of kicks and drifts; a force at the end of a step is kept for the beginning of the next."""

    flow: Flow
    splitting: Splitting
    compensated: bool = False

    @property
    def keeps_force(self) -> bool:
        """Whether steps begin and end with a kick, so that neighbouring ones share a force."""
        stages = self.splitting.stages
        return stages[0][0] == stages[-1][0] == "kick"

    def memory_names(self) -> tuple[str, ...]:
        names = self.flow.names
        force = [f"force_{names[i]}" for i in self.flow.p] if self.keeps_force else []
        return (*force, *(f"lost_{n}" for n in names)) if self.compensated else tuple(force)

    def kick(self, b: Builder, inputs: Inputs, t: Node, q: State) -> State:
        """The rates of the momenta at standing coordinates."""
        flow = self.flow
        assert flow.kick is not None
        b.comment("kick: the rates of " + ", ".join(flow.names[i] for i in flow.p) + " at standing coordinates")
        x = self.merge(q, tuple(real(0.0) for _ in flow.p))
        names = [f"force_{flow.names[i]}" for i in flow.p]
        return b.call(flow.kick, (t, *x, *inputs.signals(b, t), *inputs.parameters), names)

    def drift(self, b: Builder, inputs: Inputs, t: Node, p: State) -> State:
        """The rates of the coordinates at standing momenta."""
        flow = self.flow
        assert flow.drift is not None
        b.comment("drift: the rates of " + ", ".join(flow.names[i] for i in flow.q) + " at standing momenta")
        x = self.merge(tuple(real(0.0) for _ in flow.q), p)
        names = [f"velocity_{flow.names[i]}" for i in flow.q]
        return b.call(flow.drift, (t, *x, *inputs.signals(b, t), *inputs.parameters), names)

    def merge(self, q: State, p: State) -> State:
        """Coordinates and momenta in the order of the state."""
        flow = self.flow
        x = [real(0.0)] * (len(q) + len(p))
        for index, value in zip((*flow.q, *flow.p), (*q, *p), strict=True):
            x[index] = value
        return tuple(x)

    def start(self, b: Builder, inputs: Inputs, t: Node, x: State, h: Node) -> State:
        force = self.kick(b, inputs, t, tuple(x[i] for i in self.flow.q)) if self.keeps_force else ()
        return (*force, *(real(0.0) for _ in x)) if self.compensated else force

    def step(self, b: Builder, inputs: Inputs, t: Node, x: State, memory: State, h: Node) -> Stepped:
        flow, m = self.flow, len(self.flow.p) if self.keeps_force else 0
        q, p = tuple(x[i] for i in flow.q), tuple(x[i] for i in flow.p)
        latest: dict[State, State] = {q: memory[:m]} if m else {}

        def kick(time: Node, at: State) -> State:
            if at not in latest:
                latest.clear()
                latest[at] = self.kick(b, inputs, time, at)
            return latest[at]

        def named(wish: str, values: State) -> State:
            return tuple(b.let(f"{wish}_{flow.names[i]}", value) for i, value in zip(flow.q, values, strict=True))

        def drift(time: Node, momentum: State) -> State:
            return self.drift(b, inputs, time, momentum)

        def kick_named(time: Node, at: State) -> State:
            return kick(time, at if at in latest else named("at", at))

        if not self.compensated:
            new_q, new_p = splitting_step(self.splitting, kick_named, drift, t, q, p, h)
            lost: State = ()
        else:
            lost_x = memory[m:]
            carry = (tuple(Exact(lost_x[i]) for i in flow.q), tuple(Exact(lost_x[i]) for i in flow.p))
            steps = _ExactFlows(kick, drift)
            q_, p_, (lost_q, lost_p) = compensated_splitting_step(
                self.splitting, steps.kick, steps.drift, t, _exact(q), _exact(p), h, carry
            )
            new_q, new_p = tuple(e.node for e in q_), tuple(e.node for e in p_)
            lost = self.merge(tuple(e.node for e in lost_q), tuple(e.node for e in lost_p))
        force = next(reversed(latest.values())) if m else ()
        return Stepped(self.merge(new_q, new_p), (*force, *lost))


def _exact(values: State) -> tuple[Exact, ...]:
    return tuple(Exact(v) for v in values)


@dataclass(frozen=True)
class _Increment:
    """A rate that, times a duration, becomes an exact increment."""

    node: Node

    def __rmul__(self, duration: Node) -> Exact:
        return Exact(duration * self.node)


@dataclass(frozen=True)
class _ExactFlows:
    """Kick and drift between exact sums: rates are ordinary arithmetic, only their accumulation is exact."""

    kick_rates: Rates
    drift_rates: Rates

    def kick(self, t: Node, q: tuple[Exact, ...]) -> tuple[_Increment, ...]:
        return tuple(_Increment(r) for r in self.kick_rates(t, tuple(e.node for e in q)))

    def drift(self, t: Node, p: tuple[Exact, ...]) -> tuple[_Increment, ...]:
        return tuple(_Increment(r) for r in self.drift_rates(t, tuple(e.node for e in p)))
