"""Descent by gradients: Adam, on all samples or on minibatches, and L-BFGS."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from symphys.learn.objective import Objective
from symphys.learn.status import FitOutcome
from symphys.learn.watch import Watch

Floats = NDArray[np.float64]
Schedule = Callable[[float], float]
MEAN, SQUARE, SMALL = 0.9, 0.999, 1e-8  # the memories of Adam and what keeps its quotient finite
MOST_FAILURES = 20


def cosine(share: float) -> float:
    """From 1 to 1/100 along half a cosine."""
    return 0.01 + 0.99 * (1.0 + math.cos(math.pi * share)) / 2.0


def constant(share: float) -> float:
    """Always 1."""
    del share
    return 1.0


def adam(
    objective: Objective,
    u: Floats,
    watch: Watch,
    rate: float,
    schedule: Schedule,
    batch: int | None,
    rng: np.random.Generator,
) -> FitOutcome:
    """Adam with steps of `rate` times `schedule` of the share done, from u.

    With a batch, each step sees so many samples and the loss is that of the batch. A step into what is no number goes
    back to the best point with half the rate. Source: Kingma, Ba, "Adam" (2015), algorithm 1.
    """
    memory = watch.memory
    first = np.array(memory.get("adam_mean", np.zeros_like(u)))
    second = np.array(memory.get("adam_square", np.zeros_like(u)))
    done, failures = int(memory.get("adam_steps", 0)), 0
    order = np.empty(0, dtype=np.int64)
    for step in range(watch.steps):
        part = objective
        if batch is not None and batch < objective.samples:
            if len(order) < batch:
                order = rng.permutation(objective.samples)
            part, order = objective.part(np.sort(order[:batch])), order[batch:]
        loss, slope = part.gradient(u)
        if not (np.isfinite(loss) and np.isfinite(slope).all()):
            failures += 1
            if failures > MOST_FAILURES or not watch.best.size:
                return FitOutcome.NOT_FINITE
            u, rate = watch.best.copy(), rate / 2.0
            first[:], second[:], done = 0.0, 0.0, 0
            continue
        done += 1
        first = MEAN * first + (1.0 - MEAN) * slope
        second = SQUARE * second + (1.0 - SQUARE) * slope * slope
        if watch.told(u, loss, {"adam_mean": first, "adam_square": second, "adam_steps": done}):
            return FitOutcome.PATIENCE
        mean, square = first / (1.0 - MEAN**done), second / (1.0 - SQUARE**done)
        u = u - rate * schedule(step / max(watch.steps, 1)) * mean / (np.sqrt(square) + SMALL)
    loss = objective.loss(u)
    if np.isfinite(loss):
        watch.told(u, loss)
    return FitOutcome.STEPS


class _Stop(Exception):
    """Ends SciPy's loop from within."""


def lbfgs(objective: Objective, u: Floats, watch: Watch) -> FitOutcome:
    """L-BFGS with SciPy's line search, from u. Source: Liu, Nocedal, Mathematical Programming 45 (1989) 503."""
    latest: dict[bytes, float] = {}

    def judged(x: Any) -> Any:
        loss, slope = objective.gradient(x)
        latest.clear()
        latest[x.tobytes()] = loss
        # a line search that meets infinity turns back; a slope that is no number would spoil its memory
        return (loss, slope) if np.isfinite(slope).all() else (1e300, np.zeros_like(slope))

    def watched(x: Any) -> None:
        loss = latest.get(x.tobytes())
        if watch.told(x, objective.loss(x) if loss is None else loss):
            raise _Stop

    if not np.isfinite(objective.loss(u)):
        return FitOutcome.NOT_FINITE
    options = {"maxiter": watch.steps, "maxfun": 20 * watch.steps, "maxcor": 30, "ftol": 1e-16, "gtol": 1e-14}
    try:
        search: Any = minimize  # whose stubs know no function that gives value and gradient together
        found = search(judged, u, jac=True, method="L-BFGS-B", callback=watched, options=options)
    except _Stop:
        return FitOutcome.PATIENCE
    loss = objective.loss(found.x)
    if np.isfinite(loss):
        watch.told(np.asarray(found.x), loss)
    return FitOutcome.STEPS if found.nit >= watch.steps else FitOutcome.CONVERGED
