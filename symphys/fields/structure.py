"""What the choice of an integrator asks of the rates of fields, told from their form."""

from collections.abc import Mapping, Sequence
from typing import Any

import sympy

from symphys.fields.currents import Characteristic, changes, nonlocal_terms
from symphys.fields.dynamics import Structure, Unknown
from symphys.fields.jets import FieldJets, Index
from symphys.fields.read import Density
from symphys.mechanics.differentiate import gradient
from symphys.mechanics.graph import free_symbols, substitute
from symphys.mechanics.probe import vanishes

Linear = tuple[tuple[Mapping[Index, Any], ...], ...]


def structure_of(density: Density, unknowns: Sequence[Unknown], rates: Sequence[Any]) -> Structure:
    """The structure of d^order u / dt^order = rates."""
    jets = density.jets
    orders = {unknown.order for unknown in unknowns}
    order = orders.pop() if len(orders) == 1 else 0
    friction = _friction(unknowns, rates, jets) if order == 2 else None
    separable = friction is not None and all(each == 0 for each in friction)
    linear = tuple(
        tuple(_linear(rate, row, column, density) for column in unknowns)
        for row, rate in zip(unknowns, rates, strict=True)
    )
    remainder = tuple(_remainder(rate, row, unknowns, jets) for rate, row in zip(rates, linear, strict=True))
    local = _local(unknowns, remainder, jets) if order == 1 and all(each.complex for each in unknowns) else None
    return Structure(order, separable, friction, linear, remainder, local, density.closed, not depends_on(density, 0))


def depends_on(density: Density, axis: int) -> bool:
    """Whether density, dissipation or sources depend on a coordinate, explicitly or through given functions."""
    jets, place = density.jets, density.coordinates[axis]
    expressions = (density.lagrangian, density.dissipation, *density.sources)
    if place in free_symbols(expressions):
        return True
    given = [jets.jet(symbol) for symbol in jets.present(_with_arguments(expressions, jets))]
    return any(jet is not None and jet.function in density.given and place in jet.function.args for jet in given)


def _with_arguments(expressions: Sequence[Any], jets: FieldJets) -> tuple[Any, ...]:
    return (*expressions, *(term.argument for each in expressions for term in nonlocal_terms(each, jets)))


def _friction(unknowns: Sequence[Unknown], rates: Sequence[Any], jets: FieldJets) -> tuple[Any, ...] | None:
    """The coefficients of -u_t in the rate of u, if velocities occur in no other way and these hold no fields."""
    moving = {s for s in jets.present(rates) if _is_velocity(s, unknowns, jets)}
    found = []
    for unknown, rate in zip(unknowns, rates, strict=True):
        mine = sorted(moving & set(jets.present((rate,))), key=str)
        if not mine:
            found.append(sympy.S.Zero)
            continue
        (slope,) = gradient(rate, (unknown.velocity,))
        if mine != [unknown.velocity] or not _free_of_fields(slope, jets, unknowns):
            return None
        found.append(-sympy.expand(slope))
    return tuple(found)


def _is_velocity(symbol: Any, unknowns: Sequence[Unknown], jets: FieldJets) -> bool:
    jet = jets.jet(symbol)
    return jet is not None and jet.time_order == 1 and any(jet.function == unknown.field for unknown in unknowns)


def _free_of_fields(expression: Any, jets: FieldJets, unknowns: Sequence[Unknown]) -> bool:
    fields = {unknown.field for unknown in unknowns}
    return all((j := jets.jet(s)) is not None and j.function not in fields and hasattr(j.function, "args")
               for s in jets.present((expression,)))  # fmt: skip


def _linear(rate: Any, row: Unknown, column: Unknown, density: Density) -> dict[Index, Any]:
    jets = density.jets
    symbols = [
        s for s in jets.present((rate,))
        if (j := jets.jet(s)) is not None and j.function == column.field and not j.conjugated and j.time_order == 0
        and not j.shift
    ]  # fmt: skip
    own = row.field == column.field
    found = {}
    for symbol, slope in zip(symbols, gradient(rate, symbols), strict=True):
        beyond = tuple(a - b for a, b in zip(jets.jet(symbol).index, column.index, strict=True))  # type: ignore[union-attr]
        if own and not any(beyond):
            continue
        constant = _constant_part(slope, density)
        if constant != 0:
            found[beyond] = constant
    return found


def _constant_part(slope: Any, density: Density) -> Any:
    """The additive terms of an expanded slope that hold parameters alone."""
    jets = density.jets
    terms = sympy.Add.make_args(sympy.expand(slope))
    outside = set(density.coordinates)
    return sympy.Add(*(term for term in terms if not jets.present((term,)) and not term.free_symbols & outside))


def _remainder(rate: Any, row: Sequence[Mapping[Index, Any]], unknowns: Sequence[Unknown], jets: FieldJets) -> Any:
    linear = [
        -coefficient * jets.symbol(unknown.field, tuple(a + b for a, b in zip(index, unknown.index, strict=True)))
        for unknown, column in zip(unknowns, row, strict=True)
        for index, coefficient in column.items()
    ]
    return sympy.expand(sympy.Add(rate, *linear)) if linear else rate


def _local(unknowns: Sequence[Unknown], remainder: Sequence[Any], jets: FieldJets) -> tuple[Any, ...] | None:
    phases: list[Characteristic] = [
        {(u.field, False): -sympy.I * u.jet, (u.field, True): sympy.I * jets.conjugate(u.jet)} for u in unknowns
    ]
    found = []
    for unknown, rest in zip(unknowns, remainder, strict=True):
        if substitute((rest,), {unknown.jet: sympy.S.Zero})[0] != 0:
            return None
        potential = sympy.expand(sympy.I * sympy.expand(rest) / unknown.jet)
        if any(_differentiated(s, unknowns, jets) for s in jets.present((potential,))):
            return None
        if not vanishes((jets.conjugated(potential) - potential, *(changes(potential, q, jets) for q in phases))):
            return None
        found.append(potential)
    return tuple(found)


def _differentiated(symbol: Any, unknowns: Sequence[Unknown], jets: FieldJets) -> bool:
    jet = jets.jet(symbol)
    return (
        jet is not None and any((*jet.index, *jet.shift)) and any(jet.function == unknown.field for unknown in unknowns)
    )
