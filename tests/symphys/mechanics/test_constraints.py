"""Holonomic constraints derived: equations with multipliers, what is conserved, what is refused."""

import numpy as np
import pytest
import sympy
from sympy import cos, sin

import symphys as ph
from symphys.errors import DegenerateLagrangianError, InputError, UnsupportedError

x, y, z = ph.coordinates("x y z")
m, g, l, k, w = ph.parameters("m g l k w", positive=True)
vx, vy, vz = ph.dot(x), ph.dot(y), ph.dot(z)
ROD = x**2 + y**2 - l**2
FREE = m * (vx**2 + vy**2) / 2


def names(lagrangian):
    return {law.name for law in lagrangian.conserved}


def test_the_multiplier_stands_on_the_side_of_the_forces():
    rod = ph.Lagrangian(FREE - m * g * y, constraints=[ROD])
    (multiplier,) = rod.multipliers
    first, second = rod.equations
    assert first == sympy.Eq(m * ph.ddot(x), 2 * multiplier * x)
    assert sympy.simplify(second.lhs - second.rhs - (m * ph.ddot(y) + m * g - 2 * multiplier * y)) == 0
    assert rod.constraints == (ROD,)
    assert l in rod.parameters


def test_an_equation_is_its_left_side_less_its_right():
    assert ph.Lagrangian(FREE, constraints=[sympy.Eq(x**2 + y**2, l**2)]).constraints == (ROD,)


def test_accelerations_keep_the_second_derivative_of_each_constraint_zero():
    held = ROD + w * ph.t * x
    rod = ph.Lagrangian(FREE - m * g * y, constraints=[held])
    second = held.diff(ph.t, 2).subs(rod.accelerations)
    assert sympy.simplify(second) == 0


def test_multipliers_have_names_of_their_own():
    taken = sympy.Symbol("lambda_1", positive=True)
    rod = ph.Lagrangian(FREE - taken * y, constraints=[ROD])
    assert not set(rod.multipliers) & set(rod.parameters)
    assert {s.name for s in rod.multipliers}.isdisjoint({s.name for s in rod.parameters})


def test_a_coordinate_without_mass_moves_where_a_constraint_takes_it():
    """x carries the mass, y the spring, x - y = 0 joins them: m x'' = -k y."""
    joined = ph.Lagrangian(m * vx**2 / 2 - k * y**2 / 2, constraints=[x - y])
    assert sympy.simplify(joined.accelerations[ph.ddot(x)] + k * y / m) == 0
    assert sympy.simplify(joined.accelerations[ph.ddot(y)] + k * y / m) == 0
    assert "energy" in names(joined)


def test_only_laws_that_the_constraint_forces_leave_alone_are_kept():
    assert names(ph.Lagrangian(FREE - m * g * y, constraints=[ROD])) == {"energy"}
    assert names(ph.Lagrangian(FREE, constraints=[ROD])) == {"energy", "angular momentum z"}
    driven = ph.Lagrangian(FREE, constraints=[y - x * sympy.tan(w * ph.t)])
    assert "energy" not in names(driven)


def test_two_masses_on_a_rod_keep_their_momentum():
    a, b = ph.coordinates("a b")
    kinetic = m * (vx**2 + vy**2 + ph.dot(a) ** 2 + ph.dot(b) ** 2) / 2
    dumbbell = ph.Lagrangian(kinetic, constraints=[(x - a) ** 2 + (y - b) ** 2 - l**2])
    laws = [law.expression for law in dumbbell.conserved]
    total = m * (vx + ph.dot(a))
    assert "energy" in names(dumbbell)
    assert any(sympy.simplify(law / total).is_number for law in laws)
    assert not any(sympy.simplify(law / (m * vx)).is_number for law in laws)


@pytest.mark.parametrize(
    ("constraints", "error", "message"),
    [
        ([vx**2 - vy**2], UnsupportedError, "not linear in the velocities"),
        ([vx / vy - x], UnsupportedError, "multiply out quotients"),
        ([ph.ddot(x) - y], UnsupportedError, "derivative of order 2"),
        ([x > 0], InputError, "no equation"),
        ([l - 1], InputError, "holds no coordinate"),
        ([x, x + y**2], InputError, r"redundant, but do not follow .*y\(t\)\*\*2 = 0 adds no direction"),
        ([x - l, x - 2 * l], InputError, r"contradict each other: -2\*l \+ x\(t\) = 0 holds nowhere where -l"),
        ([vx, 2 * vx - l], InputError, "contradict each other"),
        ([x**2], InputError, "simple root"),
        (x - y, InputError, "must be a sequence"),
    ],
)
def test_what_cannot_hold_a_system_is_refused(constraints, error, message):
    with pytest.raises(error, match=message):
        _ = ph.Lagrangian(FREE, constraints=constraints).dynamics


@pytest.mark.parametrize(
    ("constraints", "dropped"),
    [
        ([ROD, (x**2 + y**2) ** 2 - l**4], 1),
        ([x, y, x + y], 2),
        ([x * vx + y * vy, ROD], 0),
        ([vx - w * y, sympy.Eq(2 * vx, 2 * w * y)], 1),
        ([x - w * ph.t, vx - w], 1),
    ],
)
def test_what_follows_from_the_others_is_set_aside(constraints, dropped):
    system = ph.Lagrangian(FREE, constraints=constraints)
    dynamics = system.dynamics
    assert dynamics.idle == (system.multipliers[dropped],)
    assert len(system.multipliers) == len(constraints) == len(dynamics.constraints) + 1


def test_a_direction_without_mass_that_no_constraint_holds_is_degenerate():
    with pytest.raises(DegenerateLagrangianError, match="together with its constraints"):
        _ = ph.Lagrangian(m * vx**2 / 2 - k * (y**2 + z**2), constraints=[x - 2 * y]).dynamics


def test_there_is_no_hamiltonian_in_tied_coordinates():
    with pytest.raises(UnsupportedError, match="constraints tie together"):
        _ = ph.Lagrangian(FREE, constraints=[ROD]).hamiltonian


def test_multipliers_are_evaluated_with_the_sign_of_the_equations():
    """At the angle a the rod pulls with T = m (v^2 / l + g cos a): 2 lambda r = -T, whatever the direction."""
    rod = ph.Lagrangian(FREE - m * g * y, constraints=[ROD])
    angle, speed = np.linspace(-2.0, 2.0, 9), 1.5
    state = {x: 2 * np.sin(angle), y: -2 * np.cos(angle), vx: speed * np.cos(angle), vy: speed * np.sin(angle)}
    values = rod.evaluate(rod.multipliers[0], state, {m: 0.7, g: 9.81, l: 2.0}, backend="reference")
    tension = 0.7 * (speed**2 / 2.0 + 9.81 * np.cos(angle))
    np.testing.assert_allclose(-2 * values * 2.0, tension, rtol=1e-13, atol=1e-13)


def test_an_angle_that_stands_in_the_constraints_alone_is_a_coordinate():
    """Positions tied to an angle in place of a substitution: the angle moves as a pendulum does."""
    a = ph.coordinates("a")
    tied = ph.Lagrangian(FREE - m * g * y, constraints=[x - l * sin(a), y + l * cos(a)])
    assert tied.coordinates == (a, x, y)
    assert sympy.simplify(tied.accelerations[ph.ddot(a)] + g * sin(a) / l) == 0
    assert "energy" in names(tied)
