"""Symmetries that a book would name, put in the place of combinations that elimination happens to give.

An isolated system has, besides the rotation of everything, that of its centre of mass alone: its charge X x P is kept
as well as the angular momentum about the centre of mass.  A falling one keeps only the latter about level axes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symphys.mechanics.differentiate import gradient
from symphys.mechanics.graph import free_symbols
from symphys.mechanics.symmetries.determine import Place
from symphys.mechanics.symmetries.generator import Variations
from symphys.mechanics.symmetries.names import Bodies, Title, centre_of_mass

Coefficients = dict[Place, Any]


def centre_of_mass_rotations(variations: Variations, bodies: Bodies) -> list[tuple[Title, Coefficients]]:
    """r_i -> r_i + eps e x X, and e x (r_i - X), with X = sum m_j r_j / sum m_j, about each axis e; masses from L."""
    whole, inner = [], []
    for axis, pairs in bodies.planes().items():
        if len(pairs) < 2:
            continue
        masses = [_mass(variations, i) for i, _ in pairs]
        if any(mass == 0 for mass in masses) or masses != [_mass(variations, j) for _, j in pairs]:
            continue
        total = sympy.Add(*masses)
        of: Coefficients = {}
        about: Coefficients = {}
        for a, b in pairs:
            for (c, d), mass in zip(pairs, masses, strict=True):
                own = sympy.S(int(a == c))
                of[b, (1 + c,)], of[a, (1 + d,)] = mass / total, -mass / total
                about[b, (1 + c,)], about[a, (1 + d,)] = own - mass / total, mass / total - own
        whole.append((centre_of_mass(axis, about=False), of))
        inner.append((centre_of_mass(axis, about=True), about))
    return whole + inner


def _mass(variations: Variations, index: int) -> Any:
    """d2L/dv dv of one coordinate if it is a constant, else 0."""
    action = variations.action
    (mass,) = gradient(variations.slopes[1][index], (action.jet(1)[index],))
    return mass if free_symbols((mass,)) <= set(action.parameters) else sympy.S.Zero


def replaceable(basis: NDArray[np.float64], candidate: NDArray[np.float64], taken: Sequence[int]) -> int | None:
    """The row of a reduced `basis` that `candidate` may stand for: the longest of those that it is made of.

    None if the candidate is not in the space, or if all that it is made of is simple or has been replaced.
    """
    pivots = [int(np.flatnonzero(row)[0]) for row in basis]
    weights = candidate[pivots]
    if not len(basis) or not np.allclose(weights @ basis, candidate, rtol=0, atol=1e-7):
        return None
    plain = np.count_nonzero(candidate) ** 0.5 * 2**0.5  # a rotation of n bodies has 2 n entries, the candidate 2 n^2
    rows = [r for r in range(len(basis)) if abs(weights[r]) > 1e-7 and r not in taken]
    rows = [r for r in rows if np.count_nonzero(basis[r]) > plain + 0.5]
    return max(rows, key=lambda r: np.count_nonzero(basis[r]), default=None)


def numeric(
    coefficients: Mapping[Place, Any], columns: Mapping[Place, int], constants: Mapping[Any, complex]
) -> NDArray[np.float64]:
    """[columns], the coefficients at values of the parameters."""
    vector = np.zeros(len(columns))
    values = {symbol: value.real for symbol, value in constants.items()}
    for place, coefficient in coefficients.items():
        vector[columns[place]] = float(coefficient.subs(values))
    return vector
