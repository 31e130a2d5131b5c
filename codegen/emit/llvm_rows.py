"""Few neighbouring numbers at places that differ by lane: every lane loads its own at once, and vectors turn them.

A gather goes to memory once for each lane and number. Where the numbers of a place are neighbours, as the components of
a position are, there is one load a lane for all of them; what it costs to turn lanes of numbers into numbers of lanes
is less than the loads that it saves.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..ir import Kind, constant_value
from ..program import Array, Intent, Load
from .llvm_writer import Writer

WIDTHS = (2, 4)  # numbers of a place that can be turned


def lies_in_rows(w: Writer, array: Array, s: Load) -> bool:
    """Whether a load asks for a number out of several that lie side by side, in an array [places, numbers]."""
    return (
        w.lanes % max(WIDTHS) == 0
        and array.kind is Kind.REAL
        and array.intent is Intent.IN
        and not array.instanced
        and len(array.shape) == 2
        and array.shape[1] in WIDTHS
        and constant_value(s.index[1]) is not None
    )


def turned_rows(w: Writer, base: str, places: Sequence[str], width: int) -> list[str]:
    """`width` vectors over the lanes, of the numbers of `places`, one i64 a lane."""
    size = 4 if w.dtype == "float32" else 8
    rows = []
    for place in places:
        offset, at, row = w.name("offset"), w.name("at"), w.name("row")
        w.line(f"{offset} = mul nsw i64 {place}, {width}")
        w.line(f"{at} = getelementptr {w.real}, ptr {base}, i64 {offset}")
        w.line(f"{row} = load <{width} x {w.real}>, ptr {at}, align {size}")
        rows.append(row)
    # of every `width` lanes the first, of every `width` lanes the second, ...
    parts = [_joined(w, rows[k::width], width) for k in range(width)]
    groups = range(0, w.lanes, width)
    if width == 2:
        orders = ([side for g in groups for side in (g + k, w.lanes + g + k)] for k in range(2))
        return [_mixed(w, parts[0], parts[1], order) for order in orders]
    found = []
    for first in (0, 2):  # the first two numbers of two lanes each, then the last two
        order = [i for g in groups for i in (g + first, w.lanes + g + first, g + first + 1, w.lanes + g + first + 1)]
        one, other = _mixed(w, parts[0], parts[1], order), _mixed(w, parts[2], parts[3], order)
        for k in (0, 2):
            pairs = [i for g in groups for i in (g + k, g + k + 1, w.lanes + g + k, w.lanes + g + k + 1)]
            found.append(_mixed(w, one, other, pairs))
    return found


def _joined(w: Writer, rows: list[str], width: int) -> str:
    """Short vectors one behind the other."""
    while len(rows) > 1:
        width, halves = 2 * width, list(zip(rows[::2], rows[1::2], strict=True))
        rows = [_shuffled(w, a, b, width // 2, range(width)) for a, b in halves]
    return rows[0]


def _mixed(w: Writer, a: str, b: str, order: Sequence[int]) -> str:
    """Elements of two vectors over the lanes."""
    return _shuffled(w, a, b, w.lanes, order)


def _shuffled(w: Writer, a: str, b: str, length: int, order: Sequence[int]) -> str:
    name, type_ = w.name("mixed"), f"<{length} x {w.real}>"
    chosen = ", ".join(f"i32 {i}" for i in order)
    w.line(f"{name} = shufflevector {type_} {a}, {type_} {b}, <{len(order)} x i32> <{chosen}>")
    return name
