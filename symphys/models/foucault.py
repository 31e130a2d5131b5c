"""Foucault's pendulum: small swings in the plane of a floor that turns with the Earth; SI units, x east, y north."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import sin

from symphys.language import coordinates, dot, parameters
from symphys.models.model import Model, Setting, Values
from symphys.systems import Lagrangian


def build() -> Setting:
    """L = m (x'^2 + y'^2) / 2 + m W sin(latitude) (x y' - y x') - m g (x^2 + y^2) / (2 l), W^2 neglected."""
    x, y = coordinates("x y")
    m, l, g, W = parameters("m l g Omega", positive=True)
    latitude = parameters("latitude")
    vx, vy = dot(x), dot(y)

    def exact(times: NDArray[Any], initial: Values, values: Values) -> Mapping[Any, NDArray[Any]]:
        """z = x + i y obeys z'' + 2 i s z' + w^2 z = 0, s = W sin(latitude): an ellipse that turns at the rate -s."""
        s, square = values[W] * np.sin(values[latitude]), values[g] / values[l]
        z, rate = initial[x] + 1j * initial[y], initial[vx] + 1j * initial[vy]
        w = np.sqrt(square + s**2)
        turned, c, n = np.exp(-1j * s * times), np.cos(w * times), np.sin(w * times) / w
        a = rate + 1j * s * z
        place = turned * (z * c + a * n)
        speed = -1j * s * place + turned * (a * c - z * w**2 * n)
        return {x: place.real, y: place.imag, vx: speed.real, vy: speed.imag}

    turning = m * W * sin(latitude) * (x * vy - y * vx)
    return Setting(
        Lagrangian(m * (vx**2 + vy**2) / 2 + turning - m * g * (x**2 + y**2) / (2 * l)),
        {m: 28.0, l: 67.0, g: 9.81, W: 7.292115e-5, latitude: 0.852},
        {x: 3.0, y: 0.0, vx: 0.0, vy: 0.0},
        exact,
        {"angular momentum": m * (x * vy - y * vx) + m * W * sin(latitude) * (x**2 + y**2)},
        ((x, y),),
    )


MODEL = Model(
    name="foucault",
    title="Foucault's pendulum in the Pantheon of Paris",
    source="Landau, Lifshitz, Mechanics, section 39, problem 3; Goldstein, 3rd ed., section 4.10",
    build=build,
    t_span=(0.0, 600.0),
    dt=0.1,
)
