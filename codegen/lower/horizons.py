"""What a Taylor series is blind to: exponentials that have not risen yet.

exp(u) with u far below zero, and tanh(u) or 1 / cosh(u) with u far from it, are flat to all orders within rounding, and
leave no trace in the coefficients of what they drive: a pulse to come, a barrier ahead, friction about to change its
sign. Their exponents are not blind: they move as smoothly as the state, and say how far a step may go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from codegen.ir import Node, multiply, real, walk

# The exponent of the exponential that stands in it: tanh u = 1 - 2 / (exp(2 u) + 1), erf' u = 2 exp(-u^2) / sqrt(pi).
_EXPONENTS: Mapping[str, Callable[[Node], Node]] = MappingProxyType(
    {
        **dict.fromkeys(("exp", "expm1", "cosh", "sinh", "sech"), lambda u: u),
        "tanh": lambda u: multiply(u, real(2.0)),
        "erf": lambda u: multiply(u, u),
    }
)


def moving_exponents(roots: Iterable[Node], moving: Iterable[Node]) -> tuple[Node, ...]:
    """The exponents of all exponentials, and of what is made of them, that depend on what is moving."""
    dependent = {n.key for n in moving}
    found: dict[bytes, Node] = {}
    for n in walk(roots):
        if not any(argument.key in dependent for argument in n.args):
            continue
        dependent.add(n.key)
        if n.op in _EXPONENTS:
            exponent = _EXPONENTS[n.op](n.args[0])
            found[exponent.key] = exponent
    return tuple(found.values())
