"""Constraints in memory: molecules laid out in blocks of one shape, and what is said where one does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from symphys.lower.particles.block import grips_of
from symphys.lower.particles.layout import Layout
from symphys.simulate.particles.bonds import rows_of
from symphys.simulate.particles.shapes import Shape, shape_of

Integers = NDArray[np.int64]
TOLERANCE = {"float64": 1e-10, "float32": 1e-5}  # of what is held, by the lengths that are in it
SLIGHT = {"float64": 1e-9, "float32": 1e-4}  # of its diagonal element: such a pivot is rounding


@dataclass(frozen=True)
class Holds:
    """Molecules in blocks; `base`, `shapes` as kernels read them (`symphys.lower.particles.block`).

    members [grips, lanes]: particles, those of another molecule in lanes that hold none; real [blocks, lanes]: where
    there is one. origin [rows, lanes]: the number of each row in its list. starts [blocks, lists + 1]: where lists
    begin.
    """

    layout: Layout
    members: Integers
    real: Integers
    base: Integers
    mixes: Integers
    turns: Integers
    entries: int
    origin: Integers
    starts: Integers

    def arrays(self, lanes: int, dtype: np.dtype[Any]) -> dict[str, NDArray[Any]]:
        """What kernels read, and room for what they write, by their names."""
        batch, dim = self.layout.batch, self.layout.dim
        blocks, rows, grips = len(self.base), len(self.origin), len(self.members)
        found: dict[str, NDArray[Any]] = {"hold_base": self.base, **self.placed(None)}
        if not batch:
            found["hold_real"] = self.real
        found |= {
            f"mix_{word}": np.ascontiguousarray(self.mixes[:, k]) for k, word in enumerate(("entry", "one", "two"))
        }
        words = ("target", "left", "right", "pivot")
        found |= {f"turn_{word}": np.ascontiguousarray(self.turns[:, k]) for k, word in enumerate(words)}
        found |= {f"hold_{word}": np.zeros((grips, dim, lanes), dtype) for word in ("slope", "pull")}
        found |= {"hold_floor": np.zeros((rows, lanes), dtype), "hold_entry": np.zeros((self.entries, lanes), dtype)}
        found |= {f"hold_{word}": np.zeros((blocks, lanes), dtype=np.int64) for word in ("lost", "when", "spare")}
        found["hold_off"] = np.zeros((blocks, lanes), dtype)
        return found

    def placed(self, place: Integers | None) -> dict[str, Integers]:
        """Who is at each grip, as places in memory where these are given."""
        members = self.members if place is None else place[self.members]
        return {"hold_member": np.ascontiguousarray(members[:, 0]) if self.layout.batch else members}

    def scalars(self, dtype: str) -> dict[str, float | int]:
        """The numbers that kernels read."""
        epsilon = float(np.finfo(dtype).eps)
        return {
            "hold_blocks": len(self.base),
            "hold_rows": len(self.origin),
            "hold_grips": len(self.members),
            "hold_entries": self.entries,
            "hold_mixes": len(self.mixes),
            "hold_turns": len(self.turns),
            "hold_epsilon": epsilon,
            "hold_root": float(np.sqrt(epsilon)),
            "hold_tolerance": TOLERANCE[dtype],
            "hold_slight": SLIGHT[dtype],
        }

    def failed(self, arrays: Mapping[str, NDArray[Any]]) -> Integers:
        """[n, 2], block and lane of molecules that are not held."""
        lost = arrays["hold_lost"]
        return np.argwhere((lost != 0) & ((self.real > 0) | self.layout.batch))

    def independent(self, arrays: Mapping[str, NDArray[Any]]) -> int:
        """How many constraints do not follow from others; in the first run, where lanes are runs."""
        rows = self.starts[:, -1] - self.starts[:, 0]
        left = rows[:, None] - arrays["hold_spare"]
        return int(left[:, 0].sum() if self.layout.batch else left[self.real > 0].sum())

    def complaint(self, arrays: Mapping[str, NDArray[Any]], block: int, lane: int) -> str:
        """Which constraint of which particles is off, and by how much."""
        mark, off = int(arrays["hold_lost"][block, lane]), float(arrays["hold_off"][block, lane])
        row, lane = abs(mark) - 1, 0 if self.layout.batch else lane
        number = int(np.searchsorted(self.starts[block], row, side="right")) - 1
        held = self.layout.dynamics.held[number]
        ends, width = len(held.over.bound), grips_of(self.layout)
        who = ", ".join(str(int(p)) for p in self.members[row * width : row * width + ends, lane])
        of = f" of list {number}" if len(self.layout.dynamics.held) > 1 else ""
        if mark < 0:
            return (
                f"particles {who} (row {self.origin[row, lane]}{of}) move off the constraint {held.written} = 0: its "
                f"rate is {off:.6g} and should be 0"
            )
        return (
            f"particles {who} (row {self.origin[row, lane]}{of}) violate the constraint {held.written} = 0: the "
            f"residual is {off:.6g}"
        )


def holds_of(layout: Layout, count: int, lanes: int) -> Holds:
    """The molecules that constraints make of `count` particles.

    Raises InputError for an index that no particle has.
    """
    lists = [rows_of(each.over, count) for each in layout.dynamics.held]
    labels = _components(lists, count)
    molecules: dict[int, list[list[tuple[int, tuple[int, ...]]]]] = {}
    for c, rows in enumerate(lists):
        for number, row in enumerate(rows.tolist()):
            own = molecules.setdefault(int(labels[row[0]]), [[] for _ in lists])
            own[c].append((number, tuple(row)))
    by_shape: dict[Any, list[list[list[tuple[int, tuple[int, ...]]]]]] = {}
    for own in molecules.values():
        by_shape.setdefault(_signature(own), []).append(own)
    width = grips_of(layout)
    shapes = {key: shape_of(tuple(row for rows in key for row in rows), width) for key in by_shape}
    return _laid_out(layout, by_shape, shapes, 1 if layout.batch else lanes, width)


def _components(lists: list[Integers], count: int) -> Integers:
    """[count], the number of the molecule of each particle."""
    first = np.concatenate([np.repeat(rows[:, 0], rows.shape[1] - 1) for rows in lists])
    other = np.concatenate([rows[:, 1:].reshape(-1) for rows in lists])
    graph = coo_array((np.ones(len(first)), (first, other)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _signature(own: list[list[tuple[int, tuple[int, ...]]]]) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """The rows by list, particles numbered as they appear: the same for molecules of one shape."""
    names: dict[int, int] = {}
    return tuple(tuple(tuple(names.setdefault(p, len(names)) for p in row) for _, row in rows) for rows in own)


def _laid_out(
    layout: Layout, by_shape: Mapping[Any, list[Any]], shapes: Mapping[Any, Shape], lanes: int, width: int
) -> Holds:
    members, real, base, origin, starts = [], [], [], [], []
    mix_start = turn_start = entry = row = 0
    for key, molecules in by_shape.items():
        shape = shapes[key]
        tables = [mix_start, mix_start + len(shape.mixes), turn_start, turn_start + len(shape.turns)]
        mix_start, turn_start = tables[1], tables[3]
        for begin in range(0, len(molecules), lanes):
            some = molecules[begin : begin + lanes]
            filled = [*some, *[some[-1]] * (lanes - len(some))]
            marks = [row + sum(len(rows) for rows in key[:c]) for c in range(len(key) + 1)]
            row = marks[-1]
            base.append([entry, shape.entries, *tables, *marks])
            starts.append(marks)
            entry += shape.entries
            real.append([1] * len(some) + [0] * (lanes - len(some)))
            for c, rows in enumerate(key):
                for r in range(len(rows)):
                    origin.append([own[c][r][0] for own in filled])
                    ends = np.array([own[c][r][1] for own in filled], dtype=np.int64).T
                    members.append(np.concatenate([ends, ends[:1].repeat(width - len(ends), axis=0)]))
    return Holds(
        layout,
        np.concatenate(members),
        np.array(real, dtype=np.int64),
        np.array(base, dtype=np.int64),
        np.concatenate([shapes[key].mixes for key in by_shape]),
        np.concatenate([shapes[key].turns for key in by_shape]),
        entry,
        np.array(origin, dtype=np.int64),
        np.array(starts, dtype=np.int64),
    )
