"""A bead on a hoop of radius R that turns about its vertical diameter at the rate Omega; theta from below; SI units."""

from sympy import cos, sin

from symphys.language import coordinates, dot, parameters
from symphys.models.model import Model, Setting
from symphys.systems import Lagrangian


def build() -> Setting:
    """L = m R^2 (theta'^2 + Omega^2 sin^2 theta) / 2 + m g R cos theta.

    Below Omega^2 = g / R the bead rests at the bottom; above, at cos theta = g / (R Omega^2): a pitchfork.  What is
    conserved is Jacobi's integral, the energy in the turning frame.
    """
    theta = coordinates("theta")
    m, R, g = parameters("m R g", positive=True)
    W = parameters("Omega")
    return Setting(
        Lagrangian(m * R**2 * (dot(theta) ** 2 + W**2 * sin(theta) ** 2) / 2 + m * g * R * cos(theta)),
        {m: 1.0, R: 1.0, g: 9.81, W: 4.0},
        {theta: 0.1, dot(theta): 0.0},
        positions=((R * sin(theta), -R * cos(theta)),),  # in the plane of the hoop
    )


MODEL = Model(
    name="rotating_hoop",
    title="bead on a turning hoop: a pitchfork bifurcation",
    source="Goldstein, Classical Mechanics, 3rd ed., chapter 2, exercise 18; Strogatz, Nonlinear Dynamics, section 3.5",
    build=build,
    t_span=(0.0, 20.0),
    dt=0.01,
)
