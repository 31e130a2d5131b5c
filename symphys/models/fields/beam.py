"""A slender beam (Euler and Bernoulli): mu w_tt + EI w_xxxx = 0; SI units."""

import numpy as np

from symphys.language import parameters, scalar_field, spacetime
from symphys.models.fields.field_model import FieldModel, FieldSetting, Points, State, Values
from symphys.systems import LagrangianDensity


def build() -> FieldSetting:
    """L = mu w_t^2 / 2 - EI w_xx^2 / 2; bending waves on a ring of length 2 pi, of frequency (EI / mu)^(1/2) k^2."""
    t, x = spacetime("t x")
    w = scalar_field("w", (t, x))
    mu, stiffness = parameters("mu EI", positive=True)

    def exact(time: float, points: Points, values: Values) -> State:
        omega = np.sqrt(values[stiffness] / values[mu]) * np.array([1.0, 4.0]) * time
        rates = np.sqrt(values[stiffness] / values[mu]) * np.array([1.0, 4.0])
        first, second = np.cos(points[x]), np.sin(2 * points[x]) / 4
        return {
            w: first * np.cos(omega[0]) + second * np.cos(omega[1]),
            w.diff(t): -rates[0] * first * np.sin(omega[0]) - rates[1] * second * np.sin(omega[1]),
        }

    return FieldSetting(
        LagrangianDensity(mu * w.diff(t) ** 2 / 2 - stiffness * w.diff(x, 2) ** 2 / 2),
        {mu: 1.0, stiffness: 0.5},
        {x: (0.0, 2 * np.pi, 48)},
        exact=exact,
    )


MODEL = FieldModel(
    name="beam",
    title="Euler-Bernoulli beam: bending waves, of fourth order in space",
    source="Landau, Lifshitz, Theory of Elasticity, 3rd ed., section 25",
    build=build,
    t_span=(0.0, 10.0),
    dt=0.01,
)
