"""Fields on a grid as a fit sees them: columns of what kernels read at each site, and the links to what is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.discretise import Grid
from symphys.errors import UnsupportedError
from symphys.fields.dynamics import FieldDynamics
from symphys.fields.jets import Nonlocal
from symphys.language import ParameterArray
from symphys.learn.chains import Chains, Link
from symphys.learn.unknowns import Unknowns
from symphys.lower.lattice.local import LocalTerms
from symphys.simulate.lattice.given import depends_on_time, sample
from symphys.simulate.lattice.operators import Operators

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Place:
    """A theory on a grid, with derivatives by `operators`; learnt: {external function: its unknown values}."""

    dynamics: FieldDynamics
    grid: Grid
    operators: Operators
    learnt: Mapping[Any, ParameterArray]

    @property
    def order(self) -> int | str | None:
        """How derivatives are taken, as a simulator is told; None where that takes them by waves of its own accord."""
        layout = self.operators.layout
        return None if layout.packed else layout.order or "spectral"

    @property
    def sites(self) -> int:
        """The number of points of the grid."""
        return int(np.prod(self.grid.shape))

    @property
    def counted(self) -> NDArray[np.bool_]:
        """[sites], where the field equations hold as they are written: neither at held ends nor in layers that damp."""
        inside = np.ones(self.grid.shape, dtype=np.bool_)
        for number, axis in enumerate(self.grid.axes):
            along = np.moveaxis(inside, number, 0)
            along[(axis.absorption > 0) | (axis.free == 0)] = False
        return inside.reshape(-1)

    def source(self, symbol: Any) -> tuple[Any, Any]:
        """Of a jet symbol of what evolves the label of the state that it stems from, and the matrix that gives it."""
        jet = self.dynamics.jets.jet(symbol)
        for u in self.dynamics.unknowns:
            if jet is not None and u.field == jet.function:
                index = tuple(a - b for a, b in zip(jet.index, u.index, strict=True))
                if min(index) < 0 or index[0] >= u.order:
                    break
                return (u.velocity_label if index[0] else u.label), self.operators(index[1:], jet.shift)
        raise UnsupportedError(f"{self.dynamics.jets.written(symbol)} is needed, but is no part of the state")

    def moving(self, local: LocalTerms, states: Mapping[Any, NDArray[Any]]) -> Floats:
        """[n, frames sites]: what evolves, from {label: [frames, sites]}."""
        found = []
        for symbol, part in local.moving:
            label, matrix = self.source(symbol)
            values = states[label]
            values = values.imag if part else values.real
            found.append((matrix @ values.T).T)
        frames = next((len(v) for v in states.values()), 0)
        return np.array(found, dtype=np.float64).reshape(len(found), frames * self.sites)

    def given(self, local: LocalTerms, functions: Mapping[Any, Any], times: Floats) -> Floats:
        """[k, frames sites]: coordinates and given functions at `times` [frames]; zeros for what is unknown."""
        frames, jets = len(times), self.dynamics.jets
        found = np.zeros((len(local.given), frames, self.sites))
        for row, (symbol, part) in enumerate(local.given):
            if symbol in self.dynamics.axes:
                found[row] = self.grid.mesh[self.grid.coordinates.index(symbol)].reshape(-1)
                continue
            if symbol in self.dynamics.places:
                axis, sites = self.dynamics.places[symbol]
                here = (0,) * len(self.grid.axes)
                ahead = self.operators(here, (*here[:axis], sites, *here[axis + 1 :]), even=True)
                found[row] = ahead @ self.grid.mesh[axis].reshape(-1)
                continue
            jet = jets.jet(symbol)
            assert jet is not None
            if isinstance(jet.function, Nonlocal):
                raise UnsupportedError("fits of densities with convolutions are not made; write the density without")
            if jet.index[0]:
                raise UnsupportedError(f"{jets.written(symbol)}, a rate of what is given, is not compiled")
            if jet.function in self.learnt:
                continue
            value = functions[jet.function]
            moving = depends_on_time(self.dynamics, jet.function, value)
            for frame in range(frames if moving else 1):
                values = sample(self.dynamics, self.grid, jet.function, value, float(times[frame]))
                values = np.broadcast_to(values, self.grid.shape).reshape(-1)
                values = self.operators(jet.index[1:], jet.shift, even=True) @ (values.imag if part else values.real)
                found[row, frame if moving else slice(None)] = values
        return found.reshape(len(local.given), frames * self.sites)

    def chains(self, local: LocalTerms, unknowns: Unknowns) -> tuple[Chains, tuple[Any, ...]]:
        """How the arguments of the kernels follow from theta, and the symbols by which kernels differentiate."""
        elements = {s: f for f, array in self.learnt.items() for s in array.symbols}
        scalars = [i for i, s in enumerate(unknowns.symbols) if s not in elements]
        links, seen = [], []
        for row, (symbol, _) in enumerate(local.given):
            jet = self.dynamics.jets.jet(symbol)
            if jet is None or jet.function not in self.learnt:
                continue
            columns = [unknowns.symbols.index(s) for s in self.learnt[jet.function].symbols]
            matrix = self.operators(jet.index[1:], jet.shift, even=True) @ self._spread(jet.function)
            links.append(Link(row, np.array(columns, dtype=np.int64), matrix))
            seen.append(symbol)
        made = Chains(np.array(scalars, dtype=np.int64), tuple(links), len(unknowns.symbols))
        return made, (*(unknowns.symbols[i] for i in scalars), *seen)

    def _spread(self, function: Any) -> Any:
        """[sites, N], from the values of a function over its own coordinates to all sites."""
        array = self.learnt[function]
        numbers = np.arange(len(array.symbols), dtype=np.float64).reshape(array.shape)
        where = sample(self.dynamics, self.grid, function, numbers, 0.0).reshape(-1).astype(np.int64)
        return self.operators.selection(where, len(array.symbols))
