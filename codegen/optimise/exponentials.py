"""Exponentials whose exponents are small multiples of one another."""

from __future__ import annotations

from collections import defaultdict

from codegen.ir import Node, constant_value, walk

from .graph import Roots, rewrite_nodes

SQUARINGS = (1, 2, 3)  # errors grow with the power: at most an eighth


def share_exponentials(roots: Roots, named: Roots) -> tuple[Roots, Roots]:
    """exp(k c x) becomes exp(c x)^k by squaring, for k of 2, 4 and 8, where exp(c x) is there too.

    Weights exp(-r), exp(-r / 2), exp(-r / 4) of one distance cost one exponential and two products.
    """
    families: dict[bytes, dict[float, Node]] = defaultdict(dict)
    for n in walk((*roots, *named)):
        if n.op == "exp":
            base, factor = _multiple(n.args[0])
            families[base.key].setdefault(factor, n)
    smaller: dict[bytes, tuple[Node, int]] = {}  # exponential -> the one that it is a power of, and how often squared
    for members in families.values():
        for factor, n in members.items():
            found = [(members[factor / 2**k], k) for k in SQUARINGS if factor / 2**k in members]
            if found and factor and not any(m.op == "exp" for m in walk(n.args)):
                smaller[n.key] = found[0]

    def value(n: Node) -> Node:
        if n.key not in smaller:
            return n
        root, squarings = smaller[n.key]
        power = value(root)
        for _ in range(squarings):
            power = power * power
        return power

    if not smaller:
        return roots, named
    return rewrite_nodes(roots, named, lambda n, _: value(n) if n.key in smaller else None)


def _multiple(n: Node) -> tuple[Node, float]:
    """(x, c) of c x."""
    factor = 1.0
    while True:
        if n.op == "neg":
            n, factor = n.args[0], -factor
        elif n.op in ("mul", "div") and (c := constant_value(n.args[1])):
            n, factor = n.args[0], factor * float(c) if n.op == "mul" else factor / float(c)
        else:
            return n, factor
