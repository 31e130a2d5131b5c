"""Loads and stores of sixteen bytes, where a thread needs neighbouring elements of an array.

A thread with several neighbouring instances reads and writes by such pieces; a complex number is one by itself in
double precision. Of pieces that hold only one number that is needed, that number is read alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from codegen.ir import Kind, Node, constant_value
from codegen.program import Array, Block, Intent, Kernel, Load, Statement, Store, statements

from .cuda_addresses import Addresses
from .cuda_together import Together, is_straight, operations

BYTES = 16
LARGE = 400  # operations of all instances of a thread, past which registers run out


@dataclass(frozen=True)
class Piece:
    """Sixteen bytes of an array: a place that several pieces count from, and how many elements on it begins."""

    array: str
    base: Node
    first: int

    @property
    def key(self) -> tuple[str, bytes, int]:
        """What makes it the same piece."""
        return self.array, self.base.key, self.first


@dataclass(frozen=True)
class Part:
    """One number of a piece."""

    piece: Piece
    number: int


def per_piece(dtype: str) -> int:
    """How many numbers a piece holds."""
    return BYTES // (4 if dtype == "float32" else 8)


def in_pieces(kernel: Kernel) -> tuple[Array, ...]:
    """The arrays that are read and written by pieces."""
    return tuple(a for a in kernel.arrays if a.instanced and a.kind is Kind.REAL)


def wide_lanes(kernel: Kernel, dtype: str) -> int:
    """How many neighbours along the lane axis a thread takes so that its accesses are pieces; 0: it had better not.

    The body must be straight, and read what it writes before it writes it.
    """
    arrays = in_pieces(kernel)
    if not arrays or not is_straight(kernel.body) or _reads_what_it_wrote(kernel.body):
        return 0
    lanes = max(1, per_piece(dtype) // min(a.components for a in arrays))
    if any(lanes * a.components % per_piece(dtype) for a in arrays):
        return 0
    return lanes if lanes * operations(kernel.body) <= LARGE else 0


def _reads_what_it_wrote(body: Block) -> bool:
    """Whether an element may be loaded after it was stored."""
    written: list[Store] = []
    for s in statements(body):
        if isinstance(s, Load) and any(s.array == w.array and not _apart(s.index, w.index) for w in written):
            return True
        if isinstance(s, Store):
            written.append(s)
    return False


def _apart(a: tuple[Node, ...], b: tuple[Node, ...]) -> bool:
    """Whether two places are known to differ."""
    pairs = [(constant_value(i), constant_value(j)) for i, j in zip(a, b, strict=True)]
    return any(i is not None and j is not None and i != j for i, j in pairs)


class Pieces:
    """Which statements of a block load and store parts of which pieces."""

    def __init__(self, kernel: Kernel, work: Together, addresses: Addresses, dtype: str) -> None:
        self.width = per_piece(dtype)
        arrays = {a.name: a for a in in_pieces(kernel)}
        self.parts: dict[int, Part] = {}
        for s in work.body:
            if isinstance(s, Load | Store) and s.array in arrays:
                self.parts[id(s)] = self._part(arrays[s.array], s, work.copy.get(id(s), 0), addresses)
        self.loaded = dict(self._count(work.body, Load))
        stored = dict(self._count(work.body, Store))
        self.stored = {key for key, parts in stored.items() if sorted(parts) == list(range(self.width))}
        self.last = {
            self.parts[id(s)].piece.key: id(s) for s in work.body if isinstance(s, Store) and id(s) in self.parts
        }

    def _part(self, array: Array, s: Load | Store, copy: int, addresses: Addresses) -> Part:
        base, at = addresses.place(s.array, s.index, copy + (s.shift if isinstance(s, Load) else 0))
        boundary = addresses.halo * array.components
        number = (at - boundary) % self.width
        return Part(Piece(s.array, base, at - number), number)

    def _count(self, body: Block, kind: type[Statement]) -> Iterator[tuple[tuple[str, bytes, int], Counter[int]]]:
        found: dict[tuple[str, bytes, int], Counter[int]] = {}
        for s in body:
            if isinstance(s, kind) and (part := self.parts.get(id(s))) is not None:
                found.setdefault(part.piece.key, Counter())[part.number] += 1
        yield from found.items()

    def is_whole(self, s: Statement) -> bool:
        """Whether a statement belongs to an access of a whole piece."""
        key = self.parts[id(s)].piece.key
        return key in self.stored if isinstance(s, Store) else len(self.loaded[key]) > 1


def own_pieces(pieces: Pieces, kernel: Kernel, share_lanes: int, halo: int) -> Mapping[str, list[Piece]]:
    """By array, the pieces that are loaded of the instances' own lanes."""
    found: dict[str, dict[tuple[str, bytes, int], Piece]] = {}
    components = {a.name: a.components for a in in_pieces(kernel)}
    for part in pieces.parts.values():
        piece = part.piece
        if piece.key in pieces.loaded and len(pieces.loaded[piece.key]) > 1:
            count = components[piece.array]
            if 0 <= piece.first - halo * count < share_lanes * count:
                found.setdefault(piece.array, {})[piece.key] = piece
    return {array: list(known.values()) for array, known in found.items()}


def is_streamed(array: Array) -> bool:
    """Whether a launch reads every element of an array at most once, and writes it."""
    return array.intent is not Intent.IN
