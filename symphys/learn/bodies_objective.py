"""The loss of runs of a few particles, whose places or velocities were observed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.learn.bodies import BodiesPassage
from symphys.learn.objective import finite
from symphys.learn.observations import RunsObjective
from symphys.simulate.execute import cores

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class BodiesObjective(RunsObjective):
    """Each residual is a component of the state less what was observed.

    orders: which of places (0) and velocities (1) were observed; the residuals of each, [count dim], follow each other.
    apart: by the name of what is judged apart, the residuals that belong to it.
    """

    passage: BodiesPassage
    orders: tuple[int, ...]
    apart: Mapping[Any, Integers]

    def residuals(self, u: Floats) -> Floats:
        """See `RunsObjective`."""
        return self._compared(self.states(u))

    def gradient(self, u: Floats) -> tuple[float, Floats]:
        """See `Objective`: by the adjoint of the steps taken."""
        many = self.unknowns.size
        seen: list[Floats] = []

        def seeds(states: Floats) -> Floats:
            r = self._compared(states)
            seen.append(r)
            bars = np.zeros_like(states)
            for order, part in zip(self.orders, np.split(2.0 * r * self.roots, len(self.orders)), strict=True):
                bars[self._half(order)] += part / self.weight
            return bars

        with np.errstate(all="ignore"):
            initial, found = self.passage.differentiate(
                self.starts(u), self.parameters_at(u), self.weights_at(u), self.rows_in_time, seeds
            )
            loss = finite(float(np.sum(seen[0] ** 2)) / self.weight)
            slope = np.zeros(self.size)
            slope[:many] = found * self.unknowns.slopes(u[:many])
            starts = slope[many:].reshape(len(self.free), self.total)
            starts[:, self.owners] = initial[list(self.free)] * self.scale[:, None]
        return loss, slope

    def blocks(self, u: Floats) -> Iterator[tuple[Floats, Floats, Integers]]:
        """See `RunsObjective`. Rows come as a view of what kernels leave, columns first."""
        for group in self.groups():
            some = self.part(group)
            assert isinstance(some, BodiesObjective)
            yield from some._whole_block(u, self.weight)

    def groups(self) -> list[Integers]:
        """As many runs as there are lanes on all cores: what a kernel goes through at every step stays in cache."""
        kernels = self.passage.kernels
        most = kernels.backend.lanes(kernels.dtype) * cores()
        return [some for group in super().groups() for some in np.split(group, range(most, len(group), most))]

    def flat(self, r: Floats) -> Floats:
        """See `RunsObjective`."""
        return self._rows_first(r).reshape(-1)

    def relative(self, u: Floats) -> dict[Any, float]:
        """See `RunsObjective`: for each species, where there are several."""
        r = self.residuals(u)
        return {
            key: float(np.sqrt(np.sum(r[rows] ** 2) / np.sum((self.roots[rows] * self.data[rows]) ** 2)))
            for key, rows in self.apart.items()
        }

    def _whole_block(self, u: Floats, weight: float) -> Iterator[tuple[Floats, Floats, Integers]]:
        many = self.unknowns.size
        unit = float(1.0 / np.sqrt(weight))
        free = [(i, unit * scale) for i, scale in zip(self.free, self.scale.tolist(), strict=True)]
        states, dots = self.passage.tangents(
            self.starts(u), self.parameters_at(u), self.weights_at(u), self.rows_in_time, self.orders, free, unit
        )
        # [columns, orders, rows, count dim, runs]; residuals likewise
        flat = unit * self._rows_first(self._compared(states))
        with np.errstate(all="ignore"):
            dots = np.asarray(dots, dtype=np.float64)
            if not self._plain:
                dots *= self._rows_first(self.roots)
            slopes = self.unknowns.slopes(u[:many])
            if not (slopes == 1.0).all():
                dots[:many] *= slopes[:, None, None, None, None]
        if not self.free:
            yield flat.reshape(-1), dots.reshape(many, -1).T, np.arange(many)
            return
        for run, owner in enumerate(self.owners):
            columns = np.concatenate([np.arange(many), many + np.arange(len(self.free)) * self.total + owner])
            yield flat[..., run].reshape(-1), dots[..., run].reshape(len(columns), -1).T, columns

    @cached_property
    def _plain(self) -> bool:
        """Whether roots change no row: all are 1, but for given starts, which depend on nothing."""
        return not self.free and bool((self.roots[:, 1:] == 1.0).all() and np.isin(self.roots[:, 0], (0.0, 1.0)).all())

    def _compared(self, states: Floats) -> Floats:
        """[m, rows, runs], the residuals at some states."""
        found = np.concatenate([states[self._half(order)] for order in self.orders])
        return np.asarray((found - self.data) * self.roots)

    def _half(self, order: int) -> slice:
        size = self.passage.count * self.passage.layout.dim
        return slice(order * size, (order + 1) * size)

    def _rows_first(self, values: Floats) -> Floats:
        """[m, rows, runs] as [orders, rows, count dim, runs]."""
        parts = np.split(values, len(self.orders))
        return np.stack([part.transpose(1, 0, 2) for part in parts])
