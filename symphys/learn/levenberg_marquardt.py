"""Levenberg and Marquardt's method with geodesic acceleration: damped Gauss-Newton steps that follow curved valleys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from symphys.learn.objective import Bending, Curved, Normal, accumulate
from symphys.learn.status import FitOutcome
from symphys.learn.watch import Watch

Floats = NDArray[np.float64]
FIRST_DAMPING = 1e-3  # relative to the largest diagonal entry of J^T J
LEAST_DAMPING = 1e-15  # relative likewise: below it J^T J + lambda is what rounding makes of it
MOST_REJECTED = 40  # steps in a row, with a damping that grows faster and faster
SETTLED = 1e-13  # relative: losses and unknowns that change by less have converged
AHEAD = 0.1  # of a step: where residuals are looked at for their second derivative along it
BENT = 1.5  # 2 |bend| / |step| from which a step is too long; networks gain by twice the 0.75 of the source
STRAIGHT = 1e-5  # relative to residuals: what they bend by less than this is noise in single precision
KEPT = 2**25  # numbers of rows that are kept for the bend, 256 MiB; beyond, rows are computed again


def levenberg_marquardt(objective: Curved, u: Floats, watch: Watch) -> FitOutcome:
    """Minimise a mean of squares from u by (J^T J + lambda 1) step = -J^T r.

    lambda falls by at most 10 where the loss fell as predicted and doubles, quadruples, ... where it did not. With
    lambda times the identity a direction that the data do not determine is left as it is. A step into what is no number
    counts as one that predicted badly. Where residuals are to be had tile by tile, half of the geodesic acceleration
    (J^T J + lambda 1) bend = -J^T d^2 r / d step^2 is added, so that steps follow curved valleys, and a step that bends
    by more than three quarters of its length is taken back. Sources: Madsen, Nielsen, Tingleff, "Methods for Non-Linear
    Least Squares Problems" (2nd ed., 2004), algorithm 3.16; Transtrum, Sethna, arXiv:1201.5885 (2012), section 4.
    """
    here = _look(objective, u)
    largest = float(np.max(np.diag(here.normal.matrix), initial=0.0)) or 1.0
    damping = float(watch.memory.get("damping", FIRST_DAMPING * largest))
    growth, rejected = 2.0, 0
    if watch.told(u, here.normal.loss, {"damping": damping}):
        return FitOutcome.PATIENCE
    for _ in range(watch.steps):
        loss, slope = here.normal.loss, here.normal.slope
        if loss == 0.0:
            return FitOutcome.CONVERGED
        factor = _factor(here.normal.matrix, damping)
        step = _solve(factor, slope)
        predicted = float(step @ (damping * step - slope)) if step is not None else 0.0
        if step is not None and predicted <= SETTLED**2 * loss:
            return FitOutcome.CONVERGED
        bend = _bend(objective, here, u, step, factor) if step is not None else None
        if step is not None and bend is not None:
            long = 2.0 * float(np.linalg.norm(bend)) > BENT * float(np.linalg.norm(step))
            step = None if long else step + bend / 2.0
        reached = objective.loss(u + step) if step is not None else np.inf
        gain = (loss - reached) / predicted if np.isfinite(reached) and predicted > 0 else -np.inf
        if step is not None and gain > 0:
            moved = float(np.linalg.norm(step)) <= SETTLED * (float(np.linalg.norm(u)) + SETTLED)
            fell = loss - reached <= SETTLED * loss and predicted <= SETTLED * loss
            there = _look(objective, u + step)
            if np.isfinite(there.normal.matrix).all() and np.isfinite(there.normal.slope).all():
                u, here = u + step, there
                damping = max(damping * max(0.1, 1.0 - (2.0 * gain - 1.0) ** 3), LEAST_DAMPING * largest)
                growth, rejected = 2.0, 0
                if watch.told(u, here.normal.loss, {"damping": damping}):
                    return FitOutcome.PATIENCE
                if moved or fell:
                    return FitOutcome.CONVERGED
                continue
        damping, growth, rejected = damping * growth, growth * 2.0, rejected + 1
        if watch.told(u, loss, {"damping": damping}):
            return FitOutcome.PATIENCE
        if rejected >= MOST_REJECTED or growth > 2.0**MOST_REJECTED:
            return FitOutcome.CONVERGED if np.isfinite(reached) else FitOutcome.NOT_FINITE
        if step is not None and np.linalg.norm(step) <= 1e-16 * (np.linalg.norm(u) + 1e-16):
            return FitOutcome.CONVERGED
    return FitOutcome.STEPS


@dataclass(frozen=True)
class _Point:
    """What is known at a point: normal equations, and the tiles of residuals and rows they were made of, if kept."""

    normal: Normal
    tiles: tuple[tuple[Floats, Floats], ...] = ()


def _look(objective: Curved, u: Floats) -> _Point:
    """The normal equations at u; with the rows, where they are few and a bend will ask for them."""
    if not (isinstance(objective, Bending) and objective.bends):
        return _Point(objective.normal(u))
    kept: list[tuple[Floats, Floats]] = []
    held = 0

    def passing() -> Any:
        nonlocal held
        for r, rows in objective.rows(u):
            held += rows.size
            if held <= KEPT:
                kept.append((r, rows))
            yield r, rows

    normal = accumulate(passing(), len(u))
    return _Point(normal, tuple(kept) if held <= KEPT else ())


def _bend(objective: Curved, here: _Point, u: Floats, step: Floats, factor: Any) -> Floats | None:
    """The geodesic acceleration along a step; None where residuals are straight, or are not to be had one by one.

    The second derivative is 2 ((r(u + h step) - r) / h - J step) / h.
    """
    if not (isinstance(objective, Bending) and objective.bends):
        return None
    pull = np.zeros(len(u))
    bent, size = 0.0, 0.0
    with np.errstate(all="ignore"):
        ahead = objective.residual_tiles(u + AHEAD * step)
        for (r, rows), moved in zip(here.tiles or objective.rows(u), ahead, strict=True):
            rest = moved - r - AHEAD * (rows @ step)
            bent, size = bent + float(rest @ rest), size + float(r @ r)
            pull += rows.T @ rest
    if not np.isfinite(bent) or bent <= STRAIGHT**2 * size:
        return None
    return _solve(factor, pull * (2.0 / AHEAD**2))


def _factor(matrix: Floats, damping: float) -> Any:
    """The Cholesky factor of matrix + damping, or None where rounding leaves it no positive matrix."""
    damped = matrix + damping * np.eye(len(matrix))
    if not np.isfinite(damped).all():
        return None
    try:
        return cho_factor(damped, lower=True, overwrite_a=True, check_finite=False)
    except LinAlgError:
        return None


def _solve(factor: Any, slope: Floats) -> Floats | None:
    """-A^-1 slope by the factor of A, or None where there is none."""
    if factor is None:
        return None
    found: Floats = -cho_solve(factor, slope, check_finite=False)
    return found if np.isfinite(found).all() else None
