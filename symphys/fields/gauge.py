"""Gauge fields: minimal coupling, D_t = d_t + i g A^0 and D_k = d_k - i g A^k, and gauges that fix a field."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy

from symphys.errors import InputError
from symphys.fields.jets import FieldJets, Jet, Nonlocal
from symphys.fields.read import Density
from symphys.language.convolution import Convolution
from symphys.language.fields import is_complex_field


def coupling_of(density: Density, potential: Sequence[Any], charge: Any) -> dict[Any, Any]:
    """{psi: charge} for the fields that couple.

    Raises `InputError` if the potential has not one component for each coordinate, if no complex field varies, or for
    charges of what is none.
    """
    place = density.coordinates
    if len(potential) != len(place):
        raise InputError(
            f"The potential needs one component for each of {', '.join(map(str, place))}, but it has {len(potential)}."
        )
    charged = [each for each in density.fields if is_complex_field(each)]
    if not charged:
        raise InputError("Minimal coupling turns the phases of complex fields, but none varies here.")
    if not isinstance(charge, Mapping):
        return dict.fromkeys(charged, sympy.sympify(charge))
    wrong = [each for each in charge if each not in charged]
    if wrong:
        raise InputError(f"{wrong[0]} is no complex field that varies here, so it carries no charge.")
    return dict(charge)


def values_of(density: Density, gauge: Mapping[Any, Any]) -> dict[Any, Any]:
    """{field: expression}, as given.

    Raises `InputError` if nothing is fixed, for what does not vary, and if nothing would be left that varies.
    """
    unknown = [each for each in gauge if each not in density.fields]
    if unknown or not gauge:
        raise InputError(
            f"A gauge fixes fields that vary, of {', '.join(map(str, density.fields))}, "
            + (f"but {unknown[0]} does not." if unknown else "but none was given.")
        )
    if len(gauge) == len(density.fields):
        raise InputError("If every field is fixed, nothing varies.")
    return {each: sympy.sympify(value) for each, value in gauge.items()}


def with_values(expression: Any, jets: FieldJets, values: Mapping[Any, Any]) -> Any:
    """An expression in jet symbols as users write it, with some fields replaced by expressions."""
    written = {}
    for symbol in jets.present((expression,)):
        jet = jets.jet(symbol)
        if jet is not None and isinstance(jet.function, Nonlocal):
            written[symbol] = _convolved(jet, jets, lambda inner: with_values(inner, jets, values))
        elif jet is not None and jet.function in values:
            made = derivative_by(values[jet.function], jet, jets)
            written[symbol] = sympy.conjugate(made) if jet.conjugated else made
        else:
            written[symbol] = jets.written(symbol)
    return expression.xreplace(written)


def derivative_by(expression: Any, jet: Jet, jets: FieldJets) -> Any:
    """The derivative of what users write by the multi-index of a jet."""
    counts = [(x, order) for x, order in zip(jets.coordinates, jet.index, strict=True) if order]
    return expression.diff(*counts) if counts else expression


def _convolved(jet: Jet, jets: FieldJets, rewrite: Callable[[Any], Any]) -> Any:
    term = jet.function
    return derivative_by(Convolution(term.kernel, rewrite(term.argument), term.over), jet, jets)


def minimally_coupled(expression: Any, jets: FieldJets, potential: Sequence[Any], charges: Mapping[Any, Any]) -> Any:
    """An expression in jet symbols as users write it, with covariant derivatives of the charged fields."""
    written = {symbol: _covariant(symbol, jets, potential, charges) for symbol in jets.present((expression,))}
    return expression.xreplace(written)


def _covariant(symbol: Any, jets: FieldJets, potential: Sequence[Any], charges: Mapping[Any, Any]) -> Any:
    jet = jets.jet(symbol)
    if jet is None or (not isinstance(jet.function, Nonlocal) and jet.function not in charges):
        return jets.written(symbol)
    if isinstance(jet.function, Nonlocal):
        return _convolved(jet, jets, lambda inner: minimally_coupled(inner, jets, potential, charges))
    made = _derived(jet, jets, potential, charges[jet.function])
    return sympy.conjugate(made) if jet.conjugated else made


def _derived(jet: Jet, jets: FieldJets, potential: Sequence[Any], charge: Any) -> Any:
    made = jet.function
    for axis, x in enumerate(jets.coordinates):
        sign = 1 if axis == 0 else -1
        for _ in range(jet.index[axis]):
            made = made.diff(x) + sign * sympy.I * charge * potential[axis] * made
    return made
