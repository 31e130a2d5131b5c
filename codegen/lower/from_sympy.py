"""The border where SymPy enters: expressions become nodes, each shared subexpression once.

All symbols stand for real numbers, so re(x) and conjugate(x) are x. Numbers become the nearest double, also where they
are written as sqrt(2) or pi/3. A subexpression that is a key of `symbols` (a coordinate q(t), say) is that node whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial, reduce
from types import MappingProxyType
from typing import Any

import sympy
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import BooleanAtom

from codegen.errors import CompilerBug, UnsupportedError
from codegen.ir import Kind, Node, add_many, boolean, constant_value, divide, multiply, negate, real, subtract
from codegen.lower.bessel import ABOVE, MOST, bessel
from codegen.lower.error_function import erfc
from codegen.lower.hyperbolic import HyperbolicPower, bounded, bounded_power, hyperbolic
from codegen.primitives import apply

Rule = Callable[[Any, list[Node]], Node]
_NO_RULES: Mapping[Any, Rule] = MappingProxyType({})

_DIGITS = (
    40  # of a number before it is rounded to double: more than twice those of a double, so that it is rounded once
)


def lower_expressions(
    expressions: Iterable[sympy.Basic], symbols: Mapping[sympy.Basic, Node], rules: Mapping[Any, Rule] = _NO_RULES
) -> tuple[Node, ...]:
    """The nodes of SymPy expressions (scalars or truths), given the node of each symbol.

    `rules` say, for classes of expressions that are not SymPy's own, what they are of their lowered arguments.

    Raises UnsupportedError for functions without a primitive and for complex or infinite numbers, CompilerBug for a
    symbol that `symbols` lacks.
    """
    lowering = _Lowering(symbols, rules)
    return tuple(lowering.run(sympy.sympify(expression)) for expression in expressions)


class _Lowering:
    """What has been lowered so far, by identity: equal expressions that are two objects become equal nodes anyway."""

    def __init__(self, symbols: Mapping[sympy.Basic, Node], rules: Mapping[Any, Rule]) -> None:
        self.symbols, self.rules = symbols, rules
        self.done: dict[int, Node] = {}
        self.numbers: set[int] = set()  # the expressions without symbols
        self.alive: list[sympy.Basic] = []  # identities hold while their objects live

    def run(self, root: sympy.Basic) -> Node:
        stack = [(root, False)]
        while stack:
            expression, ready = stack.pop()
            if id(expression) in self.done:
                continue
            lowered = self.compound(expression) if ready else self.leaf(expression)
            if lowered is None:
                stack.append((expression, True))
                stack.extend((child, False) for child in _children(expression))
            else:
                self.alive.append(expression)
                self.done[id(expression)] = lowered
        return self.done[id(root)]

    def leaf(self, expression: sympy.Basic) -> Node | None:
        """The node of what has no parts, or whose parts have no meaning of their own; None for a compound."""
        known = self.symbols.get(expression)
        if known is not None:
            return apply("to_real", known) if known.kind is Kind.INT else known
        if expression.is_Symbol:
            raise CompilerBug(f"symbol {expression} has no node; the caller must bind every symbol of an expression")
        if expression.is_Number or isinstance(expression, sympy.NumberSymbol):
            return self.number(expression)
        if isinstance(expression, BooleanAtom):
            return boolean(bool(expression))
        if isinstance(expression, sympy.Sum | sympy.Product | sympy.Derivative | sympy.Integral | sympy.Subs):
            evaluated = expression.doit()
            if isinstance(evaluated, type(expression)):
                undefined = sorted(map(str, evaluated.atoms(AppliedUndef)))
                what = f"{undefined[0]} is undefined: " if undefined else "evaluate it, or "
                raise _unsupported(expression, f"{what}substitute an expression for it")
            return self.run(evaluated)
        if expression.is_Mul or self.rule(expression) is not None:
            return None
        if isinstance(expression, sympy.Expr) and expression.is_number:
            return self.number(expression)
        if isinstance(expression, AppliedUndef):
            raise _unsupported(expression, "it is undefined: substitute an expression for it")
        raise _unsupported(expression, "write it in elementary functions, for example with .rewrite or .series")

    def number(self, expression: sympy.Basic) -> Node:
        self.numbers.add(id(expression))
        return _number(expression)

    def compound(self, expression: sympy.Basic) -> Node:
        children = _children(expression)
        known = type(expression) not in self.rules  # a function of SymPy's
        if known and isinstance(expression, sympy.Expr) and all(id(child) in self.numbers for child in children):
            return self.number(expression)
        arguments = [self.done[id(child)] for child in children]
        if expression.is_Mul:
            return self.product(expression, arguments)
        rule = self.rule(expression)
        assert rule is not None  # leaf() has refused the others
        return rule(expression, arguments)

    def rule(self, expression: sympy.Basic) -> Rule | None:
        """How a node of expressions is built from those of its arguments."""
        return self.rules.get(type(expression)) or _rule(expression)

    def product(self, expression: sympy.Mul, factors: list[Node]) -> Node:
        """One product over one product; a negative coefficient becomes a sign, which sums turn into subtraction."""
        numbers = [argument for argument in expression.args if id(argument) in self.numbers]
        number = _number(numbers[0] if len(numbers) == 1 else sympy.Mul(*numbers)) if numbers else real(1.0)
        coefficient = float(constant_value(number) or 0.0)
        above: list[Node] = []
        below: list[Node] = []
        powers: list[HyperbolicPower] = []
        for argument, factor in zip(expression.args, factors, strict=True):
            if id(argument) in self.numbers:
                continue
            if factor.op == "neg":
                coefficient, factor = -coefficient, factor.args[0]
            if (found := hyperbolic(*self.power(argument, factor))) is not None:
                powers.append(found)
            elif _is_reciprocal(argument) and factor.op == "div":
                above.append(factor.args[0])
                below.append(factor.args[1])
            else:
                above.append(factor)
        for factors, more in zip((above, below), bounded(powers), strict=True):
            factors += more
        result = multiply(reduce(multiply, above, real(1.0)), real(abs(coefficient)))
        if below:
            result = divide(result, reduce(multiply, below))
        return negate(result) if coefficient < 0 else result

    def power(self, expression: sympy.Basic, node: Node) -> tuple[Node, float]:
        """Of what an expression with that node is a power, and which; itself where it is none by a number."""
        base = self.done.get(id(expression.base)) if expression.is_Pow and expression not in self.symbols else None
        if base is None or not expression.exp.is_Number:
            return node, 1.0
        return base, float(expression.exp)


def _rule(expression: sympy.Basic) -> Rule | None:
    return next((_RULES[kind] for kind in type(expression).__mro__ if kind in _RULES), None)


def _children(expression: sympy.Basic) -> tuple[sympy.Basic, ...]:
    """The arguments; of a Piecewise its values and conditions in turn, for a pair alone has no meaning."""
    if isinstance(expression, sympy.Piecewise):
        return tuple(part for pair in expression.args for part in pair.args)
    return tuple(expression.args)


def _short(expression: sympy.Basic) -> str:
    text = str(expression)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _unsupported(expression: sympy.Basic, remedy: str) -> UnsupportedError:
    return UnsupportedError(f"{type(expression).__name__} in {_short(expression)} cannot be compiled; {remedy}")


def _number(expression: sympy.Basic) -> Node:
    """The nearest double of a real number."""
    if isinstance(expression, sympy.Rational):
        try:
            return real(expression.p / expression.q)  # Python divides integers with one rounding
        except OverflowError:
            raise UnsupportedError(f"number {_short(expression)} exceeds double precision; rescale the units") from None
    value = expression if expression.is_Float else expression.evalf(_DIGITS)
    if not value.is_Float and not isinstance(value, sympy.Rational):
        raise UnsupportedError(
            f"number {_short(expression)} = {_short(value)} is not finite and real; kernels compute with finite reals"
        )
    if isinstance(value, sympy.Rational):
        return _number(value)
    sign, mantissa, exponent, bits = value._mpf_
    if not mantissa and exponent:  # mpmath writes infinities and nan so
        raise UnsupportedError(f"number {_short(expression)} is not finite; kernels compute with finite reals")
    mantissa = -int(mantissa) if sign else int(mantissa)
    if bits + exponent > 1100:
        raise UnsupportedError(f"number {_short(expression)} exceeds double precision; rescale the units")
    if bits + exponent < -1100:
        return real(0.0)
    try:
        return real(float(mantissa << exponent) if exponent >= 0 else mantissa / (1 << -exponent))
    except OverflowError:
        raise UnsupportedError(f"number {_short(expression)} exceeds double precision; rescale the units") from None


def _sum(_: sympy.Basic, terms: list[Node]) -> Node:
    """Positive terms less negative ones, so that no term is multiplied by -1."""
    plus = [term for term in terms if term.op != "neg"]
    minus = [term.args[0] for term in terms if term.op == "neg"]
    if not minus:
        return add_many(plus)
    return subtract(add_many(plus), add_many(minus)) if plus else negate(add_many(minus))


def _is_reciprocal(expression: sympy.Basic) -> bool:
    """A power with a negative number as exponent, which was lowered to 1 / power (an exponential is none)."""
    return expression.is_Pow and expression.exp.is_Number and expression.exp.is_negative and expression.base != sympy.E


def _power(expression: sympy.Basic, arguments: list[Node]) -> Node:
    base, exponent = arguments
    if expression.base is sympy.E:
        return apply("exp", exponent)
    if _is_reciprocal(expression):
        known = bounded_power(base, float(expression.exp))
        return divide(real(1.0), apply("pow", base, negate(exponent))) if known is None else known
    return apply("pow", base, exponent)


def _function(op: str, _: sympy.Basic, arguments: list[Node]) -> Node:
    return apply(op, *arguments)


def _reciprocal(op: str, _: sympy.Basic, arguments: list[Node]) -> Node:
    return divide(real(1.0), apply(op, *arguments))


def _cosecant(_: sympy.Basic, arguments: list[Node]) -> Node:
    """Hyperbolic, 1 / sinh."""
    return divide(apply("sech", *arguments), apply("tanh", *arguments))


def _of_reciprocal(op: str, _: sympy.Basic, arguments: list[Node]) -> Node:
    return apply(op, divide(real(1.0), arguments[0]))


def _folded(op: str, _: sympy.Basic, arguments: list[Node]) -> Node:
    return reduce(lambda a, b: apply(op, a, b), arguments)


def _identity(_: sympy.Basic, arguments: list[Node]) -> Node:
    return arguments[0]


def _zero(*_: object) -> Node:
    return real(0.0)


def _differs(_: sympy.Basic, arguments: list[Node]) -> Node:
    return apply("not", apply("eq", *arguments))


def _exchanged(op: str, _: sympy.Basic, arguments: list[Node]) -> Node:
    return apply(op, arguments[1], arguments[0])


def _cotangent(_: sympy.Basic, arguments: list[Node]) -> Node:
    return divide(apply("cos", *arguments), apply("sin", *arguments))


def _sinc(_: sympy.Basic, arguments: list[Node]) -> Node:
    x = arguments[0]
    at_zero = apply("eq", x, 0.0)
    return apply("select", at_zero, 1.0, divide(apply("sin", x), apply("select", at_zero, 1.0, x)))


def _ceiling(_: sympy.Basic, arguments: list[Node]) -> Node:
    return negate(apply("floor", negate(arguments[0])))


def _fraction(_: sympy.Basic, arguments: list[Node]) -> Node:
    return subtract(arguments[0], apply("floor", arguments[0]))


def _modulus(_: sympy.Basic, arguments: list[Node]) -> Node:
    a, b = arguments
    return subtract(a, multiply(b, apply("floor", divide(a, b))))


def _heaviside(_: sympy.Basic, arguments: list[Node]) -> Node:
    x, at_zero = arguments
    below = apply("select", apply("lt", x, 0.0), 0.0, at_zero)
    return apply("select", apply("lt", 0.0, x), 1.0, below)


def _bessel(expression: sympy.besselj, arguments: list[Node]) -> Node:
    order = expression.order
    if not (order.is_Integer and 0 <= order <= MOST + ABOVE):
        raise _unsupported(expression, f"its order must be a whole number from 0 to {MOST}")
    return bessel(int(order), arguments[1])


def _argument(_: sympy.Basic, arguments: list[Node]) -> Node:
    return apply("select", apply("lt", arguments[0], 0.0), math.pi, 0.0)


def _piecewise(expression: sympy.Piecewise, arguments: list[Node]) -> Node:
    """Nested selection; the last condition is taken as read, so together the conditions must cover every case."""
    values, conditions = arguments[::2], arguments[1::2]
    if sympy.Or(*(pair.cond for pair in expression.args)) is not sympy.true:
        raise _unsupported(expression, "it has no value where no condition holds: end it with (value, True)")
    chosen = values[-1]
    for value, condition in zip(values[-2::-1], conditions[-2::-1], strict=True):
        chosen = apply("select", condition, value, chosen)
    return chosen


def _xor(_: sympy.Basic, arguments: list[Node]) -> Node:
    return reduce(lambda a, b: apply("and", apply("or", a, b), apply("not", apply("and", a, b))), arguments)


def _if_then_else(_: sympy.Basic, arguments: list[Node]) -> Node:
    condition, yes, no = arguments
    return apply("or", apply("and", condition, yes), apply("and", apply("not", condition), no))


_RULES: Mapping[Any, Rule] = MappingProxyType(
    {
        sympy.Add: _sum,
        sympy.Pow: _power,
        sympy.Piecewise: _piecewise,
        sympy.Mod: _modulus,
        sympy.sinc: _sinc,
        sympy.besselj: _bessel,
        sympy.erfc: lambda _, arguments: erfc(arguments[0]),
        sympy.cot: _cotangent,
        sympy.csch: _cosecant,
        sympy.ceiling: _ceiling,
        sympy.functions.frac: _fraction,
        sympy.Heaviside: _heaviside,
        sympy.re: _identity,
        sympy.conjugate: _identity,
        sympy.im: _zero,
        sympy.arg: _argument,
        sympy.Max: partial(_folded, "max"),
        sympy.Min: partial(_folded, "min"),
        sympy.And: partial(_folded, "and"),
        sympy.Or: partial(_folded, "or"),
        sympy.Xor: _xor,
        sympy.ITE: _if_then_else,
        sympy.Ne: _differs,
        sympy.StrictGreaterThan: partial(_exchanged, "lt"),
        sympy.GreaterThan: partial(_exchanged, "le"),
        **{
            kind: partial(_function, op)
            for kind, op in {
                sympy.Not: "not",
                sympy.Eq: "eq",
                sympy.StrictLessThan: "lt",
                sympy.LessThan: "le",
                sympy.Abs: "abs",
                sympy.sign: "sign",
                sympy.floor: "floor",
                sympy.exp: "exp",
                sympy.log: "log",
                sympy.sin: "sin",
                sympy.cos: "cos",
                sympy.tan: "tan",
                sympy.asin: "asin",
                sympy.acos: "acos",
                sympy.atan: "atan",
                sympy.atan2: "atan2",
                sympy.sinh: "sinh",
                sympy.cosh: "cosh",
                sympy.tanh: "tanh",
                sympy.sech: "sech",
                sympy.asinh: "asinh",
                sympy.acosh: "acosh",
                sympy.atanh: "atanh",
                sympy.erf: "erf",
            }.items()
        },
        **{
            kind: partial(_reciprocal, op)
            for kind, op in {
                sympy.sec: "cos",
                sympy.csc: "sin",
                sympy.coth: "tanh",
            }.items()
        },
        **{
            kind: partial(_of_reciprocal, op)
            for kind, op in {
                sympy.acot: "atan",
                sympy.asec: "acos",
                sympy.acsc: "asin",
                sympy.acoth: "atanh",
                sympy.asech: "acosh",
                sympy.acsch: "asinh",
            }.items()
        },
    }
)
