"""Values and slopes of expressions at many random points at once, in double precision.

The search for symmetries asks for thousands of numbers and decides nothing by them alone: what it finds is written
exactly and verified in 50 digits (`probe`).  Values are complex, so that roots and logarithms of negative numbers are
points like any others.  Undetermined functions get values of their own, and so do their derivatives.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.special
import sympy
from numpy.typing import NDArray
from sympy.core.function import AppliedUndef, Derivative, Subs

from symphys.language.networks import NetworkTerm
from symphys.mechanics.differentiate import partial
from symphys.mechanics.graph import free_symbols, is_opaque, postorder, substitute
from symphys.mechanics.probe import PIECES

Numbers = NDArray[np.complex128]

_NUMPY = {
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "exp": np.exp, "log": np.log, "sinh": np.sinh, "cosh": np.cosh,
    "tanh": np.tanh, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "asinh": np.arcsinh,
    "acosh": np.arccosh, "atanh": np.arctanh, "Abs": np.abs, "sign": np.sign, "conjugate": np.conjugate,
    "erf": scipy.special.erf,
}  # fmt: skip


def draw(symbols: Iterable[Any], points: int, seed: int) -> dict[Any, Numbers]:
    """[points] random values of size 0.3 to 1.7 for each symbol, of either sign where its assumptions allow."""
    return {symbol: _drawn(symbol, points, seed) for symbol in symbols}


def draw_constants(symbols: Iterable[Any], seed: int) -> dict[Any, Numbers]:
    """One random value, [1], for each parameter; integers too are drawn from the reals, for laws hold for all."""
    return {symbol: _drawn(symbol, 1, seed) for symbol in symbols}


def _drawn(symbol: Any, points: int, seed: int) -> Numbers:
    digest = hashlib.sha256(f"{symbol.name} {seed}".encode()).digest()
    generator = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    size = generator.uniform(0.3, 1.7, points)
    if symbol.is_positive or symbol.is_nonnegative:
        signs = np.ones(points)
    elif symbol.is_negative or symbol.is_nonpositive:
        signs = -np.ones(points)
    else:
        signs = generator.choice((-1.0, 1.0), points)
    return (signs * size).astype(complex)


@dataclass
class Sampler:
    """The values of expressions, and their slopes along several directions, at the points `values`.

    values: {symbol: [P] or [1]}.
    tangents: {symbol: [S, P]}, the rate of each symbol along each of S directions; none for what stays.
    """

    values: Mapping[Any, Numbers]
    tangents: Mapping[Any, Numbers] = field(default_factory=dict)
    _known: dict[Any, Numbers] = field(default_factory=dict)
    _jets: dict[str, tuple[str, tuple[int, ...]]] = field(default_factory=dict)

    def __call__(self, expressions: Sequence[Any], points: int) -> tuple[Numbers, Numbers]:
        """Values [E, P] and slopes [E, S, P]; not finite where an expression is not."""
        directions = max((tangent.shape[0] for tangent in self.tangents.values()), default=0)
        values = np.zeros((len(expressions), points), complex)
        slopes = np.zeros((len(expressions), directions, points), complex)
        canonical = self._canonical(expressions)
        rates: dict[Any, Numbers] = dict(self.tangents)
        with np.errstate(all="ignore"):
            for node in postorder(canonical):
                self._known[node] = self._value(node)
                if node not in rates:
                    rate = self._rate(node, rates)
                    if rate is not None:
                        rates[node] = rate
        for index, expression in enumerate(canonical):
            values[index] = self._known[expression]
            if expression in rates:
                slopes[index] = rates[expression]
        return values, slopes

    # --- values -------------------------------------------------------------------------------------------------

    def _value(self, node: Any) -> Numbers:
        if node in self._known:
            return self._known[node]
        if isinstance(node, sympy.Symbol):
            return self.values[node]
        if not node.args:
            return np.array([complex(node)])
        if is_opaque(node) or isinstance(node, PIECES):
            return self._anything(sympy.srepr(node), [self.values[s] for s in _sorted(node.free_symbols)])
        args = [self._value(arg) for arg in node.args]
        if isinstance(node, sympy.Add):
            return _total(args)
        if isinstance(node, sympy.Mul):
            return _product(args)
        if isinstance(node, sympy.Pow):
            exponent = int(node.exp) if node.exp.is_Integer else args[1]
            return np.asarray(args[0] ** exponent)
        if isinstance(node, AppliedUndef):
            return self._anything(repr(self._jet_of(node)), args)
        if isinstance(node, NetworkTerm):
            return self._anything(node.jet.key, args)
        return self._function(node, args)

    def _function(self, node: Any, args: list[Numbers]) -> Numbers:
        direct = _NUMPY.get(type(node).__name__)
        if direct is not None:
            return np.asarray(direct(args[0]), complex)
        try:
            holes = [sympy.Dummy() for _ in args]
            numeric = sympy.lambdify(holes, node.func(*holes), modules=["scipy", "numpy"])
            return np.asarray(numeric(*(arg.real if not arg.imag.any() else arg for arg in args)), complex)
        except (TypeError, ValueError, NameError, AttributeError, NotImplementedError, KeyError):
            # a function without a numerical value of its own: it may be anything
            return self._anything(str(node.func), args)

    def _anything(self, key: str, args: Sequence[Numbers]) -> Numbers:
        """Values that depend on nothing but the key and, to ten digits, the arguments."""
        columns = np.broadcast_arrays(*args) if args else [np.zeros(1, complex)]
        made = [_random(f"{key} {[f'{complex(value):.10g}' for value in row]}") for row in zip(*columns, strict=True)]
        return np.array(made, complex)

    # --- slopes -------------------------------------------------------------------------------------------------

    def _rate(self, node: Any, rates: Mapping[Any, Numbers]) -> Numbers | None:
        if is_opaque(node) or isinstance(node, PIECES):
            inside = [symbol for symbol in _sorted(node.free_symbols) if symbol in rates]
            at = [self.values[s] for s in _sorted(node.free_symbols)]
            return _sum_of(self._anything(f"{s} {sympy.srepr(node)}", at) * rates[s] for s in inside)
        moving = [index for index, arg in enumerate(node.args) if arg in rates]
        if not moving:
            return None
        if isinstance(node, sympy.Add):
            return _sum_of(rates[node.args[index]] for index in moving)
        args = [self._known[arg] for arg in node.args]
        return _sum_of(self._slope(node, index, args) * rates[node.args[index]] for index in moving)

    def _slope(self, node: Any, index: int, args: list[Numbers]) -> Numbers:
        if isinstance(node, sympy.Mul):
            return _product([*args[:index], *args[index + 1 :]])
        if isinstance(node, sympy.Pow) and index == 0:
            lowered = int(node.exp) - 1 if node.exp.is_Integer else args[1] - 1
            return np.asarray(args[1] * args[0] ** lowered)
        if isinstance(node, AppliedUndef):
            name, orders = self._jet_of(node)
            raised = tuple(order + (place == index) for place, order in enumerate(orders))
            return self._anything(repr((name, raised)), args)
        if isinstance(node, NetworkTerm):
            return self._anything(node.jet.raised(index).key, args)
        (slope,) = self._canonical((partial(node, index),))
        return self._value(slope)

    # --- undetermined functions ---------------------------------------------------------------------------------

    def _jet_of(self, node: Any) -> tuple[str, tuple[int, ...]]:
        name = node.func.__name__
        return self._jets.get(name, (name, (0,) * len(node.args)))

    def _canonical(self, expressions: Iterable[Any]) -> tuple[Any, ...]:
        """Derivatives of undetermined functions at any argument as functions of their own, of known descent."""
        expressions = tuple(expressions)
        replaced: dict[Any, Any] = {}
        for node in postorder(expressions):
            jet = _read_jet(node) if is_opaque(node) else None
            if jet is not None:
                name, orders, args = jet
                own = f"{name} {orders}"
                self._jets[own] = (name, orders)
                replaced[node] = sympy.Function(own)(*self._canonical(args))
        return substitute(expressions, replaced) if replaced else expressions


def _read_jet(node: Any) -> tuple[str, tuple[int, ...], tuple[Any, ...]] | None:
    """The function, the order by each argument, and the arguments of a derivative of an undetermined function."""
    inner, place = (
        (node.expr, dict(zip(node.variables, node.point, strict=True))) if isinstance(node, Subs) else (node, {})
    )
    if not isinstance(inner, Derivative) or not isinstance(inner.expr, AppliedUndef):
        return None
    function = inner.expr
    orders = [0] * len(function.args)
    for variable, count in inner.variable_count:
        places = [index for index, arg in enumerate(function.args) if arg.has(variable)]
        if len(places) != 1 or function.args[places[0]] != variable or not count.is_Integer:
            return None
        orders[places[0]] += int(count)
    return function.func.__name__, tuple(orders), tuple(arg.xreplace(place) for arg in function.args)


def _sorted(symbols: Iterable[Any]) -> list[Any]:
    return sorted(symbols, key=str)


def _total(parts: Sequence[Numbers]) -> Numbers:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _product(parts: Sequence[Numbers]) -> Numbers:
    if not parts:
        return np.ones(1, complex)
    total = parts[0]
    for part in parts[1:]:
        total = total * part
    return total


def _sum_of(parts: Iterable[Numbers]) -> Numbers | None:
    listed = list(parts)
    return _total(listed) if listed else None


def _random(key: str) -> float:
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return 0.3 + int.from_bytes(digest, "big") / 2**64


def constants_inside(expressions: Iterable[Any], parameters: Iterable[Any]) -> tuple[Any, ...]:
    """The parameters that occur, and the functions and roots of parameters alone, such as sin(alpha)."""
    allowed = frozenset(parameters)
    nodes = postorder(expressions)
    functions = [
        node
        for node in nodes
        if (isinstance(node, sympy.Function) or (isinstance(node, sympy.Pow) and not node.exp.is_Integer))
        and free_symbols((node,))
        and free_symbols((node,)) <= allowed
    ]
    return (*_sorted(free_symbols(nodes) & allowed), *functions)
