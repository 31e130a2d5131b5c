"""Statements in CUDA."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from codegen.ir import Kind, Node, variable
from codegen.program import Accumulate, Array, Block, For, Kernel, Let, Load, Statement, Store

from .cuda_addresses import Addresses, BlockSum
from .cuda_beside import beside as beside_in
from .cuda_groups import GROUP, LARGE, GroupPrinter, beside, grouped_loads, is_narrow, write_groups
from .cuda_language import TYPES, cuda_language
from .cuda_parts import sums_of
from .cuda_together import Together
from .cuda_wide import Part, Piece, Pieces, is_streamed
from .expressions import Sharing
from .names import Naming


class CudaPrinter(GroupPrinter):
    """Spells statements in CUDA."""

    def __init__(
        self,
        dtype: str,
        naming: Naming,
        functions: Mapping[str, str],
        addresses: Addresses,
        sums: Mapping[tuple[str, bytes], BlockSum],
    ) -> None:
        super().__init__(cuda_language(dtype), naming, functions, 1)
        self.addresses, self.sums = addresses, sums
        self.parts: dict[int, str] = {}  # what a group holds for the present turn, by the id of the statement
        self.group, self.large = GROUP, LARGE
        self.pieces: Pieces | None = None  # in a block of instances that stand side by side along the lane axis
        self.copy: Mapping[int, int] = {}  # of which of these instances a statement is, by its id
        self.known: dict[tuple[str, bytes, int], str] = {}  # pieces that stand in registers
        self.made: dict[tuple[str, bytes, int], str] = {}  # pieces that are being put together
        self.streaming = False
        self.shares_loops = False  # among the threads of an instance
        self.row_width = 0  # of numbers side by side that are loaded together; 0: one by one
        self.rows: dict[int, Part] = {}  # of the present block, by the id of the statement that loads one of them
        self.narrow = {addresses.lane, *addresses.outer} if addresses.lane is not None else set()

    def statement(self, statement: Statement, sharing: Sharing) -> None:
        """One statement; loops over neighbours go by groups of turns."""
        if id(statement) in self.parts and isinstance(statement, Load):
            self.declare(self.name(statement.target), self.parts[id(statement)], statement.target, fixed=True)
            return
        if id(statement) in self.rows and isinstance(statement, Load):
            part = self.rows[id(statement)]
            if part.piece.key not in self.known:
                (base,) = self.render((part.piece.base,), sharing)
                self.load_piece(self.naming.take(f"{statement.array}_row"), part.piece, base)
            text = f"{self.known[part.piece.key]}.part[{part.number}]"
            self.declare(self.name(statement.target), text, statement.target, fixed=True)
            return
        if self.pieces is not None and id(statement) in self.pieces.parts:
            assert isinstance(statement, Load | Store)
            self.access(statement, self.pieces, sharing)
            return
        if isinstance(statement, Let) and is_narrow(statement.value, self.narrow):
            self.narrow.add(statement.target)
        elif isinstance(statement, For):
            self.narrow.add(statement.counter)
            loads = grouped_loads(statement, self.addresses.arrays, self.where, self.large)
            if self.shares_loops:
                statement = self.open_share(statement, self.group if loads else 1, sharing)
            if loads:
                write_groups(self, statement, loads, sharing, self.group)
            else:
                super().statement(statement, sharing)
            if self.shares_loops:
                for register in map(self.name, sums_of(statement)):
                    self.assign(register, f"sym_part_sum({register})")
            return
        super().statement(statement, sharing)

    def block(self, block: Block, outer: Sharing | None = None, results: tuple[Node, ...] = ()) -> tuple[str, ...]:
        """The statements of a block, in which what lies side by side is loaded together."""
        if not self.row_width:
            return super().block(block, outer, results)
        rows, known = self.rows, self.known
        self.rows, self.known = {**rows, **beside_in(block, self.addresses, self.row_width)}, dict(known)
        texts = super().block(block, outer, results)
        self.rows, self.known = rows, known
        return texts

    def open_share(self, loop: For, unit: int, sharing: Sharing) -> For:
        """A thread's stretch of a loop, whole units but for the last, and sums that begin with nothing but the first
        thread's."""
        wishes = (f"{loop.counter.attribute}_{word}" for word in ("share", "from", "to"))
        share, begin, end = (variable(self.naming.unused(wish), Kind.INT) for wish in wishes)
        self.narrow |= {share, begin, end}
        each, first, last = map(self.name, (share, begin, end))
        length, reach, stop = self.render((loop.stop - loop.start, loop.start, loop.stop), sharing)
        parts, times = ("(int)blockDim.z", "") if unit == 1 else (f"({unit} * (int)blockDim.z)", f" * {unit}")
        self.line(f"const sym_place {each} = ((sym_place)({length}) - 1) / {parts}{times} + {unit};")
        self.line(f"sym_place {first} = {beside(reach)} + (int)threadIdx.z * {each};")
        self.line(f"if ({first} > {beside(stop)}) {first} = {stop};")
        self.line(f"const sym_place {last} = {first} + {each} < {beside(stop)} ? {first} + {each} : {stop};")
        for register in map(self.name, sums_of(loop)):
            self.line(f"if (threadIdx.z) {register} = 0;")
        return replace(loop, start=begin, stop=end)

    def where(self, statement: Load | Store | Accumulate) -> tuple[Node, ...]:
        """One position in the memory of the kernel; nothing for a sum that is collected in a register."""
        if isinstance(statement, Accumulate) and self._block_sum(statement):
            return ()
        if id(statement) in self.rows:
            return (self.rows[id(statement)].piece.base,)
        if self.pieces is not None and id(statement) in self.pieces.parts:
            return (self.pieces.parts[id(statement)].piece.base,)
        shift = statement.shift if isinstance(statement, Load) else 0
        return self.addresses.where(statement.array, statement.index, shift + self.copy.get(id(statement), 0))

    def beside(self, work: Together, kernel: Kernel, dtype: str, known: Mapping[tuple[str, bytes, int], str]) -> None:
        """Instances that stand side by side along the lane axis; `known`: pieces that are loaded already."""
        self.pieces, self.copy = Pieces(kernel, work, self.addresses, dtype), work.copy
        self.known = dict(known)
        self.alike(work.body)
        self.pieces, self.copy = None, {}

    def alike(self, body: Block) -> None:
        """Statements of several instances, all with the same roundings."""
        usual, self.language = self.language, replace(self.language, contracts=True)
        self.block(body)
        self.language = usual

    def access(self, statement: Load | Store, pieces: Pieces, sharing: Sharing) -> None:
        """Part of a piece, which is loaded when the first is needed, and stored when the last is there."""
        part, whole = pieces.parts[id(statement)], pieces.is_whole(statement)
        piece = part.piece
        if isinstance(statement, Load):
            if piece.key in self.known:
                text = f"{self.known[piece.key]}.part[{part.number}]"
            elif whole:
                (base,) = self.render(self.roots(statement), sharing)
                self.load_piece(self.naming.take(f"{statement.array}_wide"), piece, base)
                text = f"{self.known[piece.key]}.part[{part.number}]"
            else:
                (base,) = self.render(self.roots(statement), sharing)
                text = f"*({self.further(piece.array, base, piece.first + part.number)})"
            self.declare(self.name(statement.target), text, statement.target, fixed=True)
            return
        base, value = self.render(self.roots(statement), sharing)
        if not whole:
            self.assign(f"*({self.further(piece.array, base, piece.first + part.number)})", value)
            return
        if piece.key not in self.made:
            self.made[piece.key] = self.naming.take(f"{statement.array}_made")
            self.line(f"sym_wide {self.made[piece.key]};")
        self.assign(f"{self.made[piece.key]}.part[{part.number}]", value)
        if pieces.last[piece.key] == id(statement):
            self.store_piece(piece, base, self.made.pop(piece.key))

    def store_piece(self, piece: Piece, base: str, made: str) -> None:
        """Sixteen bytes into memory, past the caches where nobody reads them soon."""
        how = "stream" if self.streaming else "store"
        self.line(f"sym_{how}_wide({self.further(piece.array, base, piece.first)}, {made});")

    def load_piece(self, name: str, piece: Piece, base: str, declare: str = "const sym_wide ") -> None:
        """Sixteen bytes into registers, past the caches where nobody reads them again."""
        array = self.addresses.arrays[piece.array]
        how = "take" if self.streaming and is_streamed(array) else "load"
        self.line(f"{declare}{name} = sym_{how}_wide({self.further(piece.array, base, piece.first)});")
        self.known[piece.key] = name

    def further(self, array: str, base: str, count: int) -> str:
        """The address of an element a constant number of places from a base: instructions hold the constant."""
        place = f"{self.naming(array)} + (sym_place)({base})"
        return f"{place} {'-' if count < 0 else '+'} {abs(count)}" if count else place

    def _block_sum(self, statement: Accumulate) -> BlockSum | None:
        (position,) = self.addresses.where(statement.array, statement.index, 0)
        return self.sums.get((statement.array, position.key))

    def declare(self, target: str, text: str, n: Node, fixed: bool) -> None:
        """`const real x = value;`."""
        kind = "sym_place" if n in self.narrow else TYPES[n.kind]
        self.line(f"{'const ' if fixed else ''}{kind} {target} = {text};")

    def assign(self, target: str, text: str) -> None:
        """`target = value;`."""
        self.line(f"{target} = {text};")

    def comment(self, text: str) -> None:
        """`// text`; a backslash at its end would swallow the next line."""
        self.line(f"// {text}".rstrip("\\ "))

    def local(self, array: Array) -> None:
        """Private memory, its contents undefined."""
        sizes = "".join(f"[{size}]" for size in array.shape) or "[1]"
        self.line(f"{TYPES[array.kind]} {self.naming(array.name)}{sizes};")

    def element(self, array: str, index: tuple[str, ...], shift: int) -> str:
        """`array[position]`, or `private[i][j]`."""
        name = self.naming(array)
        if array in self.addresses.private:
            return name + ("".join(f"[{i}]" for i in index) or "[0]")
        (position,) = index
        return f"{name}[{position}]" if position.isdecimal() else f"{name}[(sym_place)({position})]"

    def accumulate(self, statement: Accumulate, index: tuple[str, ...], value: str) -> None:
        """Into the register of the block's sum, or atomically."""
        block_sum = self._block_sum(statement)
        if block_sum:
            self.line(f"{block_sum.name} += {value};")
        else:
            self.line(f"sym_atomic_sum(&{self.element(statement.array, index, 0)}, {value});")

    def call(
        self, targets: tuple[Node, ...], names: tuple[str, ...], function: str, arguments: tuple[str, ...]
    ) -> None:
        """`const real a = f(x);`, or `real a, b; f(x, a, b);`."""
        if len(targets) == 1:
            self.declare(names[0], f"{function}({', '.join(arguments)})", targets[0], fixed=True)
            return
        for kind in dict.fromkeys(t.kind for t in targets):
            self.line(f"{TYPES[kind]} {', '.join(n for t, n in zip(targets, names, strict=True) if t.kind is kind)};")
        self.line(f"{function}({', '.join((*arguments, *names))});")

    def open_for(self, counter: str, start: str, stop: str) -> None:
        """`for (sym_place i = start; i < stop; ++i) {`; the bounds are uniform, so that no turn changes them."""
        self.line(f"for (sym_place {counter} = {start}; {counter} < {beside(stop)}; ++{counter}) {{")

    def open_while(self, condition: str | None) -> None:
        """`while (condition) {`."""
        self.line(f"while ({condition or 'true'}) {{")

    def leave_unless(self, condition: str) -> None:
        """`if (!(condition)) break;`."""
        self.line(f"if (!({condition})) break;")

    def open_if(self, condition: str) -> None:
        """`if (condition) {`."""
        self.line(f"if ({condition}) {{")

    def close(self, body: Block) -> None:
        """`}`."""
        self.line("}")
