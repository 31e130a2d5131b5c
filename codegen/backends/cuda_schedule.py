"""How a launch is laid over blocks and threads, and how much of it a thread takes: by its size, never by what it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codegen.emit.cuda_beside import in_rows
from codegen.emit.cuda_groups import GROUP
from codegen.emit.cuda_parts import can_share_loops, lengths
from codegen.emit.cuda_tiles import REGISTERS, WARP
from codegen.emit.cuda_together import ALONE, Share, can_share_rows
from codegen.emit.cuda_wide import BYTES, in_pieces, wide_lanes
from codegen.interpret import evaluate
from codegen.ir import Node, variables
from codegen.program import Kernel

from .interface import LaunchRange, Scalars

BLOCK_LIMIT = 1024  # what the block sums of the emitted text have room for
GRID_LIMIT = 65535  # blocks along y and z; threads walk along the rest
BLOCKS = 32  # of a multiprocessor, more than it holds at once, before threads take several rows
ROWS = 64  # that a thread takes at most
LISTED = 128  # turns of a loop whose length stands in memory: about the neighbours that a list has in a fluid

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Schedule:
    """What a launch may be laid out like; `benchmarks/gpu.py` measures others.

    threads: of a block, where registers allow. tall: rows of a block where neighbours along two axes are shared. rows:
    that a thread takes at once where it loads the same for all (particles of all pairs), as long as `few` threads a
    multiprocessor remain; group: terms of a sum that share loads. parts: threads that share the sums of an instance,
    at most, each with `turns` terms or more, until a multiprocessor has `full` threads. wide: threads take several
    neighbours by accesses of sixteen bytes where it has `many` instances; ahead: and ask for the next row before they
    compute one; streaming: and keep what they write out of the caches, where the arrays are `beyond` times as large as
    these. together: blocks make products of wide networks together; without, each thread makes its own.
    steps: launches on a lattice of rings that are taken in one walk through arrays as large as that; 1: none. across,
    high: threads along the lanes and rows of a block's tile there; stretch: places along its walk.
    """

    threads: int = 256
    tall: int = 8
    rows: int = 2
    few: int = 192
    group: int = GROUP
    parts: int = 16
    turns: int = 32
    full: int = 2048
    wide: bool = True
    many: int = 2048
    ahead: bool = True
    streaming: bool = True
    beyond: float = 4.0
    together: bool = True
    steps: int = 2
    across: int = 32
    high: int = 28
    stretch: int = 128


USUAL = Schedule()


@dataclass(frozen=True)
class Processors:
    """What a schedule has to know of a device: its multiprocessors, and the bytes of the cache that all share."""

    count: int
    cache: int


@dataclass(frozen=True)
class Able:
    """What threads may take of a kernel: neighbours along the outer axis that share loops; `lanes` (0: none); parts of
    `loops` of so many turns (empty: none); what lies side by side in arrays `rows_of` (empty: none) by one access."""

    rows: bool
    lanes: int
    loops: tuple[Node, ...] = ()
    rows_of: tuple[str, ...] = ()

    @classmethod
    def of(cls, kernel: Kernel, dtype: str) -> Able:
        """Read off a kernel, once."""
        if kernel.shares:  # by blocks, in a way of their own
            return cls(False, 0)
        loops = lengths(kernel) if can_share_loops(kernel) else ()
        return cls(can_share_rows(kernel), wide_lanes(kernel, dtype), loops, in_rows(kernel, dtype))

    @property
    def several(self) -> bool:
        """Whether it depends on a launch how many instances a thread takes."""
        return self.rows or self.lanes > 0 or bool(self.loops or self.rows_of)

    def turns(self, scalars: Scalars) -> int:
        """Of the longest loop that threads may share, `LISTED` of one of which scalars do not say; none without any."""
        known = [n for n in self.loops if {v.attribute for v in variables((n,))} <= scalars.keys()]
        guessed = LISTED if len(known) < len(self.loops) else 0
        return max([guessed, *map(int, evaluate(tuple(known), scalars))])


def share_of(
    schedule: Schedule,
    able: Able,
    span: LaunchRange,
    begins: Mapping[str, tuple[int, int]],
    processors: Processors,
    turns: int = 0,
    level: bool = False,
) -> Share:
    """How many instances a thread takes, or how many threads an instance whose longest loop has so many `turns`.

    `begins`: the address of the first instance that runs in the first row, and the bytes of all rows, of each array
    of `in_pieces`. level: whether all arrays of `able.rows_of` begin on a boundary of sixteen bytes.
    """
    beside = level and bool(able.rows_of)
    instances = span.lanes * math.prod(span.outer)
    if able.rows or able.loops:
        several = able.rows and instances >= schedule.rows * schedule.few * processors.count
        rows = schedule.rows if several else 1
        missing = schedule.full * processors.count * rows // max(instances, 1)
        wanted = min(missing, turns // schedule.turns, schedule.parts)
        return Share(rows=rows, parts=1 << max(wanted.bit_length() - 1, 0), group=schedule.group, beside=beside)
    if not schedule.wide or instances < schedule.many * processors.count:
        return Share(beside=beside)
    lanes = able.lanes
    if not lanes or span.lanes < lanes or any(begin % BYTES for begin, _ in begins.values()):
        return Share(beside=beside)
    large = sum(size for _, size in begins.values()) > schedule.beyond * processors.cache
    ahead, streaming = schedule.ahead and bool(span.outer), schedule.streaming and large
    return Share(lanes=lanes, ahead=ahead, streaming=streaming, beside=beside)


def beginnings(
    kernel: Kernel, arrays: Mapping[str, tuple[int, int]], halo: int, first: int, stride: int, item: int
) -> dict[str, tuple[int, int]]:
    """What `share_of` asks for, from the address and the bytes of every array: an address that is on no boundary of 16
    bytes stands for rows that are not."""
    found = {}
    for array in in_pieces(kernel):
        address, size = arrays[array.name]
        odd = stride * array.components * item % BYTES
        found[array.name] = (odd or address + (halo + first) * array.components * item, size)
    return found


def block_size(registers: int, instances: int, multiprocessors: int, limit: int, threads: int = 256) -> int:
    """Threads of a block: enough to hide latency at this many registers a thread, few enough to reach all processors.

    At least four blocks should fit the registers of a multiprocessor, and no multiprocessor should idle while another
    has more than a warp. A power of two, so that blocks fill multiprocessors evenly.
    """
    by_registers = REGISTERS // (4 * max(registers, 16))
    by_instances = -(-instances // max(multiprocessors, 1))
    wanted = min(by_registers, max(by_instances, WARP), threads, limit, BLOCK_LIMIT)
    return max(WARP, 1 << (wanted.bit_length() - 1))


def launch_shape(
    span: LaunchRange, threads: int, multiprocessors: int, one_row: bool, share: Share = ALONE, tall: int = 8
) -> tuple[Shape, Shape]:
    """(grid, block): lanes along x, the last outer axis along y, the one before it along z.

    Where there are two outer axes, a block covers several rows of the last (`tall`), so that threads share the
    neighbours along it, and walks along the one before; else short lane axes alone leave room for several rows
    (`one_row`: not in this kernel), unless threads along z share the loops of an instance. Where there are more blocks
    than keep all multiprocessors busy, threads take several rows, so that what does not change along them is done once.
    """
    y, z = (*span.outer[::-1][:2], 1, 1)[:2]
    count = -(-span.lanes // max(share.lanes, 1))
    y = -(-y // share.rows)
    one_row = one_row or share.parts > 1
    lanes = 1 << (count - 1).bit_length() if count <= WARP else -(-count // WARP) * WARP
    tiled = len(span.outer) > 1 and not one_row and y >= tall
    width = min(threads // (tall if tiled else share.parts), lanes)
    width = max(width, WARP // share.parts) if one_row or not span.outer else max(width, 1)
    high = 1 if one_row else max(1, min(threads // width, y))
    across, up = -(-count // width), -(-y // high)
    rows = min(max(across * up * z // (BLOCKS * multiprocessors), 1), ROWS)
    if tiled:
        return (across, min(up, GRID_LIMIT), min(-(-z // rows), GRID_LIMIT)), (width, high, 1)
    return (across, min(-(-up // rows), GRID_LIMIT), min(z, GRID_LIMIT)), (width, high, share.parts)


def address_of(array: Any) -> int:
    """Where an array of the device begins."""
    return int(array.data.ptr)
