"""What is watched while particles run: totals by row, and how far conserved quantities have drifted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symphys.lower.particles.layout import Layout
from symphys.lower.particles.plan import measures_of
from symphys.statistics import NoseHoover, Thermostat

Floats = NDArray[np.float64]


@dataclass
class Watch:
    """Totals [member, row, measures], and by law the first value [member, ...], largest change and scale [member]."""

    layout: Layout
    names: tuple[str, ...]
    laws: tuple[str, ...]
    rows: Floats
    first: Floats
    change: Floats
    scale: Floats

    @classmethod
    def new(cls, layout: Layout, members: int, rows: int, box: bool, thermostat: Thermostat | None) -> Watch:
        """Nothing seen yet. A thermostat leaves no law but its own."""
        names = (*measures_of(layout), "bath")
        dynamics = layout.dynamics
        laws = ["energy"] if dynamics.closed and thermostat is None else []
        if dynamics.closed and isinstance(thermostat, NoseHoover):
            laws.append("invariant")
        if dynamics.translations and thermostat is None:
            laws.append("momentum")
        if dynamics.rotations and layout.dim > 1 and not box and thermostat is None:
            laws.append("angular momentum")
        shape = (members, len(laws))
        return cls(
            layout, names, tuple(laws), np.full((members, rows, len(names)), np.nan),
            np.full((members, len(names)), np.nan), np.zeros(shape), np.zeros(shape),
        )  # fmt: skip

    def part(self, members: slice) -> Watch:
        """Some of the members, in the same memory."""
        return Watch(
            self.layout, self.names, self.laws, self.rows[members], self.first[members], self.change[members],
            self.scale[members],
        )  # fmt: skip

    def _places(self, word: str) -> list[int]:
        return [i for i, name in enumerate(self.names) if name.startswith(f"{word} ") and name != "turn size"]

    def see(self, totals: Floats, row: int | None, running: NDArray[np.bool_]) -> None:
        """Note the totals [member, measures] of those that run."""
        new = running & np.isnan(self.first[:, 0])
        self.first[new] = totals[new]
        if row is not None:
            self.rows[running, row] = totals[running]
        column = {name: i for i, name in enumerate(self.names)}
        moved = totals - self.first
        for number, law in enumerate(self.laws):
            if law in ("energy", "invariant"):
                change = np.abs(moved[:, [column[n] for n in ("kinetic", "potential", "bath")]].sum(axis=1))
                scale = totals[:, column["kinetic"]] + totals[:, column["potential size"]] + np.abs(totals[:, -1])
            elif law == "momentum":
                change, scale = np.linalg.norm(moved[:, self._places("momentum")], axis=1), totals[:, column["speed"]]
            else:
                change, scale = np.linalg.norm(moved[:, self._places("turn")], axis=1), totals[:, column["turn size"]]
            self.change[running, number] = np.maximum(self.change[running, number], change[running])
            self.scale[running, number] = np.maximum(self.scale[running, number], scale[running])

    def drift(self, shape: tuple[int, ...]) -> dict[str, Floats]:
        """By law, the largest change by the scale [*shape]."""
        ratio = np.divide(self.change, self.scale, out=np.zeros_like(self.change), where=self.scale > 0)
        return {law: ratio[:, number].reshape(shape) for number, law in enumerate(self.laws)}

    def totals(self, shape: tuple[int, ...], last: int) -> dict[str, Floats]:
        """By name [*shape, time]; "momentum" and "angular momentum" with their components last."""
        rows = self.rows[:, :last]
        single = {n: rows[..., i].reshape(*shape, last) for i, n in enumerate(self.names[:4]) if n != "potential size"}
        if "invariant" in self.laws:
            single["bath"] = rows[..., -1].reshape(*shape, last)
        found = {**single, "momentum": rows[..., self._places("momentum")].reshape(*shape, last, -1)}
        if turns := self._places("turn"):
            found["angular momentum"] = self._turns(rows[..., turns]).reshape(*shape, last, -1)
        return found

    def _turns(self, planes: Floats) -> Floats:
        """In three dimensions (L_x, L_y, L_z) from the planes xy, xz, yz."""
        if self.layout.dim != 3:
            return planes
        return np.stack([planes[..., 2], -planes[..., 1], planes[..., 0]], axis=-1)
