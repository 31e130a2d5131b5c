"""How large the tile of a block is that takes several launches in one walk, and what it keeps where.

Registers decide: a block that fills a multiprocessor has 1024 threads of 64 registers, and where fewer are left to a
thread than it needs, memory takes more time than the tile saves. Measured on an H200, pairs of steps of phi^4 on 1024^3
sites in single precision: 5.9 ms with 1024 threads of 64 registers, 6.8 with 640 of 80, 8.8 with 1280 of 48, which
spill.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen.sweep import Stream, Sweep

from .cuda_together import operations
from .cuda_wide import BYTES, LARGE, per_piece

WARP = 32
THREADS = 1024  # of a block
REGISTERS = 65536  # of a multiprocessor, on every architecture from Kepler on
OTHERS = 20  # registers of a thread, at least, besides those that hold streams
GRAIN = 8  # registers that a thread gets at a time
MANY = 768  # threads of a multiprocessor, below which memory is waited for


@dataclass(frozen=True)
class Tile:
    """The threads of a block: `across` along the lanes, `high` rows of them, those of the ring around it included.

    pad: threads of the ring at either end of a row; margin: its rows. wide: numbers of a piece. aside: older planes of
    a column stand in shared memory alone.
    """

    across: int
    high: int
    pad: int
    margin: int
    wide: int
    aside: bool

    @property
    def threads(self) -> int:
        """Of a block."""
        return self.across * self.high

    @property
    def lanes(self) -> int:
        """Of the tile itself."""
        return self.wide * (self.across - 2 * self.pad)

    @property
    def rows(self) -> int:
        """Of the tile itself."""
        return self.high - 2 * self.margin


def tile_of(sweep: Sweep, dtype: str, across: int, rows: int, room: int) -> Tile | None:
    """The tile of a block: `rows` rows at most where there are any, as many threads `across` the lanes, or four times
    as many where there are no rows. None where registers, and `room` bytes of shared memory, hold no tile that pays.
    """
    wide = per_piece(dtype)
    _, margin, lanes = sweep.margin
    pad = -(-lanes // wide)
    rowless = len(sweep.kernel.outer) == 1
    across, most = (4 * across, 1) if rowless else (across, rows + 2 * margin)
    there = {aside: _threads(sweep, aside, room - 2 * BYTES * pad, wide) for aside in (False, True)}
    aside = min(there[True], across * most) > there[False]
    threads = min(there[aside], across * most)
    if rowless:
        tile = Tile(threads // WARP * WARP, 1, pad, 0, wide, aside)
    else:
        tile = Tile(across, threads // across, pad, margin, wide, aside)
    large = any(wide * operations(stage.body) > LARGE for stage in sweep.stages)
    return tile if not large and tile.rows > 0 and tile.lanes > 0 and _pays(sweep, tile, there[aside]) else None


def _pays(sweep: Sweep, tile: Tile, threads: int) -> bool:
    """Whether fewer numbers are moved than by the launches as they are, with what blocks next to each other both read.

    A quarter fewer must be: what is computed twice, and threads that wait for each other, take time too; and fewer
    still where a multiprocessor has few threads: 8.3 ms were 10.7 with 512.
    """
    read = sum(
        (tile.rows + 2 * sweep.around(s)[1]) * tile.across * tile.wide / (tile.rows * tile.lanes)
        for s in sweep.streams.values()
        if s.stage is None
    )
    written = sum(s.output for s in sweep.streams.values())
    return read + written <= 0.75 * min(1.0, threads / MANY) * sweep.apart


def _threads(sweep: Sweep, aside: bool, room: int, wide: int) -> int:
    """For how many threads of a block there are registers, and room in shared memory.

    Compilers load what a stage reads, all but one piece, before they compute with it.
    """
    pieces = sum(len(held_places(sweep, s, aside)) + (s.stage is None) for s in sweep.streams.values())
    loads = max(len(_loaded(sweep, number, aside, wide)) for number in range(len(sweep.stages))) - wide
    needed = (BYTES * pieces + BYTES // wide * loads) // 4
    registers = max(needed, BYTES * pieces // 4 + OTHERS)
    laid = sum(len(laid_places(sweep, s, aside)[1]) for s in sweep.streams.values())
    return min(THREADS, REGISTERS // (-(-registers // GRAIN) * GRAIN), room // (BYTES * max(laid, 1)))


def _loaded(sweep: Sweep, stage: int, aside: bool, wide: int) -> set[tuple[str, int, int, int]]:
    """The numbers that a thread loads from shared memory for a stage."""
    found = set()
    for stream in sweep.streams.values():
        held = held_places(sweep, stream, aside)
        for reader, (along, row, lane) in stream.reads:
            own = row == 0 and along - sweep.stages[stage].lag in held
            numbers = range(lane, lane + wide) if reader == stage else ()
            found |= {(stream.name, along, row, n) for n in numbers if not (own and 0 <= n < wide)}
    return found


def shared_bytes(sweep: Sweep, tile: Tile) -> int:
    """The shared memory of a block."""
    planes = sum(len(laid_places(sweep, s, tile.aside)[1]) for s in sweep.streams.values())
    return BYTES * (planes * tile.threads + 2 * tile.pad)


def held_places(sweep: Sweep, stream: Stream, aside: bool) -> range:
    """The places along the walk, counted from the front, at which a thread holds its piece of a stream."""
    oldest, newest = sweep.planes(stream)
    if not stream.reads:
        return range(0)
    if not aside or oldest == newest:
        return range(oldest, newest + 1)
    beside = sweep.beside(stream)
    waits = stream.stage is not None and all(offset[0] - sweep.stages[s].lag < newest for s, offset in stream.reads)
    return range(beside[-1] if beside else newest + waits, newest + 1)


def laid_places(sweep: Sweep, stream: Stream, aside: bool) -> tuple[int, range]:
    """The place along the walk at which a stream is laid into shared memory, and for how many places there is room.

    One more than neighbours are read at, for some threads are one place further than others.
    """
    held, beside, (oldest, newest) = held_places(sweep, stream, aside), sweep.beside(stream), sweep.planes(stream)
    if not stream.reads or (not beside and held and held[0] == oldest):
        return newest, range(0)
    last = beside[-1] if beside else newest
    first = oldest if not held or held[0] > oldest else last
    return last, range(min([first, *(beside[:1] and (beside[0] - 1,))]), last + 1)
