"""The outer Solar System: the Sun with the inner planets, Jupiter to Neptune, and Pluto; au, days and solar masses."""

from itertools import combinations
from typing import NamedTuple

from sympy import Add, sqrt

from symphys.language import coordinates, dot, parameters
from symphys.models.model import Model, Setting
from symphys.systems import Lagrangian


class Body(NamedTuple):
    """mass [solar masses], position [au] and velocity [au / day] on 5 September 1994, 0h."""

    name: str
    mass: float
    position: tuple[float, float, float]
    velocity: tuple[float, float, float]


BODIES = (
    Body("sun", 1.00000597682, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
    Body("jupiter", 0.000954786104043, (-3.5023653, -3.8169847, -1.5507963), (0.00565429, -0.00412490, -0.00190589)),
    Body("saturn", 0.000285583733151, (9.0755314, -3.0458353, -1.6483708), (0.00168318, 0.00483525, 0.00192462)),
    Body("uranus", 0.0000437273164546, (8.3101420, -16.2901086, -7.2521278), (0.00354178, 0.00137102, 0.00055029)),
    Body("neptune", 0.0000517759138449, (11.4707666, -25.7294829, -10.8169456), (0.00288930, 0.00114527, 0.00039677)),
    Body("pluto", 1 / 1.3e8, (-15.5387357, -25.2225594, -3.1902382), (0.00276725, -0.00170702, -0.00136504)),
)
GRAVITY = 2.95912208286e-4  # au^3 / (solar mass day^2)


def build() -> Setting:
    """L = sum_i m_i v_i^2 / 2 + sum_{i<j} G m_i m_j / |r_i - r_j|, with the centre of mass at rest at the origin."""
    names = [body.name for body in BODIES]
    places = [coordinates(f"x_{name} y_{name} z_{name}") for name in names]
    speeds = [tuple(map(dot, place)) for place in places]
    masses, G = [parameters(f"m_{name}", positive=True) for name in names], parameters("G", positive=True)
    kinetic = Add(*(m * v**2 / 2 for m, speed in zip(masses, speeds, strict=True) for v in speed))
    attraction = Add(
        *(
            G * masses[i] * masses[j] / sqrt(Add(*((a - b) ** 2 for a, b in zip(places[i], places[j], strict=True))))
            for i, j in combinations(range(len(names)), 2)
        )
    )
    bodies = list(zip(masses, places, speeds, strict=True))
    turning = {
        f"angular momentum {axis}": Add(*(m * (r[a] * v[b] - r[b] * v[a]) for m, r, v in bodies))
        for axis, a, b in (("x", 1, 2), ("y", 2, 0), ("z", 0, 1))
    }
    drifting = {f"momentum {'xyz'[k]}": Add(*(m * v[k] for m, _, v in bodies)) for k in range(3)}
    return Setting(
        Lagrangian(kinetic + attraction),
        {G: GRAVITY, **{m: body.mass for m, body in zip(masses, BODIES, strict=True)}},
        {
            label: value
            for labels, vectors in (
                (places, [body.position for body in BODIES]),
                (speeds, [body.velocity for body in BODIES]),
            )
            for row, values in zip(labels, centred(vectors), strict=True)
            for label, value in zip(row, values, strict=True)
        },
        invariants={**turning, **drifting},
        positions=tuple((place[0], place[1]) for place in places),
    )


def centred(vectors: list[tuple[float, float, float]]) -> list[tuple[float, ...]]:
    """Positions or velocities of all bodies, less those of the centre of mass."""
    total = sum(body.mass for body in BODIES)
    centre = [sum(body.mass * v[k] for body, v in zip(BODIES, vectors, strict=True)) / total for k in range(3)]
    return [tuple(x - c for x, c in zip(v, centre, strict=True)) for v in vectors]


MODEL = Model(
    name="outer_solar_system",
    title="the Sun and the five outer planets (as counted in 1994)",
    source="Hairer, Lubich, Wanner, Geometric Numerical Integration, 2nd ed., section I.2.4",
    build=build,
    t_span=(0.0, 200_000.0),
    dt=20.0,
)
