"""Fewer operations by algebra that changes values by rounding alone.

    x c1 + x c2 -> x (c1 + c2),   a b + a c -> a (b + c),   a / d, b / d, c / d -> one reciprocal,
    1/r^2 and 1/r^3 -> powers of 1/r,   x^(p+1) -> x^p x,   exp(2 x) -> exp(x)^2

Pays after differentiation, whose product rule repeats factors, and wherever quotients outnumber denominators: a
division costs as much as several products. Sums made of `add_exact` are left as they are.
"""

from __future__ import annotations

from .exponentials import share_exponentials
from .graph import Roots
from .powers import share_powers
from .reciprocals import share_reciprocals
from .segments import rewrite_segments
from .sums import factor_sums
from .traverse import Scope


def factor(scope: Scope) -> Scope:
    """Factor sums and share reciprocals and powers in every straight-line segment."""
    return rewrite_segments(scope, factor_graph)


def factor_graph(roots: Roots, named: Roots) -> tuple[Roots, Roots]:
    """The rules on one graph, repeated until none finds anything; each lowers the number of operations, so that this
    ends."""
    while True:
        before = (roots, named)
        for rule in (share_powers, share_exponentials, share_reciprocals, factor_sums):
            roots, named = rule(roots, named)
        if (roots, named) == before:
            return before
