"""Linear systems solved in symbols, such that the solution is defined wherever the matrix is regular.

Elimination divides by pivots, which may vanish where the determinant does not (L = x x'^2/2 + x' y' at x = 0); here
only determinants stand in denominators, and blocks that do not couple are solved on their own.
"""

from collections.abc import Sequence
from itertools import combinations
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
    """adj(rows) right and det(rows), by Laplace's expansion with every minor taken once; nothing is expanded.

    Minors of k columns of the first k rows of [rows | right] follow from those of k - 1 columns; that of the columns
    but i is, up to its sign, the numerator of x_i.
    """
    n = len(rows)
    extended = [[*row, b] for row, b in zip(rows, right, strict=True)]
    minors: dict[tuple[int, ...], Any] = {(): sympy.S.One}
    for k, row in enumerate(extended):
        wider: dict[tuple[int, ...], Any] = {}
        for columns in combinations(range(n + 1), k + 1):
            terms = []
            for place, column in enumerate(columns):
                below = minors[columns[:place] + columns[place + 1 :]]
                if row[column] != 0 and below != 0:
                    terms.append((-1) ** (k + place) * row[column] * below)
            wider[columns] = sympy.Add(*terms)
        minors = wider
    everything = tuple(range(n + 1))
    numerators = [(-1) ** (n - 1 - i) * minors[everything[:i] + everything[i + 1 :]] for i in range(n)]
    return numerators, minors[everything[:n]]
