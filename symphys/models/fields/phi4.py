"""The phi^4 field with a double well, and its kink; c = 1."""

import numpy as np

from symphys.language import parameters, scalar_field, spacetime
from symphys.models.fields.field_model import FieldModel, FieldSetting, Points, State, Values
from symphys.systems import LagrangianDensity

SPEED = 0.5


def build() -> FieldSetting:
    """L = (phi_t^2 - phi_x^2) / 2 - lambda (phi^2 - v^2)^2 / 4; a kink moves at half the speed of light."""
    t, x = spacetime("t x")
    phi = scalar_field("phi", (t, x))
    lam, v = parameters("lambda v", positive=True)

    def exact(time: float, points: Points, values: Values) -> State:
        height = values[v]
        steep = height * np.sqrt(values[lam] / 2) / np.sqrt(1 - SPEED**2)
        place = steep * (points[x] - SPEED * time)
        return {phi: height * np.tanh(place), phi.diff(t): -height * steep * SPEED / np.cosh(place) ** 2}

    return FieldSetting(
        LagrangianDensity(phi.diff(t) ** 2 / 2 - phi.diff(x) ** 2 / 2 - lam * (phi**2 - v**2) ** 2 / 4),
        {lam: 1.0, v: 1.0},
        {x: (-30.0, 30.0, 601)},
        boundary="neumann",
        exact=exact,
    )


MODEL = FieldModel(
    name="phi4",
    title="phi^4 field: a moving kink between two wells",
    source="Rajaraman, Solitons and Instantons, section 2.3; Dashen, Hasslacher, Neveu, Phys. Rev. D 10 (1974) 4130",
    build=build,
    t_span=(0.0, 20.0),
    dt=0.04,
)
