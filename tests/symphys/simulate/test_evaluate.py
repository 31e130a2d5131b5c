"""Expressions of a system on arrays, accelerations included, the same on every backend; what simulators tell."""

import ast

import numpy as np
import pytest
import sympy
from sympy import cos, sin

import symphys as ph
from symphys.integrators import METHODS, External
from tests.gpu import ALL

a, b = ph.coordinates("a b")
va, vb = ph.dot(a), ph.dot(b)
m, g = ph.parameters("m g", positive=True)
u = ph.input_signal("u")
DOUBLE = ph.Lagrangian(m * va**2 + vb**2 / 2 + va * vb * cos(a - b) + 2 * g * cos(a) + g * cos(b))
POINTS = {a: np.linspace(-2.0, 2.0, 37), b: 0.3, va: np.linspace(1.0, -1.0, 37), vb: 0.7}
VALUES = {m: 1.5, g: 9.81}


def by_hand() -> np.ndarray:
    """M a = F with NumPy, from the pendulum's equations on paper."""
    q1, q2, v1, v2 = np.broadcast_arrays(*(POINTS[s] for s in (a, b, va, vb)))
    off, turn = np.cos(q1 - q2), np.sin(q1 - q2)
    mass = np.array([[3.0 + 0 * off, off], [off, 1.0 + 0 * off]])
    force = np.array([-(v2**2) * turn - 2 * 9.81 * np.sin(q1), v1**2 * turn - 9.81 * np.sin(q2)])
    return np.linalg.solve(np.moveaxis(mass, -1, 0), np.moveaxis(force, -1, 0)[..., None])[..., 0].T


@pytest.mark.parametrize("backend", ALL)
def test_accelerations_follow_from_the_equations(backend: str) -> None:
    found = DOUBLE.evaluate([ph.ddot(a), ph.ddot(b)], POINTS, VALUES, backend=backend)
    assert found.shape == (2, 37)
    assert found == pytest.approx(by_hand(), rel=1e-12, abs=1e-12)


def test_shapes_broadcast_as_numpy_has_them() -> None:
    grid = DOUBLE.evaluate(a * b + m, {a: np.arange(3.0)[:, None], b: np.arange(4.0)}, {m: 2.0})
    assert (grid == np.arange(3.0)[:, None] * np.arange(4.0) + 2.0).all()
    number = DOUBLE.evaluate(a + ph.t, {a: 1.5}, t=0.25)
    assert number.shape == ()
    assert number == 1.75
    assert DOUBLE.evaluate([a, 2 * a], {a: 1.0}).tolist() == [1.0, 2.0]
    assert DOUBLE.evaluate([a], {a: [1.0, 2.0]}).shape == (1, 2)
    assert DOUBLE.evaluate(sympy.Matrix([a, b]), {a: 1.0, b: [2.0, 3.0]}).tolist() == [[1.0, 1.0], [2.0, 3.0]]
    assert DOUBLE.evaluate(7, {}).tolist() == 7.0
    assert (DOUBLE.evaluate(ph.t**2, {}, t=np.arange(3.0)) == [0.0, 1.0, 4.0]).all()


def test_energies_along_a_run_are_constant() -> None:
    run = DOUBLE.compile().run({a: 1.0, b: [0.5, -0.5], va: 0.0, vb: 0.0}, VALUES, (0.0, 5.0), rtol=1e-11)
    energy = next(law for law in DOUBLE.conserved if law.name == "energy").expression
    values = DOUBLE.evaluate(energy, {s: run[s] for s in (a, b, va, vb)}, VALUES)
    assert values.shape == run[a].shape
    assert (np.isfinite(values) == np.isfinite(run.t)).all()
    assert np.nanmax(np.abs(values - values[:, :1])) < 1e-8 * np.nanmax(np.abs(values))


def test_hamiltonians_and_fields_have_rates() -> None:
    q, p = ph.canonical("q p")
    spring = ph.Hamiltonian(p**2 / 2 / m + q**2 / 2, {q: p})
    assert spring.evaluate([ph.dot(q), ph.dot(p)], {q: 3.0, p: 4.0}, {m: 2.0}).tolist() == [2.0, -3.0]
    field = ph.VectorField({a: a * b + u, b: sin(a)})
    assert field.evaluate(ph.dot(a), {a: 2.0, b: 3.0}, {u: 0.5}) == 6.5


