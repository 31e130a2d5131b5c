"""A charge q of mass m in a uniform magnetic field B along z; dimensionless by default."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.language import coordinates, dot, parameters
from symphys.models.model import Model, Setting, Values
from symphys.systems import Lagrangian


def build() -> Setting:
    """L = m (x'^2 + y'^2 + z'^2) / 2 + q B (x y' - y x') / 2, the vector potential in the symmetric gauge."""
    x, y, z = coordinates("x y z")
    m, B = parameters("m B", positive=True)
    q = parameters("q", nonzero=True)
    vx, vy, vz = dot(x), dot(y), dot(z)

    def exact(times: NDArray[Any], initial: Values, values: Values) -> Mapping[Any, NDArray[Any]]:
        """A helix: v_x + i v_y turns at the rate -w, w = q B / m."""
        w = values[q] * values[B] / values[m]
        turned, v = np.exp(-1j * w * times), initial[vx] + 1j * initial[vy]
        place = initial[x] + 1j * initial[y] + v * (1 - turned) / (1j * w)
        speed, along = v * turned, np.full_like(times, initial[vz])
        return {
            x: place.real, y: place.imag, z: initial[z] + along * times,
            vx: speed.real, vy: speed.imag, vz: along,
        }  # fmt: skip

    return Setting(
        Lagrangian(m * (vx**2 + vy**2 + vz**2) / 2 + q * B * (x * vy - y * vx) / 2),
        {m: 1.0, q: 1.0, B: 2.0},
        {x: 1.0, y: 0.0, z: 0.0, vx: 0.0, vy: 1.0, vz: 0.2},
        exact,
        {
            "centre x": m * vy + q * B * x,
            "centre y": m * vx - q * B * y,
            "spin": m * (x * vy - y * vx) + q * B * (x**2 + y**2) / 2,
        },
        ((x, y),),
    )


MODEL = Model(
    name="charged_particle",
    title="charged particle in a uniform magnetic field: a helix",
    source="Landau, Lifshitz, The Classical Theory of Fields, section 21",
    build=build,
    t_span=(0.0, 20.0),
    dt=0.01,
)
