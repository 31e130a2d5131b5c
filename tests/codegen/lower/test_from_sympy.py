"""Lowered expressions mean what SymPy means by them."""

import keyword
import math
import re

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from codegen.errors import CompilerBug, UnsupportedError
from codegen.interpret import evaluate
from codegen.ir import Kind, real, variable, walk
from codegen.lower.autodiff import jvp
from codegen.lower.from_sympy import lower_expressions
from codegen.lower.identifiers import RESERVED, identifier
from codegen.lower.taylor import taylor_coefficients

x, y, z = sympy.symbols("x y z", real=True)
SYMBOLS = {s: variable(s.name) for s in (x, y, z)}
POINT = {"x": 0.37, "y": 0.81, "z": -1.3}


def lower(expression):
    return lower_expressions([expression], SYMBOLS)[0]


def value(expression, **point):
    return float(evaluate((lower(expression),), {**POINT, **point})[0])


def exact(expression, **point):
    numbers = {s: sympy.Float((point or POINT).get(s.name, POINT[s.name]), 30) for s in (x, y, z)}
    return float(expression.subs(numbers).evalf(30))


FUNCTIONS = (
    sympy.sin,
    sympy.cos,
    sympy.tan,
    sympy.cot,
    sympy.sec,
    sympy.csc,
    sympy.asin,
    sympy.acos,
    sympy.atan,
    sympy.acot,
    sympy.sinh,
    sympy.cosh,
    sympy.tanh,
    sympy.coth,
    sympy.sech,
    sympy.csch,
    sympy.asinh,
    sympy.atanh,
    sympy.asech,
    sympy.acsch,
    sympy.exp,
    sympy.log,
    sympy.sqrt,
    sympy.Abs,
    sympy.sign,
    sympy.floor,
    sympy.ceiling,
    sympy.sinc,
    sympy.Heaviside,
    sympy.functions.frac,
)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("at", [0.37, 0.93])
def test_function(function, at):
    """Functions of well-conditioned points keep a few units in the last place (8 covers two roundings and libm)."""
    assert value(function(x), x=at) == pytest.approx(exact(function(x), x=at), rel=8 * 2.3e-16)


@pytest.mark.parametrize("function", [sympy.acosh, sympy.asec, sympy.acsc, sympy.acoth])
def test_function_beyond_one(function):
    assert value(function(x), x=1.7) == pytest.approx(exact(function(x), x=1.7), rel=8 * 2.3e-16)


@pytest.mark.parametrize(
    "expression",
    [
        sympy.atan2(y, x),
        sympy.Min(x, y, z),
        sympy.Max(x, y, 2 * z),
        sympy.Mod(z, x),
        x**y,
        2**x,
        x ** sympy.Rational(1, 3),
        x ** sympy.Rational(-3, 2),
        x**17,
        x**-5,
        sympy.Pow(sympy.E, x, evaluate=False),
        sympy.re(x) + sympy.conjugate(y),
        sympy.sqrt(2) * sympy.pi * x / 3,
        sympy.Sum(x ** sympy.Symbol("i"), (sympy.Symbol("i"), 1, 4)),
        sympy.Derivative(x**3 * y, x),
        sympy.Piecewise((x, x > 1), (y, sympy.And(x > 0, z < 0)), (z, True)),
        sympy.Piecewise((x, x < 0), (y, x >= 0)),
        sympy.Piecewise((1, sympy.Or(sympy.Eq(x, 1), sympy.Not(y > x))), (2, sympy.Xor(x > 0, z < 0)), (3, True)),
        sympy.Piecewise((1, sympy.Ne(x, y)), (0, True)),
        sympy.Piecewise((1, sympy.ITE(x > 0, y > 1, z > 1)), (0, True)),
        sympy.besselj(0, 1) * x,
    ],
    ids=str,
)
def test_expression(expression):
    assert value(expression) == pytest.approx(exact(expression.doit()), rel=1e-15)


