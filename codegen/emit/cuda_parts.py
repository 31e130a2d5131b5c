"""Sums of loops shared out among the threads of an instance.

Where there are fewer instances than a device needs threads to hide what memory takes, several threads take one: each
the terms of a stretch of every loop, and all of them what stands before. They add their shares up in one order, so that
all come to the same sum to the last bit, and the first of them does the rest.
"""

from __future__ import annotations

from codegen.bindings import names_read
from codegen.ir import Node
from codegen.program import (
    Accumulate,
    Assign,
    Block,
    Comment,
    For,
    If,
    Kernel,
    Let,
    Load,
    Statement,
    Store,
    Var,
    nodes_of,
)

INSIDE = (Let, Load, Assign, Comment)
OUTSIDE = (*INSIDE, Var, Store, Accumulate, For)


def can_share_loops(kernel: Kernel) -> bool:
    """Whether all loops of a kernel only add to registers, and nothing is written before the last of them ends."""
    if not all(isinstance(s, OUTSIDE) for s in kernel.body):
        return False
    head, _ = head_and_rest(kernel.body)
    loops = [s for s in head if isinstance(s, For)]
    return bool(loops) and not any(isinstance(s, Store | Accumulate) for s in head) and all(map(only_adds, loops))


def head_and_rest(body: Block) -> tuple[Block, Block]:
    """A block as far as the end of its last loop, and what follows."""
    end = max((i + 1 for i, s in enumerate(body) if isinstance(s, For)), default=0)
    return body[:end], body[end:]


def only_adds(loop: For) -> bool:
    """Whether a loop does nothing but add to registers what does not depend on them."""
    if not all(isinstance(s, INSIDE) for s in loop.body):
        return False
    sums = {str(t.attribute) for t in sums_of(loop)}
    return bool(sums) and all(_is_term(s, sums) for s in loop.body)


def sums_of(loop: For) -> tuple[Node, ...]:
    """The registers that a loop adds to."""
    return tuple(dict.fromkeys(s.target for s in loop.body if isinstance(s, Assign)))


def _is_term(s: Statement, sums: set[str]) -> bool:
    """Whether a statement adds what depends on no sum to one of them, or is such a thing."""
    terms = _terms(s.value, s.target) if isinstance(s, Assign) else nodes_of(s)
    return terms is not None and not names_read(terms) & sums


def _terms(value: Node, register: Node) -> tuple[Node, ...] | None:
    """What is added to a register; None where something else is done to it."""
    if value == register:
        return ()
    if value.op not in ("add", "sub"):
        return None
    for inner, other in (value.args, value.args[::-1])[: 2 if value.op == "add" else 1]:
        if (rest := _terms(inner, register)) is not None:
            return (*rest, other)
    return None


def first_alone(body: Block, mine: Node) -> Block:
    """A block whose statements behind the last loop are done where `mine` holds."""
    head, rest = head_and_rest(body)
    return (*head, If(mine, rest)) if rest else head


def lengths(kernel: Kernel) -> tuple[Node, ...]:
    """The turns of every loop of a kernel."""
    return tuple(s.stop - s.start for s in kernel.body if isinstance(s, For))
