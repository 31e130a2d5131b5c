"""One kernel on the device: how it is laid over blocks and threads, and how it is launched."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from codegen.emit.cuda import adds_up
from codegen.emit.cuda_groups import largest_factor
from codegen.emit.cuda_team import ROOM, Team
from codegen.emit.cuda_tiles import REGISTERS, WARP
from codegen.emit.cuda_together import Share
from codegen.emit.cuda_wide import BYTES, in_pieces
from codegen.ir import Kind
from codegen.program import Intent, Kernel

from .cuda_device import attributes_here, load_cupy
from .cuda_memory import Mirror
from .cuda_resident import DeviceMemory
from .cuda_schedule import (
    BLOCK_LIMIT,
    GRID_LIMIT,
    USUAL,
    Able,
    Processors,
    Schedule,
    Shape,
    address_of,
    beginnings,
    block_size,
    launch_shape,
    share_of,
)
from .interface import Arrays, LaunchRange, Scalars, check_arrays, launch_range

KEPT = 1024  # bytes of shared memory of each block that are not its own
THREADS_THERE = 2048  # of a multiprocessor
TEAMS = 2  # blocks of a multiprocessor, where each needs global memory of its own
# Elements of arrays, turns of loops and multiples of either that fit 32 bits, with room for threads that stand beyond
# the end and compare their place with it: lanes of the last block (at most 1024 threads of a few neighbours each), and
# along an outer axis, which is dealt out in equal stretches, as many rows as the grid has threads there.
NARROW = 2**31 - 1 - GRID_LIMIT * BLOCK_LIMIT


@dataclass
class Bound:
    """A launch whose arguments are known; `copies`: padded arrays, those that they stand for, and whether they are
    written, so that every launch reads what others have left there and leaves what others will read."""

    name: str
    function: Any
    grid: Shape
    block: Shape
    shared: int
    arguments: list[Any]
    scalars: Mapping[str, tuple[int, Callable[[Any], Any]]]
    copies: list[tuple[Any, Any, bool]]

    def __call__(self) -> None:
        for padded, there, _ in self.copies:
            padded[..., : there.shape[-1]] = there
        self.function(self.grid, self.block, tuple(self.arguments), shared_mem=self.shared)
        for padded, there, written in self.copies:
            if written:
                there[...] = padded[..., : there.shape[-1]]

    @property
    def in_place(self) -> bool:
        """Whether the kernel works on the arrays themselves, so that turns need nothing but launches."""
        return not self.copies

    def give(self, scalars: Scalars) -> None:
        """New values of scalars."""
        for name, value in scalars.items():
            place, kind = self.scalars[name]
            self.arguments[place] = kind(value)


@dataclass(frozen=True)
class CudaKernel:
    """A kernel on the current device; `function(narrow, share)` is compiled when it is first asked for."""

    kernel: Kernel
    dtype: str
    halo: int
    source: str = field(repr=False)
    function: Callable[[bool, Share], Any] = field(repr=False)
    able: Able
    schedule: Schedule = USUAL
    team: Team | None = None

    @cached_property
    def factor(self) -> int:
        """See `largest_factor`: a walk through the whole kernel, which launches do not repeat."""
        return largest_factor(self.kernel)

    def __call__(
        self,
        arrays: Arrays,
        scalars: Scalars,
        extents: tuple[int, ...],
        threads: int = 1,
        first: int = 0,
        last: int | None = None,
    ) -> None:
        """Run in place; see `interface.CompiledKernel`.

        NumPy arrays are copied to the device and, where the kernel writes them, back. CuPy arrays and those of a
        `DeviceMemory` stay where they are, so that repeated launches copy nothing.
        """
        written = [a.name for a in self.kernel.arrays if a.intent is not Intent.IN]
        if isinstance(arrays, DeviceMemory):
            with arrays.stream:
                there = arrays.arrays_for([a.name for a in self.kernel.arrays])
                self.bind(there, scalars, extents, first, last)()
            arrays.wrote(written)
            return
        span = launch_range(self.kernel, extents, first, last)
        check_arrays(self.kernel, arrays, scalars, self.dtype, span.extent + 2 * self.halo)
        if not span.lanes or 0 in span.outer:
            return
        mirror = Mirror.of(load_cupy(), {a.name: arrays[a.name] for a in self.kernel.arrays})
        self.bind(mirror.arrays, scalars, extents, first, last)()
        mirror.fetch(written)

    def bind(
        self, arrays: Mapping[str, Any], scalars: Scalars, extents: tuple[int, ...], first: int = 0,
        last: int | None = None,
    ) -> Bound | Idle:  # fmt: skip
        """A launch on arrays of the device. Lane axes of different lengths are padded to the longest, in copies."""
        span = launch_range(self.kernel, extents, first, last)
        check_arrays(self.kernel, arrays, scalars, self.dtype, span.extent + 2 * self.halo)
        if not span.lanes or 0 in span.outer:
            return Idle()
        cupy = load_cupy()
        integers = [s for s in self.kernel.scalars if s.kind is Kind.INT]
        lengths = [arrays[a.name].shape[-1] // a.components for a in self.kernel.arrays if a.instanced]
        stride = max(lengths, default=span.extent)
        given, copies = {}, []
        for array in self.kernel.arrays:
            there = given[array.name] = arrays[array.name]
            if array.instanced and there.shape[-1] != stride * array.components:
                shape = (*there.shape[:-1], stride * array.components)
                padded = given[array.name] = cupy.zeros(shape, dtype=there.dtype)
                copies.append((padded, there, array.intent is not Intent.IN))
        largest = max([span.extent, *span.outer, *(abs(int(scalars[s.name])) for s in integers)])
        narrow = max([largest * self.factor, *(a.size for a in given.values())]) <= NARROW
        share = self._share(cupy, span, given, stride, scalars)
        function = self.function(narrow, share)
        grid, block = self._shape(cupy, function, span, share)
        real = np.dtype(self.dtype).type
        kinds = [real if s.kind is Kind.REAL else np.int64 for s in self.kernel.scalars]
        limits = [np.int64(n) for n in (span.first, span.last, stride, *span.outer)]
        numbers = [kind(scalars[s.name]) for s, kind in zip(self.kernel.scalars, kinds, strict=True)]
        arguments = [*limits, *(given[a.name] for a in self.kernel.arrays), *numbers]
        begin = len(arguments) - len(numbers)
        places = {s.name: (begin + i, kinds[i]) for i, s in enumerate(self.kernel.scalars)}
        if self.team is not None:
            arguments.append(cupy.empty((1 if self.team.shared else grid[0] * self.team.memory,), real))
        return Bound(self.kernel.name, function, grid, block, self._shared, arguments, places, copies)

    @property
    def _shared(self) -> int:
        """The bytes of shared memory that a launch asks for."""
        return 0 if self.team is None else self.team.bytes

    def _share(self, cupy: Any, span: LaunchRange, given: Mapping[str, Any], stride: int, scalars: Scalars) -> Share:
        there = {a.name: (address_of(given[a.name]), given[a.name].nbytes) for a in in_pieces(self.kernel)}
        begins = beginnings(self.kernel, there, self.halo, span.first, stride, np.dtype(self.dtype).itemsize)
        attributes = attributes_here(cupy)
        processors = Processors(int(attributes["MultiProcessorCount"]), int(attributes.get("L2CacheSize", 0)))
        level = all(address_of(given[name]) % BYTES == 0 for name in self.able.rows_of)
        return share_of(self.schedule, self.able, span, begins, processors, self.able.turns(scalars), level)

    def _shape(self, cupy: Any, function: Any, span: LaunchRange, share: Share) -> tuple[Shape, Shape]:
        processors = int(attributes_here(cupy)["MultiProcessorCount"])
        if self.team is not None:
            blocks = -(-span.lanes // self.team.samples)
            most = resident_teams(cupy, function, self.team) if self.team.shared else TEAMS
            most *= processors
            return (min(blocks, most), 1, 1), (self.team.threads, 1, 1)
        instances = span.lanes * math.prod(span.outer) // (max(share.lanes, 1) * share.rows)
        limit = function.max_threads_per_block
        size = block_size(function.num_regs, instances * share.parts, processors, limit, self.schedule.threads)
        if share.parts > 1:
            size = min(max(size, WARP * share.parts), 1 << (limit.bit_length() - 1))
        return launch_shape(span, size, processors, adds_up(self.kernel), share, self.schedule.tall)


def resident_teams(cupy: Any, function: Any, team: Team) -> int:
    """How many blocks of a team a multiprocessor holds at once: more than these take their turns in what is there."""
    room = int(attributes_here(cupy).get("MaxSharedMemoryPerMultiprocessor", ROOM))
    by_memory = room // (team.bytes + function.shared_size_bytes + KEPT)
    by_registers = REGISTERS // (-(-function.num_regs // 8) * 8 * team.threads)
    return max(1, min(by_memory, by_registers, THREADS_THERE // team.threads))


class Idle(Bound):
    """A launch over nothing."""

    def __init__(self) -> None:
        super().__init__("", None, (0, 0, 0), (0, 0, 0), 0, [], {}, [])

    def __call__(self) -> None:
        """Nothing to do."""

    def give(self, scalars: Scalars) -> None:
        """Nobody reads them."""
