"""Exponentials, logarithms, circular and hyperbolic functions, and the error function."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special

from ..ir import Kind, Node, node, real
from .row import Primitive

R = Kind.REAL


def _f(op: str, *args: Node) -> Node:
    return node(op, args, R)


def _sqrt(a: Node) -> Node:
    return node("sqrt", (a,), R)


def _hyperbolic_secant(a: Any) -> Any:
    """1 / cosh(a), zero where cosh is beyond all numbers."""
    e = np.exp(-np.abs(a))
    return 2.0 * e / (1.0 + e * e)


def _bell(a: Node) -> Node:
    """d erf(a) / da = 2 exp(-a^2) / sqrt(pi)."""
    return _f("exp", -(a * a)) * real(2.0 / math.sqrt(math.pi))


def _atan2_partials(args: tuple[Node, ...], _: Node) -> tuple[Node | None, ...]:
    reciprocal = real(1.0) / (args[0] * args[0] + args[1] * args[1])
    return args[1] * reciprocal, -(args[0] * reciprocal)


ROWS = (
    Primitive("exp", (R,), R, np.exp, "math.exp({0})", "exp{f}({0})", "math.exp", lambda a, y: (y,), ulp=2.0),
    Primitive("expm1", (R,), R, np.expm1, "math.expm1({0})", "expm1{f}({0})", "math.expm1",
              lambda a, y: (y + real(1.0),), ulp=4.0),
    Primitive("log", (R,), R, np.log, "math.log({0})", "log{f}({0})", "math.log",
              lambda a, y: (real(1.0) / a[0],), ulp=2.0),
    Primitive("log1p", (R,), R, np.log1p, "math.log1p({0})", "log1p{f}({0})", "math.log1p",
              lambda a, y: (real(1.0) / (a[0] + real(1.0)),), ulp=3.0),
    Primitive("sin", (R,), R, np.sin, "math.sin({0})", "sin{f}({0})", "math.sin",
              lambda a, y: (_f("cos", a[0]),), ulp=2.0),
    Primitive("cos", (R,), R, np.cos, "math.cos({0})", "cos{f}({0})", "math.cos",
              lambda a, y: (-_f("sin", a[0]),), ulp=2.0),
    Primitive("tan", (R,), R, np.tan, "math.tan({0})", "tan{f}({0})", "math.tan",
              lambda a, y: (real(1.0) + y * y,), ulp=4.0),
    Primitive("asin", (R,), R, np.arcsin, "math.asin({0})", "asin{f}({0})", "libm.asin",
              lambda a, y: (real(1.0) / _sqrt(real(1.0) - a[0] * a[0]),), ulp=2.0),
    Primitive("acos", (R,), R, np.arccos, "math.acos({0})", "acos{f}({0})", "libm.acos",
              lambda a, y: (real(-1.0) / _sqrt(real(1.0) - a[0] * a[0]),), ulp=2.0),
    Primitive("atan", (R,), R, np.arctan, "math.atan({0})", "atan{f}({0})", "libm.atan",
              lambda a, y: (real(1.0) / (real(1.0) + a[0] * a[0]),), ulp=2.0),
    Primitive("atan2", (R, R), R, np.arctan2, "math.atan2({0}, {1})", "atan2{f}({0}, {1})", "libm.atan2",
              _atan2_partials, ulp=2.0),
    Primitive("sinh", (R,), R, np.sinh, "math.sinh({0})", "sinh{f}({0})", "math.sinh",
              lambda a, y: (_f("cosh", a[0]),), ulp=4.0),
    Primitive("cosh", (R,), R, np.cosh, "math.cosh({0})", "cosh{f}({0})", "math.cosh",
              lambda a, y: (_f("sinh", a[0]),), ulp=4.0),
    Primitive("tanh", (R,), R, np.tanh, "math.tanh({0})", "tanh{f}({0})", "math.tanh",
              lambda a, y: (real(1.0) - y * y,), ulp=4.0),
    Primitive("sech", (R,), R, _hyperbolic_secant, "(2.0 * math.exp(-abs({0})) / (1.0 + math.exp(-2.0 * abs({0}))))",
              "(1 / cosh{f}({0}))", "math.sech",
              lambda a, y: (-(y * _f("tanh", a[0])),), ulp=5.0),
    Primitive("asinh", (R,), R, np.arcsinh, "math.asinh({0})", "asinh{f}({0})", "libm.asinh",
              lambda a, y: (real(1.0) / _sqrt(a[0] * a[0] + real(1.0)),), ulp=3.0),
    Primitive("acosh", (R,), R, np.arccosh, "math.acosh({0})", "acosh{f}({0})", "libm.acosh",
              lambda a, y: (real(1.0) / _sqrt(a[0] * a[0] - real(1.0)),), ulp=3.0),
    Primitive("atanh", (R,), R, np.arctanh, "math.atanh({0})", "atanh{f}({0})", "libm.atanh",
              lambda a, y: (real(1.0) / (real(1.0) - a[0] * a[0]),), ulp=3.0),
    Primitive("erf", (R,), R, scipy.special.erf, "math.erf({0})", "erf{f}({0})", "libm.erf",
              lambda a, y: (_bell(a[0]),), ulp=3.0),
)  # fmt: skip
