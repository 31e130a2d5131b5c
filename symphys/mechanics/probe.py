"""Decisions about expressions by their values at random points, in 50 decimal digits.

Whether an expression vanishes, depends on a symbol, or a matrix has full rank is undecidable by rewriting and cheap by
evaluation: an analytic function that vanishes at a random point to 40 digits vanishes identically but for a chance of
that order (Schwartz, J. ACM 27, 701 (1980) for polynomials).  Undetermined functions get random values of their own,
for they may be anything.
"""

import hashlib
import random
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import mpmath
import sympy
from sympy.core.function import AppliedUndef

from symphys.language.networks import NetworkTerm
from symphys.mechanics.graph import free_symbols, is_opaque, postorder

_DIGITS = 50
_ZERO = mpmath.mpf(10) ** -35  # relative; far above the rounding of 50 digits, far below any constant of nature


@cache
def _context() -> Any:
    context = mpmath.MPContext()
    context.dps = _DIGITS
    return context


class Probe:
    """A random point: values for symbols within their assumptions, and the values of expressions there."""

    def __init__(self, seed: int = 0, values: Mapping[Any, Any] | None = None) -> None:
        self.context = _context()
        self.seed = seed
        self.values: dict[Any, Any] = dict(values or {})

    def moved(self, symbols: Iterable[Any], seed: int) -> "Probe":
        """The same point but for `symbols`, which get new values."""
        other = Probe(self.seed, self.values)
        for symbol in symbols:
            other.values[symbol] = _draw(symbol, seed, self.context)
        return other

    def value(self, symbol: Any) -> Any:
        """The value of a symbol, drawn when it is first asked for."""
        if symbol not in self.values:
            self.values[symbol] = _draw(symbol, self.seed, self.context)
        return self.values[symbol]

    def __call__(self, expressions: Iterable[Any]) -> list[Any]:
        """The values of `expressions` here; not a number where one is undefined."""
        return [pair[0] for pair in self.with_scales(expressions)]

    def with_scales(self, expressions: Iterable[Any]) -> list[tuple[Any, Any]]:
        """The values of `expressions` and, for each, the size of the largest number met on the way to it."""
        expressions = tuple(expressions)
        known: dict[Any, tuple[Any, Any]] = {}
        for node in postorder(expressions):
            known[node] = self._evaluate(node, known)
        return [known[expression] for expression in expressions]

    def _evaluate(self, node: Any, known: Mapping[Any, tuple[Any, Any]]) -> tuple[Any, Any]:
        value = self._value(node, known)
        scale = abs(value)
        if isinstance(node, sympy.Add):
            scale = max(scale, *(known[arg][1] for arg in node.args))
        elif isinstance(node, sympy.Mul):
            scale = max(scale, self.context.fprod(known[arg][1] for arg in node.args))
        elif isinstance(node, sympy.Pow) and node.exp.is_Integer and node.exp.is_positive:
            scale = max(scale, known[node.base][1] ** int(node.exp))
        return value, scale

    def _value(self, node: Any, known: Mapping[Any, tuple[Any, Any]]) -> Any:
        context = self.context
        try:
            if isinstance(node, sympy.Symbol):
                return self.value(node)
            if isinstance(node, sympy.Rational):
                return context.mpf(int(node.p)) / int(node.q)
            if isinstance(node, sympy.Add):
                return context.fsum(known[arg][0] for arg in node.args)
            if isinstance(node, sympy.Mul):
                return context.fprod(known[arg][0] for arg in node.args)
            if isinstance(node, sympy.Pow):
                base, exponent = node.args
                power = int(exponent) if exponent.is_Integer else known[exponent][0]
                return known[base][0] ** power
            if isinstance(node, NetworkTerm):  # it may be anything, and so may its derivatives
                key = (node.jet.key, *(context.nstr(known[arg][0], 25) for arg in node.args))
                return _anything(repr(key), context)
            if isinstance(node, AppliedUndef):
                key = (node.func.__name__, *(context.nstr(known[arg][0], 25) for arg in node.args))
                return _anything(repr(key), context)
            if is_opaque(node):
                inner = tuple(context.nstr(self.value(s), 25) for s in sorted(node.free_symbols, key=str))
                return _anything(repr((sympy.srepr(node), inner)), context)
            return self._function(node, known)
        except (ZeroDivisionError, ValueError, OverflowError, TypeError):
            return context.nan

    def _function(self, node: Any, known: Mapping[Any, tuple[Any, Any]]) -> Any:
        context = self.context
        if isinstance(node, sympy.Piecewise):
            for branch in node.args:
                held = branch.cond.subs({s: _to_float(self.value(s), context) for s in branch.cond.free_symbols})
                if held == sympy.true:
                    return known[branch.expr][0]
            return context.nan
        args = [known[arg][0] for arg in node.args]
        direct = _FUNCTIONS.get(type(node).__name__)
        if direct is not None:
            return getattr(context, direct)(*args)
        result = node.func(*(_to_float(arg, context) for arg in args)).evalf(_DIGITS) if args else node.evalf(_DIGITS)
        if not result.is_number or result.has(sympy.nan, sympy.zoo):
            # A function without a numerical value of its own: it may be anything.
            key = (sympy.srepr(node.func) if not args else str(node.func), *(context.nstr(arg, 25) for arg in args))
            return _anything(repr(key), context)
        real, imaginary = result.as_real_imag()
        value = context.mpf(real._to_mpmath(context.prec)) if real.is_number else context.nan
        return context.mpc(value, imaginary._to_mpmath(context.prec)) if imaginary != 0 else value


