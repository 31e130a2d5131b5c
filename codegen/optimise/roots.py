"""Quotients by odd powers of a square root as products with its reciprocal, where lanes find that fast.

x / b^(k/2) -> x rsqrt(b)^k. A division and a root keep the one divider of a core busy for forty cycles and more a
vector; an estimate of the reciprocal root, refined by products, does not touch it. Scalar code gains nothing by it.
"""

from __future__ import annotations

from dataclasses import replace

from codegen.ir import Node, constant_value, walk
from codegen.primitives import apply
from codegen.program import Function, Kernel, functions, nodes_of, statements

from .graph import Roots, rewrite_nodes
from .reciprocals import denominator_of, never_negative, power_of
from .segments import rewrite_segments
from .share import share
from .traverse import everywhere


def lift_roots(kernel: Kernel) -> Kernel:
    """The rule on a kernel, and on the functions that it calls, after all other passes."""

    def on_function(function: Function) -> Function:
        return share(rewrite_segments(function, reciprocal_roots))

    if not any(n.op == "sqrt" for s in _nodes(kernel) for n in walk(s)):
        return kernel
    kernel = replace(kernel, body=everywhere(on_function, kernel.body))
    return share(rewrite_segments(kernel, reciprocal_roots))


def reciprocal_roots(roots: Roots, named: Roots) -> tuple[Roots, Roots]:
    """Where b is under a root in one denominator, all denominators that are powers of b become powers of rsqrt(b).

    Even powers of what could be negative stay quotients.
    """
    quotients = [n for n in walk((*roots, *named)) if n.op == "div" and constant_value(n.args[1]) is None]
    powers = {n.args[1].key: denominator_of(n.args[1]) for n in quotients}
    lifted = {power.base.key for power in powers.values() if power.halves % 2}
    if not lifted:
        return roots, named

    def rule(n: Node, done: dict[bytes, Node]) -> Node | None:
        power = powers.get(n.args[1].key) if n.op == "div" else None
        if power is None or power.base.key not in lifted:
            return None
        if power.halves % 2 == 0 and not never_negative(power.base):
            return None
        return done[n.args[0].key] * power_of(apply("rsqrt", done[power.base.key]), power.halves)

    return rewrite_nodes(roots, named, rule)


def _nodes(kernel: Kernel) -> list[Roots]:
    """What the statements of a kernel and of its functions evaluate."""
    blocks = [kernel.body, *(f.body for f in functions(kernel.body))]
    return [nodes_of(s) for block in blocks for s in statements(block)] + [f.results for f in functions(kernel.body)]
