"""The loss of accelerations by pair forces of any kind, pair networks among them: frames side by side as lanes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import Kernel
from symphys.language.networks import NetworkSymbol
from symphys.learn.bodies import Pairs
from symphys.learn.objective import Weighed, finite
from symphys.learn.samples import TILE
from symphys.learn.unknowns import Unknowns
from symphys.lower.particles.pulls import force_bars_kernel, force_kernel, force_rows_kernel
from symphys.simulate.execute import cores
from symphys.simulate.inputs import padded

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class PairFramesObjective(Weighed):
    """The mean of the squared errors of accelerations over all particles and components, a function of u [U].

    Arrays are [count dim, frames]; parameters [P + A count, frames], whose rows `places` [S] are unknown. lightness:
    1 / m of each component. apart: by the name of what is judged apart, the components that belong to it.
    """

    forces: Pairs
    unknowns: Unknowns
    positions: Floats
    parameters: Floats
    places: Integers
    lightness: Floats
    data: Floats
    roots: Floats
    weights: Mapping[NetworkSymbol, Floats]
    apart: Mapping[Any, Integers]

    squared = True
    linear = False
    bends = True

    def all_roots(self) -> Iterable[Floats]:
        """See `Weighed`."""
        return (self.roots,)

    @property
    def samples(self) -> int:
        """The number of frames."""
        return self.positions.shape[1]

    def part(self, chosen: Integers) -> PairFramesObjective:
        """See `Objective`."""
        names = ("positions", "parameters", "data", "roots")
        return replace(self, **{name: getattr(self, name)[:, chosen] for name in names})

    def loss(self, u: Floats) -> float:
        """See `Objective`."""
        with np.errstate(all="ignore"):
            return finite(float(np.sum(self._residuals(u) ** 2)) / self.weight)

    def gradient(self, u: Floats) -> tuple[float, Floats]:
        """See `Objective`: cotangents of forces are pulled back to what is unknown."""
        unknown, dtype = self.forces.unknown, self.forces.kernels.dtype
        with np.errstate(all="ignore"):
            r = self._residuals(u)
            bars = 2.0 * r * self.roots * self.lightness[:, None] / self.weight
            kernel, arrays, scalars = self._prepared("force bars", lambda: self._build(force_bars_kernel), u)
            lanes = arrays["position"].shape[-1]
            arrays["force_bars"] = padded(bars, lanes, dtype).reshape(arrays["position"].shape)
            arrays["parameter_bars"] = np.zeros((max(len(unknown.symbols), 1), lanes), dtype)
            arrays["weight_bars"] = np.zeros(max(unknown.weight_count, 1), dtype)
            kernel(arrays, scalars, (self.samples,), threads=cores())
            slope = self.forces.summed(arrays, self.samples) * self.unknowns.slopes(u)
        return finite(float(np.sum(r**2)) / self.weight), slope

    def rows(self, u: Floats) -> Iterator[tuple[Floats, Floats]]:
        """See `Objective`."""
        for some in self._groups():
            yield self.part(some)._rows(u, self.weight)

    def residual_tiles(self, u: Floats) -> Iterator[Floats]:
        """See `Bending`."""
        r = self._residuals(u) / np.sqrt(self.weight)
        yield from (r[:, some].reshape(-1) for some in self._groups())

    def blocks(self, theta: Floats, slopes: Floats) -> Iterator[tuple[Floats, Floats, Integers]]:
        """See `LinearObjective`; there are none, as nothing here is linear."""
        raise NotImplementedError

    def relative(self, u: Floats) -> dict[Any, float]:
        """For each group, the root of the squared errors over the squared values."""
        r = self._residuals(u)
        return {
            key: float(np.sqrt(np.sum(r[rows] ** 2) / np.sum((self.roots[rows] * self.data[rows]) ** 2)))
            for key, rows in self.apart.items()
        }

    def _groups(self) -> list[Integers]:
        """The frames, so many at a time that their rows fit in memory."""
        group = max(1, TILE // (len(self.positions) * max(self.forces.unknown.count, 1)))
        return np.split(np.arange(self.samples), range(group, self.samples, group))

    def _residuals(self, u: Floats) -> Floats:
        """[count dim, frames]."""
        kernel, arrays, scalars = self._prepared("forces", lambda: force_kernel(self.forces.layout), u)
        kernel(arrays, scalars, (self.samples,), threads=cores())
        return self._compared(arrays)

    def _compared(self, arrays: Mapping[str, NDArray[Any]]) -> Floats:
        force = arrays["force"].reshape(self.positions.shape[0], -1)[:, : self.samples].astype(np.float64)
        return np.asarray((force * self.lightness[:, None] - self.data) * self.roots)

    def _rows(self, u: Floats, weight: float) -> tuple[Floats, Floats]:
        unknown, dtype = self.forces.unknown, self.forces.kernels.dtype
        kernel, arrays, scalars = self._prepared("force rows", lambda: self._build(force_rows_kernel), u)
        shape = arrays["position"].shape
        scalars["columns"] = unknown.count
        arrays["rows_of"] = np.zeros((unknown.count, *shape), dtype)
        arrays["weight_bars"] = np.zeros((max(unknown.weight_count, 1), shape[-1]), dtype)
        kernel(arrays, scalars, (self.samples,), threads=cores())
        rows = arrays["rows_of"].reshape(unknown.count, -1, shape[-1])[self.forces.learnt][..., : self.samples]
        scale = self.roots * self.lightness[:, None] / np.sqrt(weight)
        with np.errstate(all="ignore"):
            wide = rows * scale * self.unknowns.slopes(u)[:, None, None]
        return self._compared(arrays).reshape(-1) / np.sqrt(weight), wide.reshape(len(wide), -1).T

    def _build(self, kernel: Callable[..., Kernel]) -> Kernel:
        return kernel(self.forces.layout, self.forces.unknown)

    def _prepared(self, name: str, build: Callable[[], Kernel], u: Floats) -> tuple[Any, Any, Any]:
        """A kernel with its arrays and scalars."""
        theta = self.unknowns.values(u)
        parameters = self.parameters.copy()
        parameters[self.places] = theta[: len(self.places), None]
        kernel, lanes = self.forces.kernel(name, build, self.samples)
        arrays, scalars = self.forces.inputs(parameters, {**self.weights, **self.unknowns.weights(theta)}, lanes)
        positions = padded(self.positions, lanes, self.forces.kernels.dtype)
        arrays["position"] = positions.reshape(self.forces.count, self.forces.layout.dim, -1)
        arrays["force"] = np.zeros_like(arrays["position"])
        return kernel, arrays, scalars
