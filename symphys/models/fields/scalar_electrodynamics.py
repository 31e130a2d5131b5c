"""A charged field with its electric field on a ring, in temporal gauge; c = hbar = 1."""

import numpy as np
from sympy import conjugate

from symphys.language import complex_field, parameters, spacetime, vector_field
from symphys.models.fields.field_model import FieldModel, FieldSetting, Points, State, Values
from symphys.systems import LagrangianDensity


def build() -> FieldSetting:
    """L = |D_t phi|^2 - |D_x phi|^2 - m^2 |phi|^2 + E^2 / 2, D_x = d_x - i q A1, E = -A0_x - A1_t, and then A0 = 0.

    Charges of either sign are pulled apart by the potential and screen it.  Gauss's law E_x = q rho holds at the start,
    where there is neither field nor charge, and must be kept everywhere.
    """
    t, x = spacetime("t x")
    phi = complex_field("phi", (t, x))
    potential, a = vector_field("A", (t, x))
    m, q = parameters("m q", positive=True)
    bar = conjugate(phi)
    light = LagrangianDensity((potential.diff(x) + a.diff(t)) ** 2 / 2)
    matter = LagrangianDensity(bar.diff(t) * phi.diff(t) - bar.diff(x) * phi.diff(x) - m**2 * bar * phi)

    def start(points: Points, values: Values) -> State:  # noqa: ARG001 - the same for all parameters
        shape = np.exp(np.cos(points[x]))
        return {
            phi: shape + 0j,
            phi.diff(t): np.zeros_like(shape) + 0j,
            a: np.sin(2 * points[x]),
            a.diff(t): np.zeros_like(shape),
        }

    return FieldSetting(
        (matter.minimal_coupling((potential, a), charge=q) + light).gauge_fixed({potential: 0}),
        {m: 1.0, q: 0.5},
        {x: (0.0, 2 * np.pi, 96)},
        start=start,
    )


MODEL = FieldModel(
    name="scalar_electrodynamics",
    title="scalar electrodynamics on a ring: charges and the field that they make",
    source="Itzykson, Zuber, Quantum Field Theory, section 1-2 and 6-1; Peskin, Schroeder, problem 9.1",
    build=build,
    t_span=(0.0, 10.0),
    dt=0.01,
)
