"""Sums, products, quotients, roots and powers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import Kind, Node, add_many, constant_value, integer, node, real
from .row import Primitive, Series

R, I = Kind.REAL, Kind.INT  # noqa: E741 (kinds, in the table below)


def _convolution(k: int, a: Node, b: Node, series: Series) -> Node:
    """sum_(j=0..k) a_j b_(k-j); a square sums half of it twice."""
    if a == b:
        pairs = add_many(series(a, j) * series(a, k - j) for j in range((k + 1) // 2)) * real(2.0)
        return pairs + series(a, k // 2) * series(a, k // 2) if k % 2 == 0 else pairs
    return add_many(series(a, j) * series(b, k - j) for j in range(k + 1))


def _taylor_product(k: int, n: Node, series: Series) -> Node:
    return _convolution(k, n.args[0], n.args[1], series)


def _taylor_quotient(k: int, n: Node, series: Series) -> Node:
    a, b = n.args
    rest = add_many(series(b, j) * series(n, k - j) for j in range(1, k + 1))
    return (series(a, k) - rest) * (real(1.0) / series(b, 0))


def _taylor_sqrt(k: int, n: Node, series: Series) -> Node:
    inner = add_many(series(n, j) * series(n, k - j) for j in range(1, (k + 1) // 2)) * real(2.0)
    if k % 2 == 0:
        inner = inner + series(n, k // 2) * series(n, k // 2)
    return (series(n.args[0], k) - inner) * (real(0.5) / series(n, 0))


def _taylor_power(k: int, n: Node, series: Series) -> Node:
    base, exponent = n.args
    alpha = constant_value(exponent)
    if alpha is None:  # a^b with b varying: the general chain rule, k y_k = sum of j u_j g_(k-j)
        return chain_rule(k, n, series)
    terms = (series(base, k - j) * series(n, j) * real(alpha * (k - j) - j) for j in range(k))
    return add_many(terms) * (real(1.0 / k) / series(base, 0))


def chain_rule(k: int, n: Node, series: Series) -> Node:
    """y_k = (1/k) sum_i sum_(j=1..k) j u_(i,j) g_(i,k-j), with g_i = dy/du_i as nodes (Griewank, Walther 2008, table 13.2)."""
    from . import partials_of  # the table holds this module's rows; looked up when a rule runs, not when it is defined

    terms = []
    for argument, partial in zip(n.args, partials_of(n), strict=True):
        if partial is not None:
            terms.append(add_many(series(argument, j) * series(partial, k - j) * real(j / k) for j in range(1, k + 1)))
    return add_many(terms)


def _power_partials(args: tuple[Node, ...], y: Node) -> tuple[Node | None, ...]:
    base, exponent = args
    value = constant_value(exponent)
    log = node("log", (base,), R)
    if value is not None:
        return real(value) * node("pow", (base, real(value - 1.0)), R), None
    return exponent * node("pow", (base, exponent - real(1.0)), R), y * log


def _linear(sign: float) -> Any:
    def rule(k: int, n: Node, series: Series) -> Node:
        return series(n.args[0], k) + series(n.args[1], k) * real(sign)

    return rule


def _one(n: Node) -> Node:
    return real(1.0) if n.kind is R else integer(1)


def _power(a: Any, b: Any) -> Any:
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return np.power(a, b)


ROWS = (
    Primitive("add", (None, None), None, np.add, "({0} + {1})", "({0} + {1})", "add",
              lambda a, y: (_one(y), _one(y)), _linear(1.0), 0.5),
    Primitive("sub", (None, None), None, np.subtract, "({0} - {1})", "({0} - {1})", "sub",
              lambda a, y: (_one(y), -_one(y)), _linear(-1.0), 0.5),
    Primitive("mul", (None, None), None, np.multiply, "({0} * {1})", "({0} * {1})", "mul",
              lambda a, y: (a[1], a[0]), _taylor_product, 0.5),
    Primitive("div", (R, R), R, np.divide, "({0} / {1})", "({0} / {1})", "fdiv",
              lambda a, y: (real(1.0) / a[1], -(y / a[1])), _taylor_quotient, 0.5),
    Primitive("neg", (None,), None, np.negative, "(-{0})", "(-{0})", "neg",
              lambda a, y: (-_one(y),), lambda k, n, series: -series(n.args[0], k), 0.0),
    # never contracted, never reassociated: compensated sums are made of these
    Primitive("add_exact", (R, R), R, np.add, "({0} + {1})", "sym_add_exact({0}, {1})", "add_exact",
              lambda a, y: (real(1.0), real(1.0)), _linear(1.0), 0.5),
    Primitive("sub_exact", (R, R), R, np.subtract, "({0} - {1})", "sym_sub_exact({0}, {1})", "sub_exact",
              lambda a, y: (real(1.0), real(-1.0)), _linear(-1.0), 0.5),
    Primitive("sqrt", (R,), R, np.sqrt, "math.sqrt({0})", "sqrt{f}({0})", "llvm.sqrt",
              lambda a, y: (real(0.5) / y,), _taylor_sqrt, 0.5),
    Primitive("pow", (R, R), R, _power, "np.power({0}, {1})", "pow{f}({0}, {1})", "math.pow",
              _power_partials, _taylor_power, 4.0),
    Primitive("quotient", (I, I), I, np.floor_divide, "({0} // {1})", "sym_quotient({0}, {1})", "sdiv", ulp=0.0),
    Primitive("remainder", (I, I), I, np.remainder, "({0} % {1})", "sym_remainder({0}, {1})", "srem", ulp=0.0),
    Primitive("to_real", (I,), R, lambda a: np.asarray(a, dtype=np.float64), "float({0})", "(real)({0})", "sitofp", ulp=0.5),
    Primitive("to_int", (R,), I, lambda a: np.asarray(np.trunc(a), dtype=np.int64), "int({0})", "(long long)({0})", "fptosi",
              ulp=0.0),
)

