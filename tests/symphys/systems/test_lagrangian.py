"""What a Lagrangian system tells about itself."""

import pytest
import sympy
from sympy import cos, sin

import symphys as ph
from symphys.mechanics.jets import to_jet
from symphys.mechanics.probe import vanishes

theta1, theta2, x, y = ph.coordinates("theta1 theta2 x y")
m, l, g, k, c = ph.parameters("m l g k c", positive=True)
w1, w2 = ph.dot(theta1), ph.dot(theta2)
KINETIC = m * l**2 * (2 * w1**2 + w2**2 + 2 * w1 * w2 * cos(theta1 - theta2)) / 2
POTENTIAL = -m * g * l * (2 * cos(theta1) + cos(theta2))
PENDULUM = ph.Lagrangian(KINETIC - POTENTIAL)


def same(first, second, system=PENDULUM):
    return vanishes([to_jet(first - second, system.action.space)])


def test_what_it_is_made_of():
    assert PENDULUM.coordinates == (theta1, theta2)
    assert PENDULUM.velocities == (w1, w2)
    assert PENDULUM.parameters == (g, l, m)
    assert PENDULUM.signals == ()
    assert PENDULUM.expression == KINETIC - POTENTIAL


def test_equations_are_equalities_in_the_order_of_the_coordinates():
    first = (
        2 * m * l**2 * ph.ddot(theta1)
        + m * l**2 * ph.ddot(theta2) * cos(theta1 - theta2)
        + m * l**2 * w2**2 * sin(theta1 - theta2)
        + 2 * m * g * l * sin(theta1)
    )
    assert all(isinstance(equation, sympy.Eq) for equation in PENDULUM.equations)
    assert same(PENDULUM.equations[0].lhs, first)
    assert PENDULUM.equations[0].rhs == 0


def test_mass_matrix_momenta_energy():
    assert PENDULUM.mass_matrix.shape == (2, 2)
    assert same(PENDULUM.mass_matrix[0, 1], m * l**2 * cos(theta1 - theta2))
    assert same(PENDULUM.momenta[theta2], m * l**2 * (w2 + w1 * cos(theta1 - theta2)))
    assert same(PENDULUM.energy, KINETIC + POTENTIAL)
    accelerations = sympy.Matrix([PENDULUM.accelerations[ph.ddot(q)] for q in PENDULUM.coordinates])
    residual = PENDULUM.mass_matrix * accelerations - PENDULUM.forcing
    assert vanishes(to_jet(entry, PENDULUM.action.space) for entry in residual)


def test_friction_and_forces_stand_on_the_right():
    system = ph.Lagrangian(
        m * ph.dot(x) ** 2 / 2 - k * x**2 / 2, dissipation=c * ph.dot(x) ** 2 / 2, forces={x: g * cos(ph.t)}
    )
    (equation,) = system.equations
    assert same(equation.lhs, m * ph.ddot(x) + k * x, system)
    assert same(equation.rhs, g * cos(ph.t) - c * ph.dot(x), system)


def test_the_hamiltonian_has_momenta_of_the_coordinates_names():
    hamiltonian = PENDULUM.hamiltonian
    assert list(hamiltonian.pairs) == [theta1, theta2]
    assert [p.func.__name__ for p in hamiltonian.momenta] == ["p_theta1", "p_theta2"]
    taken = ph.parameters("p_x")
    assert ph.Lagrangian(ph.dot(x) ** 2 / 2 - taken * x).hamiltonian.momenta[0].func.__name__ == "p_x_"


def test_friction_forces_and_inputs_survive_the_transform_there_and_back():
    u = ph.input_signal("u")
    system = ph.Lagrangian(
        m * ph.dot(x) ** 2 / 2 - k * x**2 / 2, dissipation=c * ph.dot(x) ** 2 / 2, forces={x: u + g * cos(ph.t)}
    )
    there = system.hamiltonian
    p = there.pairs[x]
    assert sympy.simplify(there.equations[p].rhs - (u + g * cos(ph.t) - c * p / m - k * x)) == 0
    back = there.lagrangian
    assert same(back.accelerations[ph.ddot(x)], system.accelerations[ph.ddot(x)], system)


