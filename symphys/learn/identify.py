"""What data say about unknowns: their uncertainties, and the combinations that they leave open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.learn.objective import Normal
from symphys.learn.unknowns import Unknowns

Floats = NDArray[np.float64]
MOST = 3000  # unknowns up to which J^T J is decomposed
OPEN = 1e-12  # of the largest eigenvalue of J^T J: what lies below is rounding, and determines nothing
SHOWN = 1e-3  # of the largest: parameters that share in an open combination


@dataclass(frozen=True)
class Determined:
    """Standard deviations of the free numbers [size], infinite where they share in what is open; open directions.

    `open`: [k, size], unit vectors along which the residuals do not change.
    """

    deviations: Floats
    open: Floats


def determine(normal: Normal, weight: float, terms: int) -> Determined:
    """From the normal equations at the best point.

    The covariance is s^2 (J^T W J)^-1 with s^2 the sum of the weighed squares by the number of residuals less that of
    the determined directions (Press et al., "Numerical Recipes", 3rd ed., section 15.4). `weight`: the sum of weights.
    """
    values, vectors = np.linalg.eigh(normal.matrix)
    largest = float(np.max(values, initial=0.0))
    sure = values > OPEN * largest if largest > 0 else np.zeros(len(values), dtype=bool)
    spare = terms - int(sure.sum())
    spread = np.inf if spare <= 0 else normal.loss * weight / spare
    variance = (vectors[:, sure] ** 2 / values[sure]).sum(axis=1) * spread / weight if sure.any() else 0.0
    deviations = np.sqrt(np.broadcast_to(variance, (len(values),)))
    unsure = vectors[:, ~sure].T
    shares = np.linalg.norm(unsure, axis=0) if len(unsure) else np.zeros(len(values))
    return Determined(np.where(shares > SHOWN, np.inf, deviations), unsure)


def combinations(found: Determined, unknowns: Unknowns, u: Floats) -> tuple[dict[Any, float], ...]:
    """Open directions as changes of parameters that leave all residuals alone, {symbol: d theta}, largest change 1.

    With several, the basis is the reduced one: each has a parameter of its own, in which the others have no share.
    """
    if not unknowns.symbols or not len(found.open):
        return ()
    count = len(unknowns.symbols)
    basis = _reduced(found.open[:, :count]) * unknowns.slopes(u[: unknowns.size])[:count]
    shown = []
    for direction in basis:
        if not direction.any():  # a parameter at its bound, where its logarithm changes nothing any more
            continue
        direction = direction / direction[np.argmax(np.abs(direction))]
        parts = {s: float(d) for s, d in zip(unknowns.symbols, direction, strict=True) if abs(d) > SHOWN}
        if parts:
            shown.append(parts)
    return tuple(shown)


def _reduced(rows: Floats) -> Floats:
    """Row-reduced with pivots by size; rows whose share in unit vectors is below SHOWN are left out."""
    rows = np.array(rows)
    kept: list[int] = []
    free = list(range(len(rows)))
    while free:
        row = max(free, key=lambda i: np.abs(rows[i]).max())
        pivot = int(np.argmax(np.abs(rows[row])))
        if abs(rows[row, pivot]) <= SHOWN:
            break
        rows[row] /= rows[row, pivot]
        for other in range(len(rows)):
            if other != row:
                rows[other] -= rows[other, pivot] * rows[row]
        free.remove(row)
        kept.append(row)
    return rows[sorted(kept)]
