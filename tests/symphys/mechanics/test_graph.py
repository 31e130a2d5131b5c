"""Walks over graphs agree with SymPy's walks over trees and are not slowed by sharing."""

import sympy
from hypothesis import given

from symphys.mechanics.graph import free_symbols, postorder, size, substitute, written_operations
from symphys.verify.strategies import smooth_functions

X = sympy.symbols("x1:4", real=True)


@given(smooth_functions(X), smooth_functions(X))
def test_substitution_equals_sympys(f, g):
    replacements = {X[0]: g, X[1]: X[0]}
    assert substitute((f,), replacements)[0] == f.subs(replacements, simultaneous=True)


@given(smooth_functions(X))
def test_free_symbols_equal_sympys(f):
    assert free_symbols((f,)) == f.free_symbols


def test_arguments_come_before_what_is_made_of_them():
    expression = sympy.sin(X[0] + X[1]) * (X[0] + X[1])
    order = postorder((expression,))
    assert order.index(X[0] + X[1]) < order.index(sympy.sin(X[0] + X[1])) < order.index(expression)
    assert len(order) == len(set(order)) == size((expression,))


def test_symbols_in_conditions_and_bound_expressions_are_seen():
    x, y, z = X
    V = sympy.Function("V")
    assert free_symbols((sympy.Piecewise((1, x < y), (z, True)),)) == {x, y, z}
    assert substitute((sympy.Piecewise((1, x < y), (z, True)),), {x: z})[0] == sympy.Piecewise((1, z < y), (z, True))
    slope = V(x).diff(x)
    assert substitute((slope,), {x: y})[0] == V(y).diff(y)
    assert substitute((slope,), {x: y * z})[0].doit() == V(x).diff(x).subs(x, y * z)


def test_written_operations_count_what_is_shared_as_often_as_it_occurs():
    x = X[0]
    shared = sympy.sin(x) + 1
    once = written_operations(shared)
    assert written_operations(shared * sympy.cos(shared)) > 2 * once
