"""Neighbours along the lane axis in printed code: from aligned vectors that are turned into one another.

A vector that begins off a cache line costs two loads, and a stencil that reaches r to either side has 2 r of them.
Where rows begin on cache lines, the vectors in and around a block lie on one line each, and every neighbour is made of
two of them by one instruction. Rows that begin elsewhere give the same numbers. The vectors are integers, for which
LLVM knows the instruction.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..ir import Kind, Node
from ..program import Array, Load, Statement
from .llvm_writer import Value, Writer

TURNS = "avx512f"  # the feature that brings an instruction for it to vectors of 512 bits
BYTES = 64

Place = tuple[str, tuple[Node, ...]]
Span = tuple[int, int]


def spans_of(block: Iterable[Statement]) -> dict[Place, Span]:
    """By array and index: how far it is read before and behind an instance, where it is not read straight alone."""
    found: dict[Place, Span] = {}
    for s in block:
        if isinstance(s, Load):
            low, high = found.get((s.array, s.index), (0, 0))
            found[s.array, s.index] = (min(low, s.shift), max(high, s.shift))
    return {place: span for place, span in found.items() if span != (0, 0)}


def turns(w: Writer, array: Array, span: Span) -> bool:
    """Whether the neighbours in a row are best made of aligned vectors: where these are as wide as registers."""
    width = BYTES // array_bytes(w)
    plain = array.kind is Kind.REAL and array.components == 1
    return TURNS in w.features and plain and w.lanes % width == 0 and max(-span[0], span[1]) <= width


def array_bytes(w: Writer) -> int:
    """The size of a real."""
    return 4 if w.dtype == "float32" else 8


def piece_count(w: Writer) -> int:
    """How many vectors `row_pieces` are."""
    return w.lanes * array_bytes(w) // BYTES + 2


def row_pieces(w: Writer, at: str, span: Span) -> tuple[str, ...]:
    """The vectors of a row in a block at an address, with the one before it and the one behind.

    Of these two only the elements that are read are loaded: others may lie outside the array.
    """
    size = array_bytes(w)
    width = BYTES // size
    type_ = f"<{width} x i{8 * size}>"
    pieces = []
    for start in range(-width, w.lanes + width, width):
        name, where = w.name("piece"), w.name("at")
        w.line(f"{where} = getelementptr {w.real}, ptr {at}, i64 {start}")
        if 0 <= start < w.lanes:
            w.line(f"{name} = load {type_}, ptr {where}, align {size}")
        else:
            read = [span[0] <= start + k < w.lanes + span[1] for k in range(width)]
            mask = ", ".join(f"i1 {'true' if r else 'false'}" for r in read)
            full = f"@llvm.masked.load.v{width}i{8 * size}.p0"
            w.intrinsics.add(f"declare {type_} {full}(ptr, i32, <{width} x i1>, {type_})")
            given = f"ptr {where}, i32 {size}, <{width} x i1> <{mask}>, {type_} zeroinitializer"
            w.line(f"{name} = call {type_} {full}({given})")
        pieces.append(name)
    return tuple(pieces)


def turned(w: Writer, pieces: tuple[str, ...], shift: int) -> Value:
    """The elements of a block, `shift` further on, from the pieces of its row."""
    size = array_bytes(w)
    width = BYTES // size
    type_ = f"<{width} x i{8 * size}>"
    done = []
    for number in range(1, len(pieces) - 1):
        first = number if shift >= 0 else number - 1
        piece = pieces[number + shift // width] if shift % width == 0 else w.name("turned")
        if shift % width:
            places = ", ".join(f"i32 {shift % width + k}" for k in range(width))
            pair = f"{type_} {pieces[first]}, {type_} {pieces[first + 1]}"
            w.line(f"{piece} = shufflevector {pair}, <{width} x i32> <{places}>")
        done.append(w.name("reals"))
        w.line(f"{done[-1]} = bitcast {type_} {piece} to <{width} x {w.real}>")
    return Value(joined(w, done, width), Kind.REAL, True)


def joined(w: Writer, parts: list[str], width: int) -> str:
    """Vectors of `width` elements, a power of two of them, one after the other."""
    while len(parts) > 1:
        places = ", ".join(f"i32 {k}" for k in range(2 * width))
        type_, wide = f"<{width} x {w.real}>", []
        for a, b in zip(parts[::2], parts[1::2], strict=True):
            wide.append(w.name("joined"))
            w.line(f"{wide[-1]} = shufflevector {type_} {a}, {type_} {b}, <{2 * width} x i32> <{places}>")
        parts, width = wide, 2 * width
    return parts[0]
