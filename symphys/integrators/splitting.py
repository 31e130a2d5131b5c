"""Symplectic splittings as validated coefficient lists, and their step written with + and * alone.

A separable Hamiltonian H = T(p, t) + V(q, t) is the sum of two that are solved exactly: the drift (q moves, p stands)
and the kick (p moves, q stands). Any composition of the two is symplectic; the coefficients make it accurate.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symphys.errors import MethodError
from symphys.integrators.arithmetic import accumulate, add_scaled

State = tuple[Any, ...]
KINDS = ("kick", "drift")


@dataclass(frozen=True)
class Splitting:
    """A composition of kicks, p += b h F(q, t), and drifts, q += a h v(p, t), whose weights sum to one each.

    - `stages`: ("kick" | "drift", weight), in the order of execution; dimensionless.
    - `symmetric`: the list is a palindrome, so that a step with -h undoes the step with h.
    - `requires_quadratic_kinetic`: a Runge-Kutta-Nystroem method, of its order only if T is quadratic in p with
      coefficients that depend neither on q nor on time.
    - `epsilon_orders`: for H = A + epsilon B with the drift as flow of A, the error of a step is
      O(epsilon h^(s1+1) + epsilon^2 h^(s2+1) + ...); the last one holds for all higher powers. Empty if it is the
      order throughout.

    Raises `MethodError` for unknown kinds, neighbours of the same kind, weights that do not sum to one, and a claimed
    symmetry that is none.
    Source: Hairer, Lubich, Wanner, Geometric Numerical Integration, II.5 and III.3; McLachlan and Quispel, Acta
    Numerica 11 (2002) 341.
    """

    name: str
    order: int
    source: str
    stages: tuple[tuple[str, float], ...]
    symmetric: bool = True
    requires_quadratic_kinetic: bool = False
    epsilon_orders: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        kinds = [kind for kind, _ in self.stages]
        if unknown := set(kinds) - set(KINDS):
            raise MethodError(f"method {self.name!r}: stage kinds {sorted(unknown)}; only 'kick' and 'drift' are known")
        if any(one == following for one, following in itertools.pairwise(kinds)):
            raise MethodError(f"method {self.name!r}: two neighbouring stages of one kind; merge them")
        for kind in KINDS:
            weights = self.weights(kind)
            total = math.fsum(weights)
            # Each rounded weight is off by half a unit in its last place.
            if abs(total - 1.0) > 2.0**-53 * (1.0 + sum(abs(weight) for weight in weights)):
                raise MethodError(f"method {self.name!r}: the {kind} weights sum to {total!r}, must sum to 1")
        if self.symmetric != (self.stages == self.stages[::-1]):
            raise MethodError(f"method {self.name!r}: symmetric={self.symmetric}, but the stages say otherwise")
        if self.epsilon_orders and min(self.epsilon_orders) != self.order:
            raise MethodError(f"method {self.name!r}: order {self.order} must be the least of {self.epsilon_orders}")

    def weights(self, kind: str) -> tuple[float, ...]:
        """The weights of the kicks or of the drifts, in the order of execution."""
        return tuple(weight for name, weight in self.stages if name == kind)

    @property
    def leapfrog_in_kick(self) -> bool:
        """Whether the kick may itself be a leapfrog of several flows, and the orders stay.

        A leapfrog of length b h errs by b^3 h^3 and then by b^5 h^5, so that order 4 asks for sum b^3 = 0 over the
        kicks, and a higher order for more than any method here gives. Blanes et al., Applied Numerical Mathematics 68
        (2013) 58, section 4.
        """
        cubes = math.fsum(weight**3 for weight in self.weights("kick"))
        return self.order <= 2 or (self.order <= 4 and abs(cubes) < 2.0**-48)

    @property
    def fsal(self) -> bool:
        """Whether a step ends with the flow that the next one begins with, so that the two may share an evaluation."""
        return self.stages[0][0] == self.stages[-1][0]


def compose(
    splitting: Splitting, flows: Mapping[str, Callable[[Any, Any, Any], Any]], t: Any, state: Any, h: Any
) -> Any:
    """One step as a composition of flows, for any split whose parts have flows (Kepler and perturbation, kinetic and
    potential operator, conservative and friction).

    `flows[kind](time, state, duration)` advances the state by weight * h. As each part must stand still in the time
    that it depends on, the kick sees the clock that the drifts have turned, and the drift the one of the kicks: with
    explicit time in both parts the order is kept (time is a coordinate of either part; see Blanes and Casas, A Concise
    Introduction to Geometric Numerical Integration, 3.8).
    """
    return _in_turn(splitting.stages, {kind: [0.0] for kind in KINDS}, flows, t, state, h)


def compose_ahead(
    splitting: Splitting, flows: Mapping[str, Callable[[Any, Any, Any], Any]], t: Any, state: Any, h: Any
) -> Any:
    """One step of a method whose steps begin and end with the same flow (`fsal`), from behind the first flow of this
    step to behind the first flow of the next one, of the same length.

    What ends one step and begins the next is one flow, as the kicks of a leapfrog are; the state at the end of the step
    lies the first weight times h back along it. The clocks are those of `compose`.
    """
    (kind, first), *inner, (_, last) = splitting.stages
    turned = {name: [first if name == kind else 0.0] for name in KINDS}
    return _in_turn((*inner, (kind, last + first)), turned, flows, t, state, h)


def _in_turn(
    stages: Sequence[tuple[str, float]],
    turned: Mapping[str, list[float]],
    flows: Mapping[str, Callable[[Any, Any, Any], Any]],
    t: Any,
    state: Any,
    h: Any,
) -> Any:
    """Flows one after the other; `turned`: the weights by which each kind has turned its clock in this step."""
    for kind, weight in stages:
        other = KINDS[1 - KINDS.index(kind)]
        elapsed = math.fsum(turned[other])
        state = flows[kind](t if elapsed == 0.0 else t + elapsed * h, state, h if weight == 1.0 else weight * h)
        turned[kind].append(weight)
    return state


def leapfrogged(flows: Sequence[Callable[[Any, Any, Any], Any]]) -> Callable[[Any, Any, Any], Any]:
    """One flow that is the leapfrog of several: halves of all but the last, the whole last, and the halves back."""
    *outer, middle = flows
    if not outer:
        return middle

    def advance(t: Any, state: Any, duration: Any) -> Any:
        half = 0.5 * duration
        for flow in outer:
            state = flow(t, state, half)
        state = middle(t, state, duration)
        for flow in reversed(outer):
            state = flow(t, state, half)
        return state

    return advance


def splitting_step(
    splitting: Splitting,
    kick: Callable[[Any, State], State],
    drift: Callable[[Any, State], State],
    t: Any,
    q: State,
    p: State,
    h: Any,
) -> tuple[State, State]:
    """One step from (t, q, p) to the new (q, p).

    `kick(t, q)` gives dp/dt = -dV/dq, and `drift(t, p)` gives dq/dt = dT/dp, each a tuple of the length of `q`.
    """
    flows = {
        "kick": lambda time, state, duration: (state[0], add_scaled(state[1], duration, kick(time, state[0]))),
        "drift": lambda time, state, duration: (add_scaled(state[0], duration, drift(time, state[1])), state[1]),
    }
    new_q, new_p = compose(splitting, flows, t, (q, p), h)
    return new_q, new_p


def compensated_splitting_step(
    splitting: Splitting,
    kick: Callable[[Any, State], State],
    drift: Callable[[Any, State], State],
    t: Any,
    q: State,
    p: State,
    h: Any,
    carry: tuple[State, State],
) -> tuple[State, State, tuple[State, State]]:
    """`splitting_step` with compensated summation: rounding no longer drifts with the number of steps.

    `carry` holds the lost parts of q and of p, zeros at the start; the new one is returned last.
    """

    def advance(x: State, lost: State, duration: Any, rates: State) -> tuple[State, State]:
        pairs = [accumulate(xi, duration * r, c) for xi, r, c in zip(x, rates, lost, strict=True)]
        return tuple(new for new, _ in pairs), tuple(c for _, c in pairs)

    def kicked(time: Any, state: Any, duration: Any) -> Any:
        q, p, lost_q, lost_p = state
        p, lost_p = advance(p, lost_p, duration, kick(time, q))
        return q, p, lost_q, lost_p

    def drifted(time: Any, state: Any, duration: Any) -> Any:
        q, p, lost_q, lost_p = state
        q, lost_q = advance(q, lost_q, duration, drift(time, p))
        return q, p, lost_q, lost_p

    new_q, new_p, *lost = compose(splitting, {"kick": kicked, "drift": drifted}, t, (q, p, *carry), h)
    return new_q, new_p, (lost[0], lost[1])


def alternating(first: str, weights: tuple[float, ...]) -> tuple[tuple[str, float], ...]:
    """Stages that alternate between the two kinds, beginning with `first`."""
    begin = KINDS.index(first)
    return tuple((KINDS[(begin + i) % 2], weight) for i, weight in enumerate(weights))


def palindrome(first: str, half: tuple[float, ...]) -> tuple[tuple[str, float], ...]:
    """The symmetric stages whose first half, the middle one included, is given."""
    return alternating(first, half + half[-2::-1])


def verlet_composition(half: tuple[float, ...]) -> tuple[tuple[str, float], ...]:
    """Kick-drift-kick Verlet steps of lengths w_1 h, ..., w_m h, ..., w_1 h, with neighbouring half kicks merged.

    `half` holds w_1 to the middle one, w_m. Source: Yoshida, Physics Letters A 150 (1990) 262.
    """
    steps = half + half[-2::-1]
    kicks = [(left + right) / 2 for left, right in zip((0.0, *steps), (*steps, 0.0), strict=True)]
    interleaved = [weight for pair in zip(kicks, steps, strict=False) for weight in pair]
    return alternating("kick", (*interleaved, kicks[-1]))
