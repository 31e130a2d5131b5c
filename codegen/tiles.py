"""How many sums a loop keeps in registers, and loops that take so many numbers at a time."""

from __future__ import annotations

from collections.abc import Callable

from .builder import Builder
from .ir import Node, integer

SUMS = 12  # that a product keeps in registers: 24 of 32, where sixteen doubles are two of them
NEIGHBOURS = 8  # elements whose sums over instances are taken together


def tile_width(rows: int) -> int:
    """How many neurons a product computes at once, for so many vectors."""
    return max(1, SUMS // rows)


def tiled(b: Builder, count: int, width: int, body: Callable[[tuple[Node, ...]], None]) -> None:
    """Write `body` for `width` of `count` numbers at a time, and for what is left."""
    whole, rest = divmod(count, width)
    if whole == 1:
        body(tuple(integer(i) for i in range(width)))
    elif whole:
        with b.loop("tile", 0, whole) as tile:
            body(tuple(b.let("neuron", tile * width + i) for i in range(width)))
    if rest:
        body(tuple(integer(whole * width + i) for i in range(rest)))
