"""Neighbouring instances in one thread: their statements side by side, and once what they have in common.

A thread that takes two particles loads every neighbour once for both; one that takes four sites loads and stores them
by instructions of sixteen bytes, and the places in memory that they share are computed once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from codegen.bindings import names_in, names_read, targets
from codegen.builder import Names
from codegen.ir import Kind, Node, integer, variable, walk
from codegen.optimise.traverse import Renaming, with_nodes
from codegen.program import (
    Accumulate,
    Assign,
    Block,
    Comment,
    For,
    Kernel,
    Let,
    Load,
    Statement,
    Store,
    Var,
    nodes_of,
    statements,
)
from codegen.singles import one_by_one

from .cuda_groups import GROUP, LARGE

STRAIGHT = (Let, Var, Assign, Load, Store, Accumulate, Comment)


@dataclass(frozen=True)
class Share:
    """How much of a launch a thread takes.

    rows: neighbours along the last outer axis, at once. lanes: neighbours along the lane axis, in pieces of sixteen
    bytes; 0: one, number by number. ahead: what the next row along the walk needs from memory is asked for before the
    present row is computed. streaming: what is written will not be read before it has left the caches. parts: threads
    that share the loops of an instance, along z of a block of one row; text for several is right for any number.
    group: turns of a loop over neighbours that share their loads, where their text is short. beside: numbers that all
    instances read and that lie side by side are loaded together; see `in_rows`.
    """

    rows: int = 1
    lanes: int = 0
    ahead: bool = False
    streaming: bool = False
    parts: int = 1
    group: int = GROUP
    beside: bool = False


ALONE = Share()


@dataclass(frozen=True)
class Together:
    """The statements of several instances; `copy`: of which of them a statement is, by its id (absent: of all)."""

    body: Block
    copy: Mapping[int, int]


def operations(block: Iterable[Statement]) -> int:
    """The distinct operations of a block."""
    return sum(bool(n.args) for n in walk([n for s in statements(tuple(block)) for n in nodes_of(s)]))


def is_straight(block: Block) -> bool:
    """Whether a block has no control flow, no calls and no memory of its own."""
    return all(isinstance(s, STRAIGHT) for s in block)


def can_share_rows(kernel: Kernel) -> bool:
    """Whether neighbours along the only outer axis walk through the same loops, and load the same there."""
    if len(kernel.outer) != 1 or not all(isinstance(s, (*STRAIGHT, For)) for s in kernel.body):
        return False
    loops = [s for s in kernel.body if isinstance(s, For)]
    varying = _varying(kernel, kernel.body, kernel.outer[0])
    return bool(loops) and all(
        is_straight(loop.body) and operations(loop.body) <= LARGE and not names_read(nodes_of(loop)) & varying
        for loop in loops
    ) and any(isinstance(s, Load) and _target(s) not in varying for loop in loops for s in loop.body)  # fmt: skip


def together(kernel: Kernel, body: Block, axis: str, count: int) -> Together:
    """`count` neighbours along an axis of a kernel, of which `body` is a part; see `can_share_rows`, `is_straight`."""
    return _Copies(kernel, body, axis, count).together(body)


def _target(statement: Statement) -> str:
    return str(targets(statement)[0].attribute)


def _varying(kernel: Kernel, body: Block, axis: str) -> set[str]:
    """The names whose values differ between neighbours along an axis."""
    own = {a.name for a in kernel.arrays if a.instanced} if axis == kernel.lane else set()
    found, before = {axis}, 0
    while len(found) > before:
        before = len(found)
        for s in statements(body):
            if names_read(nodes_of(s)) & found or (isinstance(s, Load) and s.array in own):
                found |= {str(t.attribute) for t in targets(s)}
    return found


class _Copies:
    def __init__(self, kernel: Kernel, body: Block, axis: str, count: int) -> None:
        self.count, self.varying, self.copy = count, _varying(kernel, body, axis), dict[int, int]()
        names = Names(tuple(names_in(kernel)))
        found = [t for s in statements(body) for t in targets(s) if t.attribute in self.varying]
        bound = list(dict.fromkeys(found))
        here = variable(axis, Kind.INT)
        self.renamed: list[dict[Node, Node]] = [{}]
        for k in range(1, count):
            self.renamed.append({t: variable(names.fresh(f"{t.attribute}_at_{k}"), t.kind) for t in bound})
        self.nodes = [Renaming({here: here + integer(k), **self.renamed[k]} if k else {}) for k in range(count)]

    def together(self, body: Block) -> Together:
        return Together(self.block(body), self.copy)

    def block(self, body: Block) -> Block:
        return tuple(copied for s in one_by_one(body) for copied in self.statement(s))

    def loop(self, body: Block) -> Block:
        """What all have in common, then one instance after the other, which takes fewer registers; side by side where
        something is written."""
        if any(isinstance(s, Store | Accumulate) for s in body):
            return self.block(body)
        copies = [self.statement(s) for s in body]
        rows = zip(*(found for found in copies if len(found) > 1), strict=True)
        return (*(found[0] for found in copies if len(found) == 1), *(s for row in rows for s in row))

    def statement(self, s: Statement) -> tuple[Statement, ...]:
        if isinstance(s, For):
            return (replace(s, body=self.loop(s.body)),)
        if isinstance(s, Comment) or (not isinstance(s, Store | Accumulate) and _target(s) not in self.varying):
            return (s,)
        found = tuple(self.of(s, k) for k in range(self.count))
        self.copy |= {id(copied): k for k, copied in enumerate(found)}
        return found

    def of(self, s: Statement, k: int) -> Statement:
        copied = with_nodes(s, [self.nodes[k](n) for n in nodes_of(s)])
        if isinstance(copied, Let | Var | Assign | Load):
            copied = replace(copied, target=self.renamed[k].get(copied.target, copied.target))
        return replace(copied) if copied is s else copied  # every copy has an id of its own
