"""Sweeps on a GPU: several launches on a lattice of rings in one walk through arrays that no cache holds.

A sweep writes elsewhere than it reads, so that it takes memory beside the arrays of a program; where there is none, or
where an array is small, launches follow one another as they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from codegen.emit.cuda_groups import largest_factor
from codegen.emit.cuda_tiles import Tile, shared_bytes, tile_of
from codegen.emit.cuda_together import Share
from codegen.emit.cuda_wide import BYTES, in_pieces
from codegen.interpret_program import size_of
from codegen.program import Repeat
from codegen.rounds import Part, Round
from codegen.sweep import Sweep

from .cuda_device import attributes_here
from .cuda_kernel import Bound, CudaKernel, Idle
from .cuda_memory import block_of
from .cuda_schedule import GRID_LIMIT, Processors, Schedule, Shape, address_of, beginnings
from .interface import LaunchRange

Action = Callable[[Mapping[str, float | int]], None]


@dataclass(frozen=True)
class SweepKernel(CudaKernel):
    """A sweep on the current device, in blocks that have a tile each."""

    sweep: Sweep = field(kw_only=True)
    tile: Tile = field(kw_only=True)

    @cached_property
    def factor(self) -> int:
        """See `CudaKernel`: of what all stages compute, each with a name of its own for its place along the walk."""
        return largest_factor(self.sweep.inner, tuple(stage.walk for stage in self.sweep.stages))

    def suits(self, cupy: Any, arrays: Mapping[str, Any], extents: tuple[int, ...]) -> bool:
        """Whether a launch of that size is worth it: arrays that no cache holds, blocks for all processors."""
        attributes = attributes_here(cupy)
        processors = Processors(int(attributes["MultiProcessorCount"]), int(attributes.get("L2CacheSize", 0)))
        tile, (walk, *rows, lanes) = self.tile, extents
        grid, _ = self.shape(extents)
        lengths = {arrays[a.name].shape[-1] / a.components for a in self.kernel.arrays if a.instanced}
        there = {a.name: (address_of(arrays[a.name]), arrays[a.name].nbytes) for a in in_pieces(self.kernel)}
        item = np.dtype(self.dtype).itemsize
        begins = beginnings(self.kernel, there, self.halo, 0, int(max(lengths)), item)
        return (
            len(lengths) == 1  # others are padded in copies
            and lanes % tile.wide == 0
            and lanes >= tile.across * tile.wide
            and all(count >= tile.high for count in rows)
            and walk >= 2 * (self.sweep.margin[0] + self.sweep.end + 1)
            and max(grid[1:]) <= GRID_LIMIT
            and int(np.prod(grid)) >= processors.count
            and sum(begins[name][1] for name in self.on_lattice) > self.schedule.beyond * processors.cache
            and not any(begin % BYTES for begin, _ in begins.values())
        )

    @property
    def on_lattice(self) -> frozenset[str]:
        """The arrays that it reads and writes place by place."""
        streams = self.sweep.streams.values()
        return frozenset(s.target if s.output else s.array for s in streams if s.output or s.stage is None)

    def shape(self, extents: tuple[int, ...]) -> tuple[Shape, Shape]:
        """(grid, block): tiles of the lanes along x, of the rows along y, stretches of the walk along z."""
        tile, (walk, *rows, lanes) = self.tile, extents
        high = -(-rows[0] // tile.rows) if rows else 1
        grid = -(-lanes // tile.lanes), high, -(-walk // self.schedule.stretch)
        return grid, (tile.across, tile.high, 1)

    def _share(
        self,
        cupy: Any,
        span: LaunchRange,
        given: Mapping[str, Any],
        stride: int,
        scalars: Mapping[str, float | int],
    ) -> Share:
        del cupy, span, given, stride, scalars
        return Share(lanes=self.tile.wide, streaming=self.schedule.streaming)

    def _shape(self, cupy: Any, function: Any, span: LaunchRange, share: Share) -> tuple[Shape, Shape]:
        return self.shape((*span.outer, span.extent))

    @property
    def _shared(self) -> int:
        return shared_bytes(self.sweep, self.tile)


@dataclass(frozen=True)
class CudaRound:
    """A round of turns, and the sweeps that it launches, `kernels[i]` for `round.parts[i]`."""

    round: Round
    kernels: tuple[SweepKernel, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """The text of its sweeps, each once."""
        return tuple(dict.fromkeys(kernel.source for kernel in self.kernels))

    def bind(self, cupy: Any, arrays: Mapping[str, Any], scalars: Mapping[str, float | int]) -> BoundRound | None:
        """The launches of a round on arrays of the device; None where it does not suit them, or memory runs short."""
        sizes = [tuple(size_of(n, scalars) for n in part.sweep.extents) for part in self.round.parts]
        for part, kernel, extents in zip(self.round.parts, self.kernels, sizes, strict=True):
            likes = {n: self.round.spares.get(place, place) for n, place in part.places.items()}
            if not kernel.suits(cupy, {name: arrays[like] for name, like in likes.items()}, extents):
                return None
        try:
            spares = {name: _like(cupy, arrays[like]) for name, like in self.round.spares.items()}
        except cupy.cuda.memory.OutOfMemoryError:
            return None
        there = {**arrays, **spares}
        bound = []
        for part, kernel, extents in zip(self.round.parts, self.kernels, sizes, strict=True):
            given = {name: there[place] for name, place in part.places.items()}
            bound.append(kernel.bind(given, {s.name: scalars[s.name] for s in kernel.kernel.scalars}, extents))
        return BoundRound(self, bound, spares)


@dataclass(frozen=True)
class BoundRound:
    """The launches of a round, and the arrays that it needs besides."""

    made: CudaRound
    launches: list[Bound | Idle]
    spares: Mapping[str, Any]

    def actions(self, step: Repeat) -> list[tuple[Action, bool]]:
        """What launches them, and whether it is the same in every round."""
        return [
            self._action(step, part, launch) for part, launch in zip(self.made.round.parts, self.launches, strict=True)
        ]

    def _action(self, step: Repeat, part: Part, launch: Bound | Idle) -> tuple[Action, bool]:
        counter = step.counter
        counted = counter is not None and any(s.name == counter for s in part.sweep.kernel.scalars)

        def act(scalars: Mapping[str, float | int]) -> None:
            if counted:
                assert counter is not None
                launch.give({counter: scalars[counter] + part.turn * step.stride})
            launch()

        return act, not counted


def compiled_round(
    found: Round, schedule: Schedule, dtype: str, room: int, compiled: Callable[[Sweep, Tile], SweepKernel]
) -> CudaRound | None:
    """The sweeps of a round; None where a block cannot hold what one of them needs, with `room` bytes to share."""
    kernels: dict[int, SweepKernel] = {}
    for part in found.parts:
        if id(part.sweep) not in kernels:
            tile = tile_of(part.sweep, dtype, schedule.across, schedule.high, room)
            if tile is None:
                return None
            kernels[id(part.sweep)] = compiled(part.sweep, tile)
    return CudaRound(found, tuple(kernels[id(part.sweep)] for part in found.parts))


def _like(cupy: Any, array: Any) -> Any:
    """Memory as another array has it, as far from a boundary."""
    block = block_of(cupy, array.nbytes, address_of(array))
    return block[: array.nbytes].view(array.dtype).reshape(array.shape)
