"""From derived equations to functions that kernels call: rates, kick and drift, conserved quantities, in nodes.

Every function takes (t, state, signals, parameters) in this order. The *working* state is what the integrator advances;
the *user's* state is what goes in and comes out. They differ only where an implicit symplectic method integrates a
Lagrangian system in its canonical momenta.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from codegen import (
    CompilerBug,
    Function,
    Node,
    apply,
    real,
    rebuild,
    solve,
    variable,
)
from symphys.errors import UnsupportedError
from symphys.lower.arguments import Arguments, arguments_of, function_of
from symphys.lower.constraint import Constraint, lower_constraint
from symphys.lower.damping import Damping, lower_damping
from symphys.lower.expressions import lower_expressions
from symphys.lower.ledger import BALANCE, Ledger, lower_ledger
from symphys.lower.parts import PartFlow, lower_part
from symphys.lower.saddle import motion
from symphys.lower.tangents import Tangents
from symphys.mechanics.constrained import Constrained
from symphys.mechanics.dynamics import Dynamics, FirstOrder, SecondOrder
from symphys.mechanics.split import Part


@dataclass(frozen=True)
class Watch:
    """A conserved quantity as a function: its value, and the sum of the absolute values of its terms."""

    name: str
    function: Function


@dataclass(frozen=True)
class Flow:
    """A system that kernels can advance: x' = rates(t, x), and its parts where it splits.

    `labels` [n] are the components as users write them. `kick` gives p' from (t, q), `drift` gives q' from (t, p),
    where the system is separable; `q` and `p` index what they advance. With `damping` it is separable but for linear
    friction, and `kick` gives p' without that. `autonomous`: nothing depends on the time. `constraint` is what the
    state is held to, if anything; `ledger` follows the energy where it changes; `parts` are the flows of a split that
    the user gave; `groups` are the components of one kind, coordinates or velocities. With `tangents` the state has
    vectors behind it that its derivative moves.
    """

    arguments: Arguments
    labels: tuple[Any, ...]
    rates: Function
    watches: tuple[Watch, ...]
    q: tuple[int, ...] = ()
    p: tuple[int, ...] = ()
    kick: Function | None = None
    drift: Function | None = None
    autonomous: bool = False
    constraint: Constraint | None = None
    ledger: Ledger | None = None
    parts: tuple[PartFlow, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    damping: Damping | None = None
    tangents: Tangents | None = None

    @property
    def watched(self) -> tuple[str, ...]:
        """The names of what is watched: the conserved quantities, and the balance of energy where there is a ledger."""
        return (*(watch.name for watch in self.watches), *((BALANCE,) if self.ledger is not None else ()))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Identifiers of the state's components."""
        return tuple(str(n.attribute) for n in self.arguments.state)


def accelerations(dynamics: SecondOrder, symbols: Mapping[Any, Node]) -> tuple[Node, ...]:
    """a = M^-1 F, solved in the kernel by the strategy that the structure of M allows, with multipliers if need be."""
    if isinstance(dynamics, Constrained):
        return motion(dynamics, symbols)[0]
    n = len(dynamics.coordinates)
    entries = [entry for row in dynamics.mass_matrix for entry in row]
    lowered = lower_expressions([*entries, *dynamics.forcing], symbols)
    matrix = [lowered[i * n : (i + 1) * n] for i in range(n)]
    moving = [symbols[s] for s in (*dynamics.state, dynamics.time) if s in symbols]
    return solve(matrix, lowered[n * n :], dynamics.positive, moving)


def rate_nodes(dynamics: Dynamics, symbols: Mapping[Any, Node]) -> tuple[Node, ...]:
    """dx/dt of the user's state."""
    if isinstance(dynamics, SecondOrder):
        return (*(symbols[v] for v in dynamics.velocities), *accelerations(dynamics, symbols))
    if not isinstance(dynamics, FirstOrder):
        raise CompilerBug(f"no rates for {type(dynamics).__name__}")
    if dynamics.matrix is None:
        return lower_expressions(dynamics.rates, symbols)
    n = len(dynamics.rates)
    lowered = lower_expressions([*(e for row in dynamics.matrix for e in row), *dynamics.rates], symbols)
    return solve([lowered[i * n : (i + 1) * n] for i in range(n)], lowered[n * n :], False)


def watches_of(dynamics: Dynamics, arguments: Arguments) -> tuple[Watch, ...]:
    """The conserved quantities as functions of the user's state."""
    found = []
    for index, quantity in enumerate(dynamics.conserved):
        value, *terms = lower_expressions([quantity.jet, *quantity.terms], arguments.symbols)
        scale = real(0.0)
        for term in terms:
            scale = scale + apply("abs", term)
        function = function_of(
            f"conserved_{index}", arguments.all, (value, scale), (f"value_{index}", f"scale_{index}")
        )
        found.append(Watch(quantity.name, function))
    return tuple(found)


def lower_flow(dynamics: Dynamics, split: Sequence[Part] = ()) -> Flow:
    """The flow of a system in the user's own state, with kick and drift where it is separable, or the given parts."""
    flow = _lower_flow(dynamics)
    parts = (lower_part(part, index, flow.arguments) for index, part in enumerate(split))
    return replace(flow, parts=tuple(parts)) if split else flow


