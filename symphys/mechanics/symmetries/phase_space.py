"""Constants of the motion on phase space that are polynomials of second degree, apart from a multiple of H.

C = sum of constants times {1, t} {x_i, x_i x_j}, t, t^2, H, t H with dC/dt = 0 identically: linear conditions on the
constants at each random point.  Among them are the charges of affine point symmetries, and hidden ones of oscillators.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symphys.mechanics.differentiate import directional, gradient, jacobian
from symphys.mechanics.dynamics import ConservedQuantity
from symphys.mechanics.graph import free_symbols
from symphys.mechanics.jets import JetSpace, from_jet
from symphys.mechanics.probe import depends, vanishes
from symphys.mechanics.read import name_of
from symphys.mechanics.symmetries.determine import TIME, Monomial, Place, exactly, null_space
from symphys.mechanics.symmetries.find import exact_solutions, unique_names, without_denominators
from symphys.mechanics.symmetries.names import Bodies, Title, title
from symphys.mechanics.symmetries.sample import Numbers, Sampler, constants_inside, draw, draw_constants
from symphys.mechanics.tidy import readable

_MAX_PRODUCTS = 400  # twice the number of products of second degree
_MAX_VARIABLES = 100
_ENERGY: Monomial = (-1,)
_ENERGY_TIMES_T: Monomial = (-1, 0)


@dataclass(frozen=True)
class Motion:
    """x' = rates(x, t) in jet symbols; `state` is (q, p) with the names of q where there is a `hamiltonian`."""

    space: JetSpace
    state: tuple[Any, ...]
    rates: tuple[Any, ...]
    parameters: tuple[Any, ...]
    inputs: tuple[Any, ...]
    hamiltonian: Any | None = None
    positions: tuple[Any, ...] = ()


def polynomial_laws(motion: Motion, evident: Sequence[ConservedQuantity]) -> tuple[ConservedQuantity, ...]:
    """The `evident` laws, and those of second degree that are not functions of the laws before them.

    Each has been verified at random points to 35 digits.  Systems with more than 18 variables are searched for laws of
    first degree alone, those with more than 100 not at all.
    """
    monomials = _monomials(motion)
    if not monomials:
        return tuple(evident)
    kept = list(evident)
    rank = _rank(kept, motion)
    rates = exactly(motion.rates)
    flow = {**dict(zip(motion.state, rates, strict=True)), motion.space.time: sympy.S.One}
    titled = [_titled(coefficients, motion) for coefficients in _solutions(motion, monomials)]
    for named, coefficients in sorted(titled, key=lambda each: each[0].rank):
        law = _law(named, coefficients, motion)
        higher = _rank([*kept, law], motion)
        if higher > rank and vanishes(directional(exactly((law.jet,)), flow)):
            kept, rank = [*kept, law], higher
    return unique_names(kept)


def _monomials(motion: Motion) -> list[Monomial]:
    """Index 0 is t, i + 1 is x_i, -1 is H; those without t first."""
    n = len(motion.state)
    variables = range(1, n + 1)
    linear: list[Monomial] = [(i,) for i in reversed(variables)]
    square: list[Monomial] = (
        list(combinations_with_replacement(variables, 2)) if (n + 1) * (n + 2) <= _MAX_PRODUCTS else []
    )
    if n > _MAX_VARIABLES:
        return []
    energy = [_ENERGY, _ENERGY_TIMES_T] if _is_own_function(motion) else []
    times: list[Monomial] = [(0, *m) for m in (*linear, *square)]
    return [*linear, *energy[:1], *square, *times, *energy[1:], (0,), (0, 0)]


def _is_own_function(motion: Motion) -> bool:
    """Whether there is a Hamiltonian, and it is no polynomial of second degree itself."""
    if motion.hamiltonian is None or free_symbols((motion.hamiltonian,)) & set(motion.inputs):
        return False
    hessian = jacobian(gradient(motion.hamiltonian, motion.state), motion.state)
    return depends([entry for row in hessian for entry in row], (*motion.state, motion.space.time))


