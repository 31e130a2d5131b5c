"""CUDA for sweeps: launches that follow one another, in one walk through memory (`codegen.sweep`).

A block has a tile of the lanes and the rows, and walks along the first outer axis. A thread has a column of the tile, a
piece of sixteen bytes wide: what it needs of its own column stands in registers, which are passed on from place to
place along the walk; planes of which neighbours are read stand in shared memory too, once more than are needed at once,
so that threads meet once a place. Where registers are short, older planes are not held, but read from there again, and
what is only waited for is laid aside there. What comes from memory is asked for one place before it is needed.
"""

from __future__ import annotations

from codegen.ir import Kind, Node, constant_value, variable
from codegen.sweep import Stage, Stream, Sweep

from .cuda_addresses import Addresses
from .cuda_language import support
from .cuda_layout import Layout
from .cuda_printer import CudaPrinter
from .cuda_tiles import Tile, held_places, laid_places
from .cuda_together import together
from .cuda_wide import Piece
from .expressions import Sharing


def emit_sweep(
    sweep: Sweep, tile: Tile, dtype: str = "float64", halo: int = 0, narrow: bool = False, streaming: bool = True
) -> str:
    """CUDA source of a sweep, with the parameters of `emit_cuda`, for blocks of (`tile.across`, `tile.high`) threads,
    and of `shared_bytes`.

    Blocks along x take tiles of the lanes, those along y tiles of the rows, those along z stretches of the first outer
    axis. The lanes of a row are whole pieces, more than a block has; rows and places along the walk are at least as
    many as the tile is high and the stages reach.
    """
    emitter = _Emitter(sweep, tile, dtype, halo, streaming)
    body = "\n".join(emitter.kernel())
    real = "float" if dtype == "float32" else "double"
    head = [f"typedef {real} real;\ntypedef {'int' if narrow else 'long long'} sym_place;", *support(body, dtype)]
    return "\n\n".join([*head, "typedef sym_wide sym_quad;", RING, body]) + "\n"


RING = """\
// A place less than once around a ring away, at its own number.
__device__ __forceinline__ sym_place sym_ring(sym_place place, sym_place extent) {
    return place < 0 ? place + extent : place >= extent ? place - extent : place;
}"""


class _SweepAddresses(Addresses):
    """Elements of streams count from where a thread's own stand in the plane of shared memory."""

    def __init__(self, sweep: Sweep, tile: Tile, stride: Node, halo: int) -> None:
        super().__init__({}, sweep.inner, stride, halo)
        self.sweep, self.tile, self.lag = sweep, tile, 0

    def place(self, name: str, index: tuple[Node, ...], shift: int) -> tuple[Node, int]:
        """See `Addresses`; those of streams are read by the stage that lags by `lag`."""
        if name not in self.sweep.streams:
            return super().place(name, index, shift)
        along, *row = (int(constant_value(i) or 0) for i in index)
        beside = sum(row) * self.tile.across * self.tile.wide
        return plane(name, along - self.lag), self.halo + beside + shift

    def memory(self, array: str, walk: str) -> Node:
        """The place of a thread's own element in memory, at a place along the walk."""
        return super().place(array, (variable(walk, Kind.INT), *self.outer[1:]), 0)[0]


def plane(stream: str, along: int) -> Node:
    """Where a thread's own piece of a stream is in shared memory, at a place along the walk counted from the front."""
    return variable(f"{stream}_{'at' if along >= 0 else 'before'}_{abs(along)}", Kind.INT)


class _SweepPrinter(CudaPrinter):
    """Spells the statements of stages: streams are read from shared memory, and made in registers."""

    emitter: _Emitter

    def further(self, array: str, base: str, count: int) -> str:
        """See `CudaPrinter`."""
        if array not in self.emitter.sweep.streams:
            return super().further(array, base, count)
        count -= self.addresses.halo
        return f"sym_planes + {base}" + (f" {'-' if count < 0 else '+'} {abs(count)}" if count else "")

    def load_piece(self, name: str, piece: Piece, base: str, declare: str = "const sym_wide ") -> None:
        """See `CudaPrinter`."""
        self.line(f"{declare}{name} = sym_load_wide({self.further(piece.array, base, piece.first)});")
        self.known[piece.key] = name

    def store_piece(self, piece: Piece, base: str, made: str) -> None:
        """See `CudaPrinter`."""
        self.emitter.keep(self.emitter.sweep.streams[piece.array], made)