def _lower_flow(dynamics: Dynamics) -> Flow:
    arguments = arguments_of(dynamics)
    rates = rate_nodes(dynamics, arguments.symbols)
    wishes = [f"rate_{n.attribute}" for n in arguments.state]
    function = function_of("rates", arguments.all, rates, wishes)
    watches = watches_of(dynamics, arguments)
    held = lower_constraint(dynamics, arguments) if isinstance(dynamics, Constrained) else None
    whole = Flow(
        arguments,
        dynamics.labels,
        function,
        watches,
        autonomous=bool(getattr(dynamics, "autonomous", False)),
        constraint=held,
        ledger=lower_ledger(dynamics, arguments),
        groups=_groups(dynamics),
    )
    q, p = _split(dynamics)
    if held is not None or not q:
        return whole
    damping = lower_damping(dynamics, arguments)
    free = rates
    if damping is not None:  # linear in p, so that what is left at p = 0 is without friction
        free = rebuild(rates, {arguments.state[i]: real(0.0) for i in p})
    kick = function_of("kick", arguments.all, [free[i] for i in p], [wishes[i] for i in p])
    drift = function_of("drift", arguments.all, [rates[i] for i in q], [wishes[i] for i in q])
    return replace(whole, q=q, p=p, kick=kick, drift=drift, damping=damping)


def _groups(dynamics: Dynamics) -> tuple[tuple[int, ...], ...]:
    """Coordinates, and velocities or momenta, by index; all components of what has no such structure."""
    n = len(dynamics.state)
    if isinstance(dynamics, SecondOrder):
        return tuple(range(n // 2)), tuple(range(n // 2, n))
    pairs = dynamics.pairs if isinstance(dynamics, FirstOrder) else ()
    if 2 * len(pairs) == n:
        return tuple(q for q, _ in pairs), tuple(p for _, p in pairs)
    return (tuple(range(n)),)


def _split(dynamics: Dynamics) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Which components drift and which are kicked, where the system is separable, or is but for linear friction."""
    n = len(dynamics.state)
    damped = dynamics.damping is not None
    if isinstance(dynamics, SecondOrder) and (dynamics.separable or damped):
        return tuple(range(n // 2)), tuple(range(n // 2, n))
    if not isinstance(dynamics, FirstOrder) or not dynamics.pairs or dynamics.matrix is not None:
        return (), ()
    if dynamics.separable or damped:
        return tuple(a for a, _ in dynamics.pairs), tuple(b for _, b in dynamics.pairs)
    return (), ()


@dataclass(frozen=True)
class Canonical:
    """A Lagrangian system in canonical variables, for implicit symplectic methods.

    `rates`: (t, q, p, guess of v, signals, parameters) -> (v, p'); `momenta`: (t, q, v, ...) -> p;
    `velocities`: (t, q, p, guess, ...) -> v, by Newton's method on p = dL/dv (one solve where L is quadratic in v).
    """

    flow: Flow
    momenta: Function
    velocities: Function
    rates: Function


NEWTON_STEPS = 2  # in each sweep of the stage iteration, which itself repeats until nothing moves
NEWTON_STEPS_OUTPUT = 6  # where velocities are reported: quadratic convergence from the last stage's velocity


def lower_canonical(dynamics: SecondOrder) -> Canonical:
    """The canonical form (q, p) of a Lagrangian system: p = dL/dv, p' = dL/dq + Q - dD/dv."""
    flow = lower_flow(dynamics)
    a = flow.arguments
    n = len(dynamics.coordinates)
    v = a.state[n:]
    momenta_at_v = lower_expressions(dynamics.momenta, a.symbols)
    entries = lower_expressions([e for row in dynamics.mass_matrix for e in row], a.symbols)
    matrix = [entries[i * n : (i + 1) * n] for i in range(n)]
    p = tuple(variable(f"momentum_{x.attribute}") for x in a.state[:n])
    if any(str(x.attribute) in {str(y.attribute) for y in a.all} for x in p):
        raise UnsupportedError("a symbol of the system is called momentum_<coordinate>; rename it")
    guess = tuple(variable(f"guess_{x.attribute}") for x in v)
    quadratic = bool(dynamics.quadratic)

    def newton(start: tuple[Node, ...], steps: int) -> tuple[Node, ...]:
        current = start
        for _ in range(1 if quadratic else steps):
            at = dict(zip(v, current, strict=True))
            here = rebuild(momenta_at_v, at)
            rows = [rebuild(row, at) for row in matrix]
            change = solve(rows, [pi - hi for pi, hi in zip(p, here, strict=True)], dynamics.positive)
            current = tuple(c + d for c, d in zip(current, change, strict=True))
        return current

    start = tuple(real(0.0) for _ in v) if quadratic else guess
    velocity, reported = newton(start, NEWTON_STEPS), newton(start, NEWTON_STEPS_OUTPUT)
    gradient = rebuild(lower_expressions(dynamics.gradient, a.symbols), dict(zip(v, velocity, strict=True)))
    inputs = (a.time, *a.state[:n], *p, *guess, *a.signals, *a.parameters)
    names = [str(x.attribute) for x in v]
    rates = function_of(
        "canonical_rates",
        inputs,
        (*velocity, *gradient),
        [*(f"new_{x}" for x in names), *(f"force_{x}" for x in names)],
    )
    velocities = function_of("velocities", inputs, reported, [f"final_{x}" for x in names])
    momenta = function_of("momenta", a.all, momenta_at_v, [f"p_{x}" for x in names])
    return Canonical(flow, momenta, velocities, rates)
