"""Outer products in printed code: matrices of sums over lanes, a tile of them in registers.

The vectors on the right are turned first, so that neighbouring elements of the matrix stand side by side in registers
where instances stood; then each lane at work adds its products to the tile, those on the left spread over it. No sum
over the parts of a vector is left, and lanes that are not at work are passed over, whatever they hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..errors import CompilerBug
from ..ir import Kind, Node
from ..program import Outer
from .llvm_sums import Sums
from .llvm_writer import WIDTHS

REGISTER = 64  # bytes
TILE = 24  # registers of sums, of 32
WIDE = 4  # registers of neighbours in a row, at most


def parts(dtype: str) -> int:
    """How many numbers fill a register."""
    return REGISTER // WIDTHS[dtype][2]


def has_products(lanes: int, dtype: str) -> bool:
    """Whether so many lanes are whole registers, as outer products need them."""
    return lanes % parts(dtype) == 0


@dataclass(frozen=True)
class _Operands:
    """Where the vectors stand: `left` [rows][lanes] as they were, `turned` [lanes][padded columns]."""

    left: tuple[str, ...]
    turned: tuple[str, ...]
    mask: str
    matrix: str
    rows: int
    columns: int
    line: int  # numbers from lane to lane of what was turned


class Outers(Sums):
    """Adds outer products of private vectors to matrices of sums."""

    def outer(self, s: Outer) -> None:
        """All products of a statement."""
        w, width = self.w, parts(self.w.dtype)
        line = -(-s.columns // width) * width
        left = tuple(self._vector(name, s.left_begin) for name in s.left)
        right = [self._vector(name, s.right_begin) for name in s.right]
        turned = tuple(self._turn(vector, s.columns, line) for vector in right)
        matrix, _ = self.address(self.arrays[s.array], s.index, 0)
        if not isinstance(matrix, str):
            raise CompilerBug(f"the place of a matrix in {s.array} differs by lane; the spec should have found it")
        at_work = self.real_lanes if self.mask is None else w.operation("and", self.mask, self.real_lanes)
        mask = w.name("bits")
        w.line(f"{mask} = bitcast {w.type(Kind.BOOL)} {w.widen(at_work).text} to i{w.lanes}")
        operands = _Operands(left, turned, mask, matrix, s.rows, s.columns, line)
        whole = s.columns // width
        for first, count, across in _tiles(whole, WIDE):
            with self._turns(count) as turn:
                start = self._number(f"mul i64 {turn}, {across * width}", f"add i64 $, {first * width}")
                self._rows(operands, start, across, width)
        if rest := s.columns % width:
            self._rows(operands, str(whole * width), 1, rest)

    def _rows(self, o: _Operands, column: str, across: int, last: int) -> None:
        """All rows of `across` registers of columns, of which the last holds `last` columns."""
        for first, count, down in _tiles(o.rows, TILE // across):
            with self._turns(count) as turn:
                row = self._number(f"mul i64 {turn}, {down}", f"add i64 $, {first}")
                self._tile(o, row, down, column, across, last)

    def _tile(self, o: _Operands, row: str, down: int, column: str, across: int, last: int) -> None:
        """The sums of a tile over the lanes at work, added to the matrix."""
        w, width = self.w, parts(self.w.dtype)
        type_, real = f"<{width} x {w.real}>", w.real
        sums = [[self._slot(type_) for _ in range(across)] for _ in range(down)]
        for slot in (slot for line in sums for slot in line):
            w.line(f"store {type_} zeroinitializer, ptr {slot}, align {REGISTER}")
        with self._turns(w.lanes) as lane, self._where(self._bit(o.mask, lane)):
            for left, turned in zip(o.left, o.turned, strict=True):
                begin = self._number(f"mul i64 {lane}, {o.line}", f"add i64 $, {column}")
                source = self._at(turned, begin)
                vectors = [self._load(type_, self._at(source, str(k * width)), REGISTER) for k in range(across)]
                corner = self._at(left, self._number(f"mul i64 {row}, {w.lanes}", f"add i64 $, {lane}"))
                for i, line in enumerate(sums):
                    factor = self._spread(self._load(real, self._at(corner, str(i * w.lanes)), 8), type_, width)
                    for slot, vector in zip(line, vectors, strict=True):
                        old = self._load(type_, slot, REGISTER)
                        new = self._fma(type_, width, factor, vector, old)
                        w.line(f"store {type_} {new}, ptr {slot}, align {REGISTER}")
        corner = self._at(o.matrix, self._number(f"mul i64 {row}, {o.columns}", f"add i64 $, {column}"))
        for i, line in enumerate(sums):
            for k, slot in enumerate(line):
                size = last if k == across - 1 else width
                self._add_part(self._at(corner, str(i * o.columns + k * width)), slot, size)

    def _add_part(self, where: str, slot: str, size: int) -> None:
        """The first `size` of the sums in a slot, added to as many numbers in memory."""
        w, width = self.w, parts(self.w.dtype)
        type_, align = f"<{size} x {w.real}>", WIDTHS[w.dtype][2]
        value = self._load(f"<{width} x {w.real}>", slot, REGISTER)
        if size < width:
            places = ", ".join(f"i32 {i}" for i in range(size))
            value = self._named(
                f"shufflevector <{width} x {w.real}> {value}, <{width} x {w.real}> poison, <{size} x i32> <{places}>"
            )
        new = self._named(f"fadd {type_} {self._load(type_, where, align)}, {value}")
        w.line(f"store {type_} {new}, ptr {where}, align {align}")

    # -- vectors turned ------------------------------------------------------------------------------------------------
    def _vector(self, name: str, begin: Node) -> str:
        """Where a private vector [neurons][lanes] begins."""
        where, _ = self.address(self.arrays[name], (begin,), 0)
        if not isinstance(where, str):
            raise CompilerBug(f"the beginning of {name} differs by lane; the spec should have found it")
        return where

    def _turn(self, vector: str, columns: int, line: int) -> str:
        """A copy [lanes][line] of a vector [columns][lanes], the columns beyond filled with zeros."""
        w, width = self.w, parts(self.w.dtype)
        target = w.name("turned")
        self.allocas.append(f"  {target} = alloca [{w.lanes * line} x {w.real}], align {REGISTER}")
        whole, rest = divmod(columns, width)
        if whole:
            with self._turns(whole) as turn:
                self._turn_block(vector, target, self._number(f"mul i64 {turn}, {width}"), width, line)
        if rest:
            self._turn_block(vector, target, str(whole * width), rest, line)
        return target

    def _turn_block(self, vector: str, target: str, column: str, count: int, line: int) -> None:
        """As many columns as a register has parts, of which `count` are there, for all lanes."""
        w, width = self.w, parts(self.w.dtype)
        type_ = f"<{width} x {w.real}>"
        source = self._at(vector, self._number(f"mul i64 {column}, {w.lanes}"))
        for group in range(0, w.lanes, width):
            lines = [
                self._load(type_, self._at(source, str(k * w.lanes + group)), REGISTER)
                if k < count
                else "zeroinitializer"
                for k in range(width)
            ]
            distance = 1
            while distance < width:
                lines = self._exchanged(lines, distance, type_)
                distance *= 2
            for k, text in enumerate(lines):
                where = self._at(target, self._number(f"add i64 {column}, {(group + k) * line}"))
                w.line(f"store {type_} {text}, ptr {where}, align {REGISTER}")

    def _exchanged(self, lines: list[str], distance: int, type_: str) -> list[str]:
        """One stage of turning a square: what is off its diagonal by `distance` changes sides."""
        width, out = len(lines), list(lines)
        for i in range(width):
            if i & distance:
                continue
            j = i | distance
            upper = [e if not e & distance else width + (e ^ distance) for e in range(width)]
            lower = [e ^ distance if not e & distance else width + e for e in range(width)]
            for place, choice in ((i, upper), (j, lower)):
                chosen = ", ".join(f"i32 {c}" for c in choice)
                out[place] = self._named(
                    f"shufflevector {type_} {lines[i]}, {type_} {lines[j]}, <{width} x i32> <{chosen}>"
                )
        return out

    # -- lines ---------------------------------------------------------------------------------------------------------
    def _named(self, text: str) -> str:
        name = self.w.name()
        self.w.line(f"{name} = {text}")
        return name

    def _number(self, *steps: str) -> str:
        """The last of some instructions, each on the result `$` of the one before."""
        name = ""
        for step in steps:
            name = self._named(step.replace("$", name))
        return name

    def _at(self, base: str, offset: str) -> str:
        return self._named(f"getelementptr {self.w.real}, ptr {base}, i64 {offset}")

    def _load(self, type_: str, where: str, align: int) -> str:
        return self._named(f"load {type_}, ptr {where}, align {align}")

    def _slot(self, type_: str) -> str:
        slot = self.w.name("sum")
        self.allocas.append(f"  {slot} = alloca {type_}, align {REGISTER}")
        return slot

    def _spread(self, scalar: str, type_: str, width: int) -> str:
        first = self._named(f"insertelement {type_} poison, {self.w.real} {scalar}, i64 0")
        return self._named(f"shufflevector {type_} {first}, {type_} poison, <{width} x i32> zeroinitializer")

    def _fma(self, type_: str, width: int, a: str, b: str, c: str) -> str:
        name = f"@llvm.fma.v{width}{WIDTHS[self.w.dtype][1]}"
        self.w.intrinsics.add(f"declare {type_} {name}({type_}, {type_}, {type_})")
        return self._named(f"call {type_} {name}({type_} {a}, {type_} {b}, {type_} {c})")

    def _bit(self, bits: str, lane: str) -> str:
        """Whether a lane is at work."""
        lanes = self.w.lanes
        number = self._named(f"trunc i64 {lane} to i{lanes}") if lanes < 64 else lane
        return self._number(f"lshr i{lanes} {bits}, {number}", f"trunc i{lanes} $ to i1")

    @contextmanager
    def _turns(self, count: int) -> Iterator[str]:
        """A loop, and its counter from 0 on; a single turn is none."""
        if count == 1:
            yield "0"
            return
        w, slot = self.w, self.w.name("turns")
        head, body, done = (w.fresh_label(n) for n in ("turn", "turning", "turned"))
        self.allocas.append(f"  {slot} = alloca i64")
        w.line(f"store i64 0, ptr {slot}")
        w.line(f"br label %{head}")
        w.label(head)
        counter = self._named(f"load i64, ptr {slot}")
        more = self._named(f"icmp slt i64 {counter}, {count}")
        w.line(f"br i1 {more}, label %{body}, label %{done}")
        w.label(body)
        yield counter
        following = self._named(f"add nsw i64 {counter}, 1")
        w.line(f"store i64 {following}, ptr {slot}")
        w.line(f"br label %{head}")
        w.label(done)

    @contextmanager
    def _where(self, condition: str) -> Iterator[None]:
        w = self.w
        body, done = w.fresh_label("lane"), w.fresh_label("passed")
        w.line(f"br i1 {condition}, label %{body}, label %{done}")
        w.label(body)
        yield
        w.line(f"br label %{done}")
        w.label(done)


def _tiles(size: int, width: int) -> list[tuple[int, int, int]]:
    """(first, how many, how wide): tiles of one width over a length, then what is left."""
    whole, rest = divmod(size, width)
    found = [(0, whole, width)] if whole else []
    return [*found, (whole * width, 1, rest)] if rest else found
