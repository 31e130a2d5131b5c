"""Linear friction p' = F(q, t) - A p in kernels: the matrix A, which splittings take into their kicks."""

from __future__ import annotations

from dataclasses import dataclass

from codegen import Function
from symphys.lower.arguments import Arguments, function_of
from symphys.lower.expressions import lower_expressions
from symphys.mechanics.dynamics import Dynamics


@dataclass(frozen=True)
class Damping:
    """A of p' = F(q, t) - A p: the places of its entries that do not vanish, and a function that gives them."""

    places: tuple[tuple[int, int], ...]
    matrix: Function


def lower_damping(dynamics: Dynamics, arguments: Arguments) -> Damping | None:
    """The friction of a system that is separable but for it; None for others."""
    if dynamics.damping is None:
        return None
    entries = {(i, j): e for i, row in enumerate(dynamics.damping) for j, e in enumerate(row) if e != 0}
    lowered = lower_expressions(list(entries.values()), arguments.symbols)
    return Damping(
        tuple(entries), function_of("damping", arguments.all, lowered, [f"damping_{i}{j}" for i, j in entries])
    )
