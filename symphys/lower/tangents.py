"""The variational equations beside a flow: x' = f(t, x), Y' = (df/dx) Y, from the derivative of the same kernels.

Kick and drift are differentiated alike, so that a splitting carries the exact derivative of its own map. For Lyapunov
exponents the vectors Y are made orthonormal again after every step, and the logarithms of what they grew by are summed
up as further components of the state (Benettin, Galgani, Giorgilli, Strelcyn, Meccanica 15 (1980) 9).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import sympy

from codegen import Builder, Function, Let, Node, add_many, apply, identifier, jvp, jvp_function, real, variable
from symphys.errors import UnsupportedError
from symphys.lower.arguments import Arguments, function_of
from symphys.lower.damping import Damping
from symphys.lower.straight import straight_line

if TYPE_CHECKING:
    from symphys.lower.flow import Flow

State = tuple[Node, ...]


@dataclass(frozen=True)
class Tangents:
    """`count` vectors of `size` components behind a state of as many, then the logarithms of their growth if any."""

    count: int
    size: int
    orthonormal: bool

    def orthonormalised(self, b: Builder, x: State) -> State:
        """The state with vectors made orthonormal by Gram and Schmidt, and the growth of each since the last time."""
        n = self.size
        vectors = [x[n * (1 + j) : n * (2 + j)] for j in range(self.count)]
        growth = x[n * (1 + self.count) :]
        unit: list[State] = []
        logs: list[Node] = []
        for j, vector in enumerate(vectors):
            left = vector
            for other in unit:
                share = b.let("share", add_many(a * c for a, c in zip(left, other, strict=True)))
                left = tuple(b.let("left", a - share * c) for a, c in zip(left, other, strict=True))
            length = b.let("length", apply("sqrt", add_many(a * a for a in left)))
            logs.append(b.let("growth", growth[j] + apply("log", length)))
            unit.append(tuple(b.let("unit", a / length) for a in left))
        return (*x[:n], *(a for vector in unit for a in vector), *logs)


def with_tangents(flow: Flow, count: int, orthonormal: bool) -> Flow:
    """The flow of (x, y_1 ... y_count) and, if they are kept `orthonormal`, of the logarithms of their growth.

    Raises UnsupportedError for constrained flows, and for splits that were given.
    """
    if flow.constraint is not None or flow.parts:
        raise UnsupportedError(
            "tangent vectors of systems with constraints, or with a split of their own, are not derived; write the "
            "system in coordinates that fulfil the constraints, or compile it without split"
        )
    a, n = flow.arguments, len(flow.names)
    taken = {str(x.attribute) for x in a.all}

    def fresh(wish: str) -> Node:
        name = identifier(wish, taken)
        taken.add(name)
        return variable(name)

    vectors = tuple(tuple(fresh(f"d{j + 1}_{name}") for name in flow.names) for j in range(count))
    growth = tuple(fresh(f"growth{j + 1}") for j in range(count if orthonormal else 0))
    state = (*a.state, *(y for vector in vectors for y in vector), *growth)
    wide = replace(a, state=state)
    labels = (*flow.labels, *(sympy.Symbol(str(y.attribute), real=True) for y in state[n:]))
    made = _Widener(a, wide, vectors)
    still = len(growth)
    whole = replace(
        flow,
        arguments=wide,
        labels=labels,
        rates=made(flow.rates, still),
        watches=(),
        ledger=None,
        tangents=Tangents(count, n, orthonormal),
        groups=tuple(tuple(n * j + i for i in group) for j in range(count + 1) for group in flow.groups),
    )
    if not flow.q:
        return whole
    assert flow.kick is not None
    assert flow.drift is not None
    spread = [tuple(n * j + i for j in range(count + 1) for i in each) for each in (flow.q, flow.p)]
    return replace(
        whole,
        q=(*spread[0], *range(n * (count + 1), len(state))),
        p=spread[1],
        kick=made(flow.kick, 0),
        drift=made(flow.drift, still),
        damping=_widened_damping(flow, wide, count),
    )


@dataclass(frozen=True)
class _Widener:
    """Functions of a system together with their derivatives along all vectors, in the wider arguments."""

    narrow: Arguments
    wide: Arguments
    vectors: Sequence[State]

    def __call__(self, function: Function, still: int) -> Function:
        """Results: those of the function, their derivatives along each vector, `still` zeros."""
        zeros = (real(0.0),) * still
        names = [f"{function.name}_{i}" for i in range(len(function.results) * (1 + len(self.vectors)) + still)]
        if all(isinstance(statement, Let) for statement in function.body):
            roots = straight_line(function)
            slopes = [jvp(roots, dict(zip(self.narrow.state, y, strict=True))) for y in self.vectors]
            results = (*roots, *(slope for each in slopes for slope in each), *zeros)
            return function_of(function.name, self.wide.all, results, names)
        derived = jvp_function(function, self.narrow.state, len(self.vectors))
        b = Builder()
        for p in self.wide.all:
            b.names.fresh(str(p.attribute))
        found = b.call(derived, (*self.narrow.all, *(y for vector in self.vectors for y in vector)))
        return Function(function.name, self.wide.all, b.block(), (*found, *zeros))


def _widened_damping(flow: Flow, wide: Arguments, count: int) -> Damping | None:
    if flow.damping is None:
        return None
    m, narrow = len(flow.p), flow.damping
    places = tuple((m * j + i, m * j + k) for j in range(count + 1) for i, k in narrow.places)
    entries = straight_line(narrow.matrix) * (count + 1)
    return Damping(places, function_of("damping", wide.all, entries, [f"damping_{i}_{k}" for i, k in places]))
