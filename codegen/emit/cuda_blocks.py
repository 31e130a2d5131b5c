"""CUDA for kernels that a block works on together.

A block takes tiles of instances one after the other. Threads of one instance all do what stands between loops over its
vectors, and come to the same numbers; what is stored or added up is so by one of them. They meet at a barrier wherever
one may need what another has left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files

from codegen.errors import CompilerBug
from codegen.ir import Node, constant_value
from codegen.program import (
    Accumulate,
    Array,
    Block,
    For,
    If,
    Kernel,
    Load,
    Outer,
    Product,
    Statement,
    Store,
    While,
    functions,
    statements,
)

from .cuda import device_function, emit_cuda, private_arrays
from .cuda_addresses import Addresses, BlockSum, block_sums
from .cuda_groups import GROUP, beside
from .cuda_language import TYPES, support
from .cuda_layout import Layout
from .cuda_printer import CudaPrinter
from .cuda_rows import early_loads
from .cuda_spread import Spread, spread
from .cuda_team import DEPTH, PIECE, ROOM, TOGETHER, Team, overlapping, team_of, works_together
from .cuda_together import ALONE, Share
from .expressions import Sharing
from .names import Naming, name_functions
from .text import inside_loop

STAGE = ""  # stands for the memory of pieces among the names of vectors
UNROLLED = 4  # turns of a loop that are written one after the other at most


def emit_kernel(
    kernel: Kernel,
    dtype: str = "float64",
    halo: int = 0,
    narrow: bool = False,
    share: Share = ALONE,
    room: int = ROOM,
) -> str:
    """What `emit_cuda` gives, or where the kernel `shares` products, text for blocks that work together.

    That takes one more parameter behind the others, `real* sym_scratch`: memory of as many blocks as there are, where
    it is not in shared memory, of which a block has `room` bytes. Blocks have `Team.threads` threads and take
    `Team.bytes` of shared memory; any grid along x is right.
    """
    team = team_of(kernel, dtype, room) if kernel.shares else None
    if team is None:
        return emit_cuda(kernel, dtype, halo, narrow, share)
    layout = Layout.of(kernel)
    names = name_functions(kernel.body, layout.naming)
    parts = ["\n".join(device_function(f, dtype, names)) for f in functions(kernel.body)]
    body = "\n\n".join([*parts, "\n".join(_kernel(layout, team, dtype, halo, names))])
    real = "float" if dtype == "float32" else "double"
    constants = {
        "samples": team.samples,
        "threads": team.threads,
        "resident": team.resident,
        "line": team.line,
        "rows": team.tall,
        "depth": PIECE if team.direct else DEPTH,
    }
    head = [f"typedef {real} real;", f"typedef {'int' if narrow else 'long long'} sym_place;"]
    head += [f"constexpr int sym_{name} = {value};" for name, value in constants.items()]
    products = "staged" if not team.direct else "tiles" if dtype == "float32" else "fragments"
    together = [files("codegen.emit").joinpath(n).read_text().rstrip() for n in ("team.h", f"team_{products}.h")]
    return "\n\n".join(["\n".join(head), *support(body + " sym_block_sum(", dtype, GROUP), *together, body]) + "\n"


def _kernel(layout: Layout, team: Team, dtype: str, halo: int, names: Mapping[str, str]) -> list[str]:
    kernel, naming = layout.kernel, layout.naming
    addresses = Addresses(private_arrays(kernel.body), kernel, layout.stride, halo)
    printer = TeamPrinter(dtype, naming, names, addresses, block_sums(kernel, addresses, naming), team, kernel)
    printer.depth = 0
    for text in (
        f"Blocks of {team.threads} threads, which take {team.samples} instances at a time. The parameters: which",
        "instances of the lane axis run and the padded length of that axis; arrays, row-major with the lane axis last;",
        "scalars; memory for vectors of the blocks, if that is not in shared memory.",
    ):
        printer.comment(text)
    printer.line(f'extern "C" __launch_bounds__(sym_threads, sym_resident) __global__ void {layout.symbol}(')
    printer.depth = 1
    *parameters, last = [f"{kind} {name}" for kind, name in layout.parameters()]
    for parameter in parameters:
        printer.line(f"{parameter},")
    printer.line(f"{last}) {{")
    printer.line("extern __shared__ sym_quad sym_shared[];")
    if team.shared:
        printer.line("real* const sym_memory = (real*)sym_shared;")
        printer.line(f"real* const sym_stage = sym_memory + {team.memory};")
    else:
        printer.line(f"real* const sym_memory = sym_scratch + (long long)blockIdx.x * {team.memory};")
        printer.line("real* const sym_stage = (real*)sym_shared;")
    printer.line("const int sym_sample = threadIdx.x % sym_samples, sym_rank = threadIdx.x / sym_samples;")
    for block_sum in printer.sums.values():
        printer.line(f"{TYPES[block_sum.array.kind]} {block_sum.name} = 0;")
    early, body = early_loads(kernel)
    printer.block(early[0])
    lane, end = naming(kernel.lane), layout.last
    printer.line(f"for (long long sym_tile = {layout.first} + (long long)blockIdx.x * sym_samples; sym_tile < {end};")
    printer.line("     sym_tile += (long long)gridDim.x * sym_samples) {")
    printer.depth += 1
    printer.line(f"const bool sym_there = sym_tile + sym_sample < {end}, sym_mine = sym_there && sym_rank == 0;")
    printer.line(f"const int sym_present = {end} - sym_tile < sym_samples ? {end} - sym_tile : sym_samples;")
    printer.line(f"const sym_place {lane} = sym_there ? sym_tile + sym_sample : {end} - 1;")
    printer.together = True
    printer.block(body)
    printer.line("__syncthreads();  // the next instances use the same memory")
    printer.depth -= 1
    printer.close(())
    for block_sum in printer.sums.values():
        (position,) = printer.render((block_sum.position,), Sharing())
        printer.line(f"sym_block_sum(&{naming(block_sum.array.name)}[{position}], {block_sum.name});")
    printer.depth -= 1
    printer.close(())
    return printer.lines


class TeamPrinter(CudaPrinter):
    """Spells statements for all threads of a block.

    `together`: every thread of the block is here, so that they can meet; else they are inside a loop whose turns are
    shared out (`shared_out`), or that each does for itself.
    """

    def __init__(
        self,
        dtype: str,
        naming: Naming,
        names: Mapping[str, str],
        addresses: Addresses,
        sums: Mapping[tuple[str, bytes], BlockSum],
        team: Team,
        kernel: Kernel,
    ) -> None:
        super().__init__(dtype, naming, names, addresses, sums)
        self.team, self.together, self.shared_out = team, False, False
        self.over = overlapping(team, kernel)
        self.own = set(addresses.private) - set(team.places)
        self.read: set[str] = set()  # since threads met last
        self.written: set[str] = set()
        self.apart_since = False  # who knows what was read and written
        self.whole_warps = False  # where turns are shared out, all threads of a warp take one or none does
        self.added: list[tuple[str, str]] = []  # totals and names of values, of the present block

    # --- barriers -----------------------------------------------------------------------------------------------------

    def meet(self) -> None:
        """A barrier, if anything was read or written since the last."""
        if self.apart_since or self.read or self.written:
            self.line("__syncthreads();")
            self.met()

    def met(self) -> None:
        """All threads have met."""
        self.read, self.written, self.apart_since = set(), set(), False

    def must_meet(self, read: set[str], written: set[str]) -> bool:
        """Whether what is to be read was written, or what is to be written was read or written, since threads met."""
        if self.apart_since:
            return bool(read or written)
        return bool(read & self.written or written & (self.written | self.read))

    def reach(self, statement: Statement) -> None:
        """A barrier where a statement needs one; then note it."""
        inside = list(statements((statement,)))
        read = {s.array for s in inside if isinstance(s, Load)} - self.own
        written = {s.array for s in inside if isinstance(s, Store)} - self.own
        read, written = self._memory(read), self._memory(written)
        if self.must_meet(read, written):
            self.meet()
        self.read |= read
        self.written |= written

    def _memory(self, names: set[str]) -> set[str]:
        """The arrays that share memory with some."""
        return names.union(*(self.over.get(name, ()) for name in names))

    # --- statements ---------------------------------------------------------------------------------------------------

    def statement(self, statement: Statement, sharing: Sharing) -> None:
        """One statement, by all threads, or by those that may."""
        match statement:
            case Product():
                self.product(statement, sharing)
            case Outer():
                self.outer(statement, sharing)
            case For() | While() | If() if self.together:
                self.control(statement, sharing)
            case Store():
                self.store(statement, sharing)
            case Load():
                if self.together:
                    self.reach(statement)
                super().statement(statement, sharing)
            case _:
                super().statement(statement, sharing)

    def control(self, statement: For | While | If, sharing: Sharing) -> None:
        """A loop or a branch, where all threads are."""
        if not works_together(statement, self.team.places) or not isinstance(statement, For):
            self.reach(statement)
            with self.apart(False):
                super().statement(statement, sharing)
            return
        found = spread(statement)
        if found is not None:
            self.share_out(statement, found, sharing)
            return
        self.apart_since = True  # a turn follows on what stands before the loop, or on another
        self.narrow.add(statement.counter)
        start, stop = self.render((statement.start, statement.stop), sharing)
        self.open_for(self.name(statement.counter), start, stop)
        self.depth += 1
        self.block(statement.body, inside_loop(statement, sharing))
        self.apart_since = True
        self.depth -= 1
        self.close(statement.body)

    @contextmanager
    def apart(self, shared_out: bool) -> Iterator[None]:
        """Statements between which threads do not meet."""
        self.together, self.shared_out = False, shared_out
        yield
        self.together, self.shared_out = True, False

    def share_out(self, loop: For, found: Spread, sharing: Sharing) -> None:
        """A loop whose turns are shared out among the threads of an instance."""
        self.reach(loop)
        start, stop = self.render((loop.start, loop.stop), sharing)
        before = [self.naming.take(f"{total.attribute}_before") for total in found.sums]
        for name, total in zip(before, found.sums, strict=True):
            self.line(f"const real {name} = {self.name(total)};")
            self.line(f"{self.name(total)} = 0;")
        counter = self.name(loop.counter)
        self.narrow.add(loop.counter)
        first = "sym_rank" if start == "0" else f"{beside(start)} + sym_rank"
        if turns := self.even_turns(loop):
            turn = self.naming.take("sym_turn")
            self.line("#pragma unroll")
            self.line(f"for (int {turn} = 0; {turn} < {turns}; ++{turn}) {{")
            self.line(f"    const sym_place {counter} = {first} + {turn} * sym_ranks;")
        else:
            self.line(f"for (sym_place {counter} = {first}; {counter} < {beside(stop)}; {counter} += sym_ranks) {{")
        self.whole_warps = self.keeps_warps_whole(loop)
        with self.apart(True):
            self.nested(loop.body, inside_loop(loop, sharing))
        self.whole_warps = False
        for begin in range(0, len(found.sums), TOGETHER):
            self.add_up(found.sums[begin : begin + TOGETHER], before[begin : begin + TOGETHER])

    def add_up(self, sums: tuple[Node, ...], before: list[str]) -> None:
        """What the threads of an instance have added up, to what was there before."""
        if self.must_meet(set(), {STAGE}):
            self.meet()
        name = self.naming.take("sym_sums")
        self.line(f"real {name}[] = {{{', '.join(self.name(total) for total in sums)}}};")
        self.line(f"sym_team_sums({name}, sym_stage);")
        for place, (total, already) in enumerate(zip(sums, before, strict=True)):
            self.line(f"{self.name(total)} = {already} + {name}[{place}];")
        self.met()
        self.read.add(STAGE)

    def even_turns(self, loop: For) -> int:
        """How many turns every thread takes, of those that are shared out; 0 where that is unknown, uneven or many."""
        first, last = constant_value(loop.start), constant_value(loop.stop)
        if first is None or last is None:
            return 0
        turns, rest = divmod(int(last) - int(first), self.team.threads // self.team.samples)
        return 0 if rest or turns > UNROLLED else turns

    def keeps_warps_whole(self, loop: For) -> bool:
        """Whether the threads of a warp all take a turn, or none does."""
        first, last = constant_value(loop.start), constant_value(loop.stop)
        inner = [s for s in statements(loop.body) if isinstance(s, For)]
        ends = [constant_value(n) for s in inner for n in (s.start, s.stop)]
        if first is None or last is None or None in ends:
            return False
        return (int(last) - int(first)) % max(1, 32 // self.team.samples) == 0

    def store(self, statement: Store, sharing: Sharing) -> None:
        """By one thread of an instance that is there."""
        if self.together:
            self.reach(statement)
        *index, value = self.render(self.roots(statement), sharing)
        target = self.element(statement.array, tuple(index), 0)
        if statement.array in self.own:
            condition = ""
        elif statement.array in self.team.places:
            condition = "" if self.shared_out else "if (sym_rank == 0) "
        else:
            condition = "if (sym_there) " if self.shared_out else "if (sym_mine) "
        self.line(f"{condition}{target} = {value};")

    def accumulate(self, statement: Accumulate, index: tuple[str, ...], value: str) -> None:
        """Into the register of the block's sum, or over the instances of the block and atomically."""
        kind = TYPES[self.addresses.arrays[statement.array].kind]
        present = "sym_there" if self.shared_out else "sym_mine"
        chosen = f"{present} ? ({kind})({value}) : ({kind})0"
        block_sum = self._block_sum(statement)
        if block_sum:
            self.line(f"{block_sum.name} += {chosen};")
            return
        target = f"&{self.element(statement.array, index, 0)}"
        if self.whole_warps and kind == "real":
            name = self.naming.take("added")
            self.line(f"const real {name} = {chosen};")
            self.added.append((target, name))
        else:
            self.line(f"sym_team_add({target}, {chosen});")

    def block(self, block: Block, outer: Sharing | None = None, results: tuple[Node, ...] = ()) -> tuple[str, ...]:
        """The statements of a block; what it adds to totals it does at its end, many at a time."""
        outside, self.added = self.added, []
        texts = super().block(block, outer, results)
        while self.added:
            count = 1 << min(len(self.added), TOGETHER).bit_length() - 1
            some, self.added = self.added[:count], self.added[count:]
            totals, values = self.naming.take("sym_totals"), self.naming.take("sym_values")
            self.line(f"real* const {totals}[] = {{{', '.join(target for target, _ in some)}}};")
            self.line(f"real {values}[] = {{{', '.join(name for _, name in some)}}};")
            self.line(f"sym_team_adds({totals}, {values});")
        self.added = outside
        return texts

    def local(self, array: Array) -> None:
        """A vector in the memory of the block, or private memory."""
        place = self.team.places.get(array.name)
        if place is None:
            super().local(array)
            return
        self.line(f"real* const {self.naming(array.name)} = sym_memory + {place} * sym_line + sym_sample;")

    def element(self, array: str, index: tuple[str, ...], shift: int) -> str:
        """`vector[(i) * sym_line]` in the memory of the block."""
        if array not in self.team.places:
            return super().element(array, index, shift)
        return f"{self.naming(array)}[{beside_product(index[0])} * sym_line]"

    # --- products -----------------------------------------------------------------------------------------------------

    def product(self, s: Product, sharing: Sharing) -> None:
        """Tiles of sums. It begins with a barrier where vectors or the stage need one."""
        self.expect_all(s)
        (where,) = self.addresses.where(s.array, s.index, 0)
        place, given, made = self.render((where, s.given_begin, s.made_begin), sharing)
        reads, writes = self._memory(set(s.given)) | {STAGE}, self._memory(set(s.made)) | {STAGE}
        meet = not self.team.direct or self.must_meet(reads, writes)
        for part in self.team.parts(len(s.given)):
            sources = self.vectors("given", [s.given[v] for v in part], given, "const real*")
            targets = self.vectors("made", [s.made[v] for v in part], made, "real*")
            turned = "true" if s.transposed else "false"
            across = len(part) * self.team.samples
            if self.team.direct:
                how = f"{self.team.split(s.terms, across)}, {'true' if meet else 'false'}"
            else:
                how = "{}, {}".format(*self.team.tile(across))
            matrix = f"&{self.naming(s.array)}[(sym_place)({place})]"
            sizes = f"{s.sums}, {s.terms}, {s.columns}, {turned}, {how}"
            self.line(f"sym_product<{sizes}>({matrix}, {sources}, {targets}, sym_stage);")
            meet = True  # the next part lays its pieces into the same stage
        self.met()
        self.read = reads if self.team.direct else {STAGE}
        self.written = writes - {STAGE}

    def outer(self, s: Outer, sharing: Sharing) -> None:
        """Tiles of sums over instances."""
        self.expect_all(s)
        (where,) = self.addresses.where(s.array, s.index, 0)
        place, left, right = self.render((where, s.left_begin, s.right_begin), sharing)
        reads = self._memory({*s.left, *s.right})
        if self.team.direct and self.must_meet(reads, set()):
            self.meet()
        lefts = self.vectors("left", s.left, left, "const real*")
        rights = self.vectors("right", s.right, right, "const real*")
        matrix = f"&{self.naming(s.array)}[(sym_place)({place})]"
        if self.team.direct:
            split = self.team.split(self.team.samples * len(s.left), self.team.tall, most=self.team.samples // 4)
            sizes = f"{s.rows}, {s.columns}, {split}"
            self.line(f"sym_outer<{sizes}>({matrix}, {lefts}, {rights}, sym_present);")
            self.read |= reads
            return
        sizes = "{}, {}, {}, {}".format(s.rows, s.columns, *self.team.tile(self.team.tall))
        self.line(f"sym_outer<{sizes}>({matrix}, {lefts}, {rights}, sym_present, sym_stage);")
        self.met()
        self.read = {STAGE}

    def expect_all(self, s: Product | Outer) -> None:
        """Products are made where all threads are."""
        if not self.together:
            raise CompilerBug(f"{type(s).__name__} of {s.array} stands where threads part ways")

    def vectors(self, wish: str, names: list[str] | tuple[str, ...], begin: str, kind: str) -> str:
        """A list of where vectors begin."""
        name = self.naming.take(f"sym_{wish}")
        places = ", ".join(f"sym_memory + ({self.team.places[n]} + {beside(begin)}) * sym_line" for n in names)
        self.line(f"{kind} const {name}[] = {{{places}}};")
        return name


def beside_product(text: str) -> str:
    """An expression beside a product."""
    return text if text.isidentifier() or text.isdecimal() else f"({text})"
