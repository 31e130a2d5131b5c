"""Noether currents of densities, for derivatives of any order, in jet symbols.

For a variation u -> u + eps Q of the fields, pr Q(L) = Q E(L) + D_mu P^mu(Q): derivatives are taken off Q one by one,
those by space before those by time, so that P^0 = sum pi Q.  If pr Q(L) + D_mu(L xi^mu) = D_mu K^mu, the current
P^mu + L xi^mu - K^mu is conserved on shell (Olver, "Applications of Lie Groups to Differential Equations", 2nd ed.,
4.4).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sympy

from symphys.fields.calculus import derivative, effective_slopes, slopes, total_derivative
from symphys.fields.jets import FieldJets, Index, Nonlocal
from symphys.fields.read import Density

Characteristic = Mapping[tuple[Any, bool], Any]


def variation(expression: Any, characteristic: Characteristic, jets: FieldJets) -> Any:
    """pr Q(f) = sum_J D_J Q df/du_J, with convolutions held."""
    terms = []
    for jet, slope in slopes(expression, jets).items():
        change = characteristic.get((jet.function, jet.conjugated), sympy.S.Zero)
        if change != 0:
            terms.append(slope * jets.moved(derivative(change, jet.index, jets), jet.shift))
    return sympy.Add(*terms)


def boundary_current(expression: Any, characteristic: Characteristic, jets: FieldJets) -> tuple[Any, ...]:
    """P^mu(Q), one component for each coordinate of spacetime; Q leaves the arguments of convolutions unchanged."""
    parts: list[list[Any]] = [[] for _ in jets.coordinates]
    pending: dict[tuple[tuple[Any, bool], Index], Any] = {}
    for jet, slope in effective_slopes(expression, jets).items():
        variable = (jet.function, jet.conjugated)
        if characteristic.get(variable, sympy.S.Zero) != 0:
            pending[variable, jet.index] = slope
    while pending:
        variable, index = max(pending, key=lambda each: (sum(each[1]), each[1][1:], str(each[0])))
        coefficient = pending.pop((variable, index))
        if not any(index):
            continue
        axis = next((k for k in range(1, len(index)) if index[k]), 0)
        lower = tuple(order - (k == axis) for k, order in enumerate(index))
        parts[axis].append(coefficient * derivative(characteristic[variable], lower, jets))
        if any(lower):
            (rate,) = total_derivative((coefficient,), axis, jets)
            pending[variable, lower] = pending.get((variable, lower), sympy.S.Zero) - rate
    return tuple(sympy.Add(*each) for each in parts)


def divergence(current: Sequence[Any], jets: FieldJets) -> Any:
    """D_mu j^mu."""
    return sympy.Add(*(total_derivative((each,), axis, jets)[0] for axis, each in enumerate(current)))


def translation(density: Density, axis: int) -> Characteristic:
    """Q = du/dx^axis for everything that varies."""
    jets = density.jets
    return {(f, bar): jets.symbol(f, jets.axis(axis), bar) for f, bar in density.variables}


def phase(density: Density, charges: Mapping[Any, Any], epsilon: Any = 1) -> Characteristic:
    """Q = -i eps a psi and i eps a psi* for each field psi of charge a."""
    jets, unit = density.jets, sympy.I * epsilon
    found = {}
    for each, charge in charges.items():
        found[each, False] = -unit * charge * jets.symbol(each)
        found[each, True] = unit * charge * jets.symbol(each, conjugated=True)
    return found


def stress_energy(density: Density) -> tuple[tuple[Any, ...], ...]:
    """T^mu_nu = P^mu(du/dx^nu) - delta^mu_nu L, rows mu and columns nu; canonical."""
    columns = [
        boundary_current(density.lagrangian, translation(density, nu), density.jets)
        for nu in range(len(density.coordinates))
    ]
    return tuple(
        tuple(columns[nu][mu] - (density.lagrangian if mu == nu else 0) for nu in range(len(columns)))
        for mu in range(len(columns))
    )


def nonlocal_terms(expression: Any, jets: FieldJets) -> tuple[Nonlocal, ...]:
    """The convolutions in an expression, and those in their arguments, inner ones first."""
    found: dict[Nonlocal, None] = {}
    for symbol in jets.present((expression,)):
        term = jets.jet(symbol).function  # type: ignore[union-attr]
        if isinstance(term, Nonlocal) and term not in found:
            found |= dict.fromkeys(nonlocal_terms(term.argument, jets))
            found[term] = None
    return tuple(found)


def changes(expression: Any, characteristic: Characteristic, jets: FieldJets) -> Any:
    """pr Q(f), where Q leaves the arguments of convolutions unchanged; else the change of the first that it changes."""
    for term in nonlocal_terms(expression, jets):
        inner = sympy.expand(variation(term.argument, characteristic, jets))
        if inner != 0:
            return inner
    return variation(expression, characteristic, jets)
