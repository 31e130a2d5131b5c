"""N bosons in a trap that pull each other by springs, in the mean field; hbar = m = 1."""

import numpy as np
from sympy import I, conjugate

from symphys.language import complex_field, convolution, parameters, spacetime
from symphys.models.fields.field_model import FieldModel, FieldSetting, Points, State, Values
from symphys.systems import LagrangianDensity

AMPLITUDE = 1.5


def build() -> FieldSetting:
    """L = i (psi* psi_t - c.c.) / 2 - |psi_x|^2 / 2 - omega^2 x^2 |psi|^2 / 2 - (N - 1) |psi|^2 (V * |psi|^2) / 2.

    With V = k (x - x')^2 / 2 the mean field of a Gaussian is a harmonic well about its centre, so that a Gaussian as
    narrow as the frequency Omega = (omega^2 + (N - 1) k)^(1/2) demands swings with the frequency omega (Kohn's
    theorem).
    """
    t, x = spacetime("t x")
    psi = complex_field("psi", (t, x))
    number, omega, k = parameters("N omega k", positive=True)
    bar = conjugate(psi)
    n = bar * psi
    mean = convolution(lambda dx: k * dx**2 / 2, n, over=(x,))

    def exact(time: float, points: Points, values: Values) -> State:
        w, pull = values[omega], (values[number] - 1) * values[k]
        narrow = np.sqrt(w**2 + pull)
        q, p = AMPLITUDE * np.cos(w * time), -w * AMPLITUDE * np.sin(w * time)
        # the spread 1 / (2 Omega) of the others adds a constant to the mean field
        energy = narrow / 2 + pull / (4 * narrow)
        phase = p * points[x] - p * q / 2 - energy * time
        return {psi: (narrow / np.pi) ** 0.25 * np.exp(-narrow / 2 * (points[x] - q) ** 2 + 1j * phase)}

    return FieldSetting(
        LagrangianDensity(
            I / 2 * (bar * psi.diff(t) - psi * bar.diff(t))
            - bar.diff(x) * psi.diff(x) / 2
            - omega**2 * x**2 / 2 * n
            - (number - 1) / 2 * n * mean
        ),
        {number: 11.0, omega: 1.0, k: 0.1},
        {x: (-10.0, 10.0, 128)},
        exact=exact,
    )


MODEL = FieldModel(
    name="hartree",
    title="time-dependent Hartree field: bosons on springs, and Kohn's theorem",
    source="Kohn, Phys. Rev. 123 (1961) 1242; Hartree, Proc. Camb. Phil. Soc. 24 (1928) 89",
    build=build,
    t_span=(0.0, 2 * np.pi),
    dt=2 * np.pi / 2000,
)
