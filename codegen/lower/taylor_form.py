"""The form of expressions that costs least to expand in time.

A product of two series costs a convolution, a product with a constant one multiplication an order. So constants in time
are carried outside: every node is (constant) x (core), products and quotients act on cores, and sums of the same
constant keep it outside. A product with a reciprocal is a quotient (one recurrence instead of two), and a power with
a varying exponent is an exponential.
"""

from __future__ import annotations

from collections.abc import Iterable

from codegen.ir import Node, add, divide, multiply, negate, real, subtract, walk
from codegen.primitives import apply

_Scaled = tuple[Node, Node | None]  # (constant in time, core); a core of None is 1
_ONE = real(1.0)


def taylor_form(roots: Iterable[Node], moving: frozenset[Node]) -> tuple[Node, ...]:
    """The roots, equal in exact arithmetic, as they cost least to expand in what `moving` does."""
    roots = tuple(roots)
    form: dict[bytes, _Scaled] = {}
    for n in walk(roots):
        args = [form[argument.key] for argument in n.args]
        if n in moving:
            form[n.key] = _ONE, n
        elif all(core is None for _, core in args):
            form[n.key] = n, None
        else:
            form[n.key] = _moving_form(n, args)
    return tuple(_whole(form[root.key]) for root in roots)


def _whole(scaled: _Scaled) -> Node:
    constant, core = scaled
    if core is None:
        return constant
    return core if constant == _ONE else multiply(constant, core)  # truths have the constant one and no product


def _moving_form(n: Node, args: list[_Scaled]) -> _Scaled:
    match n.op:
        case "neg":
            return negate(args[0][0]), args[0][1]
        case "mul":
            (a, x), (b, y) = args
            return multiply(a, b), _core_product(x, y)
        case "div":
            (a, x), (b, y) = args
            return divide(a, b), divide(_ONE if x is None else x, y) if y is not None else x
        case "add" | "sub":
            return _sum_form(n.op == "sub", *args)
        case "pow" if args[1][1] is not None:
            return _ONE, apply("exp", multiply(_whole(args[1]), apply("log", _whole(args[0]))))
    return _ONE, apply(n.op, *(_whole(argument) for argument in args), attribute=n.attribute)


def _core_product(x: Node | None, y: Node | None) -> Node | None:
    if x is None or y is None:
        return x or y
    for factor, other in ((x, y), (y, x)):
        if other.op == "div" and other.args[0] == _ONE:
            return divide(factor, other.args[1])
    return multiply(x, y)


def _sum_form(minus: bool, first: _Scaled, second: _Scaled) -> _Scaled:
    (a, x), (b, y) = first, second
    if x is not None and y is not None and (a == b or a == negate(b)):
        if minus != (a == b):
            return a, add(x, y)
        if y.key < x.key:  # one order, so that x - y and y - x share their series
            return negate(a), subtract(y, x)
        return a, subtract(x, y)
    left, right = _whole(first), _whole(second)
    return _ONE, subtract(left, right) if minus else add(left, right)
