"""Sines and cosines of sums and differences, written through those of the summands where that needs fewer evaluations.

    cos(a - b) = cos a cos b + sin a sin b,   sin(a - b) = sin a cos b - cos a sin b

Pays for mass matrices: a chain of n pendulums has n(n - 1)/2 cosines of differences, and n sines and cosines give
them all. A single cos(a - b) is left alone, since four evaluations are more than one. The absolute error stays at a
few units of rounding; where sin(a - b) is tiny its relative error grows to that, as in every mass matrix written by
hand.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from codegen.ir import Node, constant_value, walk
from codegen.primitives import apply
from codegen.rewrite import with_arguments

from .graph import Roots
from .segments import rewrite_segments
from .traverse import Scope

CIRCULAR = ("sin", "cos")


@dataclass(frozen=True)
class _Angle:
    """An angle up to its sign: `sign * (first + relative * second)`, or a `first` that is no sum."""

    sign: int
    first: Node
    second: Node | None = None
    relative: int = 1

    @property
    def key(self) -> tuple[bytes, bytes, int]:
        return self.first.key, b"" if self.second is None else self.second.key, self.relative

    @property
    def parts(self) -> tuple[Node, ...]:
        return () if self.second is None else (self.first, self.second)


AngleKey = tuple[bytes, bytes, int]


def expand_angles(scope: Scope) -> Scope:
    """Rewrite sines and cosines of sums where that lowers the number of evaluations in a straight-line segment."""
    return rewrite_segments(scope, expand_in_graph)


def expand_in_graph(roots: Roots, named: Roots) -> tuple[Roots, Roots]:
    """The rule on one graph, repeated until it finds nothing more."""
    while True:
        expanded = _expand_once(roots, named)
        if expanded == (roots, named):
            return roots, named
        roots, named = expanded


def _expand_once(roots: Roots, named: Roots) -> tuple[Roots, Roots]:
    order = list(walk((*roots, *named)))
    angles: dict[bytes, _Angle] = {}  # of the arguments of sines and cosines
    standing: dict[AngleKey, _Angle] = {}  # the sign in which each angle was first met
    wanted: dict[AngleKey, set[str]] = defaultdict(set)
    used = {n.key for n in walk(roots)}
    for n in order:
        if n.op in CIRCULAR:
            angle = _oriented(n.args[0], standing)
            angles[n.args[0].key] = angle
            if n.key in used:
                wanted[angle.key].add(n.op)
    if not angles:
        return roots, named
    chosen = _choose(standing, wanted)
    done: dict[bytes, Node] = {}
    for n in order:
        args = tuple([done[a.key] for a in n.args])
        if n.op in CIRCULAR:
            done[n.key] = _written(n, angles[n.args[0].key], chosen, done)
        else:
            done[n.key] = with_arguments(n, args)
    return tuple(done[n.key] for n in roots), tuple(done[n.key] for n in named)


def _oriented(argument: Node, standing: dict[AngleKey, _Angle]) -> _Angle:
    """The angle of an argument, in the sign in which it was met first."""
    sign = 1
    if argument.op == "neg":
        sign, argument = -1, argument.args[0]
    factor = constant_value(argument.args[1]) if argument.op == "mul" else None
    if argument.op == "add":
        angle = _Angle(sign, argument.args[0], argument.args[1])
    elif argument.op == "sub":
        angle = _Angle(sign, argument.args[0], argument.args[1], -1)
        flipped = _Angle(-sign, argument.args[1], argument.args[0], -1)
        if angle.key not in standing and flipped.key in standing:
            return flipped
    elif factor in (2.0, -2.0):
        angle = _Angle(sign if factor == 2.0 else -sign, argument.args[0], argument.args[0])
    elif factor is not None and factor < 0:
        angle = _Angle(-sign, apply("neg", argument))
    else:
        angle = _Angle(sign, argument)
    standing.setdefault(angle.key, angle)
    return angle


def _choose(standing: dict[AngleKey, _Angle], wanted: dict[AngleKey, set[str]]) -> frozenset[AngleKey]:
    """The angles worth expanding: every summand must serve at least as many evaluations as it costs.

    Summands that do not pay are peeled off, which takes the sums that hold them along; what is left of each connected
    group of angles must save evaluations as a whole.
    """
    cost = {}  # of a summand: the evaluations that it would add
    sums: dict[bytes, set[AngleKey]] = defaultdict(set)
    summands = {p.key for a in standing.values() for p in a.parts if a.key in wanted}
    for angle in standing.values():
        whole = angle.key in wanted and angle.second is not None and not _is_summand(angle, summands)
        if whole:
            for part in angle.parts:
                constant = part.op == "constant"
                cost[part.key] = 0 if constant else 2 - len(wanted.get((part.key, b"", 1), ()))
                sums[part.key].add(angle.key)
    alive = {key for keys in sums.values() for key in keys}
    queue = list(sums)
    while queue:
        summand = queue.pop()
        here = sums[summand] & alive
        if here and cost[summand] and sum(len(wanted[a]) for a in here) <= cost[summand]:
            alive -= here
            queue.extend(p.key for a in here for p in standing[a].parts)
    return frozenset(_profitable(alive, standing, wanted, cost, sums))


def _is_summand(angle: _Angle, summands: set[bytes]) -> bool:
    """Whether the sum is itself part of another: it is expanded in the next round if that still pays."""
    assert angle.second is not None
    whole = apply("add" if angle.relative == 1 else "sub", *angle.parts)
    return whole.key in summands


def _profitable(
    alive: set[AngleKey],
    standing: dict[AngleKey, _Angle],
    wanted: dict[AngleKey, set[str]],
    cost: dict[bytes, int],
    sums: dict[bytes, set[AngleKey]],
) -> set[AngleKey]:
    kept: set[AngleKey] = set()
    rest = set(alive)
    while rest:
        group, parts, queue = set(), set(), [next(a for a in standing if a in rest)]
        while queue:
            angle = queue.pop()
            if angle not in rest:
                continue
            rest.discard(angle)
            group.add(angle)
            for part in standing[angle].parts:
                parts.add(part.key)
                queue.extend(sums[part.key] & rest)
        if sum(len(wanted[a]) for a in group) > sum(cost[p] for p in parts):
            kept |= group
    return kept


def _written(n: Node, angle: _Angle, chosen: frozenset[AngleKey], done: dict[bytes, Node]) -> Node:
    """A sine or cosine in its standing sign, expanded if its angle was chosen."""
    if angle.second is None:
        value = apply(n.op, done.get(angle.first.key, angle.first))
    else:
        a, b = done[angle.first.key], done[angle.second.key]
        if angle.key in chosen:
            value = _expansion(n.op, a, b, angle.relative)
        elif a == b:
            value = apply(n.op, apply("mul", a, 2.0))
        else:
            value = apply(n.op, apply("add" if angle.relative == 1 else "sub", a, b))
    return apply("neg", value) if n.op == "sin" and angle.sign < 0 else value


def _expansion(op: str, a: Node, b: Node, relative: int) -> Node:
    sine_a, cosine_a, sine_b, cosine_b = (apply(f, x) for x in (a, b) for f in CIRCULAR)
    if op == "cos":
        products, opposite = (cosine_a * cosine_b, sine_a * sine_b), relative > 0
    else:
        products, opposite = (sine_a * cosine_b, cosine_a * sine_b), relative < 0
    return products[0] - products[1] if opposite else products[0] + products[1]
