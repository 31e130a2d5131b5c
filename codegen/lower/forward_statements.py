"""Forward differentiation of functions with statements: every active register and array gets a tangent beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from codegen.builder import Names
from codegen.errors import CompilerBug
from codegen.ir import Kind, Node, variable, variables
from codegen.program import (
    Assign,
    Block,
    Call,
    Comment,
    For,
    Function,
    If,
    Let,
    Load,
    Local,
    Statement,
    Store,
    Var,
    While,
)

from .activity import Activity, active_results, bound_names, find_activity
from .autodiff import jvp


def jvp_function(function: Function, wrt: Sequence[Node] | None = None, directions: int = 1) -> Function:
    """The function together with its derivatives along `directions` tangents of the parameters `wrt` (all real ones).

    Parameters: those of the function, then for each direction a tangent for each parameter of `wrt`. Results: those of
    the function, then for each direction the tangents of its real results. Loops and conditions follow the values, so
    the derivative is that of the path taken. Raises CompilerBug for a function that touches memory that is not its own.
    """
    sources = [p for p in function.parameters if p.kind is Kind.REAL] if wrt is None else list(wrt)
    chosen = [p in sources for p in function.parameters]
    if any(x not in function.parameters or x.kind is not Kind.REAL for x in sources):
        raise CompilerBug(f"{function.name} is differentiated by {sources}, which are not all real parameters of it")
    forward = _Forward(function, chosen, directions)
    tangents = [forward.dots[x][d] for d in range(directions) for x in sources]
    body = forward.block(function.body)
    reals = [r for r in function.results if r.kind is Kind.REAL]
    dots = [forward.tangent(r)[d] for d in range(directions) for r in reals]
    name = f"{function.name}_{_suffix(chosen, directions)}"
    return Function(name, (*function.parameters, *tangents), body, (*function.results, *dots))


def _suffix(active: Sequence[bool], directions: int) -> str:
    """Part of a name that tells apart the derivatives of one function by different arguments."""
    chosen = "".join("x" if a else "o" for a in active)
    return f"jvp{directions if directions > 1 else ''}_{chosen}"


class _Forward:
    """One function while its tangents are written."""

    def __init__(self, function: Function, chosen: Sequence[bool], directions: int) -> None:
        self.function, self.directions = function, directions
        self.names = Names(bound_names(function))
        sources = [p for p, yes in zip(function.parameters, chosen, strict=True) if yes]
        self.activity: Activity = find_activity(function, sources)
        self.dots: dict[Node, tuple[Node, ...]] = {}
        for x in sources:
            self.fresh(x)
        self.arrays: dict[str, tuple[str, ...]] = {}

    def fresh(self, target: Node) -> tuple[Node, ...]:
        """Names for the tangents of a variable."""
        dots = tuple(variable(self.names.fresh(f"{target.attribute}_dot"), Kind.REAL) for _ in range(self.directions))
        self.dots[target] = dots
        return dots

    def tangent(self, value: Node) -> tuple[Node, ...]:
        inside = [(x, self.dots[x]) for x in variables((value,)) if x in self.dots]
        return tuple(jvp((value,), {x: dots[d] for x, dots in inside})[0] for d in range(self.directions))

    def block(self, block: Block) -> Block:
        return tuple(written for statement in block for written in self.statement(statement))

    def statement(self, statement: Statement) -> list[Statement]:
        match statement:
            case Let(target, value) | Var(target, value):
                if target not in self.activity.variables:
                    return [statement]
                tangents = self.tangent(value)
                pairs = zip(self.fresh(target), tangents, strict=True)
                return [statement, *(replace(statement, target=dot, value=t) for dot, t in pairs)]
            case Assign(target, value):
                pairs = zip(self.dots.get(target, ()), self.tangent(value), strict=False)
                return [*(Assign(dot, t) for dot, t in pairs), statement]  # tangents first: they read old values
            case Local(array):
                if array.name not in self.activity.arrays:
                    return [statement]
                names = tuple(self.names.fresh(f"{array.name}_dot") for _ in range(self.directions))
                self.arrays[array.name] = names
                return [statement, *(Local(replace(array, name=name)) for name in names)]
            case Load(target, array, index, shift):
                tangents_of = self.arrays.get(array, ())
                if target not in self.activity.variables:
                    return [statement]
                loads = [Load(d, a, index, shift) for d, a in zip(self.fresh(target), tangents_of, strict=True)]
                return [statement, *loads]
            case Store(array, index, value):
                stores = [
                    Store(a, index, t) for a, t in zip(self.arrays.get(array, ()), self.tangent(value), strict=False)
                ]
                return [*stores, statement]
            case For() | While() | If():
                return [replace(statement, body=self.block(statement.body))]
            case Call():
                return [self.call(statement)]
            case Comment():
                return [statement]
        raise CompilerBug(f"{self.function.name}: {type(statement).__name__} has no derivative inside a function")

    def call(self, call: Call) -> Call:
        active = [self.activity.holds(a) for a in call.arguments]
        if not any(active_results(call.function, active)):
            return call
        wrt = [p for p, yes in zip(call.function.parameters, active, strict=True) if yes]
        derived = jvp_function(call.function, wrt, self.directions)
        tangents = [self.tangent(a) for a, yes in zip(call.arguments, active, strict=True) if yes]
        arguments = (*call.arguments, *(t[d] for d in range(self.directions) for t in tangents))
        reals = [t for t in call.targets if t.kind is Kind.REAL]
        dots = [self.fresh(t) for t in reals]
        targets = (*call.targets, *(t[d] for d in range(self.directions) for t in dots))
        return Call(targets, derived, arguments)
