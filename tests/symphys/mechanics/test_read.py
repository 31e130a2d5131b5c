"""What users get wrong is refused with the offending thing and the remedy in the message."""

import pytest
import sympy
from sympy.physics.mechanics import dynamicsymbols

import symphys as ph
from symphys.errors import DegenerateLagrangianError, InputError
from symphys.language import canonical, coordinates, ddot, dot, input_signal, parameters, t
from symphys.mechanics.action import read_action
from symphys.mechanics.derive_lagrangian import derive_lagrangian_dynamics
from symphys.mechanics.phase_space import read_flow, read_hamiltonian

x, y, x2, x10 = coordinates("x y x2 x10")
q, p = canonical("q p")
m, k = parameters("m k", positive=True)
u = input_signal("u")
KINETIC = m * dot(x) ** 2 / 2


def read(expression, coordinates=None, dissipation=0, forces=None):
    return read_action(expression, coordinates, dissipation, forces)


def test_coordinates_and_parameters_are_found_and_sorted_with_numbers_as_numbers():
    l2, l10 = sympy.symbols("l2 l10")
    action = read(l10 * dot(x10) ** 2 + l2 * dot(x2) ** 2 + x10 * x2 * sympy.sin(k * t) + u * x2)
    assert action.coordinates == (x2, x10)
    assert action.parameters == (k, l2, l10)
    assert action.inputs == (u,)


def test_expressions_of_sympy_mechanics_are_read_as_they_are():
    q1, q2 = dynamicsymbols("q1 q2")
    f = sympy.Function("f")(dynamicsymbols._t)
    assert read(q1.diff(t) ** 2 + q2.diff() * q1 + f.diff(t) ** 2).coordinates == (f, q1, q2)


