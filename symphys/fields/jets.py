"""Jet space of fields: psi, psi_t, psi_x, psi_xx, ... and their conjugates as independent symbols.

Variation treats them so (Olver, "Applications of Lie Groups to Differential Equations", 2nd ed., section 2.3); users
write functions of spacetime, and this is the border between the two.  Symbols are made when they are first asked for,
so a jet space has no highest order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sympy
from sympy.core.function import Derivative

from symphys.errors import UnsupportedError
from symphys.language.convolution import Convolution
from symphys.language.fields import is_complex_field, is_external
from symphys.language.shifts import Shifted

Index = tuple[int, ...]


@dataclass(frozen=True)
class Nonlocal:
    """What stands for a convolution: K * argument over some coordinates, with the argument in jet symbols."""

    name: str
    kernel: Any
    argument: Any
    over: tuple[Any, ...]
    real: bool

    @property
    def external(self) -> Any | None:
        """The user's external function that is the kernel, as it was declared; None for a kernel in closed form."""
        return self.kernel.expr.func(*self.over) if is_external(self.kernel.expr) else None


@dataclass(frozen=True)
class Jet:
    """What a jet symbol stands for: the derivative `index` (orders over the spacetime) of a function, conjugated or
    not.

    function: the user's field or external function, or a `Nonlocal`. shift: where it is taken on a lattice, in sites
    along each axis of space; empty for here.
    """

    function: Any
    index: Index
    conjugated: bool = False
    shift: Index = ()

    @property
    def time_order(self) -> int:
        """The order of the derivative by time."""
        return self.index[0]

    def shifted(self, index: Index) -> "Jet":
        """The derivative of this by a further multi-index."""
        return replace(self, index=tuple(a + b for a, b in zip(self.index, index, strict=True)))

    def moved(self, sites: Index) -> "Jet":
        """The same so many sites further on along each axis of space."""
        total = tuple(a + b for a, b in zip(self.shift or (0,) * len(sites), sites, strict=True))
        return replace(self, shift=total if any(total) else ())


