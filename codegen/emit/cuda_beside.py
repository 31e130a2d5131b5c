"""Numbers that lie side by side in memory that all instances read, by one access of sixteen bytes.

The components of a neighbour's place, for one: threads whose neighbours lie apart ask for a line of the cache each, and
one access asks once for all of them.
"""

from __future__ import annotations

from collections import Counter

from codegen.ir import Kind, Node, constant_value, integer, variables
from codegen.program import Array, Assign, Block, For, If, Intent, Kernel, Load, While, statements

from .cuda_addresses import Addresses
from .cuda_wide import Part, Piece, per_piece


def beside(block: Block, addresses: Addresses, width: int) -> dict[int, Part]:
    """By its id, which part of which piece of `width` numbers a load of a block is, where another loads of the same."""
    assigned = {s.target for s in statements(block) if isinstance(s, Assign)}
    found: dict[int, Part] = {}
    for s in block:
        array = addresses.arrays.get(s.array) if isinstance(s, Load) else None
        if not isinstance(s, Load) or array is None or not _is_read_by_all(array):
            continue
        (position,) = addresses.where(s.array, s.index, s.shift)
        base, further = _apart(position)
        if _is_multiple(base, width) and not assigned & variables((base,)):
            found[id(s)] = Part(Piece(s.array, base, further - further % width), further % width)
    shared = Counter(part.piece.key for part in found.values())
    return {key: part for key, part in found.items() if shared[part.piece.key] > 1}


def in_rows(kernel: Kernel, dtype: str) -> tuple[str, ...]:
    """The arrays that `beside` finds accesses to: they are to begin on a boundary of sixteen bytes."""
    addresses = Addresses({}, kernel)
    blocks = [kernel.body, *(s.body for s in statements(kernel.body) if isinstance(s, For | While | If))]
    parts = [part for block in blocks for part in beside(block, addresses, per_piece(dtype)).values()]
    return tuple(dict.fromkeys(part.piece.array for part in parts))


def _is_read_by_all(array: Array) -> bool:
    return not array.instanced and array.intent is Intent.IN and array.kind is Kind.REAL


def _apart(position: Node) -> tuple[Node, int]:
    """A sum as what varies and the constant in it."""
    if position.op == "add":
        for one, other in (position.args, position.args[::-1]):
            if (value := constant_value(other)) is not None:
                base, further = _apart(one)
                return base, further + int(value)
    value = constant_value(position)
    return (position, 0) if value is None else (integer(0), int(value))


def _is_multiple(n: Node, width: int) -> bool:
    """Whether a place is a multiple of a width whatever its variables are."""
    value = constant_value(n)
    if value is not None:
        return int(value) % width == 0
    if n.op == "mul":
        return any(_is_multiple(a, width) for a in n.args)
    return n.op in ("add", "sub") and all(_is_multiple(a, width) for a in n.args)
