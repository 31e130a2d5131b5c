"""The symmetries of a density that are affine in coordinates and fields, with their currents."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sympy

from symphys.errors import InputError, NotASymmetryError
from symphys.fields.ansatz import Change, Conditions, Drift, Unknown, affine_ansatz, internal_ansatz
from symphys.fields.calculus import euler_operators
from symphys.fields.currents import nonlocal_terms
from symphys.fields.names import Title, title
from symphys.fields.noether import Current, gauge_current, noether
from symphys.fields.read import Density
from symphys.fields.symmetry import FieldSymmetry
from symphys.language.fields import is_complex_field
from symphys.mechanics.probe import vanishes
from symphys.mechanics.read import name_of
from symphys.mechanics.symmetries.determine import null_space
from symphys.mechanics.symmetries.find import exact_solutions, without_denominators

Coefficients = dict[Drift | Change, Any]

_MAX_CONSTANTS = 320


def find_currents(density: Density, *, internal: bool = False) -> tuple[Current, ...]:
    """The currents of the symmetries with xi and eta affine, each verified; `internal`: with xi = 0 alone.

    Where several complex fields turn their phases apart, the current of all together stands before theirs.  Of
    densities with convolutions, and of theories with so many fields that the ansatz has more than 320 constants,
    nothing is found. Where neighbouring sites of a lattice meet in the density, currents flow between sites and have no
    components at one: there are none, and of internal ones the density alone is right.
    """
    ansatz = internal_ansatz(density) if internal else affine_ansatz(density)
    lattice = bool(density.jets.shifted_axes((density.lagrangian,)))
    if lattice and not internal:
        return ()
    if lattice or nonlocal_terms(density.lagrangian, density.jets) or len(ansatz) > _MAX_CONSTANTS:
        return _phase_currents(density)
    operators = euler_operators(density.lagrangian, density.variables, density.jets)
    conditions = Conditions(density, operators, ansatz)
    basis = null_space(conditions.rows(0, conditions.constants_at(0)), len(ansatz))
    found: list[tuple[Title, Current]] = []
    for vector in exact_solutions(basis, conditions.rows, conditions.constants_at, conditions.constants):
        coefficients = _coefficients(vector, ansatz)
        named = title(coefficients, density)
        current = _verified(coefficients, named, density)
        if current is not None:
            found.append((named, current))
    total = _total_charge(density)
    found = ([(Title("charge", "charge", 1), total)] if total is not None else []) + found
    found.sort(key=lambda each: each[0].rank)
    return _with_own_names([current for _, current in found])


def _coefficients(vector: Sequence[Any], ansatz: Sequence[Unknown]) -> Coefficients:
    found: Coefficients = {}
    for constant, unknown in zip(vector, ansatz, strict=True):
        for piece in unknown if constant != 0 else ():
            weight = sympy.nsimplify(piece.weight) if isinstance(piece, Change) else sympy.S.One
            key = replace(piece, weight=1) if isinstance(piece, Change) else piece
            found[key] = found.get(key, sympy.S.Zero) + weight * constant
    return without_denominators({key: c for key, c in found.items() if c != 0})


def _verified(coefficients: Coefficients, named: Title, density: Density) -> Current | None:
    """The current, if the symmetry holds to all digits; None otherwise, and where it carries nothing."""
    changes: dict[Any, Any] = {}
    moved: dict[Any, Any] = {}
    for key, c in coefficients.items():
        factor = sympy.S.One if key.factor is None else density.coordinates[key.factor]
        if isinstance(key, Drift):
            x = density.coordinates[key.axis]
            moved[x] = moved.get(x, sympy.S.Zero) + named.sign * c * factor
        elif not key.target[1]:
            source = sympy.S.One if key.source is None else key.source[0]
            source = sympy.conjugate(source) if key.source is not None and key.source[1] else source
            psi = key.target[0]
            changes[psi] = changes.get(psi, sympy.S.Zero) + named.sign * c * factor * source
    try:
        current = noether(density, FieldSymmetry(changes, moved, name=named.name))
    except (NotASymmetryError, InputError):
        return None
    return None if vanishes(current.jet[:1]) else current


def _total_charge(density: Density) -> Current | None:
    """The charge of all complex fields together, if it is conserved."""
    charged = [each for each in density.fields if is_complex_field(each)]
    if not charged:
        return None
    try:
        return gauge_current(density, sympy.S.One, None)
    except NotASymmetryError:
        return None


def _phase_currents(density: Density) -> tuple[Current, ...]:
    """The charge of all complex fields together, and of each by itself, where they are conserved."""
    found = [total] if (total := _total_charge(density)) is not None else []
    for each in density.fields:
        if is_complex_field(each):
            try:
                found.append(replace(gauge_current(density, 1, {each: 1}), name=f"charge {name_of(each)}"))
            except NotASymmetryError:
                continue
    return _with_own_names(found)


def _with_own_names(currents: Sequence[Current]) -> tuple[Current, ...]:
    """The same currents, the phase of an only complex field called charge alone, and a number behind repeated names."""
    taken: set[str] = set()
    named: list[Current] = []
    for current in currents:
        if current.name.startswith("charge ") and any(_same(current, other) for other in named):
            continue
        name, count = current.name, 1
        while name in taken:
            count += 1
            name = f"{current.name} ({count})"
        taken.add(name)
        named.append(replace(current, name=name))
    return tuple(named)


def _same(current: Current, other: Current) -> bool:
    return vanishes(a - b for a, b in zip(current.jet, other.jet, strict=True))
