"""Cotangents pulled back through statements: a function is run, then run backwards.

Registers become values that are bound once, so that reading backwards finds them. A loop of constant length keeps the
registers that it carries, and the arrays that it changes, as they were before each round; backwards, each round is done
again from there and then undone. Conditional blocks are done again likewise. Source: Griewank, Walther, "Evaluating
Derivatives" (2nd ed.), sections 3.2 and 12.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from codegen.bars import Bar
from codegen.bindings import names_in
from codegen.builder import Builder, Names
from codegen.errors import CompilerBug
from codegen.ir import Kind, Node, add_many, constant_value, integer, real, variable, variables
from codegen.primitives import apply
from codegen.product import with_loops_of_its_own
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
    nodes_of,
    statements,
)
from codegen.rewrite import rebuild

from .activity import mask_of
from .pull_memory import Back, Bars, Memory, Scope, in_order


class Reverse(Protocol):
    """A derivative known by heart; an immutable value, for it is part of what a function says."""

    def forward(self, b: Builder, arguments: Sequence[Node]) -> tuple[tuple[Node, ...], Any]:
        """Write the function's work; its results, and what `back` needs of it."""

    def back(self, kept: Any, cotangents: Sequence[Node], bars: Mapping[str, Bar]) -> tuple[Node, ...]:
        """Write the cotangents of the arguments, given those of the results; add those of arrays to their bars."""


def with_cotangents(
    function: Function, sources: Sequence[Node], with_results: bool, arrays: Mapping[str, Bar]
) -> Function:
    """What `reverse_statements.vjp_function` says, of a function in which no derivatives of networks stand."""
    function = with_loops_of_its_own(function)
    reached = {name: bar for name, bar in arrays.items() if name in {a.name for a in function.arrays}}
    builder = Builder(Names((*names_in(function), *(bar.array.name for bar in reached.values()))))
    reals = [i for i, r in enumerate(function.results) if r.kind is Kind.REAL]
    seeds = [variable(builder.names.fresh(f"result_{i}_bar")) for i in reals]
    reverse = _Reverse(function, builder, sources, reached)
    scope = Scope({p: p for p in function.parameters}, {})
    backs = reverse.forward(function.body, scope, keep=True)
    results = rebuild(function.results, scope.values)
    bars: Bars = {}
    for i, seed in zip(reals, seeds, strict=True):
        reverse.pull(results[i], seed, bars)
    for back in reversed(backs):
        back(bars)
    cotangents = tuple(reverse.collect(bars.get(x, ())) for x in sources)
    name = f"{function.name}_vjp{'' if with_results else 'only'}_{mask_of(function, sources)}"
    for bar in reached.values():
        name += f"_{bar.array.name}{''.join(f'_{i}' for i in (*bar.at, bar.offset))}"
    shared = {a.name: a for a in (*function.arrays, *(bar.array for bar in reached.values()))}
    given = (*(results if with_results else ()), *cotangents)
    return Function(name, (*function.parameters, *seeds), builder.block(), given, tuple(shared.values()))


@dataclass(frozen=True)
class _Region:
    """What a nested block changes of its surroundings, and what active values it reads there."""

    carried: tuple[Node, ...]
    stored: tuple[str, ...]
    free: tuple[Node, ...]


