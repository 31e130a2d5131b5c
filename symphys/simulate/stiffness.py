"""Why steps ran out: whether explicit steps are short because something decays fast that has decayed already.

A system is stiff at x where x' = f(x) has a Jacobian with an eigenvalue far to the left of the imaginary axis while the
state itself moves slowly: an explicit method is bound to steps of a few times 1 / |Re s| whatever the tolerance, for it
is unstable beyond. Hairer, Wanner, "Solving Ordinary Differential Equations II", IV.1 and IV.2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.integrators import External
from symphys.mechanics.constrained import Constrained
from symphys.simulate.execute import Buffers
from symphys.simulate.request import RunRequest
from symphys.simulate.run_external import functions_of

FAST = 100.0  # how much faster than the state moves something must decay
SHORT = 1.0  # steps times the rate of decay, from which stability bounds them and not the tolerance alone
MANY = 100  # trajectories that are looked at


def why_so_many_steps(request: RunRequest, buffers: Buffers, exhausted: NDArray[np.bool_]) -> NDArray[Any] | None:
    """[instances], what is known of trajectories that ran out of steps; None where there is nothing to say."""
    numbers = np.flatnonzero(exhausted)[:MANY]
    if not len(numbers) or isinstance(request.method, External) or isinstance(request.lowered.dynamics, Constrained):
        return None
    functions = functions_of(request)
    if functions.jacobian is None:
        return None
    names, carry = request.lowered.flow.names, buffers.read("carry").astype(np.float64)
    said = np.full(request.instances.count, "", dtype=object)
    for number in numbers:
        functions.set_parameters(request.instances.parameters[:, number])
        x, (t, _, step) = carry[: len(names), number], carry[len(names) : len(names) + 3, number]
        rates, slopes = functions.rates(t, x), functions.jacobian(t, x).reshape(len(names), len(names))
        if not np.isfinite(slopes).all():
            continue
        decay = float(-np.linalg.eigvals(slopes).real.min())
        with np.errstate(divide="ignore", invalid="ignore"):
            pace = float(np.nanmax(np.abs(rates / x), initial=0.0))
        if decay * abs(step) > SHORT and decay > FAST * pace:
            said[number] = (
                f"the system is stiff there: disturbances decay at the rate {decay:.3g}, the state changes at "
                f"{pace:.2g}, and an explicit method takes steps of {abs(step):.2g} all the same; compile with "
                "method='radau' or 'bdf'"
            )
    return said if said.any() else None
