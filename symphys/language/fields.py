"""What a Lagrangian density is written in: spacetime, fields over it, and potentials that are given from outside."""

from collections.abc import Iterable
from typing import Any

import sympy
from sympy.core.function import AppliedUndef, Derivative

from symphys.errors import InputError
from symphys.language.names import read_names
from symphys.language.symbols import t

# Carried by the function class as an attribute, which SymPy takes into account when it compares.
_FIELD, _EXTERNAL = "field", "external"


def spacetime(names: str) -> tuple[Any, ...]:
    """Coordinates of spacetime, real symbols; the first is the time: `t, x, y = spacetime("t x y")`.

    Raises `InputError` for an empty or repeated name, and where there is no coordinate but the time.
    """
    read = read_names(names, "coordinates of spacetime")
    if len(read) < 2:
        raise InputError(
            f"Spacetime needs the time and at least one coordinate of space, such as 't x', but {names!r} names one; "
            "what depends on time alone is made by coordinates()."
        )
    return tuple(sympy.Symbol(name, real=True) for name in read)


def scalar_field(names: str, where: Iterable[Any]) -> Any:
    """Real fields phi(t, x, ...), one object for one name and a tuple for several, as in "phi" or "phi1:4".

    where: the coordinates of spacetime, the time first.  Raises `InputError` for an empty or repeated name, a name that
    a coordinate bears, and for coordinates that `spacetime` did not make.
    """
    return _one_or_all(names, where, "fields", real=True, role=_FIELD)


def complex_field(names: str, where: Iterable[Any]) -> Any:
    """Complex fields psi(t, x, ...), one object for one name and a tuple for several; psi and conjugate(psi) vary
    apart.

    where: the coordinates of spacetime, the time first.  Raises as `scalar_field` does.
    """
    return _one_or_all(names, where, "fields", complex=True, role=_FIELD)


def vector_field(name: str, where: Iterable[Any]) -> tuple[Any, ...]:
    """A real field with one component for each coordinate of spacetime, with upper index: A[0], A[1:].

    The components are called A0, A1, ...; where: as for `scalar_field`, and it raises as that does.
    """
    where = tuple(where)
    (read,) = _single(name, "vector fields")
    return tuple(_function(f"{read}{index}", _read(where), real=True, role=_FIELD) for index in range(len(where)))


def external(names: str, where: Iterable[Any]) -> Any:
    """Real functions of some coordinates that are given when a run starts, as arrays or callables; they do not vary.

    where: the coordinates that they depend on, in any order, among them the time or not.  One object for one name and a
    tuple for several.  Raises as `scalar_field` does.
    """
    return _one_or_all(names, where, "external functions", real=True, role=_EXTERNAL)


def is_field(expression: Any) -> bool:
    """Whether `expression` was made by `scalar_field`, `complex_field` or `vector_field`."""
    return isinstance(expression, AppliedUndef) and getattr(expression.func, "role", None) == _FIELD


def is_external(expression: Any) -> bool:
    """Whether `expression` was made by `external`."""
    return isinstance(expression, AppliedUndef) and getattr(expression.func, "role", None) == _EXTERNAL


def is_complex_field(expression: Any) -> bool:
    """Whether `expression` was made by `complex_field`."""
    return is_field(expression) and not expression.is_extended_real


def coordinates_of(expression: Any) -> tuple[Any, ...]:
    """The coordinates of spacetime of the fields in an expression, the time first.

    Raises `InputError` if there are no fields, or if they live on different coordinates.
    """
    found = sorted({node.args for node in sympy.sympify(expression).atoms(AppliedUndef) if is_field(node)}, key=str)
    if not found:
        raise InputError(f"{expression} holds no field, so its coordinates of space are unknown; name them.")
    if len(found) > 1:
        raise InputError(
            f"The fields in one expression must depend on the same coordinates in the same order, but there are "
            f"{found[0]} and {found[1]}."
        )
    return tuple(found[0])


def derivative_of(expression: Any) -> tuple[Any, dict[Any, int]] | None:
    """(f, {coordinate: order}) for a field or external function f or a derivative of one; None for anything else."""
    if is_field(expression) or is_external(expression):
        return expression, {}
    if isinstance(expression, Derivative) and (is_field(expression.expr) or is_external(expression.expr)):
        counts = {variable: int(count) for variable, count in expression.variable_count if count.is_Integer}
        return (expression.expr, counts) if len(counts) == len(expression.variable_count) else None
    return None


def _one_or_all(names: str, where: Iterable[Any], what: str, **assumptions: Any) -> Any:
    place = _read(where)
    read = read_names(names, what)
    made = tuple(_function(name, place, **assumptions) for name in read)
    return made[0] if len(made) == 1 else made


def _function(name: str, where: tuple[Any, ...], **assumptions: Any) -> Any:
    if name in {coordinate.name for coordinate in where}:
        raise InputError(f"{name!r} is a coordinate here; a field or an external function needs another name.")
    return sympy.Function(name, **assumptions)(*where)


def _single(name: str, what: str) -> tuple[str, ...]:
    read = read_names(name, what)
    if len(read) > 1:
        raise InputError(
            f"One name at a time for {what}, whose components are numbered, but {name!r} holds {len(read)}."
        )
    return read


def _read(where: Iterable[Any]) -> tuple[Any, ...]:
    place = tuple(where) if isinstance(where, Iterable) else (where,)
    for coordinate in place:
        if coordinate == t:
            raise InputError(
                f"{t} is the time of systems with finitely many coordinates; fields live on coordinates that "
                "spacetime() makes, such as t, x = spacetime('t x')."
            )
        if not isinstance(coordinate, sympy.Symbol) or not coordinate.is_real:
            raise InputError(f"{coordinate!r} is no coordinate of spacetime; make them by spacetime('t x').")
    if not place or len(set(place)) < len(place):
        raise InputError(f"Fields and external functions depend on distinct coordinates, but {place} was given.")
    return place
