"""How systems are shown to people: LaTeX for notebooks, plain text for terminals."""

import re
from collections.abc import Iterable
from typing import Any

import sympy
from sympy.core.alphabets import greeks
from sympy.physics.vector.printing import VectorStrPrinter, vlatex

from symphys.mechanics.graph import written_operations

_MAX_OPERATIONS = 3000  # beyond this an equation fills pages
_GREEK = frozenset({*greeks, *(letter.capitalize() for letter in greeks)})


def latex_lines(equations: Iterable[Any]) -> str:
    """Equations under each other, aligned at their equality signs, with dots for time derivatives."""
    lines = [f"{latex(equation.lhs)} &= {latex(equation.rhs)}" for equation in equations]
    return "$\\displaystyle \\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}$"


def text_lines(equations: Iterable[Any]) -> str:
    """Equations in lines of their own, with primes for time derivatives."""
    return "\n".join(f"  {text(equation.lhs)} = {text(equation.rhs)}" for equation in equations)


def latex(expression: Any) -> str:
    """One expression in LaTeX, or its length where it would fill pages."""
    operations = written_operations(expression)
    if operations > _MAX_OPERATIONS:
        return rf"\left(\text{{{operations} operations}}\right)"
    # SymPy knows theta1 and p_1 but not p_theta1, the momentum of theta1.
    return re.sub(r"_\{([A-Za-z]+)(\d*)\}", _subscript, str(vlatex(expression)))


def text(expression: Any) -> str:
    """One expression in plain text, or its length where it would fill pages."""
    operations = written_operations(expression)
    return f"({operations} operations)" if operations > _MAX_OPERATIONS else str(VectorStrPrinter().doprint(expression))


def _subscript(match: re.Match[str]) -> str:
    name, number = match.groups()
    if name not in _GREEK:
        return match.group(0)
    return rf"_{{{sympy.latex(sympy.Symbol(name + number))}}}"