class _Emitter:
    """The text of one sweep."""

    def __init__(self, sweep: Sweep, tile: Tile, dtype: str, halo: int, streaming: bool) -> None:
        self.sweep, self.tile, self.dtype, self.streaming = sweep, tile, dtype, streaming
        self.layout = Layout.of(sweep.inner)
        self.naming = self.layout.naming
        self.addresses = _SweepAddresses(sweep, tile, self.layout.stride, halo)
        self.printer = p = _SweepPrinter(dtype, self.naming, {}, self.addresses, {})
        p.emitter, p.depth, p.streaming = self, 0, streaming
        p.narrow |= {stage.walk for stage in sweep.stages}
        self.front = self.naming.take("front")
        self.start, self.stop = self.naming.take("front_from"), self.naming.take("front_to")
        laid = {s.name: laid_places(sweep, s, tile.aside) for s in sweep.streams.values()}
        self.laid = {name: (last, places) for name, (last, places) in laid.items() if places}
        self.from_memory = [s for s in sweep.streams.values() if s.stage is None]
        self.pieces = {
            (s.name, along): self.naming.take(f"{s.name}_held_{along - sweep.planes(s)[0]}")
            for s in sweep.streams.values()
            for along in held_places(sweep, s, tile.aside)
        }
        self.ahead = {s.name: self.naming.take(f"{s.name}_ahead") for s in self.from_memory}

    # -- parts of the text ---------------------------------------------------------------------------------------------
    def kernel(self) -> list[str]:
        """The lines of the kernel."""
        p, sweep = self.printer, self.sweep
        parameters = Layout(sweep.kernel, self.naming, *self._limits()).parameters()
        p.comment("Several launches in one walk along the first axis, each behind the one before it. The parameters:")
        p.comment("which instances of the lane axis run and the padded length of that axis; the extents of the outer")
        p.comment("axes; arrays, row-major with the lane axis last; scalars.")
        p.line(f'extern "C" __launch_bounds__({self.tile.threads}) __global__ void {self.naming(sweep.kernel.name)}(')
        p.depth = 1
        p.line(",\n    ".join(f"{kind} {name}" for kind, name in parameters) + ") {")
        p.line("extern __shared__ sym_quad sym_shared[];")
        p.line(f"real* const sym_planes = (real*)(sym_shared + {self.tile.pad});")
        self._place()
        p.block(sweep.head)
        self._first()
        p.line(f"for (sym_place {self.front} = {self.start}; {self.front} < {self.stop}; ++{self.front}) {{")
        p.depth += 1
        self._take()
        self._share()
        p.line("__syncthreads();")
        p.open_if(f"{self.front} + 1 < {self.stop}")
        p.depth += 1
        for stream in self.from_memory:
            self._load(stream, self.ahead[stream.name], f"{self.front} + {1 + sweep.planes(stream)[1]}")
        p.depth -= 1
        p.close(())
        for stage in sweep.stages:
            self._stage(stage)
        self._pass_on()
        p.depth -= 1
        p.close(())
        p.lines.append("}")
        return p.lines

    def _limits(self) -> tuple[str, str, Node, tuple[str, ...]]:
        return self.layout.first, self.layout.last, self.layout.stride, self.layout.extents

    def _place(self) -> None:
        """Which column is a thread's, and whether it is one of the tile."""
        p, tile, kernel = self.printer, self.tile, self.sweep.kernel
        inside = []
        if tile.pad:
            inside.append(f"threadIdx.x >= {tile.pad} && threadIdx.x < {tile.across - tile.pad}")
        lane, self.me = self.naming(kernel.lane), self.naming.take("me")
        p.line(f"const int {self.me} = threadIdx.y * {tile.across} + threadIdx.x;")
        away = self.naming.take(f"{lane}_away")
        step = f"{self.layout.first} + (long long)blockIdx.x * {tile.lanes} + {tile.wide} * (int)threadIdx.x"
        p.line(f"const sym_place {away} = {step} - {tile.wide * tile.pad};")
        p.line(f"const sym_place {lane} = sym_ring({away}, {self.layout.last});")
        inside.append(f"{away} < {self.layout.last}")
        if len(kernel.outer) > 1:
            row, extent = self.naming(kernel.outer[1]), self.layout.extents[1]
            away = self.naming.take(f"{row}_away")
            p.line(f"const sym_place {away} = (long long)blockIdx.y * {tile.rows} + (int)threadIdx.y - {tile.margin};")
            p.line(f"const sym_place {row} = sym_ring({away}, {extent});")
            inside += [*self._rows(0), f"{away} < {extent}"]
        self.inside = self.naming.take("inside")
        p.line(f"const bool {self.inside} = {' && '.join(inside)};")
        walk, extent = self.naming(self.sweep.walk), self.layout.extents[0]
        self.low, self.high, each = (self.naming.take(f"{walk}_{word}") for word in ("from", "to", "each"))
        p.line(f"const sym_place {each} = ({extent} + gridDim.z - 1) / gridDim.z;")
        p.line(f"const sym_place {self.low} = blockIdx.z * {each};")
        p.line(f"const sym_place {self.high} = {self.low} + {each} < {extent} ? {self.low} + {each} : {extent};")
        p.line(f"const sym_place {self.start} = {self.low} - {-self.sweep.begin};")
        p.line(
            f"const sym_place {self.stop} = {self.low} < {self.high} ? {self.high} + {self.sweep.end} : {self.start};"
        )

    def _rows(self, ring: int) -> list[str]:
        """The conditions for a thread to stand no further than `ring` rows from the tile; none where all do."""
        out = self.tile.margin - ring
        return [f"threadIdx.y >= {out} && threadIdx.y < {self.tile.high - out}"] if out > 0 else []

    def _first(self) -> None:
        """What a column holds before the first place."""
        p, sweep = self.printer, self.sweep
        if self.pieces:
            p.line(f"sym_wide {', '.join(f'{name} = {{}}' for name in self.pieces.values())};")
        for stream in self.from_memory:
            oldest, newest = sweep.planes(stream)
            ahead = self.ahead[stream.name]
            p.line(f"sym_wide {ahead} = {{}};")
            for along in range(oldest, newest):
                held = self.pieces.get((stream.name, along))
                self._load(stream, held or ahead, f"{self.start} + {along}")
                if not held:
                    p.line(f"sym_store_wide(sym_planes + {self._where(stream.name, along, '0')}, {ahead});")
            self._load(stream, ahead, f"{self.start} + {newest}")
        for depth in self._depths():
            p.line(f"int {self._turn(depth)} = 0;")

    def _load(self, stream: Stream, name: str, place: str) -> None:
        """A piece from memory, for those who read it."""
        p, rows = self.printer, self._rows(self.sweep.around(stream)[1])
        here = self.naming.unused(f"{name}_place")
        ring = f"sym_ring({place}, {self.layout.extents[0]})".replace("+ -", "- ")
        node = self.addresses.memory(stream.array, here)
        p.line("{")
        p.depth += 1
        p.line(f"const sym_place {self.naming(here)} = {ring};")
        if rows:
            p.open_if(rows[0])
            p.depth += 1
        (base,) = p.render((node,), Sharing())
        where = CudaPrinter.further(p, stream.array, base, self.addresses.halo)
        p.line(f"{name} = sym_load_wide({where});")
        if rows:
            p.depth -= 1
            p.close(())
        p.depth -= 1
        p.close(())

    def _take(self) -> None:
        """What was asked for is the newest that a column holds."""
        for stream in self.from_memory:
            self.printer.assign(self.pieces[stream.name, self.sweep.planes(stream)[1]], self.ahead[stream.name])

    def _depths(self) -> list[int]:
        return sorted({len(places) for _, places in self.laid.values()})

    def _turn(self, depth: int) -> str:
        return f"sym_turn_{depth}"

    def _where(self, name: str, along: int, turn: str) -> str:
        """Where a thread's own piece of a stream is in shared memory, at a turn through its planes."""
        names = list(self.laid)
        first = sum(len(self.laid[n][1]) for n in names[: names.index(name)])
        last, places = self.laid[name]
        back, depth = last - along, len(places)
        if turn.isdecimal():
            slot = str((int(turn) - back) % depth)
        else:
            slot = turn if not back else f"({turn} < {back} ? {turn} + {depth - back} : {turn} - {back})"
        return f"{self.tile.wide} * (({first} + {slot}) * {self.tile.threads} + {self.me})"

    def _share(self) -> None:
        """Planes that are read from shared memory: all are told where they are, and the last is laid there."""
        p, sweep = self.printer, self.sweep
        for name, (last, places) in self.laid.items():
            for along in range(max(places[0], sweep.planes(sweep.streams[name])[0]), last + 1):
                p.line(f"const int {self._own(name, along)} = {self._where(name, along, self._turn(len(places)))};")
            stream = sweep.streams[name]
            if stream.stage is None or last < sweep.planes(stream)[1]:  # else its stage lays it there
                p.line(f"sym_store_wide(sym_planes + {self._own(name, last)}, {self.pieces[name, last]});")

    def _own(self, name: str, along: int) -> str:
        return self.naming(str(plane(name, along).attribute))

    def _stage(self, stage: Stage) -> None:
        """What one launch computes at its place."""
        p, sweep = self.printer, self.sweep
        asked = self._rows(stage.ring[1])
        late = stage.lag - stage.ring[0]
        if late > sweep.begin:
            asked.append(f"{self.front} >= {self.low} + {late}".replace("+ -", "- "))
        p.line("{" if not asked else f"if ({' && '.join(asked)}) {{")
        p.depth += 1
        walk = p.name(stage.walk)
        place = self.front if not stage.lag else f"{self.front} - {stage.lag}"
        p.line(f"const sym_place {walk} = sym_ring({place}, {self.layout.extents[0]});")
        self.addresses.lag, self.present = stage.lag, stage
        halo = self.addresses.halo
        known = {(name, plane(name, along).key, halo): text for (name, along), text in self.pieces.items()}
        work = together(sweep.inner, stage.body, sweep.kernel.lane, self.tile.wide)
        p.beside(work, sweep.inner, self.dtype, known)
        p.depth -= 1
        p.close(())

    def keep(self, stream: Stream, made: str) -> None:
        """A piece that a stage has made, for those who read it and for memory."""
        p, stage = self.printer, self.present
        if (held := self.pieces.get((stream.name, -stage.lag))) is not None:
            p.assign(held, made)
        if stream.name in self.laid and self.laid[stream.name][0] == -stage.lag:
            p.line(f"sym_store_wide(sym_planes + {self._own(stream.name, -stage.lag)}, {made});")
        if not stream.output:
            return
        asked = [self.inside]
        if stage.ring[0]:
            place = f"{self.front} - {stage.lag}" if stage.lag else self.front
            asked += [f"{place} >= {self.low} && {place} < {self.high}"]
        p.open_if(" && ".join(asked))
        p.depth += 1
        (base,) = p.render((self.addresses.memory(stream.target, str(stage.walk.attribute)),), Sharing())
        how = "stream" if self.streaming else "store"
        p.line(f"sym_{how}_wide({CudaPrinter.further(p, stream.target, base, self.addresses.halo)}, {made});")
        p.depth -= 1
        p.close(())

    def _pass_on(self) -> None:
        """Everything stands one place further from the front."""
        p = self.printer
        for (name, along), text in self.pieces.items():
            if (name, along + 1) in self.pieces:
                p.assign(text, self.pieces[name, along + 1])
        for depth in self._depths():
            turn = self._turn(depth)
            p.line(f"{turn} = {turn} + 1 == {depth} ? 0 : {turn} + 1;")
