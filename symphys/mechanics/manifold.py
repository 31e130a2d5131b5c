"""Decisions about constrained systems by their values at random points of the constraint manifold.

What holds on the manifold alone (a redundant constraint, a conserved energy) shows at no other point, so that the
points are drawn at random and then carried to f(q, t) = 0 and J v + b = 0 by Gauss and Newton's method.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.mechanics.probe import Probe

STEPS = 60
CLOSE = 1e-11  # relative; what double precision reaches with room to spare
RANK = 1e-7  # below it a scaled singular value is taken for zero; a double root is met to the root of rounding only
SEEDS = range(8)
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Manifold:
    """Where m constraints hold, in jet symbols.

    values: [h], f(q, t) of the holonomic ones, and `value_rows` [h][n] their gradients.
    rates: [m], J v + b of all, and `rows` J [m][n].
    """

    coordinates: tuple[Any, ...]
    velocities: tuple[Any, ...]
    values: tuple[Any, ...]
    value_rows: tuple[tuple[Any, ...], ...]
    rates: tuple[Any, ...]
    rows: tuple[tuple[Any, ...], ...]

    def points(self, wanted: int) -> list[Probe]:
        """Up to that many random points (q, v, t, parameters) with f = 0 and J v + b = 0; fewer if none are found."""
        found: list[Probe] = []
        for seed in SEEDS:
            point = self.nearest(Probe(seed))
            if point is not None:
                found.append(point)
            if len(found) == wanted:
                break
        return found

    def nearest(self, start: Probe) -> Probe | None:
        """The point near to another one; None where none is found."""
        q = np.array([float(start.value(s)) for s in self.coordinates])
        v = np.array([float(start.value(s)) for s in self.velocities])
        probe = self._at(start, q, v)
        for _ in range(STEPS if self.values else 0):
            residual, rows = numbers(probe, self.values), table(probe, self.value_rows)
            if not (np.isfinite(residual).all() and np.isfinite(rows).all()):
                return None
            change = np.linalg.lstsq(rows, -residual, rcond=1e-12)[0]
            q = q + change
            probe = self._at(start, q, v)
            if np.abs(change).max() <= CLOSE * (1.0 + np.abs(q).max()):
                break
        excess, rows = numbers(probe, self.rates), table(probe, self.rows)
        if not (np.isfinite(excess).all() and np.isfinite(rows).all()):
            return None
        v = v - np.linalg.lstsq(rows, excess, rcond=1e-12)[0]
        probe = self._at(start, q, v)
        left = np.array([*numbers(probe, self.values), *numbers(probe, self.rates)])
        return probe if np.abs(left).max() <= 1e-9 * (1.0 + np.abs(rows).sum()) else None

    def _at(self, start: Probe, q: Vector, v: Vector) -> Probe:
        moved = zip((*self.coordinates, *self.velocities), map(start.context.mpf, (*q, *v)), strict=True)
        return Probe(start.seed, {**start.values, **dict(moved)})

    def dependent(self) -> tuple[int, ...]:
        """The constraints whose rows depend on those before them, all over the manifold; empty if none do."""
        ranked = [
            _dependent_rows(table(probe, self.rows), table(Probe(probe.seed), self.rows)) for probe in self.points(3)
        ]
        return min(ranked, key=len, default=())


def _dependent_rows(rows: Vector, elsewhere: Vector) -> tuple[int, ...]:
    """Rows that depend on earlier ones, or are nothing beside what they are off the manifold."""
    sizes, usual = np.linalg.norm(rows, axis=1), np.linalg.norm(elsewhere, axis=1)
    basis: list[Vector] = []
    dependent = []
    for index, row in enumerate(rows):
        rest = row / (sizes[index] or 1.0)
        for direction in (*basis, *basis):  # twice is enough
            rest = rest - direction * (direction @ rest)
        size = float(np.linalg.norm(rest))
        if sizes[index] <= RANK * usual[index] or size <= RANK:
            dependent.append(index)
        else:
            basis.append(rest / size)
    return tuple(dependent)


def numbers(probe: Probe, expressions: Sequence[Any]) -> Vector:
    """The values of expressions at a point as floats; not a number where they are complex or undefined."""
    found = [complex(value) for value in probe(expressions)]
    return np.array([value.real if value.imag == 0 else np.nan for value in found], dtype=np.float64)


def table(probe: Probe, rows: Sequence[Sequence[Any]]) -> Vector:
    """The values of a matrix of expressions at a point."""
    return numbers(probe, [entry for row in rows for entry in row]).reshape(len(rows), -1)
