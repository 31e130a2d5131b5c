"""Complex expressions as pairs of real nodes: the one place where the imaginary unit ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy

from codegen import Array, Node, UnsupportedError, apply, real
from symphys.language.networks import NetworkTerm
from symphys.lower.expressions import dense, lower_expressions

Pair = tuple[Node, Node | None]  # real part, and imaginary part where there is one


def conjugate(value: Pair) -> Pair:
    """x - i y."""
    return value[0], None if value[1] is None else -value[1]


def add(a: Pair, b: Pair) -> Pair:
    """The sum."""
    if a[1] is None or b[1] is None:
        return a[0] + b[0], b[1] if a[1] is None else a[1]
    return a[0] + b[0], a[1] + b[1]


def multiply(a: Pair, b: Pair) -> Pair:
    """The product."""
    if a[1] is None and b[1] is None:
        return a[0] * b[0], None
    if b[1] is None:
        a, b = b, a
    if a[1] is None:
        assert b[1] is not None
        return a[0] * b[0], a[0] * b[1]
    assert b[1] is not None
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


def square(value: Pair) -> Node:
    """x^2 + y^2."""
    return value[0] * value[0] if value[1] is None else value[0] * value[0] + value[1] * value[1]


class PairLowering:
    """Lowers expressions in symbols whose nodes are pairs; each subexpression once.

    weights: the arrays of the weights that networks in them read, by name.
    """

    def __init__(self, pair: Callable[[Any], Pair]) -> None:
        self.pair = pair
        self.done: dict[Any, Pair] = {}
        self.weights: dict[str, Array] = {}

    def run(self, expression: Any) -> Pair:
        """The pair of an expression.

        Raises UnsupportedError for functions of complex numbers other than exponentials, powers and moduli.
        """
        if expression not in self.done:
            self.done[expression] = _without_zero(self._lower(expression))
        return self.done[expression]

    def real(self, expression: Any) -> Node:
        """The real part."""
        return self.run(expression)[0]

    def _lower(self, e: Any) -> Pair:
        if e.is_Symbol:
            return self.pair(e)
        if not e.args or (e.is_number and e.is_real):
            return self._number(e)
        if e.is_number and not e.has(sympy.Integral, sympy.Sum):
            return self._number(e)
        if isinstance(e, sympy.Piecewise):
            return self._piecewise(e)
        parts = [self.run(argument) for argument in e.args]
        if isinstance(e, sympy.Add):
            return _total(add, parts)
        if isinstance(e, sympy.Mul):
            return _total(multiply, parts)
        if isinstance(e, NetworkTerm):
            return self._network(e, parts)
        special = _SPECIAL.get(type(e))
        if special is not None:
            return special(parts[0])
        if all(part[1] is None for part in parts):
            nodes = {argument: part[0] for argument, part in zip(e.args, parts, strict=True)}
            # numbers are lowered where they stand, so that integer powers stay powers
            plain = {argument: node for argument, node in nodes.items() if not argument.is_number}
            return lower_expressions([e], plain)[0], None
        if isinstance(e, sympy.Pow):
            return self._power(e, parts)
        if isinstance(e, sympy.exp):
            return _exponential(parts[0])
        raise UnsupportedError(
            f"{type(e).__name__} of a complex number, in {_short(e)}, cannot be compiled; write it by Abs, re and im"
        )

    def _network(self, e: Any, parts: list[Pair]) -> Pair:
        """A network, whose arguments are real whatever they are made of: densities are read so."""
        array = dense(e.jet.network).array
        self.weights[array.name] = array
        point = [sympy.Dummy() for _ in parts]
        return lower_expressions([e.func(*point)], {p: part[0] for p, part in zip(point, parts, strict=True)})[0], None

    def _number(self, e: Any) -> Pair:
        x, y = e.as_real_imag()
        first = lower_expressions([x], {})[0]
        return first, None if y == 0 else lower_expressions([y], {})[0]

    def _power(self, e: Any, parts: list[Pair]) -> Pair:
        base, exponent = parts
        if e.base is sympy.E:
            return _exponential(exponent)
        power = int(e.exp) if e.exp.is_Integer else None
        if power is None:
            raise UnsupportedError(f"the power {_short(e)} of a complex number has branches; write it by Abs and exp")
        result = base
        for _ in range(abs(power) - 1):
            result = multiply(result, base)
        if power > 0:
            return result
        size = square(result)
        over = conjugate(result)
        return over[0] / size, None if over[1] is None else over[1] / size

    def _piecewise(self, e: Any) -> Pair:
        values = [self.run(pair.expr) for pair in e.args]
        conditions = [pair.cond for pair in e.args]
        symbols = sorted({s for c in conditions for s in c.free_symbols}, key=str)
        known = {s: self.pair(s) for s in symbols}
        if any(part[1] is not None for part in known.values()):
            raise UnsupportedError(f"the conditions of {_short(e)} compare complex numbers; compare Abs, re or im")
        nodes = {s: part[0] for s, part in known.items()}
        found: list[Node | None] = []
        for component in (0, 1):
            parts = [value[component] for value in values]
            if all(part is None for part in parts):
                found.append(None)
                continue
            stand_ins = [sympy.Dummy(f"value{i}") for i in range(len(parts))]
            made = sympy.Piecewise(*zip(stand_ins, conditions, strict=True), evaluate=False)
            given = {s: real(0.0) if part is None else part for s, part in zip(stand_ins, parts, strict=True)}
            found.append(lower_expressions([made], {**nodes, **given})[0])
        assert found[0] is not None
        return found[0], found[1]


def _total(combine: Callable[[Pair, Pair], Pair], parts: list[Pair]) -> Pair:
    queue = list(parts)
    while len(queue) > 1:  # a balanced tree: short chains
        queue = [combine(*queue[i : i + 2]) if i + 1 < len(queue) else queue[i] for i in range(0, len(queue), 2)]
    return queue[0]


def _without_zero(value: Pair) -> Pair:
    y = value[1]
    return (value[0], None) if y is not None and y.op == "constant" and y.attribute == 0 else value


def _exponential(value: Pair) -> Pair:
    size = apply("exp", value[0])
    if value[1] is None:
        return size, None
    return size * apply("cos", value[1]), size * apply("sin", value[1])


def _modulus(value: Pair) -> Pair:
    return (apply("abs", value[0]), None) if value[1] is None else (apply("sqrt", square(value)), None)


def _imaginary(value: Pair) -> Pair:
    return real(0.0) if value[1] is None else value[1], None


def _argument(value: Pair) -> Pair:
    return apply("atan2", real(0.0) if value[1] is None else value[1], value[0]), None


_SPECIAL: Mapping[Any, Callable[[Pair], Pair]] = {
    sympy.conjugate: conjugate,
    sympy.re: lambda value: (value[0], None),
    sympy.im: _imaginary,
    sympy.Abs: _modulus,
    sympy.arg: _argument,
}


def _short(expression: Any) -> str:
    text = str(expression)
    return text if len(text) <= 120 else f"{text[:117]}..."
