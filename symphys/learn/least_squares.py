"""Linear least squares in tiles: residuals that are linear in the unknowns are solved at once, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr
from scipy.optimize import lsq_linear

from symphys.learn.unknowns import Unknowns

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LinearSolution:
    """The parameters theta [U] of least loss, and whether bounds hold some of them back [U]."""

    theta: Floats
    held: NDArray[np.bool_]


class LinearObjective(Protocol):
    """A mean of squares of residuals that are linear in the unknowns."""

    @property
    def unknowns(self) -> Unknowns:
        """What is unknown."""

    def blocks(self, theta: Floats, slopes: Floats) -> Iterator[tuple[Floats, Floats, NDArray[np.int64]]]:
        """Tiles of residuals, of rows by some unknowns times `slopes`, and the places of these unknowns."""


def solve_linear_least_squares(objective: LinearObjective, strength: float, centre: Floats) -> LinearSolution:
    """theta of least mean |r|^2 + strength |theta / scale - centre|^2, within the bounds of the unknowns.

    The triangular factor of all rows is updated tile by tile (Golub, Van Loan, "Matrix Computations", 4th ed.,
    section 6.5), so that memory does not grow with the samples and no digits are lost to J^T J; rows by other unknowns
    have a factor of their own until the end. Where the data leave directions open, the smallest parameters are taken,
    in units of their scales.
    """
    unknowns = objective.unknowns
    scale = unknowns.scale
    size = unknowns.size
    factor = triangular(objective, scale, size)
    if strength:
        root = np.sqrt(strength)
        factor = _reduced(factor, np.column_stack([root * np.eye(size), root * centre]))
    left, right = factor[:, :size], factor[:, size]
    found = np.linalg.lstsq(left, right, rcond=None)[0]
    lower, upper = unknowns.lower / scale, unknowns.upper / scale
    if (found < lower).any() or (found > upper).any():
        found = np.asarray(lsq_linear(left, right, bounds=(lower, upper), method="bvls").x)
    held = (found <= lower) | (found >= upper)
    return LinearSolution(found * scale, held)


def triangular(objective: LinearObjective, scale: Floats, size: int) -> Floats:
    """[k, U + 1], the triangular factor of all rows by theta / scale, and behind it what they are to give."""
    factors: dict[bytes, tuple[NDArray[np.int64], Floats]] = {}
    for r, rows, places in objective.blocks(np.zeros(size), scale):
        key = places.tobytes()
        before = factors[key][1] if key in factors else np.zeros((0, len(places) + 1))
        factors[key] = places, _reduced(before, np.column_stack([rows, -r]))
    factor = np.zeros((0, size + 1))
    for places, part in factors.values():
        wide = np.zeros((len(part), size + 1))
        wide[:, np.append(places, size)] = part
        factor = _reduced(factor, wide)
    return factor


def _reduced(factor: Floats, rows: Floats) -> Floats:
    stacked = np.concatenate([factor, rows])
    if len(stacked) <= stacked.shape[1]:
        return stacked
    found: Floats = qr(stacked, mode="r", check_finite=False, overwrite_a=True)[0][: stacked.shape[1]]
    return found
