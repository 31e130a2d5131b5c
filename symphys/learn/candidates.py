"""The functions that a formula is looked for among where a user names none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

DEGREES = {1: 6, 2: 4, 3: 3, 4: 2}  # of polynomials, by the number of inputs; 2 beyond
NEGATIVE = (1, 2, 6)  # powers of reciprocals: Coulomb and Newton, the centrifugal barrier, van der Waals
HARMONICS = 2


def default_basis(
    inputs: Sequence[Any], points: NDArray[np.float64], periods: Mapping[int, float], even: Sequence[int]
) -> tuple[Any, ...]:
    """Monomials of low degree, cosines and sines of angles, and reciprocals, of inputs that are seen at points [d, n].

    periods: {input: period}, whose harmonics stand in place of its powers. even: inputs whose common change of sign
    changes nothing, so that monomials odd in them are left out. A single input has its reciprocals where it keeps one
    sign, and its cosine and sine, too.
    """
    plain = [i for i in range(len(inputs)) if i not in periods]
    waves: list[Any] = []
    for i, period in periods.items():
        once = 2 * sympy.pi * inputs[i] / _tidy(period)
        waves += [f(k * once) for k in range(1, HARMONICS + 1) for f in (sympy.cos, sympy.sin)]
    degree = DEGREES.get(len(inputs), 2)
    monomials = [
        sympy.Mul(*(inputs[i] for i in some))
        for k in range(degree + 1)
        for some in combinations_with_replacement(plain, k)
        if sum(i in even for i in some) % 2 == 0
    ]
    found = [*monomials, *waves, *(a * b for a in monomials[1:] if len(a.free_symbols) == 1 for b in waves)]
    found += [a * b for n, a in enumerate(waves) for b in waves[n + 1 :] if a.free_symbols != b.free_symbols]
    if len(inputs) == 1 and plain:
        x = inputs[0]
        if not even and (np.all(points[0] > 0) or np.all(points[0] < 0)):
            found += [x**-n for n in NEGATIVE]
        found += [sympy.cos(x)] if even else [sympy.cos(x), sympy.sin(x)]
    return tuple(dict.fromkeys(found))


def _tidy(period: float) -> Any:
    """A period as a multiple of pi where it is one, so that formulas read as on paper."""
    turns = period / float(sympy.pi)
    near = sympy.Rational(round(12 * turns), 12)
    return near * sympy.pi if near and abs(turns - float(near)) < 1e-12 else sympy.Float(period)
