"""Derivatives over shared subexpressions equal SymPy's own; unknown ones are refused."""

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from symphys.errors import UnsupportedError
from symphys.mechanics.differentiate import directional, gradient, jacobian
from symphys.mechanics.graph import size
from symphys.mechanics.probe import vanishes
from symphys.verify.strategies import rationals, smooth_functions

X = sympy.symbols("x1:4", real=True)
V = sympy.Function("V")
W = sympy.Function("W")


@given(smooth_functions(X), smooth_functions(X))
def test_gradient_equals_sympys(f, g):
    expression = f * sympy.sin(g) + sympy.sqrt(2 + sympy.cos(f)) ** g / (2 + sympy.cos(f * g))
    assert vanishes(a - expression.diff(x) for a, x in zip(gradient(expression, X), X, strict=True))


@given(st.lists(smooth_functions(X), min_size=1, max_size=3), st.lists(rationals(), min_size=3, max_size=3))
def test_forward_sweeps_equal_reverse_sweeps(functions, direction):
    rates = directional(functions, dict(zip(X, direction, strict=True)))
    rows = jacobian(functions, X)
    assert vanishes(
        rate - sum(slope * d for slope, d in zip(row, direction, strict=True))
        for rate, row in zip(rates, rows, strict=True)
    )


@pytest.mark.parametrize(
    "function",
    [
        sympy.atan2(X[0], X[1]),
        sympy.log(X[0] ** 2 + 1),
        sympy.erf(X[0] * X[1]),
        sympy.besselj(0, X[0] + X[1]),
        sympy.Abs(X[0]) ** 3,
        X[0] ** X[1],
        sympy.exp(X[0]) * sympy.LambertW(X[1] ** 2),
        V(X[0]),
        V(X[0] * X[1] + 1),
        W(X[0], X[1], X[2]),
        V(X[0]).diff(X[0]) * X[1],
    ],
)
def test_every_kind_of_function_has_its_derivative(function):
    assert vanishes(a - function.diff(x) for a, x in zip(gradient(function, X), X, strict=True))


def test_kinks_are_differentiated_piece_by_piece():
    x, y, _ = X
    assert gradient(sympy.Abs(x), (x,)) == (sympy.sign(x),)
    assert gradient(sympy.sign(x), (x,)) == (0,)
    larger = gradient(sympy.Max(x, y), (x, y))
    assert [slope.subs({x: 1, y: 2}) for slope in larger] == [0, 1]
    branches = sympy.Piecewise((sympy.sqrt(x), x > y), (y**2, True))
    assert gradient(branches, (x, y)) == (branches.diff(x), branches.diff(y))
    assert directional((branches,), {x: 2}) == (2 * branches.diff(x),)
    wrapped = gradient(sympy.Mod(x, 3), (x,))
    assert wrapped == (1,)


def test_a_gradient_does_not_unfold_what_is_shared():
    """Twenty nested squares of a sum have 3^20 terms as a tree; the gradient is of the size of the graph."""
    x, y, _ = X
    expression = x + y
    for _ in range(20):
        expression = sympy.sin(expression) * expression + 1
    assert size(gradient(expression, (x, y))) < 6 * size((expression,)) + 50


def test_a_function_without_derivative_is_refused():
    with pytest.raises(UnsupportedError, match="derivative of besselj"):
        gradient(sympy.besselj(X[0], 1.5), (X[0],))
