"""Long waves in shallow water: u_t + 6 u u_x + u_xxx = 0 with u = phi_x; dimensionless."""

import numpy as np

from symphys.language import parameters, scalar_field, spacetime
from symphys.models.fields.field_model import FieldModel, FieldSetting, Points, State, Values
from symphys.systems import LagrangianDensity

SPEED = 1.0


def build() -> FieldSetting:
    """L = phi_t phi_x / 2 + alpha phi_x^3 / 6 - phi_xx^2 / 2, whose equation holds phi in derivatives by x alone.

    The state is u = phi_x, and u_t + alpha u u_x + u_xxx = 0.  A soliton of speed c has the height 3 c / alpha.
    """
    t, x = spacetime("t x")
    phi = scalar_field("phi", (t, x))
    alpha = parameters("alpha", positive=True)

    def exact(time: float, points: Points, values: Values) -> State:
        width = np.sqrt(SPEED) / 2
        return {phi.diff(x): 3 * SPEED / values[alpha] / np.cosh(width * (points[x] - SPEED * time)) ** 2}

    return FieldSetting(
        LagrangianDensity(phi.diff(t) * phi.diff(x) / 2 + alpha * phi.diff(x) ** 3 / 6 - phi.diff(x, 2) ** 2 / 2),
        {alpha: 6.0},
        {x: (-30.0, 30.0, 192)},
        exact=exact,
    )


MODEL = FieldModel(
    name="korteweg_de_vries",
    title="Korteweg-de Vries: a soliton in shallow water, through its potential",
    source="Drazin, Johnson, Solitons, sections 1.3 and 5.2; Korteweg, de Vries, Phil. Mag. 39 (1895) 422",
    build=build,
    t_span=(0.0, 10.0),
    dt=0.002,
)
