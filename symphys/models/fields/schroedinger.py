"""A particle in a harmonic trap: the coherent state; any units with hbar, m, omega given."""

import numpy as np
from sympy import I, conjugate

from symphys.language import complex_field, parameters, spacetime
from symphys.models.fields.field_model import FieldModel, FieldSetting, Points, State, Values
from symphys.systems import LagrangianDensity

AMPLITUDE = 2.0


def build() -> FieldSetting:
    """L = i hbar (psi* psi_t - c.c.) / 2 - hbar^2 |psi_x|^2 / 2m - m omega^2 x^2 |psi|^2 / 2.

    A Gaussian swings without change of shape about the path q, p of a classical particle.
    """
    t, x = spacetime("t x")
    psi = complex_field("psi", (t, x))
    hbar, m, omega = parameters("hbar m omega", positive=True)
    bar = conjugate(psi)

    def exact(time: float, points: Points, values: Values) -> State:
        h, mass, w = values[hbar], values[m], values[omega]
        q, p = AMPLITUDE * np.cos(w * time), -mass * w * AMPLITUDE * np.sin(w * time)
        envelope = -mass * w / (2 * h) * (points[x] - q) ** 2
        phase = p * points[x] / h - w * time / 2 - p * q / (2 * h)
        return {psi: (mass * w / (np.pi * h)) ** 0.25 * np.exp(envelope + 1j * phase)}

    return FieldSetting(
        LagrangianDensity(
            I * hbar / 2 * (bar * psi.diff(t) - psi * bar.diff(t))
            - hbar**2 / (2 * m) * bar.diff(x) * psi.diff(x)
            - m * omega**2 * x**2 / 2 * bar * psi
        ),
        {hbar: 1.0, m: 1.0, omega: 1.0},
        {x: (-10.0, 10.0, 128)},
        exact=exact,
    )


MODEL = FieldModel(
    name="schroedinger",
    title="Schroedinger field: a coherent state in a harmonic trap",
    source="Cohen-Tannoudji, Diu, Laloe, Quantum Mechanics, complement GV",
    build=build,
    t_span=(0.0, 2 * np.pi),
    dt=2 * np.pi / 2000,
)
