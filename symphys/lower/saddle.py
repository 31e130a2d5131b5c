"""Saddle-point systems [[M, -J^T], [J, 0]] (x, lambda) = (top, bottom) in nodes: what constraints ask for.

Where M is positive definite the multipliers come first, from the Schur complement J M^-1 J^T; elsewhere M may be
singular, and the whole is eliminated with pivots. Source: Benzi, Golub, Liesen, Acta Numerica 14 (2005) 1, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codegen import Node, add_many, real, solve
from symphys.lower.expressions import lower_expressions
from symphys.mechanics.constrained import Constrained

Rows = Sequence[Sequence[Node]]
Values = tuple[Node, ...]


@dataclass(frozen=True)
class Saddle:
    """The matrix of a constrained system in nodes: `mass` [n][n], `rows` J [m][n]; `varying` as `solve` takes it."""

    mass: Rows
    rows: Rows
    positive: bool
    varying: Values

    def solve(self, top: Sequence[Node], bottom: Sequence[Node]) -> tuple[Values, Values]:
        """x [n] and lambda [m]."""
        return self._by_complement(top, bottom) if self.positive else self._whole(top, bottom)

    def inverted(self, right: Sequence[Node]) -> Values:
        """M^-1 times a right side [n], for a positive definite M."""
        return solve(self.mass, right, self.positive, self.varying)

    def normals(self) -> tuple[Values, ...]:
        """M^-1 J^T as its columns [m][n], the directions in which constraints push, for a positive definite M."""
        return tuple(self.inverted(row) for row in self.rows)

    def _by_complement(self, top: Sequence[Node], bottom: Sequence[Node]) -> tuple[Values, Values]:
        normals = self.normals()
        free = self.inverted(top)
        complement = [[dot(row, normal) for normal in normals] for row in self.rows]
        right = [b - dot(row, free) for row, b in zip(self.rows, bottom, strict=True)]
        multipliers = solve(complement, right, True, self.varying)
        return pushed(free, normals, multipliers), multipliers

    def _whole(self, top: Sequence[Node], bottom: Sequence[Node]) -> tuple[Values, Values]:
        n, m = len(self.mass), len(self.rows)
        upper = [[*row, *(real(0.0) - line[i] for line in self.rows)] for i, row in enumerate(self.mass)]
        lower = [[*row, *(real(0.0) for _ in range(m))] for row in self.rows]
        found = solve([*upper, *lower], [*top, *bottom], False, self.varying)
        return found[:n], found[n:]


def dot(one: Sequence[Node], other: Sequence[Node]) -> Node:
    """The sum of products."""
    return add_many(a * b for a, b in zip(one, other, strict=True))


def pushed(start: Sequence[Node], normals: Sequence[Values], amounts: Sequence[Node]) -> Values:
    """start + sum_a amounts_a normals_a."""
    return tuple(
        x + add_many(s * normal[i] for s, normal in zip(amounts, normals, strict=True)) for i, x in enumerate(start)
    )


def saddle_of(dynamics: Constrained, symbols: Mapping[Any, Node]) -> Saddle:
    """The saddle-point matrix of a constrained system."""
    n, m = len(dynamics.coordinates), len(dynamics.constraints)
    entries = [entry for row in dynamics.mass_matrix for entry in row]
    gradients = [entry for row in dynamics.constraint_jacobian for entry in row]
    lowered = lower_expressions([*entries, *gradients], symbols)
    mass = [lowered[i * n : (i + 1) * n] for i in range(n)]
    rows = [lowered[n * n + a * n : n * n + (a + 1) * n] for a in range(m)]
    varying = tuple(symbols[s] for s in (*dynamics.state, dynamics.time) if s in symbols)
    return Saddle(mass, rows, dynamics.positive, varying)


def motion(dynamics: Constrained, symbols: Mapping[Any, Node]) -> tuple[Values, Values]:
    """The accelerations [n] and multipliers [m] at a point: M a = F + J^T lambda, J a = -c."""
    n = len(dynamics.coordinates)
    lowered = lower_expressions([*dynamics.forcing, *dynamics.curvature], symbols)
    return saddle_of(dynamics, symbols).solve(lowered[:n], [real(0.0) - c for c in lowered[n:]])
