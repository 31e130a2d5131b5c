"""Normal modes, stability and equilibria against closed forms.

Tolerance: eigenvalues of matrices of a few rows, each entry right to rounding: 1e-12 relative is a hundred times more.
"""

import numpy as np
import pytest
import sympy
from sympy import cos, sin

import symphys as ph
from symphys import models

theta, x, y = ph.coordinates("theta x y")
m, k, g, l, R, W, c = ph.parameters("m k g l R Omega c", positive=True)
dot = ph.dot
PENDULUM = ph.Lagrangian(m * l**2 * dot(theta) ** 2 / 2 + m * g * l * cos(theta))
VALUES = {m: 2.0, g: 9.81, l: 0.5}
HOOP = ph.Lagrangian(m * R**2 * (dot(theta) ** 2 + W**2 * sin(theta) ** 2) / 2 + m * g * R * cos(theta))


def test_modes_of_a_chain_between_walls():
    """omega_j = 2 sqrt(k / m) sin(j pi / (2 (n + 1))), and the modes are sines."""
    model = models.get("spring_chain")
    n = len(model.system.coordinates)
    modes = model.system.normal_modes(dict.fromkeys(model.system.coordinates, 0.0), model.parameters)
    j = np.arange(1, n + 1)
    assert np.allclose(modes.frequencies, 2 * np.sin(j * np.pi / (2 * (n + 1))), rtol=1e-12, atol=0)
    shapes = np.sin(np.outer(j, j) * np.pi / (n + 1)) * np.sqrt(2 / (n + 1))
    assert np.allclose(np.abs(modes.modes.T @ shapes), np.eye(n), atol=1e-12)
    assert modes.stable
    assert not modes.growth_rates.any()


def test_modes_are_mass_normalised():
    """Two unequal pendulums coupled by a heavy rod: M is neither diagonal nor one."""
    kinetic = (3 * dot(x) ** 2 + 2 * dot(x) * dot(y) + 2 * dot(y) ** 2) / 2
    system = ph.Lagrangian(m * kinetic - k * (2 * x**2 - x * y + y**2) / 2)
    values = {m: 1.5, k: 2.0}
    modes = system.normal_modes({x: 0, y: 0}, values)
    mass = np.array(system.mass_matrix.subs(values), dtype=float)
    assert np.allclose(modes.modes.T @ mass @ modes.modes, np.eye(2), atol=1e-12)
    pairs = system.linearise({x: 0, y: 0}, values).eigenvalues
    assert np.allclose(np.sort(np.abs(pairs.imag))[::2], modes.frequencies, rtol=1e-12)


def test_a_pendulum_hangs_and_falls():
    w = np.sqrt(9.81 / 0.5)
    assert PENDULUM.normal_modes({theta: 0}, VALUES).frequencies == pytest.approx([w], rel=1e-12)
    upright = PENDULUM.normal_modes({theta: np.pi}, VALUES)
    assert not upright.stable
    assert upright.frequencies[0] == 0
    assert upright.growth_rates == pytest.approx([w], rel=1e-12)
    assert PENDULUM.linearise({theta: 0}, VALUES).stable
    assert not PENDULUM.linearise({theta: np.pi}, VALUES).stable


def test_friction_shows_in_the_eigenvalues():
    """lambda = -c / 2 m +- i sqrt(k / m - c^2 / 4 m^2)."""
    damped = ph.Lagrangian(m * dot(x) ** 2 / 2 - k * x**2 / 2, dissipation=c * dot(x) ** 2 / 2)
    values = {m: 2.0, k: 5.0, c: 0.6}
    system = damped.linearise({x: 0}, values)
    expected = -0.15 + 1j * np.sqrt(2.5 - 0.15**2)
    assert np.allclose(system.eigenvalues, [expected.conjugate(), expected], rtol=1e-12)
    assert system.stable
    assert system.matrix.tolist() == [[0.0, 1.0], [-2.5, -0.3]]
    with pytest.raises(ph.UnsupportedError, match=r"depend on velocities.*linearise"):
        damped.normal_modes({x: 0}, values)


