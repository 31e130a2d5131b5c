"""Where the energy of a run came from and went to, along its trajectories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import sympy
from numpy.typing import NDArray

from symphys.lower.ledger import GAINS
from symphys.simulate.multipliers import evaluate_along
from symphys.simulate.request import RunRequest

Array = NDArray[np.float64]


@dataclass(frozen=True)
class EnergyLedger:
    """E(t) = E(0) - dissipated + supplied + explicit + constrained + residual; each [..., time].

    energy: the energy function, or H.
    dissipated: what friction has taken since the start.
    supplied: what forces and inputs have given.
    explicit: what L or H has given by its explicit dependence on time.
    constrained: what constraints have given that move.
    residual: what is left over, by the errors of the run; `drift["energy balance"]` is its largest value over the
    watched steps, divided by the largest sum of the absolute values of the terms.
    """

    energy: Array
    dissipated: Array
    supplied: Array
    explicit: Array
    constrained: Array
    residual: Array


def ledger_along(
    request: RunRequest, saved: NDArray[np.floating], works: NDArray[np.floating], times: NDArray[np.floating]
) -> EnergyLedger | None:
    """The ledger of a run from its saved states [n, rows, instances], works [k, rows, instances] and times."""
    ledger, dynamics, instances = request.ledger, request.lowered.dynamics, request.instances
    if ledger is None:
        return None
    n, rows, count = saved.shape
    clock = np.broadcast_to(times, (*instances.shape, rows)).reshape(count, rows).T.reshape(-1)
    parameters = np.tile(instances.parameters, (1, rows))
    expressions = [sympy.Add(*dynamics.balance.energy)]
    with np.errstate(all="ignore"):  # beyond its end a trajectory is NaN
        flat = evaluate_along(
            dynamics,
            request.lowered.flow,
            expressions,
            saved.reshape(n, -1),
            parameters,
            clock,
            request.tables,
            request.places,
        )
    energy = _shaped(flat[0].reshape(rows, count), instances.shape)
    found = {name: _shaped(work, instances.shape) for name, work in zip(ledger.names, works, strict=True)}
    columns = {name: found.get(name, np.where(np.isfinite(energy), 0.0, np.nan)) for name in GAINS}
    gained = np.sum([sign * columns[name] for name, sign in GAINS.items()], axis=0)
    return EnergyLedger(energy=energy, residual=energy - energy[..., :1] - gained, **columns)


def _shaped(values: NDArray[np.floating], shape: tuple[int, ...]) -> Array:
    """[rows, instances] as [..., rows]."""
    return np.ascontiguousarray(values.T, dtype=np.float64).reshape(*shape, len(values))