def _solutions(motion: Motion, monomials: Sequence[Monomial]) -> list[dict[Monomial, Any]]:
    expressions = exactly((*motion.rates, motion.hamiltonian if motion.hamiltonian is not None else sympy.S.Zero))
    constants = constants_inside(expressions, motion.parameters)
    present = free_symbols(expressions) & set(motion.parameters)

    def constants_at(seed: int) -> dict[Any, complex]:
        return {s: complex(value[0]) for s, value in draw_constants(present, seed).items()}

    def rows(seed: int, fixed: Mapping[Any, complex], columns: Sequence[int] | None = None) -> NDArray[np.float64]:
        chosen = monomials if columns is None else [monomials[c] for c in columns]
        matrix = _rates_of(chosen, expressions, motion, seed, fixed)
        matrix = matrix[np.isfinite(matrix).all(axis=1)]
        return np.concatenate([matrix.real, matrix.imag]) if matrix.imag.any() else matrix.real

    basis = null_space(rows(0, constants_at(0)), len(monomials))
    return [
        without_denominators({m: c for m, c in zip(monomials, vector, strict=True) if c != 0})
        for vector in exact_solutions(basis, rows, constants_at, constants)
    ]


def _rates_of(
    monomials: Sequence[Monomial], expressions: Sequence[Any], motion: Motion, seed: int, fixed: Mapping[Any, complex]
) -> Numbers:
    """[points, columns], the rate of each monomial along the flow at random points."""
    points, time, n = 3 * len(monomials) // 2 + 10, motion.space.time, len(motion.state)
    values = draw((*motion.state, time, *motion.inputs), points, seed)
    values |= {s: np.array([complex(v)]) for s, v in fixed.items()}
    found, _ = Sampler(values)(expressions, points)
    # H changes along the flow by its slopes times the rates: one direction, t' = 1 and x' = rates
    along = {time: np.ones((1, points), complex)}
    along |= {x: found[i][None, :] for i, x in enumerate(motion.state)}
    energy, drift = Sampler(values, along)(expressions[n:], points)
    variables = [values[time], *(values[x] for x in motion.state), energy[0]]
    rates = [np.ones(points, complex), *found[:n], drift[0, 0] if drift.size else np.zeros(points, complex)]
    columns = []
    for monomial in monomials:
        total = np.zeros(points, complex)
        for place in range(len(monomial)):
            others = [variables[i] for k, i in enumerate(monomial) if k != place]
            total = (
                total + rates[monomial[place]] * np.prod(others, axis=0) if others else total + rates[monomial[place]]
            )
        columns.append(total)
    return np.stack(columns, axis=1)


def _titled(coefficients: Mapping[Monomial, Any], motion: Motion) -> tuple[Title, Mapping[Monomial, Any]]:
    """The name that the point symmetry with this charge would have, or what the polynomial is."""
    n = len(motion.positions)
    places: dict[Place, Any] = {}
    plain = motion.hamiltonian is not None
    for monomial, coefficient in coefficients.items():
        momenta = [i for i in monomial if i > n]
        if monomial in (_ENERGY, _ENERGY_TIMES_T):
            places[TIME, monomial[1:]] = -coefficient
        elif len(momenta) == 1:
            places[momenta[0] - n - 1, tuple(i for i in monomial if i <= n)] = coefficient
        elif momenta:
            plain = False
    if plain and places:
        named = title(places, Bodies.of([name_of(q) for q in motion.positions]))
        named = replace(named, rank=(0, *named.rank))
        return named, {m: named.sign * c for m, c in coefficients.items()}
    degree = max(len([i for i in m if i]) for m in coefficients)
    timed = any(0 in m for m in coefficients)
    name = "linear constant" if degree < 2 else "quadratic constant"
    return Title(name, (1, timed, degree, len(coefficients)), 1), coefficients


def _law(named: Title, coefficients: Mapping[Monomial, Any], motion: Motion) -> ConservedQuantity:
    variables = (motion.space.time, *motion.state, motion.hamiltonian)
    terms = tuple(c * sympy.Mul(*(variables[i] for i in m)) for m, c in coefficients.items())
    jet = sympy.Add(*terms)
    return ConservedQuantity(named.name, from_jet(readable(jet), motion.space), jet, terms)


def _rank(laws: Iterable[ConservedQuantity], motion: Motion) -> int:
    """How many of the laws are independent functions of the state, at a random point."""
    jets = [law.jet for law in laws]
    if not jets:
        return 0
    symbols = free_symbols(jets) | set(motion.state)
    identity = np.eye(len(motion.state), dtype=complex)
    tangents = {x: identity[:, i : i + 1] for i, x in enumerate(motion.state)}
    _, slopes = Sampler(draw(symbols, 1, 7), tangents)(jets, 1)
    matrix = slopes[:, :, 0]
    if not np.isfinite(matrix).all():
        return 0
    size = np.linalg.norm(matrix, axis=1, keepdims=True)
    return int(np.linalg.matrix_rank(matrix / np.where(size > 0, size, 1.0), tol=1e-9))
