"""Powers of one base whose exponents differ by integers."""

from __future__ import annotations

from collections import defaultdict

from codegen.ir import Kind, Node, constant_value, node, real

from .graph import Roots, rewrite_nodes, uses_of

FARTHEST = 4  # products that are cheaper than a power


def share_powers(roots: Roots, named: Roots) -> tuple[Roots, Roots]:
    """x^(p+k) becomes x^p multiplied by x k times, for the exponent p of one sign that is next to zero, and small k.

    Negative exponents take 1/x instead of x, so that a power of zero stays what it was. Derivatives of a power law
    need its power and the one below; one of them is then a product.
    """
    order, _ = uses_of(roots)
    exponents: dict[bytes, list[float]] = defaultdict(list)
    for n in order:
        if (p := _exponent(n)) is not None:
            exponents[n.args[0].key].append(p)
    if not any(len(found) > 1 for found in exponents.values()):
        return roots, named

    def rule(n: Node, done: dict[bytes, Node]) -> Node | None:
        exponent = _exponent(n)
        nearest = None if exponent is None else _nearest(exponent, exponents.get(n.args[0].key, []))
        if exponent is None or nearest is None:
            return None
        base = done[n.args[0].key]
        step = base if exponent > 0 else real(1.0) / base
        product = node("pow", (base, real(nearest)), Kind.REAL)
        for _ in range(round(abs(exponent - nearest))):
            product = product * step
        return product

    return rewrite_nodes(roots, named, rule)


def _exponent(n: Node) -> float | None:
    value = constant_value(n.args[1]) if n.op == "pow" else None
    return None if value is None else float(value)


def _whole(step: float) -> bool:
    """Whether exponents such as 2.3 and 1.3 differ by a whole number, up to the rounding of their difference."""
    return abs(step - round(step)) < 1e-14


def _nearest(exponent: float, others: list[float]) -> float | None:
    """The exponent nearest to zero from which this one is a few whole steps away."""
    below = [
        p for p in others if p * exponent > 0 and 0.5 < abs(exponent) - abs(p) < FARTHEST + 0.5 and _whole(exponent - p)
    ]
    return min(below, key=abs, default=None)
