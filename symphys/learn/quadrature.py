"""Points and weights over boxes: Gauss-Legendre on panels, products over the axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError

Floats = NDArray[np.float64]
PANEL = 8  # points a panel: exact to degree 15
PANELS = {1: 50, 2: 10, 3: 5}  # a side, by dimension


def quadrature(
    intervals: Sequence[tuple[float, float]], points: int | None = None, finer: bool = False, edge: bool = True
) -> tuple[Floats, Floats]:
    """Points [axes, n] and weights [n] over a box; `points` along each axis, 400, 80 or 40 by default.

    finer: with a third more panels, so that hardly a point is in both. edge: an odd integrand about the middle, or a
    kink there, meets the edge of a panel; or else the middle of one.

    Raises `InputError` for intervals
    that do not run upwards. Davis, Rabinowitz, "Methods of Numerical Integration", 2nd ed., section 2.7.
    """
    panels = PANELS.get(len(intervals), 4) if points is None else max(1, round(points / PANEL))
    panels += panels // 3 if finer else 0
    panels += panels % 2 if edge else 1 - panels % 2
    nodes, weights = np.polynomial.legendre.leggauss(PANEL)
    places, factors = [], []
    for start, stop in intervals:
        if not (np.isfinite(start) and np.isfinite(stop) and start < stop):
            raise InputError(f"the interval ({start}, {stop}) of the domain must run upwards")
        edges = np.linspace(start, stop, panels + 1)
        half = np.diff(edges) / 2.0
        middle = (edges[1:] + edges[:-1]) / 2.0
        places.append((middle[:, None] + half[:, None] * nodes).reshape(-1))
        factors.append((half[:, None] * weights).reshape(-1))
    mesh = np.meshgrid(*places, indexing="ij")
    total = np.ones(())
    for factor in factors:
        total = np.multiply.outer(total, factor)
    return np.stack([m.reshape(-1) for m in mesh]), np.asarray(total).reshape(-1)
