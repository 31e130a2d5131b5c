"""Linear systems solved in symbols, such that the solution is defined wherever the matrix is regular.

Elimination divides by pivots, which may vanish where the determinant does not (L = x x'^2/2 + x' y' at x = 0); here
only determinants stand in denominators, and blocks that do not couple are solved on their own.
"""

from collections.abc import Sequence
from typing import Any

import sympy

from symphys.errors import UnsupportedError
from symphys.mechanics.tidy import readable_fraction

_LARGEST_BLOCK = 6

Rows = Sequence[Sequence[Any]]


def blocks(rows: Rows) -> list[list[int]]:
    """The indices of the blocks into which a matrix falls when rows and columns are permuted alike."""
    n = len(rows)
    label = list(range(n))
    for i in range(n):
        for j in range(n):
            if rows[i][j] != 0 and label[i] != label[j]:
                old, new = max(label[i], label[j]), min(label[i], label[j])
                label = [new if each == old else each for each in label]
    return [[i for i in range(n) if label[i] == block] for block in sorted(set(label))]


def solve_linear(rows: Rows, right: Sequence[Any], what: str) -> tuple[Any, ...]:
    """x with rows x = right, as adj(rows) right / det(rows), block by block.

    Raises `UnsupportedError` for dense blocks beyond 6 x 6, whose closed form nobody can read; `what` says in the
    message what was to be solved for.
    """
    solution: list[Any] = [sympy.S.Zero] * len(rows)
    for block in blocks(rows):
        if len(block) > _LARGEST_BLOCK:
            raise UnsupportedError(
                f"{what} would need the inverse of a dense {len(block)} x {len(block)} matrix in symbols, longer than "
                "anyone can read; use mass_matrix and forcing (mass_matrix * accelerations = forcing) instead."
            )
        numerators, determinant = _cramer([[rows[i][j] for j in block] for i in block], [right[i] for i in block])
        for i, numerator in zip(block, numerators, strict=True):
            solution[i] = readable_fraction(numerator, determinant)
    return tuple(solution)


def _cramer(rows: Rows, right: Sequence[Any]) -> tuple[list[Any], Any]:
    """adj(rows) right and det(rows), by Faddeev and LeVerrier: no division but by integers.

    M_1 = 1, c_k = -tr(A M_k) / k, M_(k+1) = A M_k + c_k; then adj(A) = (-1)^(n-1) M_n and det(A) = (-1)^n c_n.
    """
    n = len(rows)
    matrix = sympy.Matrix([list(row) for row in rows])
    if n <= 3:
        adjugate = matrix.adjugate(method="berkowitz")
        return list(adjugate * sympy.Matrix(list(right))), matrix.det(method="berkowitz")
    step, coefficient = sympy.eye(n), sympy.S.One
    for k in range(1, n + 1):
        product = matrix * step
        coefficient = -product.trace() / k
        if k < n:
            step = product + coefficient * sympy.eye(n)
    sign = (-1) ** (n - 1)
    return [sign * entry for entry in step * sympy.Matrix(list(right))], -sign * coefficient
