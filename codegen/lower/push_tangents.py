"""Tangents pushed through statements: every active register and array gets one beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from codegen.bindings import names_in, shared_arrays
from codegen.builder import Names
from codegen.errors import CompilerBug
from codegen.ir import Kind, Node, variable, variables
from codegen.product import with_loops_of_its_own
from codegen.program import (
    Array,
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

from .activity import Activity, active_results, find_activity, mask_of
from .autodiff import jvp

DOT = "_dot"  # how the tangent of an array is called


def with_tangents(
    function: Function, sources: Sequence[Node], directions: int = 1, arrays: Sequence[Array] = ()
) -> Function:
    """What `forward_statements.jvp_function` says, of a function in which no derivatives of networks stand."""
    function = with_loops_of_its_own(function)
    reached = [a for a in arrays if a.name.removesuffix(DOT) in {b.name for b in function.arrays}]
    forward = _Forward(function, sources, directions, reached)
    tangents = [forward.dots[x][d] for d in range(directions) for x in sources]
    body = forward.block(function.body)
    reals = [r for r in function.results if r.kind is Kind.REAL]
    dots = [forward.tangent(r)[d] for d in range(directions) for r in reals]
    pushed = f"jvp{directions if directions > 1 else ''}_{mask_of(function, sources)}"
    name = "_".join([function.name, pushed, *(a.name for a in reached)])
    shared = {a.name: a for a in (*function.arrays, *reached, *shared_arrays(body))}
    return Function(name, (*function.parameters, *tangents), body, (*function.results, *dots), tuple(shared.values()))


class _Forward:
    """One function while its tangents are written."""

    def __init__(self, function: Function, chosen: Sequence[Node], directions: int, arrays: Sequence[Array]) -> None:
        self.function, self.directions, self.given = function, directions, arrays
        self.names = Names((*names_in(function), *(a.name for a in arrays)))
        sources = [p for p in function.parameters if p in chosen]
        names = [a.name.removesuffix(DOT) for a in arrays]
        self.activity: Activity = find_activity(function, sources, names)
        self.dots: dict[Node, tuple[Node, ...]] = {}
        for x in sources:
            self.fresh(x)
        self.arrays: dict[str, tuple[str, ...]] = {n: (a.name,) for n, a in zip(names, arrays, strict=True)}

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
        names = [a.name.removesuffix(DOT) for a in self.given]
        if not any(active_results(call.function, active, names)):
            return call
        wrt = [p for p, yes in zip(call.function.parameters, active, strict=True) if yes]
        derived = with_tangents(call.function, wrt, self.directions, self.given)
        tangents = [self.tangent(a) for a, yes in zip(call.arguments, active, strict=True) if yes]
        arguments = (*call.arguments, *(t[d] for d in range(self.directions) for t in tangents))
        reals = [t for t in call.targets if t.kind is Kind.REAL]
        dots = [self.fresh(t) for t in reals]
        targets = (*call.targets, *(t[d] for d in range(self.directions) for t in dots))
        return Call(targets, derived, arguments)
