"""The sine-Gordon field, and its breather; c = 1, mass 1."""

import numpy as np
from sympy import cos

from symphys.language import parameters, scalar_field, spacetime
from symphys.models.fields.field_model import FieldModel, FieldSetting, Points, State, Values
from symphys.systems import LagrangianDensity

FREQUENCY = 0.6


def build() -> FieldSetting:
    """L = (phi_t^2 - phi_x^2) / 2 - m^2 (1 - cos phi); a breather of frequency 0.6 m rests at the origin.

    phi = 4 arctan(s cos(w m t) / (w cosh(s m x))) with w = 0.6 and s = (1 - w^2)^(1/2).
    """
    t, x = spacetime("t x")
    phi = scalar_field("phi", (t, x))
    m = parameters("m", positive=True)

    def exact(time: float, points: Points, values: Values) -> State:
        w, s, mass = FREQUENCY, np.sqrt(1 - FREQUENCY**2), values[m]
        shape = s / (w * np.cosh(s * mass * points[x]))
        swing, rate = np.cos(w * mass * time), -w * mass * np.sin(w * mass * time)
        return {
            phi: 4 * np.arctan(shape * swing),
            phi.diff(t): 4 * shape * rate / (1 + (shape * swing) ** 2),
        }

    return FieldSetting(
        LagrangianDensity(phi.diff(t) ** 2 / 2 - phi.diff(x) ** 2 / 2 - m**2 * (1 - cos(phi))),
        {m: 1.0},
        {x: (-40.0, 40.0, 801)},
        boundary="neumann",
        exact=exact,
    )


MODEL = FieldModel(
    name="sine_gordon",
    title="sine-Gordon field: a breather",
    source="Ablowitz, Kaup, Newell, Segur, Phys. Rev. Lett. 30 (1973) 1262",
    build=build,
    t_span=(0.0, 20.0),
    dt=0.04,
)
