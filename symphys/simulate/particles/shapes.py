"""Shapes of molecules: which rows share particles, and the turns by which their linear system is eliminated.

The matrix has an entry for two rows that share a particle. Rows are eliminated in an order that leaves few new entries:
always one with the fewest neighbours among those that are left (Tinney, Walker, Proc. IEEE 55 (1967) 1801). A turn is
target -= left * right / pivot. First entries, those of the right-hand side among them, are freed of what was
eliminated; then the right-hand side is freed, from the last row back, of what follows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symphys.errors import UnsupportedError

Integers = NDArray[np.int64]
Turn = tuple[int, int, int, int]
LIMIT = 2_000_000  # turns: beyond, a molecule is held by many more constraints than it needs


@dataclass(frozen=True)
class Shape:
    """mixes [n, 3]: entry, grip and grip whose product it gets; turns [n, 4]; entries: how many numbers there are."""

    mixes: Integers
    turns: Integers
    entries: int


def shape_of(rows: tuple[tuple[int, ...], ...], width: int) -> Shape:
    """The shape of a molecule from the particles of its rows; a row has `width` grips.

    Entries are numbered: the right-hand side, the diagonal, the others. Raises UnsupportedError for molecules whose
    elimination takes too long.
    """
    count = len(rows)
    numbers = {(k, k): count + k for k in range(count)}
    where: dict[int, list[tuple[int, int]]] = {}
    for k, members in enumerate(rows):
        for end, particle in enumerate(members):
            where.setdefault(particle, []).append((k, end))
    mixes = []
    near: list[set[int]] = [set() for _ in rows]
    for grips in where.values():
        for one, end in grips:
            for two, other in grips:
                number = numbers.setdefault((one, two), count + len(numbers))
                mixes.append((number, one * width + end, two * width + other))
                if one != two:
                    near[one].add(two)
    order, later = _order(near, numbers, count)
    turns: list[Turn] = []
    for pivot in order:
        for i in later[pivot]:
            left = numbers[i, pivot]
            turns += [(numbers[i, j], left, numbers[pivot, j], pivot) for j in later[pivot]]
            turns.append((i, left, pivot, pivot))
    for row in reversed(order):
        turns += [(row, numbers[row, j], j, j) for j in later[row]]
    return Shape(
        np.array(mixes, dtype=np.int64).reshape(-1, 3),
        np.array(turns, dtype=np.int64).reshape(-1, 4),
        count + len(numbers),
    )


def _order(
    near: list[set[int]], numbers: dict[tuple[int, int], int], count: int
) -> tuple[list[int], dict[int, list[int]]]:
    """The order of elimination, and by row those of its neighbours that follow; entries that appear get numbers."""
    left, order, later, total = set(range(count)), [], {}, 0
    by_degree: dict[int, set[int]] = {}
    for k in left:
        by_degree.setdefault(len(near[k]), set()).add(k)
    while left:
        degree = min(d for d, members in by_degree.items() if members)
        row = min(by_degree[degree])
        by_degree[degree].discard(row)
        left.discard(row)
        order.append(row)
        later[row] = sorted(near[row])
        total += degree * (degree + 2)
        if total > LIMIT:
            raise UnsupportedError(
                f"a molecule of {count} constraints takes more than {LIMIT} operations a solution, as too many of them "
                "hang together; hold fewer (a rigid body of n particles needs 3 n - 6 bonds)"
            )
        for i in later[row]:
            before = len(near[i])
            near[i] |= near[row]
            near[i] -= {row, i}
            for j in near[row] - {i}:
                numbers.setdefault((i, j), count + len(numbers))
            by_degree[before].discard(i)
            by_degree.setdefault(len(near[i]), set()).add(i)
    return order, later