def test_given_coordinates_leave_the_other_functions_to_be_inputs():
    action = read(KINETIC - k * (x - y) ** 2, coordinates=[x])
    assert action.coordinates == (x,)
    assert action.inputs == (y,)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: read("x"), r"must be a SymPy expression, but 'x' is of type str"),
        (lambda: read(sympy.Matrix([x])), r"matrix of shape \(1, 1\)"),
        (lambda: read(sympy.Eq(x, 1)), "must be one scalar SymPy expression"),
        (lambda: read(KINETIC * sympy.nan), "not finite: it holds nan"),
        (lambda: read(KINETIC + sympy.I * x), "holds the imaginary unit"),
        (lambda: read(m * k), "no coordinate and no velocity"),
        (lambda: read(3), "no coordinate and no velocity"),
        (lambda: read(-(x**2)), r"no velocity in the Lagrangian .* coordinates x\(t\)"),
        (lambda: read(KINETIC + sympy.Symbol("t", real=True)), "is not the time, although it has its name"),
        (lambda: read(KINETIC + sympy.Function("x")(t - 1)), "not delayed or scaled"),
        (lambda: read(KINETIC + sympy.Function("f")(sympy.Symbol("t", real=True))), "called 't' that is not the time"),
        (lambda: read(KINETIC + dynamicsymbols("x")), "both called x"),
        (lambda: read(KINETIC + sympy.Symbol("m")), "both called m"),
        (lambda: read(KINETIC + sympy.Symbol("z", imaginary=True)), "z .* assumed not to be real"),
        (lambda: read(KINETIC + sympy.IndexedBase("a")[1]), r"a\[1\] .* element of an array"),
        (lambda: read(KINETIC, coordinates=[y]), r"y\(t\) does not occur in the Lagrangian, which has x\(t\)"),
        (lambda: read(KINETIC, coordinates=[x, x]), r"x\(t\) stands twice"),
        (lambda: read(KINETIC, coordinates=[dot(x)]), r"is a velocity; give the coordinate x\(t\)"),
        (lambda: read(KINETIC, coordinates=[m]), "m is no coordinate"),
        (lambda: read(KINETIC, coordinates="x"), "sequence of functions of time"),
        (lambda: read(KINETIC + u, coordinates=[x, u]), "input signal and cannot be a coordinate"),
        (lambda: read(KINETIC, forces={y: 1}), r"force was given on y\(t\), which is no coordinate: these are x\(t\)"),
        (lambda: read(KINETIC, forces={dot(x): 1}), r"under the coordinate itself"),
        (lambda: read(KINETIC, forces=[1]), "forces must be a mapping"),
        (lambda: read(KINETIC, forces={x: "1"}), r"force on x\(t\) must be a SymPy expression"),
        (lambda: read(KINETIC, forces={x: y}), r"make it by input_signal\('y'\)"),
        (lambda: read(KINETIC, forces={x: ddot(x)}), "derivative of order 2"),
        (lambda: read(KINETIC, dissipation=dot(y) ** 2), r"y\(t\) in the friction or forces is no coordinate"),
        (lambda: read_hamiltonian(p**2, {q: p, p: q}, None, None), r"stands in the canonical pairs twice"),
        (lambda: read_hamiltonian(p**2, {}, None, None), "at least one canonical pair"),
        (lambda: read_hamiltonian(p**2, q, None, None), "must map each coordinate to its momentum"),
        (lambda: read_hamiltonian(p**2, {m: p}, None, None), "must be a function of time"),
        (lambda: read_hamiltonian(p**2, {q: dot(q)}, None, None), "cannot be a member of a canonical pair"),
        (lambda: read_hamiltonian(m * k, {q: p}, None, None), "depends on none of its coordinates"),
        (lambda: read_hamiltonian(p**2 + x, {q: p}, None, None), r"x\(t\) in the Hamiltonian is none of its variables"),
        (lambda: read_hamiltonian(p**2 + dot(q), {q: p}, None, None), r"A derivative of q\(t\) stands in"),
        (lambda: read_hamiltonian(p**2, {q: p}, {p: -k}, None), r"dissipation -k of p\(t\) is negative"),
        (lambda: read_hamiltonian(p**2, {q: p}, {x: k}, None), r"dissipation was given for x\(t\)"),
        (lambda: read_hamiltonian(p**2, {q: p}, None, {x: k}), r"inputs was given for x\(t\)"),
        (lambda: read_flow({}), "at least one variable"),
        (lambda: read_flow({m: 1}), "cannot be a variable of the vector field"),
        (lambda: read_flow({x: dot(x)}), r"A derivative of x\(t\)"),
        (lambda: read_flow({x: sympy.oo}), "not finite"),
    ],
)
def test_mistakes_are_refused_by_name(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(
    ("lagrangian", "message"),
    [
        ((dot(x) + dot(y)) ** 2 / 2, r"d x = 1, d y = -1"),
        ((dot(x) + k * dot(y)) ** 2 / 2, r"\bx\b.*\by\b"),
        (dot(x) ** 2 / 2 + x * y, r"no rate of y occurs.*input_signal\('y'\)"),
        (x * dot(x), "no rate of x"),
        (x * dot(y) + q * dot(y) - x**2 - q**2, r"\bq\b.*\bx\b"),
    ],
)
def test_degenerate_lagrangians_are_refused_with_their_null_direction(lagrangian, message):
    action = read(lagrangian)
    with pytest.raises(DegenerateLagrangianError, match=message):
        derive_lagrangian_dynamics(action)


def test_what_is_nearly_a_lagrangian_is_told_what_is_missing() -> None:
    q = ph.coordinates("q")
    v = sympy.Matrix([ph.dot(q)])
    with pytest.raises(ph.InputError, match=r"a matrix of shape \(1, 1\) was given; take its entry, \(\.\.\.\)\[0\]"):
        ph.Lagrangian(v.T * v / 2)
    masses = sympy.IndexedBase("m")
    with pytest.raises(
        ph.InputError, match=r"m\[0\] .* is an element of an array; make the array by parameter_array\('m'"
    ):
        ph.Lagrangian(masses[0] * ph.dot(q) ** 2 / 2)
    unknown = ph.Lagrangian(ph.dot(q) ** 2 / 2 - sympy.Function("V")(q))
    with pytest.raises(ph.UnsupportedError, match=r"V\(q\) is undefined: substitute an expression for it"):
        unknown.compile()
