"""Splits: the flow of each part told from its structure, and what is said of parts that do not add up or flow."""

import pytest
import sympy

import symphys as ph
from symphys.mechanics.split import Kepler, Linear, Shear, derive_split, flow_names

x, px, y, py, z, pz = ph.canonical("x p_x y p_y z p_z")
m, k, w = ph.parameters("m k w", positive=True)
PAIRS = {x: px, y: py, z: pz}


def parts_of(*split, pairs=PAIRS):
    system = ph.Hamiltonian(sum(split), pairs)
    return derive_split(system.dynamics, system.system.hamiltonian, split)


def kinds(part):
    return [type(component) for component in part.components]


def test_free_motion_and_a_potential_are_shears():
    kinetic, potential = parts_of((px**2 + py**4 + pz**2) / (2 * m), sympy.cos(x - y) + z**4)
    assert kinds(kinetic) == kinds(potential) == [Shear]
    assert kinetic.components[0].moving == (0, 1, 2)
    assert potential.components[0].moving == (3, 4, 5)


def test_cyclic_pairs_are_shears_of_mixed_variables():
    """x p_y^2 moves y and p_x, and depends on neither."""
    mixed, _ = parts_of(x * py**2, px**2 / 2 + pz**2 / 2)
    assert kinds(mixed) == [Shear]
    assert mixed.components[0].moving == (1, 3)


def test_quadratic_parts_fall_into_linear_components():
    """An oscillator beside one that pulls z along: z stands still, and p_z follows x."""
    part, _ = parts_of((px**2 + w**2 * x**2) / 2 + (py**2 + y**2) / 2 + z * x, pz**2 / 2)
    assert kinds(part) == [Linear, Linear]
    assert [c.moving for c in part.components] == [(0, 3, 5), (1, 4)]


def test_what_stands_still_may_stand_in_the_coefficients():
    """z is a constant of p^2 z / 2 + x^2 / z, but p_z follows the energy of x, which is not linear."""
    part, _ = parts_of(px**2 * m / 2 + (1 + m) * x**2, pz**2 / 2 + z**2)
    assert kinds(part) == [Linear]
    with pytest.raises(ph.MethodError, match=r"no known flow for x\(t\), p_x\(t\), p_z\(t\)"):
        parts_of(z * px**2 / 2 + x**2 / z, pz**2 / 2)


def test_a_rotating_frame_and_a_uniform_field_are_linear():
    rotation, field = parts_of(w * (x * py - y * px), pz**2 / (2 * m) + m * z)
    assert [c.moving for c in rotation.components] == [(0, 1), (3, 4)]
    assert kinds(rotation) == [Linear, Linear]
    assert kinds(field) == [Linear]


def test_kepler_is_found_by_its_rates_not_by_its_name():
    r = sympy.sqrt(x**2 + y**2 + z**2)
    kepler, rest = parts_of((px**2 + py**2 + pz**2) / (2 * m) - k * m / r, x**2 * z / r)
    (component,) = kepler.components
    assert isinstance(component, Kepler)
    assert (component.q, component.w) == ((0, 1, 2), (3, 4, 5))
    assert sympy.simplify(component.a - 1 / sympy.Symbol("m", positive=True)) == 0
    assert str(component.k) == "k*m"
    assert kinds(rest) == [Shear]
    assert flow_names(kepler) == "Kepler flow"


def test_kepler_beside_free_motion_in_one_part():
    part, _ = parts_of((px**2 + py**2) / (2 * m) - k / sympy.sqrt(x**2 + y**2) + pz**2 / 2, x * z)
    assert kinds(part) == [Shear, Kepler]
    assert flow_names(part) == "shear and Kepler flow"


def test_the_energy_of_a_lagrangian_is_split_in_velocities():
    """With a mass matrix that couples; a is an eigenvalue of nothing here, so that only shears are left."""
    q1, q2 = ph.coordinates("q1 q2")
    u1, u2 = ph.dot(q1), ph.dot(q2)
    kinetic, potential = m * u1**2 + u1 * u2 + u2**2, q1**4 + q1 * q2
    system = ph.Lagrangian(kinetic - potential)
    sim = system.compile("saba2", split=(kinetic, potential))
    assert "(1: shear; 2: shear)" in sim.explain()


def test_hamiltonian_systems_may_stand_for_their_expressions():
    kinetic, potential = ph.Hamiltonian(px**2 / 2, {x: px}), ph.Hamiltonian(x**4, {x: px})
    whole = ph.Hamiltonian(px**2 / 2 + x**4, {x: px})
    assert "2 parts" in whole.compile("verlet", split=(kinetic, potential)).explain()


def test_rounded_numbers_add_up_and_constants_move_nothing():
    whole = ph.Hamiltonian(0.3 * px**2 + 0.7 * x**4, {x: px})
    whole.compile("verlet", split=(px**2 * (0.1 + 0.2), 0.7 * x**4 + 5))


WHOLE = ph.Hamiltonian(px**2 / 2 + x**4 / 4, {x: px})


@pytest.mark.parametrize(
    ("split", "error", "message"),
    [
        ((px**2 / 2, x**4 / 5), ph.InputError, r"do not add up to the energy: x\(t\)\*\*4/20 is left over; add it"),
        ((px**2 / 2, 0.2500000001 * x**4), ph.InputError, "do not add up"),
        ((px**2 / 2 + x**4 / 4,), ph.InputError, "at least two expressions"),
        (px**2 / 2, ph.InputError, "at least two expressions"),
        ((px**2 / 2 + x**4 / 4, 0), ph.MethodError, r"no known flow for x\(t\), p_x\(t\); known are: .*Kepler"),
        ((px**2 / 2 + w * x, x**4 / 4 - w * x), ph.InputError, "w in the split is no quantity of this system"),
    ],
    ids=["remainder", "small remainder", "one part", "no tuple", "no flow", "strange symbol"],
)  # fmt: skip
def test_wrong_splits_are_refused(split, error, message):
    with pytest.raises(error, match=message):
        WHOLE.compile("saba4", split=split)


def test_systems_without_canonical_variables_are_refused():
    q = ph.coordinates("q")
    v = ph.dot(q)
    with pytest.raises(ph.MethodError, match="a split needs canonical variables"):
        ph.VectorField({x: -x}).compile("verlet", split=(x, x))
    with pytest.raises(ph.MethodError, match="mass matrix is constant"):
        ph.Lagrangian(v**2 * (1 + q**2)).compile("verlet", split=(v**2, v**2 * q**2))
    with pytest.raises(ph.MethodError, match="friction, forces or inputs"):
        ph.Hamiltonian(px**2 / 2 + x**2, {x: px}, dissipation={px: 0.1}).compile("verlet", split=(px**2 / 2, x**2))
    with pytest.raises(ph.MethodError, match="friction, forces or inputs"):
        ph.Lagrangian(v**2 / 2, forces={q: -(q**3)}).compile("verlet", split=(v**2 / 4, v**2 / 4))


def test_methods_that_compose_no_flows_are_refused():
    parts = (px**2 / 2, x**4 / 4)
    with pytest.raises(ph.MethodError, match=r"'rk4' \(explicit Runge-Kutta\) does not compose.*saba4"):
        WHOLE.compile("rk4", split=parts)
    with pytest.raises(ph.MethodError, match=r"'srkn11_6' .*does not compose"):
        WHOLE.compile("srkn11_6", split=parts)
    with pytest.raises(ph.MethodError, match=r"'aba1064' loses its order with 3 parts.*abah1064"):
        WHOLE.compile("aba1064", split=(px**2 / 2, x**4 / 5, x**4 / 20))