class _Reverse(Memory):
    """One function while its forward and backward sweeps are written."""

    def forward(self, block: Block, scope: Scope, keep: bool) -> list[Back]:
        """Write a block; with `keep`, what its way back needs, which is returned statement by statement."""
        return [back for s in block if (back := self.statement(s, scope, keep)) is not None]

    def statement(self, statement: Statement, scope: Scope, keep: bool) -> Back | None:
        match statement:
            case Let(target, value) | Var(target, value) | Assign(target, value):
                return self.bind(target, value, scope)
            case Local(array):
                self.declare(array, scope, keep)
                return None
            case Load():
                return self.load(statement, scope)
            case Store():
                return self.store(statement, scope, keep)
            case Call():
                return self.call(statement, scope, keep)
            case For():
                return self.loop(statement, scope, keep)
            case If():
                return self.where(statement, scope, keep)
            case Comment(text):
                self.builder.comment(text)
                return None
        reason = "the number of its rounds is unknown" if type(statement).__name__ == "While" else "it has no adjoint"
        raise CompilerBug(f"{self.function.name} holds {type(statement).__name__}, which cannot be reversed: {reason}")

    def call(self, call: Call, scope: Scope, keep: bool) -> Back:
        arguments = rebuild(call.arguments, scope.values)
        wishes = [str(t.attribute) for t in call.targets]
        known = cast("Reverse | None", call.function.reverse)
        kept: Any = None
        if known is not None and keep:
            bound, kept = known.forward(self.builder, arguments)
        else:
            bound = self.builder.call(call.function, arguments, wishes)
        scope.values.update(zip(call.targets, bound, strict=True))
        self.live.update(b for t, b in zip(call.targets, bound, strict=True) if t in self.activity.variables)
        reads = [p for p, a in zip(call.function.parameters, call.arguments, strict=True) if self.activity.holds(a)]
        reached = {a.name: self.bars[a.name] for a in call.function.arrays if a.name in self.bars}

        def back(bars: Bars) -> None:
            taken = [self.collect(bars.pop(b, ())) for b in bound if b.kind is Kind.REAL]
            if not (reads or reached) or all(constant_value(t) == 0 for t in taken):
                return
            if known is not None:
                every = dict(zip(call.function.parameters, known.back(kept, taken, reached), strict=True))
                cotangents = tuple(every[p] for p in reads)
            else:
                derived = with_cotangents(call.function, reads, False, reached)
                cotangents = self.builder.call(derived, (*arguments, *taken), ["bar"] * len(reads))
            for parameter, argument in zip(call.function.parameters, arguments, strict=True):
                if parameter in reads:
                    self.pull(argument, cotangents[reads.index(parameter)], bars)

        return back

    # --- nested blocks ---

    def region(self, body: Block, scope: Scope) -> _Region:
        inside = list(statements(body))
        carried = dict.fromkeys(s.target for s in inside if isinstance(s, Assign) and s.target in scope.values)
        stored = dict.fromkeys(s.array for s in inside if isinstance(s, Store) and s.array in scope.arrays)
        used = {scope.values[v] for s in inside for v in variables(nodes_of(s)) if v in scope.values}
        return _Region(tuple(carried), tuple(stored), tuple(in_order(v for v in used if v in self.live)))

    def after(self, registers: dict[Node, Node], scope: Scope) -> dict[Node, Node]:
        """The values of registers after a nested block, bound to names of their own."""
        found = {r: self.builder.copy(str(r.attribute), register) for r, register in registers.items()}
        scope.values.update(found)
        self.live.update(value for r, value in found.items() if r in self.activity.variables)
        return found

    def loop(self, loop: For, scope: Scope, keep: bool) -> Back | None:
        start, stop = (constant_value(n) for n in rebuild((loop.start, loop.stop), scope.values))
        if start is None or stop is None:
            raise CompilerBug(
                f"{self.function.name}: loop {loop.counter} runs from {loop.start} to {loop.stop}; to be reversed,"
                " its length must be a constant, for its rounds are kept in private memory"
            )
        rounds = int(stop) - int(start)
        if rounds <= 0:
            return None
        b, region, before = self.builder, self.region(loop.body, scope), scope.copy()
        registers = {r: b.register(str(r.attribute), scope.values[r]) for r in region.carried}
        tapes = {r: self.array(f"{r.attribute}_tape", (rounds,), _stored_kind(r)) for r in region.carried if keep}
        kept = {name: scope.arrays[name] for name in region.stored if keep}
        snapshots = {n: self.array(f"{n}_tape", (rounds, *(int(s) for s in a.shape)), a.kind) for n, a in kept.items()}
        with b.loop("round", 0, rounds) as i:
            inner = before.copy()
            inner.values[loop.counter] = b.let(str(loop.counter.attribute), i + integer(int(start)))
            for r, register in registers.items():
                inner.values[r] = b.copy(str(r.attribute), register)
                if keep:
                    b.store(tapes[r].name, i, value=_to_memory(inner.values[r]))
            for name, snapshot in snapshots.items():
                self.duplicate(kept[name], (), snapshot, (i,))
            self.forward(loop.body, inner, keep=False)
            for r, register in registers.items():
                b.assign(register, inner.values[r])
        after = self.after(registers, scope)
        moving = [r for r in region.carried if r in self.activity.variables]

        def back(bars: Bars) -> None:
            state = {r: b.register(f"{r.attribute}_bar", self.collect(bars.pop(after[r], ()))) for r in moving}
            sums = {v: b.register(f"{v.attribute}_bar", real(0.0)) for v in region.free}
            with b.loop("round", 0, rounds) as step:
                i = b.let("round", integer(rounds - 1) - step)
                inner, started = before.copy(), dict[Node, Node]()
                inner.values[loop.counter] = b.let(str(loop.counter.attribute), i + integer(int(start)))
                for r, tape in tapes.items():
                    loaded = b.load(str(r.attribute), tape.name, i, kind=tape.kind)
                    started[r] = inner.values[r] = b.let(str(r.attribute), _from_memory(loaded, r.kind))
                self.live.update(started[r] for r in moving)
                for name, snapshot in snapshots.items():
                    self.duplicate(snapshot, (i,), kept[name], ())
                ends = {r: b.copy(f"{r.attribute}_bar", register) for r, register in state.items()}
                inside = self.again(loop.body, inner, ends)
                for r, register in state.items():
                    b.assign(register, self.collect(inside.get(started[r], ())))
                for v, total in sums.items():
                    if v in inside:
                        b.assign(total, total + add_many(inside[v]))
            self.release(bars, [(before.values[r], state[r]) for r in moving])
            self.release(bars, list(sums.items()))

        return back

    def where(self, block: If, scope: Scope, keep: bool) -> Back:
        b, region, before = self.builder, self.region(block.body, scope), scope.copy()
        condition = b.let("condition", rebuild((block.condition,), scope.values)[0])
        registers = {r: b.register(str(r.attribute), scope.values[r]) for r in region.carried}
        kept = {name: scope.arrays[name] for name in region.stored if keep}
        snapshots = {n: self.array(f"{n}_tape", tuple(int(s) for s in a.shape), a.kind) for n, a in kept.items()}
        for name, snapshot in snapshots.items():
            self.duplicate(kept[name], (), snapshot, ())
        with b.where(condition):
            inner = before.copy()
            self.forward(block.body, inner, keep=False)
            for r, register in registers.items():
                b.assign(register, inner.values[r])
        after = self.after(registers, scope)
        moving = [r for r in region.carried if r in self.activity.variables]

        def back(bars: Bars) -> None:
            ends = {r: self.collect(bars.pop(after[r], ())) for r in moving}
            passed = {r: b.register(f"{r.attribute}_bar", ends[r]) for r in moving}  # where the condition is false
            sums = {v: b.register(f"{v.attribute}_bar", real(0.0)) for v in self.reached(region, before)}
            with b.where(condition):
                for name, snapshot in snapshots.items():
                    self.duplicate(snapshot, (), kept[name], ())
                inside = self.again(block.body, before.copy(), ends)
                for register in passed.values():
                    b.assign(register, real(0.0))
                for v, total in sums.items():
                    if v in inside:
                        b.assign(total, total + add_many(inside[v]))
            self.release(bars, [(before.values[r], passed[r]) for r in moving])
            self.release(bars, list(sums.items()))

        return back

    def reached(self, region: _Region, before: Scope) -> list[Node]:
        """The active values outside a conditional block that its cotangents may reach."""
        carried = (before.values[r] for r in region.carried)
        return in_order({*region.free, *(v for v in carried if v in self.live)})

    def again(self, body: Block, inner: Scope, ends: dict[Node, Node]) -> Bars:
        """Do a block once more and go back through it, from the cotangents of the registers at its end."""
        backs = self.forward(body, inner, keep=True)
        bars: Bars = {}
        for r, bar in ends.items():
            if inner.values[r] in self.live:
                bars.setdefault(inner.values[r], []).append(bar)
        for back in reversed(backs):
            back(bars)
        return bars

    def release(self, bars: Bars, pairs: Sequence[tuple[Node, Node]]) -> None:
        """Add what registers have collected to the cotangents of values outside."""
        for value, register in pairs:
            if value in self.live:
                bars.setdefault(value, []).append(self.builder.copy("bar", register))


def _stored_kind(register: Node) -> Kind:
    return Kind.INT if register.kind is Kind.BOOL else register.kind


def _to_memory(value: Node) -> Node:
    return apply("select", value, 1, 0) if value.kind is Kind.BOOL else value


def _from_memory(value: Node, kind: Kind) -> Node:
    return apply("eq", value, 1) if kind is Kind.BOOL else value
