"""Hamilton's field equations: psi_t = dH/dpi, pi_t = -dH/dpsi, or i hbar psi_t = dH/dpsi* of first order."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sympy

from symphys.errors import LegendreTransformError
from symphys.fields.calculus import euler_operators
from symphys.fields.jets import FieldJets, field_jets
from symphys.fields.read import Density, to_jet
from symphys.fields.variation import hamiltonian_terms, momenta, outer_forces
from symphys.language.fields import complex_field, is_complex_field, scalar_field
from symphys.mechanics.differentiate import gradient, jacobian
from symphys.mechanics.graph import free_symbols, substitute
from symphys.mechanics.probe import vanishing
from symphys.mechanics.solve import solve_linear
from symphys.mechanics.structure import regular
from symphys.mechanics.tidy import readable, written_out

Variable = tuple[Any, bool]


@dataclass(frozen=True)
class HamiltonForm:
    """A theory in its phase space.

    momenta: {field: the field pi_<name> that is its momentum}, for fields whose rates can be solved for; the momentum
        of a complex field is dL/d(psi_t), conjugate to psi.
    density: the Hamiltonian density in fields and momenta.
    equations: {field: Eq}, and for momenta too; for a field without one (of first order in time, or a multiplier of a
        constraint) the equation sum (rates) = dH/d(conjugate of field).
    """

    momenta: Mapping[Any, Any]
    density: Any
    equations: Mapping[Any, Any]


def hamilton_form(density: Density) -> HamiltonForm:
    """Hamilton's field equations of a density.

    Raises `LegendreTransformError` where momenta depend on rates but cannot be solved for them linearly.
    """
    made = {f: _momentum_field(f) for f in density.fields}
    density = _with_functions(density, tuple(made.values()))
    jets = density.jets
    by_variable = momenta(density)
    rates = {v: jets.symbol(v[0], jets.axis(0), v[1]) for v in density.variables}
    rows = jacobian(by_variable.values(), list(rates.values()))
    moving = [v for v, row in zip(density.variables, rows, strict=True) if not all(vanishing(row))]
    _check_linear(by_variable, moving, rates, jets)
    names = {f: pi for f, pi in made.items() if (f, False) in moving}
    symbols = {v: jets.symbol(names[v[0]], conjugated=v[1]) for v in moving}
    solved = _solved_rates(by_variable, moving, rates, symbols)
    hamiltonian = substitute((sympy.Add(*hamiltonian_terms(density)),), solved)[0]
    hamiltonian = readable(hamiltonian)
    equations: dict[Any, Any] = {}
    forces = dict(zip(density.fields, (substitute((f,), solved)[0] for f in outer_forces(density)), strict=True))
    for f in density.fields:
        bar = is_complex_field(f)
        if f in names:
            pi = names[f]
            (by_pi,) = euler_operators(hamiltonian, [(pi, False)], jets)
            (by_f,) = euler_operators(hamiltonian, [(f, False)], jets)
            force = jets.conjugated(forces[f]) if bar else forces[f]
            equations[f] = _equation(rates[f, False], by_pi, jets)
            equations[pi] = _equation(jets.symbol(pi, jets.axis(0)), force - by_f, jets)
        else:
            (by_f,) = euler_operators(hamiltonian, [(f, bar)], jets)
            (whole,) = euler_operators(density.lagrangian, [(f, bar)], jets)
            (whole,) = substitute((whole,), solved)
            kinetic = _kinetic_part(whole, jets)
            equations[f] = _equation(kinetic + forces[f], by_f, jets)
    return HamiltonForm(names, jets.from_jet(hamiltonian), equations)


def _with_functions(density: Density, functions: tuple[Any, ...]) -> Density:
    """The same density in a jet space that has some more functions."""
    old = density.jets
    jets = field_jets(density.coordinates, density.fields, (*density.given, *functions), density.parameters)

    def moved(expression: Any) -> Any:
        return to_jet(old.from_jet(expression), jets)

    return replace(
        density,
        lagrangian=moved(density.lagrangian),
        dissipation=moved(density.dissipation),
        sources=tuple(map(moved, density.sources)),
        jets=jets,
    )


def _momentum_field(f: Any) -> Any:
    make = complex_field if is_complex_field(f) else scalar_field
    return make(f"pi_{f.func.__name__}", f.args)


def _check_linear(
    by_variable: Mapping[Variable, Any], moving: list[Variable], rates: Mapping[Variable, Any], jets: FieldJets
) -> None:
    symbols = set(rates.values())
    for v in moving:
        present = [j for s in jets.present((by_variable[v],)) if (j := jets.jet(s)) is not None and j.time_order]
        slopes = gradient(by_variable[v], list(symbols))
        if any(sum(j.index) > 1 for j in present) or free_symbols(slopes) & symbols:
            raise LegendreTransformError(
                f"The momentum of {v[0]}, {jets.from_jet(by_variable[v])}, is not linear in the rates of the "
                f"fields alone, so these cannot be solved for in closed form."
            )


def _solved_rates(
    by_variable: Mapping[Variable, Any],
    moving: list[Variable],
    rates: Mapping[Variable, Any],
    symbols: Mapping[Variable, Any],
) -> dict[Any, Any]:
    """The rates in terms of the momenta."""
    if not moving:
        return {}
    wanted = [rates[v] for v in moving]
    matrix = jacobian([by_variable[v] for v in moving], wanted)
    if not regular(matrix):
        raise LegendreTransformError(
            "The momenta depend on each other, so that the rates of the fields cannot be solved for; fix the gauge."
        )
    bare = substitute([by_variable[v] for v in moving], dict.fromkeys(wanted, sympy.S.Zero))
    right = [symbols[v] - shift for v, shift in zip(moving, bare, strict=True)]
    return dict(zip(wanted, solve_linear(matrix, right, "The rates of the fields"), strict=True))


def _kinetic_part(whole: Any, jets: FieldJets) -> Any:
    """The terms with first rates of a functional derivative of the action."""
    moving = [s for s in jets.present((whole,)) if (j := jets.jet(s)) is not None and j.time_order]
    return whole - substitute((whole,), dict.fromkeys(moving, sympy.S.Zero))[0]


def _equation(left: Any, right: Any, jets: FieldJets) -> Any:
    return sympy.Eq(jets.from_jet(written_out(left)), jets.from_jet(written_out(right)), evaluate=False)
