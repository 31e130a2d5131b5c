"""Gauge fields: minimal coupling, D_t = d_t + i g A^0 and D_k = d_k - i g A^k, and gauges that fix a field.

On a lattice D_k is the difference between neighbours that the phase of the link between them makes covariant.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from symphys.errors import InputError, UnsupportedError
from symphys.fields.jets import FieldJets, Jet, Nonlocal
from symphys.fields.read import Density
from symphys.language.convolution import Convolution
from symphys.language.fields import is_complex_field
from symphys.language.links import covariant_difference


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


@dataclass(frozen=True)
class Coupling:
    """What fields couple to: A, the charges {psi: g}, and the spacings {x: dx} of a lattice (none: the continuum)."""

    potential: tuple[Any, ...]
    charges: Mapping[Any, Any]
    links: Mapping[Any, Any]


def check_links(density: Density, coupling: Coupling) -> None:
    """Raises `InputError` for spacings of other coordinates than all of space, `UnsupportedError` for densities whose
    slopes do not come in pairs.

    On a lattice only |D_k psi|^2 and D_k psi conj(D_k chi) are of second order in the spacing.
    """
    space = density.coordinates[1:]
    if set(coupling.links) != set(space):
        have, want = (", ".join(sorted(map(str, axes))) for axes in (coupling.links, space))
        raise InputError(
            f"links has the spacings of {have}, but space is {want}; give one for each, as grid.spacing is"
        )
    for expression in (density.lagrangian, density.dissipation, *density.sources):
        for term in sympy.Add.make_args(sympy.expand(expression)):
            _check_slopes(term, density.jets, coupling)


def _check_slopes(term: Any, jets: FieldJets, coupling: Coupling) -> None:
    found: list[tuple[Any, bool]] = []  # the derivatives by space of each factor, and whether it is a conjugate
    for factor, power in sympy.sympify(term).as_powers_dict().items():
        inside = [jet for s in jets.present((factor,)) if (jet := jets.jet(s)) and _charged(jet, coupling)]
        sloped = [jet for jet in inside if any(jet.index[1:])]
        if sloped and not (factor.is_Symbol and power.is_Integer and power > 0 and sum(sloped[0].index) == 1):
            raise UnsupportedError(_PAIRS.format(jets.from_jet(term)))
        found += [(sloped[0].index, bool(sloped[0].conjugated))] * int(power) if sloped else []
    for index in {index for index, _ in found}:
        if found.count((index, True)) != found.count((index, False)):
            raise UnsupportedError(_PAIRS.format(jets.from_jet(term)))


_PAIRS = (
    "{} has slopes of charged fields that do not come in pairs D psi conj(D chi) along one axis, which alone are of "
    "second order between the sites of a lattice; leave out links, or write the term with shift"
)


def _charged(jet: Jet, coupling: Coupling) -> bool:
    return not isinstance(jet.function, Nonlocal) and jet.function in coupling.charges


def minimally_coupled(expression: Any, jets: FieldJets, coupling: Coupling) -> Any:
    """An expression in jet symbols as users write it, with covariant derivatives of the charged fields."""
    written = {symbol: _covariant(symbol, jets, coupling) for symbol in jets.present((expression,))}
    return expression.xreplace(written)


def _covariant(symbol: Any, jets: FieldJets, coupling: Coupling) -> Any:
    jet = jets.jet(symbol)
    if jet is None or (not isinstance(jet.function, Nonlocal) and jet.function not in coupling.charges):
        return jets.written(symbol)
    if isinstance(jet.function, Nonlocal):
        return _convolved(jet, jets, lambda inner: minimally_coupled(inner, jets, coupling))
    made = _derived(jet, jets, coupling)
    return sympy.conjugate(made) if jet.conjugated else made


def _derived(jet: Jet, jets: FieldJets, coupling: Coupling) -> Any:
    made, charge = jet.function, coupling.charges[jet.function]
    for axis, x in enumerate(jets.coordinates):
        sign = 1 if axis == 0 else -1
        for _ in range(jet.index[axis]):
            if x in coupling.links:
                made = covariant_difference(made, x, coupling.potential[axis], coupling.links[x], charge)
            else:
                made = made.diff(x) + sign * sympy.I * charge * coupling.potential[axis] * made
    return made
