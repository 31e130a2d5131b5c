"""What derivations hand to lowering: structure, first-order routes, signals, conserved quantities."""

import pytest
import sympy
from sympy import cos, exp, sin, sqrt

from symphys.language import coordinates, ddot, dot, input_signal, parameters, t
from symphys.mechanics import FirstOrder, SecondOrder, derive_lagrangian_dynamics, read_action
from symphys.mechanics.probe import vanishes

x, y, z, theta, phi = coordinates("x y z theta phi")
m, l, g, k, c, w = parameters("m l g k c w", positive=True)
u = input_signal("u")
V = sympy.Function("V")
vx, vy, vz, w1, w2 = map(dot, (x, y, z, theta, phi))
CARTESIAN = (l * sin(theta), -l * cos(theta))


def derive(expression, **options):
    options = {"coordinates": None, "dissipation": 0, "forces": None, **options}
    return derive_lagrangian_dynamics(read_action(expression, **options))


@pytest.mark.parametrize(
    ("lagrangian", "flags"),
    [
        (m * vx**2 / 2 - k * x**4, "constant_mass diagonal_mass quadratic separable autonomous conservative positive"),
        (
            m * sum(position.diff(t) ** 2 for position in CARTESIAN) / 2 - m * g * CARTESIAN[1],
            "constant_mass diagonal_mass quadratic separable autonomous conservative positive",
        ),
        (
            m * (vx**2 + vy**2) / 2 + k * (x * vy - y * vx),
            "constant_mass diagonal_mass quadratic autonomous conservative positive",
        ),
        (m * (vx**2 + vx * vy + vy**2) / 2, "constant_mass quadratic separable autonomous conservative positive"),
        (x * vx**2 / 2 + vx * vy, "quadratic autonomous conservative"),
        (exp(k * t) * vx**2 / 2, "diagonal_mass quadratic conservative positive"),
        (vx**2 / 2 - x * cos(w * t), "constant_mass diagonal_mass quadratic separable conservative positive"),
        (vx**2 / 2 + u * x, "constant_mass diagonal_mass quadratic separable positive"),
        (-m * c**2 * sqrt(1 - (vx**2 + vy**2) / c**2), "autonomous conservative positive"),
        (vx**2 / 2 - V(x), "constant_mass diagonal_mass quadratic separable autonomous conservative positive"),
    ],
)
def test_structure_is_recognised(lagrangian, flags):
    dynamics = derive(lagrangian)
    assert isinstance(dynamics, SecondOrder)
    names = "constant_mass diagonal_mass quadratic separable autonomous conservative positive".split()
    assert " ".join(name for name in names if getattr(dynamics, name)) == flags


def test_friction_and_forces_enter_forcing_and_gradient_alike():
    free = derive(m * vx**2 / 2 - k * x**2 / 2)
    driven = derive(m * vx**2 / 2 - k * x**2 / 2, dissipation=c * vx**2 / 2, forces={x: g * cos(w * t)})
    v, time = driven.velocities[0], driven.time
    for name in ("forcing", "gradient"):
        (difference,) = (a - b for a, b in zip(getattr(driven, name), getattr(free, name), strict=True))
        assert vanishes([difference - (g * sympy.cos(w * time) - c * v)])
    assert not driven.conservative
    assert not driven.autonomous
    assert driven.conserved == ()


def test_inputs_and_their_derivatives_are_listed():
    driven = derive(m * ((CARTESIAN[0] + u).diff(t) ** 2 + CARTESIAN[1].diff(t) ** 2) / 2 - m * g * CARTESIAN[1])
    assert {written for _, written in driven.signals} >= {u.diff(t, 2)}
    assert not driven.conservative


def test_labels_are_what_users_write():
    dynamics = derive(w1**2 + w2**2 * sin(theta) ** 2)
    assert dynamics.labels == (phi, theta, dot(phi), dot(theta))
    assert [symbol.name for symbol in dynamics.state] == ["phi", "theta", "phi_dot", "theta_dot"]


