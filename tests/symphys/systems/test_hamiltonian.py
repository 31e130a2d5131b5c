"""Hamiltonian systems and vector fields: equations, brackets, transforms."""

import pytest
import sympy
from hypothesis import given, settings
from sympy import cos, sin

import symphys as ph
from symphys.mechanics.jets import to_jet
from symphys.mechanics.probe import vanishes
from symphys.verify.strategies import smooth_functions

q, p = ph.canonical("q p")
q1, p1, q2, p2 = ph.canonical("q1 p1 q2 p2")
k, m, c = ph.parameters("k m c", positive=True)
PAIRS = {q1: p1, q2: p2}
HENON = ph.Hamiltonian((p1**2 + p2**2 + q1**2 + q2**2) / 2 + q1**2 * q2 - q2**3 / 3, PAIRS)
functions = smooth_functions((q1, p1, q2, p2), terms=2)


def test_hamiltons_equations():
    assert list(HENON.equations) == [q1, q2, p1, p2]
    assert HENON.equations[q1] == sympy.Eq(ph.dot(q1), p1)
    assert sympy.expand(HENON.equations[p2].rhs - (-q2 - q1**2 + q2**2)) == 0
    assert HENON.dynamics.separable
    assert HENON.dynamics.pairs == ((0, 2), (1, 3))
    assert [law.name for law in HENON.conserved] == ["energy"]


def test_fundamental_brackets():
    assert HENON.bracket(q1, p1) == 1
    assert HENON.bracket(p1, q1) == -1
    assert HENON.bracket(q1, p2) == HENON.bracket(q1, q2) == HENON.bracket(p1, p2) == 0
    assert HENON.bracket(q1, HENON.expression) == p1


@settings(max_examples=5)
@given(functions, functions, functions)
def test_the_bracket_is_a_lie_bracket_and_a_derivation(f, g, h):
    def bracket(a, b):
        return HENON.bracket(a, b)

    jacobi = bracket(f, bracket(g, h)) + bracket(g, bracket(h, f)) + bracket(h, bracket(f, g))
    leibniz = bracket(f, g * h) - bracket(f, g) * h - g * bracket(f, h)
    skew = bracket(f, g) + bracket(g, f)
    assert vanishes(to_jet(each, HENON.system.space) for each in (jacobi, leibniz, skew))


def test_the_bracket_takes_only_what_lives_in_the_phase_space():
    with pytest.raises(ph.InputError, match=r"x\(t\) is no function of time of this system"):
        HENON.bracket(ph.coordinates("x"), p1)


def test_friction_and_input_make_a_port_hamiltonian_system():
    u = ph.input_signal("u")
    port = ph.Hamiltonian(p**2 / 2 + q**2 / 2, {q: p}, dissipation={p: c}, inputs={p: u})
    assert sympy.simplify(port.equations[p].rhs - (-q - c * p + u)) == 0
    assert port.signals == (u,)
    assert not port.dynamics.conservative
    assert not port.dynamics.separable
    assert port.conserved == ()
    assert sympy.simplify(port.lagrangian.accelerations[ph.ddot(q)] - (-q - c * ph.dot(q) + u)) == 0


def test_cyclic_coordinates_and_explicit_time():
    driven = ph.Hamiltonian(p1**2 / (2 * m) + p2**2 / 2 + q1 * cos(ph.t), PAIRS)
    assert [law.name for law in driven.conserved] == ["momentum q2", "Galilean boost q2"]
    assert not driven.dynamics.autonomous
    assert driven.dynamics.separable


def test_legendre_back_gives_the_lagrangian():
    lagrangian = HENON.lagrangian
    expected = (ph.dot(q1) ** 2 + ph.dot(q2) ** 2 - q1**2 - q2**2) / 2 - q1**2 * q2 + q2**3 / 3
    assert sympy.expand(lagrangian.expression - expected) == 0
    with pytest.raises(ph.LegendreTransformError, match="is singular"):
        _ = ph.Hamiltonian(p * q, {q: p}).lagrangian
    with pytest.raises(ph.LegendreTransformError, match=r"acts on q\(t\) itself"):
        _ = ph.Hamiltonian(p**2 / 2, {q: p}, inputs={q: k}).lagrangian


def test_the_vector_field_of_a_hamiltonian_has_no_divergence():
    field = HENON.vector_field
    assert field.variables == (q1, q2, p1, p2)
    assert field.divergence == 0


def test_vector_fields():
    x, y, z = ph.coordinates("x y z")
    sigma, rho, beta = ph.parameters("sigma rho beta", positive=True)
    lorenz = ph.VectorField({x: sigma * (y - x), y: x * (rho - z) - y, z: x * y - beta * z})
    assert lorenz.parameters == (beta, rho, sigma)
    assert sympy.expand(lorenz.divergence + sigma + 1 + beta) == 0
    assert lorenz.jacobian[1, 2] == -x
    assert lorenz.equations[z] == sympy.Eq(ph.dot(z), x * y - beta * z)
    assert lorenz.dynamics.hamiltonian is None
    assert "\\dot{x}" in lorenz._repr_latex_()
    still = ph.VectorField({x: y, y: sympy.S.Zero})
    assert [law.name for law in still.conserved] == ["y", "linear constant"]  # y, and x - t y


def test_what_is_shown():
    pendulum = ph.Hamiltonian(p**2 / (2 * m) - k * cos(q) + 0 * sin(q), {q: p})
    assert "\\dot{q} &= \\frac{p}{m}" in pendulum._repr_latex_()
    assert "p' = -k*sin(q)" in str(pendulum)
    assert repr(pendulum).endswith("{q: p})")
    assert pendulum == ph.Hamiltonian(p**2 / (2 * m) - k * cos(q), {q: p})
    assert hash(pendulum) == hash(ph.Hamiltonian(p**2 / (2 * m) - k * cos(q), {q: p}))