_FUNCTIONS = {
    name: name for name in ("sin", "cos", "tan", "exp", "log", "sinh", "cosh", "tanh", "asin", "acos", "atan", "atan2",
                            "asinh", "acosh", "atanh", "sign", "erf", "gamma")
} | {"Abs": "fabs", "re": "re", "im": "im"}  # fmt: skip


# What random points cannot decide: they may all fall on one piece.
PIECES = (sympy.Piecewise, sympy.Max, sympy.Min, sympy.Heaviside, sympy.floor, sympy.ceiling, sympy.Mod)


def vanishing(expressions: Iterable[Any], points: int = 2) -> list[bool]:
    """For each of `expressions` whether it is identically zero.

    Those that are undefined at a random point, or made of pieces, count as not zero unless they are written as zero.
    """
    expressions = tuple(expressions)
    answer = [expression == 0 for expression in expressions]
    # Only sums cancel; what is a product, a power or a function of something is zero where SymPy says so, or never.
    open_questions = [
        index for index, expression in enumerate(expressions) if not answer[index] and _may_cancel(expression)
    ]
    open_questions = [index for index in open_questions if not _has_pieces(expressions[index])]
    for index in open_questions:
        answer[index] = True
    for seed in range(points):
        open_questions = [index for index in open_questions if answer[index]]  # one point is enough to say no
        values = Probe(seed).with_scales(expressions[index] for index in open_questions)
        for index, pair in zip(open_questions, values, strict=True):
            answer[index] = _small([pair])
    return answer


def vanishes(expressions: Iterable[Any], points: int = 2) -> bool:
    """Whether all `expressions` are identically zero."""
    return all(vanishing(expressions, points))


def nearly_vanishes(expressions: Sequence[Any], *among: Sequence[Any], points: int = 2) -> bool:
    """Whether all `expressions` vanish but for rounded numbers in them.

    Each must be below 2^-44 of the largest number met on the way to it, and to its neighbours in the rows `among`, of
    which it was made.
    """
    n = len(expressions)
    for seed in range(points):
        pairs = Probe(seed).with_scales([each for row in (expressions, *among) for each in row])
        sizes = [max(scale for _, scale in pairs[i::n]) for i in range(n)]
        # not (|value| <= bound) also catches not-a-number
        if not all(abs(value) <= 2.0**-44 * size for (value, _), size in zip(pairs, sizes, strict=False)):
            return False
    return True


def _may_cancel(expression: Any) -> bool:
    return any(isinstance(node, sympy.Add) for node in postorder((expression,))) or is_opaque(expression)


def dependent(expressions: Sequence[Any], symbols: Iterable[Any], points: int = 2) -> list[bool]:
    """For each of `expressions` whether it truly changes with any of `symbols`, beyond merely containing it.

    A function made of pieces depends on whatever it contains, for random points may all fall on one piece.
    """
    symbols = frozenset(symbols)
    answer = [bool(free_symbols((expression,)) & symbols) for expression in expressions]
    inside = [expression for expression, contains in zip(expressions, answer, strict=True) if contains]
    if not inside:
        return answer
    found = [_has_pieces(expression, symbols) for expression in inside]
    for seed in range(points):
        doubtful = [index for index, yes in enumerate(found) if not yes]  # one point is enough to say yes
        here = Probe(seed)
        before = here.with_scales(inside[index] for index in doubtful)
        after = here.moved(symbols, seed + 1000).with_scales(inside[index] for index in doubtful)
        for index, a, b in zip(doubtful, after, before, strict=True):
            found[index] = not _small([(b[0] - a[0], max(a[1], b[1]))])
    decided = iter(found)
    return [contains and next(decided) for contains in answer]


def depends(expressions: Sequence[Any], symbols: Iterable[Any], points: int = 2) -> bool:
    """Whether any of `expressions` truly changes with any of `symbols`."""
    return any(dependent(expressions, symbols, points))


def matrix_at(rows: Sequence[Sequence[Any]], probe: Probe) -> Any:
    """The mpmath matrix of values of `rows` at the point of `probe`."""
    values = iter(probe(entry for row in rows for entry in row))
    return probe.context.matrix([[next(values) for _ in row] for row in rows])


def _has_pieces(expression: Any, symbols: frozenset[Any] | None = None) -> bool:
    pieces = [node for node in postorder((expression,)) if isinstance(node, PIECES)]
    return bool(pieces) and (symbols is None or bool(free_symbols(pieces) & symbols))


def _small(values: Iterable[tuple[Any, Any]]) -> bool:
    # not (|value| <= bound) also catches not-a-number
    return all(abs(value) <= _ZERO * scale for value, scale in values)


def _draw(symbol: Any, seed: int, context: Any) -> Any:
    generator = random.Random(f"{symbol.name} {seed}")
    if symbol.is_integer:
        return context.mpf((-1 if symbol.is_negative else 1) * generator.randint(1, 9))
    size = context.mpf(generator.randint(5 * 10**39, 15 * 10**39)) / 10**40  # 0.5 to 1.5
    if symbol.is_negative or symbol.is_nonpositive:
        return -size
    if symbol.is_positive or symbol.is_nonnegative:
        return size
    return size * generator.choice((-1, 1))


def _anything(key: str, context: Any) -> Any:
    digest = hashlib.sha256(key.encode()).digest()
    return context.mpf(int.from_bytes(digest[:20], "big")) / context.mpf(2) ** 160 + context.mpf(1) / 3


def _to_float(value: Any, context: Any) -> Any:
    if isinstance(value, context.mpc):
        return sympy.Float(value.real, _DIGITS) + sympy.I * sympy.Float(value.imag, _DIGITS)
    return sympy.Float(value, _DIGITS)
