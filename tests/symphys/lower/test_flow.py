"""What lowering gives: functions of the user's state, in order, with readable names; kick and drift where they are."""

import numpy as np
import pytest
import sympy
from sympy import cos, sin

import symphys as ph
from codegen import optimise_kernel
from codegen.backends import get_backend
from codegen.interpret import evaluate
from symphys.lower.evaluate import evaluate_kernel
from symphys.lower.flow import arguments_of, lower_canonical, lower_flow
from symphys.lower.rates_kernel import functions_kernel
from symphys.mechanics.jets import to_jet

a, b = ph.coordinates("a b")
m, k = ph.parameters("m k", positive=True)
u = ph.input_signal("u")
PENDULA = ph.Lagrangian(m * ph.dot(a) ** 2 + ph.dot(b) ** 2 / 2 + cos(a - b) * ph.dot(a) * ph.dot(b) + k * cos(a))
CHAIN = ph.Lagrangian(m * ph.dot(a) ** 2 / 2 + ph.dot(b) ** 2 / 2 - k * (a - b) ** 4 / 4 - a**2)


def values(flow, function, state, parameters, t=0.0):
    """Numbers of one function of a flow, on the reference backend."""
    kernel = get_backend("reference").compile(optimise_kernel(functions_kernel(flow, [function], "float64")))
    arrays = {
        "times": np.array([t]),
        "state": np.array(state, dtype=float)[:, None],
        "parameters": np.array(parameters or [0.0], dtype=float)[:, None],
        "values": np.zeros((len(function.results), 1)),
    }
    kernel(arrays, {}, (1,))
    return arrays["values"][:, 0]


def test_rates_solve_the_equations_of_motion() -> None:
    """M a = F with SymPy's own solution, at a point without symmetry; eight operations lose a few units each."""
    flow = lower_flow(PENDULA.dynamics)
    state, parameters = [0.4, -1.1, 0.7, 0.3], [2.0, 1.5]  # a, b, a', b'; k, m by name
    mass, force = PENDULA.mass_matrix, PENDULA.forcing
    point = dict(zip(PENDULA.dynamics.labels, state, strict=True)) | dict(
        zip(PENDULA.parameters, parameters, strict=True)
    )
    velocities_first = sorted(point, key=lambda s: not isinstance(s, sympy.Derivative))
    numbers = [(s, point[s]) for s in velocities_first]
    expected = mass.subs(numbers).inv() * force.subs(numbers)
    found = values(flow, flow.rates, state, parameters)
    assert found[:2] == pytest.approx(state[2:], rel=0)
    assert found[2:] == pytest.approx([float(e) for e in expected], rel=1e-14)


def test_separable_systems_split_and_others_do_not() -> None:
    flow = lower_flow(CHAIN.dynamics)
    assert flow.q == (0, 1)
    assert flow.p == (2, 3)
    state, parameters = [0.4, -1.1, 0.7, 0.3], [1.5, 2.0]
    rates = values(flow, flow.rates, state, parameters)
    assert (values(flow, flow.drift, [9.0, 9.0, 0.7, 0.3], parameters) == rates[:2]).all()  # of velocities alone
    assert (values(flow, flow.kick, [0.4, -1.1, 9.0, 9.0], parameters) == rates[2:]).all()  # of coordinates alone
    assert lower_flow(PENDULA.dynamics).kick is None


def test_watches_give_the_quantity_and_the_size_of_its_terms() -> None:
    flow = lower_flow(CHAIN.dynamics)
    (watch,) = [w for w in flow.watches if w.name == "energy"]
    value, size = values(flow, watch.function, [0.5, -0.5, 1.0, 2.0], [4.0, 3.0])  # k = 4, m = 3
    assert value == pytest.approx(3.0 / 2 + 4.0 / 2 + 4.0 * 1.0 / 4 + 0.25, rel=1e-15)
    assert size >= abs(value)


def test_canonical_variables_go_there_and_back() -> None:
    """p = dL/dv inverted by Newton's method gives v again, also where L is not quadratic in v."""
    fast = ph.Lagrangian(-m * sympy.sqrt(1 - ph.dot(a) ** 2) - k * a**2 / 2)
    for system, state, parameters in ((PENDULA, [0.4, -1.1, 0.7, 0.3], [2.0, 1.5]), (fast, [0.3, 0.6], [2.0, 1.5])):
        canonical = lower_canonical(system.dynamics)
        n = len(state) // 2
        momenta = values(canonical.flow, canonical.momenta, state, parameters)
        function = canonical.velocities
        numbers = [0.0, *state[:n], *momenta, *(0.8 * v for v in state[n:]), *parameters]
        known = dict(zip((str(p.attribute) for p in function.parameters), numbers, strict=True))
        for statement in function.body:
            known[str(statement.target.attribute)] = evaluate((statement.value,), known)[0]
        assert [float(v) for v in evaluate(function.results, known)] == pytest.approx(state[n:], rel=1e-14)


def test_names_that_clash_are_told_apart() -> None:
    """lambda is a word of Python, x_1 and x1 are two symbols, a parameter may be called t0 or rates."""
    x1, y = ph.coordinates("x1 lambda")
    p1, p2, p3 = ph.parameters("x_1 rates t0")
    system = ph.Lagrangian(ph.dot(x1) ** 2 / 2 + ph.dot(y) ** 2 / 2 - p1 * x1**2 - p2 * y**2 - p3 * x1 * y)
    names = [str(n.attribute) for n in arguments_of(system.dynamics).all]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
    run = system.compile(method="rk4").run(
        {x1: 1.0, y: 0.0, ph.dot(x1): 0.0, ph.dot(y): 0.0}, {p1: 0.5, p2: 0.5, p3: 0.0}, (0, 1), dt=0.01
    )
    assert run[x1][-1] == pytest.approx(np.cos(1.0), abs=1e-9)  # rk4's error: (0.01)^4 / 120


def test_the_kernel_of_expressions_solves_for_accelerations() -> None:
    space = PENDULA.dynamics.space
    kernel = evaluate_kernel(PENDULA.dynamics, [to_jet(ph.ddot(a) + sin(b), space)])
    assert {array.name for array in kernel.arrays} == {"state", "signals", "parameters", "times", "values"}
    forced = ph.Lagrangian(m * ph.dot(a) ** 2 / 2 + a * u)
    assert forced.evaluate(ph.ddot(a), {a: 0.0, ph.dot(a): 0.0}, {m: 2.0, u: 3.0}) == pytest.approx(1.5)
