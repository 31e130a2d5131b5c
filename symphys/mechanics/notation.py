"""How systems are shown to people: LaTeX for notebooks, plain text for terminals."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import sympy
from sympy.core.alphabets import greeks
from sympy.physics.vector.printing import VectorStrPrinter, vlatex

from symphys.language.convolution import Convolution
from symphys.language.fields import derivative_of
from symphys.mechanics.graph import postorder, substitute, written_operations

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
    expression = _compact(expression, lambda node: sympy.Symbol(rf"\left({sympy.latex(node)}\right)"))
    # SymPy knows theta1 and p_1 but not p_theta1, the momentum of theta1.
    return re.sub(r"_\{([A-Za-z]+)(\d*)\}", _subscript, str(vlatex(expression)))


def text(expression: Any) -> str:
    """One expression in plain text, or its length where it would fill pages."""
    operations = written_operations(expression)
    if operations > _MAX_OPERATIONS:
        return f"({operations} operations)"
    return str(VectorStrPrinter().doprint(_compact(expression, _convolution_in_text)))


def _compact(expression: Any, convolution: Callable[[Any], Any]) -> Any:
    """Fields and external functions without their arguments, derivatives of them as psi_t, psi_xx, ..."""
    replaced: dict[Any, Any] = {}
    for node in postorder((expression,)):
        if isinstance(node, Convolution):
            replaced[node] = convolution(node)
        elif (found := derivative_of(node)) is not None:
            function, counts = found
            names = [x.name for x in function.args for _ in range(counts.get(x, 0))]
            subscript = ("" if all(len(name) == 1 for name in names) else " ").join(names)
            name = function.func.__name__ + ("_" + subscript if names else "")
            replaced[node] = sympy.Symbol(name, real=True) if function.is_extended_real else sympy.Symbol(name)
    return substitute((expression,), replaced)[0] if replaced else expression


def _convolution_in_text(node: Any) -> Any:
    kernel, inner = node.kernel.expr, _compact(node.expression, _convolution_in_text)
    return sympy.Function("convolution")(kernel, inner)


def _subscript(match: re.Match[str]) -> str:
    name, number = match.groups()
    if name not in _GREEK:
        return match.group(0)
    return rf"_{{{sympy.latex(sympy.Symbol(name + number))}}}"
