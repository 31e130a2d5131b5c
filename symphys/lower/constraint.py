"""Constraints in kernels: the functions that they need, and the projection of a state onto them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codegen import (
    Builder,
    Function,
    Node,
    apply,
    boolean,
    identifier,
    integer,
    real,
    solve,
    variable,
)
from symphys.lower.arguments import Arguments, function_of
from symphys.lower.expressions import lower_expressions
from symphys.lower.saddle import dot, saddle_of
from symphys.mechanics.constrained import Constrained

if TYPE_CHECKING:
    from symphys.lower.flow import Flow
    from symphys.lower.stepper import Inputs

State = tuple[Node, ...]
ITERATIONS = 30  # of Newton's method, which from a step's end needs two or three


@dataclass(frozen=True)
class Constraint:
    """What holds a system to f(q, t) = 0 and J v + b = 0, as functions of (t, state, signals, parameters).

    position: [n], the least change of q in the metric of M that makes f vanish to first order, along directions that
    constraints on velocities allow; None where all constraints are on velocities.
    velocity: [n], the nearest v in that metric with J v + b = 0.
    push: [n + n m], M^-1 F, then M^-1 J^T column by column; None where M varies, is not positive, F depends on v, or
    velocities are constrained.
    closing: [m], amounts s with f(q + W s) = 0 to first order, of (t, state, W [n m], signals, parameters); or None.
    """

    count: int
    position: Function | None
    velocity: Function
    push: Function | None = None
    closing: Function | None = None


def lower_constraint(dynamics: Constrained, arguments: Arguments) -> Constraint:
    """The functions of a constrained system."""
    n, m = len(dynamics.coordinates), len(dynamics.constraints)
    saddle = saddle_of(dynamics, arguments.symbols)
    lowered = lower_expressions(
        [*dynamics.constraints, *dynamics.constraint_rates, *dynamics.forcing], arguments.symbols
    )
    values, rates, forcing = lowered[:m], lowered[m : 2 * m], lowered[2 * m :]
    names = [str(x.attribute) for x in arguments.state]
    nothing = [real(0.0)] * n
    position = None
    if dynamics.holonomic:  # what is on velocities allows no other displacements either
        off = [real(0.0) - f if a in dynamics.holonomic else real(0.0) for a, f in enumerate(values)]
        shift, _ = saddle.solve(nothing, off)
        position = function_of("constrain_position", arguments.all, shift, [f"shift_{q}" for q in names[:n]])
    turn, _ = saddle.solve(nothing, [real(0.0) - g for g in rates])
    held = [v + d for v, d in zip(arguments.state[n:], turn, strict=True)]
    velocity = function_of("constrain_velocity", arguments.all, held, [f"held_{v}" for v in names[n:]])
    if not (dynamics.separable and dynamics.positive and len(dynamics.holonomic) == m):
        return Constraint(m, position, velocity)
    normals = saddle.normals()
    wishes = [f"free_{v}" for v in names[n:]] + [f"normal{a}_{q}" for a in range(m) for q in names[:n]]
    pushes = (*saddle.inverted(forcing), *(entry for normal in normals for entry in normal))
    push = function_of("push", arguments.all, pushes, wishes)
    taken = {str(x.attribute) for x in arguments.all}
    given: list[State] = []
    for a in range(m):
        given.append(tuple(variable(identifier(f"along{a}_{q}", taken)) for q in names[:n]))
        taken |= {str(x.attribute) for x in given[-1]}
    amounts = solve(
        [[dot(row, along) for along in given] for row in saddle.rows], [real(0.0) - f for f in values], False
    )
    inputs = (
        arguments.time,
        *arguments.state,
        *(x for along in given for x in along),
        *arguments.signals,
        *arguments.parameters,
    )
    closing = function_of("close_constraints", inputs, amounts, [f"amount_{a}" for a in range(m)])
    return Constraint(m, position, velocity, push, closing)


@dataclass(frozen=True)
class Newton:
    """Newton's method inside a kernel, trajectory by trajectory: until changes are rounding, or grow."""

    b: Builder
    change: Node
    before: Node
    count: Node
    least: Node
    epsilon: float

    @classmethod
    def start(cls, b: Builder, scale: Node, epsilon: float) -> Newton:
        """Registers for an iteration on numbers of the size `scale`."""
        change, before = b.register("correction", real(1e30)), b.register("correction_before", real(1e31))
        least = b.let("least_correction", scale * real(epsilon))
        return cls(b, change, before, b.register("corrections", integer(0)), least, epsilon)

    @property
    def unfinished(self) -> Node:
        """Whether another step may gain something."""
        shrinks = apply("and", apply("lt", self.change, self.before), apply("lt", self.count, ITERATIONS))
        return apply("and", shrinks, apply("lt", self.least, self.change))

    def note(self, size: Node) -> None:
        """A step that changed the unknowns by `size` was taken."""
        b = self.b
        b.assign(self.before, self.change)
        b.assign(self.change, size)
        b.assign(self.count, self.count + 1)

    def converged(self, scale: Node) -> Node:
        """Whether the last change was so small beside `scale` that its square, the error it leaves, is rounding."""
        return apply("le", self.change, scale * real(math.sqrt(self.epsilon)))


def largest(values: State) -> Node:
    """The largest absolute value."""
    total: Node = real(0.0)
    for value in values:
        total = apply("max", total, apply("abs", value))
    return total


def projected(flow: Flow, b: Builder, inputs: Inputs, t: Node, x: State) -> tuple[State, Node | None]:
    """The state carried to f(q, t) = 0 and J v + b = 0, and whether that converged (None: nothing is held).

    Tangent vectors that are to be orthonormal are made so again; these flows have no constraints.
    Orthogonal in the metric of M, so that momenta which the constraint forces leave alone are kept. Source: Hairer,
    Lubich, Wanner, "Geometric Numerical Integration", IV.4.
    """
    constraint = flow.constraint
    if flow.tangents is not None and flow.tangents.orthonormal:
        return flow.tangents.orthonormalised(b, x), boolean(True)
    if constraint is None:
        return x, None
    n = len(x) // 2
    signals = inputs.signals(b, t)
    v = tuple(b.let(f"from_{name}", value) for name, value in zip(flow.names[n:], x[n:], strict=True))
    if constraint.position is None:
        at = tuple(b.let(f"at_{name}", value) for name, value in zip(flow.names[:n], x[:n], strict=True))
        return (*at, *b.call(constraint.velocity, (t, *at, *v, *signals, *inputs.parameters))), boolean(True)
    q = tuple(b.register(f"on_{name}", value) for name, value in zip(flow.names[:n], x[:n], strict=True))
    newton = Newton.start(b, largest(q), inputs.epsilon())
    with b.repeat_while(newton.unfinished):
        shift = b.call(constraint.position, (t, *q, *v, *signals, *inputs.parameters))
        size = b.let("shift", largest(shift))
        for register, change in zip(q, shift, strict=True):
            b.assign(register, register + change)
        newton.note(size)
    final = tuple(b.copy(f"held_{name}", register) for name, register in zip(flow.names[:n], q, strict=True))
    converged = b.let("on_manifold", newton.converged(largest(final)))
    held = b.call(constraint.velocity, (t, *final, *v, *signals, *inputs.parameters))
    return (*final, *held), converged
