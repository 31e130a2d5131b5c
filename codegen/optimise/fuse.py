"""Names that are used once give way to their expressions, so that graphs are as large as they can be.

Pays as preparation: passes that look at expressions see further, printers write fewer lines. Names used several times
stay, and so do those that a loop or a branch reads, because an expression moved into a loop would be evaluated again.
"""

from __future__ import annotations

from dataclasses import replace

from codegen.ir import Node
from codegen.program import Block, For, If, Let, Statement, While, assigned, nodes_of

from .segments import rewrite_segments, unchanged
from .traverse import Scope, Substitution, results_of, with_body, with_nodes


def fuse(scope: Scope) -> Scope:
    """Substitute Lets that are used once in their straight-line segment, and everywhere those that only rename."""
    substitution = Substitution()
    body = _without_aliases(scope.body, substitution, assigned(scope.body))
    return rewrite_segments(with_body(scope, body, substitution.all(results_of(scope))), unchanged)


def _without_aliases(block: Block, substitution: Substitution, changing: frozenset[Node]) -> Block:
    """The block with names of constants and of other names replaced by these."""
    out: list[Statement] = []
    for statement in block:
        statement = with_nodes(statement, substitution.all(nodes_of(statement)))
        match statement:
            case Let(target, value) if value.op in ("constant", "variable") and value not in changing:
                substitution.set(target, value)
            case For(_, _, _, body) | While(_, body) | If(_, body):
                out.append(replace(statement, body=_without_aliases(body, substitution, changing)))
            case _:
                out.append(statement)
    return tuple(out)