HYPERBOLIC = (
    sympy.sinh(x) / sympy.cosh(x) ** 3,
    2 * (3 * sympy.sinh(x) ** 2 / sympy.cosh(x) ** 2 - 1) / sympy.cosh(x) ** 2,
    y * sympy.sinh(x) / sympy.cosh(x),
    1 / sympy.sqrt(sympy.cosh(x)),
    -3 / sympy.sinh(x) ** 2,
    sympy.cosh(x) / sympy.sinh(x) ** 3,
    sympy.csch(x) * sympy.coth(x),
    sympy.tanh(x) * sympy.sech(x) ** 2 * y,
    sympy.sinh(x) ** 2 / sympy.cosh(x) ** 2 / sympy.cosh(y),
    sympy.sinh(y) ** 2 * sympy.cosh(y) * sympy.sech(x),
)


@pytest.mark.parametrize("expression", HYPERBOLIC, ids=str)
@pytest.mark.parametrize("at", [-2000.0, -400.0, -120.0, -0.37, 0.01, 40.0, 250.0, 720.0])
def test_hyperbolic_functions_have_the_limits_of_their_quotients(expression, at):
    """Where cosh is no number any more, too; 60 covers the roundings of six functions, of 4 units, and 700 of x."""
    assert value(expression, x=at) == pytest.approx(
        exact(expression, x=at), rel=60 * 2.3e-16 * max(1, abs(at)), abs=1e-306
    )


@pytest.mark.parametrize("at", [-900.0, -150.0, -3.0, 0.0, 300.0])
def test_taylor_coefficients_of_a_pulse_are_right_far_away(at):
    """x' = sinh(x) / cosh(x)^3 + 1, where the higher terms are those of x + t far away."""
    rate = lower(sympy.sinh(x) / sympy.cosh(x) ** 3 + 1)
    rows = taylor_coefficients([SYMBOLS[x]], [rate], 8)
    found = [float(v) for v in evaluate(tuple(row[0] for row in rows), {"x": at})]
    series = [mpmath.mpf(at)]

    def rate_along(t):
        """Of what is known of the path: every order of the rate makes one more known."""
        here = sum(a * t**j for j, a in enumerate(series))
        return mpmath.sinh(here) / mpmath.cosh(here) ** 3 + 1

    with mpmath.workdps(60):
        for k in range(8):
            series.append(mpmath.taylor(rate_along, 0, k)[k] / (k + 1))  # noqa: PERF401 - it grows what it reads
    expected = [float(v) for v in series]
    np.testing.assert_allclose(found, expected, rtol=1e-11 * max(1, abs(at)), atol=1e-15)


@pytest.mark.parametrize("order", [0, 1, 2, 3, 8, 16])
def test_bessel_functions(order):
    """Against mpmath, on both sides of where another expression takes over, and at 0; relatively below their order."""
    allowed = 2e-15 if order <= 8 else 4e-14
    places = [0.0, 1e-7, 0.3, order - 1e-9, order + 1e-9, 7.999, 8.001, 11.3, 40.0, 1234.5]
    for at in (sign * place for place in places for sign in (1, -1)):
        expected = float(mpmath.besselj(order, at))
        error = abs(value(sympy.besselj(order, x), x=at) - expected)
        assert error <= allowed * min(1.0, abs(at) ** -0.5 if at else 1.0)
        assert error <= 2 * allowed * abs(expected) or abs(at) > order


