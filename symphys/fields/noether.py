"""Noether's theorem for densities: symmetries are checked, and their currents returned as users read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from symphys.errors import InputError, NotASymmetryError
from symphys.fields.currents import Characteristic, boundary_current, changes, divergence, nonlocal_terms, phase
from symphys.fields.divergence import boundary_terms, is_divergence
from symphys.fields.read import Density, to_jet
from symphys.fields.symmetry import FieldSymmetry
from symphys.fields.variation import outer_forces
from symphys.language.fields import is_complex_field
from symphys.mechanics.graph import written_operations
from symphys.mechanics.probe import vanishes
from symphys.mechanics.tidy import simplified, written_out

_LONGEST_REMAINDER = 200


@dataclass(frozen=True)
class Current:
    """A conserved current: d(density)/dt + div(flux) = 0 for all solutions.

    density: the density of what is conserved; flux: one component for each coordinate of space.
    continuity: the continuity equation as an `Eq`, with its derivatives carried out.
    symmetry: whose current it is, where that is known.
    jet: the components in jet symbols, the density first.
    """

    name: str
    density: Any
    flux: tuple[Any, ...]
    continuity: Any
    jet: tuple[Any, ...]
    symmetry: FieldSymmetry | None = None

    def __str__(self) -> str:
        return f"{self.name}: density {self.density}, flux ({', '.join(map(str, self.flux))})"

    def _repr_latex_(self) -> str:
        components = (self.density, *self.flux)
        row = r",\; ".join(sympy.latex(each) for each in components)
        return rf"$\displaystyle \text{{{self.name}:}}\quad \left({row}\right)$"


def current_of(density: Density, components: Sequence[Any], name: str, symmetry: FieldSymmetry | None) -> Current:
    """A current from its components in jet symbols."""
    jets = density.jets
    plain = tuple(written_out(each) for each in components)
    first, *rest = (jets.from_jet(each) for each in plain)
    rate = jets.from_jet(written_out(divergence(plain, jets)))
    return Current(name, first, tuple(rest), sympy.Eq(rate, sympy.S.Zero, evaluate=False), plain, symmetry)


def gauge_current(density: Density, epsilon: Any, charges: Mapping[Any, Any] | None) -> Current:
    """The current of psi -> exp(-i eps a psi) psi, rho = -i eps sum a (dL/d(psi_t) psi - c.c.).

    Raises `InputError` if no complex field varies or charges are given for what is none, and `NotASymmetryError`, with
    the change of the density, if that depends on the phase.
    """
    charged = [each for each in density.fields if is_complex_field(each)]
    if not charged:
        raise InputError(
            "A gauge current belongs to the phases of complex fields, but none varies here; see noether() for others."
        )
    wrong = [each for each in charges or {} if each not in charged]
    if wrong:
        raise InputError(f"{wrong[0]} is no complex field that varies here, so it has no phase.")
    weights = dict.fromkeys(charged, 1) if charges is None else dict(charges)
    turn = phase(density, weights, sympy.sympify(epsilon))
    change = changes(density.lagrangian, turn, density.jets)
    if not vanishes((change,)):
        raise NotASymmetryError(
            f"The density is not invariant under these phases: it changes by {_shown(change, density)}, which does not "
            "vanish; fields that turn together need charges=, and driven ones have no conserved charge."
        )
    _check_closed(density, turn)
    symmetry = FieldSymmetry({psi: density.jets.from_jet(turn[psi, False]) for psi in weights}, name="charge")
    return current_of(density, boundary_current(density.lagrangian, turn, density.jets), "charge", symmetry)


def noether(density: Density, symmetry: FieldSymmetry) -> Current:
    """The current P^mu(Q) + L xi^mu - K^mu of a symmetry, which is checked first; Q = eta - psi_nu xi^nu.

    Raises `InputError` for changes of what is no field or coordinate here; `NotASymmetryError`, with what is left over,
    if pr Q(L) + D_mu(L xi^mu) is not D_mu K^mu.
    """
    jets = density.jets
    xi, turn = characteristic(density, symmetry)
    spread = tuple(density.lagrangian * each for each in xi)
    if nonlocal_terms(density.lagrangian, jets) and any(each != 0 for each in xi):
        raise InputError(
            "A density with a convolution has no local current for a symmetry that moves coordinates; what is "
            "conserved is the integral alone, see `conserved`."
        )
    change = changes(density.lagrangian, turn, jets) + divergence(spread, jets)
    if symmetry.boundary is None:
        boundary = _found_boundary(change, density)
    else:
        if len(symmetry.boundary) != len(jets.coordinates):
            raise InputError(
                f"The boundary term has {len(symmetry.boundary)} components, but spacetime has {len(jets.coordinates)}."
            )
        boundary = tuple(to_jet(each, jets) for each in symmetry.boundary)
        left = change - divergence(boundary, jets)
        if not vanishes((left,)):
            raise NotASymmetryError(
                "The transformation is no symmetry with this boundary term: it changes the density by the "
                f"divergence of that and by {_shown(left, density)} besides, which does not vanish."
            )
    _check_closed(density, turn)
    flow = boundary_current(density.lagrangian, turn, jets)
    components = [p + l - k for p, l, k in zip(flow, spread, boundary, strict=True)]
    return current_of(density, components, symmetry.name or "Noether current", symmetry)


def characteristic(density: Density, symmetry: FieldSymmetry) -> tuple[tuple[Any, ...], Characteristic]:
    """xi^mu, and Q = eta - psi_nu xi^nu for everything that varies, in jet symbols."""
    jets = density.jets
    for each in symmetry.changes:
        if each not in density.fields:
            raise InputError(f"{each} does not vary here; what varies is {', '.join(map(str, density.fields))}.")
    for x in symmetry.coordinates:
        if x not in density.coordinates:
            raise InputError(f"{x} is no coordinate here; they are {', '.join(map(str, density.coordinates))}.")
    xi = tuple(to_jet(symmetry.coordinates.get(x, sympy.S.Zero), jets) for x in density.coordinates)
    turn: dict[tuple[Any, bool], Any] = {}
    for psi in density.fields:
        eta = to_jet(symmetry.changes.get(psi, sympy.S.Zero), jets)
        drift = sympy.Add(*(jets.symbol(psi, jets.axis(axis)) * each for axis, each in enumerate(xi)))
        turn[psi, False] = eta - drift
        if is_complex_field(psi):
            turn[psi, True] = jets.conjugated(eta - drift)
    if vanishes((*xi, *turn.values())):
        raise InputError("The transformation changes neither coordinates nor fields, so it has no current.")
    return xi, turn


def _found_boundary(change: Any, density: Density) -> tuple[Any, ...]:
    boundary = boundary_terms(change, density)
    if boundary is not None:
        return boundary
    if is_divergence(change, density):
        raise InputError(
            f"The transformation changes the density by {_shown(change, density)}, a total divergence, but of what was "
            "not found in closed form; give it as boundary=."
        )
    raise NotASymmetryError(
        f"The transformation is no symmetry: it changes the density by {_shown(change, density)}, which is not the "
        "divergence of any boundary term."
    )


def _check_closed(density: Density, turn: Characteristic) -> None:
    """Dissipation and sources must do no work along the transformation."""
    jets = density.jets
    work = []
    for psi, force in zip(density.fields, outer_forces(density), strict=True):
        work.append(force * turn.get((psi, is_complex_field(psi)), 0))
        if is_complex_field(psi):
            work.append(jets.conjugated(force) * turn.get((psi, False), 0))
    if not vanishes((sympy.Add(*work),)):
        raise NotASymmetryError(
            f"Dissipation and sources change the charge at the rate {_shown(sympy.Add(*work), density)}, so it is not "
            "conserved."
        )


def _shown(remainder: Any, density: Density) -> str:
    text = str(density.jets.from_jet(simplified(remainder)))
    if len(text) > _LONGEST_REMAINDER:
        return f"{text[:_LONGEST_REMAINDER]}... ({written_operations(remainder)} operations)"
    return text
