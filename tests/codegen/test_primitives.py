"""The table of primitives: what each row means, how it folds, and what it refuses."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.errors import CompilerBug
from codegen.interpret import evaluate
from codegen.ir import Kind, Node, boolean, integer, real, variable
from codegen.primitives import PRIMITIVES, apply

SIZE = st.floats(-30.0, 30.0)
UNIT = st.floats(-1.0, 1.0)
POSITIVE = st.floats(1e-6, 1e3)
UNSIGNED = SIZE.map(lambda a: a + 0.0)  # mpmath has no zero below zero, which turns an angle by half a circle
DOMAINS: dict[str, tuple[st.SearchStrategy[float], ...]] = {
    "log": (POSITIVE,), "log1p": (POSITIVE,), "sqrt": (POSITIVE,), "rsqrt": (POSITIVE,),
    "asin": (UNIT,), "acos": (UNIT,),
    "acosh": (st.floats(1.0, 1e3),), "atanh": (st.floats(-0.999, 0.999),), "pow": (POSITIVE, st.floats(-8.0, 8.0)),
    "div": (SIZE, st.floats(0.01, 10.0)), "atan2": (UNSIGNED, UNSIGNED),
}  # fmt: skip
INTEGERS = st.integers(-1000, 1000)
OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "div": lambda a, b: a / b,
    "add_exact": lambda a, b: a + b, "sub_exact": lambda a, b: a - b, "neg": lambda a: -a, "pow": lambda a, b: a**b,
    "abs": abs, "sign": mpmath.sign, "floor": mpmath.floor, "round": mpmath.nint, "min": min, "max": max,
    "rsqrt": lambda a: 1 / mpmath.sqrt(a),
    "log1p": lambda a: mpmath.log(1 + a), "to_real": lambda a: a, "to_int": lambda a: int(a),
    "quotient": lambda a, b: a // b, "remainder": lambda a, b: a % b, "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b, "eq": lambda a, b: a == b, "and": lambda a, b: a and b, "or": lambda a, b: a or b,
    "not": lambda a: not a, "isfinite": mpmath.isfinite, "select": lambda c, a, b: a if c else b,
}  # fmt: skip


def exact(op: str, arguments: list[Any]) -> Any:
    """The meaning of a primitive in forty digits, by mpmath's function of that name where there is one."""
    with mpmath.workdps(40):
        wide = [mpmath.mpf(a) if isinstance(a, float) else a for a in arguments]
        return (OPERATIONS.get(op) or getattr(mpmath, op))(*wide)


def drawn(data: st.DataObject, op: str, free: Kind) -> list[Any]:
    """Arguments in the domain of a primitive."""
    by_kind = {Kind.REAL: SIZE, Kind.INT: INTEGERS, Kind.BOOL: st.booleans()}
    domains = DOMAINS.get(op) or tuple(by_kind[kind or free] for kind in PRIMITIVES[op].kinds)
    arguments = [data.draw(domain) for domain in domains]
    if op in ("quotient", "remainder") and arguments[1] == 0:
        arguments[1] = 7
    return arguments


@pytest.mark.parametrize("op", PRIMITIVES)
@given(data=st.data(), free=st.sampled_from([Kind.REAL, Kind.INT]))
def test_a_primitive_means_its_function(op: str, data: st.DataObject, free: Kind) -> None:
    """Within the `ulp` of its row (and half a unit of NumPy's own), of a result in forty digits."""
    arguments = drawn(data, op, free)
    kinds = [kind or free for kind in PRIMITIVES[op].kinds]
    n = apply(op, *(variable(f"a{i}", kind) for i, kind in enumerate(kinds)))
    (value,) = evaluate((n,), {f"a{i}": a for i, a in enumerate(arguments)})
    expected = exact(op, arguments)
    if n.kind is Kind.REAL:
        units = abs(mpmath.mpf(float(value)) - expected) / np.spacing(abs(float(expected)) or 5e-324)
        assert units <= PRIMITIVES[op].ulp + 0.5
    else:
        assert value == expected


