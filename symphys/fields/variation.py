"""What varying a density gives: its equations, momenta and Hamiltonian density, in jet symbols.

Landau, Lifshitz, "The Classical Theory of Fields", section 32; Goldstein, "Classical Mechanics", 3rd ed., chapter 13.
"""

from typing import Any

import sympy

from symphys.fields.calculus import euler_operators, gathered, slopes
from symphys.fields.jets import Jet
from symphys.fields.read import Density
from symphys.language.fields import is_complex_field
from symphys.mechanics.energy import energy_terms


def functional_derivatives(density: Density, expression: Any | None = None) -> tuple[Any, ...]:
    """dS/d(conjugate of f) for each field f, with S = int L or the integral of another expression in jet symbols."""
    varied = tuple((each, is_complex_field(each)) for each in density.fields)
    return euler_operators(density.lagrangian if expression is None else expression, varied, density.jets)


def outer_forces(density: Density) -> tuple[Any, ...]:
    """F - dD/d(conjugate of f_t) for each field f: what the negative functional derivative of the action equals."""
    jets, rate = density.jets, density.jets.axis(0)
    by_jet = slopes(density.dissipation, jets)
    friction = [
        gathered(
            {
                tuple(a - b for a, b in zip(jet.index, rate, strict=True)): slope
                for jet, slope in by_jet.items()
                if jet.function == each and jet.conjugated == is_complex_field(each) and jet.time_order == 1
            },
            jets,
        )
        for each in density.fields
    ]
    return tuple(source - drag for source, drag in zip(density.sources, friction, strict=True))


def residuals(density: Density) -> tuple[Any, ...]:
    """For each field what vanishes on shell: dS/d(conjugate of f) + F - dD/d(conjugate of f_t)."""
    pairs = zip(functional_derivatives(density), outer_forces(density), strict=True)
    return tuple(derivative + force for derivative, force in pairs)


def momenta(density: Density) -> dict[tuple[Any, bool], Any]:
    """dL/d(u_t) for each (field, conjugated), with derivatives by space integrated by parts."""
    jets = density.jets
    by_jet = slopes(density.lagrangian, jets)
    return {
        variable: gathered({(0, *jet.index[1:]): s for jet, s in by_jet.items() if _rate_of(jet, *variable)}, jets)
        for variable in density.variables
    }


def hamiltonian_terms(density: Density) -> tuple[Any, ...]:
    """The additive terms of sum pi u_t - L, for densities in first rates by time."""
    jets = density.jets
    rates = [s for s in jets.present((density.lagrangian,)) if (jet := jets.jet(s)) is not None and jet.time_order == 1]
    plain = all(sum(jets.jet(s).index) == 1 for s in rates)  # type: ignore[union-attr]
    if plain:
        return energy_terms(density.lagrangian, rates)
    products = [p * jets.symbol(f, jets.axis(0), bar) for (f, bar), p in momenta(density).items()]
    return tuple(sympy.Add.make_args(sympy.expand(sympy.Add(*products) - density.lagrangian)))


def _rate_of(jet: Jet, function: Any, conjugated: bool) -> bool:
    return jet.function == function and jet.conjugated == conjugated and jet.time_order == 1
