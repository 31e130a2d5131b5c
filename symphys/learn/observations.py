"""Fits on trajectories: the loss of simulated states at the times of observation, and its derivatives through time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from symphys.language.networks import NetworkSymbol
from symphys.learn.loss import Question
from symphys.learn.objective import Normal, Objective, Weighed, accumulate, finite
from symphys.learn.passage import Passage, Rows
from symphys.learn.samples import TILE
from symphys.learn.term_kernels import TermKernels, Weights
from symphys.learn.unknowns import Unknowns
from symphys.simulate.compiled import Kernels

Floats = NDArray[np.float64]


class Passing(Protocol):
    """What takes states from their starts by all times of observation."""

    @property
    def kernels(self) -> Kernels:
        """Where its kernels are kept."""

    def states(self, initial: Floats, parameters: Floats, weights: Weights, rows: Rows) -> Floats:
        """[n, rows, runs]: the states at the times of `rows`."""


@dataclass(frozen=True)
class RunsObjective(Weighed):
    """The loss of runs, a function of the free numbers of `unknowns` [U] and then of the unknown starts [F, runs].

    initial: [n, runs]; its rows `free` [F] are unknown, in units of `scale` [F]. parameters: [P, runs]; its rows
    `places` [S] are unknown; weights are those of networks that are given. data [k, rows, runs], roots [m, rows, runs].
    `owners` [runs] are the columns of the unknown starts, of which there are `total`, that belong to these runs.
    """

    passage: Passing
    unknowns: Unknowns
    question: Question
    rows_in_time: Rows
    initial: Floats
    parameters: Floats
    places: NDArray[np.int64]
    signals: Floats
    data: Floats
    roots: Floats
    free: tuple[int, ...]
    scale: Floats
    owners: NDArray[np.int64]
    total: int
    weights: Mapping[NetworkSymbol, Floats]

    @property
    def size(self) -> int:
        """See `Objective`."""
        return self.unknowns.size + len(self.free) * self.total

    @property
    def squared(self) -> bool:
        """See `Objective`."""
        return self.question.squared

    def all_roots(self) -> Iterable[Floats]:
        """See `Weighed`."""
        return (self.roots,)

    @property
    def samples(self) -> int:
        """The number of runs."""
        return self.initial.shape[1]

    def part(self, chosen: NDArray[np.int64]) -> Objective:
        """See `Objective`."""
        return replace(
            self,
            rows_in_time=self.rows_in_time.of(chosen),
            initial=self.initial[:, chosen],
            parameters=self.parameters[:, chosen],
            signals=self.signals[..., chosen],
            data=self.data[..., chosen],
            roots=self.roots[..., chosen],
            owners=self.owners[chosen],
        )

    def begin(self, theta: Floats) -> Floats:
        """The first u [size] for parameters theta and the starts as they were guessed."""
        starts = np.zeros((len(self.free), self.total))
        starts[:, self.owners] = self.initial[list(self.free)] / self.scale[:, None]
        return np.concatenate([self.unknowns.free(theta), starts.reshape(-1)])

    def starts(self, u: Floats) -> Floats:
        """[n, runs], the initial states at u."""
        initial = self.initial.copy()
        if self.free:
            found = u[self.unknowns.size :].reshape(len(self.free), self.total)[:, self.owners]
            initial[list(self.free)] = found * self.scale[:, None]
        return initial

    def states(self, u: Floats) -> Floats:
        """[n, rows, runs], the simulated states at the times of observation."""
        return self.passage.states(self.starts(u), self.parameters_at(u), self.weights_at(u), self.rows_in_time)

    def residuals(self, u: Floats) -> Floats:
        """[m, rows, runs]."""
        raise NotImplementedError

    def loss(self, u: Floats) -> float:
        """See `Objective`."""
        r = self.residuals(u)
        with np.errstate(all="ignore"):
            return finite(float(np.sum(r * r) if self.squared else np.sum(r)) / self.weight)

    def gradient(self, u: Floats) -> tuple[float, Floats]:
        """See `Objective`."""
        raise NotImplementedError

    def normal(self, u: Floats) -> Normal:
        """See `Objective`: blocks of runs are added at the places of the unknowns that they depend on."""
        if not self.free:
            return accumulate(self.rows(u), self.size)
        loss, matrix, slope = 0.0, np.zeros((self.size, self.size)), np.zeros(self.size)
        for r, rows, columns in self.blocks(u):
            loss += float(r @ r)
            slope[columns] += rows.T @ r
            matrix[np.ix_(columns, columns)] += rows.T @ rows
        return Normal(finite(loss), matrix, slope)

    def rows(self, u: Floats) -> Iterator[tuple[Floats, Floats]]:
        """See `Objective`."""
        for r, rows, columns in self.blocks(u):
            wide = rows
            if self.free:
                wide = np.zeros((len(r), self.size))
                wide[:, columns] = rows
            yield r, wide

    @property
    def bends(self) -> bool:
        """See `Bending`: rows that are mostly zeros, of unknown starts, are not kept."""
        return not self.free

    def residual_tiles(self, u: Floats) -> Iterator[Floats]:
        """See `Bending`."""
        r = self.residuals(u) / np.sqrt(self.weight)
        yield from (self.flat(r[..., some]) for some in self.groups())

    def flat(self, r: Floats) -> Floats:
        """Residuals [m, rows, runs] in the order of the rows of `blocks`."""
        return r.reshape(-1)

    def groups(self) -> list[NDArray[np.int64]]:
        """The runs, so many at a time that the tangents of their states fit in memory."""
        directions = max(self.unknowns.size + len(self.free), 1)
        group = max(1, TILE // (len(self.initial) * len(self.rows_in_time.times) * directions))
        return [np.arange(first, min(first + group, self.samples)) for first in range(0, self.samples, group)]

    def relative(self, u: Floats) -> dict[Any, float]:
        """For each observed quantity, the root of the squared errors over the squared values; of the default loss."""
        found = {}
        for key, error, root, data in zip(self.question.targets, self.residuals(u), self.roots, self.data, strict=True):
            found[key] = float(np.sqrt(np.sum(error**2) / np.sum((root * data) ** 2)))
        return found

    def blocks(self, u: Floats) -> Iterator[tuple[Floats, Floats, NDArray[np.int64]]]:
        """Residuals, rows and the columns of the rows, for groups of runs (each alone where starts are unknown)."""
        many = self.unknowns.size
        directions = many + len(self.free)
        for group in self.groups():
            some = self.part(group)
            assert isinstance(some, RunsObjective)
            r, rows = some.rows_of(u, directions)
            r, rows = r / np.sqrt(self.weight), rows / np.sqrt(self.weight)
            if not self.free:
                yield r.reshape(-1), rows.reshape(-1, many), np.arange(many)
                continue
            for run, owner in enumerate(some.owners):
                columns = np.concatenate([np.arange(many), many + np.arange(len(self.free)) * self.total + owner])
                yield r[..., run].reshape(-1), rows[:, :, run].reshape(-1, directions), columns

    def rows_of(self, u: Floats, directions: int) -> tuple[Floats, Floats]:
        """Residuals [m, rows, runs] and their derivatives [m, rows, runs, U + F]."""
        raise NotImplementedError

    def initial_dots(self, directions: int) -> Floats:
        """[n, runs, U + F], the derivatives of the initial states by what is unknown."""
        dots = np.zeros((*self.initial.shape, directions))
        for f, component in enumerate(self.free):
            dots[component, :, self.unknowns.size + f] = self.scale[f]
        return dots

    def spans(self, states: Floats) -> Floats:
        """[n], the range of each component of states [n, rows, runs], which errors of integration are measured by."""
        return np.asarray(np.ptp(states, axis=(1, 2)))

    def parameters_at(self, u: Floats) -> Floats:
        """[P, runs], all parameters at u."""
        parameters = self.parameters.copy()
        parameters[self.places] = self.unknowns.values(u[: self.unknowns.size])[: len(self.places), None]
        return parameters

    def weights_at(self, u: Floats) -> dict[NetworkSymbol, Floats]:
        """The weights of all networks at u."""
        return {**self.weights, **self.unknowns.weights(self.unknowns.values(u[: self.unknowns.size]))}


@dataclass(frozen=True)
class TrajectoryObjective(RunsObjective):
    """Runs of a system of coordinates; any expression of its state may have been observed."""

    passage: Passage
    made: TermKernels

    def residuals(self, u: Floats) -> Floats:
        """See `RunsObjective`."""
        r = self.made.residuals(self._columns(self.states(u), self.parameters_at(u)), self.weights_at(u))
        return r.reshape(self.roots.shape)

    def gradient(self, u: Floats) -> tuple[float, Floats]:
        """See `Objective`: by the adjoint of the steps taken, or by tangents where a method has no adjoint."""
        if not self.passage.has_adjoint:
            normal = self.normal(u)
            return normal.loss, 2.0 * normal.slope
        n, many = len(self.initial), self.unknowns.size
        parameters, weights = self.parameters_at(u), self.weights_at(u)
        seen: list[Floats] = []

        def seeds(states: Floats) -> Floats:
            r, rows = self.made.rows(self._columns(states, parameters), weights)
            pull = 2.0 * r if self.squared else np.ones_like(r)
            bars = np.einsum("ms,mis->is", pull, rows) / self.weight
            seen[:] = [r, bars]
            return bars[:n].reshape(states.shape)

        with np.errstate(all="ignore"):
            initial, found = self.passage.differentiate(self.starts(u), parameters, weights, self.rows_in_time, seeds)
            r, bars = seen
            loss = finite(float(np.sum(r * r) if self.squared else np.sum(r)) / self.weight)
            slope = np.zeros(self.size)
            slope[:many] = (found + bars[n:].sum(axis=1)) * self.unknowns.slopes(u[:many])
            starts = slope[many:].reshape(len(self.free), self.total)
            starts[:, self.owners] = initial[list(self.free)] * self.scale[:, None]
        return loss, slope

    def rows_of(self, u: Floats, directions: int) -> tuple[Floats, Floats]:
        """See `RunsObjective`."""
        n, many = len(self.initial), self.unknowns.size
        slopes = self.unknowns.slopes(u[:many])
        parameters, weights = self.parameters_at(u), self.weights_at(u)
        initial_dots = self.initial_dots(directions)
        states, dots = self.passage.tangents(self.starts(u), parameters, weights, self.rows_in_time, initial_dots)
        r, rows = self.made.rows(self._columns(states, parameters), weights)
        shape = states.shape[1:]
        r, rows = r.reshape(-1, *shape), rows.reshape(len(r), -1, *shape)
        with np.errstate(all="ignore"):
            found = np.einsum("mirs,irsd->mrsd", rows[:, :n], dots, optimize=True)
            found[..., :many] += np.moveaxis(rows[:, n:], 1, -1)
            found[..., :many] *= slopes
        return r, found

    def _columns(self, states: Floats, parameters: Floats) -> dict[str, Floats]:
        """What the kernels of the residuals read: one sample for each time of each run."""
        rows, runs = states.shape[1:]
        repeated = np.broadcast_to(parameters[:, None, :], (len(parameters), rows, runs))
        groups = {
            "state": states,
            "signals": self.signals,
            "parameters": repeated,
            "data": self.data,
            "roots": self.roots,
        }
        flat = {name: values.reshape(len(values), rows * runs) for name, values in groups.items()}
        return {**flat, "times": self.rows_in_time.times.reshape(-1)}
