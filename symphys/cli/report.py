"""What there is to read about a system: sections of formulas, in whatever form they are then written."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy

from symphys.errors import DegenerateLagrangianError, LegendreTransformError, UnsupportedError
from symphys.mechanics.notation import text
from symphys.models import System
from symphys.systems import Hamiltonian, Lagrangian, LagrangianDensity


@dataclass(frozen=True)
class Section:
    """A heading with formulas (left side: an expression or a name), or a list of symbols, or a remark."""

    title: str
    formulas: tuple[tuple[Any, Any], ...] = ()
    symbols: tuple[Any, ...] = ()
    remark: str = ""

    def lines(self, write: Callable[[Any], str]) -> list[str]:
        """The section line by line, each formula written by `write`."""
        if self.remark:
            return [self.remark]
        if not self.formulas:
            return [", ".join(map(write, self.symbols))]
        return [f"{left if isinstance(left, str) else write(left)} = {write(right)}" for left, right in self.formulas]


def report(system: System | LagrangianDensity) -> tuple[Section, ...]:
    """All that is derived from a system, in the order in which a book would give it."""
    if isinstance(system, LagrangianDensity):
        return _of_density(system)
    if isinstance(system, Lagrangian):
        given = _of_lagrangian(system)
    elif isinstance(system, Hamiltonian):
        given = _of_hamiltonian(system)
    else:
        given = (Section("Variables", symbols=system.variables), *_parameters(system), _equations(system))
    return (*given, *_conserved(system))


def _of_lagrangian(system: Lagrangian) -> tuple[Section, ...]:
    momenta = tuple((sympy.Symbol(f"p_{text(q)}"), momentum) for q, momentum in system.momenta.items())
    return (
        Section("Coordinates", symbols=system.coordinates),
        *_parameters(system),
        Section("Lagrangian", (("L", system.expression),)),
        _equations(system),
        Section("Momenta", momenta),
        Section("Energy", (("E", system.energy),)),
        _hamiltonian_of(system),
    )


def _of_density(system: LagrangianDensity) -> tuple[Section, ...]:
    given = (("Parameters", system.parameters), ("Given functions", system.given))
    # those of conjugates are the conjugates
    momenta = tuple((sympy.Symbol(f"pi_{text(each)}"), system.momenta[each]) for each in system.fields)
    equations = tuple((equation.lhs, equation.rhs) for equation in system.equations.values())
    return (
        Section("Coordinates", symbols=system.coordinates),
        Section("Fields", symbols=system.fields),
        *(Section(title, symbols=symbols) for title, symbols in given if symbols),
        Section("Lagrangian density", (("L", system.expression),)),
        Section("Field equations", equations),
        Section("Momenta", momenta),
        Section("Hamiltonian density", (("H", system.hamiltonian_density),)),
        *_currents(system),
    )


def _currents(system: LagrangianDensity) -> tuple[Section, ...]:
    """Densities and fluxes of the conserved currents, and what is conserved only as a whole."""
    place = system.coordinates[1:]
    currents = tuple(
        formula
        for current in system.conserved
        for formula in (
            (f"{current.name}: density", current.density),
            *((f"{current.name}: flux {x.name}", flux) for x, flux in zip(place, current.flux, strict=True)),
        )
    )
    integrals = _integrals(system)
    sections = (("Conserved currents", currents), ("Conserved integrals", integrals))
    return tuple(Section(title, formulas) for title, formulas in sections if formulas)


def _integrals(system: LagrangianDensity) -> tuple[tuple[str, Any], ...]:
    """The densities of what has no local current, as with convolutions."""
    try:
        laws, jets = system.dynamics.laws, system.dynamics.jets
    except (UnsupportedError, DegenerateLagrangianError):
        return ()
    return tuple((f"{law.name}: density", jets.from_jet(sympy.Add(*law.terms))) for law in laws if law.flux is None)


def _of_hamiltonian(system: Hamiltonian) -> tuple[Section, ...]:
    return (
        Section("Coordinates", symbols=system.coordinates),
        Section("Momenta", symbols=system.momenta),
        *_parameters(system),
        Section("Hamiltonian", (("H", system.expression),)),
        _equations(system),
        _lagrangian_of(system),
    )


def _parameters(system: System) -> tuple[Section, ...]:
    named = (("Parameters", system.parameters), ("Input signals", system.signals))
    return tuple(Section(title, symbols=symbols) for title, symbols in named if symbols)


def _equations(system: System) -> Section:
    equations = system.equations if isinstance(system, Lagrangian) else system.equations.values()
    return Section("Equations of motion", tuple((equation.lhs, equation.rhs) for equation in equations))


def _hamiltonian_of(system: Lagrangian) -> Section:
    try:
        return Section("Hamiltonian", (("H", system.hamiltonian.expression),))
    except (LegendreTransformError, DegenerateLagrangianError) as error:
        return Section("Hamiltonian", remark=str(error))


def _lagrangian_of(system: Hamiltonian) -> Section:
    try:
        return Section("Lagrangian", (("L", system.lagrangian.expression),))
    except (LegendreTransformError, DegenerateLagrangianError) as error:
        return Section("Lagrangian", remark=str(error))


def _conserved(system: System) -> tuple[Section, ...]:
    laws = tuple((law.name, law.expression) for law in system.conserved)
    return (Section("Conserved quantities", laws),) if laws else ()
