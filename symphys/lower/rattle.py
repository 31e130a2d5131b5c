"""RATTLE in kernels: Verlet steps whose constraint forces are found by Newton's method, each trajectory its own."""

from __future__ import annotations

from dataclasses import dataclass

from codegen import Builder, Node, apply, real
from symphys.errors import MethodError
from symphys.integrators import Rattle
from symphys.lower.constraint import Constraint, Newton, State, largest
from symphys.lower.flow import Flow
from symphys.lower.saddle import pushed
from symphys.lower.stepper import Inputs, Stepped


@dataclass(frozen=True)
class RattleStepper:
    """A composition of RATTLE steps; accelerations and directions of the constraint forces serve the next step, too.

    Solved to rounding, a step with -h undoes one with h. Source: Hairer, Lubich, Wanner, "Geometric Numerical
    Integration", VII.1.4.
    """

    flow: Flow
    method: Rattle

    @property
    def constraint(self) -> Constraint:
        """The constraints, in the parts that RATTLE needs."""
        found = self.flow.constraint
        if found is None or found.push is None:
            raise MethodError(f"method {self.method.name!r} needs constraints, a constant mass matrix and no friction")
        return found

    def memory_names(self) -> tuple[str, ...]:
        """What is remembered between steps."""
        n = len(self.flow.names) // 2
        free = tuple(f"free_{name}" for name in self.flow.names[n:])
        return (*free, *(f"normal{a}_{q}" for a in range(self.constraint.count) for q in self.flow.names[:n]))

    def start(self, b: Builder, inputs: Inputs, t: Node, x: State, h: Node) -> State:
        """The first contents of the memory."""
        return self._push(b, inputs, t, x)

    def step(self, b: Builder, inputs: Inputs, t: Node, x: State, memory: State, h: Node) -> Stepped:
        """One step from (t, x) of length h."""
        converged: Node | None = None
        elapsed = 0.0
        for weight in self.method.weights:
            begin = t + real(elapsed) * h if elapsed else t
            stepped = self._one(b, inputs, begin, x, memory, h if weight == 1.0 else b.let("part", real(weight) * h))
            x, memory = stepped.state, stepped.memory
            assert stepped.converged is not None
            converged = stepped.converged if converged is None else apply("and", converged, stepped.converged)
            elapsed += weight
        return Stepped(x, memory, converged)

    def _push(self, b: Builder, inputs: Inputs, t: Node, x: State) -> State:
        push = self.constraint.push
        assert push is not None
        return b.call(push, (t, *x, *inputs.signals(b, t), *inputs.parameters), self.memory_names())

    def _one(self, b: Builder, inputs: Inputs, t: Node, x: State, memory: State, h: Node) -> Stepped:
        constraint, names, n = self.constraint, self.flow.names, len(x) // 2
        free, along = memory[:n], memory[n:]
        normals = tuple(along[a * n : (a + 1) * n] for a in range(constraint.count))
        half = b.let("half", real(0.5) * h)
        v = tuple(b.let(f"kicked_{m}", vi + half * a) for m, vi, a in zip(names[n:], x[n:], free, strict=True))
        q = tuple(b.let(f"drifted_{m}", qi + h * vi) for m, qi, vi in zip(names[:n], x[:n], v, strict=True))
        after = b.let("after", t + h)
        amounts, final, converged = self._close(b, inputs, after, q, v, along)
        # a step of no length, at an event on the state itself, has no force
        per_time = b.let("per_time", apply("select", apply("eq", h, 0.0), real(0.0), real(1.0) / h))
        held = pushed(v, normals, [amount * per_time for amount in amounts])
        following = self._push(b, inputs, after, (*final, *v))
        kicked = tuple(vi + half * a for vi, a in zip(held, following[:n], strict=True))
        arguments = (after, *final, *kicked, *inputs.signals(b, after), *inputs.parameters)
        return Stepped((*final, *b.call(constraint.velocity, arguments)), following, converged)

    def _close(
        self, b: Builder, inputs: Inputs, t: Node, q: State, v: State, along: State
    ) -> tuple[State, State, Node]:
        """The amounts s [m] with f(q + W s, t) = 0, that position, and whether the iteration converged."""
        constraint, n = self.constraint, len(q)
        assert constraint.closing is not None
        normals = tuple(along[a * n : (a + 1) * n] for a in range(constraint.count))
        amounts = tuple(b.register(f"amount{a}", real(0.0)) for a in range(constraint.count))
        at = tuple(b.register(f"at_{m}", qi) for m, qi in zip(self.flow.names[:n], q, strict=True))
        signals = inputs.signals(b, t)
        newton = Newton.start(b, largest(q), inputs.epsilon())
        with b.repeat_while(newton.unfinished):
            more = b.call(constraint.closing, (t, *at, *v, *along, *signals, *inputs.parameters))
            size = b.let("moved", largest(pushed((real(0.0),) * n, normals, more)))
            for register, change in zip(amounts, more, strict=True):
                b.assign(register, register + change)
            for register, value in zip(at, pushed(q, normals, amounts), strict=True):
                b.assign(register, value)
            newton.note(size)
        found = tuple(b.copy(f"found{a}", amount) for a, amount in enumerate(amounts))
        final = tuple(b.copy(f"held_{m}", register) for m, register in zip(self.flow.names[:n], at, strict=True))
        return found, final, b.let("closed", newton.converged(largest(final)))