@dataclass(frozen=True)
class FieldJets:
    """The jet symbols of some functions of spacetime.

    coordinates: the spacetime, the time first; real symbols, which stand for themselves.
    fields: the fields that vary.
    given: external functions and fields that do not vary.
    names: what the symbols of fields and given functions start with, distinct from each other and from parameters.
    """

    coordinates: tuple[Any, ...]
    fields: tuple[Any, ...]
    given: tuple[Any, ...]
    names: Mapping[Any, str] = field(hash=False)
    _symbols: dict[Jet, Any] = field(default_factory=dict, compare=False, repr=False)
    _jets: dict[Any, Jet] = field(default_factory=dict, compare=False, repr=False)
    _nonlocal: dict[Any, Nonlocal] = field(default_factory=dict, compare=False, repr=False)
    _written: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def zero(self) -> Index:
        """The multi-index of the function itself."""
        return (0,) * len(self.coordinates)

    def axis(self, *axes: int) -> Index:
        """The multi-index of one derivative along each of `axes` (0 is the time)."""
        return tuple(axes.count(k) for k in range(len(self.coordinates)))

    def symbol(self, function: Any, index: Index | None = None, conjugated: bool = False) -> Any:
        """The jet symbol of a derivative of a field, an external function or a `Nonlocal`."""
        return self.of(Jet(function, self.zero if index is None else index, conjugated))

    def of(self, jet: Jet) -> Any:
        """The symbol of a jet; zero for a derivative by a coordinate on which an external function does not depend."""
        if jet in self._symbols:
            return self._symbols[jet]
        function = jet.function
        depends = self.coordinates if isinstance(function, Nonlocal) else function.args
        if any(order and x not in depends for order, x in zip(jet.index, self.coordinates, strict=True)):
            return sympy.S.Zero
        real = function.real if isinstance(function, Nonlocal) else not is_complex_field(function)
        if real and jet.conjugated:
            return self.of(replace(jet, conjugated=False))
        base = function.name if isinstance(function, Nonlocal) else self.names[function]
        name = _named(base + "_bar" * jet.conjugated, jet.index, self.coordinates)
        name += "".join(f"[{x}{n:+d}]" for x, n in zip(self.coordinates[1:], jet.shift, strict=False) if n)
        made = sympy.Symbol(name, real=True) if real else sympy.Symbol(name)
        self._symbols[jet] = made
        self._jets[made] = jet
        return made

    def jet(self, symbol: Any) -> Jet | None:
        """What a jet symbol stands for; None for any other symbol."""
        return self._jets.get(symbol)

    def raised(self, symbol: Any, axis: int) -> Any:
        """The jet symbol of the derivative of a jet symbol along one axis."""
        return self.of(self._jets[symbol].shifted(self.axis(axis)))

    def conjugate(self, symbol: Any) -> Any:
        """The jet symbol of the complex conjugate."""
        jet = self._jets[symbol]
        if isinstance(jet.function, Nonlocal) and not jet.function.real:
            other = jet.function
            twin = self.nonlocal_term(
                other.kernel.func(other.kernel.variables, self.conjugated(other.kernel.expr)),
                self.conjugated(other.argument),
                other.over,
            )
            return self.symbol(twin, jet.index)
        return self.of(replace(jet, conjugated=not jet.conjugated))

    def conjugated(self, expression: Any) -> Any:
        """The complex conjugate of an expression in jet symbols; parameters are real, functions real-analytic."""
        swapped = {symbol: self.conjugate(symbol) for symbol in self.present((expression,))}
        return expression.xreplace({sympy.I: -sympy.I, **{a: b for a, b in swapped.items() if a is not b}})

    def present(self, expressions: Iterable[Any]) -> tuple[Any, ...]:
        """The jet symbols in some expressions, in an order that does not change."""
        found: set[Any] = set()
        for expression in expressions:
            found |= {symbol for symbol in expression.free_symbols if symbol in self._jets}
        return tuple(sorted(found, key=lambda symbol: symbol.name))

    def moved(self, expression: Any, sites: Index) -> Any:
        """An expression so many sites further on along each axis of space.

        Raises `UnsupportedError` where it depends on places otherwise than through fields and external functions.
        """
        if not any(sites):
            return expression
        along = {x for x, n in zip(self.coordinates[1:], sites, strict=True) if n}
        there = {}
        for symbol in self.present((expression,)):
            jet = self._jets[symbol]
            if isinstance(jet.function, Nonlocal):
                raise UnsupportedError(
                    f"{self.written(symbol)} would be taken at a neighbouring site; write what is shifted without it"
                )
            own = tuple(n if x in jet.function.args else 0 for x, n in zip(self.coordinates[1:], sites, strict=True))
            there[symbol] = self.of(jet.moved(own))
        if explicit := along & expression.free_symbols:
            raise UnsupportedError(
                f"{explicit.pop()} would be taken at a neighbouring site; write what is shifted without it, or let an "
                "external function depend on it"
            )
        return expression.xreplace(there)

    def shifted_axes(self, expressions: Iterable[Any]) -> frozenset[Any]:
        """The coordinates of space along which expressions reach for neighbouring sites."""
        shifts = [self._jets[symbol].shift for symbol in self.present(expressions)]
        return frozenset(x for each in shifts for x, n in zip(self.coordinates[1:], each, strict=False) if n)

    def nonlocal_term(self, kernel: Any, argument: Any, over: tuple[Any, ...]) -> Nonlocal:
        """The record of a convolution, one for equal kernels and arguments."""
        key = (kernel, argument, over)
        if key not in self._nonlocal:
            taken = {each.name for each in self._nonlocal.values()}
            name = next(n for n in (f"conv{k}" for k in range(1, len(taken) + 2)) if n not in taken)
            while any(_clashes(name, other) for other in self.names.values()):
                name += "_"
            real = self.conjugated(kernel.expr) == kernel.expr and (
                sympy.expand(self.conjugated(argument) - argument) == 0
            )
            self._nonlocal[key] = Nonlocal(name, kernel, argument, over, real)
        return self._nonlocal[key]

    def written(self, symbol: Any) -> Any:
        """What users write for a jet symbol."""
        if symbol not in self._written:
            self._written[symbol] = self._as_written(self._jets[symbol])
        return self._written[symbol]

    def _as_written(self, jet: Jet) -> Any:
        counts = sorted(
            ((x, order) for x, order in zip(self.coordinates, jet.index, strict=True) if order),
            key=lambda each: sympy.default_sort_key(each[0]),
        )
        if isinstance(jet.function, Nonlocal):
            term = jet.function
            base = Convolution(term.kernel, self.from_jet(term.argument), term.over)
            made = base.diff(*counts) if counts else base
        else:
            # made without evaluation, in the order of variables that evaluation would give
            made = Derivative(jet.function, *counts, evaluate=False) if counts else jet.function
            if jet.shift:
                pairs = sorted(zip(self.coordinates[1:], jet.shift, strict=True), key=lambda each: str(each[0]))
                made = Shifted(made, *(sympy.Tuple(x, sympy.Integer(n)) for x, n in pairs if n))
        return sympy.conjugate(made) if jet.conjugated else made

    def from_jet(self, expression: Any) -> Any:
        """An expression in jet symbols as users write it."""
        return expression.xreplace({symbol: self.written(symbol) for symbol in self.present((expression,))})


def field_jets(
    coordinates: Iterable[Any], fields: Iterable[Any], given: Iterable[Any] = (), parameters: Iterable[Any] = ()
) -> FieldJets:
    """The jet space of some fields and given functions, with names that no parameter bears."""
    place, fields, given = tuple(coordinates), tuple(fields), tuple(given)
    plain = [function.func.__name__ for function in (*fields, *given)]
    taken = {symbol.name for symbol in (*place, *parameters)}
    names: dict[Any, str] = {}
    for function in (*fields, *given):
        own = function.func.__name__
        others = taken | {name for name in plain if name != own} | set(names.values())
        base = own
        while any(_clashes(base, other) for other in others):
            base += "_"
        names[function] = base
    return FieldJets(place, fields, given, names)


def _clashes(base: str, other: str) -> bool:
    return other == base or other.startswith(base + "_")


def _named(base: str, index: Index, coordinates: tuple[Any, ...]) -> str:
    names = [x.name for x, order in zip(coordinates, index, strict=True) for _ in range(order)]
    short = all(len(x.name) == 1 for x in coordinates)
    return "_".join([base, *(["".join(names)] if short and names else names)])
