"""A charged scalar field without its electromagnetic field; c = hbar = 1."""

import numpy as np
from sympy import conjugate

from symphys.language import complex_field, parameters, spacetime
from symphys.models.fields.field_model import FieldModel, FieldSetting, Points, State, Values
from symphys.systems import LagrangianDensity

WAVES = ((1.0, 1, 1), (0.5, 2, -1))  # amplitude, wave number, sign of the charge


def build() -> FieldSetting:
    """L = |phi_t|^2 - |phi_x|^2 - m^2 |phi|^2; waves of either charge on a ring of length 2 pi.

    phi = sum a exp(i k x - i s omega t) with omega = (k^2 + m^2)^(1/2); the charge is sum of s 2 omega a^2 times 2 pi.
    """
    t, x = spacetime("t x")
    phi = complex_field("phi", (t, x))
    m = parameters("m", positive=True)
    bar = conjugate(phi)

    def exact(time: float, points: Points, values: Values) -> State:
        total = {phi: np.zeros(1, complex), phi.diff(t): np.zeros(1, complex)}
        for amplitude, k, charge in WAVES:
            omega = charge * np.hypot(k, values[m])
            wave = amplitude * np.exp(1j * (k * points[x] - omega * time))
            total[phi] = total[phi] + wave
            total[phi.diff(t)] = total[phi.diff(t)] - 1j * omega * wave
        return total

    return FieldSetting(
        LagrangianDensity(bar.diff(t) * phi.diff(t) - bar.diff(x) * phi.diff(x) - m**2 * bar * phi),
        {m: 1.0},
        {x: (0.0, 2 * np.pi, 64)},
        exact=exact,
    )


MODEL = FieldModel(
    name="complex_klein_gordon",
    title="complex Klein-Gordon field: waves of either charge",
    source="Pauli, Weisskopf, Helv. Phys. Acta 7 (1934) 709; Bjorken, Drell, Relativistic Quantum Fields, section 12.3",
    build=build,
    t_span=(0.0, 10.0),
    dt=0.02,
)
