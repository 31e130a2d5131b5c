"""Losses over several sets of points that share their unknowns, as one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symphys.learn.objective import Normal, accumulate
from symphys.learn.samples import SampleObjective
from symphys.learn.unknowns import Unknowns

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class JoinedObjective:
    """sum over sets of sum_i w_i |r_i|^2, with the weights w that each set's `roots` are the roots of."""

    parts: tuple[SampleObjective, ...]

    @property
    def unknowns(self) -> Unknowns:
        """The unknowns that all sets share."""
        return self.parts[0].unknowns

    @property
    def size(self) -> int:
        """See `Objective`."""
        return self.parts[0].size

    @property
    def linear(self) -> bool:
        """Whether all residuals are linear in the unknowns."""
        return all(part.linear for part in self.parts)

    def loss(self, u: Floats) -> float:
        """See `Objective`."""
        return sum(part.weight * part.loss(u) for part in self.parts)

    def normal(self, u: Floats) -> Normal:
        """See `Objective`."""
        return accumulate(self.rows(u), self.size)

    def rows(self, u: Floats) -> Iterator[tuple[Floats, Floats]]:
        """See `Objective`."""
        return self.plain_rows(self.unknowns.values(u), self.unknowns.slopes(u))

    def plain_rows(self, theta: Floats, slopes: Floats) -> Iterator[tuple[Floats, Floats]]:
        """Residuals and rows by theta [U] times `slopes` [U], tile by tile."""
        for part in self.parts:
            root = np.sqrt(part.weight)
            for r, rows in part.plain_rows(theta, slopes):
                yield root * r, root * rows

    def blocks(self, theta: Floats, slopes: Floats) -> Iterator[tuple[Floats, Floats, NDArray[np.int64]]]:
        """See `LinearObjective`."""
        everything = np.arange(self.size)
        for r, rows in self.plain_rows(theta, slopes):
            yield r, rows, everything

    @property
    def bends(self) -> bool:
        """See `Bending`."""
        return True

    def residual_tiles(self, u: Floats) -> Iterator[Floats]:
        """See `Bending`."""
        for part in self.parts:
            root = np.sqrt(part.weight)
            for r in part.residual_tiles(u):
                yield root * r