@pytest.mark.parametrize("at", [-9.0, -2.5, 0.0, 1.0, 8.5])
def test_bessel_functions_are_differentiated(at):
    """By SymPy; by the compiler; as the second Taylor coefficient of x' = J_1(x), which is J_1' J_1 / 2."""
    exact_slope = float(mpmath.besselj(1, at, derivative=1))
    assert value(sympy.besselj(1, x).diff(x), x=at) == pytest.approx(exact_slope, abs=2e-15)
    root, here = lower(sympy.besselj(1, x)), {"x": at}
    (pushed,) = jvp([root], {SYMBOLS[x]: real(1.0)})
    assert float(evaluate((pushed,), here)[0]) == pytest.approx(exact_slope, abs=1e-13)
    rows = taylor_coefficients([SYMBOLS[x]], [root], 2)
    second = float(evaluate((rows[2][0],), here)[0])
    assert second == pytest.approx(exact_slope * float(mpmath.besselj(1, at)) / 2, abs=1e-13)


LEAVES = st.sampled_from([x, y, z, sympy.Integer(3), sympy.Rational(-2, 3), sympy.pi, sympy.Float("0.1")])


def grow(inner):
    pairs = st.tuples(inner, inner)
    return st.one_of(
        pairs.map(lambda p: p[0] + p[1]),
        pairs.map(lambda p: p[0] * p[1]),
        pairs.map(lambda p: p[0] - p[1]),
        pairs.map(lambda p: p[0] / (1 + p[1] ** 2)),
        inner.map(sympy.sin),
        inner.map(sympy.tanh),
        inner.map(lambda e: sympy.exp(-(e**2))),
        inner.map(lambda e: sympy.sqrt(1 + e**2)),
    )


@given(st.recursive(LEAVES, grow, max_leaves=12))
def test_any_expression(expression):
    """Trees of smooth functions agree with 30 digits, to rounding relative to the largest value inside the tree."""
    lowered = lower(expression)
    inside = [float(v) for v in evaluate(tuple(walk([lowered])), POINT)]
    scale = max(1.0, *(abs(v) for v in inside))
    assert value(expression) == pytest.approx(exact(expression), abs=1e-12 * scale)


@given(st.fractions())
def test_rationals_are_the_nearest_double(fraction):
    assert lower(sympy.Rational(fraction.numerator, fraction.denominator)) == real(
        fraction.numerator / fraction.denominator
    )


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_kept(number):
    assert lower(sympy.Float(number)).attribute == number


@pytest.mark.parametrize("number", [sympy.pi, sympy.E, sympy.sqrt(2), sympy.pi / 3, sympy.Float("0.1", 40)])
def test_numbers_are_rounded_once(number):
    with mpmath.workdps(50):
        assert lower(number).attribute == float(sympy.Rational(str(sympy.N(number, 45))))


def test_shape_of_the_result():
    ops = lambda e: sorted(n.op for n in walk([lower(e)]) if n.args)  # noqa: E731
    assert ops(x - y - z) == ["add", "sub"]
    assert ops(-2 * x + y) == ["mul", "sub"]
    assert ops(x / (y * z)) == ["div", "mul"]
    assert ops(x * y**-2 * sympy.sqrt(z) ** -1) == ["div", "mul", "mul", "sqrt"]
    assert ops((x + y) ** 2 + sympy.sin((x + y) ** 2)) == ["add", "add", "mul", "sin"]
    assert ops(sympy.exp(x) / y) == ["div", "exp"]


def test_deep_and_wide_sharing():
    """A chain of 3000 squarings is 3000 products, without recursion, though it is a tree of 2^3000 leaves."""
    nodes = expression = x
    for _ in range(3000):
        expression = sympy.Add(sympy.sin(expression, evaluate=False), y, evaluate=False)
    nodes = lower(expression)
    assert sum(n.op == "sin" for n in walk([nodes])) == 3000


def test_known_subexpressions_are_leaves():
    q = sympy.Function("q")(sympy.Symbol("t"))
    velocity = q.diff(sympy.Symbol("t"))
    (lowered,) = lower_expressions([q * velocity], {q: variable("q"), velocity: variable("v")})
    assert lowered == variable("q") * variable("v")


