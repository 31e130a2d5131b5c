"""Comparisons, truth, selection, and the functions that are piecewise constant or linear."""

from __future__ import annotations

import numpy as np

from ..ir import Kind, Node, node, real
from .row import Primitive
from .series import Series

R, B = Kind.REAL, Kind.BOOL


def _select(condition: Node, a: Node, b: Node) -> Node:
    return a if a == b else node("select", (condition, a, b), a.kind)


def _less(a: Node, b: Node) -> Node:
    return node("lt", (a, b), B)


def _sign(a: Node) -> Node:
    return node("sign", (a,), R)


def _zero(_order: int, _node: Node, _series: Series) -> Node:
    """Functions that are constant between their jumps."""
    return real(0.0)


def _picked(condition: Node) -> tuple[Node, Node]:
    """The partials of a choice: one for what is chosen, zero for the other."""
    return _select(condition, real(1.0), real(0.0)), _select(condition, real(0.0), real(1.0))


def _chosen(k: int, n: Node, series: Series) -> Node:
    """The coefficient of the branch that the value at the expansion point takes."""
    condition, a, b = n.args
    return _select(series(condition, 0), series(a, k), series(b, k))


def _smaller(k: int, n: Node, series: Series) -> Node:
    a, b = n.args
    return _select(_less(series(b, 0), series(a, 0)), series(b, k), series(a, k))


def _larger(k: int, n: Node, series: Series) -> Node:
    a, b = n.args
    return _select(_less(series(a, 0), series(b, 0)), series(b, k), series(a, k))


ROWS = (
    Primitive("lt", (None, None), B, np.less, "({0} < {1})", "({0} < {1})", "lt", ulp=0.0),
    Primitive("le", (None, None), B, np.less_equal, "({0} <= {1})", "({0} <= {1})", "le", ulp=0.0),
    Primitive("eq", (None, None), B, np.equal, "({0} == {1})", "({0} == {1})", "eq", ulp=0.0),
    Primitive("and", (B, B), B, np.logical_and, "({0} and {1})", "({0} && {1})", "and", ulp=0.0),
    Primitive("or", (B, B), B, np.logical_or, "({0} or {1})", "({0} || {1})", "or", ulp=0.0),
    Primitive("not", (B,), B, np.logical_not, "(not {0})", "(!{0})", "not", ulp=0.0),
    Primitive("isfinite", (R,), B, np.isfinite, "math.isfinite({0})", "(isfinite({0}) != 0)", "isfinite", ulp=0.0),
    Primitive("select", (B, None, None), None, np.where, "({1} if {0} else {2})", "({0} ? {1} : {2})", "select",
              lambda a, y: (None, *_picked(a[0])), _chosen, 0.0),
    Primitive("abs", (R,), R, np.abs, "abs({0})", "fabs{f}({0})", "llvm.fabs",
              lambda a, y: (_sign(a[0]),), lambda k, n, series: _sign(series(n.args[0], 0)) * series(n.args[0], k),
              0.0),
    Primitive("sign", (R,), R, np.sign, "np.sign({0})", "sym_sign({0})", "math.sign", lambda a, y: (None,), _zero, 0.0),
    Primitive("floor", (R,), R, np.floor, "np.floor({0})", "floor{f}({0})", "llvm.floor",
              lambda a, y: (None,), _zero, 0.0),
    Primitive("round", (R,), R, np.rint, "np.rint({0})", "rint{f}({0})", "llvm.rint", lambda a, y: (None,), _zero, 0.0),
    Primitive("min", (R, R), R, lambda a, b: np.where(np.less(b, a), b, a), "min({0}, {1})",
              "({1} < {0} ? {1} : {0})", "math.min", lambda a, y: _picked(_less(a[1], a[0]))[::-1], _smaller, 0.0),
    Primitive("max", (R, R), R, lambda a, b: np.where(np.less(a, b), b, a), "max({0}, {1})",
              "({0} < {1} ? {1} : {0})", "math.max", lambda a, y: _picked(_less(a[0], a[1]))[::-1], _larger, 0.0),
)  # fmt: skip
