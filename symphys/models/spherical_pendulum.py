"""The spherical pendulum: a mass m on a rod of length l; theta from the downward vertical, phi around it; SI units."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import cos, sin

from symphys.language import coordinates, dot, parameters
from symphys.models.elliptic import cubic_oscillation
from symphys.models.model import Model, Setting, Values
from symphys.systems import Lagrangian


def build() -> Setting:
    """L = m l^2 (theta'^2 + phi'^2 sin^2 theta) / 2 + m g l cos theta; phi is cyclic."""
    theta, phi = coordinates("theta phi")
    m, l, g = parameters("m l g", positive=True)

    def exact(times: NDArray[Any], initial: Values, values: Values) -> Mapping[Any, NDArray[Any]]:
        """With u = -cos theta: u'^2 = 2 (e - w^2 u) (1 - u^2) - h^2, e and h the energy and p_phi over m l^2."""
        w2 = values[g] / values[l]
        start, rate, turning = initial[theta], initial[dot(theta)], initial[dot(phi)]
        h = np.sin(start) ** 2 * turning
        e = (rate**2 + h * turning) / 2 - w2 * np.cos(start)
        cubic = (2 * w2, -2 * e, -2 * w2, 2 * e - h**2)
        u = cubic_oscillation(cubic, -np.cos(start), np.sin(start) * rate, times)
        return {theta: np.arccos(-u), dot(phi): h / (1 - u**2)}

    return Setting(
        Lagrangian(m * l**2 * (dot(theta) ** 2 + dot(phi) ** 2 * sin(theta) ** 2) / 2 + m * g * l * cos(theta)),
        {m: 1.0, l: 1.0, g: 9.81},
        {theta: 1.0, phi: 0.0, dot(theta): 0.3, dot(phi): 2.0},
        exact,
        positions=((l * sin(theta) * cos(phi), l * sin(theta) * sin(phi)),),  # from above
    )


MODEL = Model(
    name="spherical_pendulum",
    title="spherical pendulum: nutates between two parallels while it turns",
    source="Landau, Lifshitz, Mechanics, section 14, problem 1; Whittaker, section 55",
    build=build,
    t_span=(0.0, 10.0),
    dt=0.01,
)
