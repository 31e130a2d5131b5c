"""Products of powers of sinh and cosh in a form whose factors stay finite where the product does.

sinh^p u cosh^q u = tanh^p u cosh^(p + q) u, and a negative power of cosh is one of sech, which ends at zero where cosh
has left the numbers: sinh u / cosh^3 u = tanh u sech^2 u is right for every u, and so are its Taylor coefficients.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

from codegen.ir import Node, divide, multiply, real
from codegen.primitives import apply


@dataclass(frozen=True)
class HyperbolicPower:
    """sinh^p u cosh^q u."""

    u: Node
    p: int
    q: float


def hyperbolic(base: Node, exponent: float) -> HyperbolicPower | None:
    """base^exponent as one; None where it is something else."""
    if base.op == "sinh" and exponent.is_integer():
        return HyperbolicPower(base.args[0], int(exponent), 0.0)
    if base.op in ("cosh", "sech"):
        return HyperbolicPower(base.args[0], 0, exponent if base.op == "cosh" else -exponent)
    return None


def bounded(powers: Iterable[HyperbolicPower]) -> tuple[list[Node], list[Node]]:
    """The factors of the numerator and of the denominator, those of the same u taken together."""
    found: dict[Node, HyperbolicPower] = {}
    for each in powers:
        known = found.get(each.u, HyperbolicPower(each.u, 0, 0.0))
        found[each.u] = HyperbolicPower(each.u, known.p + each.p, known.q + each.q)
    above: list[Node] = []
    below: list[Node] = []
    for each in found.values():
        odd, even = ("sinh", each.q) if min(each.p, each.q) >= 0 else ("tanh", each.p + each.q)
        (above if each.p >= 0 else below).append(_power(odd, each.u, abs(each.p)))
        above.append(_power("cosh" if even >= 0 else "sech", each.u, abs(even)))
    return above, below


def bounded_power(base: Node, exponent: float) -> Node | None:
    """A negative power of sinh or cosh; None where it is of something else."""
    found = hyperbolic(base, exponent)
    if found is None:
        return None
    above, below = (reduce(multiply, factors, real(1.0)) for factors in bounded((found,)))
    return divide(above, below)


def _power(function: str, u: Node, exponent: float) -> Node:
    return apply("pow", apply(function, u), exponent)
