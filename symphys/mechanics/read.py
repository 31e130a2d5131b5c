"""Reading what a user wrote: which functions are coordinates, which inputs, which symbols parameters.

Everything that can be wrong with an expression is refused here, so that what follows may trust it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sympy
from sympy.core.function import AppliedUndef, Derivative

from symphys.errors import InputError
from symphys.language.names import natural_order
from symphys.language.networks import networks_in
from symphys.language.symbols import is_function_of_time, is_input_signal, t
from symphys.mechanics.graph import free_symbols, is_opaque, postorder
from symphys.mechanics.jets import evaluated


@dataclass(frozen=True)
class Contents:
    """What stands in some expressions: functions of time with the highest derivative of each, and parameters."""

    orders: dict[Any, int]
    parameters: tuple[Any, ...]

    @property
    def functions(self) -> tuple[Any, ...]:
        """All functions of time, sorted by name with numbers as numbers."""
        return by_name(self.orders)

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The functions of time that were made by `input_signal`."""
        return tuple(function for function in self.functions if is_input_signal(function))


def by_name(things: Iterable[Any]) -> tuple[Any, ...]:
    """Functions of time or symbols, sorted by name with numbers as numbers."""
    return tuple(sorted(things, key=lambda thing: natural_order(name_of(thing))))


def name_of(thing: Any) -> str:
    """The name of a symbol or of a function of time, without its argument."""
    return thing.func.__name__ if isinstance(thing, AppliedUndef) else str(thing)


def one_scalar(expression: Any, what: str) -> Any:
    """`expression` as a SymPy scalar; `InputError` if it is no SymPy expression or number, or not finite."""
    try:
        read = sympy.sympify(expression, strict=True)
    except sympy.SympifyError as error:
        raise InputError(
            f"The {what} must be a SymPy expression, but {expression!r} is of type {type(expression).__name__}."
        ) from error
    if isinstance(read, sympy.MatrixBase):
        one = "; take its entry, (...)[0]" if read.shape == (1, 1) else ""
        raise InputError(
            f"The {what} must be one scalar expression, but a matrix of shape {read.shape} was given{one}."
        )
    if not isinstance(read, sympy.Expr) or not read.is_commutative:
        raise InputError(
            f"The {what} must be one scalar SymPy expression, but {read} is of type {type(read).__name__}."
        )
    for node in postorder((read,)):
        if node in (sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
            raise InputError(f"The {what} is not finite: it holds {node}.")
    return read


def scalar(expression: Any, what: str) -> Any:
    """`expression` as a real SymPy scalar, with compound time derivatives carried out.

    Raises `InputError` if it is no SymPy expression or number, is not finite, or is complex.
    """
    read = one_scalar(expression, what)
    if any(node is sympy.I for node in postorder((read,))):
        raise InputError(
            f"The {what} must be real, but it holds the imaginary unit; write it in real and imaginary parts."
        )
    return evaluated(read)


def contents(expressions: Iterable[Any], what: str) -> Contents:
    """The functions of time and parameters in `expressions`, which `scalar` has read.

    Raises `InputError` for functions of a time that is not `symphys.t`, for delayed or scaled time, for two things of
    one name, and for symbols that are no scalars.
    """
    expressions = tuple(expressions)
    nodes = postorder(expressions)
    orders: dict[Any, int] = {}
    for node in nodes:
        _count(node, orders)
        if is_opaque(node):
            for inner in node.atoms(AppliedUndef, Derivative):
                _count(inner, orders)
    symbols = free_symbols(expressions)
    for node in symbols - {t}:
        _check_symbol(node, what)
    for node in nodes:
        if isinstance(node, sympy.Indexed | sympy.MatrixSymbol):
            name = str(node.base if isinstance(node, sympy.Indexed) else node)
            raise InputError(
                f"{node} in the {what} is an element of an array; make the array by parameter_array('{name}', shape), "
                "whose elements are parameters."
            )
    found = Contents(orders, by_name(symbols - {t}))
    _check_names(found, what)
    _check_networks(networks_in(nodes), what)
    return found


def _count(node: Any, orders: dict[Any, int]) -> None:
    if is_function_of_time(node):
        orders.setdefault(node, 0)
    elif isinstance(node, Derivative) and is_function_of_time(node.expr) and set(node.variables) == {t}:
        orders[node.expr] = max(orders.get(node.expr, 0), len(node.variables))
    elif isinstance(node, AppliedUndef):
        _check_arguments(node)


def _check_arguments(node: Any) -> None:
    inside = node.atoms(AppliedUndef) - {node}
    if len(node.args) == 1 and t in node.free_symbols and not inside:
        raise InputError(
            f"{node} is a function of {node.args[0]}; only functions of the time itself, {node.func}({t}), can be "
            "followed, not delayed or scaled ones."
        )
    if len(node.args) == 1 and isinstance(node.args[0], sympy.Symbol) and node.args[0].name == t.name:
        raise InputError(
            f"{node} is a function of a symbol called {t.name!r} that is not the time; use symphys.t (the same as "
            "SymPy's dynamicsymbols._t)."
        )


def _check_symbol(symbol: Any, what: str) -> None:
    if symbol.name == t.name:
        raise InputError(
            f"The symbol {symbol} in the {what} is not the time, although it has its name; use symphys.t (the same as "
            "SymPy's dynamicsymbols._t), or rename it."
        )
    if symbol.is_extended_real is False:
        raise InputError(f"The symbol {symbol} in the {what} is assumed not to be real; parameters must be real.")


def _check_names(found: Contents, what: str) -> None:
    bearers: dict[str, Any] = {}
    for thing in (*found.functions, *found.parameters):
        name = name_of(thing)
        other = bearers.setdefault(name, thing)
        if other is thing or other == thing:
            continue
        if is_function_of_time(other) and is_function_of_time(thing):
            raise InputError(
                f"Two different functions of time in the {what} are both called {name}, with the assumptions "
                f"{_assumptions(other)} and {_assumptions(thing)}; use one of them throughout."
            )
        if not is_function_of_time(other):
            raise InputError(
                f"Two different parameters in the {what} are both called {name}, with the assumptions "
                f"{_assumptions(other)} and {_assumptions(thing)}; use one of them throughout."
            )


def _check_networks(networks: tuple[Any, ...], what: str) -> None:
    for one, other in pairwise(networks):
        if one.name == other.name:
            raise InputError(
                f"Two different networks in the {what} are both called {one.name}: {one!r} and {other!r}; use one of "
                "them throughout, or give them two names."
            )


def _assumptions(thing: Any) -> str:
    held = thing.assumptions0 if isinstance(thing, sympy.Symbol) else getattr(thing.func, "_kwargs", {})
    return "(" + ", ".join(sorted(name for name, value in held.items() if value and name != "commutative")) + ")"
