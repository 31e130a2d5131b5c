"""The table of primitives: one row per scalar operation, and the one way to build a node from it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

import numpy as np

from ..errors import CompilerBug
from ..ir import (
    JET,
    Attribute,
    Jet,
    Kind,
    Node,
    add,
    as_node,
    boolean,
    constant_value,
    divide,
    integer,
    multiply,
    negate,
    node,
    real,
    subtract,
)
from . import arithmetic, choice, transcendental
from .row import Primitive
from .series import Series, chain, chain_slope

PRIMITIVES: Mapping[str, Primitive] = MappingProxyType(
    {row.name: row for module in (arithmetic, transcendental, choice) for row in module.ROWS}
)
_FOLDING = MappingProxyType({"add": add, "sub": subtract, "mul": multiply, "div": divide})


def apply(op: str, *arguments: Node | float | int | bool, attribute: Attribute = None) -> Node:
    """The node of a primitive on arguments: kinds checked, constants folded, trivial selections resolved."""
    if op == JET:
        return node(JET, tuple(_promote(as_node(a), Kind.REAL) for a in arguments), Kind.REAL, attribute)
    row = PRIMITIVES.get(op)
    if row is None:
        raise CompilerBug(f"no primitive {op!r}; the table knows {', '.join(PRIMITIVES)}")
    if len(arguments) != len(row.kinds):
        raise CompilerBug(f"{op} takes {len(row.kinds)} arguments, not {len(arguments)}")
    args = tuple(_promote(as_node(a), kind) for a, kind in zip(arguments, row.kinds, strict=True))
    if op in _FOLDING:
        return _FOLDING[op](*args)
    if op == "neg":
        return negate(args[0])
    args = _same_kind(args, row)
    for argument, kind in zip(args, row.kinds, strict=True):
        if kind is not None and argument.kind is not kind:
            raise CompilerBug(f"{op} takes {kind}, not {argument.kind}: {argument}")
    result = row.result or args[-1].kind
    if (simple := _simplified(op, args)) is not None:
        return simple
    values = [constant_value(a) for a in args]
    if args and all(v is not None for v in values) and attribute is None:
        with np.errstate(all="ignore"):
            value = row.meaning(*values)
        return {Kind.REAL: real, Kind.INT: integer, Kind.BOOL: boolean}[result](
            value.item() if hasattr(value, "item") else value
        )
    return node(op, args, result, attribute)


def _simplified(op: str, args: tuple[Node, ...]) -> Node | None:
    """What needs no operation: selections by a constant, small powers, truth with a constant or with itself."""
    if op == "select":
        chosen = constant_value(args[0])
        if chosen is None and args[1] != args[2]:
            return None
        return args[1] if chosen or args[1] == args[2] else args[2]
    if op == "pow":
        return _simple_power(*args)
    if op in ("and", "or"):
        for this, other in (args, args[::-1]):
            if (value := constant_value(this)) is not None:
                return other if value == (op == "and") else boolean(op == "or")
        return args[0] if args[0] == args[1] else None
    return None


def _promote(argument: Node, kind: Kind | None) -> Node:
    """An integer constant where a real is wanted."""
    if kind is Kind.REAL and argument.kind is Kind.INT and (value := constant_value(argument)) is not None:
        return real(float(value))
    return argument


def _same_kind(args: tuple[Node, ...], row: Primitive) -> tuple[Node, ...]:
    free = [i for i, kind in enumerate(row.kinds) if kind is None]
    if any(args[i].kind is Kind.REAL for i in free):
        args = tuple(_promote(a, Kind.REAL) if i in free else a for i, a in enumerate(args))
    if len({args[i].kind for i in free}) > 1:
        raise CompilerBug(f"{row.name} on different kinds: {', '.join(str(a.kind) for a in args)}; convert first")
    return args


def _simple_power(base: Node, exponent: Node) -> Node | None:
    """Small integer and half-integer powers as products and roots: exact, and with a Taylor rule that stands zeros."""
    value = constant_value(exponent)
    if value is None or constant_value(base) is not None:
        return None
    value = float(value)
    if value < 0 and (2 * value).is_integer() and value >= -16:
        positive = _simple_power(base, real(-value))
        return None if positive is None else divide(real(1.0), positive)
    if value == 0:
        return real(1.0)
    if value == 1:
        return base
    if value == 0.5:
        return node("sqrt", (base,), Kind.REAL)
    if value.is_integer() and 2 <= value <= 16:
        half = _simple_power(base, real(value // 2))
        assert half is not None
        square = multiply(half, half)
        return multiply(square, base) if value % 2 else square
    if (2 * value).is_integer() and 0 < value <= 16:
        whole = _simple_power(base, real(value - 0.5))
        return None if whole is None else multiply(whole, node("sqrt", (base,), Kind.REAL))
    return None


def partials_of(n: Node) -> tuple[Node | None, ...]:
    """d n / d argument for each argument of a node, None where it vanishes identically."""
    if n.op == JET:
        jet = cast(Jet, n.attribute)
        return tuple(node(JET, n.args, Kind.REAL, jet.raised(i)) for i in range(len(n.args)))
    row = PRIMITIVES[n.op]
    if row.partials is None:
        return tuple(None for _ in n.args)
    return row.partials(n.args, n)


def taylor_coefficient(k: int, n: Node, series: Series) -> Node:
    """The Taylor coefficient n_k, k >= 1, of a primitive, from those of its arguments and its own lower ones."""
    row = PRIMITIVES[n.op]
    if row.taylor is not None:
        return row.taylor(k, n, series)
    return multiply(taylor_slope(k, n, series), real(1.0 / k))


def taylor_slope(k: int, n: Node, series: Series) -> Node:
    """k n_k: what the chain rule gives of itself, and the rules for coefficients times k."""
    row = PRIMITIVES[n.op]
    if row.taylor is not None:
        return multiply(row.taylor(k, n, series), real(k))
    return chain_slope(k, n, series)


__all__ = [
    "PRIMITIVES",
    "Primitive",
    "Series",
    "apply",
    "chain",
    "partials_of",
    "taylor_coefficient",
    "taylor_slope",
]
