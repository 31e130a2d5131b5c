"""Solving the equations of fields for the highest derivatives by time, and rewriting expressions on shell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy

from symphys.errors import DegenerateLagrangianError, UnsupportedError
from symphys.fields.calculus import derivative
from symphys.fields.dynamics import Constraint, Unknown
from symphys.fields.jets import FieldJets, Index, Jet
from symphys.fields.read import Density
from symphys.language.fields import is_complex_field
from symphys.mechanics.differentiate import gradient, jacobian
from symphys.mechanics.graph import substitute
from symphys.mechanics.probe import vanishes, vanishing
from symphys.mechanics.solve import solve_linear
from symphys.mechanics.structure import null_direction, regular

Variable = tuple[Any, bool]


@dataclass(frozen=True)
class Shell:
    """The equations of motion as rules: each jet with as many derivatives by time as its equation becomes its rate.

    leading: {(field, conjugated): (the jet that is solved for, what it equals)}; auxiliary fields are solved for
        themselves.
    """

    jets: FieldJets
    leading: Mapping[Variable, tuple[Jet, Any]]
    _known: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def reduced(self, expression: Any) -> Any:
        """`expression` in jets of the state alone."""
        while True:
            high = [symbol for symbol in self.jets.present((expression,)) if self.value(symbol) is not None]
            if not high:
                return expression
            (expression,) = substitute((expression,), {symbol: self.value(symbol) for symbol in high})

    def holds(self, expression: Any) -> bool:
        """Whether an expression is made of jets of the state: what is evolved, its derivatives, and given functions."""
        jets = [self.jets.jet(symbol) for symbol in self.jets.present((expression,))]
        return all(jet is not None and self._is_state(jet) for jet in jets)

    def _is_state(self, jet: Jet) -> bool:
        if (jet.function, jet.conjugated) not in self.leading:
            return True
        top, _ = self.leading[jet.function, jet.conjugated]
        return jet.index[0] < top.index[0] and all(a >= b for a, b in zip(jet.index[1:], top.index[1:], strict=True))

    def value(self, symbol: Any) -> Any | None:
        """What a jet symbol equals on shell, once; None if it is free."""
        if symbol not in self._known:
            self._known[symbol] = self._value(self.jets.jet(symbol))
        return self._known[symbol]

    def _value(self, jet: Jet | None) -> Any | None:
        if jet is None or (jet.function, jet.conjugated) not in self.leading:
            return None
        top, rate = self.leading[jet.function, jet.conjugated]
        beyond = tuple(a - b for a, b in zip(jet.index, top.index, strict=True))
        return self.jets.moved(derivative(rate, beyond, self.jets), jet.shift) if min(beyond) >= 0 else None


@dataclass(frozen=True)
class Solved:
    """Unknowns with their rates, the constraints, and the shell that they make."""

    unknowns: tuple[Unknown, ...]
    rates: tuple[Any, ...]
    constraints: tuple[Constraint, ...]
    shell: Shell


def solve_for_rates(density: Density, residuals: tuple[Any, ...]) -> Solved:
    """The unknowns of a density and their rates.

    Raises `UnsupportedError` where highest rates stand under derivatives by space or are of an order above two, and
    `DegenerateLagrangianError`, with the null direction, where the equations do not fix them.
    """
    jets = density.jets
    by_variable: dict[Variable, Any] = {}
    for each, residual in zip(density.fields, residuals, strict=True):
        by_variable[each, False] = residual
        if is_complex_field(each):
            by_variable[each, True] = jets.conjugated(residual)
    algebraic = Shell(jets, _algebraic(by_variable, leading_jets(by_variable, jets), jets))
    evolving = {v: algebraic.reduced(r) for v, r in by_variable.items() if v not in algebraic.leading}
    tops = leading_jets(evolving, jets)
    second = [v for v, top in tops.items() if top.time_order == 2]
    first = [v for v, top in tops.items() if top.time_order == 1]
    values: dict[Variable, Any] = {}
    for group, others in ((second, ()), (first, second)):
        values |= _solved(group, tuple(others), evolving, tops, jets)
    shell = Shell(jets, {v: (tops[v], values[v]) for v in tops})
    rules = {v: (tops[v], shell.reduced(values[v])) for v in tops if not v[1]}
    rules |= {
        (f, True): (tops[f, True], jets.conjugated(rate)) for (f, _), (_, rate) in rules.items() if (f, True) in tops
    }
    unknowns = tuple(_unknown(f, top, jets) for (f, _), (top, _) in ((v, r) for v, r in rules.items() if not v[1]))
    rates = tuple(rules[unknown.field, False][1] for unknown in unknowns)
    whole = Shell(jets, {**algebraic.leading, **rules})
    constraints = tuple(
        Constraint(f, whole.reduced(evolving[f, False]))
        for f in density.fields
        if (f, False) in evolving.keys() - tops.keys()
    )
    return Solved(unknowns, rates, constraints, whole)


def _algebraic(
    by_variable: Mapping[Variable, Any], tops: Mapping[Variable, Jet], jets: FieldJets
) -> dict[Variable, tuple[Jet, Any]]:
    """What fields without rates equal, where their own equations give them at each point without any derivative.

    Such fields are auxiliary: chi in -chi^2 / 2 g + chi |psi|^2 stands for g |psi|^2.
    """
    left = [v for v in by_variable if v not in tops]
    found: dict[Variable, tuple[Jet, Any]] = {}
    for v in left:
        residual = by_variable[v]
        held = {s: j for s in jets.present((residual,)) if (j := jets.jet(s)) is not None}
        mine = [s for s, j in held.items() if (j.function, j.conjugated) in left]
        own = jets.symbol(v[0], conjugated=v[1])
        if mine != [own]:
            continue
        (slope,) = gradient(residual, (own,))
        (bare,) = substitute((residual,), {own: sympy.S.Zero})
        if own not in slope.free_symbols and not vanishes((slope,)):
            found[v] = (Jet(v[0], jets.zero, v[1]), -bare / slope)
    return found


def leading_jets(by_variable: Mapping[Variable, Any], jets: FieldJets) -> dict[Variable, Jet]:
    """For each variable that has a rate the jet that its equation is solved for.

    A variable is of second order in time if any equation holds a second rate of it; else of first order, if an equation
    of a variable that is not of second order holds a first rate.
    """
    held = {v: [j for s in jets.present((r,)) if (j := jets.jet(s)) is not None] for v, r in by_variable.items()}
    tops: dict[Variable, Jet] = {}
    for order in (2, 1):
        open_equations = [v for v in by_variable if v not in tops]
        found: dict[Variable, set[Index]] = {}
        for equation in open_equations if order == 1 else by_variable:
            for jet in held[equation]:
                variable = (jet.function, jet.conjugated)
                if variable in by_variable and variable not in tops and jet.time_order >= order:
                    if jet.shift:
                        raise UnsupportedError(
                            f"The equations tie the rates of {jet.function} at neighbouring sites together, so that "
                            "each step would solve for all of them; write L with the rate at the site itself."
                        )
                    found.setdefault(variable, set()).add(jet.index)
        for variable, indices in found.items():
            tops[variable] = _lowest(variable, indices, order, held)
    return {variable: tops[variable] for variable in by_variable if variable in tops}


def _lowest(variable: Variable, indices: set[Index], order: int, held: Mapping[Variable, list[Jet]]) -> Jet:
    function, conjugated = variable
    if max(index[0] for index in indices) > 2:
        raise UnsupportedError(
            f"The equations hold derivatives of {function} by time of order {max(i[0] for i in indices)}; fields "
            f"with at most second derivatives by time can be followed."
        )
    everywhere = [j.index[1:] for js in held.values() for j in js if (j.function, j.conjugated) == variable]
    base = tuple(map(min, zip(*everywhere, strict=True)))
    if indices != {(order, *base)}:
        raise UnsupportedError(
            f"The highest derivatives of {function} by time stand under derivatives by space, so that its rate is not "
            "local; only equations that are solved for it at each point can be followed."
        )
    return Jet(function, (order, *base), conjugated)


def _unknown(each: Any, top: Jet, jets: FieldJets) -> Unknown:
    index = (0, *top.index[1:])
    jet, velocity = jets.symbol(each, index), jets.symbol(each, (1, *index[1:]))
    return Unknown(
        each, index, is_complex_field(each), top.time_order, jet, velocity, jets.written(jet), jets.written(velocity)
    )


def _solved(
    group: list[Variable],
    others: tuple[Variable, ...],
    by_variable: Mapping[Variable, Any],
    tops: Mapping[Variable, Jet],
    jets: FieldJets,
) -> dict[Variable, Any]:
    """The top jets of a group of variables from their own equations."""
    if not group:
        return {}
    symbols = [jets.of(tops[v]) for v in group]
    # The equation of psi comes from varying its conjugate, and holds the rate of psi in the usual cases.
    equations = [by_variable[v] for v in group]
    rows = jacobian(equations, symbols)
    flat = iter(vanishing(entry for row in rows for entry in row))
    rows = tuple(tuple(sympy.S.Zero if next(flat) else entry for entry in row) for row in rows)
    elsewhere = {jets.of(tops[v]) for v in others} | set(symbols)
    if any(entry.free_symbols & elsewhere for row in rows for entry in row):
        raise UnsupportedError("The equations are not linear in the highest derivatives by time.")
    bare = substitute(equations, dict.fromkeys(symbols, sympy.S.Zero))
    if any(equation.free_symbols & elsewhere for equation in bare):
        names = ", ".join(str(jets.written(s)) for s in sorted(elsewhere, key=str))
        raise UnsupportedError(f"Equations of first and second order in time are coupled through {names}.")
    if not regular(rows):
        direction = null_direction(rows) or ()
        parts = [f"{c} {jets.written(s)}" for c, s in zip(direction, symbols, strict=False) if c != 0]
        raise DegenerateLagrangianError(
            f"The density does not fix the rates of its fields: nothing determines {' + '.join(parts)}. Fix the "
            f"gauge, or leave the superfluous field out."
        )
    solution = solve_linear(rows, [-each for each in bare], "The rates of the fields")
    return dict(zip(group, solution, strict=True))
