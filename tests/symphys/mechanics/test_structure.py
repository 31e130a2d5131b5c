"""Rank, null directions and constancy of mass matrices."""

import pytest
import sympy

from symphys.mechanics.structure import null_direction, positive_definite, regular, settled

x, y = sympy.symbols("x y", real=True)
m, k = sympy.symbols("m k", positive=True)


def test_entries_that_only_seem_to_vary_are_written_plainly():
    rows = ((m * sympy.sin(x) ** 2 + m * sympy.cos(x) ** 2, sympy.sin(2 * x) - 2 * sympy.sin(x) * sympy.cos(x)),)
    assert settled(rows, (x, y)) == ((m, 0),)
    assert settled(((m * x + y,),), (x, y)) == ((m * x + y,),)


@pytest.mark.parametrize(
    ("rows", "full"),
    [
        (((x, 1), (1, 0)), True),
        (((1, 1), (1, 1)), False),
        (((m, k), (k, k**2 / m)), False),
        (((1, sympy.Rational(1, 10**12)), (1, 0)), True),
        (((sympy.cos(x) ** 2, sympy.cos(x)), (sympy.cos(x), 1)), False),
        (((0,),), False),
    ],
)
def test_full_rank_is_decided(rows, full):
    rows = sympy.Matrix(rows).tolist()
    assert regular(rows) is full
    assert (null_direction(rows) is None) is full


def test_null_directions_are_exact_where_they_can_be():
    assert null_direction(sympy.ones(2).tolist()) == (1, -1)
    assert null_direction(sympy.diag(0, 1).tolist()) == (1, 0)
    symbolic = null_direction(((m, k), (k, k**2 / m)))
    assert sympy.simplify(m * symbolic[0] + k * symbolic[1]) == 0


def test_positive_definiteness_is_seen_at_points():
    assert positive_definite(sympy.Matrix([[2, sympy.cos(x)], [sympy.cos(x), 1]]).tolist())
    assert not positive_definite(sympy.Matrix([[x, 1], [1, 0]]).tolist())
    assert not positive_definite(((-m,),))
    v = sympy.Symbol("v", real=True)
    assert positive_definite(((1 / sympy.sqrt(1 - v**2 / m**2),),), (v,))
