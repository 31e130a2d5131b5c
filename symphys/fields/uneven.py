"""What a grid takes as a sum over its sites before it is varied: slopes with coefficients that are not constant.

In c(x)^2 phi_x^2 / 2, f(phi) phi_x^2, A(x) Im(conjugate(psi) psi_x) or sqrt(1 + phi_x^2) the product rule does not hold
for differences, so that differences put into the varied equation neither keep the energy nor, where psi has one, the
charge. What is varied after it was summed over sites does (discrete variational derivatives: Furihata, J. Comput. Phys.
156 (1999) 181, doi:10.1006/jcph.1999.6377).
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import sympy

from symphys.fields.dynamics import Uneven, Unknown
from symphys.fields.jets import FieldJets, Jet, Nonlocal
from symphys.fields.read import Density
from symphys.fields.shell import solve_for_rates
from symphys.fields.variation import residuals
from symphys.language.fields import complex_field, is_complex_field, scalar_field
from symphys.language.networks import NetworkTerm


def uneven_of(density: Density, unknowns: Iterable[Unknown]) -> Uneven | None:
    """The uneven terms of a density, and the rates of its fields with a symbol for what varying these terms gives.

    None where there are none, and where they hold fields that do not evolve themselves.
    """
    jets = density.jets
    terms = sympy.Add.make_args(sympy.expand(density.lagrangian))
    found = tuple(term for term in terms if is_uneven(term, jets))
    varied = [f for f in density.fields if any(_fields_in(term, jets) & {f} for term in found)]
    evolving = {u.field for u in unknowns if u.index == jets.zero}
    if not found or not evolving.issuperset(varied):
        return None
    stands = {f: (complex_field if is_complex_field(f) else scalar_field)(_free(f, jets), density.coordinates)
              for f in varied}  # fmt: skip
    wider = replace(jets, names={**jets.names, **{s: s.func.__name__ for s in stands.values()}})
    rest = sympy.Add(*(term for term in terms if term not in found))
    rest_of = replace(density, lagrangian=rest, jets=wider)
    equations = residuals(rest_of)
    symbols = {f: wider.symbol(stand) for f, stand in stands.items()}
    whole = tuple(e + symbols.get(f, 0) for f, e in zip(density.fields, equations, strict=True))
    solved = solve_for_rates(rest_of, whole)
    return Uneven(found, {symbol: f for f, symbol in symbols.items()}, solved.rates, wider)


def is_uneven(term: Any, jets: FieldJets) -> bool:
    """Whether a term holds first slopes of fields, nothing of higher order and no rates, and is not a product of two
    fields or slopes with a coefficient of parameters.
    """
    found = [(s, jets.jet(s)) for s in jets.present((term,))]
    mine = {s: jet for s, jet in found if jet is not None and jet.function in jets.fields}
    others = [jet for s, jet in found if s not in mine]
    if not any(any(jet.index) for jet in mine.values()) or term.atoms(NetworkTerm):
        return False
    if any(jet.index[0] or sum(jet.index) > 1 or jet.shift for jet in mine.values()):
        return False
    if not all(jet is not None and _is_plain(jet, jets) for jet in others):
        return False
    return _pair(term, jets) is None


def squared_slope(term: Any, jets: FieldJets) -> int | None:
    """The axis of spacetime of the two slopes whose product, times parameters, a term is; None for any other term."""
    pair = [jets.jet(symbol) for symbol in _pair(term, jets) or ()]
    indices = {jet.index for jet in pair if jet is not None and not jet.shift}
    if len(pair) != 2 or len(indices) != 1 or sum(index := indices.pop()) != 1 or index[0]:
        return None
    return index.index(1)


def _pair(term: Any, jets: FieldJets) -> tuple[Any, ...] | None:
    """The fields or slopes, two at most, whose product with parameters a term is; None for any other term."""
    mine = [s for s in jets.present((term,)) if (jet := jets.jet(s)) is not None and jet.function in jets.fields]
    coefficient, product = term.as_independent(*mine, as_Add=False)
    if jets.present((coefficient,)) or coefficient.free_symbols & set(jets.coordinates):
        return None
    powers = [factor.as_base_exp() for factor in sympy.Mul.make_args(product)]
    if not all(base in mine and power.is_Integer and power > 0 for base, power in powers):
        return None
    found = tuple(base for base, power in powers for _ in range(int(power)))
    return found if len(found) <= 2 else None


def slope_axes(expression: Any, jets: FieldJets) -> tuple[int, ...]:
    """The axes of spacetime along which an expression holds slopes of fields."""
    found = {
        jet.index.index(1) for jet in map(jets.jet, jets.present((expression,))) if jet is not None and any(jet.index)
    }
    return tuple(sorted(found))


def _is_plain(jet: Jet, jets: FieldJets) -> bool:
    """Whether it is a real function that is given, itself and here."""
    if isinstance(jet.function, Nonlocal) or any(jet.index) or jet.shift:
        return False
    return bool(jets.of(jet).is_real)


def _fields_in(term: Any, jets: FieldJets) -> set[Any]:
    return {jet.function for jet in map(jets.jet, jets.present((term,))) if jet is not None}


def _free(field: Any, jets: FieldJets) -> str:
    taken = {*jets.names.values(), *(x.name for x in jets.coordinates)}
    name = f"varied_by_{jets.names[field]}"
    while name in taken:
        name += "_"
    return name
