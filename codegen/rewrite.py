"""Rebuilding graphs: substitution, with shared subexpressions rebuilt once and constants folded again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .ir import Node, walk
from .primitives import apply


def rebuild(roots: Iterable[Node], replacement: Mapping[Node, Node]) -> tuple[Node, ...]:
    """The roots with nodes (variables, as a rule) replaced by others of the same kind."""
    done: dict[bytes, Node] = {old.key: new for old, new in replacement.items()}
    roots = tuple(roots)
    for n in walk(roots):
        if n.key in done:
            continue
        args = tuple(done[argument.key] for argument in n.args)
        same = all(new is old for new, old in zip(args, n.args, strict=True))
        done[n.key] = n if same else apply(n.op, *args, attribute=n.attribute)
    return tuple(done[root.key] for root in roots)
