"""Averages of correlated series, with error bars; the heat capacity from the fluctuations of the energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.measure.read import correlated

Floats = NDArray[np.float64]
WINDOW = 5.0  # correlation times after which the sum over lags ends, by Sokal's rule


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error.

    correlation: the integrated autocorrelation time in samples (1/2 for independent ones), or the length of blocks.
    """

    value: float
    error: float
    correlation: float

    def __str__(self) -> str:
        return f"{self.value:.6g} +- {self.error:.2g}"


def average(series: Any) -> Estimate:
    """The mean of a stationary series [samples], with error^2 = 2 tau var / n.

    tau = 1/2 + sum over lags of the autocorrelation, up to the first lag beyond 5 tau (Sokal); biases of order 1 / n
    are taken off. Raises `InputError` for fewer than eight samples and where correlations outlast the series.
    Wolff, Comput. Phys. Commun. 156 (2004) 143, doi:10.1016/S0010-4655(03)00467-3.
    """
    x = np.asarray(series, dtype=np.float64)
    if x.ndim != 1 or len(x) < 8 or not np.isfinite(x).all():
        raise InputError(f"a series of the shape {x.shape} was given; give [samples] finite numbers, at least eight")
    n, mean = len(x), float(x.mean())
    tau = correlation_time(x)
    if 2 * WINDOW * tau > n:
        raise InputError(
            f"{n} samples are correlated over {tau:.3g}, too long to tell an error; give at least {10 * tau:.0f}"
        )
    variance = float(x.var()) / (1 - 2 * tau / n)
    return Estimate(mean, float(np.sqrt(2 * tau * variance / n)), tau)


def correlation_time(x: Floats) -> float:
    """The integrated autocorrelation time in samples, at least 1/2."""
    n = len(x)
    moved = x - x.mean()
    if not moved.any():
        return 0.5
    rho = correlated(moved, n // 2 + 1)
    rho = rho / rho[0]
    tau = 0.5 + np.cumsum(rho[1:])
    lags = np.arange(1, len(tau) + 1)
    ends = np.flatnonzero(lags >= WINDOW * np.maximum(tau, 0.5))
    cut = int(ends[0]) if len(ends) else len(tau) - 1
    return float(max(0.5, tau[cut] * (1 + (2 * lags[cut] + 1) / n)))


def heat_capacity(energies: Any, temperature: float, *, noise: float = 0.0) -> Estimate:
    """C_V / k_B = (<E^2> - <E>^2 - noise) / (k_B T)^2, dimensionless, of a canonical series of energies.

    energies: [samples] total energies (potential ones give the part beyond the ideal gas). temperature: k_B T as an
    energy. noise: the variance that a learnt energy has of its own, which is no physics. The error is that of the mean
    of (E - <E>)^2, correlations included. Raises `InputError` as `average`, and for a temperature that is not positive.
    Frenkel, Smit, "Understanding Molecular Simulation", 2nd ed., section 4.1; Allen, Tildesley, 2nd ed., sections 2.5
    and 8.4.
    """
    if not 0 < temperature < float("inf") or noise < 0:
        raise InputError(f"the temperature {temperature} (k_B T) must be positive, and the noise {noise} not negative")
    energy = np.asarray(energies, dtype=np.float64)
    mean = average(energy)  # its checks, and the bias of fluctuations about the mean of the series itself
    squares = average((energy - mean.value) ** 2)
    variance = squares.value + mean.error**2
    scale = temperature**2
    return Estimate((variance - noise) / scale, squares.error / scale, squares.correlation)
