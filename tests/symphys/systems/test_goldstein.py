"""Equations of motion of problems from Goldstein, "Classical Mechanics", 3rd ed., against the book's.

Each problem gives a Lagrangian and the left sides that vanish on shell, compared at random points in 50 digits.
"""

import pytest
import sympy
from sympy import cos, exp, sin, sqrt, tan

import symphys as ph
from symphys.mechanics.jets import to_jet
from symphys.mechanics.probe import vanishes

x, y, z, r, s, theta, phi, psi = ph.coordinates("x y z r s theta phi psi")
theta1, theta2 = ph.coordinates("theta1 theta2")
m, m1, m2, M, g, k, l, a, b = ph.parameters("m m1 m2 M g k l a b", positive=True)
omega, gamma, q, B, I1, I3, alpha = ph.parameters("omega gamma q B I1 I3 alpha", positive=True)
c = ph.parameters("c", positive=True)
t, d, dd = ph.t, ph.dot, ph.ddot
V = sympy.Function("V")


def atwood():
    """Section 1.6, (2): two masses over a pulley."""
    return (m1 + m2) * d(x) ** 2 / 2 + m1 * g * x + m2 * g * (l - x), {x: (m1 + m2) * dd(x) - (m1 - m2) * g}


def bead_on_rotating_wire():
    """Section 1.6, (3): r'' = r omega^2."""
    return m * (d(r) ** 2 + r**2 * omega**2) / 2, {r: m * (dd(r) - r * omega**2)}


def central_force():
    """Section 3.2, eqs. 3.8 and 3.12."""
    lagrangian = m * (d(r) ** 2 + r**2 * d(theta) ** 2) / 2 - V(r)
    return lagrangian, {r: m * dd(r) - m * r * d(theta) ** 2 + V(r).diff(r), theta: (m * r**2 * d(theta)).diff(t)}


def damped_by_exponential():
    """Exercise 2.16: L = exp(gamma t)(m q'^2 - k q^2)/2 is a damped oscillator."""
    return exp(gamma * t) * (m * d(x) ** 2 - k * x**2) / 2, {x: exp(gamma * t) * (m * dd(x) + m * gamma * d(x) + k * x)}


def squared_lagrangian():
    """Exercise 1.20: L = m^2 x'^4 / 12 + m x'^2 V - V^2 has the equation of a particle in V, times 2 (T + V)."""
    potential = k * x**2 / 2
    energy = m * d(x) ** 2 / 2 + potential
    lagrangian = m**2 * d(x) ** 4 / 12 + m * d(x) ** 2 * potential - potential**2
    return lagrangian, {x: 2 * energy * (m * dd(x) + k * x)}


def spherical_pendulum():
    """Exercise 1.19."""
    lagrangian = m * l**2 * (d(theta) ** 2 + sin(theta) ** 2 * d(phi) ** 2) / 2 - m * g * l * cos(theta)
    return lagrangian, {
        theta: m * l**2 * (dd(theta) - sin(theta) * cos(theta) * d(phi) ** 2) - m * g * l * sin(theta),
        phi: (m * l**2 * sin(theta) ** 2 * d(phi)).diff(t),
    }


def double_pendulum():
    """Exercise 1.22, masses and lengths of their own."""
    positions = [(l * sin(theta1), -l * cos(theta1))]
    positions.append((positions[0][0] + a * sin(theta2), positions[0][1] - a * cos(theta2)))
    kinetic = sum(
        mass * (p.diff(t) ** 2 + h.diff(t) ** 2) / 2 for mass, (p, h) in zip((m1, m2), positions, strict=True)
    )
    potential = m1 * g * positions[0][1] + m2 * g * positions[1][1]
    turn = theta1 - theta2
    return kinetic - potential, {
        theta1: (m1 + m2) * l**2 * dd(theta1)
        + m2 * l * a * (cos(turn) * dd(theta2) + sin(turn) * d(theta2) ** 2)
        + (m1 + m2) * g * l * sin(theta1),
        theta2: m2 * a**2 * dd(theta2)
        + m2 * l * a * (cos(turn) * dd(theta1) - sin(turn) * d(theta1) ** 2)
        + m2 * g * a * sin(theta2),
    }


def mass_through_a_hole_in_a_table():
    """Exercise 1.21: m1 on the table at r, m2 hanging below."""
    lagrangian = (m1 + m2) * d(r) ** 2 / 2 + m1 * r**2 * d(theta) ** 2 / 2 - m2 * g * r
    return lagrangian, {
        r: (m1 + m2) * dd(r) - m1 * r * d(theta) ** 2 + m2 * g,
        theta: (m1 * r**2 * d(theta)).diff(t),
    }


