"""The plane pendulum: a mass m on a rod of length l, theta from the downward vertical; SI units."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ellipj, ellipkinc
from sympy import cos, sin

from symphys.language import coordinates, dot, parameters
from symphys.models.model import Model, Setting, Values
from symphys.systems import Lagrangian


def build() -> Setting:
    """L = m l^2 theta'^2 / 2 + m g l cos theta."""
    theta = coordinates("theta")
    m, l, g = parameters("m l g", positive=True)
    rate = dot(theta)

    def exact(times: NDArray[Any], initial: Values, values: Values) -> Mapping[Any, NDArray[Any]]:
        w = np.sqrt(values[g] / values[l])
        return dict(zip((theta, rate), pendulum_motion(times, initial[theta], initial[rate], w), strict=True))

    return Setting(
        Lagrangian(m * l**2 * rate**2 / 2 + m * g * l * cos(theta)),
        {m: 1.0, l: 1.0, g: 9.81},
        {theta: 2.0, rate: 0.5},
        exact,
        positions=((0, 0), (l * sin(theta), -l * cos(theta))),
        joined=True,
    )


def pendulum_motion(
    times: NDArray[Any], angle: float, rate: float, frequency: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Angle and rate at `times` of theta'' = -w^2 sin theta, swinging (k < 1) or turning over (k > 1).

    With k^2 = sin^2(theta0 / 2) + (theta0' / 2w)^2: swinging, sin(theta / 2) = k sn(w t + phase, k); turning over,
    theta / 2 = am(k w t + phase, 1 / k).
    """
    w = frequency
    turns = 2 * np.pi * np.round(angle / (2 * np.pi))
    half = (angle - turns) / 2
    square = np.sin(half) ** 2 + (rate / (2 * w)) ** 2
    k, sign = np.sqrt(square), 1.0 if rate >= 0 else -1.0
    if square < 1:
        # the arcsine alone would lose half the digits at a turning point
        phase = ellipkinc(np.arctan2(np.sin(half) * sign, abs(rate) / (2 * w)), square)
        sn, cn, _, _ = ellipj(w * times + phase, square)
        return turns + sign * 2 * np.arcsin(k * sn), sign * 2 * w * k * cn
    phase = ellipkinc(half * sign, 1 / square)
    _, _, dn, amplitude = ellipj(k * w * times + phase, 1 / square)
    return turns + sign * 2 * amplitude, sign * 2 * w * k * dn


MODEL = Model(
    name="pendulum",
    title="plane pendulum, swinging or turning over",
    source="Landau, Lifshitz, Mechanics, section 11; motion by Jacobi's elliptic functions: Whittaker, section 44",
    build=build,
    t_span=(0.0, 10.0),
    dt=0.01,
)
