"""What holds for any Lagrangian: charges are constant, boundary terms are recovered, new coordinates change nothing."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy import Function, cos, exp, sin, sqrt

import symphys as ph
from symphys.mechanics.differentiate import directional, gradient
from symphys.mechanics.jets import to_jet
from symphys.mechanics.probe import Probe, depends, vanishes
from symphys.mechanics.symmetries.boundary import boundary_term
from symphys.mechanics.symmetries.determine import null_space
from symphys.mechanics.symmetries.reconstruct import exact_vector
from symphys.mechanics.symmetries.sample import Sampler, draw
from symphys.verify.strategies import lagrangian_expressions, rationals

x, y = ph.coordinates("x y")
a, b = ph.coordinates("a b")
m, k = ph.parameters("m k", positive=True)
V = Function("V")
PLANE = m * (ph.dot(x) ** 2 + ph.dot(y) ** 2) / 2
SYSTEM = ph.Lagrangian(PLANE - k * (x**2 + y**2))
SPACE = SYSTEM.action.space


@given(lagrangian_expressions())
def test_every_charge_of_a_random_lagrangian_is_constant(expression):
    """dC/dt = dC/dt|explicit + dC/dq v + dC/dv a vanishes with a from M a = F."""
    system = ph.Lagrangian(expression)
    dynamics, space = system.dynamics, system.action.space
    n = len(dynamics.coordinates)
    for law in system.conserved:
        slopes = gradient(law.jet, (*dynamics.state, space.time))
        for seed in range(2):
            probe = Probe(seed)
            mass = probe.context.matrix([probe(row) for row in dynamics.mass_matrix])
            pushed = probe.context.lu_solve(mass, probe.context.matrix(probe(dynamics.forcing)))
            rates = [*probe(dynamics.velocities), *pushed, 1]
            terms = [slope * rate for slope, rate in zip(probe(slopes), rates, strict=True)]
            assert len(terms) == 2 * n + 1
            # 50 digits, less the condition of M
            assert abs(sum(terms)) <= 1e-30 * (1 + sum(map(abs, terms)))


@given(rationals(), rationals(), rationals(), rationals(), st.sampled_from(range(4)))
def test_linear_changes_of_coordinates_keep_the_number_of_symmetries(c11, c12, c21, c22, which):
    """The algebra of affine symmetries belongs to the system, not to its coordinates."""
    if c11 * c22 - c12 * c21 == 0:
        return
    potential = (V(sqrt(x**2 + y**2)), V(x), k * x**2 / 2, k * x * y)[which]
    lagrangian = PLANE - potential
    moved = lagrangian.subs({x: c11 * a + c12 * b, y: c21 * a + c22 * b}).doit()
    assert len(ph.Lagrangian(moved).symmetries) == len(ph.Lagrangian(lagrangian).symmetries)


BOUNDARIES = st.lists(
    st.sampled_from(
        [
            m * x,
            k * x**2 * y,
            ph.t * x,
            sin(ph.t) * y,
            exp(-k * ph.t) * x * y,
            cos(x) * y,
            x**3 / m,
            ph.t**2,
            sin(k * ph.t),
        ]
    ),
    min_size=1,
    max_size=4,
)


@given(BOUNDARIES)
def test_total_derivatives_are_integrated(parts):
    wanted = to_jet(sympy.Add(*parts), SPACE)
    (rate,) = directional((wanted,), SPACE.total_derivative)
    found = boundary_term(rate, SYSTEM.action)
    assert found is not None
    assert not depends((found - wanted,), (SPACE.time, *SYSTEM.action.jet(0)))


@given(BOUNDARIES)
def test_what_is_no_total_derivative_is_not_integrated(parts):
    wanted = to_jet(sympy.Add(*parts), SPACE)
    (rate,) = directional((wanted,), SPACE.total_derivative)
    q, v = SYSTEM.action.jet(0), SYSTEM.action.jet(1)
    assert boundary_term(rate + q[0] * v[1], SYSTEM.action) is None
    assert boundary_term(rate + v[0] ** 2, SYSTEM.action) is None
    assert boundary_term(rate + q[0], SYSTEM.action) is None


def test_slopes_of_samples_are_those_of_symbols():
    """Tolerance: some tens of operations in double precision, on numbers of order one."""
    q = SYSTEM.action.jet(0)
    known = [
        q[0] ** 3 / q[1],
        sin(q[0] * q[1]) ** 2,
        exp(-q[0] / 2),
        sqrt(q[0] ** 2 + q[1] ** 2),
        q[0] ** q[1],
        sympy.erf(q[0]),
    ]
    known += [sympy.atan2(q[0], q[1]), sympy.log(q[1]) * sympy.Abs(q[0])]
    values = draw(q, 6, 3)
    tangents = {symbol: np.eye(2, dtype=complex)[:, i : i + 1] * np.ones(6) for i, symbol in enumerate(q)}
    found, slopes = Sampler(values, tangents)(known, 6)
    flat = [*known, *(slope for each in known for slope in gradient(each, q))]
    for point in range(6):
        probe = Probe(0, {s: sympy.Float(values[s][point].real, 30)._to_mpmath(100) for s in q})
        exact = [complex(value) for value in probe(flat)]
        mine = [*found[:, point], *slopes[:, :, point].reshape(-1)]
        assert np.allclose(mine, exact, rtol=1e-12, atol=1e-13)


def test_undetermined_functions_have_jets_of_their_own():
    """The same function at the same argument has one value, however it is written; its derivatives have others."""
    q = SYSTEM.action.jet(0)
    r, s = q[0] ** 2 + q[1], q[1] + q[0] * q[0]
    xi = sympy.Symbol("xi")
    first = V(xi).diff(xi)
    expressions = [V(r), V(s), V(r).diff(q[1]), sympy.Subs(first, xi, s), V(q[0])]
    tangents = {q[1]: np.ones((1, 4), complex)}
    values, slopes = Sampler(draw(q, 4, 0), tangents)(expressions, 4)
    assert np.array_equal(values[0], values[1])
    assert np.array_equal(values[2], values[3])
    assert np.array_equal(slopes[0, 0], values[2])  # dr/dq1 = 1
    assert not np.isclose(values[0], values[2]).any()
    assert not np.isclose(values[0], values[4]).any()
    assert np.allclose(values[0], values[1][0]) is False  # another argument at each point


@pytest.mark.parametrize(
    "expression", ["3*a/(2*b)", "a*b**2", "(a + b)/c", "(a*b - 2*c)/(a + 1)", "1/(a**2 + b**2)", "sqrt(a)/b"]
)
def test_formulas_are_recovered_from_their_values(expression):
    symbols = ph.parameters("a b c", positive=True)
    wanted = sympy.sympify(expression, locals={s.name: s for s in symbols})

    def constants(seed):
        return {symbol: complex(value[0]) for symbol, value in draw(symbols, 1, seed).items()}

    def solve(seed, at):
        return np.array([1.0, float(wanted.subs({s: v.real for s, v in at.items()}))])

    found = exact_vector(solve(0, constants(0)), solve, constants, symbols)
    assert found[0] == 1
    assert vanishes((found[1] - wanted,))


def test_what_no_formula_fits_is_left_out():
    symbol = ph.parameters("a", positive=True)

    def solve(seed, at):
        return np.array([1.0, np.sin(5 * at[symbol].real) * np.exp(at[symbol].real)])

    def constants(seed):
        return {symbol: complex(draw((symbol,), 1, seed)[symbol][0])}

    assert exact_vector(solve(0, constants(0)), solve, constants, (symbol,)) is None


def test_null_spaces_are_in_echelon_form():
    basis = null_space(np.array([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 2.0, 1.0]]), 4)
    assert np.allclose(basis, [[1, 1, 0, 0], [0, 0, 1, -2]])
    assert len(null_space(np.eye(3), 3)) == 0
    assert np.allclose(null_space(np.zeros((0, 2)), 2), np.zeros((0, 2)))
