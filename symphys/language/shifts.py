"""Fields at neighbouring sites of a lattice, for densities that are written site by site."""

from collections.abc import Mapping
from typing import Any

import sympy
from sympy.core.function import AppliedUndef, Derivative

from symphys.errors import InputError, UnsupportedError
from symphys.language.convolution import Convolution
from symphys.language.fields import derivative_of, is_complex_field, is_field


class Shifted(sympy.Expr):
    """A field, or a derivative of one, so many sites further on: `args` are it, and (coordinate, sites) for each axis.

    Derivatives pass to the field.
    """

    is_commutative = True

    @property
    def inner(self) -> Any:
        """What is shifted."""
        return self.args[0]

    @property
    def sites(self) -> dict[Any, int]:
        """{coordinate: sites}."""
        return {pair[0]: int(pair[1]) for pair in self.args[1:]}

    def _eval_derivative(self, symbol: Any) -> Any:
        rate = self.inner.diff(symbol)
        return rate if rate == 0 else Shifted(rate, *self.args[1:])

    def _eval_is_extended_real(self) -> bool | None:
        return None if any(is_complex_field(node) for node in self.inner.atoms(AppliedUndef)) else True

    def _eval_conjugate(self) -> Any:
        return self if self.is_extended_real else None

    def _sympystr(self, printer: Any) -> str:
        sites = ", ".join(f"{printer._print(x)}: {n}" for x, n in self.args[1:])
        return f"shift({printer._print(self.inner)}, {{{sites}}})"

    _sympyrepr = _sympystr

    def _latex(self, printer: Any) -> str:
        sites = ", ".join(f"{printer._print(x)}{int(n):+d}" for x, n in self.args[1:])
        return f"\\left[{printer._print(self.inner)}\\right]_{{{sites}}}"


def shift(expression: Any, sites: Mapping[Any, int]) -> Any:
    """An expression in fields as it stands so many sites further on: S^n f, f_i -> f_{i+n}, on the sites of a grid.

    sites: {coordinate of space: whole number}. `shift(phi, {x: 1})` is the right neighbour on a grid over x, whatever
    its spacing; a density in it is a sum over sites.

    Raises `InputError` for what holds no field, for numbers that are not whole and coordinates that the fields do not
    have; `UnsupportedError` for expressions in coordinates, external functions or convolutions.
    """
    read = sympy.sympify(expression)
    fields = [node for node in read.atoms(AppliedUndef) if is_field(node)]
    if not fields:
        raise InputError(f"{read} holds no field, and has no neighbours on a lattice.")
    for x, n in sites.items():
        if int(n) != n:
            raise InputError(f"The shift along {x} is {n}; give a whole number of sites.")
        if x not in fields[0].args[1:]:
            space = ", ".join(map(str, fields[0].args[1:]))
            raise InputError(f"{fields[0]} cannot be shifted along {x}; its coordinates of space are {space}.")
    found: dict[Any, Any] = {}
    _collect(read, {x: int(n) for x, n in sites.items() if n}, found)
    return read.xreplace(found)


def _collect(node: Any, sites: Mapping[Any, int], found: dict[Any, Any]) -> None:
    """What stands for each field, derivative and shifted field in an expression."""
    if isinstance(node, Shifted):
        total = dict(node.sites)
        for x, n in sites.items():
            total[x] = total.get(x, 0) + n
        found[node] = _moved(node.inner, total)
        return
    read = derivative_of(node)
    if read is not None and is_field(read[0]):
        found[node] = _moved(node, sites)
        return
    if read is not None or isinstance(node, Convolution | Derivative) or (node.is_Symbol and node in sites):
        raise UnsupportedError(f"{node} cannot be shifted; only fields, their derivatives and functions of these can.")
    for child in node.args:
        _collect(child, sites, found)


def _moved(inner: Any, sites: Mapping[Any, int]) -> Any:
    pairs = [sympy.Tuple(x, sympy.Integer(n)) for x, n in sorted(sites.items(), key=lambda each: str(each[0])) if n]
    return Shifted(inner, *pairs) if pairs else inner
