"""Derivatives by space on a grid as sparse matrices, the same that kernels take: for what is linear in whole fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
from scipy import sparse

from symphys.discretise import Axis, Grid, neighbours
from symphys.fields.jets import Jet
from symphys.lower.lattice.layout import Layout
from symphys.simulate.lattice.given import differentiated


@dataclass(frozen=True)
class Operators:
    """The matrices [sites, sites] of derivatives on a grid, sites in the order of its arrays; each is made once."""

    layout: Layout
    grid: Grid
    _known: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def __call__(self, index: Sequence[int], shift: Sequence[int] = (), even: bool = False) -> Any:
        """The derivative by space of a multi-index over the axes, `shift` sites further on, [sites, sites].

        even: whether what stands beyond held ends is the mirror image, as of what is given.
        """
        key = (tuple(index), tuple(shift), even)
        if key not in self._known:
            along = [self._along(axis, order) for axis, order in zip(self.grid.axes, index, strict=True)]
            sites = shift or (0,) * len(along)
            moved = [self._moved(*each, even) for each in zip(along, self.grid.axes, sites, strict=True)]
            self._known[key] = sparse.csr_array(reduce(sparse.kron, moved))
        return self._known[key]

    @staticmethod
    def selection(columns: Any, count: int) -> Any:
        """[len(columns), count], the matrix that takes one number for each row."""
        rows = np.arange(len(columns))
        return sparse.csr_array((np.ones(len(columns)), (rows, columns)), shape=(len(columns), count))

    @staticmethod
    def _moved(matrix: Any, axis: Axis, sites: int, even: bool) -> Any:
        """A matrix of an axis whose rows stand so many sites further on, beyond an end as `neighbours` says."""
        if not sites:
            return matrix
        near = neighbours(axis, abs(sites))
        there = slice(sites + abs(sites), sites + abs(sites) + axis.count)
        source, end, sign = near.source[there], near.end[there], near.sign[there]
        if even or (sign > 0).all():
            return matrix[source]
        return sparse.csr_array(
            sparse.diags_array(sign) @ matrix[source] + sparse.diags_array(1.0 - sign) @ matrix[end]
        )

    def _along(self, axis: Axis, order: int) -> Any:
        if not order:
            return sparse.eye_array(axis.count, format="csr")
        line = Grid({axis.coordinate: (axis.start, axis.stop, axis.count)}, axis.ends)
        jet = Jet(axis.coordinate, (0, order))
        columns = [differentiated(self.layout, line, jet, unit) for unit in np.eye(axis.count)]
        return sparse.csr_array(np.stack(columns, axis=1))