def test_integers_become_real():
    n = sympy.Symbol("n", integer=True)
    (lowered,) = lower_expressions([n * x], {n: variable("n", Kind.INT), x: variable("x")})
    assert lowered.kind is Kind.REAL


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (sympy.bessely(0, x), r"bessely in bessely\(0, x\) .*elementary"),
        (sympy.besselj(21, x), r"besselj in besselj\(21, x\) .*a whole number from 0 to 16"),
        (sympy.besselj(sympy.Rational(1, 3), x), r"besselj in besselj\(1/3, x\) .*a whole number from 0 to 16"),
        (sympy.Function("f")(x), r"f in f\(x\) .*substitute"),
        (sympy.I * x, "I .*finite and real"),
        (sympy.Pow(-1, sympy.Rational(1, 3)) * x, "finite and real"),
        (sympy.oo, "oo .*finite"),
        (sympy.nan, "nan .*finite"),
        (sympy.zoo, "zoo .*finite"),
        (sympy.Integer(10) ** 400 * x, "double precision"),
        (sympy.Float("1e400") * x, "double precision"),
        (sympy.Piecewise((x, x > 1), (y, x > 0)), "True"),
        (sympy.Integral(sympy.besselj(0, x * y) ** y, x), "Integral"),
    ],
    ids=str,
)
def test_refusals(expression, message):
    with pytest.raises(UnsupportedError, match=message):
        lower(expression)


def test_missing_symbol_is_named():
    with pytest.raises(CompilerBug, match=r"\bmass\b"):
        lower_expressions([sympy.Symbol("mass") * x], SYMBOLS)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("theta_1", "theta_1"),
        ("lambda", "lambda_"),
        ("q'", "q_prime"),
        (r"\dot{x}", "dot_x"),
        ("θ₁", "theta1"),
        ("Ω", "Omega"),
        ("ẋ", "x_dot"),
        ("λ", "lambda_"),
        ("x^{2}", "x_2"),
        ("2x", "x_2x"),
        ("", "x"),
        ("y1", "y1_"),
        ("real", "real_"),
        ("__global__", "global_"),
        ("sym_sign", "x_sym_sign"),
    ],
)
def test_identifiers(text, name):
    assert identifier(text, ()) == name


@given(st.lists(st.text(max_size=6), max_size=12))
def test_identifiers_are_valid_and_distinct(texts):
    taken: list[str] = []
    for text in texts:
        name = identifier(text, taken)
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
        assert name not in RESERVED
        assert not keyword.iskeyword(name)
        assert name not in taken
        taken.append(name)


def test_the_complementary_error_function_keeps_its_digits():
    """1 - erf(6) has none left of 2e-17; the relative error is x^2 roundings of exp(-x^2)."""
    for place in (-3.0, -0.2, 0.0, 0.3, 1.0, 2.5, 6.0, 20.0):
        assert value(sympy.erfc(x), x=place) == pytest.approx(float(mpmath.erfc(place)), rel=(4 + place**2) * 4e-16)
    assert value(sympy.erfc(x), x=math.inf) == 0.0
    assert value(sympy.erfc(x), x=-math.inf) == 2.0


@pytest.mark.parametrize("place", [-0.4, -0.0, 0.0, 0.4])
def test_the_complementary_error_function_has_its_slope_on_both_sides_of_zero_and_there(place):
    """erfc' = -2/sqrt(pi) exp(-x^2); x' = erfc(x) from there has x'' / 2 = erfc' erfc / 2 as its second coefficient."""
    unknown, root = SYMBOLS[x], lower(sympy.erfc(x))
    slope = -2 / math.sqrt(math.pi) * math.exp(-(place**2))
    found = float(evaluate(jvp((root,), {unknown: real(1.0)}), {"x": place})[0])
    assert found == pytest.approx(slope, rel=1e-14)
    rows = taylor_coefficients((unknown,), (root,), 2)
    second = float(evaluate((rows[2][0],), {"x": np.float64(place)})[0])
    assert second == pytest.approx(slope * math.erfc(place) / 2, rel=1e-14)
