"""Sums, products, quotients, roots and powers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import Kind, Node, constant_value, integer, node, real
from .row import Primitive
from .series import linear, power, product, quotient, square_root

R, I = Kind.REAL, Kind.INT


def _quotient_partials(args: tuple[Node, ...], y: Node) -> tuple[Node | None, ...]:
    reciprocal = real(1.0) / args[1]  # one division serves both
    return reciprocal, -(y * reciprocal)


def _power_partials(args: tuple[Node, ...], y: Node) -> tuple[Node | None, ...]:
    base, exponent = args
    value = constant_value(exponent)
    log = node("log", (base,), R)
    if value is not None:
        return real(value) * node("pow", (base, real(value - 1.0)), R), None
    return exponent * node("pow", (base, exponent - real(1.0)), R), y * log


def _one(n: Node) -> Node:
    return real(1.0) if n.kind is R else integer(1)


def _reciprocal_root(a: Any) -> Any:
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1.0 / np.sqrt(a)


def _power(a: Any, b: Any) -> Any:
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return np.power(a, b)


ROWS = (
    Primitive("add", (None, None), None, np.add, "({0} + {1})", "({0} + {1})", "add",
              lambda a, y: (_one(y), _one(y)), linear(1.0), 0.5),
    Primitive("sub", (None, None), None, np.subtract, "({0} - {1})", "({0} - {1})", "sub",
              lambda a, y: (_one(y), -_one(y)), linear(-1.0), 0.5),
    Primitive("mul", (None, None), None, np.multiply, "({0} * {1})", "({0} * {1})", "mul",
              lambda a, y: (a[1], a[0]), product, 0.5),
    Primitive("div", (R, R), R, np.divide, "({0} / {1})", "({0} / {1})", "fdiv",
              _quotient_partials, quotient, 0.5),
    Primitive("neg", (None,), None, np.negative, "(-{0})", "(-{0})", "neg",
              lambda a, y: (-_one(y),), lambda k, n, series: -series(n.args[0], k), 0.0),
    # never contracted, never reassociated: compensated sums are made of these
    Primitive("add_exact", (R, R), R, np.add, "({0} + {1})", "sym_add_exact({0}, {1})", "add_exact",
              lambda a, y: (real(1.0), real(1.0)), linear(1.0), 0.5),
    Primitive("sub_exact", (R, R), R, np.subtract, "({0} - {1})", "sym_sub_exact({0}, {1})", "sub_exact",
              lambda a, y: (real(1.0), real(-1.0)), linear(-1.0), 0.5),
    Primitive("sqrt", (R,), R, np.sqrt, "math.sqrt({0})", "sqrt{f}({0})", "llvm.sqrt",
              lambda a, y: (real(0.5) / y,), square_root, 0.5),
    Primitive("rsqrt", (R,), R, _reciprocal_root, "(1.0 / math.sqrt({0}))", "rsqrt{f}({0})", "math.rsqrt",
              lambda a, y: (real(-0.5) * (y * y * y),), ulp=2.0),
    Primitive("pow", (R, R), R, _power, "np.power({0}, {1})", "pow{f}({0}, {1})", "math.pow",
              _power_partials, power, 4.0),
    Primitive("quotient", (I, I), I, np.floor_divide, "({0} // {1})", "sym_quotient({0}, {1})", "sdiv", ulp=0.0),
    Primitive("remainder", (I, I), I, np.remainder, "({0} % {1})", "sym_remainder({0}, {1})", "srem", ulp=0.0),
    Primitive("to_real", (I,), R, lambda a: np.asarray(a, dtype=np.float64), "float({0})", "(real)({0})", "sitofp",
              ulp=0.5),
    Primitive("to_int", (R,), I, lambda a: np.asarray(np.trunc(a), dtype=np.int64), "int({0})", "(long long)({0})",
              "fptosi", ulp=0.0),
)  # fmt: skip
