"""What components of a state are called in files, data sets and pictures: theta1, theta1_dot, and their LaTeX."""

from __future__ import annotations

import re
from typing import Any

import sympy
from sympy.core.function import AppliedUndef, Derivative
from sympy.physics.vector.printing import vlatex

from symphys.language import t

_SUFFIXES = ("", "_dot", "_ddot")
_RATE = re.compile(r"^Derivative\((?P<base>.+)\(t\), (?:t|\(t, (?P<order>\d+)\))\)$")
_FUNCTION = re.compile(r"^(?P<base>.+)\(t\)$")
_PLAIN = re.compile(r"^(?P<base>.+?)_(?P<dots>dot|ddot|d(?P<order>[3-9]\d*))$")


def plain_name(label: Any) -> str:
    """A name without brackets for a coordinate, a rate, a parameter, or the text of one of these.

    theta1(t) is "theta1", its derivatives "theta1_dot", "theta1_ddot", "theta1_d3", ...; a plain name is its own.
    """
    if isinstance(label, AppliedUndef) and label.args == (t,):
        return str(label.func.__name__)
    if isinstance(label, Derivative) and isinstance(label.expr, AppliedUndef) and set(label.variables) == {t}:
        return _with_order(str(label.expr.func.__name__), len(label.variables))
    text = str(label)
    if rate := _RATE.match(text):
        return _with_order(rate["base"], int(rate["order"] or 1))
    function = _FUNCTION.match(text)
    return function["base"] if function else text


def latex_name(label: Any) -> str:
    """The LaTeX of a coordinate, rate or parameter without dollar signs; dots stand for time derivatives."""
    if isinstance(label, str):
        label = _symbolic(plain_name(label))
    return str(vlatex(label)) if isinstance(label, sympy.Basic) else str(label)


def _with_order(base: str, order: int) -> str:
    return base + (_SUFFIXES[order] if order < len(_SUFFIXES) else f"_d{order}")


def _symbolic(name: str) -> Any:
    rate = _PLAIN.match(name)
    if rate is None:
        return sympy.Symbol(name)
    order = {"dot": 1, "ddot": 2}.get(rate["dots"]) or int(rate["order"])
    return sympy.Function(rate["base"])(t).diff(t, order)
