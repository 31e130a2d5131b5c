"""A condensate in one dimension; hbar = m = 1."""

import numpy as np
from sympy import I, conjugate

from symphys.language import complex_field, parameters, spacetime
from symphys.models.fields.field_model import FieldModel, FieldSetting, Points, State, Values
from symphys.systems import LagrangianDensity

SPEED, STEEPNESS = 0.5, 1.0


def build() -> FieldSetting:
    """L = i (psi* psi_t - c.c.) / 2 - |psi_x|^2 / 2 - g |psi|^4 / 2; attraction (g < 0) holds a bright soliton
    together.

    psi = eta |g|^(-1/2) sech(eta (x - v t)) exp(i v x + i (eta^2 - v^2) t / 2) with eta = 1 and v = 1/2.
    """
    t, x = spacetime("t x")
    psi = complex_field("psi", (t, x))
    g = parameters("g")
    bar = conjugate(psi)

    def exact(time: float, points: Points, values: Values) -> State:
        envelope = STEEPNESS / np.sqrt(-values[g]) / np.cosh(STEEPNESS * (points[x] - SPEED * time))
        return {psi: envelope * np.exp(1j * (SPEED * points[x] + (STEEPNESS**2 - SPEED**2) * time / 2))}

    return FieldSetting(
        LagrangianDensity(
            I / 2 * (bar * psi.diff(t) - psi * bar.diff(t)) - bar.diff(x) * psi.diff(x) / 2 - g / 2 * (bar * psi) ** 2
        ),
        {g: -1.0},
        {x: (-8 * np.pi, 8 * np.pi, 256)},  # the soliton's phase fits the ring
        exact=exact,
    )


MODEL = FieldModel(
    name="gross_pitaevskii",
    title="Gross-Pitaevskii: a bright soliton",
    source="Pitaevskii, Stringari, Bose-Einstein Condensation; Zakharov, Shabat, JETP 34 (1972) 62",
    build=build,
    t_span=(0.0, 10.0),
    dt=0.002,
)
