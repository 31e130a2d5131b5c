"""Functions of fields at every site of a grid with their slopes by the fields and by what is unknown.

At a site a function f knows jets of the fields, phi_J = D_J phi. Along a tangent it changes by
sum_J df/dphi_J D_J dphi + df/dtheta; a cotangent of it is pulled back to sum_J D_J^T (df/dphi_J fbar).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.language.networks import NetworkSymbol
from symphys.learn.chains import Chains
from symphys.learn.places import Place
from symphys.learn.term_kernels import TermKernels
from symphys.learn.unknowns import Unknowns
from symphys.lower.lattice.local import LocalTerms
from symphys.simulate.compiled import Kernels
from symphys.simulate.lattice.given import depends_on_time

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SiteKernels:
    """m functions at each site. Fields are [C, sites, frames], C their real components; theta [U] is what is unknown.

    sources: for each jet that the functions know its component, and the matrix that makes it. numbers: [P], the values
    of parameters, of which `places` are unknown. still: [k, sites], what is given and does not change in time; None
    where it does. weights: those of networks that are given.
    """

    place: Place
    local: LocalTerms
    made: TermKernels
    chains: Chains
    unknowns: Unknowns
    sources: tuple[tuple[int, Any], ...]
    numbers: Floats
    places: NDArray[np.int64]
    functions: Mapping[Any, Any]
    still: Floats | None
    weights: Mapping[NetworkSymbol, Floats]

    @property
    def count(self) -> int:
        """m, the number of functions."""
        return len(self.local.terms.residuals)

    def values(self, y: Floats, theta: Floats, times: Floats, data: Floats | None = None) -> Floats:
        """[m, sites, frames], from fields at `times` [frames]; data: [k, sites, frames], what they compare with."""
        found = self.made.residuals(self._columns(y, theta, times, data), self.all_weights(theta))
        return found.reshape(self.count, *y.shape[1:])

    def slopes(self, y: Floats, theta: Floats, times: Floats, data: Floats | None = None) -> tuple[Floats, Floats]:
        """The values, and their slopes [m, L, sites, frames] by the jets and then by what is unknown."""
        found, rows = self.made.rows(self._columns(y, theta, times, data), self.all_weights(theta))
        return found.reshape(self.count, *y.shape[1:]), rows.reshape(self.count, -1, *y.shape[1:])

    def push(self, rows: Floats, dots: Floats) -> Floats:
        """[m, sites, frames, D], how the functions change along tangents of the fields [C, sites, frames, D].

        The first U of the D directions are those of theta.
        """
        _, sites, frames, many = dots.shape
        found = np.zeros((self.count, sites, frames, many))
        for k, (component, matrix) in enumerate(self.sources):
            moved = (matrix @ dots[component].reshape(sites, frames * many)).reshape(sites, frames, many)
            found += rows[:, k, :, :, None] * moved
        local = rows[:, len(self.sources) :].reshape(self.count, -1, sites * frames)
        wide = self.chains.widened(local, self._sites(frames), self.unknowns.size)
        found[..., : self.unknowns.size] += np.moveaxis(wide, 1, -1).reshape(self.count, sites, frames, -1)
        return found

    def pull(self, rows: Floats, bars: Floats, components: int) -> tuple[Floats, Floats]:
        """The cotangents of the fields [C, sites, frames] and of theta [U] from those of the functions."""
        _, sites, frames = bars.shape
        found = np.zeros((components, sites, frames))
        for k, (component, matrix) in enumerate(self.sources):
            found[component] += matrix.T @ np.einsum("msf,msf->sf", rows[:, k], bars)
        local = np.einsum("mlsf,msf->lsf", rows[:, len(self.sources) :], bars).reshape(-1, sites * frames)
        return found, self.chains.gathered(local, self._sites(frames), self.unknowns.size)

    def parameters(self, theta: Floats) -> Floats:
        """[P], the values of parameters."""
        numbers = self.numbers.copy()
        numbers[self.places] = theta[self.chains.scalars]
        return numbers

    def signals(self, theta: Floats, times: Floats) -> Floats:
        """[k, sites frames], what is given at `times` [frames], with what is unknown put in."""
        return self.chains.signals(self._given(times), theta, self._sites(len(times)))

    def _sites(self, frames: int) -> Floats:
        return np.repeat(np.arange(self.place.sites, dtype=np.float64), frames)

    def all_weights(self, theta: Floats) -> dict[NetworkSymbol, Floats]:
        """The weights of all networks, given and unknown."""
        return {**self.weights, **self.unknowns.weights(theta)}

    def _columns(self, y: Floats, theta: Floats, times: Floats, data: Floats | None) -> dict[str, Floats]:
        _, sites, frames = y.shape
        samples = sites * frames
        numbers = self.parameters(theta)
        state = [(matrix @ y[component]).reshape(-1) for component, matrix in self.sources]
        return {
            "state": np.array(state).reshape(len(state), samples),
            "signals": self.signals(theta, times),
            "parameters": np.broadcast_to(numbers[:, None], (len(numbers), samples)),
            "data": np.zeros((0, samples)) if data is None else data.reshape(len(data), samples),
            "roots": np.ones((self.count, samples)),
            "times": np.tile(times, sites),
        }

    def _given(self, times: Floats) -> Floats:
        if self.still is not None:
            return np.repeat(self.still, len(times), axis=1)
        found = self.place.given(self.local, self.functions, times)
        shape = (len(found), len(times), self.place.sites)
        return np.ascontiguousarray(found.reshape(shape).transpose(0, 2, 1)).reshape(len(found), -1)


def site_kernels(
    place: Place,
    kernels: Kernels,
    local: LocalTerms,
    key: tuple[Any, ...],
    components: Mapping[tuple[Any, int], int],
    unknowns: Unknowns,
    given: Mapping[Any, Any],
    weights: Mapping[NetworkSymbol, Floats],
) -> SiteKernels:
    """The kernels of local terms; components: {(label, part): its place among the components of the state}."""
    chains, seen = place.chains(local, unknowns)
    sources = []
    for symbol, part in local.moving:
        label, matrix = place.source(symbol)
        sources.append((components[label, part], matrix))
    made = TermKernels(local.terms, (*local.moving, *seen), unknowns.networks, kernels, ("on a grid", *key))
    parameters = place.dynamics.parameters
    numbers = np.array([float(given.get(s, 0.0)) for s in parameters])
    places = np.array([parameters.index(unknowns.symbols[i]) for i in chains.scalars], dtype=np.int64)
    return SiteKernels(
        place,
        local,
        made,
        chains,
        unknowns,
        tuple(sources),
        numbers,
        places,
        given,
        _still(place, local, given),
        weights,
    )


def _still(place: Place, local: LocalTerms, given: Mapping[Any, Any]) -> Floats | None:
    functions = {jet.function for s, _ in local.given if (jet := place.dynamics.jets.jet(s)) is not None}
    if any(f in given and depends_on_time(place.dynamics, f, given[f]) for f in functions):
        return None
    return place.given(local, given, np.zeros(1))


def component_places(labels: Sequence[tuple[Any, bool]]) -> dict[tuple[Any, int], int]:
    """{(label, part): place} of labels with whether they are complex."""
    parts = [(label, part) for label, is_complex in labels for part in range(1 + is_complex)]
    return {each: place for place, each in enumerate(parts)}
