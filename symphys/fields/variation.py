"""What varying a density gives: its equations, momenta and Hamiltonian density, in jet symbols.

Landau, Lifshitz, "The Classical Theory of Fields", section 32; Goldstein, "Classical Mechanics", 3rd ed., chapter 13.
"""

from typing import Any

import sympy

from symphys.errors import InputError
from symphys.fields.calculus import effective_slopes, euler_operators, gathered
from symphys.fields.jets import Jet
from symphys.fields.read import Density, read_density
from symphys.language.fields import is_complex_field
from symphys.mechanics.energy import energy_terms
from symphys.mechanics.probe import vanishes
from symphys.mechanics.tidy import readable


def functional_derivatives(density: Density, *, written: bool = False) -> tuple[Any, ...]:
    """dS/d(conjugate of f) for each field f, with S = int L; `written` out as equations are read, or as they come."""
    varied = tuple((each, is_complex_field(each)) for each in density.fields)
    return euler_operators(density.lagrangian, varied, density.jets, written=written)


def functional_derivative(expression: Any, field: Any) -> Any:
    """The functional derivative of int `expression` by a field, or by the conjugate of one, held apart from the field.

    d/df int F = sum_J (-D)_J dF/d(D_J f), over derivatives of any order; convolutions are varied at both ends.  Raises
    `InputError` for what is no scalar expression in fields, and for what is no field in it.
    """
    conjugated = isinstance(field, sympy.conjugate)
    plain = field.args[0] if conjugated else field
    density = read_density(expression)
    if plain not in density.fields:
        raise InputError(f"{plain} is no field in {expression}; its fields are {', '.join(map(str, density.fields))}.")
    (found,) = euler_operators(density.lagrangian, [(plain, conjugated)], density.jets, written=True)
    return density.jets.from_jet(found)


def outer_forces(density: Density) -> tuple[Any, ...]:
    """F - dD/d(conjugate of f_t) for each field f: what the negative functional derivative of the action equals."""
    jets, rate = density.jets, density.jets.axis(0)
    by_jet = effective_slopes(density.dissipation, jets)
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


def check_real(density: Density) -> None:
    """Raise `InputError` if the action is not real, or the dissipation; a density may be complex by a divergence."""
    jets = density.jets
    imaginary = density.lagrangian - jets.conjugated(density.lagrangian)
    if not vanishes((imaginary,)) and not vanishes(euler_operators(imaginary, density.variables, jets)):
        shown = jets.from_jet(readable(imaginary / (2 * sympy.I)))
        raise InputError(
            f"The Lagrangian density must be real (up to a divergence), but its imaginary part is {shown}; what takes "
            "energy away goes into dissipation= or sources=."
        )
    imaginary = density.dissipation - jets.conjugated(density.dissipation)
    if not vanishes((imaginary,)):
        raise InputError(
            f"The dissipation must be real, but it holds {jets.from_jet(readable(imaginary / 2))}, which is imaginary."
        )


def residuals(density: Density) -> tuple[Any, ...]:
    """For each field what vanishes on shell: dS/d(conjugate of f) + F - dD/d(conjugate of f_t)."""
    pairs = zip(functional_derivatives(density), outer_forces(density), strict=True)
    return tuple(derivative + force for derivative, force in pairs)


def momenta(density: Density) -> dict[tuple[Any, bool], Any]:
    """dL/d(u_t) for each (field, conjugated), with derivatives by space integrated by parts."""
    jets = density.jets
    by_jet = effective_slopes(density.lagrangian, jets)
    return {
        variable: gathered({(0, *jet.index[1:]): s for jet, s in by_jet.items() if _rate_of(jet, *variable)}, jets)
        for variable in density.variables
    }


def hamiltonian_terms(density: Density) -> tuple[Any, ...]:
    """The additive terms of sum pi u_t - L, for densities in first rates by time."""
    jets = density.jets
    rates = [s for s in jets.present((density.lagrangian,)) if (jet := jets.jet(s)) is not None and jet.time_order == 1]
    plain = all(sum(jets.jet(s).index) == 1 and not jets.jet(s).shift for s in rates)  # type: ignore[union-attr]
    if plain:
        return energy_terms(density.lagrangian, rates)
    products = [p * jets.symbol(f, jets.axis(0), bar) for (f, bar), p in momenta(density).items()]
    return tuple(sympy.Add.make_args(sympy.expand(sympy.Add(*products) - density.lagrangian)))


def _rate_of(jet: Jet, function: Any, conjugated: bool) -> bool:
    return jet.function == function and jet.conjugated == conjugated and jet.time_order == 1
