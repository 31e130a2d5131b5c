"""Quotients with common denominators, and denominators that are powers of one another."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import isfinite

from codegen.ir import Node, constant_value, real, walk
from codegen.primitives import apply

from .graph import Roots, rewrite_nodes, uses_of

WORTH = 3  # quotients that one reciprocal must replace


@dataclass(frozen=True)
class Denominator:
    """A power of a base: base ** (halves / 2)."""

    base: Node
    halves: int


def share_reciprocals(roots: Roots, named: Roots) -> tuple[Roots, Roots]:
    """One reciprocal for quotients whose denominators are powers of one base.

    Quotients by b, sqrt(b), b sqrt(b), ... become products with powers of 1/b or 1/sqrt(b) where there are two such
    denominators or three such quotients. Division by a constant becomes a product with its reciprocal.
    """
    order, _ = uses_of(roots)
    quotients = [n for n in order if n.op == "div" and constant_value(n.args[1]) is None]
    written = {n.args[1].key: denominator_of(n.args[1]) for n in quotients}
    families: dict[bytes, list[Node]] = defaultdict(list)
    for n in quotients:
        families[written[n.args[1].key].base.key].append(n)
    chosen: dict[bytes, int] = {}  # base -> halves of the power whose reciprocal is taken
    for base, members in families.items():
        powers = {written[n.args[1].key].halves for n in members}
        odd = {p % 2 for p in powers}
        mixed = len(odd) == 2 and not never_negative(written[members[0].args[1].key].base)
        if (len(members) >= WORTH or len(powers) > 1) and not mixed:
            chosen[base] = 1 if 1 in odd else 2

    if not chosen and len(quotients) == sum(n.op == "div" for n in order):
        return roots, named

    def rule(n: Node, done: dict[bytes, Node]) -> Node | None:
        if n.op != "div":
            return None
        value = constant_value(n.args[1])
        if value is not None:
            reciprocal = 1.0 / value if value else float("inf")
            return done[n.args[0].key] * real(reciprocal) if isfinite(reciprocal) and reciprocal else None
        denominator = written.get(n.args[1].key)
        unit = chosen.get(denominator.base.key) if denominator else None
        if denominator is None or unit is None:
            return None
        base = done[denominator.base.key]
        reciprocal_node = real(1.0) / (apply("sqrt", base) if unit == 1 else base)
        power = power_of(reciprocal_node, denominator.halves // unit)
        return done[n.args[0].key] * power

    return rewrite_nodes(roots, named, rule)


def denominator_of(n: Node) -> Denominator:
    """A denominator as a power of one base, itself if it is no product of equal bases and at most one root of them."""
    factors: list[Node] = []
    stack = [n]
    while stack:
        m = stack.pop()
        if m.op == "mul":
            stack += m.args
        else:
            factors.append(m)
    under_root = [f for f in factors if f.op == "sqrt"]
    bases = {b.key: b for b in (f.args[0] if f.op == "sqrt" else f for f in factors)}
    if len(bases) > 1 or len(under_root) > 1:
        return Denominator(n, 2)
    (base,) = bases.values()
    return Denominator(base, 2 * len(factors) - len(under_root))


def never_negative(n: Node) -> bool:
    """Whether a value is zero or more whatever its inputs, so that its root exists where it did not stand before."""
    known: dict[bytes, bool] = {}
    for m in walk((n,)):
        below = all(known[a.key] for a in m.args)
        value = constant_value(m)
        known[m.key] = (
            m.op in ("sqrt", "exp", "cosh", "sech", "abs")
            or (m.op == "mul" and m.args[0] == m.args[1])
            or (m.op in ("add", "mul", "div") and below)
            or (value is not None and value >= 0)
        )
    return known[n.key]


def power_of(x: Node, k: int) -> Node:
    """x^k by repeated squaring."""
    if k == 1:
        return x
    half = power_of(x, k // 2)
    square = half * half
    return square * x if k % 2 else square
