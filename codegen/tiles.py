"""How many sums a loop keeps in registers, and loops that take so many numbers at a time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from .builder import Builder
from .ir import Node, integer

SUMS = 12  # that a product keeps in registers: 24 of 32, where sixteen doubles are two of them
BESIDE = 3  # vectors that several rows of a matrix meet together, where there are many
NEIGHBOURS = 8  # elements whose sums over instances are taken together


def groups(vectors: int) -> list[range]:
    """Vectors that a matrix meets, in groups that leave room for several rows of it: all where that is so anyway.

    A product of one row with many vectors loads a number for each multiplication; four rows with three vectors load
    seven for twelve, and pass over the vectors a quarter as often.
    """
    if tile_width(vectors) > 2:
        return [range(vectors)]
    count = -(-vectors // BESIDE)
    edges = [vectors * i // count for i in range(count + 1)]
    return [range(a, b) for a, b in pairwise(edges)]


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
