"""Unknown functions of place: what kernels know of them at a site, and the numbers on the grid that are looked for.

A residual at site i knows V and its derivatives there, V_J(x_i) = sum_j D_J[i, j] V_j. Its slopes by these become rows
by the V_j through the matrices D_J.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Link:
    """One argument of the kernels that follows from unknown numbers: `row` among the signals, and its matrix.

    columns: [N], the places of the numbers in theta; matrix: [sites, N], sparse.
    """

    row: int
    columns: Places
    matrix: Any


@dataclass(frozen=True)
class Chains:
    """Which numbers of theta kernels take as they are, and which they see through links.

    scalars: [S], the places of parameters in theta; links follow them among what kernels differentiate by, and weights
    of networks follow these. symbols: how many numbers of theta stand before the weights.
    """

    scalars: Places
    links: tuple[Link, ...]
    symbols: int

    @property
    def plain(self) -> bool:
        """Whether kernels take all of theta as it is."""
        return len(self.scalars) == self.symbols

    def signals(self, signals: Floats, theta: Floats, sites: Floats) -> Floats:
        """The signals [k, samples] with those that are unknown put in."""
        if not self.links:
            return signals
        filled = signals.copy()
        for link in self.links:
            filled[link.row] = (link.matrix @ theta[link.columns])[sites.astype(np.int64)]
        return filled

    def widened(self, local: Floats, sites: Floats, size: int) -> Floats:
        """Rows [m, U, samples] by theta from those [m, L, samples] by what kernels differentiate by."""
        if self.plain:
            return local
        count, through = len(self.scalars), len(self.links)
        wide = np.zeros((len(local), size, local.shape[-1]))
        wide[:, self.scalars] = local[:, :count]
        wide[:, self.symbols :] = local[:, count + through :]
        for i, link in enumerate(self.links):
            wide[:, link.columns] += local[:, count + i, None, :] * link.matrix[sites.astype(np.int64)].toarray().T
        return wide

    def gathered(self, slopes: Floats, sites: Floats, size: int) -> Floats:
        """The slope [U] of a sum over samples from its slopes [L, samples] by what kernels differentiate by."""
        count, through = len(self.scalars), len(self.links)
        found = np.zeros(size)
        found[self.scalars] = slopes[:count].sum(axis=1)
        found[self.symbols :] = slopes[count + through :].sum(axis=1)
        for i, link in enumerate(self.links):
            by_site = np.bincount(sites.astype(np.int64), weights=slopes[count + i], minlength=link.matrix.shape[0])
            found[link.columns] += link.matrix.T @ by_site
        return found
