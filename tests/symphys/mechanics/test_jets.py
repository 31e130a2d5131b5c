"""The border between functions of time and jet symbols."""

import pytest
import sympy
from hypothesis import given

from symphys.errors import InputError
from symphys.language import coordinates, ddot, dot, parameters, t
from symphys.mechanics.jets import from_jet, jet_space, to_jet
from symphys.verify.strategies import lagrangian_expressions

x, y = coordinates("x y")
m = parameters("m", positive=True)
SPACE = jet_space((x, y), (m,))
Q = coordinates("q1 q2")


@given(lagrangian_expressions(coordinates=Q, explicit_time=True))
def test_there_and_back_is_the_identity(lagrangian):
    space = jet_space(Q)
    jet = to_jet(lagrangian, space)
    assert not jet.atoms(sympy.Function).intersection(Q)
    assert from_jet(jet, space) == lagrangian


def test_jet_symbols_are_real_and_named_after_their_function():
    assert [SPACE.symbol(x, k).name for k in range(4)] == ["x", "x_dot", "x_ddot", "x_d3"]
    assert all(SPACE.symbol(x, k).is_real for k in range(4))
    assert SPACE.order(SPACE.symbol(y, 2)) == (y, 2)
    assert SPACE.order(m) is None


def test_names_avoid_those_of_parameters_and_of_each_other():
    taken = sympy.Symbol("x_dot", real=True)
    space = jet_space((x, coordinates("x_")), (taken, sympy.Symbol("y", real=True)))
    symbols = {space.symbol(f, k) for f in space.functions for k in range(5)}
    assert len(symbols) == 10
    assert taken not in symbols


def test_compound_derivatives_are_carried_out():
    compound = sympy.Derivative(x * y, t)
    assert to_jet(compound, SPACE) == to_jet(dot(x) * y + x * dot(y), SPACE)


def test_undetermined_functions_stay():
    V = sympy.Function("V")
    expression = V(x).diff(x) * dot(x) + V(x**2 + y**2).diff(x)
    assert from_jet(to_jet(expression, SPACE), SPACE) == expression


def test_strange_functions_and_orders_are_refused():
    with pytest.raises(InputError, match=r"z\(t\) is no function of time of this system"):
        to_jet(coordinates("z"), SPACE)
    with pytest.raises(InputError, match="order above 4"):
        to_jet(x.diff(t, 5), SPACE)
    assert to_jet(ddot(x) + m * t, SPACE) == SPACE.symbol(x, 2) + m * SPACE.time