def test_cyclic_momenta_and_energy_are_found():
    dynamics = derive(m * (dot(x) ** 2 + x**2 * w2**2) / 2 - V(x))
    assert [law.name for law in dynamics.conserved] == ["energy", "momentum phi"]
    assert sympy.simplify(dynamics.conserved[1].expression - m * x**2 * w2) == 0
    forced = derive(m * (vx**2 + vy**2) / 2, forces={y: -(vy**3)})
    assert [law.name for law in forced.conserved] == ["momentum x", "Galilean boost x"]


def test_energy_terms_are_kinetic_and_potential():
    """The drift of an energy is measured against the sizes of its terms, so these must not cancel."""
    (energy,) = derive(m * (vx**2 - g * x) + k * x * vx - k * x**4).conserved
    velocity = sympy.Symbol("x_dot", real=True)
    position = sympy.Symbol("x", real=True)
    assert set(energy.terms) == {m * velocity**2, m * g * position, k * position**4}


def test_canonical_first_order_lagrangians_keep_their_pairs():
    """L = x y' - H: y is the coordinate, x its momentum."""
    dynamics = derive(x * vy - (x**2 / 2 - cos(y)))
    assert isinstance(dynamics, FirstOrder)
    assert dynamics.matrix is None
    assert dynamics.pairs == ((1, 0),)
    assert dynamics.separable
    assert vanishes(
        a - b for a, b in zip(dynamics.rates, (-sympy.sin(dynamics.state[1]), dynamics.state[0]), strict=True)
    )


def test_the_order_of_a_pair_does_not_depend_on_names():
    assert derive(y * vx - (x**2 + y**4)).pairs == ((0, 1),)
    assert derive(-y * vx - (x**2 + y**4)).pairs == ((1, 0),)


def test_guiding_centres_drift_along_level_lines():
    """L = B(x) (x y' - y x') / 2 - V: the energy V is constant, and the drift is grad V / (two-form)."""
    field = 1 + x**2
    dynamics = derive(field * (x * vy - y * vx) / 2 - k * (x**2 + y**2))
    assert dynamics.pairs == ()
    X, Y = dynamics.state
    strength = 1 + 2 * X**2  # d_x(B x / 2) + d_y(B y / 2)
    assert vanishes([dynamics.rates[0] + 2 * k * Y / strength, dynamics.rates[1] - 2 * k * X / strength])
    assert [law.name for law in dynamics.conserved] == ["energy"]


def test_mixed_lagrangians_get_an_implicit_first_order_system():
    """A mass on a guiding centre: x, y of first order, z of second; the energy is constant on shell."""
    dynamics = derive(m * vz**2 / 2 + x * vy * (1 + z) - (x**2 + y**2 + z**2) / 2)
    assert len(dynamics.state) == 4
    assert dynamics.matrix is not None
    (energy,) = dynamics.conserved
    matrix, rates = sympy.Matrix(dynamics.matrix), sympy.Matrix(dynamics.rates)
    gradient = sympy.Matrix([energy.jet.diff(symbol) for symbol in dynamics.state])
    assert sympy.simplify((gradient.T * matrix.LUsolve(rates))[0]) == 0


def test_higher_derivatives_become_a_first_order_system():
    """L = x''^2 / 2 - k x'^2 / 2 (Pais and Uhlenbeck 1950): x'''' + k x'' = 0."""
    dynamics = derive(ddot(x) ** 2 / 2 - k * vx**2 / 2)
    assert dynamics.labels == (x, x.diff(t), x.diff(t, 2), x.diff(t, 3))
    a = dynamics.state[2]
    assert dynamics.rates == (*dynamics.state[1:], -k * a)
    assert [law.name for law in dynamics.conserved] == ["energy", "momentum x", "Galilean boost x"]


def test_a_second_derivative_that_is_a_total_derivative_adds_no_order():
    dynamics = derive(-x * ddot(x) / 2 - k * x**2 / 2)
    assert dynamics.labels == (x, dot(x))
    assert dynamics.rates == (dynamics.state[1], -k * dynamics.state[0])
