"""Hypothesis strategies for random mechanical systems and densities of fields, for our own tests and for those of
users.

Needs Hypothesis (the extra `test`); import this module by its name, `symphys.verify.strategies`.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import sympy
from hypothesis import strategies as st

from symphys.language.fields import is_complex_field
from symphys.language.symbols import coordinates, t

# Bounded functions, so that nothing that is built of them overflows or becomes singular.
_BOUNDED = (sympy.sin, sympy.cos, sympy.tanh, lambda x: 1 / (1 + x**2), lambda x: sympy.exp(-(x**2)))


def rationals(largest: int = 3) -> st.SearchStrategy[Any]:
    """Small rational numbers, -largest to largest, with denominators up to 4; zero among them."""
    return st.sampled_from((1, 2, 3, 4)).flatmap(
        lambda bottom: st.integers(-largest * bottom, largest * bottom).map(lambda top: sympy.Rational(top, bottom))
    )


def random_coordinates(most: int = 3) -> st.SearchStrategy[tuple[Any, ...]]:
    """One to `most` generalised coordinates q1, q2, ..."""
    return st.integers(1, most).map(lambda n: tuple(coordinates(f"q{i}") for i in range(1, n + 1)))


@st.composite
def smooth_functions(draw: st.DrawFn, variables: Sequence[Any], terms: int = 3) -> Any:
    """Smooth functions of `variables`: short sums of monomials and of bounded functions of linear combinations."""
    total = sympy.S.Zero
    for _ in range(draw(st.integers(1, terms))):
        if draw(st.booleans()):
            powers = [draw(st.integers(0, 2)) for _ in variables]
            shape = sympy.Mul(*(variable**power for variable, power in zip(variables, powers, strict=True)))
        else:
            argument = sympy.Add(*(draw(rationals(2)) * variable for variable in variables))
            shape = draw(st.sampled_from(_BOUNDED))(argument + draw(rationals(1)))
        total += draw(rationals()) * shape
    return total


@st.composite
def lagrangian_expressions(
    draw: st.DrawFn,
    coordinates: Sequence[Any] | None = None,
    explicit_time: bool = False,
    magnetic: bool = True,
) -> Any:
    """Regular Lagrangians v^T M(q) v / 2 + b(q) v - V(q) with a positive definite mass matrix everywhere.

    M = 1 + A^T A with rational A, times a positive function of the coordinates; b only if `magnetic`.  With
    `explicit_time` V and b depend on the time too.
    """
    q = tuple(coordinates) if coordinates is not None else draw(random_coordinates())
    v = [coordinate.diff(t) for coordinate in q]
    variables = (*q, t) if explicit_time else q
    mixed = [sympy.Add(*(draw(rationals(1)) * speed for speed in v)) for _ in q]
    stretch = 1 + draw(st.sampled_from((0, 1))) * draw(smooth_functions(q, terms=1)) ** 2
    kinetic = stretch * sympy.Add(*(speed**2 / 2 for speed in (*v, *mixed)))
    coupling = sympy.Add(*(draw(smooth_functions(variables, terms=1)) * speed for speed in v)) if magnetic else 0
    return kinetic + coupling - draw(smooth_functions(variables))


@st.composite
def point_transformations(draw: st.DrawFn, old: Sequence[Any], new: Sequence[Any]) -> dict[Any, Any]:
    """Invertible maps {old coordinate: expression in new ones}: triangular, each with a slope of at least 1/2."""
    mapping = {}
    for index, coordinate in enumerate(old):
        shift = draw(smooth_functions(new[:index], terms=2)) if index else draw(rationals(1))
        bend = draw(st.sampled_from((0, sympy.Rational(1, 2)))) * sympy.sin(new[index])
        mapping[coordinate] = new[index] + bend + shift
    return mapping


@st.composite
def local_expressions(
    draw: st.DrawFn,
    fields: Sequence[Any],
    order: int = 1,
    terms: int = 3,
    explicit: bool = False,
    functions: bool = True,
) -> Any:
    """Real expressions in fields and their derivatives up to an order: short sums of products of a few of them.

    fields: on common coordinates, real or complex.  With `explicit` the coordinates themselves occur too; without
    `functions` there are products of up to three factors alone, else bounded functions of such, too.
    """
    place = fields[0].args
    derivatives = [each.diff(*chosen) if chosen else each for each in fields for chosen in _multi_indices(place, order)]
    real = [part for each in derivatives for part in _real_parts(each)]
    total = sympy.S.Zero
    for _ in range(draw(st.integers(1, terms))):
        factors = draw(st.lists(st.sampled_from((*real, *place) if explicit else real), min_size=1, max_size=3))
        shape = sympy.Mul(*factors)
        if functions and draw(st.booleans()):
            shape = draw(st.sampled_from(_BOUNDED))(shape)
        total += draw(rationals()) * shape
    return total


@st.composite
def density_expressions(draw: st.DrawFn, field: Any, speed: Any = 1) -> Any:
    """Relativistic densities (u_t^2 / c^2 - |grad u|^2) f(u)^2 / 2 - V(u) of a real field, with f >= 1."""
    time, *space = field.args
    stretch = 1 + draw(st.sampled_from((0, 1))) * draw(smooth_functions((field,), terms=1)) ** 2
    slopes = field.diff(time) ** 2 / speed**2 - sympy.Add(*(field.diff(x) ** 2 for x in space))
    return stretch * slopes / 2 - draw(smooth_functions((field,)))


def _multi_indices(place: Sequence[Any], order: int) -> list[tuple[Any, ...]]:
    return [chosen for k in range(order + 1) for chosen in itertools.combinations_with_replacement(place, k)]


def _real_parts(each: Any) -> tuple[Any, ...]:
    """A real expression itself; z + z* and i (z* - z) of a complex one."""
    if not any(is_complex_field(node) for node in each.atoms(sympy.Function)):
        return (each,)
    bar = sympy.conjugate(each)
    return (each + bar, sympy.I * (bar - each))
