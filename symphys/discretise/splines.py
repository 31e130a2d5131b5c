"""Cardinal B-splines, written with + and *, so that numbers and nodes read the same lines.

M_n(u) is a bump over 0 < u < n, n - 2 times continuously differentiable; its shifts by integers add up to 1:

    M_2(u) = 1 - |u - 1|,    M_n(u) = [u M_{n-1}(u) + (n - u) M_{n-1}(u - 1)] / (n - 1),
    M_n'(u) = M_{n-1}(u) - M_{n-1}(u - 1).

Source: Schoenberg, Cardinal Spline Interpolation, SIAM 1973; Essmann et al., J. Chem. Phys. 103 (1995) 8577.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray


def cardinal_spline(w: Any, order: int) -> tuple[list[Any], list[Any]]:
    """M_n(w + j) and M_n'(w + j), j = 0 ... n - 1, for 0 <= w <= 1 and an order n of 3 or more."""
    values: list[Any] = [w, 1.0 - w]
    for n in range(3, order):
        values = _raised(values, w, n)
    slopes = [values[0], *(b - a for a, b in itertools.pairwise(values)), -values[-1]]
    return _raised(values, w, order), slopes


def _raised(values: list[Any], w: Any, n: int) -> list[Any]:
    """M_n from M_{n-1}."""
    share = 1.0 / (n - 1)
    first, last = share * (w * values[0]), share * ((1.0 - w) * values[-1])
    inner = [share * ((w + float(j)) * values[j] + (n - j - w) * values[j - 1]) for j in range(1, n - 1)]
    return [first, *inner, last]


def spline_factors(count: int, order: int) -> NDArray[np.float64]:
    """[count] |sum_j M_n(j + 1) exp(2 pi i m j / count)|^2: what waves m on a mesh lose on their way there and back."""
    knots = np.zeros(count)
    values, _ = cardinal_spline(0.0, order)
    np.add.at(knots, np.arange(order - 1) % count, np.array(values[1:], dtype=np.float64))
    return np.asarray(np.abs(np.fft.fft(knots)) ** 2)
