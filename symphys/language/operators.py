"""Differential operators on fields and on expressions in fields, in Cartesian coordinates."""

from collections.abc import Iterable, Sequence
from typing import Any

import sympy

from symphys.errors import InputError
from symphys.language.fields import coordinates_of


def gradient(expression: Any, space: Iterable[Any] | None = None) -> tuple[Any, ...]:
    """(df/dx, df/dy, ...), one component for each coordinate of space.

    space: the coordinates; by default all but the time of the fields in the expression.  Raises `InputError` if there
    are none.
    """
    return tuple(sympy.sympify(expression).diff(x) for x in _space((expression,), space))


def divergence(vector: Sequence[Any], space: Iterable[Any] | None = None) -> Any:
    """df_x/dx + df_y/dy + ... of a vector with one component for each coordinate of space.

    Raises `InputError` where the numbers of components and coordinates differ.
    """
    place = _space(vector, space)
    _check(vector, place, "divergence")
    return sympy.Add(*(sympy.sympify(each).diff(x) for each, x in zip(vector, place, strict=True)))


def laplacian(expression: Any, space: Iterable[Any] | None = None) -> Any:
    """d2f/dx2 + d2f/dy2 + ...; raises as `gradient` does."""
    return sympy.Add(*(sympy.sympify(expression).diff(x, 2) for x in _space((expression,), space)))


def curl(vector: Sequence[Any], space: Iterable[Any] | None = None) -> Any:
    """The curl of a vector: three components in three dimensions, the scalar df_y/dx - df_x/dy in two.

    Raises `InputError` in other dimensions, and where the numbers of components and coordinates differ.
    """
    place = _space(vector, space)
    _check(vector, place, "curl")
    if len(place) not in (2, 3):
        raise InputError(f"A curl exists in two and three dimensions, not in {len(place)}.")

    def turned(i: int, j: int) -> Any:
        return sympy.sympify(vector[j]).diff(place[i]) - sympy.sympify(vector[i]).diff(place[j])

    return turned(0, 1) if len(place) == 2 else (turned(1, 2), turned(2, 0), turned(0, 1))


def dalembertian(expression: Any, speed: Any = 1) -> Any:
    """d2f/dt2 / speed^2 - d2f/dx2 - ...; the coordinates are those of the fields in the expression."""
    time, *space = coordinates_of(expression)
    return sympy.sympify(expression).diff(time, 2) / speed**2 - laplacian(expression, space)


def _space(expressions: Iterable[Any], space: Iterable[Any] | None) -> tuple[Any, ...]:
    if space is not None:
        return tuple(space)
    return coordinates_of(sympy.Tuple(*expressions))[1:]


def _check(vector: Sequence[Any], place: Sequence[Any], what: str) -> None:
    if len(vector) != len(place):
        names = ", ".join(map(str, place))
        raise InputError(
            f"The {what} needs one component for each coordinate of space, {names}, but there are {len(vector)}; of a "
            "vector field take A[1:]."
        )
