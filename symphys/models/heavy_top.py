"""The heavy symmetric top with one point fixed, in Euler's angles (phi, theta, psi), theta from the upward vertical."""

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
    """L = I1 (theta'^2 + phi'^2 sin^2 theta) / 2 + I3 (psi' + phi' cos theta)^2 / 2 - m g l cos theta; SI units.

    I1 and I3: moments of inertia about the fixed point, across and along the axis; l: from there to the centre of mass.
    """
    phi, theta, psi = coordinates("phi theta psi")
    I1, I3, m, g, l = parameters("I1 I3 m g l", positive=True)

    def exact(times: NDArray[Any], initial: Values, values: Values) -> Mapping[Any, NDArray[Any]]:
        """With u = cos theta: u'^2 = (alpha - beta u) (1 - u^2) - (b - a u)^2 (Goldstein, eq. 5.62)."""
        start, nutation, precession = initial[theta], initial[dot(theta)], initial[dot(phi)]
        spin = initial[dot(psi)] + precession * np.cos(start)
        a = values[I3] * spin / values[I1]
        b = np.sin(start) ** 2 * precession + a * np.cos(start)
        beta = 2 * values[m] * values[g] * values[l] / values[I1]
        alpha = nutation**2 + np.sin(start) ** 2 * precession**2 + beta * np.cos(start)
        cubic = (beta, -(alpha + a**2), 2 * a * b - beta, alpha - b**2)
        u = cubic_oscillation(cubic, np.cos(start), -np.sin(start) * nutation, times)
        turning = (b - a * u) / (1 - u**2)
        return {theta: np.arccos(u), dot(phi): turning, dot(psi): spin - turning * u}

    kinetic = I1 * (dot(theta) ** 2 + dot(phi) ** 2 * sin(theta) ** 2) / 2
    spinning = I3 * (dot(psi) + dot(phi) * cos(theta)) ** 2 / 2
    return Setting(
        Lagrangian(kinetic + spinning - m * g * l * cos(theta)),
        {I1: 2e-3, I3: 1e-3, m: 0.5, g: 9.81, l: 0.05},
        {phi: 0.0, theta: 0.6, psi: 0.0, dot(phi): 0.0, dot(theta): 0.5, dot(psi): 60.0},
        exact,
        positions=((l * sin(theta) * sin(phi), -l * sin(theta) * cos(phi)),),  # the centre of mass from above
    )


MODEL = Model(
    name="heavy_top",
    title="heavy symmetric top: it precesses and nutates",
    source="Goldstein, Classical Mechanics, 3rd ed., section 5.7",
    build=build,
    t_span=(0.0, 2.0),
    dt=0.001,
)
