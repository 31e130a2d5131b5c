"""The loss of accelerations of particles in frames: every particle is a sample of what it sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.language.networks import NetworkSymbol
from symphys.learn.objective import Normal, Weighed, finite
from symphys.learn.samples import TILE
from symphys.learn.term_kernels import TermKernels
from symphys.learn.unknowns import Unknowns
from symphys.lower.expressions import dense

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Group:
    """Particles that are judged together: samples, the frame of each, and the unknowns on which they depend.

    columns: state [k, samples], data and roots [dim, samples]. places: of all unknowns, those of `made` in its order.
    """

    made: TermKernels
    columns: Mapping[str, Floats]
    frames: Integers
    symbols: tuple[Any, ...]
    places: Integers

    @property
    def count(self) -> int:
        """The number of samples."""
        return len(self.frames)


@dataclass(frozen=True)
class FramesObjective(Weighed):
    """The mean of the squared errors of accelerations over all particles and components, a function of u [U].

    groups: by name, species or the measured quantity. known: values of given parameters. weights: of given networks.
    """

    unknowns: Unknowns
    groups: Mapping[Any, Group]
    known: Mapping[Any, float]
    weights: Mapping[NetworkSymbol, Floats]
    chosen: Integers

    squared = True

    def all_roots(self) -> Iterable[Floats]:
        """See `Weighed`."""
        return [group.columns["roots"] for group in self.groups.values()]

    @property
    def samples(self) -> int:
        """The number of frames."""
        return len(self.chosen)

    @cached_property
    def linear(self) -> bool:
        """Whether the residuals are linear in the unknown parameters."""
        return all(
            group.made.terms.linear_in(group.made.unknown, [dense(network).array for network in group.made.networks])
            for group in self.groups.values()
        )

    def part(self, chosen: Integers) -> FramesObjective:
        """See `Objective`."""
        frames = self.chosen[chosen]

        def some(group: Group) -> Group:
            mine = np.isin(group.frames, frames)
            columns = {name: values[..., mine] for name, values in group.columns.items()}
            return replace(group, columns=columns, frames=group.frames[mine])

        return replace(self, groups={name: some(group) for name, group in self.groups.items()}, chosen=frames)

    def loss(self, u: Floats) -> float:
        """See `Objective`."""
        theta = self.unknowns.values(u)
        with np.errstate(all="ignore"):
            total = sum(float(np.sum(r**2)) for group in self.groups.values() for r in self._residuals(group, theta))
        return finite(total / self.weight)

    def gradient(self, u: Floats) -> tuple[float, Floats]:
        """See `Objective`."""
        theta, total, slope = self.unknowns.values(u), 0.0, np.zeros(self.size)
        for group in self.groups.values():
            value, found = group.made.gradient(*self._at(group, theta, slice(None)))
            total += value
            slope[group.places] += found
        return finite(total / self.weight), slope * self.unknowns.slopes(u) / self.weight

    def normal(self, u: Floats) -> Normal:
        """See `Objective`: each group is added at the places of its unknowns."""
        loss, matrix, slope = 0.0, np.zeros((self.size, self.size)), np.zeros(self.size)
        with np.errstate(all="ignore"):
            for r, rows, places in self.blocks(self.unknowns.values(u), self.unknowns.slopes(u)):
                loss += float(r @ r)
                slope[places] += rows.T @ r
                matrix[np.ix_(places, places)] += rows.T @ rows
        return Normal(finite(loss), matrix, slope)

    def rows(self, u: Floats) -> Iterator[tuple[Floats, Floats]]:
        """See `Objective`."""
        for r, rows, places in self.blocks(self.unknowns.values(u), self.unknowns.slopes(u)):
            wide = np.zeros((len(r), self.size))
            wide[:, places] = rows
            yield r, wide

    @property
    def bends(self) -> bool:
        """See `Bending`: rows with zeros for what a species does not depend on are not kept."""
        return len(self.groups) == 1

    def residual_tiles(self, u: Floats) -> Iterator[Floats]:
        """See `Bending`."""
        theta, root = self.unknowns.values(u), np.sqrt(self.weight)
        for group in self.groups.values():
            for r in self._residuals(group, theta):
                yield r.reshape(-1) / root

    def blocks(self, theta: Floats, slopes: Floats) -> Iterator[tuple[Floats, Floats, Integers]]:
        """Residuals, rows by those unknowns on which they depend (times `slopes`), and the places of these."""
        root = np.sqrt(self.weight)
        for group in self.groups.values():
            for tile in self._tiles(group):
                r, rows = group.made.rows(*self._at(group, theta, tile))
                rows *= slopes[group.places][:, None] / root
                flat = rows.transpose(0, 2, 1).reshape(r.size, len(group.places))
                yield r.reshape(-1) / root, flat, group.places

    def relative(self, u: Floats) -> dict[Any, float]:
        """For each group, the root of the squared errors over the squared values."""
        theta = self.unknowns.values(u)
        found = {}
        for name, group in self.groups.items():
            error = sum(float(np.sum(r**2)) for r in self._residuals(group, theta))
            size = np.sum((group.columns["roots"] * group.columns["data"]) ** 2)
            found[name] = float(np.sqrt(error / size))
        return found

    def _residuals(self, group: Group, theta: Floats) -> Iterator[Floats]:
        for tile in self._tiles(group):
            yield group.made.residuals(*self._at(group, theta, tile))

    def _tiles(self, group: Group) -> Iterator[slice]:
        width = len(group.columns["roots"]) * max(len(group.places), 1)
        tile = max(256, TILE // width // 256 * 256)
        yield from (slice(first, first + tile) for first in range(0, group.count, tile))

    def _at(self, group: Group, theta: Floats, tile: slice) -> tuple[dict[str, Floats], dict[NetworkSymbol, Floats]]:
        columns = {name: values[..., tile] for name, values in group.columns.items()}
        samples = columns["roots"].shape[-1]
        values = {**self.known, **dict(zip(self.unknowns.symbols, theta, strict=False))}
        numbers = np.array([values[s] for s in group.symbols]).reshape(-1, 1)
        columns["parameters"] = np.broadcast_to(numbers, (len(group.symbols), samples))
        columns["signals"] = np.zeros((0, samples))
        columns["times"] = np.zeros(samples)
        found = {**self.weights, **self.unknowns.weights(theta)}
        wanted = {array.name for array in group.made.terms.weights}
        return columns, {n: w for n, w in found.items() if dense(n).array.name in wanted}
