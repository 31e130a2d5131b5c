"""Second derivatives that occur only as sums sum_j r_j N_ij become one derivative along r = sum_j r_j e_j.

That is what an Euler-Lagrange equation makes of a network of coordinates and velocities: L_q'q' itself and L_q'q q'
are wanted, so that n + 1 tangents take the place of 2 n.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import cast

from codegen.ir import JET, Kind, Node, add_many, multiply, negate, node, subtract, walk
from codegen.networks import ALONG, DenseJet
from codegen.rewrite import rebuild

SUMS = frozenset({"add", "sub", "neg"})
Point = tuple[object, tuple[bytes, ...]]  # a network, a component of it, and where it is evaluated
Direction = tuple[tuple[int, bytes], ...]  # input and factor of each part


@dataclass(frozen=True)
class _Part:
    """A term sign r N_ij of a sum, with j the input that is contracted."""

    sign: int
    factor: Node
    jet: Node
    kept: int
    contracted: int


def contract(roots: Sequence[Node]) -> tuple[Node, ...]:
    """The roots with contractions of second derivatives as derivatives along a direction, where that saves tangents."""
    order = list(walk(roots))
    if not any(n.op == JET and len(_jet(n).inputs) == 2 for n in order):
        return tuple(roots)
    heads = _heads(roots, order)
    found = [(head, terms, group) for head, terms in heads.items() for group in _groups(terms)]
    votes = Counter((_point(group[0].jet), _direction(group)) for _, _, group in found)
    replacement: dict[Node, Node] = {}
    settled: set[Point] = set()
    for (point, direction), _ in votes.most_common():
        if point in settled:
            continue
        chosen = [(h, t, g) for h, t, g in found if _point(g[0].jet) == point and _direction(g) == direction]
        if len({h for h, _, _ in chosen}) < len(chosen):
            continue
        made = {head: _contracted(terms, group) for head, terms, group in chosen}
        if _tangents(rebuild(roots, made), point) < _tangents(roots, point):
            replacement |= made
            settled.add(point)
    return rebuild(roots, replacement) if replacement else tuple(roots)


def _jet(n: Node) -> DenseJet:
    return cast(DenseJet, n.attribute)


def _point(n: Node) -> Point:
    jet = _jet(n)
    return (jet.network, jet.component), tuple(a.key for a in n.args[: jet.network.inputs])


def _tangents(roots: Iterable[Node], point: Point) -> int:
    """How many tangents the second derivatives at a point need."""
    jets = [_jet(n) for n in walk(roots) if n.op == JET and _point(n) == point]
    return len({i for jet in jets if len(jet.inputs) == 2 for i in jet.inputs})


def _heads(roots: Sequence[Node], order: Sequence[Node]) -> dict[Node, list[tuple[int, Node]]]:
    """Every sum that is no part of a larger one alone, as signed terms."""
    uses = Counter(a.key for n in order for a in n.args) + Counter(root.key for root in roots)
    inner = {
        a.key
        for n in order
        if n.op in SUMS and n.kind is Kind.REAL
        for a in n.args
        if a.op in SUMS and uses[a.key] == 1
    }
    found = {}
    for head in order:
        if head.op in SUMS and head.kind is Kind.REAL and head.key not in inner:
            terms: list[tuple[int, Node]] = []
            stack = [(1, head, True)]
            while stack:
                sign, n, top = stack.pop()
                if n.op in SUMS and (top or n.key in inner):
                    last = -sign if n.op in ("sub", "neg") else sign
                    signs = (last,) if n.op == "neg" else (sign, last)
                    stack += [(s, a, False) for s, a in zip(signs, n.args, strict=True)][::-1]
                else:
                    terms.append((sign, n))
            found[head] = terms
    return found


def _groups(terms: Sequence[tuple[int, Node]]) -> list[list[_Part]]:
    """The terms r_j N_ij of at least two j, for each point and i."""
    parts: dict[tuple[Point, int], dict[int, _Part]] = {}
    for sign, term in terms:
        if term.op != "mul":
            continue
        for jet, factor in (term.args, term.args[::-1]):
            if jet.op == JET and len(_jet(jet).inputs) == 2 and not any(n.op == JET for n in walk((factor,))):
                i, j = _jet(jet).inputs
                for kept, contracted in {(i, j), (j, i)}:
                    part = _Part(sign, factor, jet, kept, contracted)
                    parts.setdefault((_point(jet), kept), {}).setdefault(contracted, part)
    return [[found[j] for j in sorted(found)] for found in parts.values() if len(found) > 1]


def _direction(group: Sequence[_Part]) -> Direction:
    """What makes two directions the same; the first part is positive."""
    sign = group[0].sign
    return tuple((part.contracted, (part.factor if part.sign == sign else negate(part.factor)).key) for part in group)


def _contracted(terms: Sequence[tuple[int, Node]], group: Sequence[_Part]) -> Node:
    """The sum with the terms of a group as one derivative along a direction."""
    gone = {multiply(part.jet, part.factor).key for part in group}
    sign, first = group[0].sign, group[0]
    jet = _jet(first.jet)
    orders = tuple(int(i == first.kept) for i in range(jet.network.inputs))
    along = tuple(part.contracted for part in group)
    factors = tuple(part.factor if part.sign == sign else negate(part.factor) for part in group)
    point = first.jet.args[: jet.network.inputs]
    attribute = replace(jet, orders=orders, along=along)
    assert attribute.inputs == (first.kept, ALONG)
    whole = node(JET, (*point, *factors), Kind.REAL, attribute)
    rest = [(s, t) for s, t in terms if t.key not in gone]
    plus = [t for s, t in [*rest, (sign, whole)] if s > 0]
    minus = [t for s, t in [*rest, (sign, whole)] if s < 0]
    if not minus:
        return add_many(plus)
    return subtract(add_many(plus), add_many(minus)) if plus else negate(add_many(minus))
