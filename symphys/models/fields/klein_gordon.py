"""The Klein-Gordon field: phi_tt = phi_xx - m^2 phi; c = hbar = 1."""

import numpy as np

from symphys.language import parameters, scalar_field, spacetime
from symphys.models.fields.field_model import FieldModel, FieldSetting, Points, State, Values
from symphys.systems import LagrangianDensity


def build() -> FieldSetting:
    """L = (phi_t^2 - phi_x^2 - m^2 phi^2) / 2; two waves of different speed on a ring of length 2 pi."""
    t, x = spacetime("t x")
    phi = scalar_field("phi", (t, x))
    m = parameters("m", positive=True)

    def exact(time: float, points: Points, values: Values) -> State:
        waves = ((1.0, 1), (0.5, -3))  # amplitude, wave number; each has the frequency (k^2 + m^2)^(1/2)
        total = {phi: np.zeros(1), phi.diff(t): np.zeros(1)}
        for amplitude, k in waves:
            omega = np.hypot(k, values[m])
            angle = k * points[x] - omega * time
            total[phi] = total[phi] + amplitude * np.cos(angle)
            total[phi.diff(t)] = total[phi.diff(t)] + amplitude * omega * np.sin(angle)
        return total

    return FieldSetting(
        LagrangianDensity((phi.diff(t) ** 2 - phi.diff(x) ** 2 - m**2 * phi**2) / 2),
        {m: 1.0},
        {x: (0.0, 2 * np.pi, 64)},
        exact=exact,
    )


MODEL = FieldModel(
    name="klein_gordon",
    title="Klein-Gordon field: dispersive waves on a ring",
    source="Bjorken, Drell, Relativistic Quantum Fields, section 12.1; Klein, Z. Phys. 37 (1926) 895",
    build=build,
    t_span=(0.0, 10.0),
    dt=0.02,
)
