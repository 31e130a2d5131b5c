"""Waves on a string or of sound: u_tt = c^2 u_xx; any consistent units."""

import numpy as np

from symphys.language import parameters, scalar_field, spacetime
from symphys.models.fields.field_model import FieldModel, FieldSetting, Points, State, Values
from symphys.systems import LagrangianDensity


def build() -> FieldSetting:
    """L = (u_t^2 - c^2 u_x^2) / 2; two waves run into each other on a ring of length 2 pi."""
    t, x = spacetime("t x")
    u = scalar_field("u", (t, x))
    c = parameters("c", positive=True)

    def exact(time: float, points: Points, values: Values) -> State:
        s = values[c]
        right, left = points[x] - s * time, 2 * (points[x] + s * time)
        return {u: np.cos(right) + np.sin(left) / 2, u.diff(t): s * (np.sin(right) + np.cos(left))}

    return FieldSetting(
        LagrangianDensity((u.diff(t) ** 2 - c**2 * u.diff(x) ** 2) / 2),
        {c: 1.5},
        {x: (0.0, 2 * np.pi, 64)},
        exact=exact,
    )


MODEL = FieldModel(
    name="wave",
    title="wave equation: two waves on a ring",
    source="Landau, Lifshitz, Fluid Mechanics, 2nd ed., section 64; d'Alembert 1747",
    build=build,
    t_span=(0.0, 10.0),
    dt=0.02,
)
