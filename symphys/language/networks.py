"""Networks as terms: opaque functions whose derivatives are themselves with raised orders.

Expanded into scalars a network drowns what it stands in; as one node it is differentiated by the chain rule like any
undetermined function, and its derivatives are evaluated together where they are wanted.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sympy
from sympy.core.function import ArgumentIndexError

from symphys.errors import InputError


@dataclass(frozen=True)
class NetworkSymbol:
    """f(x) = c + s core(x') with `inputs` arguments and `outputs` components; called on expressions it is a term.

    core: the layers themselves, with `hidden` neurons in each and one `activation`; their weights are one parameter,
        whose key is the network.
    x': (x - input_shift) / input_scale, or cos(2 pi x / T), sin(2 pi x / T) for an input in `periodic`, {index: T} as
        pairs.
    features: frequencies B [m][inputs of the core], through which the core sees cos(2 pi B x'), sin(2 pi B x').
    even: inputs whose common change of sign leaves f as it is: f is the mean over both signs.
    """

    name: str
    inputs: int
    outputs: int
    hidden: tuple[int, ...]
    activation: str
    features: tuple[tuple[float, ...], ...] = ()
    input_shift: tuple[float, ...] = ()
    input_scale: tuple[float, ...] = ()
    output_shift: tuple[float, ...] = ()
    output_scale: tuple[float, ...] = ()
    even: tuple[int, ...] = ()
    periodic: tuple[tuple[int, float], ...] = ()

    @property
    def core_inputs(self) -> int:
        """How many numbers the layers take: a periodic input is seen as a cosine and a sine."""
        return self.inputs + len(self.periodic)

    def __call__(self, *arguments: Any) -> Any:
        """The network at a point: an expression, or a Tuple of as many as there are outputs.

        Raises `InputError` for another number of arguments than there are inputs, and for what is no real expression.
        """
        point = tuple(_real(argument, self.name) for argument in _flat(arguments))
        if len(point) != self.inputs:
            raise InputError(
                f"The network {self.name} takes {self.inputs} inputs, but {len(point)} were given: {self.name}"
                f"({', '.join(map(str, point))}). Give as many, or make it with inputs={len(point)}."
            )
        values = [self._value(point, component) for component in range(self.outputs)]
        return values[0] if self.outputs == 1 else sympy.Tuple(*values)

    def _value(self, point: tuple[Any, ...], component: int) -> Any:
        zeros = (sympy.S.Zero,) * self.core_inputs
        jet = NetworkJet(self, sympy.Integer(component), zeros)
        value = jet(*self._seen(point))
        if self.even:
            mirrored = tuple(-x if i in self.even else x for i, x in enumerate(point))
            value = (value + jet(*self._seen(mirrored))) / 2
        if self.output_scale:
            value = sympy.Float(self.output_scale[component]) * value
        return value + sympy.Float(self.output_shift[component]) if self.output_shift else value

    def _seen(self, point: tuple[Any, ...]) -> tuple[Any, ...]:
        """What the layers take."""
        periods = dict(self.periodic)
        seen: list[Any] = []
        for i, x in enumerate(point):
            if i in periods:
                angle = 2 * sympy.pi / _number(periods[i]) * x
                seen += [sympy.cos(angle), sympy.sin(angle)]
                continue
            if self.input_shift and self.input_shift[i]:
                x = x - _number(self.input_shift[i])
            if self.input_scale and self.input_scale[i] != 1:
                x = x / _number(self.input_scale[i])
            seen.append(x)
        return tuple(seen)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class NetworkJet:
    """A component of a network's core, differentiated so often by each of its inputs."""

    network: NetworkSymbol
    component: Any
    orders: tuple[Any, ...]

    def __call__(self, *point: Any) -> "NetworkTerm":
        """The term at a point."""
        return NetworkTerm(self, *point)

    def raised(self, argument: int) -> "NetworkJet":
        """Differentiated once more by an argument."""
        return replace(self, orders=tuple(k + 1 if i == argument else k for i, k in enumerate(self.orders)))

    @cached_property
    def key(self) -> str:
        """A text that no other network and no other derivative has."""
        return repr(self)

    @property
    def marks(self) -> str:
        """What stands behind the name: ' for each derivative by a single input, else (orders)."""
        if not any(self.orders):
            return ""
        if len(self.orders) == 1 and self.orders[0] <= 3:
            return "'" * int(self.orders[0])
        return f"({','.join(map(str, self.orders))})"

    def __str__(self) -> str:
        index = f"_{self.component}" if self.network.outputs > 1 else ""
        marks = self.marks if "(" not in self.marks else f"^{self.marks}"
        return f"{self.network.name}{index}{marks}"


class NetworkTerm(sympy.Expr):
    """A derivative of a network at a point. Its arguments are the point's coordinates and nothing else."""

    is_commutative = True
    is_real = True
    is_number = False

    def __new__(cls, jet: NetworkJet, *point: Any) -> "NetworkTerm":
        """The term of a jet at a point."""
        made = sympy.Expr.__new__(cls, *map(sympy.sympify, point))
        made.jet = jet
        return made

    @property
    def func(self) -> Any:
        """What makes a term of the same kind from other arguments."""
        return self.jet

    def fdiff(self, argindex: int = 1) -> "NetworkTerm":
        """The derivative by an argument, counted from 1."""
        if not 1 <= argindex <= len(self.args):
            raise ArgumentIndexError(self, argindex)
        return NetworkTerm(self.jet.raised(argindex - 1), *self.args)

    def _eval_derivative(self, symbol: Any) -> Any:
        slopes = [argument.diff(symbol) for argument in self.args]
        return sympy.Add(*(slope * self.fdiff(i) for i, slope in enumerate(slopes, start=1) if slope != 0))

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.jet.key, *self.args)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.jet, *self.args)

    def sort_key(self, order: Any = None) -> Any:
        """As if the name with its marks were a first argument."""
        parts = (sympy.Symbol(self.jet.key), *self.args)
        keys = tuple(part.sort_key(order) for part in parts)
        return self.class_key(), (len(parts), keys), sympy.S.One.sort_key(), sympy.S.One

    def _eval_evalf(self, _precision: int) -> None:
        return None

    def _sympystr(self, printer: Any) -> str:
        return f"{self.jet}({', '.join(printer._print(argument) for argument in self.args)})"

    _sympyrepr = _sympystr

    def _latex(self, printer: Any) -> str:
        index = f"_{{{self.jet.component}}}" if self.jet.network.outputs > 1 else ""
        marks = f"^{{{self.jet.marks}}}" if "(" in self.jet.marks else self.jet.marks
        name = printer._print(sympy.Symbol(self.jet.network.name))
        point = ", ".join(printer._print(argument) for argument in self.args)
        return f"{name}{index}{marks}\\left({point}\\right)"


def networks_in(terms: Iterable[Any]) -> tuple[Any, ...]:
    """The networks of the network terms among some nodes, each once, sorted by name."""
    found = {node.jet.network for node in terms if isinstance(node, NetworkTerm)}
    return tuple(sorted(found, key=lambda network: network.name))


def _flat(arguments: tuple[Any, ...]) -> list[Any]:
    """Arguments one by one, with vectors and sequences taken apart."""
    found: list[Any] = []
    for argument in arguments:
        if isinstance(argument, sympy.MatrixBase | tuple | list | sympy.Tuple):
            found.extend(argument)
        else:
            found.append(argument)
    return found


def _real(argument: Any, name: str) -> Any:
    try:
        read = sympy.sympify(argument, strict=True)
    except sympy.SympifyError as error:
        raise InputError(
            f"The network {name} was given {argument!r} of type {type(argument).__name__}, which is no expression."
        ) from error
    if not isinstance(read, sympy.Expr) or not read.is_commutative or read.is_extended_real is False:
        raise InputError(f"The network {name} takes real scalar expressions, and {read} is none.")
    return read


def _number(value: float) -> Any:
    """A whole number as itself, any other as a Float."""
    return sympy.Integer(int(value)) if float(value).is_integer() else sympy.Float(value)
