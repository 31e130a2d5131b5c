"""Constants of Hamiltonian systems and of plain equations: those of point symmetries, and of second degree."""

import pytest
import sympy
from sympy import Function, exp, sqrt

import symphys as ph
from symphys.mechanics.differentiate import directional
from symphys.mechanics.probe import vanishes

x, px, y, py, z, pz = ph.canonical("x p_x y p_y z p_z")
m, k, w, g = ph.parameters("m k omega g", positive=True)
V = Function("V")
PLANE = (px**2 + py**2) / (2 * m)
SPACE = PLANE + pz**2 / (2 * m)
TURNS = [f"angular momentum {axis}" for axis in "xyz"]
RING = ph.canonical(" ".join(f"q{i} p{i}" for i in range(1, 5)))
Q, P = RING[::2], RING[1::2]
SPRINGS = sympy.Add(*(exp(a - b) for a, b in zip(Q, Q[1:] + Q[:1], strict=True)))

SYSTEMS = {
    "Kepler": (SPACE - k / sqrt(x**2 + y**2 + z**2), ["energy", *TURNS]),
    "a potential that nobody knows": (PLANE + V(sqrt(x**2 + y**2)), ["energy", TURNS[2]]),
    "isotropic oscillator": (PLANE + k * (x**2 + y**2) / 2, ["energy", TURNS[2], "quadratic constant"]),
    "anisotropic oscillator": (PLANE + k * (x**2 + 2 * y**2) / 2, ["energy", "quadratic constant"]),
    "plane wave": (PLANE + V(x - w * ph.t), ["momentum y", "energy and momentum x", "Galilean boost y"]),
    "Toda lattice": (
        sympy.Add(*(p**2 / 2 for p in P)) + SPRINGS,
        ["energy", "momentum of all", "Galilean boost of all"],
    ),
}


def pairs_of(expression):
    chosen = [pair for pair in ((x, px), (y, py), (z, pz), *zip(Q, P, strict=True)) if expression.has(pair[1])]
    return dict(chosen)


def are_constant(system):
    dynamics = system.dynamics
    flow = {**dict(zip(dynamics.state, dynamics.rates, strict=True)), dynamics.time: sympy.S.One}
    return vanishes(directional([law.jet for law in dynamics.conserved], flow))


@pytest.mark.parametrize("name", SYSTEMS)
def test_laws_are_found_and_constant(name):
    expression, names = SYSTEMS[name]
    system = ph.Hamiltonian(expression, pairs_of(expression))
    assert [law.name for law in system.conserved] == names
    assert are_constant(system)


def test_friction_leaves_what_it_leaves():
    system = ph.Hamiltonian(px**2 / (2 * m), {x: px}, dissipation={px: k})
    (law,) = system.conserved
    assert sympy.simplify(law.expression - (px + k * x)) == 0
    assert are_constant(system)


def test_eulers_equations_of_a_free_top_have_two_quadratic_constants():
    """Energy and the square of the angular momentum (Landau, Lifshitz, Mechanics, section 37)."""
    w1, w2, w3 = ph.coordinates("w1 w2 w3")
    I1, I2, I3 = ph.parameters("I1 I2 I3", positive=True)
    system = ph.VectorField({w1: (I2 - I3) / I1 * w2 * w3, w2: (I3 - I1) / I2 * w3 * w1, w3: (I1 - I2) / I3 * w1 * w2})
    assert [law.name for law in system.conserved] == ["quadratic constant", "quadratic constant (2)"]
    assert are_constant(system)
    weights = sympy.symbols("a b")
    for known in (I1 * w1**2 + I2 * w2**2 + I3 * w3**2, I1**2 * w1**2 + I2**2 * w2**2 + I3**2 * w3**2):
        form = sum(c * law.expression for c, law in zip(weights, system.conserved, strict=True)) - known
        equations = [sympy.expand(form).coeff(each, 2) for each in (w1, w2, w3)]
        assert sympy.linsolve(equations, weights) != sympy.EmptySet


def test_chaos_and_driving_have_none():
    a, b, c = ph.coordinates("a b c")
    lorenz = ph.VectorField({a: 10 * (b - a), b: a * (28 - c) - b, c: a * b - sympy.Rational(8, 3) * c})
    assert lorenz.conserved == ()
    driven = ph.Hamiltonian(px**2 / 2 + x**2 / 2, {x: px}, inputs={px: ph.input_signal("u")})
    assert driven.conserved == ()
