"""Rebuilding graphs: substitution, with shared subexpressions rebuilt once and constants folded again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import is_
from types import MappingProxyType

from .ir import Node, add, divide, multiply, negate, subtract, walk
from .primitives import apply

_ARITHMETIC: Mapping[str, Callable[..., Node]] = MappingProxyType(
    {"add": add, "sub": subtract, "mul": multiply, "div": divide, "neg": negate}
)


def with_arguments(n: Node, args: tuple[Node, ...]) -> Node:
    """The operation of a node on other arguments, folded; the node itself where they are the same."""
    if all(map(is_, args, n.args)):
        return n
    build = _ARITHMETIC.get(n.op)
    return build(*args) if build is not None else apply(n.op, *args, attribute=n.attribute)


def rebuild(roots: Iterable[Node], replacement: Mapping[Node, Node]) -> tuple[Node, ...]:
    """The roots with nodes (variables, as a rule) replaced by others of the same kind."""
    done: dict[bytes, Node] = {old.key: new for old, new in replacement.items()}
    roots = tuple(roots)
    for n in walk(roots):
        if n.key in done:
            continue
        done[n.key] = with_arguments(n, tuple([done[argument.key] for argument in n.args]))
    return tuple(done[root.key] for root in roots)
