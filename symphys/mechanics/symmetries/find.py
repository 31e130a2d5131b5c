"""All point symmetries of an action that are polynomial in time and coordinates, with their conserved charges."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symphys.errors import UnsupportedError
from symphys.mechanics.action import Action
from symphys.mechanics.dynamics import ConservedQuantity
from symphys.mechanics.euler_lagrange import euler_operator
from symphys.mechanics.graph import free_symbols
from symphys.mechanics.probe import depends, vanishes
from symphys.mechanics.read import name_of
from symphys.mechanics.symmetries.boundary import boundary_term
from symphys.mechanics.symmetries.determine import (
    TIME,
    Conditions,
    Place,
    affine_ansatz,
    exactly,
    large_ansatz,
    null_space,
    random_constants,
)
from symphys.mechanics.symmetries.generator import Generator, Variations, polynomial
from symphys.mechanics.symmetries.names import Bodies, Title, title
from symphys.mechanics.symmetries.noether import law_of
from symphys.mechanics.symmetries.preferred import centre_of_mass_rotations, numeric, replaceable
from symphys.mechanics.symmetries.reconstruct import exact_vector
from symphys.mechanics.symmetries.sample import Sampler, constants_inside, draw
from symphys.mechanics.symmetries.symmetry import Symmetry

Coefficients = dict[Place, Any]

_MAX_CONSTANTS = 72  # of the full affine ansatz: up to 7 coordinates, so that deriving takes tenths of a second
_MAX_CONSTANTS_ON_REQUEST = 1200
_MAX_COORDINATES = 200


def find_laws(action: Action, operator: tuple[Any, ...], degree: int | None = None) -> tuple[ConservedQuantity, ...]:
    """The laws of all point symmetries whose tau and xi are polynomials of the given degree in t and q.

    Without a degree they are affine, and large systems are searched in haste: beyond 7 coordinates for translations,
    boosts, tau = a0 + a1 t, a scaling of all coordinates and rotations of all bodies x1, y1, z1, x2, ..., beyond 200
    not at all.

    operator: [n], the Euler-Lagrange expressions E_i(L), in jet symbols.

    Every law has been verified: pr X(L) + L D_t tau (and the power of friction and forces) equals D_t K at random
    points to 35 digits.  Not found are symmetries whose coefficients are no quotients of polynomials of degree 3 in the
    parameters (and functions of them that occur in L), those whose boundary term has no elementary integral, and those
    that hold only because of what a Piecewise, Max or Min does inside.  Raises `UnsupportedError` for a degree with too
    many unknown constants.
    """
    bodies = Bodies.of([name_of(q) for q in action.coordinates])
    conditions = _conditions(action, operator, degree, bodies)
    if conditions is None:
        return ()
    given = Variations.of(action)
    variations = _with_fractions(given)
    preferred = centre_of_mass_rotations(variations, bodies)
    found = _solutions(conditions, preferred)
    if not vanishes(variations.forces):
        found = _undisturbed(found, variations)
    laws: list[tuple[Title, ConservedQuantity]] = []
    for coefficients in found:
        known = next((name for name, each in preferred if each == coefficients), None)
        named = known or title(coefficients, bodies)
        law = _verified_law(coefficients, variations, given, named)
        if law is not None:
            laws.append((named, law))
    laws.sort(key=lambda each: each[0].rank)
    return unique_names(law for _, law in laws)


def unique_names(laws: Any) -> tuple[ConservedQuantity, ...]:
    """The same laws, with a number behind each name that has been given already."""
    taken: set[str] = set()
    named = []
    for law in laws:
        name, count = law.name, 1
        while name in taken:
            count += 1
            name = f"{law.name} ({count})"
        taken.add(name)
        named.append(law if name == law.name else _renamed(law, name))
    return tuple(named)


def _renamed(law: ConservedQuantity, name: str) -> ConservedQuantity:
    old = law.symmetry
    if old is None:
        return replace(law, name=name)
    return replace(law, name=name, symmetry=Symmetry(old.changes, time=old.time, boundary=old.boundary, name=name))


def _conditions(action: Action, operator: tuple[Any, ...], degree: int | None, bodies: Bodies) -> Conditions | None:
    n = len(action.coordinates)
    if degree is not None:
        ansatz = affine_ansatz(n, degree) if n + degree <= 40 else ()
        if not 0 < len(ansatz) <= _MAX_CONSTANTS_ON_REQUEST:
            raise UnsupportedError(
                f"Symmetries of degree {degree} in {n} coordinates have more than {_MAX_CONSTANTS_ON_REQUEST} unknown "
                "constants; ask for a lower degree, or check the symmetry that you have in mind by noether()."
            )
        return Conditions(action, operator, ansatz)
    if (n + 1) * (n + 2) <= _MAX_CONSTANTS:
        return Conditions(action, operator, affine_ansatz(n, 1))
    return (
        Conditions(action, operator, large_ansatz(n, tuple(bodies.planes().values())))
        if n <= _MAX_COORDINATES
        else None
    )


def _solutions(conditions: Conditions, preferred: Sequence[tuple[Title, Coefficients]]) -> list[Coefficients]:
    """All symmetries of L, exact over the field of the parameters; the `preferred` among them as they are."""
    constants = random_constants(conditions, 0)
    basis = null_space(conditions.rows(0, constants), len(conditions.ansatz))
    columns = {unknown[0][0]: index for index, unknown in enumerate(conditions.ansatz) if len(unknown) == 1}
    taken: dict[int, Coefficients] = {}
    for _, coefficients in preferred if len(columns) == len(conditions.ansatz) else ():
        row = replaceable(basis, numeric(coefficients, columns, constants), tuple(taken))
        if row is not None:
            taken[row] = coefficients
    rest = basis[[row not in taken for row in range(len(basis))]]
    exact = exact_solutions(
        rest, conditions.rows, lambda seed: random_constants(conditions, seed), conditions.constants
    )
    return [*(_as_coefficients(vector, conditions) for vector in exact), *taken.values()]


def exact_solutions(
    basis: NDArray[np.float64], rows: Any, constants_at: Any, constants: Sequence[Any]
) -> list[list[Any]]:
    """The vectors of a `basis` of null vectors with symbolic entries; those that no simple formula fits are left out.

    rows: (seed, parameters, columns) -> the conditions on those columns.  constants_at: seed -> parameters, at 0 those
    of the `basis`.  constants: in which terms entries are written.
    """
    solutions = []
    for vector in basis:
        support = [int(i) for i in np.flatnonzero(vector)]

        def solve(seed: int, values: Mapping[Any, complex], support: list[int] = support) -> Any:
            null = null_space(rows(seed + 1000, values, support), len(support))
            return null[0] if len(null) == 1 else None

        entries = exact_vector(vector[support], solve, constants_at, constants)
        if entries is not None:
            whole = [sympy.S.Zero] * len(vector)
            for index, entry in zip(support, entries, strict=True):
                whole[index] = entry
            solutions.append(whole)
    return solutions


def _as_coefficients(vector: Sequence[Any], conditions: Conditions) -> Coefficients:
    coefficients: Coefficients = {}
    for constant, unknown in zip(vector, conditions.ansatz, strict=True):
        for place, weight in unknown if constant != 0 else ():
            coefficients[place] = coefficients.get(place, 0) + weight * constant
    return without_denominators({place: c for place, c in coefficients.items() if c != 0})


def without_denominators(coefficients: Mapping[Any, Any]) -> dict[Any, Any]:
    """The same coefficients times the least common multiple of their denominators."""
    denominators = [sympy.fraction(sympy.together(c))[1] for c in coefficients.values()]
    common = sympy.lcm_list(denominators) if any(d != 1 for d in denominators) else sympy.S.One
    return {place: sympy.cancel(c * common) if common != 1 else c for place, c in coefficients.items()}


def _with_fractions(given: Variations) -> Variations:
    """The same action with decimal numbers read as fractions, by which identities are exact."""
    action = given.action
    lagrangian, dissipation, *forces = exactly((action.lagrangian, action.dissipation, *action.forces))
    exact = replace(action, lagrangian=lagrangian, dissipation=dissipation, forces=tuple(forces))
    return given if exact == action else Variations.of(exact)


def _undisturbed(found: list[Coefficients], variations: Variations) -> list[Coefficients]:
    """Those combinations of symmetries of L along which friction and forces do the work of a boundary term."""
    action = variations.action
    powers = [variations.power(_generator(coefficients, action)) for coefficients in found]
    tests = [euler_operator(power, action.coordinates, action.space, action.order) for power in powers]
    listed = [entry for test in tests for entry in test]
    n, count = len(action.coordinates), len(found)
    symbols = free_symbols(listed) - set(action.parameters)

    def rows(seed: int, fixed: Mapping[Any, complex], columns: Sequence[int] | None = None) -> NDArray[np.float64]:
        points = 3 * count + 6
        values = {**draw(symbols, points, seed), **{s: np.array([complex(v)]) for s, v in fixed.items()}}
        matrix = Sampler(values)(listed, points)[0].reshape(count, n * points).T
        matrix = matrix[:, columns] if columns is not None else matrix
        matrix = matrix[np.isfinite(matrix).all(axis=1)]
        return np.concatenate([matrix.real, matrix.imag])

    def constants_at(seed: int) -> dict[Any, complex]:
        names = free_symbols(listed) & set(action.parameters)
        return {s: complex(value[0]) for s, value in draw(names, 1, seed).items()}

    if not count:
        return []
    combined = []
    if not any(entry != 0 for entry in listed):
        return found
    for weights in exact_solutions(
        null_space(rows(0, constants_at(0)), count), rows, constants_at, constants_inside(listed, action.parameters)
    ):
        total: Coefficients = {}
        for weight, coefficients in zip(weights, found, strict=True):
            for place, c in coefficients.items() if weight != 0 else ():
                total[place] = total.get(place, 0) + weight * c
        combined.append(without_denominators({place: c for place, c in total.items() if c != 0}))
    return combined


def _generator(coefficients: Coefficients, action: Action) -> Generator:
    variables = (action.space.time, *action.jet(0))
    components = [
        polynomial({m: c for (k, m), c in coefficients.items() if k == component}, variables)
        for component in range(TIME, len(action.coordinates))
    ]
    return Generator(components[0], tuple(components[1:]))


def _verified_law(
    coefficients: Coefficients, variations: Variations, given: Variations, named: Title
) -> ConservedQuantity | None:
    action = given.action
    generator = _generator({place: named.sign * c for place, c in coefficients.items()}, action)
    change = variations.change(generator) + variations.power(generator)
    boundary = sympy.S.Zero if vanishes((change,)) else boundary_term(change, variations.action)
    if boundary is None:
        return None
    law = law_of(given, generator, boundary if variations is given else sympy.N(boundary), named.name)
    moving = free_symbols((law.jet,)) - {*action.parameters, action.space.time}
    return law if depends((law.jet,), moving) else None
