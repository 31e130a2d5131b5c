"""Why steps ran out: whether explicit steps are short because something decays fast that has decayed already.

A system is stiff at x where x' = f(x) has a Jacobian with an eigenvalue far to the left of the imaginary axis while the
state itself moves slowly: an explicit method is bound to steps of a few times 1 / |Re s| whatever the tolerance, for it
is unstable beyond. Hairer, Wanner, "Solving Ordinary Differential Equations II", IV.1 and IV.2.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.integrators import External
from symphys.mechanics.constrained import Constrained
from symphys.simulate.execute import Buffers
from symphys.simulate.request import RunRequest
from symphys.simulate.run_external import rates_of
from symphys.simulate.track import Evaluator, Vector

FAST = 100.0  # how much faster than the state moves something must decay
SHORT = 1.0  # steps times the rate of decay, from which stability bounds them and not the tolerance alone
MANY = 100  # trajectories that are looked at
LARGE = 64  # components beyond which nothing is looked at: their rates would take long to compile for a remark


def why_so_many_steps(request: RunRequest, buffers: Buffers, exhausted: NDArray[np.bool_]) -> NDArray[Any] | None:
    """[instances], what is known of trajectories that ran out of steps; None where there is nothing to say."""
    numbers = np.flatnonzero(exhausted)[:MANY]
    if not len(numbers) or isinstance(request.method, External) or isinstance(request.lowered.dynamics, Constrained):
        return None
    if len(request.lowered.flow.names) > LARGE:
        return None
    # the run is finished: no remark on it is worth its result
    with suppress(Exception, KeyboardInterrupt), np.errstate(all="ignore"):
        return _said(request, buffers, numbers)
    return None


def _said(request: RunRequest, buffers: Buffers, numbers: NDArray[np.int64]) -> NDArray[Any] | None:
    n, carry, rates_at = len(request.lowered.flow.names), buffers.read("carry").astype(np.float64), rates_of(request)
    said = np.full(request.instances.count, "", dtype=object)
    for number in numbers:
        rates_at.set_parameters(request.instances.parameters[:, number])
        x, (t, _, step) = carry[:n, number], carry[n : n + 3, number]
        rates = rates_at(t, x)
        slopes = _slopes(rates_at, t, x, rates, step)
        if not np.isfinite(slopes).all():
            continue
        decay = float(-np.linalg.eigvals(slopes).real.min())
        # of the state as a whole: a component that has decayed changes at its own rate still, by next to nothing
        pace = float(np.abs(rates).max() / np.abs(x).max()) if x.any() else np.inf
        if decay * abs(step) > SHORT and decay > FAST * pace:
            said[number] = (
                f"the system is stiff there: disturbances decay at the rate {decay:.3g}, the state changes at "
                f"{pace:.2g}, and an explicit method takes steps of {abs(step):.2g} all the same; compile with "
                "method='radau' or 'bdf'"
            )
    return said if said.any() else None


def _slopes(rates_at: Evaluator, t: float, x: Vector, rates: Vector, step: float) -> Vector:
    """[n, n], d rates_i / d x_j by forward differences.

    In units of x itself rounding is then sqrt(eps) of the fastest rate, far below what decides.
    """
    scale = np.maximum(np.abs(x), np.abs(step * rates))
    columns = []
    for j, size in enumerate(np.where(scale > 0, scale, 1.0)):
        moved = x.copy()
        moved[j] += np.sqrt(np.finfo(np.float64).eps) * size
        columns.append((rates_at(t, moved) - rates) / (moved[j] - x[j]))
    return np.stack(columns, axis=1)
