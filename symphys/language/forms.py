"""Expressions that are positive by their form, whatever the network inside them says."""

from collections.abc import Sequence
from math import isqrt
from typing import Any

import sympy

from symphys.errors import InputError


def positive(expression: Any, floor: float = 0) -> Any:
    """(x + sqrt(x^2 + 4)) / 2 + floor, which is above the floor and close to x where that is large.

    Barron, "Squareplus" (arXiv:2112.11687).
    """
    x = sympy.sympify(expression)
    return (x + sympy.sqrt(x**2 + 4)) / 2 + sympy.sympify(floor)


def positive_matrix(entries: Sequence[Any], floor: float = 0) -> Any:
    """L L^T + floor I, [n, n], positive definite by its Cholesky factor L (Golub, Van Loan, section 4.2).

    entries: [n (n + 1) / 2], the lower triangle of L row by row, as the outputs of a network; those on the diagonal are
    made `positive`. A mass matrix M(q) in v^T M v / 2, or a damping R in v^T R v / 2. Raises `InputError` for a number
    of entries that fills no triangle, and for a negative floor.
    """
    read = [sympy.sympify(entry) for entry in (entries if isinstance(entries, Sequence | sympy.Tuple) else (entries,))]
    size = (isqrt(8 * len(read) + 1) - 1) // 2
    if not read or size * (size + 1) // 2 != len(read):
        raise InputError(
            f"{len(read)} entries fill no lower triangle; a matrix of n rows takes n (n + 1) / 2: 1, 3, 6, 10, ..."
        )
    if floor < 0:
        raise InputError(f"The floor {floor} of a positive matrix is negative.")
    factor = sympy.zeros(size, size)
    numbers = iter(read)
    for row in range(size):
        for column in range(row + 1):
            entry = next(numbers)
            factor[row, column] = positive(entry) if row == column else entry
    return sympy.ImmutableMatrix(factor * factor.T + sympy.sympify(floor) * sympy.eye(size))
