"""A crowd with neighbour lists: made anew whenever a particle has strayed by half the skin.

Steps are taken in portions without looking. The distance that every particle strayed on its way is kept by the drift
itself; where it exceeds half the skin, the portion is taken back and a shorter one follows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import CompiledProgram, Program, compile_program
from symphys.lower.particles.lists import image_launch, list_program
from symphys.lower.particles.plan import look_launches
from symphys.lower.programs import program_of
from symphys.simulate.memory import aligned
from symphys.simulate.particles.clusters import cells_of, clusters_of, fold, images_of
from symphys.simulate.particles.state import Machine, Ordered, State

REGROUPED = 4  # lists that are made from the same clusters
FAR = 1e8  # where what fills up clusters is put, in units of the range
STATE = ("position", "velocity", "force")
HELD = ("hold_slope", "hold_pull", "hold_lost", "hold_off", "hold_when")
KEPT = (*STATE, "strayed", "hits", "chain", *HELD)  # what is taken back with a portion


@dataclass(frozen=True)
class ListMachine:
    """The programs of neighbour lists."""

    lists: CompiledProgram
    images: CompiledProgram
    look: CompiledProgram | None


def build_lists(machine: Machine) -> ListMachine:
    """Compiled for the layout of a machine."""

    def compiled(program: Program) -> CompiledProgram:
        return compile_program(program, machine.backend, machine.dtype)

    images = program_of("images", (image_launch(machine.layout, "position"),))
    around = look_launches(machine.layout, "share_none")
    look = compiled(program_of("look", around)) if around else None
    return ListMachine(compiled(list_program(machine.layout)), compiled(images), look)


@dataclass
class ListedState(State):
    """One run whose particles lie in clusters, with lists of who is near."""

    lists: ListMachine = field(kw_only=True)
    skin: float = field(kw_only=True)
    rebuilds: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        self.capacity, self.life, self.since = 64, 4, 0
        super().__post_init__()

    # -- memory --------------------------------------------------------------------------------------------------------
    def _fill(self) -> None:
        inputs, member = self.inputs, self.members[0]
        dtype = np.dtype(self.machine.dtype)
        self.whole = {
            "position": np.array(self._member(inputs.places, member), dtype=np.float64),
            "velocity": np.array(self._member(inputs.velocities, member), dtype=np.float64),
            "force": np.zeros((inputs.count, self.machine.layout.dim)),
        }
        self.turns = np.zeros((inputs.count, self.machine.layout.dim))
        self.constant = {name: self._member(v[..., None], member)[..., 0] for name, v in inputs.attributes.items()}
        self._fill_parameters(dtype)
        self.met = np.zeros(inputs.count, dtype=np.int64)
        self._rebuild()

    def _rebuild(self) -> None:
        """Lists from the present places, and now and then new clusters, as old ones spread."""
        if self.rebuilds % REGROUPED == 0:
            if self.rebuilds:
                self._gather()
            self._group()
        if not self.rebuilds:
            self._project()
        self._look_for_neighbours()
        self.since, self.rebuilds = 0, self.rebuilds + 1

    def _group(self) -> None:
        """Fold all particles into the box, and lay them into memory in compact clusters."""
        layout, dtype = self.machine.layout, np.dtype(self.machine.dtype)
        dim, size = layout.dim, layout.size
        self.whole["position"], turns = fold(self.whole["position"], self.box)
        self.turns = self.turns + turns
        clusters = self.clusters = clusters_of(self.whole["position"], size)
        self.rows, width = clusters.count, clusters.count * size
        for name in STATE:
            flat = np.zeros((dim, width), dtype=dtype)
            if name == "position":  # what fills up clusters is near nobody
                flat[...] = FAR * (self.cutoffs["cutoff"] + self.skin) * (1.0 + np.arange(width) / width)
            flat[:, clusters.place] = self.whole[name].T
            self.arrays[name] = aligned((dim, clusters.count, size), dtype)
            self.arrays[name][...] = flat.reshape(self.arrays[name].shape)
            self.arrays[f"{name}_flat"] = self.arrays[name].reshape(dim, -1)
        for name, values, pad, kind in (
            *((name, values, 1.0, dtype) for name, values in self.constant.items()),
            ("kind", self.inputs.kinds, -1, np.dtype(np.int64)),
            *((("hits", self.met, 0, np.dtype(np.int64)),) if layout.limited else ()),
        ):
            self.arrays[name] = np.full((clusters.count, size), pad, dtype=kind)
            self.arrays[f"{name}_flat"] = self.arrays[name].reshape(-1)
            self.arrays[f"{name}_flat"][clusters.place] = values
        for name, rows in self.bonds.arrays(clusters.place).items():
            whole = np.full((len(rows), width), -1 if name.endswith("role") else 0, dtype=np.int64)
            whole[:, clusters.place] = rows
            self.arrays[name] = whole.reshape(-1, clusters.count, size)
        if self.holds is not None:
            self.arrays |= self.holds.placed(clusters.place)
        if layout.dynamics.coupling is not None:
            self.arrays["wave_member"] = clusters.place
        self._make_room(dtype)
        self.scalars |= {"clusters": clusters.count, "size": size, "flat_width": width}

    def _look_for_neighbours(self) -> None:
        """Images of clusters, and lists of who is near each."""
        layout, dtype = self.machine.layout, np.dtype(self.machine.dtype)
        dim, size, count = layout.dim, layout.size, self.clusters.count
        position = self.arrays.read("position")
        self.arrays["reference"] = position.copy()
        self.arrays["strayed"] = np.zeros((count, size), dtype=dtype)
        self.arrays["reference_flat"] = self.arrays["reference"].reshape(dim, -1)
        self.arrays["strayed_flat"] = self.arrays["strayed"].reshape(-1)
        real = self.arrays.read("kind") >= 0
        low = np.where(real, position, np.inf).min(axis=2).T.astype(np.float64)
        high = np.where(real, position, -np.inf).max(axis=2).T.astype(np.float64)
        places = position[:, real].T
        images = images_of(low, high, places, self.box, self.cutoffs["cutoff"] + self.skin)
        source, slots = images.source, len(images.source)
        self.arrays.update({"source": source, "shift": images.shift.astype(dtype)})
        seen = {"position": dim, **({"slope": layout.leading("slope")} if layout.dynamics.environments else {})}
        for name, leading in seen.items():
            self.arrays[f"{name}_slots"] = aligned((leading, slots, size), dtype)
            self.arrays[f"{name}_all"] = self.arrays[f"{name}_slots"].reshape(leading, -1)
        if "slope" in seen:
            self.arrays["slope"] = aligned((seen["slope"], count, size), dtype)
        for name in ("kind", *self.constant):
            self.arrays[f"{name}_all"] = self.arrays.read(name)[source].reshape(-1)
        self.scalars |= {"slots": slots, "width": slots * size}
        self.lists.images(self.arrays, self.scalars, self.choices.threads)
        self._list(low[source] + images.shift, high[source] + images.shift)
        if self.lists.look is not None:
            self.scalars["k"] = self.k  # slopes may depend on the time
            self.lists.look(self.arrays, self.scalars, self.choices.threads)

    def _list(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
        """Who is near each cluster; `low`, `high` [slots, dim] are the bounding boxes."""
        dtype, reach = np.dtype(self.machine.dtype), self.cutoffs["cutoff"] + self.skin
        count = self.clusters.count
        half = 0.5 * (high - low).max(axis=0)
        cells = cells_of(0.5 * (low + high), float(reach / 2))
        # bounding boxes are rounded to the precision of the kernel
        margin = 4 * float(np.finfo(dtype).eps) * (float(np.abs(low).max()) + reach)
        self.arrays.update({"order": cells.order, "cells": cells.marks})
        self.arrays.update({"low_all": as_rows(low, dtype), "high_all": as_rows(high, dtype)})
        self.scalars |= {"range": reach + margin, "cell_marks": len(cells.marks)}
        for k, number in enumerate(cells.counts):
            self.scalars[f"cells_{k}"] = number
            self.scalars |= {f"origin_{k}": float(cells.origin[k]), f"per_cell_{k}": float(cells.pace[k])}
            self.scalars[f"half_{k}"] = float(half[k]) + margin
        found = np.zeros(count, dtype=np.int64)
        self.arrays["found"] = self.arrays["found_all"] = found
        while True:
            if self.scalars.get("listed") != count * self.capacity:
                self.arrays["neighbours"] = np.zeros(count * self.capacity, dtype=np.int64)
            self.scalars |= {"capacity": self.capacity, "listed": count * self.capacity}
            self.lists.lists(self.arrays, self.scalars, self.choices.threads)
            if (most := int(self.arrays.read("found").max())) <= self.capacity:
                return
            self.capacity = most + most // 8

    def _gather(self) -> None:
        """The state as users order it, folded."""
        for name in STATE:
            flat = self.arrays.read(name).reshape(self.machine.layout.dim, -1)
            self.whole[name] = flat[:, self.clusters.place].T.astype(np.float64)
        if "hits" in self.arrays:
            self.met = self.arrays.read("hits").reshape(-1)[self.clusters.place]

    def _lay(self, array: NDArray[Any], member: int, values: NDArray[Any]) -> None:
        """Lay [n, dim] into [dim, cluster, member]."""
        array.reshape(len(array), -1)[:, self.clusters.place] = values.T

    def ordered(self) -> Ordered:
        """See `State`: [1, n, dim], places unfolded."""
        place, turns = self.clusters.place, self.turns.copy()

        def order(name: str, array: NDArray[Any]) -> NDArray[Any]:
            found = np.ascontiguousarray(array.reshape(self.machine.layout.dim, -1)[:, place].T)
            if name == "position" and self.box is not None:
                found = (found + turns @ self.box.matrix).astype(found.dtype)
            return found[None]

        return order

    # -- going on ------------------------------------------------------------------------------------------------------
    def go(self, steps: int) -> None:
        """Take `steps` steps, with new lists as they are needed."""
        while steps > 0:
            ahead = min(steps, max(1, self.life - self.since))
            names = [name for name in KEPT if name in self.arrays]
            kept = self.arrays.copied(names)
            super().go(ahead)
            strayed, limit = float(self.arrays.read("strayed").max()), (0.5 * self.skin) ** 2
            if not np.isfinite(strayed):
                return
            if strayed <= limit:
                self.since, steps = self.since + ahead, steps - ahead
                self.life = self._life(strayed, limit)
            else:
                self.arrays.restore(kept, names)
                self.k -= ahead
                self.life = self.since + ahead // 2
                if ahead == 1 and self.since == 0:  # one step is more than the skin allows
                    self.skin *= 2
            if self.life <= self.since:
                self.life = max(1, self.since)
                self._rebuild()
            elif strayed > limit:
                self.lists.images(self.arrays, self.scalars, self.choices.threads)

    def _life(self, strayed: float, limit: float) -> int:
        """How many steps the present lists will last, as it looks now: at most twice as many as they have lasted."""
        ratio = np.sqrt(limit / strayed) if strayed > 0.0 else 2.0
        return int(self.since * min(2.0, 0.95 * ratio))


def as_rows(values: NDArray[np.float64], dtype: Any) -> NDArray[Any]:
    """[n, dim] as [dim, n] in a precision."""
    return np.ascontiguousarray(values.T, dtype=dtype)