def sliding_pivot():
    """A pendulum whose point of support slides along a rail (Landau, Lifshitz, "Mechanics", section 5, problem 2)."""
    bob = (x + l * sin(theta), -l * cos(theta))
    lagrangian = m1 * d(x) ** 2 / 2 + m2 * sum(p.diff(t) ** 2 for p in bob) / 2 - m2 * g * bob[1]
    return lagrangian, {
        theta: m2 * l * (l * dd(theta) + cos(theta) * dd(x)) + m2 * g * l * sin(theta),
        x: (m1 + m2) * dd(x) + m2 * l * (cos(theta) * dd(theta) - sin(theta) * d(theta) ** 2),
    }


def bead_on_rotating_hoop():
    """Exercise 2.18."""
    lagrangian = m * a**2 * (d(theta) ** 2 + omega**2 * sin(theta) ** 2) / 2 + m * g * a * cos(theta)
    return lagrangian, {theta: m * a**2 * (dd(theta) - omega**2 * sin(theta) * cos(theta)) + m * g * a * sin(theta)}


def charge_in_a_magnetic_field():
    """Section 1.5, eq. 1.61: the Lorentz force."""
    lagrangian = m * (d(x) ** 2 + d(y) ** 2 + d(z) ** 2) / 2 + q * B * (x * d(y) - y * d(x)) / 2
    return lagrangian, {x: m * dd(x) - q * B * d(y), y: m * dd(y) + q * B * d(x), z: m * dd(z)}


def heavy_top():
    """Section 5.7."""
    spin = d(psi) + d(phi) * cos(theta)
    lagrangian = I1 * (d(theta) ** 2 + d(phi) ** 2 * sin(theta) ** 2) / 2 + I3 * spin**2 / 2 - m * g * l * cos(theta)
    return lagrangian, {
        phi: (I1 * d(phi) * sin(theta) ** 2 + I3 * spin * cos(theta)).diff(t),
        psi: (I3 * spin).diff(t),
        theta: I1 * (dd(theta) - d(phi) ** 2 * sin(theta) * cos(theta))
        + I3 * spin * d(phi) * sin(theta)
        - m * g * l * sin(theta),
    }


def relativistic_particle():
    """Section 7.9: d/dt (m v / sqrt(1 - v^2/c^2)) = F."""
    gamma_factor = 1 / sqrt(1 - d(x) ** 2 / c**2)
    return -m * c**2 / gamma_factor - k * x, {x: (m * d(x) * gamma_factor).diff(t) + k}


def particle_on_a_cone():
    """On the inside of a cone of half angle alpha about the vertical."""
    lagrangian = m * (d(r) ** 2 / sin(alpha) ** 2 + r**2 * d(phi) ** 2) / 2 - m * g * r / tan(alpha)
    return lagrangian, {
        phi: (m * r**2 * d(phi)).diff(t),
        r: m * dd(r) / sin(alpha) ** 2 - m * r * d(phi) ** 2 + m * g / tan(alpha),
    }


def third_derivatives():
    """Derivation 2.12: L = -m q q'' / 2 - k q^2 / 2 is the harmonic oscillator."""
    return -m * x * dd(x) / 2 - k * x**2 / 2, {x: m * dd(x) + k * x}


PROBLEMS = [
    atwood,
    bead_on_rotating_wire,
    central_force,
    damped_by_exponential,
    squared_lagrangian,
    spherical_pendulum,
    double_pendulum,
    mass_through_a_hole_in_a_table,
    sliding_pivot,
    bead_on_rotating_hoop,
    charge_in_a_magnetic_field,
    heavy_top,
    relativistic_particle,
    particle_on_a_cone,
    third_derivatives,
]


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.__name__)
def test_equations_are_those_of_the_book(problem):
    lagrangian, book = problem()
    system = ph.Lagrangian(lagrangian)
    assert set(system.coordinates) == set(book)
    space = system.action.space
    assert vanishes(
        to_jet(equation.lhs - equation.rhs - book[coordinate], space)
        for coordinate, equation in zip(system.coordinates, system.equations, strict=True)
    )


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.__name__)
def test_accelerations_solve_the_equations(problem):
    system = ph.Lagrangian(problem()[0])
    jets = system.action.space
    solved = {to_jet(key, jets): to_jet(value, jets) for key, value in system.accelerations.items()}
    sides = [to_jet(equation.lhs - equation.rhs, jets) for equation in system.equations]
    assert vanishes(side.xreplace(solved) for side in sides)


@pytest.mark.parametrize(
    ("problem", "names"),
    [
        (central_force, {"energy", "momentum theta"}),
        (heavy_top, {"energy", "momentum phi", "momentum psi"}),
        (sliding_pivot, {"energy", "momentum x"}),
        (damped_by_exponential, {"energy and dilation"}),
        (bead_on_rotating_hoop, {"energy"}),
        (charge_in_a_magnetic_field, {"energy", "momentum z"}),
    ],
)
def test_cyclic_coordinates_and_closed_systems_have_their_constants(problem, names):
    assert {law.name for law in ph.Lagrangian(problem()[0]).conserved} >= names
