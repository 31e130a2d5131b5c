"""Jet space: coordinates, velocities, accelerations, ... as independent real symbols.

The variation of an action treats q, q', q'', ... as independent (Olver, "Applications of Lie Groups to Differential
Equations", 2nd ed., section 2.3).  Users write functions of time; this is the border between the two.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sympy
from sympy.core.function import Derivative

from symphys.errors import InputError
from symphys.language.symbols import is_function_of_time, t
from symphys.mechanics.graph import is_opaque, postorder, substitute

_SUFFIXES = ("", "_dot", "_ddot")


@dataclass(frozen=True)
class JetSpace:
    """The jet symbols of some functions of time, with time itself as a real symbol.

    `functions` are what users write, `names` the names of their symbols (made distinct from each other and from those
    of the parameters), and `depth` the highest order of derivative that has a symbol.
    """

    functions: tuple[Any, ...]
    names: tuple[str, ...]
    depth: int = 4
    time: Any = field(default_factory=lambda: sympy.Symbol(t.name, real=True))

    def symbol(self, function: Any, order: int = 0) -> Any:
        """The jet symbol of the derivative of the given order of `function`."""
        return self._symbols[function, order]

    def symbols(self, functions: Iterable[Any], order: int = 0) -> tuple[Any, ...]:
        """The jet symbols of the derivatives of the given order of several functions."""
        return tuple(self._symbols[function, order] for function in functions)

    def order(self, symbol: Any) -> tuple[Any, int] | None:
        """The function and the order of derivative that a jet symbol stands for; None for another symbol."""
        return self._orders.get(symbol)

    @cached_property
    def total_derivative(self) -> Mapping[Any, Any]:
        """The rates of all jet symbols but those of the highest order: t' = 1, q' = q_dot, q_dot' = q_ddot, ..."""
        rates = {self._symbols[f, k]: self._symbols[f, k + 1] for f in self.functions for k in range(self.depth)}
        return {self.time: sympy.S.One, **rates}

    @cached_property
    def to_user(self) -> Mapping[Any, Any]:
        """What users write for each jet symbol."""
        # made without evaluation, which for Derivative means many questions about assumptions
        written = {
            symbol: (f if k == 0 else Derivative(f, (t, k), evaluate=False)) for (f, k), symbol in self._symbols.items()
        }
        return {self.time: t, **written}

    @cached_property
    def from_user(self) -> Mapping[Any, Any]:
        """The jet symbol for everything that users write."""
        return {written: symbol for symbol, written in self.to_user.items()}

    @cached_property
    def _symbols(self) -> Mapping[tuple[Any, int], Any]:
        return {
            (function, order): sympy.Symbol(_name(base, order), real=True)
            for function, base in zip(self.functions, self.names, strict=True)
            for order in range(self.depth + 1)
        }

    @cached_property
    def _orders(self) -> Mapping[Any, tuple[Any, int]]:
        return {symbol: key for key, symbol in self._symbols.items()}


def jet_space(functions: Iterable[Any], parameters: Iterable[Any] = (), depth: int = 4) -> JetSpace:
    """The jet space of `functions` of time, with names that no parameter bears."""
    functions = tuple(functions)
    taken = {t.name, *(parameter.name for parameter in parameters)}
    names = []
    for function in functions:
        base = function.func.__name__
        while taken & {_name(base, order) for order in range(depth + 1)}:
            base += "_"
        taken |= {_name(base, order) for order in range(depth + 1)}
        names.append(base)
    return JetSpace(functions, tuple(names), depth)


def to_jet(expression: Any, space: JetSpace) -> Any:
    """What a user wrote in functions of time, in jet symbols.

    Raises `InputError` for functions of time that `space` does not have, and for derivatives of too high an order.
    """
    expression = evaluated(expression)
    for function in _functions_of_time(expression):
        if function not in space.functions:
            known = ", ".join(str(each) for each in space.functions)
            raise InputError(f"{function} is no function of time of this system; it has {known}.")
    (converted,) = substitute((expression,), space.from_user)
    for node in postorder((converted,)):
        if isinstance(node, Derivative) and space.time in node.variables:
            raise InputError(f"{expression} holds a derivative of an order above {space.depth}.")
    return converted


def from_jet(expression: Any, space: JetSpace) -> Any:
    """An expression in jet symbols as users write it, in functions of time and their derivatives."""
    return substitute((expression,), space.to_user)[0]


def evaluated(expression: Any) -> Any:
    """`expression` with time derivatives of compounds, such as Derivative(x*y, t), carried out."""
    compounds = {
        node: node.doit(deep=True)
        for node in postorder((expression,))
        if isinstance(node, Derivative) and t in node.variables and not is_function_of_time(node.expr)
    }
    return substitute((expression,), compounds)[0] if compounds else expression


def _functions_of_time(expression: Any) -> list[Any]:
    nodes = postorder((expression,))
    hidden = [function for node in nodes if is_opaque(node) for function in node.atoms(sympy.Function)]
    return [node for node in (*nodes, *hidden) if is_function_of_time(node)]


def _name(base: str, order: int) -> str:
    return base + (_SUFFIXES[order] if order < len(_SUFFIXES) else f"_d{order}")
