"""How many steps a fit takes between observations: as many as make the error of the method small beside the data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.learn.observations import RunsObjective
from symphys.learn.passage import Rows

Floats = NDArray[np.float64]
ACCURACY = 1e-8  # of a component's range in time: what simulated states may change by when steps are halved
MOST_HALVINGS = 14


def resolve(objective: RunsObjective, u: Floats, most: int = MOST_HALVINGS) -> tuple[RunsObjective, float]:
    """The loss with the fewest steps that reach ACCURACY at u, by at most so many halvings, and what the last changed.

    Raises InputError where no number of steps keeps the states finite.
    """
    spacing = float(np.finfo(objective.passage.kernels.dtype).eps)
    goal = max(ACCURACY, 1e4 * spacing)
    coarse, change = objective, np.inf
    before = coarse.states(u)
    for _ in range(most):
        fine = halved(coarse)
        after = fine.states(u)
        last, change = change, difference(objective, before, after)
        if change <= goal:
            return coarse, change
        if np.isfinite(change) and change < 100 * goal and change > 0.5 * last:
            return coarse, change  # rounding, or a kink: halving helps no more
        coarse, before = fine, after
    if not np.isfinite(before).all():
        named = objective.unknowns.shown(u)
        raise InputError(f"at the guess {named} the motion leaves the finite world; give another guess")
    return coarse, change


def error_at(objective: RunsObjective, u: Floats) -> float:
    """What halving the steps changes, relative to the range of each component in time."""
    return difference(objective, objective.states(u), halved(objective).states(u))


def halved(objective: RunsObjective) -> RunsObjective:
    """The same with twice as many steps."""
    rows = objective.rows_in_time
    return replace(objective, rows_in_time=Rows(rows.times, 2 * rows.steps))


def difference(objective: RunsObjective, a: Floats, b: Floats) -> float:
    """The largest difference of states [n, rows, runs] by the range of their component."""
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return np.inf
    span = objective.spans(b) + 1e-300
    return float(np.max(np.abs(a - b) / span[:, None, None], initial=0.0))
