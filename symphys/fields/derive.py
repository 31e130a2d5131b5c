"""From a density to the dynamics that lowering takes: read -> vary -> solve -> laws -> structure."""

from typing import Any

import sympy

from symphys.fields.currents import boundary_current, changes, nonlocal_terms, phase, stress_energy
from symphys.fields.dynamics import Convolved, FieldDynamics, Law
from symphys.fields.jets import FieldJets, Nonlocal
from symphys.fields.read import Density
from symphys.fields.shell import Shell, solve_for_rates
from symphys.fields.structure import depends_on, structure_of
from symphys.fields.variation import hamiltonian_terms, residuals
from symphys.language.fields import is_complex_field
from symphys.mechanics.probe import vanishes
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
    convolutions = _convolutions(everything, jets)
    inside = (*everything, *(each.term.argument for each in convolutions))
    given = tuple(s for s in jets.present(inside) if jets.jet(s).function in density.given)  # type: ignore[union-attr]
    return FieldDynamics(
        density.coordinates, solved.unknowns, solved.rates, solved.constraints, density.parameters, given, convolutions,
        energy, laws, structure_of(density, solved.unknowns, solved.rates), jets,
    )  # fmt: skip


def _terms_of_energy(density: Density, shell: Shell) -> tuple[Any, ...]:
    """The terms of the Hamiltonian density as they stand, or multiplied out where rates had to be put in."""
    terms = hamiltonian_terms(density)
    reduced = tuple(shell.reduced(term) for term in terms)
    return terms if reduced == terms else _terms(sympy.Add(*reduced), density.jets)


def conservation_laws(density: Density, shell: Shell, energy: tuple[Any, ...]) -> tuple[Law, ...]:
    """Energy, momenta and charges, where they are conserved, in jets of the state."""
    jets = density.jets
    if not density.closed:
        return ()
    is_nonlocal = bool(nonlocal_terms(density.lagrangian, jets))
    tensor = stress_energy(density)
    found = []
    for axis, place in enumerate(density.coordinates):
        if depends_on(density, axis):
            continue
        sign = 1 if axis == 0 else -1
        column = [shell.reduced(sign * row[axis]) for row in tensor]
        name = "energy" if axis == 0 else f"momentum {place.name}"
        flux = None if is_nonlocal else _flux(column[1:], shell)
        found.append(Law(name, energy if axis == 0 else _terms(column[0], jets), flux))
    found += _charges(density, shell)
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


def _flux(components: list[Any], shell: Shell) -> tuple[Any, ...] | None:
    """The flux multiplied out where that is shorter; None if the state does not tell it."""
    plain = tuple(written_out(each) for each in components)
    return plain if all(map(shell.holds, plain)) else None


def _charges(density: Density, shell: Shell) -> list[Law]:
    """The charge of all complex fields together, and those of single fields where there are several."""
    jets = density.jets
    charged = [each for each in density.fields if is_complex_field(each)]
    groups = {"charge": charged} if charged else {}
    if len(charged) > 1:
        groups |= {f"charge {jets.names[each]}": [each] for each in charged}
    found = []
    for name, group in groups.items():
        turn = phase(density, dict.fromkeys(group, 1))
        if vanishes((changes(density.lagrangian, turn, jets),)):
            current = [shell.reduced(each) for each in boundary_current(density.lagrangian, turn, jets)]
            found.append(Law(name, _terms(current[0], jets), _flux(current[1:], shell)))
    return found


def _convolutions(expressions: tuple[Any, ...], jets: FieldJets) -> tuple[Convolved, ...]:
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
