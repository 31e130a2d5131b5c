"""What a thermostat needs in memory, and the energy that it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import exp, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.mechanics.particles import ParticleDynamics
from symphys.statistics import Langevin, NoseHoover, Thermostat

Read = Callable[[str], NDArray[Any]]  # an array by its name


def degrees_of_freedom(dynamics: ParticleDynamics, thermostat: Thermostat | None, count: int, held: int = 0) -> int:
    """dim n, less the dim of the momentum where it stays what it is, and the number of independent constraints."""
    kept = dynamics.translations and count > 1 and not isinstance(thermostat, Langevin)
    return max(int(dynamics.particles.dim * (count - kept)) - held, 0)


def bath_scalars(
    thermostat: Thermostat | None, dynamics: ParticleDynamics, count: int, h: float
) -> dict[str, float | int]:
    """The numbers that the kernels of a thermostat read."""
    if thermostat is None:
        return {}
    keep = exp(-abs(h) / thermostat.relaxation)
    return {
        "bath_temperature": thermostat.temperature,
        "bath_relaxation": thermostat.relaxation,
        "freedom": float(degrees_of_freedom(dynamics, thermostat, count)),
        "bath_keep": keep,
        "bath_push": sqrt(thermostat.temperature * (1.0 - keep * keep)),
        "ones": 1,
    }


def bath_arrays(thermostat: Thermostat | None, dtype: np.dtype[Any]) -> dict[str, NDArray[Any]]:
    """The sum that a thermostat looks at, the factor that it finds, and its chain."""
    if thermostat is None or isinstance(thermostat, Langevin):
        return {}
    links = thermostat.chain if isinstance(thermostat, NoseHoover) else 1
    return {name: np.zeros(n, dtype) for name, n in (("heat", 1), ("rescale", 1), ("chain", 2 * links))}


def bath_energy(thermostat: Thermostat | None, read: Read, scalars: Mapping[str, Any]) -> float:
    """sum Q_k v_k^2 / 2 + f k_B T x_1 + k_B T sum_{k > 1} x_k of a chain; 0 without one."""
    if not isinstance(thermostat, NoseHoover):
        return 0.0
    places, rates = np.asarray(read("chain"), dtype=np.float64).reshape(2, -1)
    inertia = np.full(len(rates), thermostat.temperature * thermostat.relaxation**2)
    inertia[0] *= scalars["freedom"]
    weights = np.full(len(rates), thermostat.temperature)
    weights[0] *= scalars["freedom"]
    return float(0.5 * (inertia * rates**2).sum() + (weights * places).sum())
