"""Statements whose results nobody needs are removed, and control flow that constants decide is settled.

Always pays: differentiation, inlining and specialisation leave much behind. Arithmetic has no side effects, so that a
statement is needed only when an array, a sum or a result depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from codegen.bindings import targets
from codegen.ir import Node, constant_value, walk
from codegen.program import (
    Accumulate,
    Assign,
    Block,
    Call,
    Comment,
    For,
    If,
    Let,
    Load,
    Local,
    Outer,
    Product,
    Statement,
    Store,
    Var,
    While,
    assigned,
    nodes_of,
    statements,
)

from .traverse import Scope, results_of, with_body


def remove_dead(scope: Scope) -> Scope:
    """Remove what no array, sum or result depends on; branches on constants are taken or dropped, unchanging
    registers named."""
    body = _settle(scope.body, frozenset(str(t.attribute) for t in assigned(scope.body)))
    results = results_of(scope)
    while True:  # a register may become a name when its last assignment has gone
        kept = _Liveness(body, results).kept(body)
        settled = _settle(kept, frozenset(str(t.attribute) for t in assigned(kept)))
        if settled == body:
            return with_body(scope, settled, results)
        body = settled


def _settle(block: Block, changing: frozenset[str]) -> Block:
    out: list[Statement] = []
    for statement in block:
        match statement:
            case Var(target, value) if target.attribute not in changing:
                out.append(Let(target, value))
            case If(condition, body) if (chosen := constant_value(condition)) is not None:
                out.extend(_settle(body, changing) if chosen else ())
            case While(condition, _) if constant_value(condition) is False:
                pass
            case For(_, start, stop, body):
                first, last = constant_value(start), constant_value(stop)
                if body and (first is None or last is None or first < last):
                    out.append(replace(statement, body=_settle(body, changing)))
            case While(_, body) | If(_, body):
                out.append(replace(statement, body=_settle(body, changing)))
            case _:
                out.append(statement)
    return tuple(out)


@dataclass(frozen=True)
class _Entry:
    statement: Statement
    parent: int | None


class _Liveness:
    """Which statements are needed, by following from the effects to what feeds them."""

    def __init__(self, body: Block, results: tuple[Node, ...]) -> None:
        self.entries: list[_Entry] = []
        self.feeding: dict[str, list[int]] = {}
        self.private = {s.array.name for s in statements(body) if isinstance(s, Local)}
        self.live: set[int] = set()
        self._queue: list[int] = []
        self._seen: set[bytes] = set()
        self._wanted: set[str] = set()
        self._enter(body, None)
        self._want_nodes(results)
        for i, entry in enumerate(self.entries):
            if isinstance(entry.statement, Store | Accumulate | Outer) and entry.statement.array not in self.private:
                self._queue.append(i)
        self._spread()

    def _enter(self, block: Block, parent: int | None) -> None:
        for statement in block:
            here = len(self.entries)
            self.entries.append(_Entry(statement, parent))
            match statement:
                case Let() | Var() | Assign() | Load() | Call():
                    for target in targets(statement):
                        self.feeding.setdefault(str(target.attribute), []).append(here)
                case Local(array):
                    self.feeding.setdefault(array.name, []).append(here)
                case Store(array, _, _) if array in self.private:
                    self.feeding.setdefault(array, []).append(here)
                case Product():
                    for name in statement.made:
                        self.feeding.setdefault(name, []).append(here)
                case For(_, _, _, body) | While(_, body) | If(_, body):
                    self._enter(body, here)

    def _want(self, name: str) -> None:
        if name not in self._wanted:
            self._wanted.add(name)
            self._queue.extend(self.feeding.get(name, ()))

    def _want_nodes(self, roots: tuple[Node, ...]) -> None:
        for n in walk(roots, self._seen):
            if n.op == "variable":
                self._want(str(n.attribute))

    def _spread(self) -> None:
        while self._queue:
            i = self._queue.pop()
            if i in self.live:
                continue
            self.live.add(i)
            entry = self.entries[i]
            if entry.parent is not None:
                self._queue.append(entry.parent)
            self._want_nodes(nodes_of(entry.statement))
            if isinstance(entry.statement, Load | Store):
                self._want(entry.statement.array)
            elif isinstance(entry.statement, Outer):
                for name in (*entry.statement.left, *entry.statement.right):
                    self._want(name)
            elif isinstance(entry.statement, Product):
                for name in (*entry.statement.given, *entry.statement.made):
                    self._want(name)

    def kept(self, body: Block) -> Block:
        """The block without what is not needed; numbered as `_enter` numbered it."""
        self._count = 0
        return self._kept(body)

    def _kept(self, block: Block) -> Block:
        out: list[Statement] = []
        for statement in block:
            live = self._count in self.live
            self._count += 1
            match statement:
                case For(_, _, _, body) | While(_, body) | If(_, body):
                    inner = self._kept(body)
                    if live:
                        out.append(replace(statement, body=inner))
                case Comment():
                    out.append(statement)
                case _ if live:
                    out.append(statement)
        return tuple(out)
