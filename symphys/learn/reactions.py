"""Accelerations where surroundings stand in an energy: every particle pulls at those that it sees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.language.networks import NetworkSymbol
from symphys.learn.frames_objective import FramesObjective, Group
from symphys.learn.objective import finite
from symphys.learn.term_kernels import TermKernels
from symphys.lower.expressions import dense
from symphys.simulate.particles.box import Box

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Sources:
    """Particles of one species as those that pull: slopes g_a, in the columns of `state` [k, frames * n].

    mine: [n], which particles they are. symbols, places: of the slopes, as in `Group`.
    """

    made: TermKernels
    state: Floats
    mine: Integers
    symbols: tuple[Any, ...]
    places: Integers


@dataclass(frozen=True)
class Reactions:
    """How the slopes g [environments, n] of all particles in a frame become forces [n, dim].

    factors: the kernels of -2 dw_a/dq, with the values of their parameters. targets: for each environment those
    particles that are seen by it. reach: the cutoff, beyond which nothing is felt. mass: [n].
    """

    factors: TermKernels
    numbers: Floats
    targets: tuple[Integers, ...]
    sources: tuple[Sources, ...]
    places: Floats
    boxes: tuple[Box | None, ...]
    reach: float
    mass: Floats

    def operators(self, frame: int) -> Iterator[tuple[int, Integers, Floats]]:
        """(environment, targets [k], accelerations of them [k, dim, n] by the slopes of all particles), one by one."""
        places, box = self.places[frame], self.boxes[frame]
        steps = places[:, None] - places[None]
        if box is not None:
            steps = steps - np.round(steps @ box.inverse) @ box.matrix
        square = np.sum(steps**2, axis=-1)
        far = square >= self.reach**2
        np.fill_diagonal(far, True)
        pairs = np.flatnonzero(~far)
        columns = {"state": square.reshape(1, -1)[:, pairs], **_empty(len(pairs))}
        columns["parameters"] = np.broadcast_to(self.numbers[:, None], (len(self.numbers), len(pairs)))
        values = self.factors.residuals(columns, {})
        for a, targets in enumerate(self.targets):
            factor = np.zeros(square.size)
            factor[pairs] = values[a]
            rows = (factor.reshape(square.shape) / self.mass[:, None])[targets]
            yield a, targets, np.ascontiguousarray((rows[..., None] * steps[targets]).transpose(0, 2, 1))


@dataclass(frozen=True)
class ReactingObjective(FramesObjective):
    """The loss of `FramesObjective` with the pulls of neighbours added, a frame at a time."""

    reactions: Reactions | None = None

    @property
    def bends(self) -> bool:
        """See `Bending`: residuals cost nearly as much as rows."""
        return False

    @property
    def linear(self) -> bool:
        """Whether the residuals are linear in the unknown parameters."""
        own = all(_linear(group.made) for group in self.groups.values())
        return own and all(_linear(each.made) for each in self._reactions.sources)

    @property
    def _reactions(self) -> Reactions:
        assert self.reactions is not None
        return self.reactions

    def loss(self, u: Floats) -> float:
        """See `Objective`."""
        theta = self.unknowns.values(u)
        with np.errstate(all="ignore"):
            return finite(sum(float(np.sum(r**2)) for _, r, _ in self._frames(theta)) / self.weight)

    def gradient(self, u: Floats) -> tuple[float, Floats]:
        """See `Objective`."""
        found = self.normal(u)
        return found.loss, 2 * found.slope

    def blocks(self, theta: Floats, slopes: Floats) -> Iterator[tuple[Floats, Floats, Integers]]:
        """Residuals and rows frame by frame, by all unknowns."""
        root, everything = np.sqrt(self.weight), np.arange(self.size)
        for _, r, rows in self._frames(theta, with_rows=True):
            assert rows is not None
            yield r.reshape(-1) / root, rows.reshape(r.size, -1) * (slopes / root), everything

    def residual_tiles(self, u: Floats) -> Iterator[Floats]:
        """See `Bending`."""
        for _, r, _ in self._frames(self.unknowns.values(u)):
            yield r.reshape(-1) / np.sqrt(self.weight)

    def relative(self, u: Floats) -> dict[Any, float]:
        """For each species, the root of the squared errors over the squared values."""
        errors: dict[Any, float] = dict.fromkeys(self.groups, 0.0)
        for _, r, _ in self._frames(self.unknowns.values(u)):
            for name, mine in self._members():
                errors[name] += float(np.sum(r[mine] ** 2))
        sizes = {name: np.sum((g.columns["roots"] * g.columns["data"]) ** 2) for name, g in self.groups.items()}
        return {name: float(np.sqrt(error / sizes[name])) for name, error in errors.items()}

    def _members(self) -> Iterator[tuple[Any, Integers]]:
        for name, each in zip(self.groups, self._reactions.sources, strict=True):
            yield name, each.mine

    def _frames(self, theta: Floats, with_rows: bool = False) -> Iterator[tuple[int, Floats, Floats | None]]:
        """(frame, residuals [n, dim], rows [n, dim, U]) of each frame, in the order of frames."""
        known = {**self.known, **dict(zip(self.unknowns.symbols, theta, strict=False))}
        networks = {**self.weights, **self.unknowns.weights(theta)}
        _, n, dim = self._reactions.places.shape
        for number, frame in enumerate(np.sort(self.chosen)):
            r = np.zeros((n, dim))
            rows = np.zeros((n, dim, self.size)) if with_rows else None
            for group, each in zip(self.groups.values(), self._reactions.sources, strict=True):
                self._own(group, each.mine, number, theta, r, rows)
            pulls = [self._slopes(each, int(frame), known, networks, with_rows) for each in self._reactions.sources]
            roots = self._roots(number)
            for a, targets, operator in self._reactions.operators(int(frame)):
                operator = operator * roots[targets][:, :, None]
                for each, (values, slopes) in zip(self._reactions.sources, pulls, strict=True):
                    seen = operator[:, :, each.mine]
                    r[targets] += seen @ values[a]
                    if rows is not None and slopes is not None:
                        there = np.flatnonzero(slopes[a].any(axis=1))
                        spot = targets[:, None, None], np.arange(dim)[:, None], each.places[there]
                        rows[spot] += seen @ slopes[a][there].T
            yield int(frame), r, rows

    def _own(self, group: Group, mine: Integers, number: int, theta: Floats, r: Floats, rows: Floats | None) -> None:
        dim = r.shape[1]
        width = len(mine) * (dim // len(group.columns["roots"]))
        columns, weights = self._at(group, theta, slice(number * width, (number + 1) * width))
        if rows is None:
            r[mine] = group.made.residuals(columns, weights).T.reshape(len(mine), dim)
            return
        values, slopes = group.made.rows(columns, weights)
        r[mine] = values.T.reshape(len(mine), dim)
        spread = slopes.transpose(2, 0, 1).reshape(len(mine), dim, -1)
        rows[mine[:, None, None], np.arange(dim)[:, None], group.places] = spread

    def _roots(self, number: int) -> Floats:
        """[n, dim], the roots of weights in a frame."""
        _, n, dim = self._reactions.places.shape
        found = np.zeros((n, dim))
        for group, each in zip(self.groups.values(), self._reactions.sources, strict=True):
            roots = group.columns["roots"]
            width = len(each.mine) * (dim // len(roots))
            found[each.mine] = roots[:, number * width : (number + 1) * width].T.reshape(len(each.mine), dim)
        return found

    def _slopes(
        self,
        each: Sources,
        frame: int,
        known: Mapping[Any, float],
        networks: Mapping[NetworkSymbol, Floats],
        with_rows: bool,
    ) -> tuple[Floats, Floats | None]:
        """g [environments, n of the species] and its derivatives [environments, U, n]."""
        n = len(each.mine)
        columns = {"state": each.state[:, frame * n : (frame + 1) * n], **_empty(n)}
        numbers = np.array([known[s] for s in each.symbols]).reshape(-1, 1)
        columns["parameters"] = np.broadcast_to(numbers, (len(each.symbols), n))
        wanted = {array.name for array in each.made.terms.weights}
        weights = {net: w for net, w in networks.items() if dense(net).array.name in wanted}
        if with_rows and len(each.places):
            return each.made.rows(columns, weights)
        return each.made.residuals(columns, weights), None


def reacting(objective: FramesObjective, reactions: Reactions) -> ReactingObjective:
    """The same loss with the pulls of neighbours."""
    held: Sequence[Any] = (objective.unknowns, objective.groups, objective.known, objective.weights, objective.chosen)
    return replace(ReactingObjective(*held), reactions=reactions)


def _linear(made: TermKernels) -> bool:
    return made.terms.linear_in(made.unknown, [dense(network).array for network in made.networks])


def _empty(count: int) -> dict[str, Floats]:
    """Columns that terms without measured values have none of."""
    none = np.zeros((0, count))
    return {"data": none, "roots": none, "signals": none, "times": np.zeros(count)}
