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
from symphys.errors import InputError
from symphys.lower.particles.lists import image_launch, list_program
from symphys.lower.particles.plan import look_launches
from symphys.lower.programs import program_of
from symphys.simulate.memory import aligned
from symphys.simulate.particles.clusters import cells_of, clusters_of, fold, images_of
from symphys.simulate.particles.skin import best_skin
from symphys.simulate.particles.state import Machine, Ordered, State
from symphys.statistics import Langevin

ROOM = 1.5  # how far particles may go from where they were grouped, in units of the skin
WORTH = 4  # the part of their life by which lists must last longer, that it pays to look at them once more
SURE = 0.9  # of what lists seem to last: steps beyond their life are taken back
ONCE = 2.2  # the skin that lists need to last one step, in units of how far the fastest go in it
WIDEST = 1.0  # the widest skin, in units of the cutoff: beyond it lists are made anew after each drift
FAR = 1e8  # where what fills up clusters is put, in units of the range, beyond the furthest particle
ROUNDINGS = 4  # by how many spacings of numbers the bounding box of a place may be off
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
    pace: float = field(default=0.0, kw_only=True)  # how far the fastest go in a step

    def __post_init__(self) -> None:
        self.capacity, self.life, self.since = 64, 4, 0
        self.room, self.slight = 0.0, 0.0
        self.apart: tuple[CompiledProgram, ...] | None = None
        self._suit(float(np.sqrt((np.asarray(self.inputs.velocities) ** 2).sum(axis=-1).max())) * self.choices.h)
        self.room_for_lists: NDArray[np.int32] | None = None
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
        """Lists from the present places, and new clusters when particles have gone far from where these were made."""
        gone = self._gone() if self.rebuilds else np.inf
        if not gone <= self.room:
            if self.rebuilds:
                self._gather()
                self._suit(self.pace)
            if self._astray():
                return
            self._group()
            if not self.rebuilds:
                self._project()
            self._sort()
            gone = 0.0
        self._look_for_neighbours(gone)
        self.since, self.rebuilds = 0, self.rebuilds + 1

    def _astray(self) -> bool:
        """Whether anyone is so far away that its neighbours cannot be told; its place is then no number any more."""
        # what is given is folded before it is rounded
        dtype = self.machine.dtype if self.rebuilds or self.box is None else "float64"
        cutoff = self.cutoffs["cutoff"]
        limit = cutoff / (ROUNDINGS * float(np.finfo(dtype).eps))
        far = np.flatnonzero(np.abs(self.whole["position"]).max(axis=1) > limit)
        if not len(far):
            return False
        where = self.whole["position"][far[0]].tolist()
        why = f"particle {far[0]} is at {where}: beyond {limit:.3g}, {dtype} does not tell who is within {cutoff:g}"
        if not self.rebuilds:
            raise InputError(f"{why}; start nearer to the origin")
        self.astray = why
        self.arrays["position_flat"][:, self.clusters.place[far]] = np.nan
        return True

    def _suit(self, pace: float) -> None:
        """Choose the skin for particles of which the fastest go so far in a step."""
        if np.isfinite(pace) and pace > 0.0:
            self.skin = best_skin(self.cutoffs["cutoff"], self.machine.layout.dim, 0.5 / pace)
            if ONCE * pace <= self.widest:
                self.skin = max(self.skin, ONCE * pace)
            if not self.rebuilds:
                self.life = _lasting(1, pace * pace, (0.5 * self.skin) ** 2)

    @property
    def widest(self) -> float:
        """How far lists may reach beyond the cutoff: neighbours and images grow as its third power."""
        return WIDEST * self.cutoffs["cutoff"]

    def _gone(self) -> float:
        """How far the furthest particle is from where it was grouped; not a number where a place is none."""
        away = self.arrays.read("position") - self.home
        with np.errstate(over="ignore"):
            return float(np.sqrt((away * away).sum(axis=0)[self.real].max()))

    def _group(self) -> None:
        """Fold all particles into the box, and lay them into memory in compact clusters."""
        layout, dtype = self.machine.layout, np.dtype(self.machine.dtype)
        dim, size = layout.dim, layout.size
        self.whole["position"], turns = fold(self.whole["position"], self.box)
        self.turns = self.turns + turns
        far = np.abs(self.whole["position"]).max() + FAR * (self.cutoffs["cutoff"] + self.skin)
        clusters = self.clusters = clusters_of(self.whole["position"], size)
        self.rows, width = clusters.count, clusters.count * size
        for name in STATE:
            flat = np.zeros((dim, width), dtype=dtype)
            if name == "position":  # what fills up clusters is near nobody
                flat[...] = far * (1.0 + np.arange(width) / width)
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
        if layout.folds:
            assert self.box is not None
            off = self.arrays["taken_off"] = np.zeros((dim, clusters.count, size), dtype=dtype)
            off.reshape(dim, -1)[:, clusters.place] = (self.turns @ self.box.matrix).T
        self._make_room(dtype)
        self.scalars |= {"clusters": clusters.count, "size": size, "flat_width": width}

    def _sort(self) -> None:
        """Images of clusters as long as nobody goes further than `room`, cells of them, and memory for lists."""
        layout, dtype = self.machine.layout, np.dtype(self.machine.dtype)
        dim, size, count = layout.dim, layout.size, self.clusters.count
        position = self.arrays.read("position")
        self.home, self.room = position.copy(), ROOM * self.skin
        reach = self.cutoffs["cutoff"] + self.skin
        real = self.real = self.arrays.read("kind") >= 0
        low = np.where(real, position, np.inf).min(axis=2).T.astype(np.float64)
        high = np.where(real, position, -np.inf).max(axis=2).T.astype(np.float64)
        images = images_of(low, high, position[:, real].T, self.box, reach + 2.0 * self.room)
        centres = 0.5 * (low + high)[images.source] + images.shift
        cells = cells_of(centres, float(reach / 2))
        # one more slot, far from everybody and in no cell: nobody, who fills up lists
        source = np.append(images.source, 0)
        shift = np.append(images.shift, np.full((1, dim), -FAR * reach), axis=0)
        slots = len(source)
        self.arrays.update({"source": source, "shift": shift.astype(dtype)})
        self.arrays.update({"order": np.append(cells.order, slots - 1), "cells": cells.marks})
        self.scalars |= {"slots": slots, "width": slots * size, "nobody": (slots - 1) * size}
        self.scalars["cell_marks"] = len(cells.marks)
        self.half = 0.5 * (high - low).max(axis=0)
        # bounding boxes are rounded to the precision of the kernel
        self.slight = ROUNDINGS * float(np.finfo(dtype).eps) * (float(np.abs(centres).max()) + reach + self.room)
        for k, number in enumerate(cells.counts):
            self.scalars |= {f"cells_{k}": number}
            self.scalars |= {f"origin_{k}": float(cells.origin[k]), f"per_cell_{k}": float(cells.pace[k])}
        if (stride := layout.stride) > 1:
            self.arrays["position_slots"] = aligned((slots, size * stride), dtype)
            self.arrays["position_all"] = self.arrays["position_slots"].reshape(-1, stride)
        else:
            self.arrays["position_slots"] = aligned((dim, slots, size), dtype)
            self.arrays["position_all"] = self.arrays["position_slots"].reshape(dim, -1)
        if layout.dynamics.environments:
            leading = layout.leading("slope")
            self.arrays["slope"] = aligned((leading, count, size), dtype)
            self.arrays["slope_slots"] = aligned((leading, slots, size), dtype)
            self.arrays["slope_all"] = self.arrays["slope_slots"].reshape(leading, -1)
        for name in ("kind", *self.constant):
            self.arrays[f"{name}_all"] = self.arrays.read(name)[source].reshape(-1)
        for name, before in (("reference", (dim,)), ("strayed", ())):
            self.arrays[name] = aligned((*before, count, size), dtype)
            self.arrays[f"{name}_flat"] = self.arrays[name].reshape(*before, -1)
        for name in ("low_all", "high_all"):
            self.arrays[name] = np.zeros((dim, slots), dtype=dtype)
        for name in ("found_all", "least"):
            self.arrays[name] = np.zeros(count, dtype=np.int64)
        self.arrays["found"] = aligned((count, size), np.int64)
        self.arrays["found_flat"] = self.arrays["found"].reshape(-1)
        self._hold_lists()

    def _hold_lists(self) -> None:
        """Memory for lists of `capacity` entries, with more rows than there are clusters, which others may need."""
        count, size = self.clusters.count, self.machine.layout.size
        if self.room_for_lists is None or not _holds(self.room_for_lists.shape, count, self.capacity):
            self.room_for_lists = aligned((count + count // 16, self.capacity, size), np.int32)
        self.arrays["neighbours"] = self.room_for_lists[:count]
        self.arrays["neighbours_flat"] = self.arrays["neighbours"].reshape(-1)
        self.scalars |= {"capacity": self.capacity, "listed": count * self.capacity * size}

    def _look_for_neighbours(self, gone: float) -> None:
        """Lists of who is near each, where nobody has gone further than `gone` from where clusters were sorted."""
        self.scalars["range"] = self.cutoffs["cutoff"] + self.skin + self.slight
        for k, half in enumerate(self.half):
            self.scalars[f"half_{k}"] = float(half) + 2.0 * gone + self.slight
        while True:
            self.lists.lists(self.arrays, self.scalars, self.choices.threads)
            if (longest := int(self.arrays.read("found_all").max())) <= self.capacity:
                break
            self.capacity = longest + longest // 8
            self._hold_lists()
        if self.lists.look is not None:
            self.scalars["k"] = self.k  # slopes may depend on the time
            self.lists.look(self.arrays, self.scalars, self.choices.threads)

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
    @property
    def pairs(self) -> int:
        """How many entries the lists have."""
        return int(self.arrays.read("found_all").sum()) * self.machine.layout.size

    def go(self, steps: int) -> None:
        """Take `steps` steps, with new lists as they are needed."""
        while steps > 0:
            if ONCE * self.pace > self.widest:
                if not self._step_apart():
                    return
                steps -= 1
                continue
            ahead = min(steps, max(1, self.life - self.since))
            names = [name for name in KEPT if name in self.arrays]
            kept = self.arrays.copied(names)
            super().go(ahead)
            strayed, limit = float(self.arrays.read("strayed").max()), (0.5 * self.skin) ** 2
            if np.isnan(strayed):  # a place is no number: whoever asks next ends the run
                return
            if strayed <= limit:
                self.since, steps = self.since + ahead, steps - ahead
                self.pace = float(np.sqrt(strayed)) / self.since
                lasting = _lasting(self.since, strayed, limit)
                if self.since < self.life:
                    self.life = min(self.life, lasting)  # a portion was cut short, not the lists
                elif lasting >= self.since + max(2, self.since // WORTH):
                    self.life = min(lasting, 2 * self.since)
                else:  # what few steps are left would cost more than they save
                    self.life = lasting
                    self._rebuild()
            else:
                self.arrays.restore(kept, names)
                self.k -= ahead
                self.life = min(_lasting(self.since + ahead, strayed, limit), self.since + ahead - 1)
                if ahead == 1 and self.since == 0:  # one step is more than the skin allows
                    self.pace, self.room = float(np.sqrt(strayed)), -1.0  # slots must reach further
                if self.life <= self.since:
                    self.life = max(1, self.since)
                    self._rebuild()
                else:
                    self.lists.images(self.arrays, self.scalars, self.choices.threads)

    def _step_apart(self) -> bool:
        """One step with new lists after each drift, right however far particles go; whether they are anywhere still."""
        if self.apart is None:
            backend, dtype = self.machine.backend, self.machine.dtype
            self.apart = tuple(compile_program(part, backend, dtype) for part in self.machine.plan.apart)
        went = 0.0
        for part in self.apart:
            if isinstance(self.machine.thermostat, Langevin):
                self._draw(1)  # the same numbers, for who lies where now
            self.scalars |= {"steps": 1, "k": self.k}
            part(self.arrays, self.scalars, self.choices.threads)
            if not self.finite():
                self.k += 1
                return False
            if (strayed := float(self.arrays.read("strayed").max())) > 0.0:
                went, self.room = went + float(np.sqrt(strayed)), -1.0
                self._rebuild()
                if self.astray:
                    self.k += 1
                    return False
        self.k, self.life, self.pace = self.k + 1, 1, went
        return True


def _lasting(steps: int, strayed: float, limit: float) -> int:
    """How many steps lists last, as it looks after some of them."""
    return max(1, int(SURE * steps * np.sqrt(limit / strayed))) if strayed > 0.0 else 2 * steps


def _holds(shape: tuple[int, ...], count: int, capacity: int) -> bool:
    """Whether memory of that shape has rows enough, of this very length."""
    return shape[0] >= count and shape[1] == capacity
