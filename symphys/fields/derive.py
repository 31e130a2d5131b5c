"""From a density to the dynamics that lowering takes: read -> vary -> solve -> laws -> structure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sympy

from symphys.fields.calculus import total_derivative
from symphys.fields.currents import nonlocal_terms, stress_energy
from symphys.fields.divergence import boundary_terms
from symphys.fields.dynamics import Convolved, FieldDynamics, Law
from symphys.fields.find import find_currents
from symphys.fields.jets import FieldJets, Nonlocal
from symphys.fields.read import Density
from symphys.fields.shell import Shell, solve_for_rates
from symphys.fields.structure import depends_on, structure_of
from symphys.fields.symmetry import FieldSymmetry
from symphys.fields.uneven import uneven_of
from symphys.fields.variation import hamiltonian_terms, residuals
from symphys.language.networks import networks_in
from symphys.mechanics.graph import postorder
from symphys.mechanics.tidy import written_out


def derive_dynamics(density: Density, equations: tuple[Any, ...] | None = None) -> FieldDynamics:
    """The rates of the fields with all that a simulation asks for.

    equations: the `residuals` of the density, where they are known already.
    Raises as `solve_for_rates` does.
    """
    jets = density.jets
    solved = solve_for_rates(density, residuals(density) if equations is None else equations)
    energy = _terms_of_energy(density, solved.shell)
    laws = conservation_laws(density, solved.shell, energy)
    constraints = tuple(each.residual for each in solved.constraints)
    fluxes = [component for law in laws for component in law.flux or ()]
    everything = (*solved.rates, *constraints, *energy, *(term for law in laws for term in law.terms), *fluxes)
    convolutions = convolutions_in(everything, jets)
    inside = (*everything, *(each.term.argument for each in convolutions))
    given = given_in(inside, jets)
    return FieldDynamics(
        density.coordinates, solved.unknowns, solved.rates, solved.constraints, density.parameters, given, convolutions,
        energy, laws, structure_of(density, solved.unknowns, solved.rates), jets, networks_in(postorder(inside)),
        uneven_of(density, solved.unknowns),
    )  # fmt: skip


def given_in(expressions: Sequence[Any], jets: FieldJets) -> tuple[Any, ...]:
    """The jet symbols of what is given in some expressions, those of neighbouring sites as they stand here."""
    found: dict[Any, None] = {}
    for symbol in jets.present(expressions):
        jet = jets.jet(symbol)
        if jet is not None and jet.function in jets.given:
            found[jets.of(replace(jet, shift=()))] = None
    return tuple(found)


def _terms_of_energy(density: Density, shell: Shell) -> tuple[Any, ...]:
    """The terms of the Hamiltonian density as they stand, or multiplied out where rates had to be put in."""
    terms = hamiltonian_terms(density)
    reduced = tuple(shell.reduced(term) for term in terms)
    return terms if reduced == terms else _terms(sympy.Add(*reduced), density.jets)


def conservation_laws(density: Density, shell: Shell, energy: tuple[Any, ...]) -> tuple[Law, ...]:
    """Energy, momenta and the charges of internal symmetries, where they are conserved, in jets of the state.

    What holds explicit coordinates, such as angular momentum, is left to `find_currents`: few lattices keep it. Where
    neighbouring sites meet in the density, there is no momentum along that axis, and no flux in closed form.
    """
    jets = density.jets
    shifted = jets.shifted_axes((density.lagrangian,))
    is_nonlocal = bool(nonlocal_terms(density.lagrangian, jets)) or bool(shifted)
    tensor = stress_energy(density)
    found = []
    for axis, place in enumerate(density.coordinates):
        if depends_on(density, axis) or not density.closed or place in shifted:
            continue
        sign = 1 if axis == 0 else -1
        column = [shell.reduced(sign * row[axis]) for row in tensor]
        name = "energy" if axis == 0 else f"momentum {place.name}"
        flux = None if is_nonlocal else _flux(column, density, shell)
        moved = FieldSymmetry(coordinates={jets.coordinates[axis]: -1 if axis == 0 else 1}, name=name)
        found.append(Law(name, energy if axis == 0 else _terms(column[0], jets), flux, moved))
    found += _internal_laws(density, shell)
    return tuple(law for law in found if law.terms and all(map(shell.holds, law.terms)))


def _terms(expression: Any, jets: FieldJets) -> tuple[Any, ...]:
    """The additive terms of a real expression, each with its conjugate, so that every term is real."""
    found: list[Any] = []
    left = dict.fromkeys(sympy.Add.make_args(sympy.expand(expression)))
    while left:
        term = next(iter(left))
        del left[term]
        twin = jets.conjugated(term)
        if twin in left:
            del left[twin]
            term += twin
        if term != 0:
            found.append(term)
    return tuple(found)


def _flux(components: Sequence[Any], density: Density, shell: Shell) -> tuple[Any, ...] | None:
    """The flux of a current, the density first, in jets of the state; None if there is none that is local in these.

    Where rates of a potential stand in it that the state does not hold, it is found from the rate of the density.
    """
    plain = tuple(written_out(shell.reduced(each)) for each in components)
    if all(map(shell.holds, plain)):
        return plain[1:]
    (rate,) = total_derivative(plain[:1], 0, density.jets)
    found = boundary_terms(-shell.reduced(rate), density) if shell.holds(plain[0]) else None
    if found is None or found[0] != 0 or not all(map(shell.holds, found)):
        return None
    return tuple(map(written_out, found[1:]))


def _internal_laws(density: Density, shell: Shell) -> list[Law]:
    """Charges, rotations among components and shifts; of densities with convolutions the charges alone.

    Where there are dissipation or sources, those along which they do no work.
    """
    here = not density.jets.shifted_axes((density.lagrangian,))
    return [
        Law(current.name, _terms(shell.reduced(current.jet[0]), density.jets),
            _flux(current.jet, density, shell) if here else None, current.symmetry)
        for current in find_currents(density, internal=True)
    ]  # fmt: skip


def convolutions_in(expressions: tuple[Any, ...], jets: FieldJets) -> tuple[Convolved, ...]:
    """All convolution symbols in some expressions and in the arguments of such, inner ones first."""
    found: dict[Any, Convolved] = {}

    def visit(each: Any) -> None:
        for symbol in jets.present((each,)):
            jet = jets.jet(symbol)
            if jet is not None and isinstance(jet.function, Nonlocal) and symbol not in found:
                visit(jet.function.argument)
                found[symbol] = Convolved(symbol, jet.function, jet.index)

    for each in expressions:
        visit(each)
    return tuple(found.values())
