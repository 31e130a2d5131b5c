"""The calculus of variations over spacetime, in jet symbols: total derivatives, Euler operator, currents.

E_u(L) = sum_J (-D)_J dL/du_J, over all multi-indices J (Olver, section 4.1).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sympy

from symphys.fields.jets import FieldJets, Index, Jet, Nonlocal
from symphys.language.convolution import reflected
from symphys.mechanics.differentiate import directional
from symphys.mechanics.differentiate import gradient as slopes_by
from symphys.mechanics.tidy import common_factor


def total_derivative(expressions: Iterable[Any], axis: int, jets: FieldJets) -> tuple[Any, ...]:
    """D_axis of each expression: d/dx + sum over the jet symbols u of u_x d/du."""
    expressions = tuple(expressions)
    tangents = {symbol: jets.raised(symbol, axis) for symbol in jets.present(expressions)}
    tangents = {symbol: rate for symbol, rate in tangents.items() if rate is not sympy.S.Zero}
    return directional(expressions, {jets.coordinates[axis]: sympy.S.One, **tangents})


def derivative(expression: Any, index: Index, jets: FieldJets) -> Any:
    """D_J of an expression, for a multi-index J."""
    for axis, order in enumerate(index):
        for _ in range(order):
            (expression,) = total_derivative((expression,), axis, jets)
    return expression


def slopes(expression: Any, jets: FieldJets) -> dict[Jet, Any]:
    """dL/du for every jet u that occurs in L."""
    symbols = jets.present((expression,))
    return {
        jet: slope
        for symbol, slope in zip(symbols, slopes_by(expression, symbols), strict=True)
        if (jet := jets.jet(symbol)) is not None and slope is not sympy.S.Zero
    }


def gathered(terms: Mapping[Index, Any], jets: FieldJets) -> Any:
    """sum_J (-D)_J f_J, each derivative taken once along the way from the highest J to none."""
    open_terms: dict[Index, list[Any]] = {index: [term] for index, term in terms.items()}
    while len(open_terms) > 1 or any(map(sum, open_terms)):
        index = max(open_terms, key=lambda each: (sum(each), each))
        axis = max(k for k, order in enumerate(index) if order)
        lower = tuple(order - (k == axis) for k, order in enumerate(index))
        (rate,) = total_derivative((sympy.Add(*open_terms.pop(index)),), axis, jets)
        open_terms.setdefault(lower, []).append(-rate)
    return sympy.Add(*open_terms.get(jets.zero, ()))


def euler_operators(density: Any, fields: Sequence[tuple[Any, bool]], jets: FieldJets) -> tuple[Any, ...]:
    """dS/du for each (field, conjugated): the functional derivatives of int L, convolutions included.

    Varying w = K * f in L gives the variation of lambda f with lambda = K^r * dS/dw held, where K^r(d) = K(-d).
    """
    return _varied(slopes(density, jets), fields, jets)


def convolved(kernel: Any, expression: Any, over: tuple[Any, ...], jets: FieldJets) -> Any:
    """K * f in jet symbols, with the constant factors of f in front so that equal convolutions are one."""
    factored = common_factor(expression) if isinstance(expression, sympy.Add) else expression
    inside = {*jets.present((factored,)), *over}
    constant, rest = factored.as_independent(*inside, as_Add=False)
    if rest is sympy.S.Zero or constant is sympy.S.Zero or kernel.expr is sympy.S.Zero:
        return sympy.S.Zero
    return constant * jets.symbol(jets.nonlocal_term(kernel, rest, over))


def _varied(by_jet: Mapping[Jet, Any], fields: Sequence[tuple[Any, bool]], jets: FieldJets) -> tuple[Any, ...]:
    found = [_gathered_of(by_jet, function, conjugated, jets) for function, conjugated in fields]
    terms = {jet.function for jet in by_jet if isinstance(jet.function, Nonlocal)}
    for term in sorted(terms, key=lambda each: each.name):
        weight = _gathered_of(by_jet, term, False, jets)
        multiplier = convolved(reflected(term.kernel), weight, term.over, jets)
        held = {jet: multiplier * slope for jet, slope in slopes(term.argument, jets).items()}
        found = [sympy.Add(*pair) for pair in zip(found, _varied(held, fields, jets), strict=True)]
    return tuple(found)


def _gathered_of(by_jet: Mapping[Jet, Any], function: Any, conjugated: bool, jets: FieldJets) -> Any:
    mine = {j.index: slope for j, slope in by_jet.items() if j.function == function and j.conjugated == conjugated}
    return gathered(mine, jets)
