"""Polynomials on 0 <= theta <= 1 by Chebyshev's, T*_k(theta) = cos(k arccos(2 theta - 1)), with small coefficients.

The weights of a dense output of high order stay below about one, but by powers of theta they have coefficients of
thousands, which cancel and take as many units of rounding with them: in single precision, all that there is.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

State = tuple[Any, ...]


def shifted_chebyshev(powers: Sequence[float]) -> tuple[float, ...]:
    """The coefficients by T*_k of sum_p powers_p theta^p, exact but for the last rounding.

    theta^p = 2^(1 - 2p) sum_k C(2p, p - k) T*_k, the term k = 0 halved (Abramowitz and Stegun, 22.3).
    """
    found = [Fraction(0) for _ in powers]
    for p, coefficient in enumerate(powers):
        for k in range(p + 1):
            share = Fraction(2 * math.comb(2 * p, p - k), 4**p) / (2 if k == 0 else 1)
            found[k] += Fraction(coefficient) * share
    return tuple(float(each) for each in found)


def clenshaw(coefficients: Sequence[State], theta: Any) -> State:
    """sum_k coefficients_k T*_k(theta), component by component (Clenshaw, Mathematics of Computation 9 (1955) 118)."""
    first, *others = coefficients
    y = 2.0 * theta + -1.0
    one: State | None = None
    two: State | None = None
    for row in reversed(others):
        one, two = _combined(row, 2.0 * y, one, two), one
    return _combined(first, y, one, two)


def _combined(row: State, factor: Any, one: State | None, two: State | None) -> State:
    """row + factor one - two, where what is None is zero."""
    if one is not None:
        row = tuple(c + factor * a for c, a in zip(row, one, strict=True))
    return row if two is None else tuple(c + -1.0 * b for c, b in zip(row, two, strict=True))
