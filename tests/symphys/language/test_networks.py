"""Networks as SymPy terms: the chain rule, equality, pickling, substitution, printing, and what is refused."""

import pickle

import pytest
import sympy
from sympy import cos, sin

import symphys as ph
from symphys.language.networks import NetworkSymbol, NetworkTerm

x, y = sympy.symbols("x y", real=True)
N = NetworkSymbol("N", 2, 1, (4,), "tanh")
ONE = NetworkSymbol("U", 1, 1, (4,), "tanh")


def test_the_chain_rule_raises_orders():
    term = N(x * y, sin(x))
    first = N(x * y, sin(x)).fdiff(1) * y + term.fdiff(2) * cos(x)
    assert sympy.expand(term.diff(x) - first) == 0
    assert term.diff(sympy.Symbol("z")) == 0


def test_mixed_derivatives_are_one_term_whatever_the_order():
    assert N(x, y).diff(x, y) == N(x, y).diff(y, x)
    assert [int(k) for k in N(x, y).diff(x, y, y).jet.orders] == [1, 2]
    assert all(isinstance(k, sympy.Integer) for k in N(x, y).diff(x, y).jet.orders)


def test_derivatives_by_functions_of_time():
    q = ph.coordinates("q")
    v = ph.dot(q)
    assert N(q, v).diff(v) == N(q, v).fdiff(2)
    assert sympy.expand(N(q, v).diff(ph.t) - v * N(q, v).fdiff(1) - ph.ddot(q) * N(q, v).fdiff(2)) == 0


@pytest.mark.parametrize("term", [N(x, y), N(x, y).diff(x, 2), NetworkSymbol("f", 1, 2, (4,), "sin")(x)[1]])
def test_equality_hashes_and_pickling(term):
    again = pickle.loads(pickle.dumps(term))
    assert again == term
    assert hash(again) == hash(term)
    assert term.func(*term.args) == term


def test_terms_of_different_networks_and_orders_differ():
    other = NetworkSymbol("N", 2, 1, (5,), "tanh")
    assert len({N(x, y), N(y, x), N(x, y).diff(x), other(x, y), ONE(x)}) == 5


def test_orders_are_no_subexpressions():
    """A number that is substituted must not reach the orders."""
    term = N(x, y).diff(x)
    assert term.subs(1, 7) == term
    assert term.xreplace({sympy.Integer(1): sympy.Integer(7)}) == term
    assert N(x, 1).subs(1, y).jet.orders == (0, 0)
    assert term.subs(x, 2 * y).args == (2 * y, y)


@pytest.mark.parametrize("rewrite", [sympy.simplify, sympy.expand, sympy.factor, sympy.together, sympy.nsimplify])
def test_rewriting_leaves_terms_whole(rewrite):
    expression = (N(x, y).diff(x) + 1) ** 2 + cos(x) ** 2 + sin(x) ** 2
    assert N(x, y).diff(x) in rewrite(expression).atoms(NetworkTerm)


def test_terms_are_real_and_no_numbers():
    assert N(x, y).is_real
    assert not N(1, 2).is_number
    assert N(1, 2).evalf() == N(1, 2)
    assert sympy.conjugate(N(x, y)) == N(x, y)


def test_how_terms_are_written():
    assert [str(N(x, y)), str(N(x, y).diff(x, y)), str(ONE(x).diff(x, 2))] == ["N(x, y)", "N^(1,1)(x, y)", "U''(x)"]
    assert sympy.latex(N(x, y).diff(y) ** 2) == r"N^{(0,1)}\left(x, y\right)^{2}"
    assert str(NetworkSymbol("f", 1, 2, (4,), "sin")(x)[1].diff(x)) == "f_1'(x)"


def test_vectors_are_taken_apart():
    assert N(sympy.Matrix([x, y])) == N((x, y)) == N(x, y)


def test_what_is_no_point():
    with pytest.raises(ph.InputError, match=r"network N takes 2 inputs, but 1 were given.*inputs=1"):
        N(x)
    with pytest.raises(ph.InputError, match="'a' of type str"):
        N("a", x)
    with pytest.raises(ph.InputError, match="real scalar expressions, and I is none"):
        N(sympy.I, x)


def test_scaling_and_symmetry_by_form():
    scaled = NetworkSymbol("N", 1, 1, (4,), "tanh", input_shift=(1.0,), input_scale=(2.0,), output_scale=(3.0,))
    assert scaled(x).atoms(NetworkTerm).pop().args[0] == (x - 1) / 2
    even = NetworkSymbol("N", 2, 1, (4,), "tanh", even=(1,))
    assert sympy.expand(even(x, y) - even(x, -y)) == 0
    slope = even(x, y).diff(y)
    assert slope != 0
    assert sympy.expand(slope + slope.subs(y, -y)) == 0
    periodic = NetworkSymbol("N", 1, 1, (4,), "tanh", periodic=((0, 2.0),))
    assert sympy.simplify(periodic(x + 2) - periodic(x)) == 0
