"""One kernel on the device: how it is laid over blocks and threads, and how it is launched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from codegen.emit.cuda import adds_up
from codegen.emit.cuda_groups import largest_factor
from codegen.ir import Kind
from codegen.program import Intent, Kernel

from .cuda_device import load_cupy
from .cuda_memory import Mirror
from .cuda_resident import DeviceMemory
from .interface import Arrays, LaunchRange, Scalars, check_arrays, launch_range

WARP = 32
BLOCK_LIMIT = 1024  # what the block sums of the emitted text have room for
THREADS = 256  # of a block, where registers allow
GRID_LIMIT = 65535  # blocks along y and z; threads walk along the rest
REGISTERS = 65536  # of a multiprocessor, on every architecture from Kepler on
BLOCKS = 32  # of a multiprocessor, more than it holds at once, before threads take several rows
ROWS = 64  # that a thread takes at most
TALL = 8  # rows of a block where neighbours along two axes are shared
NARROW = 2**31 - 1  # elements of arrays, turns of loops and multiples of either that fit 32 bits


def block_size(registers: int, instances: int, multiprocessors: int, limit: int) -> int:
    """Threads of a block: enough to hide latency at this many registers a thread, few enough to reach all processors.

    At least four blocks should fit the registers of a multiprocessor, and no multiprocessor should idle while another
    has more than a warp. A power of two, so that blocks fill multiprocessors evenly.
    """
    by_registers = REGISTERS // (4 * max(registers, 16))
    by_instances = -(-instances // max(multiprocessors, 1))
    wanted = min(by_registers, max(by_instances, WARP), THREADS, limit, BLOCK_LIMIT)
    return max(WARP, 1 << (wanted.bit_length() - 1))


Shape = tuple[int, int, int]


def launch_shape(span: LaunchRange, threads: int, multiprocessors: int, one_row: bool) -> tuple[Shape, Shape]:
    """(grid, block): lanes along x, the last outer axis along y, the one before it along z.

    Where there are two outer axes, a block covers several rows of the last, so that threads share the neighbours along
    it, and walks along the one before; else short lane axes alone leave room for several rows (`one_row`: not in this
    kernel). Where there are more blocks than keep all multiprocessors busy, threads take several rows, so that what
    does not change along them is done once.
    """
    y, z = (*span.outer[::-1][:2], 1, 1)[:2]
    lanes = 1 << (span.lanes - 1).bit_length() if span.lanes <= WARP else -(-span.lanes // WARP) * WARP
    tiled = len(span.outer) > 1 and not one_row and y >= TALL
    width = min(threads // TALL if tiled else threads, lanes)
    width = max(width, WARP) if one_row or not span.outer else max(width, 1)
    tall = 1 if one_row else max(1, min(threads // width, y))
    across, up = -(-span.lanes // width), -(-y // tall)
    rows = min(max(across * up * z // (BLOCKS * multiprocessors), 1), ROWS)
    if tiled:
        return (across, min(up, GRID_LIMIT), min(-(-z // rows), GRID_LIMIT)), (width, tall, 1)
    return (across, min(-(-up // rows), GRID_LIMIT), min(z, GRID_LIMIT)), (width, tall, 1)


@dataclass
class Bound:
    """A launch whose arguments are known; `back`: copies of padded arrays to where they belong."""

    name: str
    function: Any
    grid: Shape
    block: Shape
    arguments: list[Any]
    scalars: Mapping[str, tuple[int, Callable[[Any], Any]]]
    back: list[tuple[Any, Any]]

    def __call__(self) -> None:
        self.function(self.grid, self.block, tuple(self.arguments))
        for result, there in self.back:
            there[...] = result[..., : there.shape[-1]]

    @property
    def in_place(self) -> bool:
        """Whether the kernel works on the arrays themselves, so that turns need nothing but launches."""
        return not self.back

    def give(self, scalars: Scalars) -> None:
        """New values of scalars."""
        for name, value in scalars.items():
            place, kind = self.scalars[name]
            self.arguments[place] = kind(value)


@dataclass(frozen=True)
class CudaKernel:
    """A kernel on the current device; `function(narrow)` is compiled when it is first asked for."""

    kernel: Kernel
    dtype: str
    halo: int
    source: str = field(repr=False)
    function: Callable[[bool], Any] = field(repr=False)

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
        given, back = {}, []
        for array in self.kernel.arrays:
            there = given[array.name] = arrays[array.name]
            if array.instanced and there.shape[-1] != stride * array.components:
                padded = given[array.name] = _padded(cupy, there, stride * array.components)
                if array.intent is not Intent.IN:
                    back.append((padded, there))
        largest = max([span.extent, *span.outer, *(abs(int(scalars[s.name])) for s in integers)])
        narrow = max([largest * self.factor, *(a.size for a in given.values())]) <= NARROW
        function = self.function(narrow)
        grid, block = self._shape(cupy, function, span)
        real = np.dtype(self.dtype).type
        kinds = [real if s.kind is Kind.REAL else np.int64 for s in self.kernel.scalars]
        limits = [np.int64(n) for n in (span.first, span.last, stride, *span.outer)]
        numbers = [kind(scalars[s.name]) for s, kind in zip(self.kernel.scalars, kinds, strict=True)]
        arguments = [*limits, *(given[a.name] for a in self.kernel.arrays), *numbers]
        begin = len(arguments) - len(numbers)
        places = {s.name: (begin + i, kinds[i]) for i, s in enumerate(self.kernel.scalars)}
        return Bound(self.kernel.name, function, grid, block, arguments, places, back)

    def _shape(self, cupy: Any, function: Any, span: LaunchRange) -> tuple[Shape, Shape]:
        processors = int(cupy.cuda.Device().attributes["MultiProcessorCount"])
        instances = span.lanes * int(np.prod(span.outer, dtype=np.int64))
        size = block_size(function.num_regs, instances, processors, function.max_threads_per_block)
        return launch_shape(span, size, processors, adds_up(self.kernel))


class Idle(Bound):
    """A launch over nothing."""

    def __init__(self) -> None:
        super().__init__("", None, (0, 0, 0), (0, 0, 0), [], {}, [])

    def __call__(self) -> None:
        """Nothing to do."""

    def give(self, scalars: Scalars) -> None:
        """Nobody reads them."""


def _padded(cupy: Any, array: Any, length: int) -> Any:
    out = cupy.zeros((*array.shape[:-1], length), dtype=array.dtype)
    out[..., : array.shape[-1]] = array
    return out
