"""Hypothesis strategies for random mechanical systems, for our own tests and for those of users.

Needs Hypothesis (the extra `test`); import this module by its name, `symphys.verify.strategies`.
"""

from collections.abc import Sequence
from typing import Any

import sympy
from hypothesis import strategies as st

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
