"""Noether's theorem: a symmetry that a user gives is checked, and its charge returned."""

from typing import Any

import sympy

from symphys.errors import InputError, NotASymmetryError
from symphys.mechanics.action import Action
from symphys.mechanics.differentiate import directional
from symphys.mechanics.dynamics import ConservedQuantity
from symphys.mechanics.euler_lagrange import euler_operator
from symphys.mechanics.graph import written_operations
from symphys.mechanics.jets import from_jet, to_jet
from symphys.mechanics.pfaffian import pfaffian_of
from symphys.mechanics.probe import vanishes
from symphys.mechanics.read import name_of
from symphys.mechanics.symmetries.boundary import boundary_term
from symphys.mechanics.symmetries.determine import TIME, Place
from symphys.mechanics.symmetries.generator import Generator, Variations, charge_terms
from symphys.mechanics.symmetries.names import Bodies, title
from symphys.mechanics.symmetries.symmetry import Symmetry
from symphys.mechanics.tidy import readable, simplified

_LONGEST_REMAINDER = 200


def noether(action: Action, symmetry: Symmetry) -> ConservedQuantity:
    """The conserved charge sum p_i (xi_i - q'_i tau) + L tau - K of a symmetry of an action.

    Raises `InputError` for changes of what is no coordinate of the system; `NotASymmetryError`, with what is left over,
    if pr X(L) + L D_t tau (with the power of friction and forces) is not D_t K.
    """
    generator = read_generator(action, symmetry)
    variations = Variations.of(action)
    change = variations.change(generator) + variations.power(generator)
    if symmetry.boundary is None:
        boundary = sympy.S.Zero if vanishes((change,)) else _found_boundary(change, action)
    else:
        boundary = to_jet(symmetry.boundary, action.space)
        (rate,) = directional((boundary,), action.space.total_derivative)
        if not vanishes((change - rate,)):
            raise NotASymmetryError(
                f"The transformation is no symmetry with the boundary term {symmetry.boundary}: it changes the "
                f"Lagrangian by the rate of that and by {_shown(change - rate, action)} besides, which does not vanish."
            )
    _check_constraints(action, generator)
    name = symmetry.name or _name(action, generator)
    return law_of(variations, generator, boundary, name)


def law_of(variations: Variations, generator: Generator, boundary: Any, name: str) -> ConservedQuantity:
    """The charge of a generator that has been verified, with the symmetry as users write it."""
    action = variations.action
    terms = charge_terms(variations, generator, boundary)
    jet, space = sympy.Add(*terms), action.space
    changes = {q: from_jet(xi, space) for q, xi in zip(action.coordinates, generator.xi, strict=True) if xi != 0}
    symmetry = Symmetry(changes, time=from_jet(generator.time, space), boundary=from_jet(boundary, space), name=name)
    return ConservedQuantity(name, from_jet(readable(jet), space), jet, terms, symmetry)


def read_generator(action: Action, symmetry: Symmetry) -> Generator:
    """The generator of a symmetry in jet symbols; raises `InputError` if it does not belong to the action."""
    if not isinstance(symmetry, Symmetry):
        raise InputError(
            f"The symmetry is of type {type(symmetry).__name__}; give symphys.Symmetry({{q: change of q}})."
        )
    unknown = [q for q, _ in symmetry.items if q not in action.coordinates]
    if unknown:
        names = ", ".join(map(str, action.coordinates))
        raise InputError(f"{unknown[0]} is no coordinate of this Lagrangian, whose coordinates are {names}.")
    changes = symmetry.changes
    xi = tuple(to_jet(changes.get(q, sympy.S.Zero), action.space) for q in action.coordinates)
    generator = Generator(to_jet(symmetry.time, action.space), xi)
    if vanishes((generator.time, *xi)):
        raise InputError("The transformation changes neither time nor coordinates, so it has no charge.")
    return generator


def _check_constraints(action: Action, generator: Generator) -> None:
    """Raise `NotASymmetryError` unless no constraint force does work along the transformation: a . xi + b tau = 0."""
    forms = pfaffian_of(action)
    for index, (row, drift) in enumerate(zip(forms.rows, forms.drifts, strict=True)):
        change = sympy.Add(*(a * xi for a, xi in zip(row, generator.xi, strict=True)), drift * generator.time)
        if vanishes((change,)):
            continue
        written, left = from_jet(action.constraints[index], action.space), _shown(change, action)
        what = (
            f"it changes the constraint {written} = 0 by {left}"
            if index in forms.holonomic
            else f"along it the force of the constraint {written} = 0 does the work {left} times its multiplier"
        )
        raise NotASymmetryError(f"The transformation is no symmetry: {what}, which does not vanish.")


def _found_boundary(change: Any, action: Action) -> Any:
    boundary = boundary_term(change, action)
    if boundary is not None:
        return boundary
    if vanishes(euler_operator(change, action.coordinates, action.space, action.order + 1)):
        raise InputError(
            f"The transformation changes the Lagrangian by {_shown(change, action)}, a total time derivative, but of "
            "what was not found in closed form; give it as boundary=."
        )
    raise NotASymmetryError(
        f"The transformation is no symmetry: it changes the Lagrangian by {_shown(change, action)}, which is not the "
        "rate of any boundary term."
    )


def _shown(remainder: Any, action: Action) -> str:
    text = str(from_jet(simplified(remainder), action.space))
    if len(text) > _LONGEST_REMAINDER:
        return f"{text[:_LONGEST_REMAINDER]}... ({written_operations(remainder)} operations)"
    return text


def _name(action: Action, generator: Generator) -> str:
    """The name that the law would have had if it had been found."""
    variables = (action.space.time, *action.jet(0))
    coefficients: dict[Place, Any] = {}
    for component, polynomial in ((TIME, generator.time), *enumerate(generator.xi)):
        try:
            terms = sympy.Poly(polynomial, *variables).terms() if polynomial != 0 else []
        except sympy.PolynomialError:
            return "Noether charge"
        if any(sum(powers) > 2 for powers, _ in terms) or any(c.has(*variables, *action.jet(1)) for _, c in terms):
            return "Noether charge"
        for powers, coefficient in terms:
            monomial = tuple(index for index, power in enumerate(powers) for _ in range(power))
            coefficients[component, monomial] = coefficient
    return title(coefficients, Bodies.of([name_of(q) for q in action.coordinates])).name
