"""Calls replaced by the bodies of small functions.

Pays where a call would cost as much as its body, and lets later passes share work between calls; costs instruction
cache and compile time. A right-hand side of sixty nodes that a step calls twelve times is worth it, one of thousands
is not.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from codegen.bindings import names_in
from codegen.builder import Names
from codegen.ir import Node, variable, walk
from codegen.program import (
    Accumulate,
    Assign,
    Block,
    Call,
    For,
    Function,
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
    functions,
    must_be_inlined,
    nodes_of,
    statements,
)

from .traverse import Scope, Substitution, results_of, with_body, with_nodes

LIMIT = 2000


def inline(scope: Scope, limit: int = LIMIT) -> Scope:
    """Replace calls of a function by its body where the copies hold at most `limit` nodes together, or where it has
    one caller, and of functions that write to arrays of the kernel.

    Calls inside functions are treated first. The copies get names of their own.
    """
    calls = Counter(
        s.function.name
        for body in (scope.body, *(f.body for f in functions(scope.body)))
        for s in statements(body)
        if isinstance(s, Call)
    )
    done: dict[str, Function] = {}
    for function in functions(scope.body):
        done[function.name] = _inline_into(function, done, calls, limit)
    return _inline_into(scope, done, calls, limit)


def size(function: Function) -> int:
    """The number of nodes and loads that a function evaluates, called functions not counted."""
    found = list(statements(function.body))
    roots = [n for s in found for n in nodes_of(s)] + list(function.results)
    return sum(n.op not in ("constant", "variable") for n in walk(roots)) + sum(
        isinstance(s, Load | Store) for s in found
    )


def _loops_over_arrays(function: Function) -> bool:
    """Whether a function is a loop over an array of the kernel (a network): its call is nothing beside its work."""
    return bool(function.arrays) and any(isinstance(s, For) for s in statements(function.body))


def _inline_into(scope: Scope, done: dict[str, Function], calls: Counter[str], limit: int) -> Scope:
    """The scope with its calls pointing to the functions in `done`, or replaced by their bodies."""
    here = Counter(s.function.name for s in statements(scope.body) if isinstance(s, Call))
    copied = {
        name: f
        for name, f in done.items()
        if calls[name] == 1 or must_be_inlined(f) or (size(f) * here[name] <= limit and not _loops_over_arrays(f))
    }
    reachable: tuple[Function, ...] = functions((*scope.body, *(s for f in done.values() for s in f.body)))
    names = Names((*names_in(scope), *(f.name for f in reachable)))
    return with_body(scope, _expand(scope.body, done, copied, names), results_of(scope))


def _expand(block: Block, done: dict[str, Function], copied: dict[str, Function], names: Names) -> Block:
    out: list[Statement] = []
    for statement in block:
        match statement:
            case For(_, _, _, body) | While(_, body) | If(_, body):
                out.append(replace(statement, body=_expand(body, done, copied, names)))
            case Call(_, function, _) if function.name in copied:
                out.extend(_copy(statement, copied[function.name], names))
            case Call(_, function, _):
                out.append(replace(statement, function=done[function.name]))
            case _:
                out.append(statement)
    return tuple(out)


def _copy(call: Call, function: Function, names: Names) -> Block:
    """The body of a function on the arguments of a call."""
    substitution = Substitution()
    out: list[Statement] = []
    for parameter, argument in zip(function.parameters, call.arguments, strict=True):
        if argument.op not in ("constant", "variable"):
            target = variable(names.fresh(str(parameter.attribute)), parameter.kind)
            out.append(Let(target, argument))
            argument = target
        substitution.set(parameter, argument)
    out.extend(Copier(substitution, names).block(function.body))
    results = substitution.all(function.results)
    out.extend(Let(target, result) for target, result in zip(call.targets, results, strict=True))
    return tuple(out)


class Copier:
    """Statements renamed apart, in the order in which they bind."""

    def __init__(self, substitution: Substitution, names: Names) -> None:
        self.substitution, self.names = substitution, names
        self.arrays: dict[str, str] = {}

    def block(self, block: Block) -> Block:
        return tuple(self.statement(s) for s in block)

    def target(self, old: Node) -> Node:
        new = variable(self.names.fresh(str(old.attribute)), old.kind)
        self.substitution.set(old, new)
        return new

    def statement(self, statement: Statement) -> Statement:
        copied = with_nodes(statement, self.substitution.all(nodes_of(statement)))
        match copied:
            case Local(array):
                self.arrays[array.name] = self.names.fresh(array.name)
                return Local(replace(array, name=self.arrays[array.name]))
            case Load():
                return replace(
                    copied, target=self.target(copied.target), array=self.arrays.get(copied.array, copied.array)
                )
            case Store() | Accumulate():
                return replace(copied, array=self.arrays.get(copied.array, copied.array))
            case Product():
                given, made = (
                    tuple(self.arrays.get(name, name) for name in names) for names in (copied.given, copied.made)
                )
                return replace(copied, given=given, made=made)
            case Outer(array, _, _, _, left, _, right, _):
                array, *vectors = (self.arrays.get(name, name) for name in (array, *left, *right))
                return replace(copied, array=array, left=tuple(vectors[: len(left)]), right=tuple(vectors[len(left) :]))
            case For(counter, _, _, body):
                renamed = self.target(counter)
                return replace(copied, counter=renamed, body=self.block(body))
            case While(_, body) | If(_, body):
                return replace(copied, body=self.block(body))
            case Call():
                return replace(copied, targets=tuple(self.target(t) for t in copied.targets))
            case Let() | Var():
                return replace(copied, target=self.target(copied.target))
            case Assign():
                return replace(copied, target=self.substitution(copied.target))
        return copied
