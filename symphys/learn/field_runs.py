"""Fits on frames of fields in time: the loss of simulated fields at the times of observation, and its derivatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.learn.field_passage import FieldPassage
from symphys.learn.objective import finite
from symphys.learn.observations import RunsObjective
from symphys.learn.samples import relative_errors
from symphys.learn.site_kernels import SiteKernels

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FieldRunsObjective(RunsObjective):
    """Runs of fields on a grid; any expression of them may have been observed.

    The n components of a state are its real parts at each site, [C, sites]; observations m likewise. observed: the
    difference of what was simulated and `data` at each site.
    """

    passage: FieldPassage
    observed: SiteKernels

    def residuals(self, u: Floats) -> Floats:
        """See `RunsObjective`."""
        theta = self.parameters_at(u)
        with np.errstate(all="ignore"):
            found = self.observed.values(self._frames(self.states(u)), theta, self._times, self._data)
        return found.reshape(self.roots.shape) * self._factors

    def gradient(self, u: Floats) -> tuple[float, Floats]:
        """See `Objective`: by the adjoint of the steps taken."""
        many, theta = self.unknowns.size, self.parameters_at(u)
        with np.errstate(all="ignore"):
            states = self.states(u)
            found, rows = self.observed.slopes(self._frames(states), theta, self._times, self._data)
            r = found.reshape(self.roots.shape) * self._factors
            bars = ((2.0 * r if self.squared else 1.0) * self._factors / self.weight).reshape(found.shape)
            pulled, slope_seen = self.observed.pull(rows, bars, self.passage.components)
            initial, slope = self.passage.adjoint(states, theta, self.rows_in_time, pulled.reshape(states.shape))
            whole = np.zeros(self.size)
            whole[:many] = (slope + slope_seen) * self.unknowns.slopes(u[:many])
            starts = whole[many:].reshape(len(self.free), self.total)
            starts[:, self.owners] = initial[list(self.free)] * self.scale[:, None]
            return finite(float(np.sum(r * r if self.squared else r)) / self.weight), whole

    def rows_of(self, u: Floats, directions: int) -> tuple[Floats, Floats]:
        """See `RunsObjective`: tangents are pushed forward, all at once."""
        many, theta = self.unknowns.size, self.parameters_at(u)
        with np.errstate(all="ignore"):
            states, dots = self.passage.tangents(
                self.starts(u), theta, self.rows_in_time, self.initial_dots(directions)
            )
            y = self._frames(states)
            found, rows = self.observed.slopes(y, theta, self._times, self._data)
            pushed = self.observed.push(rows, dots.reshape(*y.shape, directions))
            pushed[..., :many] *= self.unknowns.slopes(u[:many])
            r = found.reshape(self.roots.shape) * self._factors
            return r, pushed.reshape(*self.roots.shape, directions) * self._factors[..., None]

    def relative(self, u: Floats) -> dict[Any, float]:
        """See `RunsObjective`."""
        targets = [key for key in self.question.targets for _ in range(self.observed.place.sites)]
        return relative_errors(targets, self.residuals(u), self.roots, self.data)

    def spans(self, states: Floats) -> Floats:
        """See `RunsObjective`: of a component over all sites, of which some may be at rest."""
        by_component = states.reshape(self.passage.components, -1)
        return np.repeat(np.ptp(by_component, axis=1), self.observed.place.sites)

    def parameters_at(self, u: Floats) -> Floats:
        """theta [U], all that is unknown in the theory."""
        return self.unknowns.values(u[: self.unknowns.size])

    def _frames(self, states: Floats) -> Floats:
        """[C, sites, rows runs]."""
        return states.reshape(self.passage.components, self.observed.place.sites, -1)

    @property
    def _factors(self) -> Floats:
        """What residuals are multiplied by: roots of weights where their squares are taken, else weights."""
        return self.roots if self.squared else self.roots**2

    @property
    def _times(self) -> Floats:
        return self.rows_in_time.times.reshape(-1)

    @property
    def _data(self) -> Floats:
        return self.data.reshape(-1, self.observed.place.sites, self.roots.shape[1] * self.roots.shape[2])
