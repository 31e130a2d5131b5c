"""What users write with: coordinates, parameters, inputs, time and time derivatives."""

import pytest
import sympy
from sympy.physics.mechanics import dynamicsymbols

from symphys.errors import InputError
from symphys.language import (
    canonical,
    coordinates,
    ddot,
    dot,
    input_signal,
    is_function_of_time,
    is_input_signal,
    parameters,
    symbol,
    t,
)


def test_time_is_the_symbol_of_sympy_mechanics():
    assert t is dynamicsymbols._t


def test_one_name_gives_an_object_and_several_a_tuple():
    q = coordinates("q")
    assert is_function_of_time(q)
    assert isinstance(coordinates("x y"), tuple)
    assert len(coordinates("x1:4")) == 3
    assert isinstance(parameters("m"), sympy.Symbol)
    assert len(parameters("m l g")) == 3


def test_a_coordinate_made_twice_is_the_same():
    assert coordinates("q") == coordinates("q")
    assert coordinates("q").is_real


def test_parameters_are_real_and_keep_their_assumptions():
    m, n = parameters("m", positive=True), parameters("n", integer=True)
    assert m.is_positive
    assert n.is_integer
    assert parameters("k").is_real
    assert m == sympy.Symbol("m", positive=True)


def test_inputs_are_told_from_coordinates_of_the_same_name():
    assert is_input_signal(input_signal("u"))
    assert not is_input_signal(coordinates("u"))
    assert input_signal("u") != coordinates("u")
    assert is_input_signal(dot(input_signal("u")).expr)


def test_dots_follow_the_chain_rule():
    x, y = coordinates("x y")
    assert dot(x) == x.diff(t)
    assert ddot(x) == x.diff(t, 2)
    assert dot(x * y) == dot(x) * y + x * dot(y)
    assert dot(sympy.Matrix([x, y])) == sympy.Matrix([dot(x), dot(y)])
    assert dot(3) == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: coordinates("t"), "'t' is the time"),
        (lambda: parameters("m t"), "'t' is the time"),
        (lambda: canonical("q"), "come in pairs"),
        (lambda: canonical("q1 p1 q2"), "holds 3 names"),
        (lambda: symbol("a b"), "makes one symbol"),
        (lambda: parameters("m", positive=True, negative=True), "cannot be real with the assumptions"),
        (lambda: dot("x"), "Only SymPy expressions"),
        (lambda: dot(sympy.Eq(t, 1)), "no time derivative"),
    ],
)
def test_misuse_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
