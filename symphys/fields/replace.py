"""Fields replaced by expressions: what an equation or a condition says of an ansatz."""

from collections.abc import Mapping
from typing import Any

from sympy.core.function import AppliedUndef

from symphys.language.fields import is_field


def with_fields_replaced(expression: Any, ansatz: Mapping[Any, Any]) -> Any:
    """An expression in fields, their derivatives and values on faces (psi.subs(t, 0)), with each field replaced.

    ansatz: {psi(t, x): expression in t and x}; derivatives are carried out.
    """
    by_class = {field.func: (field.args, value) for field, value in ansatz.items()}

    def value(node: Any) -> Any:
        coordinates, written = by_class[node.func]
        moved = {x: at for x, at in zip(coordinates, node.args, strict=True) if x != at}
        return written.subs(moved, simultaneous=True) if moved else written

    return expression.replace(lambda node: isinstance(node, AppliedUndef) and node.func in by_class, value).doit()


def functions_left(expression: Any) -> list[Any]:
    """Fields and external functions that nothing replaced, sorted by name."""
    return sorted(expression.atoms(AppliedUndef), key=str)


def fields_in(expression: Any) -> list[Any]:
    """The fields in an expression, at any place, sorted by name."""
    return sorted((node for node in expression.atoms(AppliedUndef) if is_field(node)), key=str)
