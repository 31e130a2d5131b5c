"""Kepler's problem in its plane: a mass m attracted by k / r^2; dimensionless by default (m = k = 1)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import sqrt

from symphys.errors import InputError
from symphys.language import coordinates, dot, parameters
from symphys.models.model import Model, Setting, Values
from symphys.systems import Lagrangian


def build() -> Setting:
    """L = m (x'^2 + y'^2) / 2 + k / r; the default orbit has the eccentricity 0.36."""
    x, y = coordinates("x y")
    m, k = parameters("m k", positive=True)
    vx, vy = dot(x), dot(y)
    r, spin = sqrt(x**2 + y**2), m * (x * vy - y * vx)

    def exact(times: NDArray[Any], initial: Values, values: Values) -> Mapping[Any, NDArray[Any]]:
        start, rate = np.array([initial[x], initial[y]]), np.array([initial[vx], initial[vy]])
        place, speed = kepler_motion(times, start, rate, values[k] / values[m])
        return {x: place[0], y: place[1], vx: speed[0], vy: speed[1]}

    return Setting(
        Lagrangian(m * (vx**2 + vy**2) / 2 + k / r),
        {m: 1.0, k: 1.0},
        {x: 1.0, y: 0.0, vx: 0.0, vy: 0.8},
        exact,
        # The vector of Laplace, Runge and Lenz points to the pericentre, so it keeps the orbit closed.
        {"angular momentum": spin, "Lenz x": vy * spin - k * x / r, "Lenz y": -vx * spin - k * y / r},
        ((0, 0), (x, y)),
    )


def kepler_motion(
    times: NDArray[Any], place: NDArray[Any], speed: NDArray[Any], mu: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Place and velocity [2, n] on an ellipse: Kepler's equation for the change of the eccentric anomaly, by Newton.

    n t = d + s (1 - cos d) - (1 - r0 / a) sin d, with n^2 = mu / a^3 and s = r0 . v0 / sqrt(mu a); then
    r = f r0 + g v0.  Raises `InputError` if the energy is not negative.  Battin, "An Introduction to the Mathematics
    and Methods of Astrodynamics", chapter 4.
    """
    r0 = np.hypot(*place)
    a = 1 / (2 / r0 - speed @ speed / mu)
    if a <= 0:
        raise InputError(f"the semi-major axis is {a:.6g}: only ellipses have this solution; lower the initial speed")
    mean, s, e = np.sqrt(mu / a**3) * times, place @ speed / np.sqrt(mu * a), 1 - r0 / a
    d = np.array(mean)
    for _ in range(50):
        d -= (d + s * (1 - np.cos(d)) - e * np.sin(d) - mean) / (1 + s * np.sin(d) - e * np.cos(d))
    r = a * (1 + s * np.sin(d) - e * np.cos(d))
    f, g = 1 - a / r0 * (1 - np.cos(d)), times - (d - np.sin(d)) * np.sqrt(a**3 / mu)
    f_rate, g_rate = -np.sqrt(mu * a) / (r * r0) * np.sin(d), 1 - a / r * (1 - np.cos(d))
    return np.outer(place, f) + np.outer(speed, g), np.outer(place, f_rate) + np.outer(speed, g_rate)


MODEL = Model(
    name="kepler",
    title="Kepler's problem: an elliptic orbit",
    source="Goldstein, Classical Mechanics, 3rd ed., sections 3.7 to 3.9",
    build=build,
    t_span=(0.0, 20.0),
    dt=0.01,
)
