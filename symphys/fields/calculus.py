"""The calculus of variations over spacetime, in jet symbols: total derivatives, Euler operator, currents.

E_u(L) = sum_J (-D)_J dL/du_J, over all multi-indices J (Olver, section 4.1).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sympy

from symphys.fields.jets import FieldJets, Index, Jet, Nonlocal
from symphys.language.convolution import reflected
from symphys.mechanics.differentiate import directional
from symphys.mechanics.differentiate import gradient as slopes_by
from symphys.mechanics.engine import travelled
from symphys.mechanics.tidy import common_factor, written_out

_MAX_TERMS = 128  # beyond this, nobody reads a sum


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
    return _gathered(terms, jets.zero, lambda expression, axis: total_derivative((expression,), axis, jets)[0])


def _gathered(terms: Mapping[Index, Any], zero: Index, total: Callable[[Any, int], Any]) -> Any:
    """`gathered`, with the total derivative of whichever algebra the terms belong to."""
    pending = dict(terms)
    while any(map(sum, pending)):
        index = max(pending, key=lambda each: (sum(each), each))
        axis = next(k for k, order in enumerate(index) if order)
        lower = tuple(order - (k == axis) for k, order in enumerate(index))
        rate = total(pending.pop(index), axis)
        pending[lower] = pending[lower] - rate if lower in pending else -rate
    return pending.get(zero, sympy.S.Zero)


def effective_slopes(expression: Any, jets: FieldJets) -> dict[Jet, Any]:
    """The coefficients of the variations of all jets but convolutions in that of int L, by parts in these.

    Varying w = K * f in L gives the variation of lambda f with lambda = K^r * dS/dw held, where K^r(d) = K(-d). What
    stands at neighbouring sites of a lattice is varied there, and summed over sites by parts.
    """
    found = slopes(expression, jets)
    while terms := {jet.function for jet in found if isinstance(jet.function, Nonlocal)}:
        # outer convolutions first: none occurs in the argument of another that is still open
        inner = {each for term in terms for each in _inside(term, jets)}
        for term in sorted(terms - inner, key=lambda each: each.name):
            weight = _gathered_of(found, term, False, jets)
            multiplier = convolved(reflected(term.kernel), weight, term.over, jets)
            found = {jet: slope for jet, slope in found.items() if jet.function != term}
            for jet, slope in slopes(term.argument, jets).items():
                found[jet] = found.get(jet, sympy.S.Zero) + multiplier * slope
    here: dict[Jet, Any] = {}
    for jet, slope in found.items():  # sum_i f_{i+n} g_i = sum_i f_i g_{i-n}
        back = jets.moved(slope, tuple(-n for n in jet.shift))
        plain = replace(jet, shift=())
        here[plain] = here.get(plain, sympy.S.Zero) + back
    return here


def euler_operators(
    density: Any, fields: Sequence[tuple[Any, bool]], jets: FieldJets, *, written: bool = False
) -> tuple[Any, ...]:
    """dS/du for each (field, conjugated): the functional derivatives of int L, convolutions included.

    written: as plain sums of terms, as equations are read, where that is not too long.
    """
    found = _by_engine(density, fields, jets, written)
    if found is None:
        by_jet = effective_slopes(density, jets)
        found = tuple(_gathered_of(by_jet, function, conjugated, jets) for function, conjugated in fields)
        return tuple(map(written_out, found)) if written else found
    return found


def _by_engine(
    density: Any, fields: Sequence[tuple[Any, bool]], jets: FieldJets, written: bool
) -> tuple[Any, ...] | None:
    """The same by SymEngine, where it is installed and there are neither convolutions, neighbours nor functions unknown
    to it.
    """
    away = travelled((density,))
    if away is None or any(
        isinstance(jet.function, Nonlocal) or jet.shift for jet in map(jets.jet, jets.present((density,))) if jet
    ):
        return None
    known = dict(away.symbols)
    symbol, differentiate = away.engine.Symbol, away.engine.diff

    def total(expression: Any, axis: int) -> Any:
        rate = differentiate(expression, symbol(jets.coordinates[axis].name))
        for inside in expression.free_symbols:
            if jets.jet(known.get(inside.name)) is None:
                continue
            raised = jets.raised(known[inside.name], axis)
            if raised is not sympy.S.Zero:
                known[raised.name] = raised
                rate += differentiate(expression, inside) * symbol(raised.name)
        return rate

    found = []
    for function, conjugated in fields:
        terms = {
            jet.index: differentiate(away.expressions[0], symbol(each.name))
            for each in jets.present((density,))
            if (jet := jets.jet(each)) is not None and jet.function == function and jet.conjugated == conjugated
        }
        whole = away.engine.sympify(_gathered(terms, jets.zero, total))
        plain = away.engine.expand(whole) if written else whole
        found.append(plain if len(plain.args) <= _MAX_TERMS else whole)
    return away.back(found, known)


def convolved(kernel: Any, expression: Any, over: tuple[Any, ...], jets: FieldJets) -> Any:
    """K * f in jet symbols, with the constant factors of f in front so that equal convolutions are one."""
    factored = common_factor(expression) if isinstance(expression, sympy.Add) else expression
    inside = {*jets.present((factored,)), *over}
    constant, rest = factored.as_independent(*inside, as_Add=False)
    if rest is sympy.S.Zero or constant is sympy.S.Zero or kernel.expr is sympy.S.Zero:
        return sympy.S.Zero
    return constant * jets.symbol(jets.nonlocal_term(kernel, rest, over))


def _inside(term: Nonlocal, jets: FieldJets) -> set[Nonlocal]:
    """The convolutions in the argument of one, at any depth."""
    direct = {jet.function for s in jets.present((term.argument,)) if (jet := jets.jet(s)) is not None}
    found = {each for each in direct if isinstance(each, Nonlocal)}
    return found.union(*(_inside(each, jets) for each in found))


def _gathered_of(by_jet: Mapping[Jet, Any], function: Any, conjugated: bool, jets: FieldJets) -> Any:
    mine = {j.index: slope for j, slope in by_jet.items() if j.function == function and j.conjugated == conjugated}
    return gathered(mine, jets)
