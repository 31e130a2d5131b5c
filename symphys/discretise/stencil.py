"""Central finite differences of any derivative and even order, from exact rational weights.

d^m f / dx^m at x = dx^-m sum_k w_k f(x + k dx) + O(dx^order). The weights solve the conditions that powers up to the
number of points are differentiated exactly (Fornberg, Mathematics of Computation 51 (1988) 699).
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from symphys.errors import MethodError

ORDERS = (2, 4, 6, 8, 10, 12)


def reach_of(derivative: int, order: int) -> int:
    """How many points to either side the stencil of a derivative uses; 0 for the function itself."""
    return 0 if derivative == 0 else (derivative + 1) // 2 - 1 + order // 2


@lru_cache(maxsize=256)
def central_weights(derivative: int, order: int) -> tuple[Fraction, ...]:
    """The weights w_-r .. w_r of a derivative, to be divided by dx^derivative; dimensionless.

    Raises `MethodError` for an order that is not even and positive, and for a negative derivative.
    """
    if derivative < 0 or order < 2 or order % 2:
        raise MethodError(
            f"central differences have an even order from 2 on, not {order}, for a derivative of order {derivative}"
        )
    r = reach_of(derivative, order)
    points = range(-r, r + 1)
    weights = _fornberg(derivative, [Fraction(k) for k in points])
    # what symmetry makes zero is zero exactly, since all numbers are rational
    return tuple(weights)


def _fornberg(derivative: int, points: list[Fraction]) -> list[Fraction]:
    """Fornberg's recursion for the weights at 0."""
    n = len(points)
    table = [[Fraction(0)] * (derivative + 1) for _ in range(n)]
    table[0][0] = Fraction(1)
    c1, c4 = Fraction(1), points[0]
    for i in range(1, n):
        c2, c5, c4 = Fraction(1), c4, points[i]
        top = min(i, derivative)
        before = [row[:] for row in table]
        for j in range(i):
            c3 = points[i] - points[j]
            c2 *= c3
            if j == i - 1:
                for k in range(top, 0, -1):
                    table[i][k] = c1 * (k * before[i - 1][k - 1] - c5 * before[i - 1][k]) / c2
                table[i][0] = -c1 * c5 * before[i - 1][0] / c2
            for k in range(top, 0, -1):
                table[j][k] = (c4 * before[j][k] - k * before[j][k - 1]) / c3
            table[j][0] = c4 * before[j][0] / c3
        c1 = c2
    return [row[derivative] for row in table]
