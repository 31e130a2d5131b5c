"""Accelerations where surroundings stand in an energy: every particle pulls at those that it sees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.language.networks import NetworkSymbol
from symphys.learn.frames_objective import FramesObjective, Group
from symphys.learn.objective import finite
from symphys.learn.surroundings import Polynomials
from symphys.learn.term_kernels import TermKernels
from symphys.lower.expressions import dense
from symphys.simulate.particles.box import Box

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Sources:
    """Particles of one species as those that pull: slopes u_p of the invariants `used`, in the columns of `state`
    [k, frames * n].

    made, along: kernels of the slopes, and of their sum along a direction. mine: [n], which particles they are.
    symbols, places: of the slopes, as in `Group`.
    """

    used: tuple[int, ...]
    made: TermKernels
    along: TermKernels
    state: Floats
    mine: Integers
    symbols: tuple[Any, ...]
    places: Integers


@dataclass(frozen=True)
class Reached:
    """Those who are seen by some environments: particles `targets`, and the kernels of what pulls at them.

    places: of all environments, these. numbers: the values of the parameters of the kernels.
    """

    places: Integers
    targets: Integers
    made: TermKernels
    numbers: Floats


@dataclass(frozen=True)
class Operator:
    """How slopes u [n, used] of some sources pull at some targets [k, dim] in a frame, pair by pair of them.

    chain: [n, used, environments], dI/drho. pulls: [environments, dim, pairs], those of pairs first, second, of the
    sources and the targets; sorted by the first.
    """

    source: Sources
    targets: Integers
    chain: Floats
    pulls: Floats
    first: Integers
    second: Integers

    def forces(self, slopes: Floats) -> Floats:
        """[k, dim]."""
        pulling = np.einsum("jp,jpa->aj", slopes, self.chain, optimize=True)[:, self.first]
        parts = np.einsum("adq,aq->dq", self.pulls, pulling)
        return np.stack([np.bincount(self.second, part, minlength=len(self.targets)) for part in parts], axis=1)

    def rows(self, slopes: Floats) -> Floats:
        """[k, dim, U], of derivatives of slopes [n * used, U]."""
        environments, dim, _ = self.pulls.shape
        dense = np.zeros((len(self.chain), len(self.targets), environments, dim))
        dense[self.first, self.second] = self.pulls.transpose(2, 0, 1)
        wide = self.chain @ dense.transpose(0, 2, 1, 3).reshape(len(self.chain), environments, -1)
        return np.asarray(wide.reshape(len(slopes), -1).T @ slopes).reshape(len(self.targets), dim, -1)


@dataclass(frozen=True)
class Reactions:
    """How the slopes u [invariants, n] of all particles in a frame become forces [n, dim].

    around: [environments, frames, n], of which invariants are `polynomials`. reach: the cutoff, beyond which nothing is
    felt. mass: [n].
    """

    polynomials: Polynomials
    around: Floats
    reached: tuple[Reached, ...]
    sources: tuple[Sources, ...]
    places: Floats
    boxes: tuple[Box | None, ...]
    reach: float
    mass: Floats

    @property
    def pulling(self) -> tuple[Sources, ...]:
        """The sources that pull at all."""
        return tuple(each for each in self.sources if each.used)

    def operators(self, frame: int) -> Iterator[Operator]:
        """Those of all sources and targets in a frame."""
        places, box = self.places[frame], self.boxes[frame]
        slopes = list(self.polynomials.slopes(self.around[:, frame]))
        for reached, each in product(self.reached, self.pulling):
            steps = places[reached.targets] - places[each.mine][:, None]
            if box is not None:
                steps = steps - np.round(steps @ box.inverse) @ box.matrix
            near = np.sum(steps**2, axis=-1) < self.reach**2
            first, second = np.nonzero(near & (each.mine[:, None] != reached.targets))
            if not len(first):
                continue
            columns = {"state": np.ascontiguousarray(steps[first, second].T), **_empty(len(first))}
            columns["parameters"] = np.broadcast_to(reached.numbers[:, None], (len(reached.numbers), len(first)))
            pulls = reached.made.residuals(columns, {}).reshape(len(reached.places), -1, len(first))
            chain = np.zeros((len(each.mine), len(each.used), len(reached.places)))
            number = {a: k for k, a in enumerate(reached.places.tolist())}
            for row, p in enumerate(each.used):
                for a in slopes[p].keys() & number.keys():
                    chain[:, row, number[a]] = slopes[p][a][each.mine]
            yield Operator(each, reached.targets, chain, pulls, first, second)


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
        return own and all(_linear(each.along) for each in self._reactions.pulling)

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
            slopes = {id(s): self._slopes(s, int(frame), known, networks, with_rows) for s in self._reactions.pulling}
            roots = self._roots(number)
            for operator in self._reactions.operators(int(frame)):
                each, targets = operator.source, operator.targets
                values, derivatives = slopes[id(each)]
                weighed = roots[targets] / self._reactions.mass[targets][:, None]
                r[targets] += weighed * operator.forces(values)
                if rows is not None and derivatives is not None:
                    spot = targets[:, None, None], np.arange(dim)[:, None], each.places
                    rows[spot] += weighed[..., None] * operator.rows(derivatives)
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
        """u [n, used] of the particles of a species, and its derivatives [n * used, U]."""
        n, many = len(each.mine), len(each.used)
        state = each.state[:, frame * n : (frame + 1) * n]
        numbers = np.array([known[s] for s in each.symbols]).reshape(-1, 1)
        wanted = {array.name for array in each.made.terms.weights}
        weights = {net: w for net, w in networks.items() if dense(net).array.name in wanted}

        def columns(state: Floats) -> dict[str, Floats]:
            count = state.shape[1]
            parameters = np.broadcast_to(numbers, (len(each.symbols), count))
            return {"state": state, **_empty(count), "parameters": parameters}

        values = each.made.residuals(columns(state), weights).T
        if not with_rows or not len(each.places):
            return values, None
        directed = {**columns(np.repeat(state, many, axis=1)), "data": np.tile(np.eye(many), (1, n))}
        return values, each.along.rows(directed, weights)[1][0].T


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
