"""Minimal coupling: derivatives of charged fields become covariant, D_t = d_t + i g A^0, D_k = d_k - i g A^k."""

from collections.abc import Mapping, Sequence
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


def minimally_coupled(expression: Any, jets: FieldJets, potential: Sequence[Any], charges: Mapping[Any, Any]) -> Any:
    """An expression in jet symbols as users write it, with covariant derivatives of the charged fields."""
    written = {symbol: _covariant(symbol, jets, potential, charges) for symbol in jets.present((expression,))}
    return expression.xreplace(written)


def _covariant(symbol: Any, jets: FieldJets, potential: Sequence[Any], charges: Mapping[Any, Any]) -> Any:
    jet = jets.jet(symbol)
    if jet is None or (not isinstance(jet.function, Nonlocal) and jet.function not in charges):
        return jets.written(symbol)
    if isinstance(jet.function, Nonlocal):
        term = jet.function
        inner = Convolution(term.kernel, minimally_coupled(term.argument, jets, potential, charges), term.over)
        return (
            inner.diff(*((x, n) for x, n in zip(jets.coordinates, jet.index, strict=True) if n))
            if any(jet.index)
            else inner
        )
    made = _derived(jet, jets, potential, charges[jet.function])
    return sympy.conjugate(made) if jet.conjugated else made


def _derived(jet: Jet, jets: FieldJets, potential: Sequence[Any], charge: Any) -> Any:
    made = jet.function
    for axis, x in enumerate(jets.coordinates):
        sign = 1 if axis == 0 else -1
        for _ in range(jet.index[axis]):
            made = made.diff(x) + sign * sympy.I * charge * potential[axis] * made
    return made