def test_friction_that_is_not_viscous_survives_the_transform():
    system = ph.Lagrangian(m * ph.dot(x) ** 2 / 2, dissipation=c * ph.dot(x) ** 4 / 4)
    p = system.hamiltonian.pairs[x]
    assert sympy.simplify(system.hamiltonian.equations[p].rhs + c * (p / m) ** 3) == 0


def test_first_order_lagrangians_are_their_own_phase_space():
    system = ph.Lagrangian(x * ph.dot(y) - x**2 / 2 - k * y**4)
    assert system.hamiltonian.pairs == {y: x}
    assert system.rates[ph.dot(y)] == x
    with pytest.raises(ph.DegenerateLagrangianError, match="fixes velocities"):
        _ = system.accelerations
    scaled = ph.Lagrangian(2 * x * ph.dot(y) - x**2 / 2 - k * y**4)
    with pytest.raises(ph.DegenerateLagrangianError, match="constant factors"):
        _ = scaled.hamiltonian


def test_a_degenerate_lagrangian_can_be_written_but_not_solved():
    system = ph.Lagrangian((w1 + w2) ** 2 / 2)
    assert system.mass_matrix == sympy.ones(2)
    assert len(system.equations) == 2
    for name in ("accelerations", "dynamics", "hamiltonian", "conserved"):
        with pytest.raises(ph.DegenerateLagrangianError, match=r"theta1.*theta2"):
            getattr(system, name)


def test_a_matrix_that_is_regular_where_a_pivot_vanishes_is_solved_there():
    """L = x x'^2 / 2 + x' y' at x = 0: x'' = 0 and y'' = -x'^2 / 2."""
    system = ph.Lagrangian(x * ph.dot(x) ** 2 / 2 + ph.dot(x) * ph.dot(y))
    assert system.accelerations[ph.ddot(x)] == 0
    assert same(system.accelerations[ph.ddot(y)], -(ph.dot(x) ** 2) / 2, system)


def test_higher_derivatives_have_their_mass_matrix_and_forcing():
    """M q'''' = F for L = m q''^2 / 2 - k q'^2 / 2."""
    system = ph.Lagrangian(m * ph.ddot(x) ** 2 / 2 - k * ph.dot(x) ** 2 / 2)
    highest = x.diff(ph.t, 4)
    assert system.mass_matrix[0, 0] == m
    assert same(m * system.accelerations[highest], system.forcing[0], system)
    assert same(system.momenta[x], -k * ph.dot(x) - m * x.diff(ph.t, 3), system)


def test_cyclic_coordinates():
    assert ph.Lagrangian(m * (ph.dot(x) ** 2 + x**2 * w1**2) / 2).cyclic == (theta1,)


def test_what_notebooks_and_terminals_show():
    assert "\\ddot{\\theta}_{1}" in PENDULUM._repr_latex_()
    assert PENDULUM._repr_latex_().startswith("$\\displaystyle")
    assert "theta1''" in str(PENDULUM)
    assert repr(PENDULUM).startswith("Lagrangian(")
    assert "p_{\\theta_{1}}" in PENDULUM.hamiltonian._repr_latex_()
    assert "theta" in sympy.latex(PENDULUM.equations[0])


def test_equal_systems_are_equal_and_hashable():
    again = ph.Lagrangian(KINETIC - POTENTIAL)
    assert again == PENDULUM
    assert len({again, PENDULUM}) == 1
    assert again != ph.Lagrangian(KINETIC)


def test_a_chain_of_pendulums_is_derived_and_shown_without_unfolding_it():
    """Dynamics and text of ten pendulums; the closed form of the accelerations is refused."""
    angles = ph.coordinates("theta1:11")
    position, height, lagrangian = sympy.S.Zero, sympy.S.Zero, sympy.S.Zero
    for angle in angles:
        position, height = position + l * sin(angle), height - l * cos(angle)
        lagrangian += m * (ph.dot(position) ** 2 + ph.dot(height) ** 2) / 2 - m * g * height
    chain = ph.Lagrangian(lagrangian)
    assert chain.coordinates == angles
    assert chain.dynamics.positive
    assert same(chain.mass_matrix[0, 9], m * l**2 * cos(angles[0] - angles[9]), chain)
    assert len(str(chain)) > 100
    with pytest.raises(ph.UnsupportedError, match="dense 10 x 10"):
        _ = chain.accelerations
