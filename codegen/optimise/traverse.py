"""Walking over statements: what passes have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from codegen.ir import Node, node, walk
from codegen.program import (
    Accumulate,
    Assign,
    Block,
    Call,
    For,
    Function,
    If,
    Kernel,
    Let,
    Load,
    Outer,
    Product,
    Statement,
    Store,
    Var,
    While,
)
from codegen.rewrite import with_arguments

Scope = TypeVar("Scope", Kernel, Function)


def with_nodes(statement: Statement, nodes: Sequence[Node]) -> Statement:
    """The statement that evaluates other nodes, in the order of `nodes_of`."""
    match statement:
        case Let() | Var() | Assign():
            return replace(statement, value=nodes[0])
        case Load():
            return replace(statement, index=tuple(nodes))
        case Accumulate(_, index, _, _):
            k = len(index)
            return replace(statement, index=tuple(nodes[:k]), value=nodes[k], more=tuple(nodes[k + 1 :]))
        case Outer():
            return replace(statement, index=tuple(nodes[:-2]), left_begin=nodes[-2], right_begin=nodes[-1])
        case Product():
            return replace(statement, index=tuple(nodes[:-2]), given_begin=nodes[-2], made_begin=nodes[-1])
        case Store():
            return replace(statement, index=tuple(nodes[:-1]), value=nodes[-1])
        case For():
            return replace(statement, start=nodes[0], stop=nodes[1])
        case While() | If():
            return replace(statement, condition=nodes[0])
        case Call():
            return replace(statement, arguments=tuple(nodes))
    return statement


def results_of(scope: Kernel | Function) -> tuple[Node, ...]:
    """The nodes that a function returns; a kernel returns none."""
    return scope.results if isinstance(scope, Function) else ()


def with_body(scope: Scope, body: Block, results: tuple[Node, ...]) -> Scope:
    """The kernel or function with another body."""
    if isinstance(scope, Kernel):
        return replace(scope, body=body)
    return replace(scope, body=body, results=results)


class Substitution:
    """Variables replaced by nodes, with what was rebuilt remembered from root to root."""

    def __init__(self, replacement: Mapping[Node, Node] | None = None) -> None:
        self._done: dict[bytes, Node] = {old.key: new for old, new in (replacement or {}).items()}
        self._seen: set[bytes] = set(self._done)

    def set(self, old: Node, new: Node) -> None:
        """Replace a variable from now on; no root that holds it may have been rebuilt before."""
        self._done[old.key] = new
        self._seen.add(old.key)

    def __call__(self, root: Node) -> Node:
        """The root with its variables replaced."""
        done = self._done
        if root.key in self._seen:
            return done[root.key]
        for n in walk((root,), self._seen):
            args = tuple([done[a.key] for a in n.args])
            done[n.key] = self.built(n, args)
        return done[root.key]

    def built(self, n: Node, args: tuple[Node, ...]) -> Node:
        """The operation of a node on other arguments."""
        return with_arguments(n, args)

    def all(self, roots: Iterable[Node]) -> tuple[Node, ...]:
        """The roots with their variables replaced."""
        return tuple([self(root) for root in roots])


class Renaming(Substitution):
    """Nodes with other variables, and nothing folded or put into another order: where products are contracted into
    sums, it shows in the last digit which of two is, and instances are to be treated alike.
    """

    def built(self, n: Node, args: tuple[Node, ...]) -> Node:
        """The same operation, its arguments in the same order."""
        return n if args == n.args else node(n.op, args, n.kind, n.attribute)


def everywhere(rewrite: Callable[[Function], Function], block: Block) -> Block:
    """The block with every function that it calls, directly or not, rewritten, callees first."""
    return _Everywhere(rewrite).block(block)


class _Everywhere:
    def __init__(self, rewrite: Callable[[Function], Function]) -> None:
        self.rewrite = rewrite
        self.done: dict[str, Function] = {}

    def block(self, block: Block) -> Block:
        return tuple(self.statement(s) for s in block)

    def statement(self, statement: Statement) -> Statement:
        match statement:
            case For(_, _, _, body) | While(_, body) | If(_, body):
                return replace(statement, body=self.block(body))
            case Call(_, function, _):
                if function.name not in self.done:
                    inner = replace(function, body=self.block(function.body))
                    self.done[function.name] = self.rewrite(inner)
                return replace(statement, function=self.done[function.name])
        return statement
