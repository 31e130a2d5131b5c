"""Statements in CUDA for all threads of a block: who does what, and where they meet at barriers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from codegen.errors import CompilerBug
from codegen.ir import Node
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
    statements,
)

from .cuda_addresses import Addresses, BlockSum
from .cuda_groups import beside
from .cuda_language import TYPES
from .cuda_printer import CudaPrinter
from .cuda_spread import Spread, at_once, even_turns, keeps_groups_whole, spread
from .cuda_team import TOGETHER, Team, overlapping, works_together
from .expressions import Sharing
from .names import Naming
from .text import inside_loop

STAGE = ""  # stands for the memory of pieces among the names of vectors


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
        self.kept = {name: naming.take(f"{name}_here") for name, _ in team.kept}
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
        read |= {s.array for s in inside if isinstance(s, Accumulate)} & self.kept.keys()  # atomically, in any order
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
            case Load() | Accumulate():
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
        if turns := even_turns(loop, self.team.threads // self.team.samples):
            turn = self.naming.take("sym_turn")
            self.line(f"#pragma unroll {at_once(turns)}")
            self.line(f"for (int {turn} = 0; {turn} < {turns}; ++{turn}) {{")
            self.line(f"    const sym_place {counter} = {first} + {turn} * sym_ranks;")
        else:
            self.line(f"for (sym_place {counter} = {first}; {counter} < {beside(stop)}; {counter} += sym_ranks) {{")
        self.whole_warps = keeps_groups_whole(loop, max(1, 32 // self.team.samples))
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
        desk = f"sym_stage + {self.team.held}" if self.team.held else "sym_stage"
        self.line(f"sym_team_sums({name}, {desk});")
        for place, (total, already) in enumerate(zip(sums, before, strict=True)):
            self.line(f"{self.name(total)} = {already} + {name}[{place}];")
        self.met()
        self.read.add(STAGE)

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
        if array in self.kept:
            return f"{self.kept[array]}[(sym_place)({index[0]})]"
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
            held = ", sym_held" if self.team.held else ""
            self.line(f"sym_product<{sizes}>({matrix}, {sources}, {targets}, sym_stage{held});")
            meet = True  # the next part lays its pieces into the same stage
        self.met()
        self.read = reads if self.team.direct else {STAGE}
        self.written = writes - {STAGE}

    def outer(self, s: Outer, sharing: Sharing) -> None:
        """Tiles of sums over instances."""
        self.expect_all(s)
        (where,) = self.addresses.where(s.array, s.index, 0)
        place, left, right = self.render((where, s.left_begin, s.right_begin), sharing)
        reads, writes = self._memory({*s.left, *s.right}), {s.array} & self.kept.keys()
        if self.must_meet(reads, writes):
            self.meet()
        lefts = self.vectors("left", s.left, left, "const real*")
        rights = self.vectors("right", s.right, right, "const real*")
        matrix = f"&{self.element(s.array, (place,), 0)}"
        alone = "true" if s.array in self.kept else "false"
        if self.team.direct:
            split = self.team.split(self.team.samples * len(s.left), self.team.tall, most=self.team.samples // 4)
            sizes = f"{s.rows}, {s.columns}, {split}, {alone}"
            self.line(f"sym_outer<{sizes}>({matrix}, {lefts}, {rights}, sym_present);")
            self.read |= reads
        else:
            sizes = "{}, {}, {}, {}, {}".format(s.rows, s.columns, *self.team.tile(self.team.tall), alone)
            self.line(f"sym_outer<{sizes}>({matrix}, {lefts}, {rights}, sym_present, sym_stage);")
            self.met()
            self.read = {STAGE}
        self.written |= writes

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