def test_signals_are_values_or_functions_of_time() -> None:
    driven = ph.Lagrangian(va**2 / 2 + u * a)
    assert driven.evaluate(ph.ddot(a), {a: 0.0, va: 0.0}, {u: [1.0, 2.0]}).tolist() == [1.0, 2.0]
    assert driven.evaluate(ph.ddot(a), {a: 0.0, va: 0.0}, {u: np.cos}, t=[0.0, np.pi]).tolist() == [1.0, -1.0]
    with pytest.raises(ph.InputError, match=r"u.* is given as samples"):
        driven.evaluate(ph.ddot(a), {a: 0.0, va: 0.0}, {u: ([0.0, 1.0], [0.0, 1.0])})


def test_what_evaluate_refuses() -> None:
    z = ph.symbol("z")
    for arguments, message in (
        ((a + m, {a: 1.0}), "value missing for m"),
        ((a + b, {a: 1.0}), "value missing for b;"),
        ((ph.ddot(a), {a: 1.0, b: 1.0, va: 0.0}, VALUES), "value missing for b_dot;"),
        ((a, {a: 1.0, z: 1.0}), "z is no symbol of this system"),
        ((a + z, {a: 1.0}), "z, which the system does not have"),
        ((m, {}, {m: np.inf}), "not finite"),
        ((m, {}, {m: -1.0}), "declared positive"),
        ((a + b, {a: np.zeros(3), b: np.zeros(4)}), "do not fit each other"),
        (("a + 1", {a: 1.0}), "must be a SymPy expression"),
        (
            (ph.ddot(ph.dot(a)), POINTS, VALUES),
            r"holds Derivative\(a\(t\), \(t, 3\)\), .* time derivatives up to order 2",
        ),
    ):
        with pytest.raises(ph.SymphysError, match=message):
            DOUBLE.evaluate(*arguments)


@pytest.mark.cpu(reason="it is the default")
def test_where_nothing_is_said_the_cpu_runs_in_double_precision() -> None:
    assert "backend: cpu, float64" in DOUBLE.compile().explain()


def test_explain_names_the_methods_and_the_reason() -> None:
    split = ph.Lagrangian(va**2 / 2 - a**4).compile().explain()
    assert "separable" in split
    assert "with dt: srkn6_4, symplectic splitting of order 4" in split
    assert "with rtol: taylor" in split
    coupled = DOUBLE.compile(dtype="float32", backend="reference").explain()
    assert "not separable: here the mass matrix depends on the coordinates" in coupled
    assert "with dt: gauss4, implicit symplectic Gauss collocation of order 4" in coupled
    assert "backend: reference, float32" in coupled
    viscous = ph.Lagrangian(va**2 / 2 - a**4, dissipation=va**2).compile().explain()
    assert "separable but for linear friction" in viscous
    assert "with dt: blanes_moan4" in viscous
    lossy = ph.Lagrangian(va**2 / 2 - a**4, dissipation=va**4).compile().explain()
    assert "not conservative" in lossy
    assert "with dt: rk4" in lossy
    asked = DOUBLE.compile(method="gauss6").explain()
    assert asked.startswith("method 'gauss6' was asked for.")
    assert "with rtol" not in asked
    for name, method in METHODS.items():
        if isinstance(method, External):
            assert "through SciPy" in ph.VectorField({a: -a}).compile(method=name).explain()


@pytest.mark.parametrize("method", ["yoshida4", "gauss4", "rk4", "dop853", "taylor"])
@pytest.mark.parametrize(
    "backend", [pytest.param("cpu", marks=pytest.mark.cpu(reason="its source is Python")), "reference"]
)
def test_the_source_is_readable_python(method: str, backend: str) -> None:
    """It parses, compiles, and names the coordinates and parameters of the system."""
    length, angle = ph.parameters("length", positive=True), ph.coordinates("angle")
    pendulum = ph.Lagrangian(length**2 * ph.dot(angle) ** 2 / 2 + g * length * cos(angle))
    source = pendulum.compile(method=method, backend=backend).source
    tree = ast.parse(source)
    compile(source, "kernel", "exec")
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert {"length", "angle"} <= names
    assert any(isinstance(node, ast.FunctionDef) and node.name == "advance" for node in ast.walk(tree))
    assert "math.sin" in source or "sin(" in source
    assert max(map(len, source.splitlines())) < 400


def test_the_source_can_be_had_for_every_target() -> None:
    assert "define" in DOUBLE.emit("llvm")
    assert "__global__" in DOUBLE.emit("cuda", method="gauss4", dtype="float32")
    assert DOUBLE.emit("reference") == DOUBLE.compile(backend="reference").source == DOUBLE.emit("cpu")
    assert DOUBLE.emit("cpu", adaptive=True) != DOUBLE.emit("cpu")
