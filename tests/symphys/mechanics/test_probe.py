"""What random points decide: identities, true dependence, and what they must not decide."""

import pytest
import sympy

from symphys.mechanics.probe import Probe, dependent, depends, vanishes, vanishing

x, y = sympy.symbols("x y", real=True)
m = sympy.Symbol("m", positive=True)
V = sympy.Function("V")


@pytest.mark.parametrize(
    "identity",
    [
        sympy.sin(x) ** 2 + sympy.cos(x) ** 2 - 1,
        (x + y) ** 3 - sympy.expand((x + y) ** 3),
        sympy.cosh(x) ** 2 - sympy.sinh(x) ** 2 - 1,
        sympy.sqrt(m**2) * y - m * y,
        sympy.exp(x + y) - sympy.exp(x) * sympy.exp(y),
        V(x + y) * (sympy.sin(x) ** 2 + sympy.cos(x) ** 2) - V(y + x),
        sympy.sqrt(1 - x**2) ** 2 - 1 + x**2,
        (sympy.sin(x) ** 2 + sympy.cos(x) ** 2 - 1) * y**3,
        sympy.atan2(y, x) + sympy.atan2(-y, x),
    ],
)
def test_identities_vanish(identity):
    assert vanishes([identity])


@pytest.mark.parametrize(
    "expression",
    [
        x - y,
        sympy.Rational(1, 10**30) * x,
        1 + sympy.Float("1e-34") * x - 1,
        V(x) - V(y),
        V(x) - V(x).diff(x),
        sympy.Max(x, 100) - 100,
        sympy.Piecewise((0, x < 100), (1, True)),
        sympy.zoo * x,
    ],
)
def test_what_is_not_identically_zero_does_not_vanish(expression):
    assert not vanishes([expression])


def test_each_expression_is_judged_on_its_own():
    assert vanishing([sympy.S.Zero, x, x * (y + 1) - x * y - x]) == [True, False, True]


def test_true_dependence_is_told_from_mere_occurrence():
    flat = m * sympy.sin(x) ** 2 + m * sympy.cos(x) ** 2
    assert dependent([flat, x, y, sympy.S.One], [x]) == [False, True, False, False]
    assert depends([V(x) * y], [x])
    assert not depends([V(y)], [x])
    assert depends([1 + x * sympy.Rational(1, 10**25)], [x])


def test_pieces_depend_on_whatever_they_contain():
    assert depends([sympy.Piecewise((1, x < 100), (2, True))], [x])
    assert depends([sympy.Max(x, -100, y)], [y])


def test_points_respect_assumptions():
    probe = Probe(3)
    n = sympy.Symbol("n", integer=True, negative=True)
    assert probe.value(m) > 0
    assert probe.value(n) < 0
    assert probe.value(n) == int(probe.value(n))


def test_moving_some_symbols_keeps_the_others():
    here = Probe(0)
    before = here([x, y])
    after = here.moved([y], 1)([x, y])
    assert before[0] == after[0]
    assert before[1] != after[1]
