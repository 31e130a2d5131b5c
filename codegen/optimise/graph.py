"""Graphs of several roots: counting uses, rebuilding node by node."""

from __future__ import annotations

from collections.abc import Callable

from codegen.ir import Node, walk
from codegen.rewrite import with_arguments

Roots = tuple[Node, ...]
# (nodes that statements evaluate, nodes that bear names) -> both rewritten; only the first count as uses
Rule = Callable[[Roots, Roots], tuple[Roots, Roots]]
LEAVES = ("constant", "variable")


def uses_of(roots: Roots) -> tuple[list[Node], dict[bytes, int]]:
    """The nodes below some roots, arguments first, and how often each is used."""
    order = list(walk(roots))
    uses: dict[bytes, int] = {}
    for n in order:
        for argument in n.args:
            uses[argument.key] = uses.get(argument.key, 0) + 1
    for n in roots:
        uses[n.key] = uses.get(n.key, 0) + 1
    return order, uses


def rewrite_nodes(
    roots: Roots, named: Roots, rule: Callable[[Node, dict[bytes, Node]], Node | None]
) -> tuple[Roots, Roots]:
    """Rebuild a graph bottom-up; `rule(node, done)` gives a replacement made of what is done already, or None to keep
    the node."""
    done: dict[bytes, Node] = {}
    for n in walk((*roots, *named)):
        replacement = rule(n, done)
        if replacement is None:
            args = tuple([done[a.key] for a in n.args])
            replacement = with_arguments(n, args)
        done[n.key] = replacement
    return tuple(done[n.key] for n in roots), tuple(done[n.key] for n in named)
