"""Functions without loops, as the expressions that they are."""

from __future__ import annotations

from codegen import CompilerBug, Function, Let, Node, rebuild


def straight_line(function: Function) -> tuple[Node, ...]:
    """The results of a straight-line function in its parameters alone."""
    known: dict[Node, Node] = {}
    for statement in function.body:
        if not isinstance(statement, Let):
            raise CompilerBug(f"{function.name} is no straight line: {type(statement).__name__}; choose another method")
        known[statement.target] = rebuild((statement.value,), known)[0]
    return rebuild(function.results, known)
