"""Integrals by rules: what is found is right, what is known to be easy is found, and nothing takes long."""

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy import Function, Subs, cos, cosh, exp, log, sin, sqrt, tanh

from symphys.mechanics.probe import vanishes
from symphys.mechanics.symmetries.integrate import antiderivative
from symphys.verify.strategies import smooth_functions

x, y = sympy.symbols("x y", real=True)
a, b = sympy.symbols("a b", positive=True)
V = Function("V")

FOUND = [
    x**3, 1 / x, x**a, sqrt(x), 5, y * x**2, (x + y) ** 3, 1 / (a * x + b), sin(a * x + b), exp(-a * x), cosh(2 * x),
    log(x), 1 / cos(x) ** 2, tanh(x) ** 2, 1 / (1 + x**2), x / (1 + x**2) ** 2, 2 * x * exp(-(x**2)), sin(x) ** 2,
    sin(x) ** 2 * cos(x), sin(x) * cos(3 * x), x**3 * sin(2 * x + y), x**2 * exp(a * x), exp(-a * x) * cos(b * x),
    V(x).diff(x), V(x).diff(x, 3), V(x**2 + y).diff(x), V(x, y).diff(x, 1, y, 1), V(x + y, y).diff(x),
    V(x) * V(x).diff(x), V(a * x - y).diff(y, 2), (y - x / 2) / ((y - x / 2) ** 2 + 1) ** 2, x * cos(x) ** 2,
]  # fmt: skip


@pytest.mark.parametrize("integrand", FOUND, ids=str)
def test_easy_integrals_are_found_and_right(integrand):
    found = antiderivative(sympy.sympify(integrand), x)
    assert found is not None
    assert not found.has(sympy.Integral)
    assert vanishes((found.diff(x) - integrand,)) or sympy.simplify(found.diff(x) - integrand) == 0


@pytest.mark.parametrize("integrand", [exp(-(x**2)), sin(x) / x, V(x), V(x, x + y).diff(y), tanh(x) * x], ids=str)
def test_what_no_rule_covers_is_left(integrand):
    assert antiderivative(integrand, x) is None


@given(smooth_functions((x, y)))
def test_derivatives_of_sums_of_smooth_functions_are_integrated(function):
    """Each term is f(w) with w linear, or a monomial; the result is right up to what does not depend on x."""
    slope = function.diff(x)
    found = antiderivative(slope, x)
    assert found is not None
    assert vanishes((found.diff(x) - slope,))


@given(smooth_functions((x, y)), smooth_functions((x, y)), st.booleans())
def test_what_is_found_of_products_is_right(first, second, whole):
    integrand = first * second if whole else first * second.diff(x)
    found = antiderivative(integrand, x)
    assert found is None or vanishes((found.diff(x) - integrand,))


def test_derivatives_at_a_point_are_no_functions_of_it():
    xi = sympy.Symbol("xi")
    fixed = Subs(V(xi, y).diff(xi), xi, y)
    assert sympy.simplify(antiderivative(fixed, x) - x * fixed) == 0
