"""The double pendulum: two masses on two rods, both angles from the downward vertical; SI units."""

from sympy import cos, sin

from symphys.language import coordinates, dot, parameters
from symphys.models.model import Model, Setting
from symphys.systems import Lagrangian


def build() -> Setting:
    """L = (m1 + m2) l1^2 w1^2 / 2 + m2 l2^2 w2^2 / 2 + m2 l1 l2 w1 w2 cos(theta1 - theta2) + weight, w = theta'."""
    theta1, theta2 = coordinates("theta1 theta2")
    m1, m2, l1, l2, g = parameters("m1 m2 l1 l2 g", positive=True)
    w1, w2 = dot(theta1), dot(theta2)
    kinetic = (m1 + m2) * l1**2 * w1**2 / 2 + m2 * l2**2 * w2**2 / 2 + m2 * l1 * l2 * w1 * w2 * cos(theta1 - theta2)
    weight = (m1 + m2) * g * l1 * cos(theta1) + m2 * g * l2 * cos(theta2)
    elbow = l1 * sin(theta1), -l1 * cos(theta1)
    return Setting(
        Lagrangian(kinetic + weight),
        {m1: 1.0, m2: 1.0, l1: 1.0, l2: 1.0, g: 9.81},
        {theta1: 2.0, theta2: 1.0, w1: 0.0, w2: 0.5},
        positions=((0, 0), elbow, (elbow[0] + l2 * sin(theta2), elbow[1] - l2 * cos(theta2))),
        joined=True,
    )


MODEL = Model(
    name="double_pendulum",
    title="double pendulum, chaotic at high energies",
    source="Landau, Lifshitz, Mechanics, section 5, problem 1; Shinbrot et al., Am. J. Phys. 60 (1992) 491, "
    "doi:10.1119/1.16860",
    build=build,
    t_span=(0.0, 20.0),
    dt=0.005,
)
