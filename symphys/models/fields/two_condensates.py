"""Two condensates that attract each other as themselves (Manakov's case); hbar = m = 1."""

import numpy as np
from sympy import I, conjugate

from symphys.language import complex_field, parameters, spacetime
from symphys.models.fields.field_model import FieldModel, FieldSetting, Points, State, Values
from symphys.systems import LagrangianDensity

SPEED, STEEPNESS, MIXING = 0.5, 1.0, 0.6


def build() -> FieldSetting:
    """L = sum_a i (psi_a* psi_a,t - c.c.) / 2 - |psi_a,x|^2 / 2 - sum_ab g_ab |psi_a|^2 |psi_b|^2 / 2.

    With all g_ab equal, cos(theta) and sin(theta) times one bright soliton is a solution for any angle theta.
    """
    t, x = spacetime("t x")
    psi = complex_field("psi1:3", (t, x))
    g1, g2, g12 = parameters("g1 g2 g12")
    n = [conjugate(each) * each for each in psi]
    free = [
        I / 2 * (conjugate(each) * each.diff(t) - each * conjugate(each).diff(t))
        - conjugate(each).diff(x) * each.diff(x) / 2
        for each in psi
    ]

    def exact(time: float, points: Points, values: Values) -> State:
        envelope = STEEPNESS / np.sqrt(-values[g12]) / np.cosh(STEEPNESS * (points[x] - SPEED * time))
        wave = envelope * np.exp(1j * (SPEED * points[x] + (STEEPNESS**2 - SPEED**2) * time / 2))
        return {psi[0]: np.cos(MIXING) * wave, psi[1]: np.sin(MIXING) * wave}

    return FieldSetting(
        LagrangianDensity(sum(free) - g1 / 2 * n[0] ** 2 - g2 / 2 * n[1] ** 2 - g12 * n[0] * n[1]),
        {g1: -1.0, g2: -1.0, g12: -1.0},
        {x: (-8 * np.pi, 8 * np.pi, 256)},
        exact=exact,
    )


MODEL = FieldModel(
    name="two_condensates",
    title="two Gross-Pitaevskii fields: a vector soliton",
    source="Manakov, JETP 38 (1974) 248; Pitaevskii, Stringari, Bose-Einstein Condensation, section 21.1",
    build=build,
    t_span=(0.0, 10.0),
    dt=0.002,
)
