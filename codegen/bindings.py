"""Which names stand where: those that statements bind, those that a scope takes up, those that are read."""

from __future__ import annotations

from collections.abc import Iterable

from .ir import Node, variables
from .program import (
    Array,
    Assign,
    Block,
    Call,
    For,
    Function,
    Kernel,
    Let,
    Load,
    Local,
    Statement,
    Var,
    nodes_of,
    statements,
)


def targets(statement: Statement) -> tuple[Node, ...]:
    """The variables that a statement binds or assigns."""
    match statement:
        case Let(target, _) | Var(target, _) | Assign(target, _) | Load(target, _, _, _):
            return (target,)
        case For(counter, _, _, _):
            return (counter,)
        case Call(bound, _, _):
            return bound
    return ()


def bound_names(block: Block) -> tuple[str, ...]:
    """The names that the statements of a block and those inside them bind, private memory included, in order."""
    found: dict[str, None] = {}
    for statement in statements(block):
        if isinstance(statement, Local):
            found[statement.array.name] = None
        elif not isinstance(statement, Assign):
            found |= {str(target.attribute): None for target in targets(statement)}
    return tuple(found)


def interface_names(scope: Kernel | Function) -> tuple[str, ...]:
    """The names by which a kernel or function takes what it is given."""
    if isinstance(scope, Function):
        return (*(str(p.attribute) for p in scope.parameters), *(a.name for a in scope.arrays))
    return (*(a.name for a in scope.arrays), *(s.name for s in scope.scalars), scope.lane, *scope.outer)


def names_in(scope: Kernel | Function) -> tuple[str, ...]:
    """Every name that a kernel or function takes up, those of the functions that it calls included."""
    called = (s.function.name for s in statements(scope.body) if isinstance(s, Call))
    return (*interface_names(scope), *bound_names(scope.body), *called)


def names_bound(block: Iterable[Statement]) -> frozenset[str]:
    """The names that statements and those inside them bind or assign."""
    return frozenset(str(t.attribute) for s in statements(tuple(block)) for t in targets(s))


def names_used(block: Iterable[Statement], roots: Iterable[Node] = ()) -> set[str]:
    """The names of the variables that statements, those inside them and some nodes read or assign."""
    found = list(statements(tuple(block)))
    read = names_read([*(n for s in found for n in nodes_of(s)), *roots])
    return read | {str(s.target.attribute) for s in found if isinstance(s, Assign)}


def names_read(nodes: Iterable[Node]) -> set[str]:
    """The names of the variables that nodes depend on."""
    return {str(v.attribute) for v in variables(nodes)}


def shared_arrays(block: Block) -> tuple[Array, ...]:
    """The arrays of the kernel that the functions called in a block reach, each once."""
    found = {a.name: a for s in statements(block) if isinstance(s, Call) for a in s.function.arrays}
    return tuple(found.values())