@pytest.mark.parametrize("op", PRIMITIVES)
@given(data=st.data(), free=st.sampled_from([Kind.REAL, Kind.INT]))
def test_constants_fold_to_the_value(op: str, data: st.DataObject, free: Kind) -> None:
    """Folding computes the meaning itself, to the last bit."""
    arguments = drawn(data, op, free)
    kinds = [kind or free for kind in PRIMITIVES[op].kinds]
    constants = {Kind.REAL: real, Kind.INT: integer, Kind.BOOL: boolean}
    folded = apply(op, *(constants[kind](a) for kind, a in zip(kinds, arguments, strict=True)))
    assert folded.op == "constant"
    variables = [variable(f"a{i}", kind) for i, kind in enumerate(kinds)]
    (value,) = evaluate((apply(op, *variables),), {f"a{i}": a for i, a in enumerate(arguments)})
    assert folded.attribute == value
    assert folded.kind is apply(op, *variables).kind


HALVES = st.integers(-32, 32).map(lambda k: k / 2)


@given(base=st.floats(0.1, 10.0), exponent=HALVES)
def test_simple_powers_are_products_and_roots(base: float, exponent: float) -> None:
    """x^(k/2) with |k| <= 32: at most 8 products, a root and a quotient, which is 17 half units on doubling errors."""
    n = apply("pow", variable("x"), exponent)
    (value,) = evaluate((n,), {"x": base})
    assert math.isclose(value, base**exponent, rel_tol=34 * np.finfo(float).eps)
    assert ("pow" in {m.op for m in _below(n)}) == (exponent not in SIMPLE)


SIMPLE = frozenset(k / 2 for k in range(-32, 33))


def _below(n: Node) -> list[Node]:
    return [n, *(m for a in n.args for m in _below(a))]


X, N, B = variable("x"), variable("n", Kind.INT), variable("b", Kind.BOOL)


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (apply("select", boolean(True), X, 0.0), X), (apply("select", boolean(False), X, 0.0), real(0.0)),
        (apply("select", B, X, X), X), (apply("and", B, True), B), (apply("and", False, B), boolean(False)),
        (apply("or", B, False), B), (apply("or", True, B), boolean(True)), (apply("or", B, B), B),
        (apply("pow", X, 0), real(1.0)), (apply("pow", X, 1), X), (apply("pow", X, 2), X * X),
        (apply("pow", X, 0.5), apply("sqrt", X)), (apply("pow", X, -1), real(1.0) / X),
        (apply("pow", X, 1.5), X * apply("sqrt", X)), (apply("add", X, 0), X), (apply("neg", apply("neg", X)), X),
        (apply("sin", integer(0)), real(0.0)), (apply("lt", 1, 2), boolean(True)),
        (apply("select", B, 1, X), apply("select", B, 1.0, X)),
    ],
)  # fmt: skip
def test_trivial_operations_are_resolved(built: Node, expected: Node) -> None:
    assert built == expected


@pytest.mark.parametrize(
    ("op", "arguments", "message"),
    [
        ("cbrt", (X,), r"no primitive 'cbrt'; the table knows add, sub"),
        ("sin", (X, X), r"sin takes 1 arguments, not 2"),
        ("sin", (N,), r"sin takes real, not int: n"),
        ("and", (X, B), r"and takes bool, not real: x"),
        ("lt", (X, N), r"lt on different kinds: real, int; convert first"),
        ("quotient", (X, N), r"quotient takes int, not real: x"),
        ("select", (X, X, X), r"select takes bool, not real: x"),
    ],
)
def test_what_a_primitive_refuses(op: str, arguments: tuple[Node, ...], message: str) -> None:
    with pytest.raises(CompilerBug, match=message):
        apply(op, *arguments)


def test_every_row_is_complete() -> None:
    for name, row in PRIMITIVES.items():
        assert row.name == name
        places = "".join(f"{{{i}}}" for i in range(len(row.kinds)))
        for template in (row.python, row.c):
            assert all(template.count(places[3 * i : 3 * i + 3]) for i in range(len(row.kinds)))
        assert row.ulp >= 0
        assert row.llvm
