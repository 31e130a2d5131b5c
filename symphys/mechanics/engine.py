"""SymEngine, where it is installed, for sums, products, powers and elementary functions; SymPy does the rest.

SymEngine differentiates and multiplies out some fifty times faster.  It knows no assumptions, so symbols travel by
their names and are put back; expressions that it would not return as they were do not travel at all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import sympy

from symphys.mechanics.graph import postorder

_FUNCTIONS = (
    sympy.sin, sympy.cos, sympy.tan, sympy.exp, sympy.log, sympy.sinh, sympy.cosh, sympy.tanh, sympy.asin, sympy.acos,
    sympy.atan, sympy.asinh, sympy.acosh, sympy.atanh,
)  # fmt: skip
_SMALL = 40  # nodes; below this the journey costs more than it saves


@dataclass(frozen=True)
class Travelled:
    """Expressions in SymEngine, and the way back: SymPy's symbols by name."""

    engine: ModuleType
    expressions: tuple[Any, ...]
    symbols: dict[str, Any]

    def back(self, expressions: Iterable[Any], further: Mapping[str, Any] | None = None) -> tuple[Any, ...]:
        """Expressions of SymEngine in SymPy, with the symbols that they came from (and `further` ones)."""
        table = {sympy.Symbol(name): symbol for name, symbol in {**self.symbols, **(further or {})}.items()}
        return tuple(self.engine.sympify(each)._sympy_().xreplace(table) for each in expressions)


def travelled(expressions: Iterable[Any]) -> Travelled | None:
    """`expressions` in SymEngine; None where it is not installed, would not understand them, or is not worth while."""
    expressions = tuple(expressions)
    nodes = postorder(expressions)
    if len(nodes) < _SMALL or not all(map(_travels, nodes)):
        return None
    engine = _engine()
    symbols = {node.name: node for node in nodes if isinstance(node, sympy.Symbol)}
    if engine is None or len(symbols) < sum(isinstance(node, sympy.Symbol) for node in nodes):
        return None
    return Travelled(engine, tuple(map(engine.sympify, expressions)), symbols)


def expanded(expression: Any) -> Any:
    """Products and powers multiplied out, not those in exponents, bases of roots or logarithms."""
    away = travelled((expression,)) if _is_polynomial(expression) else None
    if away is None:
        return sympy.expand(expression, power_base=False, power_exp=False, log=False)
    return away.back((away.engine.expand(away.expressions[0]),))[0]


def _is_polynomial(expression: Any) -> bool:
    """Whether there is nothing inside which SymPy would multiply out and SymEngine would not."""
    nodes = postorder((expression,))
    return not any(isinstance(n, sympy.Function) or (n.is_Pow and not n.exp.is_Integer) for n in nodes) and not any(
        node.is_Pow and node.exp.is_negative and node.base.is_Add for node in nodes
    )


def _travels(node: Any) -> bool:
    if isinstance(node, sympy.Add | sympy.Mul | sympy.Rational) or node is sympy.I:
        return True
    if isinstance(node, sympy.Symbol):
        return not isinstance(node, sympy.Dummy) and bool(node.is_commutative)
    return (isinstance(node, sympy.Pow) and node.exp.is_Rational) or isinstance(node, _FUNCTIONS)


@cache
def _engine() -> ModuleType | None:
    try:
        import symengine
    except ImportError:
        return None
    return symengine
