"""What of a program native code takes in one piece: launches and their repetitions, with and without numbers.

From the program: `Operation` (a launch and its kernel), `Segment` (operations in turn, so many times), `Piece`
(segments in a row). With the numbers of a run: `Bound` (an operation and its arrays) and `Place` (how large that is).
The idea is told in docs/compiler.md, "Steps over large arrays".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from codegen.ir import Kind
from codegen.program import EVERYWHERE, Intent, Launch, Size

if TYPE_CHECKING:
    from .cpu import CpuKernel


@dataclass(frozen=True)
class Operation:
    """What is known of a launch before it has numbers."""

    launch: Launch
    kernel: CpuKernel

    @cached_property
    def names(self) -> dict[str, str]:
        """Arrays and scalars of the program, by the names that the kernel has for them."""
        names = dict(self.launch.rename)
        own = (*(a.name for a in self.kernel.kernel.arrays), *(s.name for s in self.kernel.kernel.scalars))
        return {name: names.get(name, name) for name in own}

    @cached_property
    def accesses(self) -> dict[str, tuple[bool, int]]:
        """By array of the program: whether it is written, and how far the launch reaches in it."""
        found: dict[str, tuple[bool, int]] = {}
        for array in self.kernel.kernel.arrays:
            written = array.intent is not Intent.IN
            found[self.names[array.name]] = (written, 0 if written else self.launch.reach)
        return found

    @cached_property
    def sums(self) -> tuple[tuple[int, str], ...]:
        """The arrays to which it adds: their entries in the table, and the program's names."""
        arrays = enumerate(self.kernel.kernel.arrays)
        return tuple((entry, self.names[a.name]) for entry, a in arrays if a.intent is Intent.SUM)

    @property
    def everywhere(self) -> bool:
        """Whether each row looks at all others."""
        return self.launch.reach >= EVERYWHERE

    def slot(self, counter: str | None) -> int:
        """Where the counter of a repetition stands in the table."""
        own = (s.name for s in self.kernel.kernel.scalars if self.names[s.name] == counter)
        return self.kernel.slot(next(own, ""))


@dataclass(frozen=True)
class Place:
    """On how many blocks an operation runs, and how many bytes it goes through."""

    row_blocks: int  # the blocks of one index of the first outer axis; all, where there is none
    rows: int
    columns: int  # the indices of the second outer axis; one, where there is none
    work: int


@dataclass(frozen=True)
class Bound:
    """A launch with its numbers."""

    operation: Operation
    arrays: Mapping[str, NDArray[Any]]
    scalars: Mapping[str, float | int]
    extents: tuple[int, ...]

    @property
    def place(self) -> Place:
        """Where it runs; each row goes through all bytes where it looks at all others."""
        outer, lanes = self.extents[1:-1], self.operation.kernel.lanes
        rows = self.extents[0] if len(self.extents) > 1 else 1
        size = sum(a.nbytes for a in self.arrays.values())
        return Place(
            math.prod(outer) * -(-self.extents[-1] // lanes),
            rows,
            self.extents[1] if len(self.extents) > 2 else 1,
            size * rows if self.operation.everywhere else size,
        )


@dataclass(frozen=True)
class Segment:
    """Launches that are done `count` times one after the other; `counter` goes up by `stride` each time."""

    operations: tuple[Operation, ...]
    count: Size = 1
    counter: str | None = None
    stride: int = 1

    @cached_property
    def reals(self) -> list[str]:
        """The real scalars of its operations, by the program's names."""
        return [name for *_, name, kind in self._scalars if kind is Kind.REAL]

    @cached_property
    def words(self) -> list[str]:
        """The integer scalars of its operations, by the program's names."""
        return [name for *_, name, kind in self._scalars if kind is not Kind.REAL]

    def entries(self, first: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where `reals` and `words` stand in a flat table of rows of `width` entries, its own from row `first` on."""
        at = [((first + number) * width + slot, kind) for number, slot, _, kind in self._scalars]
        reals = [place for place, kind in at if kind is Kind.REAL]
        words = [place for place, kind in at if kind is not Kind.REAL]
        return np.array(reals, dtype=np.int64), np.array(words, dtype=np.int64)

    @cached_property
    def _scalars(self) -> list[tuple[int, int, str, Kind]]:
        return [
            (number, op.kernel.slot(scalar.name), op.names[scalar.name], scalar.kind)
            for number, op in enumerate(self.operations)
            for scalar in op.kernel.kernel.scalars
        ]


@dataclass(frozen=True)
class Piece:
    """Segments that run without a return to Python."""

    segments: tuple[Segment, ...]

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        return tuple(op for segment in self.segments for op in segment.operations)

    @cached_property
    def sizes(self) -> tuple[str, ...]:
        """The scalars of the program by which its arrays and extents are as large as they are."""
        found: dict[str, None] = {}
        for op in self.operations:
            found |= dict.fromkeys(e for e in op.launch.extents if isinstance(e, str))
            for array in op.kernel.kernel.arrays:
                found |= dict.fromkeys(op.names[s] for s in array.shape if isinstance(s, str))
        return tuple(found)

    @property
    def alone(self) -> Operation | None:
        """The launch, where there is nothing else, and no counter."""
        first, ops = self.segments[0], self.operations
        return ops[0] if len(ops) == 1 and first.count == 1 and first.counter is None else None


def joins(before: Sequence[Segment], segment: Segment) -> bool:
    """Whether a segment may run in one piece with those before it: over like rows, and with no sum before the last.

    What is summed up is known once all threads are through, and nothing before it may touch it.
    """
    if not before:
        return True
    rows = before[0].operations[0].launch.extents[:-1][:2]
    if any(op.launch.extents[:-1][:2] != rows for op in segment.operations):
        return False
    if any(op.sums for op in before[-1].operations):
        return False
    names = {name for op in segment.operations for _, name in op.sums}
    return not any(names & op.accesses.keys() for each in before for op in each.operations)
