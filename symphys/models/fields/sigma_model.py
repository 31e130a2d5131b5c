"""Directions in space that vary from place to place: the O(3) sigma model in stereographic coordinates; c = 1."""

import numpy as np
from sympy import conjugate

from symphys.language import complex_field, spacetime
from symphys.models.fields.field_model import FieldModel, FieldSetting, Points, State, Values
from symphys.systems import LagrangianDensity

HEIGHT, WINDING = 0.7, 2


def build() -> FieldSetting:
    """L = (|w_t|^2 - |w_x|^2) / (1 + |w|^2)^2, w = (n1 + i n2) / (1 + n3) for a unit vector n, so L = (n_t^2 - n_x^2) /
    4.

    A wave w = h exp(i k (x - t)) of any height h, in which n winds about the axis, moves at the speed of light.
    """
    t, x = spacetime("t x")
    w = complex_field("w", (t, x))
    bar = conjugate(w)

    def exact(time: float, points: Points, values: Values) -> State:  # noqa: ARG001 - nothing to choose
        wave = HEIGHT * np.exp(1j * WINDING * (points[x] - time))
        return {w: wave, w.diff(t): -1j * WINDING * wave}

    return FieldSetting(
        LagrangianDensity((bar.diff(t) * w.diff(t) - bar.diff(x) * w.diff(x)) / (1 + bar * w) ** 2),
        {},
        {x: (0.0, 2 * np.pi, 64)},
        exact=exact,
    )


MODEL = FieldModel(
    name="sigma_model",
    title="O(3) sigma model: a wave of directions",
    source="Rajaraman, Solitons and Instantons, section 3.3; Belavin, Polyakov, JETP Lett. 22 (1975) 245",
    build=build,
    t_span=(0.0, 5.0),
    dt=0.01,
)
