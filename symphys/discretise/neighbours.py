"""What stands beyond the ends of an axis: every neighbour of every point is a point of the grid, with a sign.

A value beyond the end is sign * f[source] + (1 - sign) * f[end], which is a copy from the other side (periodic), the
mirror image (neumann: sign 1), or the image that is odd about the end, whose value stays (dirichlet: sign -1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symphys.discretise.grid import Axis
from symphys.errors import InputError


@dataclass(frozen=True)
class Neighbours:
    """For places -reach .. count + reach - 1 of an axis, [count + 2 reach] each: `source`, `sign`, and the `end` that
    an odd image is about (any point where the sign is 1)."""

    source: NDArray[np.int64]
    sign: NDArray[np.float64]
    end: NDArray[np.int64]


def neighbours(axis: Axis, reach: int) -> Neighbours:
    """The neighbours along one axis; `InputError` where the axis has fewer points than the stencil."""
    n = axis.count
    if reach >= n:
        raise InputError(
            f"{axis.coordinate} has {n} points, but the finite differences reach {reach} to either side; take at least "
            f"{reach + 1} points or a lower order"
        )
    places = np.arange(-reach, n + reach)
    end = np.where(places < 0, 0, n - 1)
    if axis.periodic:
        return Neighbours(places % n, np.ones(len(places)), end)
    folded = np.abs(places)
    source = np.where(folded >= n, 2 * (n - 1) - folded, folded)
    left, right = (end == "dirichlet" for end in axis.ends)
    sign = np.where((places < 0) & left | (places >= n) & right, -1.0, 1.0)
    return Neighbours(source, sign, end)
