"""Reverse differentiation of functions with statements: the function is run, then run backwards.

Registers become values that are bound once, so that reading backwards finds them. A loop of constant length keeps the
registers that it carries, and the arrays that it changes, as they were before each round; backwards, each round is done
again from there and then undone. Conditional blocks are done again likewise. Source: Griewank, Walther, "Evaluating
Derivatives" (2nd ed.), sections 3.2 and 12.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from codegen.builder import Builder, Names
from codegen.errors import CompilerBug
from codegen.ir import Kind, Node, add_many, constant_value, integer, real, variable, variables
from codegen.primitives import apply
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
    nodes_of,
    statements,
)
from codegen.rewrite import rebuild

from .activity import bound_names, find_activity
from .autodiff import vjp

Bars = dict[Node, list[Node]]  # of each value, the cotangents collected so far
Back = Callable[[Bars], None]  # writes what undoes the derivative of one statement


def vjp_function(function: Function, wrt: Sequence[Node] | None = None, with_results: bool = True) -> Function:
    """The function together with its pulled-back cotangents for the parameters `wrt` (all real ones).

    Parameters: those of the function, then a cotangent for each of its real results. Results: those of the function
    (unless `with_results` is false), then a cotangent for each parameter of `wrt`. Raises CompilerBug for While and for
    loops whose length is no constant (how much to keep would be unknown), and for memory that is not the function's.
    """
    sources = [p for p in function.parameters if p.kind is Kind.REAL] if wrt is None else list(wrt)
    if any(x not in function.parameters or x.kind is not Kind.REAL for x in sources):
        raise CompilerBug(f"{function.name} is differentiated by {sources}, which are not all real parameters of it")
    builder = Builder(Names(bound_names(function)))
    reals = [i for i, r in enumerate(function.results) if r.kind is Kind.REAL]
    seeds = [variable(builder.names.fresh(f"result_{i}_bar")) for i in reals]
    reverse = _Reverse(function, builder, sources)
    scope = _Scope({p: p for p in function.parameters}, {})
    backs = reverse.forward(function.body, scope, keep=True)
    results = rebuild(function.results, scope.values)
    bars: Bars = {}
    for i, seed in zip(reals, seeds, strict=True):
        reverse.pull(results[i], seed, bars)
    for back in reversed(backs):
        back(bars)
    cotangents = tuple(reverse.collect(bars.get(x, ())) for x in sources)
    mask = "".join("x" if p in sources else "o" for p in function.parameters)
    name = f"{function.name}_vjp{'' if with_results else 'only'}_{mask}"
    return Function(
        name, (*function.parameters, *seeds), builder.block(), (*(results if with_results else ()), *cotangents)
    )


@dataclass
class _Scope:
    """What the names of the original function stand for at one place: values bound once, and arrays."""

    values: dict[Node, Node]
    arrays: dict[str, Array]

    def copy(self) -> _Scope:
        return _Scope(dict(self.values), dict(self.arrays))


@dataclass(frozen=True)
class _Region:
    """What a nested block changes of its surroundings, and what active values it reads there."""

    carried: tuple[Node, ...]
    stored: tuple[str, ...]
    free: tuple[Node, ...]


class _Reverse:
    """One function while its forward and backward sweeps are written."""

    def __init__(self, function: Function, builder: Builder, sources: Iterable[Node]) -> None:
        self.function, self.builder = function, builder
        self.activity = find_activity(function, sources)
        self.live = set(sources)  # the values of the new function that carry derivatives
        self.bar_arrays: dict[str, Array] = {}

    def forward(self, block: Block, scope: _Scope, keep: bool) -> list[Back]:
        """Write a block; with `keep`, what its way back needs, which is returned statement by statement."""
        return [back for s in block if (back := self.statement(s, scope, keep)) is not None]

    def statement(self, statement: Statement, scope: _Scope, keep: bool) -> Back | None:
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
                return self.call(statement, scope)
            case For():
                return self.loop(statement, scope, keep)
            case If():
                return self.where(statement, scope, keep)
            case Comment(text):
                self.builder.comment(text)
                return None
        reason = "the number of its rounds is unknown" if type(statement).__name__ == "While" else "it has no adjoint"
        raise CompilerBug(f"{self.function.name} holds {type(statement).__name__}, which cannot be reversed: {reason}")

    # --- values ---

    def bind(self, target: Node, value: Node, scope: _Scope) -> Back | None:
        (value,) = rebuild((value,), scope.values)
        bound = self.builder.let(str(target.attribute), value)
        scope.values[target] = bound
        if bound is value or target not in self.activity.variables:
            return None  # a leaf stands for itself
        self.live.add(bound)

        def back(bars: Bars) -> None:
            if bound in bars:
                self.pull(value, self.collect(bars.pop(bound)), bars)

        return back

    def collect(self, terms: Sequence[Node]) -> Node:
        """The sum of cotangents, bound to a name."""
        return self.builder.let("bar", add_many(terms))

    def pull(self, value: Node, bar: Node, bars: Bars) -> None:
        """Hand the cotangent of a value on to the values that it is made of."""
        sources = _sorted(v for v in variables((value,)) if v in self.live)
        for source, cotangent in zip(sources, vjp((value,), (bar,), sources), strict=True):
            if constant_value(cotangent) != 0:
                bars.setdefault(source, []).append(cotangent)

    def call(self, call: Call, scope: _Scope) -> Back:
        arguments = rebuild(call.arguments, scope.values)
        wishes = [str(t.attribute) for t in call.targets]
        bound = self.builder.call(call.function, arguments, wishes)
        scope.values.update(zip(call.targets, bound, strict=True))
        self.live.update(b for t, b in zip(call.targets, bound, strict=True) if t in self.activity.variables)
        reads = [p for p, a in zip(call.function.parameters, call.arguments, strict=True) if self.activity.holds(a)]

        def back(bars: Bars) -> None:
            taken = [self.collect(bars.pop(b, ())) for b in bound if b.kind is Kind.REAL]
            if not reads or all(constant_value(t) == 0 for t in taken):
                return
            derived = vjp_function(call.function, reads, with_results=False)
            cotangents = self.builder.call(derived, (*arguments, *taken), ["bar"] * len(reads))
            for parameter, argument in zip(call.function.parameters, arguments, strict=True):
                if parameter in reads:
                    self.pull(argument, cotangents[reads.index(parameter)], bars)

        return back

    # --- memory ---

    def declare(self, array: Array, scope: _Scope, keep: bool) -> None:
        shape = tuple(int(s) for s in array.shape)
        scope.arrays[array.name] = self.array(array.name, shape, array.kind)
        if keep and array.name in self.activity.arrays:
            bar = self.array(f"{array.name}_bar", shape, Kind.REAL)
            self.bar_arrays[scope.arrays[array.name].name] = bar
            self.each(shape, lambda at: self.builder.store(bar.name, *at, value=real(0.0)))

    def array(self, wish: str, shape: tuple[int, ...], kind: Kind) -> Array:
        return Array(self.builder.local(wish, shape, kind), shape, kind)

    def each(self, shape: Sequence[int], act: Callable[[tuple[Node, ...]], None], at: tuple[Node, ...] = ()) -> None:
        """Write loops over all elements of a shape."""
        if len(at) == len(shape):
            act(at)
            return
        with self.builder.loop("element", 0, shape[len(at)]) as i:
            self.each(shape, act, (*at, i))

    def duplicate(self, source: Array, first: tuple[Node, ...], target: Array, second: tuple[Node, ...]) -> None:
        """Copy one array, or its part at leading indices, to another."""
        shape = [int(s) for s in source.shape[len(first) :]]

        def act(at: tuple[Node, ...]) -> None:
            element = self.builder.load("element", source.name, *first, *at, kind=source.kind)
            self.builder.store(target.name, *second, *at, value=element)

        self.each(shape, act)

    def load(self, load: Load, scope: _Scope) -> Back | None:
        array, index = self.own(load.array, scope), rebuild(load.index, scope.values)
        bound = self.builder.load(str(load.target.attribute), array.name, *index, kind=load.target.kind)
        scope.values[load.target] = bound
        if load.target not in self.activity.variables:
            return None
        self.live.add(bound)

        def back(bars: Bars) -> None:
            if bound in bars:
                bar, old = self.collect(bars.pop(bound)), self.bar_arrays[array.name].name
                self.builder.store(old, *index, value=self.builder.load("bar", old, *index) + bar)

        return back

    def store(self, store: Store, scope: _Scope, keep: bool) -> Back | None:
        array, index = self.own(store.array, scope), rebuild(store.index, scope.values)
        (value,) = rebuild((store.value,), scope.values)
        old = self.builder.load("old", array.name, *index, kind=array.kind) if keep else None
        self.builder.store(array.name, *index, value=value)
        if old is None:
            return None

        def back(bars: Bars) -> None:
            bar = self.bar_arrays.get(array.name)
            if bar is not None:
                cotangent = self.builder.load("bar", bar.name, *index)
                self.builder.store(bar.name, *index, value=real(0.0))
                self.pull(value, cotangent, bars)
            self.builder.store(array.name, *index, value=old)

        return back

    def own(self, name: str, scope: _Scope) -> Array:
        if name not in scope.arrays:
            raise CompilerBug(f"{self.function.name} reads or writes {name!r}, which is not its own memory")
        return scope.arrays[name]

    # --- nested blocks ---

    def region(self, body: Block, scope: _Scope) -> _Region:
        inside = list(statements(body))
        carried = dict.fromkeys(s.target for s in inside if isinstance(s, Assign) and s.target in scope.values)
        stored = dict.fromkeys(s.array for s in inside if isinstance(s, Store) and s.array in scope.arrays)
        used = {scope.values[v] for s in inside for v in variables(nodes_of(s)) if v in scope.values}
        return _Region(tuple(carried), tuple(stored), tuple(_sorted(v for v in used if v in self.live)))

    def after(self, registers: dict[Node, Node], scope: _Scope) -> dict[Node, Node]:
        """The values of registers after a nested block, bound to names of their own."""
        found = {r: self.builder.copy(str(r.attribute), register) for r, register in registers.items()}
        scope.values.update(found)
        self.live.update(value for r, value in found.items() if r in self.activity.variables)
        return found

    def loop(self, loop: For, scope: _Scope, keep: bool) -> Back | None:
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

    def where(self, block: If, scope: _Scope, keep: bool) -> Back:
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

    def reached(self, region: _Region, before: _Scope) -> list[Node]:
        """The active values outside a conditional block that its cotangents may reach."""
        carried = (before.values[r] for r in region.carried)
        return _sorted({*region.free, *(v for v in carried if v in self.live)})

    def again(self, body: Block, inner: _Scope, ends: dict[Node, Node]) -> Bars:
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


def _sorted(values: Iterable[Node]) -> list[Node]:
    return sorted(values, key=lambda v: str(v.attribute))


def _stored_kind(register: Node) -> Kind:
    return Kind.INT if register.kind is Kind.BOOL else register.kind


def _to_memory(value: Node) -> Node:
    return apply("select", value, 1, 0) if value.kind is Kind.BOOL else value


def _from_memory(value: Node, kind: Kind) -> Node:
    return apply("eq", value, 1) if kind is Kind.BOOL else value
