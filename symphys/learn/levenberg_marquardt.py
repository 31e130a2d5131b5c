"""Levenberg and Marquardt's method: Gauss-Newton steps, shortened by a damping that follows how well they predict."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from symphys.learn.objective import Curved
from symphys.learn.status import FitOutcome
from symphys.learn.watch import Watch

Floats = NDArray[np.float64]
FIRST_DAMPING = 1e-3  # relative to the largest diagonal entry of J^T J
LEAST_DAMPING = 1e-15  # relative likewise: below it J^T J + lambda is what rounding makes of it
MOST_REJECTED = 40  # steps in a row, with a damping that grows faster and faster
SETTLED = 1e-13  # relative: losses and unknowns that change by less have converged


def levenberg_marquardt(objective: Curved, u: Floats, watch: Watch) -> FitOutcome:
    """Minimise a mean of squares from u by (J^T J + lambda 1) step = -J^T r.

    lambda falls by at most 10 where the loss fell as predicted and doubles, quadruples, ... where it did not. With
    lambda times the identity a direction that the data do not determine is left as it is. A step into what is no number
    counts as one that predicted badly. Source: Madsen, Nielsen, Tingleff, "Methods for Non-Linear Least Squares
    Problems" (2nd ed., 2004), algorithm 3.16.
    """
    here = objective.normal(u)
    largest = float(np.max(np.diag(here.matrix), initial=0.0)) or 1.0
    damping = float(watch.memory.get("damping", FIRST_DAMPING * largest))
    growth, rejected = 2.0, 0
    if watch.told(u, here.loss, {"damping": damping}):
        return FitOutcome.PATIENCE
    for _ in range(watch.steps):
        if here.loss == 0.0:
            return FitOutcome.CONVERGED
        step = _solve(here.matrix, here.slope, damping)
        predicted = float(step @ (damping * step - here.slope)) if step is not None else 0.0
        if step is not None and predicted <= SETTLED**2 * here.loss:
            return FitOutcome.CONVERGED
        loss = objective.loss(u + step) if step is not None else np.inf
        gain = (here.loss - loss) / predicted if np.isfinite(loss) and predicted > 0 else -np.inf
        if step is not None and gain > 0:
            moved = float(np.linalg.norm(step)) <= SETTLED * (float(np.linalg.norm(u)) + SETTLED)
            fell = here.loss - loss <= SETTLED * here.loss and predicted <= SETTLED * here.loss
            there = objective.normal(u + step)
            if np.isfinite(there.matrix).all() and np.isfinite(there.slope).all():
                u, here = u + step, there
                damping = max(damping * max(0.1, 1.0 - (2.0 * gain - 1.0) ** 3), LEAST_DAMPING * largest)
                growth, rejected = 2.0, 0
                if watch.told(u, here.loss, {"damping": damping}):
                    return FitOutcome.PATIENCE
                if moved or fell:
                    return FitOutcome.CONVERGED
                continue
        damping, growth, rejected = damping * growth, growth * 2.0, rejected + 1
        if watch.told(u, here.loss, {"damping": damping}):
            return FitOutcome.PATIENCE
        if rejected >= MOST_REJECTED or growth > 2.0**MOST_REJECTED:
            return FitOutcome.CONVERGED if np.isfinite(loss) else FitOutcome.NOT_FINITE
        if step is not None and np.linalg.norm(step) <= 1e-16 * (np.linalg.norm(u) + 1e-16):
            return FitOutcome.CONVERGED
    return FitOutcome.STEPS


def _solve(matrix: Floats, slope: Floats, damping: float) -> Floats | None:
    """-(matrix + damping)^-1 slope, or None where rounding leaves it no positive matrix."""
    damped = matrix + damping * np.eye(len(slope))
    if not np.isfinite(damped).all():
        return None
    try:
        found: Floats = -cho_solve(cho_factor(damped, lower=True, check_finite=False), slope, check_finite=False)
    except LinAlgError:
        return None
    return found if np.isfinite(found).all() else None
