"""What a Lagrangian is written in: time, coordinates, parameters, inputs and their time derivatives."""

from typing import Any, Protocol, runtime_checkable

import sympy
from sympy.core.function import AppliedUndef
from sympy.physics.vector import dynamicsymbols

from symphys.errors import InputError
from symphys.language.names import read_names

#: Time: the very symbol that `sympy.physics.mechanics` differentiates by, treated as real.
t: sympy.Symbol = dynamicsymbols._t

# Carried by the function class of an input as an attribute, which SymPy takes into account when it compares.
_INPUT = "input"


def coordinates(names: str) -> Any:
    """Generalised coordinates: real functions of time, one object for one name and a tuple for several.

    `names` is read as by `sympy.symbols`: `coordinates("x y")`, `coordinates("theta1:4")`.  SymPy's own
    `dynamicsymbols("q")` and `Function("q")(t)` may stand wherever a coordinate may.  Raises `InputError` for an
    empty, repeated or reserved name.
    """
    return _one_or_all(tuple(_function_of_time(name) for name in _unreserved(names, "coordinates")))


def canonical(names: str) -> tuple[Any, ...]:
    """Phase-space coordinates in canonical pairs, named in the order q1 p1 q2 p2 ...; {q, p} = 1.

    Raises `InputError` if the number of names is odd.
    """
    read = _unreserved(names, "canonical coordinates")
    if len(read) % 2:
        raise InputError(
            f"Canonical coordinates come in pairs, 'q p' or 'q1 p1 q2 p2', but {names!r} holds {len(read)} names."
        )
    return tuple(_function_of_time(name) for name in read)


def parameters(names: str, **assumptions: bool) -> Any:
    """Constant parameters: real symbols, with any further SymPy assumptions (`positive=True`, `integer=True`, ...).

    One object for one name and a tuple for several.  What is assumed here is checked when values are given.  Raises
    `InputError` for an empty, repeated or reserved name, and for assumptions that no real number fulfils.
    """
    read = _unreserved(names, "parameters")
    try:
        made = tuple(sympy.Symbol(name, **{"real": True, **assumptions}) for name in read)
    except (ValueError, TypeError) as error:  # SymPy's InconsistentAssumptions is a ValueError
        raise InputError(f"The parameters {names!r} cannot be real with the assumptions {assumptions}.") from error
    return _one_or_all(made)


def symbol(name: str, **assumptions: bool) -> Any:
    """One real symbol that stands for itself, for example the parameter of a family of transformations."""
    read = _unreserved(name, "symbols")
    if len(read) > 1:
        raise InputError(f"symbol() makes one symbol, but {name!r} holds {len(read)} names; use parameters().")
    return parameters(name, **assumptions)


def input_signal(name: str) -> Any:
    """An input u(t): a real function of time that is given from outside when a run starts, not a coordinate."""
    read = _unreserved(name, "input signals")
    return _one_or_all(tuple(_function_of_time(each, role=_INPUT) for each in read))


def dot(expression: Any) -> Any:
    """The time derivative of a coordinate, a momentum or any expression, by the chain rule."""
    return _rate(expression, 1)


def ddot(expression: Any) -> Any:
    """The second time derivative of a coordinate, a momentum or any expression."""
    return _rate(expression, 2)


def is_function_of_time(expression: Any) -> bool:
    """Whether `expression` is an undetermined function of time alone, as coordinates and inputs are."""
    return isinstance(expression, AppliedUndef) and expression.args == (t,)


def is_input_signal(expression: Any) -> bool:
    """Whether `expression` was made by `input_signal`."""
    return is_function_of_time(expression) and getattr(expression.func, "role", None) == _INPUT


def _function_of_time(name: str, **role: str) -> Any:
    return sympy.Function(name, real=True, **role)(t)


def _unreserved(names: str, what: str) -> tuple[str, ...]:
    read = read_names(names, what)
    if t.name in read:
        raise InputError(f"{t.name!r} is the time; use symphys.t for it, and another name for these {what}.")
    return read


def _one_or_all(made: tuple[Any, ...]) -> Any:
    return made[0] if len(made) == 1 else made


@runtime_checkable
class HasRate(Protocol):
    """What is no expression and has a time derivative nevertheless, such as particles."""

    def rate(self, order: int) -> Any:
        """The time derivative of that order."""


def _rate(expression: Any, order: int) -> Any:
    if isinstance(expression, HasRate) and not isinstance(expression, sympy.Basic):
        return expression.rate(order)
    try:
        expression = sympy.sympify(expression, strict=True)
    except sympy.SympifyError as error:
        raise InputError(
            f"Only SymPy expressions have a time derivative; {expression!r} is of type {type(expression).__name__}."
        ) from error
    if not isinstance(expression, sympy.Expr | sympy.MatrixBase):
        raise InputError(f"{expression} has no time derivative: it is of type {type(expression).__name__}.")
    return expression.diff(t, order)
