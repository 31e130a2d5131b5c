"""Exact coefficients of symmetries from numbers at random values of the parameters.

A symmetry holds for parameters of any value, so its coefficients are functions of them: fractions, products of powers
(1/c^2, -gamma/2), or quotients of low polynomials in the parameters and in functions of them that occur in L.  Which
quotient it is follows from its values, by linear algebra; whoever calls verifies the outcome.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import combinations_with_replacement
from math import isfinite, log2
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Solve = Callable[[int, Mapping[Any, complex]], Vector | None]  # (seed, parameters) -> the null vector there

_LARGEST_DEGREE = 3
_MAX_UNKNOWNS = 70
_TOLERANCE = 1e-8


def exact_vector(
    first: Vector, solve: Solve, draw: Callable[[int], dict[Any, complex]], constants: Sequence[Any]
) -> list[Any] | None:
    """The null vector with symbolic entries; `first` is its value at `draw(0)`.  None if no simple formula fits.

    constants: parameters, and functions of parameters in whose terms the entries may be written.
    """
    entries: list[Any] = [_fraction(x, 24) for x in first]
    if None not in entries:
        return entries
    symbols = [c for c in constants if isinstance(c, sympy.Symbol)]
    start = draw(0)
    open_entries = [i for i, entry in enumerate(entries) if entry is None]
    doubled = {}
    for symbol in symbols:
        moved = solve(1, {**start, symbol: 2 * start[symbol]})
        if moved is None:
            return None
        doubled[symbol] = moved
    for i in open_entries:
        entries[i] = _power_product(first[i], {s: moved[i] for s, moved in doubled.items()}, start)
    left = [i for i in open_entries if entries[i] is None]
    if left:
        relevant = {s for s, moved in doubled.items() if any(not _close(moved[i], first[i]) for i in left)}
        variables = [c for c in constants if c.free_symbols <= relevant]
        quotients = _quotients(left, variables, solve, draw)
        for i, quotient in zip(left, quotients, strict=True):
            entries[i] = quotient if quotient is not None or relevant else _fraction(first[i], 10**5)
    return None if None in entries else entries


def _fraction(value: float, largest: int) -> Any | None:
    if not isfinite(value):
        return None
    near = Fraction(value).limit_denominator(largest)
    return sympy.Rational(near.numerator, near.denominator) if _close(float(near), value) else None


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= _TOLERANCE * max(1.0, abs(b))


def _power_product(value: float, doubled: Mapping[Any, float], start: Mapping[Any, complex]) -> Any | None:
    """r times a product of powers of parameters, with half-integer exponents, from what doubling each one does."""
    product, size = sympy.S.One, 1.0
    for symbol, moved in doubled.items():
        if value == 0 or moved / value <= 0:
            return None
        exponent = _fraction(log2(moved / value), 2)
        if exponent is None:
            return None
        if exponent != 0:
            if not exponent.is_Integer and start[symbol].real < 0:
                return None
            product *= symbol**exponent
            size *= start[symbol].real ** float(exponent)
    factor = _fraction(value / size, 24)
    return None if factor is None or product == 1 else factor * product


def _quotients(
    places: Sequence[int], variables: Sequence[Any], solve: Solve, draw: Callable[[int], dict[Any, complex]]
) -> list[Any | None]:
    """Quotients of polynomials in `variables` that take the values of the entries at `places`."""
    found: list[Any | None] = [None] * len(places)
    at: list[list[float]] = []
    values: list[Vector] = []
    symbols = sorted({s for v in variables for s in v.free_symbols}, key=str)
    for degree in range(1, _LARGEST_DEGREE + 1):
        exponents = [m for d in range(degree + 1) for m in combinations_with_replacement(range(len(variables)), d)]
        if not variables or 2 * len(exponents) > _MAX_UNKNOWNS:
            return found
        while len(at) < 2 * len(exponents) + 6:
            seed = len(at) + 2
            constants = draw(seed)
            vector = solve(seed, constants)
            if vector is None:
                return found
            numbers = {s: constants[s].real for s in symbols}
            at.append([float(sympy.re(sympy.N(v.subs(numbers)))) for v in variables])
            values.append(vector)
        points = np.array(at)
        terms = np.stack([np.prod(points[:, list(m)], axis=1) for m in exponents], axis=1)
        for k, place in enumerate(places):
            if found[k] is None:
                observed = np.array([vector[place] for vector in values])
                found[k] = _fit(terms, observed, [sympy.Mul(*(variables[i] for i in m)) for m in exponents])
        if None not in found:
            return found
    return found


def _fit(terms: Vector, observed: Vector, monomials: Sequence[Any]) -> Any | None:
    """N/D with N - observed D = 0 at all points, of the sparsest form that elimination gives."""
    matrix = np.concatenate([terms, -observed[:, None] * terms], axis=1)
    size = np.linalg.norm(matrix, axis=0)
    _, singular, right = np.linalg.svd(matrix / size)
    nullity = int(np.sum(singular <= 1e-9 * singular[0]))
    if not nullity:
        return None
    vectors = right[len(right) - nullity :] / size
    # common factors of N and D make the solution ambiguous: eliminate the highest terms to be rid of them
    for column in reversed(range(vectors.shape[1])):
        if len(vectors) == 1:
            break
        best = int(np.argmax(np.abs(vectors[:, column])))
        if abs(vectors[best, column]) > 1e-7 * np.abs(vectors).max():
            vectors = vectors - np.outer(vectors[:, column] / vectors[best, column], vectors[best])
            vectors = np.delete(vectors, best, axis=0)
    vector = vectors[0] / vectors[0][int(np.argmax(np.abs(vectors[0])))]
    vector[np.abs(vector) < 1e-7] = 0.0
    coefficients = [_fraction(float(x), 1000) for x in vector]
    if None in coefficients:
        return None
    half = len(monomials)
    numerator = sympy.Add(*(c * m for c, m in zip(coefficients[:half], monomials, strict=True)))
    denominator = sympy.Add(*(c * m for c, m in zip(coefficients[half:], monomials, strict=True)))
    return None if denominator == 0 else sympy.factor(numerator / denominator)
