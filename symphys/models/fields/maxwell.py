"""The electromagnetic field in a plane, in temporal gauge; c = 1, Heaviside-Lorentz units."""

import numpy as np

from symphys.language import curl, gradient, spacetime, vector_field
from symphys.models.fields.field_model import FieldModel, FieldSetting, Points, State, Values
from symphys.systems import LagrangianDensity

WAVE = (1, 2)


def build() -> FieldSetting:
    """L = (E^2 - B^2) / 2 with E = -grad A0 - A_t, B = curl A and then A0 = 0; a plane wave on a torus, in the plane.

    Gauss's law div E = 0 is a constraint of this gauge: it is kept, since the initial values obey it.
    """
    t, x, y = spacetime("t x y")
    potential, *vector = vector_field("A", (t, x, y))
    electric = [-slope - each.diff(t) for slope, each in zip(gradient(potential), vector, strict=True)]
    light = LagrangianDensity((sum(e**2 for e in electric) - curl(vector) ** 2) / 2)

    def exact(time: float, points: Points, values: Values) -> State:  # noqa: ARG001 - nothing to choose
        k = np.hypot(*WAVE)
        angle = WAVE[0] * points[x] + WAVE[1] * points[y] - k * time
        across = (-WAVE[1] / k, WAVE[0] / k)
        return {
            **{each: part * np.cos(angle) for each, part in zip(vector, across, strict=True)},
            **{each.diff(t): part * k * np.sin(angle) for each, part in zip(vector, across, strict=True)},
        }

    return FieldSetting(
        light.gauge_fixed({potential: 0}),
        {},
        {x: (0.0, 2 * np.pi, 32), y: (0.0, 2 * np.pi, 32)},
        exact=exact,
    )


MODEL = FieldModel(
    name="maxwell",
    title="Maxwell's field in a plane: a wave in temporal gauge",
    source="Landau, Lifshitz, The Classical Theory of Fields, sections 27, 46 and 47",
    build=build,
    t_span=(0.0, 10.0),
    dt=0.02,
)
