"""The guiding centre of a charge in a plane across a magnetic field: a Lagrangian of first order; dimensionless."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.language import coordinates, dot, parameters
from symphys.models.model import Model, Setting, Values
from symphys.systems import Lagrangian


def build() -> Setting:
    """L = q (A_x x' + A_y y') - mu B(x, y), curl A = B = B0 (1 + a (x^2 / 4 + y^2)); mu: the magnetic moment.

    The coordinates are each other's momenta, so the state is (x, y) alone, and B is constant along the drift.
    """
    x, y = coordinates("x y")
    q, B0, a, mu = parameters("q B0 a mu", positive=True)
    field = B0 * (1 + a * (x**2 / 4 + y**2))
    potential = -B0 * a * y**3 / 3, B0 * (x + a * x**3 / 12)

    def exact(times: NDArray[Any], initial: Values, values: Values) -> Mapping[Any, NDArray[Any]]:
        """q B x' = -mu dB/dy and q B y' = mu dB/dx: as B keeps its value, an ellipse at the rate mu B0 a / (q B)."""
        x0, y0 = initial[x], initial[y]
        strength = 1 + values[a] * (x0**2 / 4 + y0**2)
        w = values[mu] * values[a] / (values[q] * strength)
        c, s = np.cos(w * times), np.sin(w * times)
        return {x: x0 * c - 2 * y0 * s, y: y0 * c + x0 * s / 2}

    return Setting(
        Lagrangian(q * (potential[0] * dot(x) + potential[1] * dot(y)) - mu * field),
        {q: 1.0, B0: 1.0, a: 0.05, mu: 2.25},
        {x: 1.0, y: 0.5},
        exact,
        {"field": field},
        ((x, y),),
    )


MODEL = Model(
    name="guiding_centre",
    title="guiding centre across a magnetic field: first order in time",
    source="Littlejohn, J. Plasma Phys. 29 (1983) 111, doi:10.1017/S002237780000060X; a field after Qin, Guan, Phys. "
    "Rev. Lett. 100 (2008) 035006, doi:10.1103/PhysRevLett.100.035006",
    build=build,
    t_span=(0.0, 200.0),
    dt=0.1,
)
