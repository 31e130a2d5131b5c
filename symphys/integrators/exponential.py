"""The function phi(X) = sum_k X^k / (k + 1)! of sparse matrices, for any scalars that know + and *.

x_1 = x + h phi(h L) (L x + f) solves x' = L x + f exactly, and exp(X) = 1 + X phi(X) without cancellation at small X.
Source: Hochbruck and Ostermann, Acta Numerica 19 (2010) 209, section 2; scaling as in Higham, "Functions of Matrices",
section 10.7.
"""

from collections.abc import Mapping
from typing import Any

Matrix = Mapping[tuple[int, int], Any]  # the entries that do not vanish

DOUBLINGS = 6  # accurate up to |X| of about 30; where X is negative beyond, nothing is left of exp(X) anyway
TERMS = 11  # of the series at |X| / 2^6 < 1/2, where the next one is below 2^-12 / 13!


def phi(x: Matrix, size: int) -> dict[tuple[int, int], Any]:
    """phi(X) of a matrix [size, size]: a series at X / 2^s, then phi(2 X) = phi(X) + X phi(X)^2 / 2, s times."""
    scaled = _times(2.0**-DOUBLINGS, x)
    unit: Matrix = {(i, i): 1.0 for i in range(size)}
    total = dict(unit)
    for k in reversed(range(TERMS)):  # Horner: 1 + X/2 (1 + X/3 (1 + ...))
        total = _sum(unit, _times(1.0 / (k + 2), _product(scaled, total)))
    for _ in range(DOUBLINGS):
        total = _sum(total, _times(0.5, _product(_product(scaled, total), total)))
        scaled = _times(2.0, scaled)
    return total


def apply_matrix(matrix: Matrix, vector: tuple[Any, ...]) -> dict[int, Any]:
    """The components of matrix times vector; those of rows without entries are left out."""
    found: dict[int, Any] = {}
    for (i, j), entry in matrix.items():
        term = entry * vector[j]
        found[i] = found[i] + term if i in found else term
    return found


def _times(factor: float, a: Matrix) -> dict[tuple[int, int], Any]:
    return {place: factor * entry for place, entry in a.items()}


def _product(a: Matrix, b: Matrix) -> dict[tuple[int, int], Any]:
    found: dict[tuple[int, int], Any] = {}
    for (i, k), left in a.items():
        for (inner, j), right in b.items():
            if inner == k:
                term = left * right
                found[i, j] = found[i, j] + term if (i, j) in found else term
    return found


def _sum(a: Matrix, b: Matrix) -> dict[tuple[int, int], Any]:
    return {p: a[p] + b[p] if p in a and p in b else a[p] if p in a else b[p] for p in sorted({*a, *b})}
