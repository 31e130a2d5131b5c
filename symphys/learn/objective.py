"""What optimisers see of a fit: a loss of free numbers, its gradient, and its normal equations if it is of squares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from symphys.learn.unknowns import Unknowns

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Normal:
    """A loss F = mean of r^2, and of its rows J = dr/du the matrix mean J^T J [U, U] and the slope mean J^T r [U]."""

    loss: float
    matrix: Floats
    slope: Floats


class Curved(Protocol):
    """A loss with what Gauss-Newton steps need of it."""

    def loss(self, u: Floats) -> float:
        """The loss; infinite where it is no number."""

    def normal(self, u: Floats) -> Normal:
        """The loss and its normal equations: half of an approximate Hessian, and half of the gradient."""


class Objective(Protocol):
    """A loss of u [size]."""

    @property
    def size(self) -> int:
        """The number of free numbers."""

    @property
    def squared(self) -> bool:
        """Whether the loss is a mean of squares, so that `normal` and `rows` exist."""

    @property
    def terms(self) -> int:
        """The number of residuals that count."""

    @property
    def samples(self) -> int:
        """The number of samples or runs, of which `part` takes some."""

    def part(self, chosen: NDArray[np.int64]) -> Objective:
        """The same loss over some of the samples or runs."""

    def loss(self, u: Floats) -> float:
        """The loss; infinite where it is no number."""

    def gradient(self, u: Floats) -> tuple[float, Floats]:
        """The loss and its gradient [size]."""

    def normal(self, u: Floats) -> Normal:
        """The loss and its normal equations."""

    def rows(self, u: Floats) -> Iterator[tuple[Floats, Floats]]:
        """Residuals [k] and rows [k, size], tile by tile, divided by the root of the total weight."""


@runtime_checkable
class Bending(Protocol):
    """A mean of squares whose residuals are to be had by themselves, so that their second derivatives are."""

    @property
    def bends(self) -> bool:
        """Whether it is worth it: residuals cost less than rows, and rows are narrow."""

    def rows(self, u: Floats) -> Iterator[tuple[Floats, Floats]]:
        """See `Objective`."""

    def residual_tiles(self, u: Floats) -> Iterator[Floats]:
        """The residuals alone, tile by tile as `rows` gives them."""


class Weighed:
    """What losses over weighed observations share, each of which says where the roots of its weights are."""

    unknowns: Unknowns

    def all_roots(self) -> Iterable[Floats]:
        """The roots of the weights of all residuals; 0 for what does not count."""
        raise NotImplementedError

    def rows(self, u: Floats) -> Iterator[tuple[Floats, Floats]]:
        """See `Objective`."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """See `Objective`."""
        return self.unknowns.size

    @property
    def terms(self) -> int:
        """See `Objective`."""
        return sum(int(np.count_nonzero(roots)) for roots in self.all_roots())

    @cached_property
    def weight(self) -> float:
        """The sum of all weights."""
        return float(sum(np.sum(roots**2) for roots in self.all_roots()))

    def normal(self, u: Floats) -> Normal:
        """See `Objective`."""
        return accumulate(self.rows(u), self.size)


@dataclass(frozen=True)
class Regularised:
    """A loss with strength |u - centre|^2 added."""

    inner: Objective
    strength: float
    centre: Floats

    @property
    def size(self) -> int:
        """See `Objective`."""
        return self.inner.size

    @property
    def squared(self) -> bool:
        """See `Objective`."""
        return self.inner.squared

    @property
    def terms(self) -> int:
        """See `Objective`."""
        return self.inner.terms

    @property
    def samples(self) -> int:
        """See `Objective`."""
        return self.inner.samples

    def part(self, chosen: NDArray[np.int64]) -> Objective:
        """See `Objective`."""
        return Regularised(self.inner.part(chosen), self.strength, self.centre)

    def loss(self, u: Floats) -> float:
        """See `Objective`."""
        return self.inner.loss(u) + self.strength * float(np.sum((u - self.centre) ** 2))

    def gradient(self, u: Floats) -> tuple[float, Floats]:
        """See `Objective`."""
        loss, slope = self.inner.gradient(u)
        off = u - self.centre
        return loss + self.strength * float(off @ off), slope + 2 * self.strength * off

    def normal(self, u: Floats) -> Normal:
        """See `Objective`."""
        found, off = self.inner.normal(u), u - self.centre
        matrix = found.matrix + self.strength * np.eye(self.size)
        return Normal(found.loss + self.strength * float(off @ off), matrix, found.slope + self.strength * off)

    def rows(self, u: Floats) -> Iterator[tuple[Floats, Floats]]:
        """See `Objective`."""
        yield from self.inner.rows(u)
        root = np.sqrt(self.strength)
        yield root * (u - self.centre), root * np.eye(self.size)

    @property
    def bends(self) -> bool:
        """See `Bending`."""
        return isinstance(self.inner, Bending) and self.inner.bends

    def residual_tiles(self, u: Floats) -> Iterator[Floats]:
        """See `Bending`."""
        assert isinstance(self.inner, Bending)
        yield from self.inner.residual_tiles(u)
        yield np.sqrt(self.strength) * (u - self.centre)


def finite(loss: float) -> float:
    """A loss, infinite where it is no number."""
    return float(loss) if np.isfinite(loss) else float("inf")


def accumulate(tiles: Iterator[tuple[Floats, Floats]], size: int) -> Normal:
    """The normal equations of rows that come in tiles."""
    loss, matrix, slope = 0.0, np.zeros((size, size)), np.zeros(size)
    with np.errstate(all="ignore"):
        for r, rows in tiles:
            loss += float(r @ r)
            slope += rows.T @ r
            matrix += rows.T @ rows
    return Normal(finite(loss), matrix, slope)
