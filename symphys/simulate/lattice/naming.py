"""What fields are called in files, data sets and pictures: phi, phi_t, psi."""

from __future__ import annotations

import re
from typing import Any

import sympy
from sympy.core.function import AppliedUndef, Derivative

_RATE = re.compile(r"^Derivative\((?P<base>[^(),]+)\(.*?\), (?P<by>.+)\)$")
_FUNCTION = re.compile(r"^(?P<base>[^(),]+)\(.*\)$")


def field_name(label: Any) -> str:
    """A name without brackets for a field phi(t, x), a derivative of one (phi_t), a parameter, or the text of these."""
    if isinstance(label, Derivative) and isinstance(label.expr, AppliedUndef):
        by = "".join(str(x) * int(order) for x, order in label.variable_count)
        return f"{label.expr.func.__name__}_{by}"
    if isinstance(label, AppliedUndef):
        return str(label.func.__name__)
    text = str(label)
    if rate := _RATE.match(text):
        return f"{rate['base']}_{rate['by']}"
    function = _FUNCTION.match(text)
    return function["base"] if function else text


def field_latex(label: Any) -> str:
    """The LaTeX of a field, a derivative of one (an index) or a parameter, without dollar signs."""
    return str(sympy.latex(sympy.Symbol(field_name(label))))
