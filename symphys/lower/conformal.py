"""Splittings with linear friction: kicks at standing coordinates solve p' = F - A p exactly.

p_1 = p + h phi(-h A) (F - A p),  phi(X) = sum X^k / (k + 1)!, so that exp(X) = 1 + X phi(X). Drifts are symplectic, and
where A is a number a kick of length h contracts the symplectic form by exp(-A h): so does a whole step, whatever the
composition, for its weights sum to one. Source: McLachlan and Quispel, Acta Numerica 11 (2002) 341, section 3.12;
phi by scaling and doubling, Hochbruck and Ostermann, Acta Numerica 19 (2010) 209.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codegen import Builder, Function, Node, add_many, real
from symphys.integrators import Splitting
from symphys.integrators.splitting import compose
from symphys.lower.arguments import Arguments, function_of
from symphys.lower.expressions import lower_expressions
from symphys.mechanics.dynamics import Dynamics

if TYPE_CHECKING:
    from symphys.lower.flow import Flow
    from symphys.lower.stepper import Inputs, Stepped

State = tuple[Node, ...]
Matrix = dict[tuple[int, int], Node]  # without zeros
DOUBLINGS = 6  # up to h A of about 30, where nothing is left of p
TERMS = 11  # of the series at h A / 2^6 < 1/2: 2^-12 / 12! is rounding


@dataclass(frozen=True)
class Damping:
    """A of p' = F(q, t) - A p: the places of its entries that do not vanish, and a function that gives them."""

    places: tuple[tuple[int, int], ...]
    matrix: Function


def lower_damping(dynamics: Dynamics, arguments: Arguments) -> Damping | None:
    """The friction of a system that is separable but for it; None for others."""
    if dynamics.damping is None:
        return None
    entries = {(i, j): e for i, row in enumerate(dynamics.damping) for j, e in enumerate(row) if e != 0}
    lowered = lower_expressions(list(entries.values()), arguments.symbols)
    return Damping(
        tuple(entries), function_of("damping", arguments.all, lowered, [f"damping_{i}{j}" for i, j in entries])
    )


@dataclass(frozen=True)
class DampedStepper:
    """A composition of drifts and of kicks that take linear friction with them."""

    flow: Flow
    splitting: Splitting

    def memory_names(self) -> tuple[str, ...]:
        """Nothing is remembered between steps."""
        return ()

    def start(self, b: Builder, inputs: Inputs, t: Node, x: State, h: Node) -> State:
        """No contents."""
        return ()

    def step(self, b: Builder, inputs: Inputs, t: Node, x: State, memory: State, h: Node) -> Stepped:
        """One step from (t, x) of length h."""
        from symphys.lower.stepper import Stepped

        flow, damping = self.flow, self.flow.damping
        assert flow.kick is not None
        assert flow.drift is not None
        assert damping is not None
        kick_rates, drift_rates, count = flow.kick, flow.drift, len(flow.p)
        nothing = tuple(real(0.0) for _ in x)
        found = b.call(damping.matrix, (t, *nothing, *inputs.signals(b, t), *inputs.parameters))
        rows: Matrix = dict(zip(damping.places, found, strict=True))
        known: dict[Node, Matrix] = {}
        forces: dict[State, State] = {}

        def force(time: Node, q: State) -> State:
            if q not in forces:
                forces.clear()
                at = self._merge(q, nothing[:count])
                forces[q] = b.call(kick_rates, (time, *at, *inputs.signals(b, time), *inputs.parameters))
            return forces[q]

        def kick(time: Node, state: tuple[State, State], length: Node) -> tuple[State, State]:
            q, p = state
            if length not in known:
                known[length] = _phi({place: real(0.0) - length * e for place, e in rows.items()}, count)
            total = [f - add_many(rows[i, j] * p[j] for j in range(count) if (i, j) in rows)
                     if any((i, j) in rows for j in range(count)) else f
                     for i, f in enumerate(force(time, q))]  # fmt: skip
            phi = known[length]
            moved = (add_many(phi[i, j] * total[j] for j in range(count) if (i, j) in phi) for i in range(count))
            return q, tuple(b.let("kicked", pi + length * change) for pi, change in zip(p, moved, strict=True))

        def drift(time: Node, state: tuple[State, State], length: Node) -> tuple[State, State]:
            q, p = state
            at = self._merge(nothing[: len(q)], p)
            speeds = b.call(drift_rates, (time, *at, *inputs.signals(b, time), *inputs.parameters))
            return tuple(b.let("drifted", qi + length * speed) for qi, speed in zip(q, speeds, strict=True)), p

        start = (tuple(x[i] for i in flow.q), tuple(x[i] for i in flow.p))
        flows: Mapping[str, Any] = {"kick": kick, "drift": drift}
        return Stepped(self._merge(*compose(self.splitting, flows, t, start, h)), ())

    def _merge(self, q: State, p: State) -> State:
        x = [real(0.0)] * (len(q) + len(p))
        for index, value in zip((*self.flow.q, *self.flow.p), (*q, *p), strict=True):
            x[index] = value
        return tuple(x)


def _phi(x: Matrix, size: int) -> Matrix:
    """phi(X) = sum_k X^k / (k + 1)! of a sparse matrix, by a series and phi(2 X) = phi(X) + X phi(X)^2 / 2."""
    scaled = {place: real(2.0**-DOUBLINGS) * entry for place, entry in x.items()}
    unit: Matrix = {(i, i): real(1.0) for i in range(size)}
    total = unit
    for k in reversed(range(TERMS)):  # Horner: 1 + X/2 (1 + X/3 (1 + ...))
        product = _product(scaled, total)
        total = _sum(unit, {place: real(1.0 / (k + 2)) * entry for place, entry in product.items()})
    for _ in range(DOUBLINGS):
        half = {place: real(0.5) * entry for place, entry in _product(_product(scaled, total), total).items()}
        total = _sum(total, half)
        scaled = {place: real(2.0) * entry for place, entry in scaled.items()}
    return total


def _product(a: Matrix, b: Matrix) -> Matrix:
    terms: dict[tuple[int, int], list[Node]] = {}
    for (i, k), left in a.items():
        for (inner, j), right in b.items():
            if inner == k:
                terms.setdefault((i, j), []).append(left * right)
    return {place: add_many(each) for place, each in terms.items()}


def _sum(a: Matrix, b: Matrix) -> Matrix:
    return {place: add_many(m[place] for m in (a, b) if place in m) for place in sorted({*a, *b})}