def test_a_hoop_that_turns_fast_has_a_new_equilibrium():
    """cos theta = g / (R W^2), with omega = W sin theta about it (Strogatz, section 3.5)."""
    values = {m: 1.0, R: 1.0, g: 9.81, W: 4.0}
    place = HOOP.equilibrium({theta: 1.0}, values)
    assert np.cos(place[theta]) == pytest.approx(9.81 / 16, rel=1e-12)
    assert HOOP.normal_modes(place, values).frequencies == pytest.approx([4.0 * np.sin(place[theta])], rel=1e-12)
    assert not HOOP.normal_modes({theta: 0}, values).stable


def test_hamiltonians_and_vector_fields_too():
    q, p = ph.canonical("q p")
    pendulum = ph.Hamiltonian(p**2 / (2 * m * l**2) - m * g * l * cos(q), {q: p})
    found = pendulum.linearise({q: 0, p: 0}, VALUES)
    assert np.allclose(np.abs(found.eigenvalues.imag), np.sqrt(9.81 / 0.5), rtol=1e-12)
    a, b = ph.coordinates("a b")
    hunters = ph.VectorField({a: a * (1 - b), b: b * (a - 1)})
    place = hunters.equilibrium({a: 1.2, b: 0.9})
    assert place == pytest.approx({a: 1.0, b: 1.0}, rel=1e-9)
    assert np.allclose(hunters.linearise({a: 1, b: 1}).eigenvalues, [-1j, 1j], atol=1e-12)
    drift = models.get("guiding_centre")
    about = drift.system.linearise(dict.fromkeys(drift.system.coordinates, 0.0), drift.parameters)
    rate = drift.parameters[sympy.Symbol("mu", positive=True, real=True)] * 0.05
    assert np.allclose(np.abs(about.eigenvalues.imag), rate, rtol=1e-12)  # mu a / q at the centre of the ellipses


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: PENDULUM.normal_modes({theta: 1.0}, VALUES), "no equilibrium: along theta.*force of -8.25"),
        (lambda: PENDULUM.normal_modes({}, VALUES), r"No value was given for theta\(t\)"),
        (lambda: PENDULUM.normal_modes({theta: 0}, {m: 1.0, g: 1.0}), "parameter l"),
        (lambda: PENDULUM.normal_modes({x: 0}, VALUES), r"x\(t\) is no component"),
        (lambda: PENDULUM.linearise({theta: 0, dot(theta): 1.0}, VALUES), "no velocities"),
        (lambda: ph.Lagrangian(dot(x) ** 2 - x * sin(ph.t)).normal_modes({x: 0}), "depends on time"),
        (lambda: ph.Lagrangian(dot(x) ** 2 - sympy.Function("V")(x)).normal_modes({x: 0}), "V is undetermined"),
        (lambda: ph.Lagrangian(dot(x) ** 2 - sympy.sqrt(x)).linearise({x: -1}), "not defined"),
        (lambda: ph.Lagrangian(dot(x) ** 2 - sympy.exp(x)).equilibrium({x: 0}), "No equilibrium was found"),
    ],
)
def test_wrong_input_is_named(act, message):
    with pytest.raises(ph.InputError, match=message):
        act()


@pytest.mark.parametrize(
    "act",
    [
        lambda: ph.Lagrangian(dot(x) ** 2 - dot(y) ** 2 - x**2 - y**2).normal_modes({x: 0, y: 0}),
        lambda: models.get("guiding_centre").system.normal_modes({}, {}),
        lambda: ph.Lagrangian(dot(x) ** 2 + dot(y) ** 2, constraints=[x - y]).normal_modes({x: 0, y: 0}),
    ],
)
def test_what_has_no_normal_modes_is_refused(act):
    with pytest.raises(ph.UnsupportedError):
        act()
