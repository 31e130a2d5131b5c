"""Which loops may be taken strip by strip of the lanes; what a lane count counts on, and what a printer does."""

from __future__ import annotations

from collections.abc import Iterator

from .bindings import targets
from .ir import Kind, Node, constant_value, walk
from .program import Assign, Block, Comment, For, If, Let, nodes_of, statements

PLAIN = (Let, Assign, If, Comment)


def variables_of(block: Block) -> list[Node]:
    """The variables that a block reads."""
    return [n for n in walk([m for s in statements(block) for m in nodes_of(s)]) if n.op == "variable"]


def may_be_cut(loop: For) -> bool:
    """Whether a loop touches registers alone, carries no truths, and may turn often."""
    inside = list(statements(loop.body))
    short = constant_value(loop.start) is not None and constant_value(loop.stop) is not None
    return bool(inside) and not short and all(isinstance(s, PLAIN) for s in inside) and not _brings_truths(loop)


def loops_of_all_lanes(block: Block) -> Iterator[For]:
    """The loops of a block in which every lane is at work, those inside others included."""
    for s in block:
        if isinstance(s, For):
            yield s
            yield from loops_of_all_lanes(s.body)


def _brings_truths(loop: For) -> bool:
    """Whether a turn takes truths from before it, which memory packs: of registers, or that are the same in all turns,
    wherever they are worked out."""
    inside = list(statements(loop.body))
    bound = {s.target.key for s in inside if isinstance(s, Let)}
    varying = {loop.counter.key} | {t.key for s in inside if isinstance(s, Assign) for t in targets(s)}
    for s in inside:
        if isinstance(s, Let) and any(n.key in varying for n in walk([s.value])):
            varying.add(s.target.key)
    truths = [n for n in walk([m for s in inside for m in nodes_of(s)]) if n.kind is Kind.BOOL and n.op != "constant"]
    carried = [t for s in inside for t in targets(s) if t.kind is Kind.BOOL and t.key not in bound]
    return bool(carried) or any(
        n.key not in bound if n.op == "variable" else not any(m.key in varying for m in walk([n])) for n in truths
    )
