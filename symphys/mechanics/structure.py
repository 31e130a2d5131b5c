"""What can be told about a mass matrix: which entries are constant or zero, its rank, its null direction."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import sympy

from symphys.mechanics.graph import free_symbols, substitute
from symphys.mechanics.probe import Probe, dependent, matrix_at, vanishes, vanishing

Rows = Sequence[Sequence[Any]]


def settled(rows: Rows, symbols: Iterable[Any]) -> tuple[tuple[Any, ...], ...]:
    """`rows` with the entries that only seem to depend on `symbols`, or only seem not to vanish, written plainly.

    m l^2 cos(q)^2 + m l^2 sin(q)^2 becomes m l^2: the matrix of a pendulum written in Cartesian positions is constant.
    """
    symbols = frozenset(symbols)
    entries = [entry for row in rows for entry in row]
    entries = [sympy.S.Zero if zero else entry for entry, zero in zip(entries, vanishing(entries), strict=True)]
    truly = iter(zip(entries, dependent(entries, symbols), strict=True))
    return tuple(tuple(_settle(*next(truly), symbols) for _ in row) for row in rows)


def _settle(entry: Any, depends: bool, symbols: frozenset[Any]) -> Any:
    if depends or entry.is_Atom or not free_symbols((entry,)) & symbols:
        return entry
    for value in (sympy.S.Zero, sympy.S.One):
        (plain,) = substitute((entry,), dict.fromkeys(symbols, value))
        if not plain.has(sympy.nan, sympy.zoo, sympy.oo) and vanishes((entry - plain,)):
            return plain
    return entry


def regular(rows: Rows, points: int = 3) -> bool:
    """Whether the matrix has full rank at almost every point."""
    for probe in map(Probe, range(points)):
        matrix = matrix_at(rows, probe)
        if _well_conditioned(matrix) or _rank(matrix, probe.context)[0] == len(rows):
            return True
    return False


def _well_conditioned(matrix: Any) -> bool:
    """Whether double precision is enough to see that `matrix` is regular."""
    values = np.array([[complex(entry) for entry in row] for row in matrix.tolist()])
    if not np.isfinite(values).all():
        return False
    rows = np.abs(values).max(axis=1, keepdims=True)
    return bool((rows > 0).all()) and bool(np.linalg.cond(values / rows) < 1e8)


def null_direction(rows: Rows) -> tuple[Any, ...] | None:
    """A vector that the matrix sends to zero at almost every point, or None if there is none.

    Rational entries where the direction is constant, symbolic ones where a small matrix allows; entries that are
    floats are values at a random point.
    """
    found = []
    for seed in range(2):
        probe = Probe(seed)
        matrix = matrix_at(rows, probe)
        rank, null = _rank(matrix, probe.context)
        if rank == len(rows) or null is None:
            return None
        found.append(null)
    if max(abs(complex(a) - complex(b)) for a, b in zip(*found, strict=True)) < 1e-12:
        return tuple(
            sympy.nsimplify(sympy.Float(str(entry.real), 20), rational=True, tolerance=1e-12) for entry in found[0]
        )
    if len(rows) <= 4:
        symbolic = sympy.Matrix([list(row) for row in rows]).nullspace(simplify=True)
        if symbolic:
            return tuple(sympy.simplify(entry) for entry in symbolic[0])
    return tuple(sympy.Float(str(entry.real), 6) for entry in found[0])


def positive_definite(rows: Rows, velocities: Iterable[Any] = (), points: int = 3) -> bool:
    """Whether the symmetric matrix was positive definite at random points, wherever it was real there.

    Each point is tried with small `velocities` too, for a Lagrangian may bound them, as |v| < c.
    """
    velocities = tuple(velocities)
    tried = 0
    for seed in range(points):
        drawn = Probe(seed)
        for fraction in (1, 100):
            probe = Probe(seed, {velocity: drawn.value(velocity) / fraction for velocity in velocities})
            values = matrix_at(rows, probe).tolist()
            if any(complex(entry).imag != 0 or not np.isfinite(complex(entry).real) for row in values for entry in row):
                continue
            tried += 1
            matrix = np.array([[float(entry.real) for entry in row] for row in values])
            diagonal = np.diag(matrix)
            if (diagonal <= 0).any():
                return False
            scaled = matrix / np.sqrt(np.outer(diagonal, diagonal))
            if np.linalg.eigvalsh(scaled).min() <= 1e-13 * len(matrix):
                return False
            if not free_symbols(entry for row in rows for entry in row) & set(velocities):
                break
    return tried > 0


def _rank(matrix: Any, context: Any) -> tuple[int, list[Any] | None]:
    """Rank, and a null vector scaled to largest entry 1, by Gauss elimination with complete pivoting."""
    n = matrix.rows
    rows = [[matrix[i, j] for j in range(n)] for i in range(n)]
    if any(entry != entry for row in rows for entry in row):
        return 0, None
    columns = list(range(n))
    largest = max(abs(entry) for row in rows for entry in row)
    for k in range(n):
        size, i, j = max((abs(rows[i][j]), -i, -j) for i in range(k, n) for j in range(k, n))
        if size <= largest * context.mpf(10) ** -35:
            return k, _back_substitute(rows, columns, k, context)
        i, j = -i, -j
        rows[k], rows[i] = rows[i], rows[k]
        columns[k], columns[j] = columns[j], columns[k]
        for row in rows:
            row[k], row[j] = row[j], row[k]
        for row in rows[k + 1 :]:
            if row[k] != 0:
                factor = row[k] / rows[k][k]
                row[k:] = [a - factor * b for a, b in zip(row[k:], rows[k][k:], strict=True)]
    return n, None


def _back_substitute(rows: list[list[Any]], columns: list[int], rank: int, context: Any) -> list[Any]:
    solution = [context.mpf(0)] * len(columns)
    solution[rank] = context.mpf(1)
    for i in reversed(range(rank)):
        solution[i] = -sum(rows[i][j] * solution[j] for j in range(i + 1, rank + 1)) / rows[i][i]
    vector = [context.mpf(0)] * len(columns)
    for place, value in zip(columns, solution, strict=True):
        vector[place] = value
    first = next(entry for entry in vector if abs(entry) > context.mpf(10) ** -30)
    return [entry / first for entry in vector]
