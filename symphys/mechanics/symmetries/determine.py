"""The determining equations of point symmetries: linear conditions on the constants of a polynomial ansatz.

pr X(L) + L D_t tau is a total time derivative if and only if its Euler operator vanishes identically, and that is

    pr X(E_k) + sum_j (d xi_j/dq_k - q'_j d tau/dq_k) E_j + E_k D_t tau = 0

in terms of the Euler-Lagrange expressions E_k(L) (Olver, "Applications of Lie Groups to Differential Equations", 2nd
ed., proof of theorem 4.34 and equation 5.80).  K has dropped out, and only first derivatives of E are needed; each
random point of jet space gives as many conditions as there are coordinates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement
from math import factorial
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symphys.mechanics.action import Action
from symphys.mechanics.graph import free_symbols, postorder, substitute
from symphys.mechanics.pfaffian import pfaffian_of
from symphys.mechanics.symmetries.sample import Numbers, Sampler, constants_inside, draw, draw_constants

TIME = -1  # the component tau; the others are those of xi
Monomial = tuple[int, ...]  # indices into (t, q_1 .. q_n): () is 1, (0,) is t, (0, 2) is t q_2
Place = tuple[int, Monomial]  # one component and one monomial in it
Unknown = tuple[tuple[Place, int], ...]  # what one constant of the ansatz multiplies

_NULL = 1e-9  # relative singular value; double precision leaves 1e-13 or so of a true zero


@dataclass(frozen=True)
class Conditions:
    """Linear conditions on the constants of an `ansatz`, made by an action's Euler-Lagrange expressions."""

    action: Action
    operator: tuple[Any, ...]
    ansatz: tuple[Unknown, ...]

    @cached_property
    def exact_operator(self) -> tuple[Any, ...]:
        """The Euler-Lagrange expressions with decimal numbers read as the fractions that were meant."""
        return exactly(self.operator)

    @cached_property
    def held(self) -> tuple[Any, ...]:
        """(b_a, a_a1 ... a_an) of each constraint, a . dq + b dt: that it vanishes on X is asked for too.

        Then the constraint forces do no work along X, and Noether's theorem holds (Bloch, chapter 5; for f(q, t) = 0
        it says X(f) = 0).
        """
        forms = pfaffian_of(self.action)
        return exactly([e for drift, row in zip(forms.drifts, forms.rows, strict=True) for e in (drift, *row)])

    @cached_property
    def constants(self) -> tuple[Any, ...]:
        """Parameters on which coefficients of symmetries may depend, and functions of them that occur."""
        return constants_inside((*self.exact_operator, *self.held), self.action.parameters)

    def rows(
        self, seed: int, fixed: Mapping[Any, complex], columns: Sequence[int] | None = None
    ) -> NDArray[np.float64]:
        """[rows, columns], the conditions at random points; `fixed` are the values of the parameters."""
        chosen = self.ansatz if columns is None else tuple(self.ansatz[c] for c in columns)
        n = len(self.operator)
        points = -(-3 * len(chosen) // (2 * n)) + 6
        jets = _Jets.at(self, points, seed, fixed)
        with np.errstate(all="ignore"):
            places = {place for unknown in chosen for place, _ in unknown}
            effects = _effects(jets, places)
            made = [sum(weight * effects[place] for place, weight in unknown) for unknown in chosen]
        matrix = np.stack([np.asarray(each).reshape(-1) for each in made], axis=1)
        matrix = matrix[np.isfinite(matrix).all(axis=1)]
        return np.concatenate([matrix.real, matrix.imag]) if matrix.imag.any() else matrix.real


def affine_ansatz(n: int, degree: int) -> tuple[Unknown, ...]:
    """tau and xi arbitrary polynomials of the given degree in (t, q_1 .. q_n); simple generators first."""
    monomials = [m for d in range(degree + 1) for m in combinations_with_replacement(range(n + 1), d)]
    monomials.sort(key=lambda m: (len(m), len(set(m) - {0}) == 0 and len(m) > 0))  # powers of t after those of q
    return tuple((((component, m), 1),) for m in monomials for component in range(TIME, n))


def large_ansatz(n: int, planes: Sequence[Sequence[tuple[int, int]]]) -> tuple[Unknown, ...]:
    """For many coordinates: translations, boosts, tau = a0 + a1 t, one scaling of all q, and rotations of all bodies.

    planes: for each common rotation the pairs (i, j) that turn into each other, q_i -> -q_j and q_j -> q_i.
    """
    ones: list[Unknown] = [(((component, ()), 1),) for component in range(TIME, n)]
    turns: list[Unknown] = [
        tuple(entry for i, j in pairs for entry in (((j, (1 + i,)), 1), ((i, (1 + j,)), -1))) for pairs in planes
    ]
    scale: Unknown = tuple(((i, (1 + i,)), 1) for i in range(n))
    times: list[Unknown] = [(((component, (0,)), 1),) for component in range(TIME, n)]
    return (*ones, *turns, scale, *times)


def null_space(rows: NDArray[np.float64], columns: int) -> NDArray[np.float64]:
    """[k, columns], the solutions of rows x = 0 in reduced echelon form: each has a 1 where all others have 0."""
    if not len(rows):
        return np.zeros((0, columns))
    # a point near a singularity must not drown the others; rows of mere rounding say nothing
    height = np.abs(rows).max(axis=1)
    kept = height > 1e-12 * height.max()
    rows = rows[kept] / height[kept, None]
    if not len(rows):
        return np.eye(columns)
    size = np.linalg.norm(rows, axis=0)
    largest = size.max()
    size[size <= 1e-11 * largest] = largest if largest > 0 else 1.0
    scaled = rows / size
    if len(rows) > columns:
        scaled = np.linalg.qr(scaled, mode="r")  # the same singular values from a square matrix
    _, singular, right = np.linalg.svd(scaled, full_matrices=True)
    small = np.ones(columns, bool)
    small[: len(singular)] = singular <= _NULL * max(singular[0], 1e-300)
    return _echelon(right[small] / size)


def _echelon(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    reduced = vectors / np.abs(vectors).max(axis=1, keepdims=True) if len(vectors) else vectors
    row = 0
    for column in range(reduced.shape[1]):
        if row == len(reduced):
            break
        best = row + int(np.argmax(np.abs(reduced[row:, column])))
        if abs(reduced[best, column]) < 1e-7:
            continue
        reduced[[row, best]] = reduced[[best, row]]
        reduced[row] /= reduced[row, column]
        for other in range(len(reduced)):
            if other != row:
                reduced[other] -= reduced[other, column] * reduced[row]
        row += 1
    reduced[np.abs(reduced) < 1e-7] = 0.0
    return reduced


def exactly(expressions: Sequence[Any]) -> tuple[Any, ...]:
    """Decimal numbers as fractions: what is written 0.1 is meant to be 1/10."""
    floats = [node for node in postorder(expressions) if isinstance(node, sympy.Float)]
    return (
        substitute(expressions, {each: sympy.Rational(str(each)) for each in floats}) if floats else tuple(expressions)
    )


@dataclass(frozen=True)
class _Jets:
    """Random points of jet space with E [n, P] there and its slopes: by time [n, P], by jets [n, n, orders, P].

    series: [n + 1, orders + 1, P], Taylor coefficients of t and of each coordinate along the curve through the point.
    """

    expressions: Numbers
    by_time: Numbers
    slopes: Numbers
    series: Numbers
    velocities: Numbers
    held: Numbers  # [m, 1 + n, P], the constraints as forms in dt and dq

    @classmethod
    def at(cls, conditions: Conditions, points: int, seed: int, fixed: Mapping[Any, complex]) -> "_Jets":
        action, space = conditions.action, conditions.action.space
        n, orders = len(action.coordinates), 2 * action.order + 1
        jets = [symbol for k in range(orders) for symbol in action.jet(k)]
        rates = space.total_derivative
        inputs = [symbol for symbol in action.input_symbols if symbol in rates]
        drawn = draw((space.time, *jets, *action.jet(orders), *action.input_symbols), points, seed)
        values = {**drawn, **{s: np.array([complex(v)]) for s, v in fixed.items()}}
        directions = 1 + len(jets)
        tangents = {space.time: _unit(directions, 0, points)}
        tangents |= {symbol: _unit(directions, 1 + i, points) for i, symbol in enumerate(jets)}
        tangents |= {symbol: _unit(directions, 0, points) * values[rates[symbol]] for symbol in inputs}
        found, slopes = Sampler(values, tangents)((*conditions.exact_operator, *conditions.held), points)
        held, found, slopes = found[n:].reshape(-1, 1 + n, points), found[:n], slopes[:n]
        by_jets = slopes[:, 1:].reshape(n, orders, n, points).swapaxes(1, 2)
        series = np.zeros((n + 1, orders + 1, points), complex)
        series[0, 0], series[0, 1] = values[space.time], 1.0
        for k in range(orders + 1):
            for i, symbol in enumerate(action.jet(k)):
                series[1 + i, k] = values[symbol] / factorial(k)
        return cls(found, slopes[:, 0], by_jets, series, series[1:, 1], held)


def _unit(directions: int, index: int, points: int) -> Numbers:
    tangent = np.zeros((directions, points), complex)
    tangent[index] = 1.0
    return tangent


def _effects(jets: _Jets, places: set[Place]) -> dict[Place, Numbers]:
    """[n + m, P], what each place of the ansatz contributes to the conditions of coordinates and constraints."""
    n, orders = jets.slopes.shape[1], jets.slopes.shape[2]
    powers = np.array([factorial(k) for k in range(orders + 1)], dtype=float)[:, None]
    effects = {}
    for monomial in {m for _, m in places}:
        taylor = _monomial_series(jets.series, monomial)
        derivatives = taylor * powers  # D_t^k of the monomial, k = 0 ... orders
        partials = np.stack([_partial(jets.series, monomial, 1 + k) for k in range(n)])
        for component in (c for c, m in places if m == monomial):
            if component == TIME:
                effect = _effect_of_time(jets, taylor, derivatives, partials, powers)
            else:
                along = np.einsum("klp,lp->kp", jets.slopes[:, component], derivatives[:orders])
                effect = along + partials * jets.expressions[component]
            effects[component, monomial] = np.concatenate([effect, jets.held[:, 1 + component] * taylor[0]])
    return effects


def _effect_of_time(jets: _Jets, taylor: Numbers, derivatives: Numbers, partials: Numbers, powers: Any) -> Numbers:
    orders = jets.slopes.shape[2]
    effect = derivatives[0] * jets.by_time + derivatives[1] * jets.expressions
    for i, curve in enumerate(jets.series[1:]):
        # q_i^(k) changes by q_i^(k+1) tau - D_t^k (q'_i tau)
        speed = curve[1:] * np.arange(1, orders + 1)[:, None]
        product = _times(speed, taylor[:orders])
        change = (curve * powers)[1:] * taylor[0] - product * powers[:orders]
        effect = effect + np.einsum("klp,lp->kp", jets.slopes[:, i], change)
    power = np.sum(jets.velocities * jets.expressions, axis=0)
    return np.asarray(effect - partials * power)


def _monomial_series(series: Numbers, monomial: Monomial) -> Numbers:
    product = np.zeros(series.shape[1:], complex)
    product[0] = 1.0
    for index in monomial:
        product = _times(product, series[index])
    return product


def _times(a: Numbers, b: Numbers) -> Numbers:
    product = np.zeros_like(a)
    for k in range(len(a)):
        product[k] = np.sum(a[: k + 1] * b[k::-1], axis=0)
    return product


def _partial(series: Numbers, monomial: Monomial, index: int) -> Numbers:
    count = monomial.count(index)
    if not count:
        return np.zeros(series.shape[2], complex)
    rest = list(monomial)
    rest.remove(index)
    return np.asarray(count * _monomial_series(series, tuple(rest))[0])


def random_constants(conditions: Conditions, seed: int) -> dict[Any, complex]:
    """Values of all parameters."""
    symbols = free_symbols((*conditions.exact_operator, *conditions.held)) & set(conditions.action.parameters)
    return {symbol: complex(value[0]) for symbol, value in draw_constants(symbols, seed).items()}
