"""Values and memory while cotangents are pulled back: what was read, bound and stored, and how that is undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from codegen.bars import Bar
from codegen.builder import Builder
from codegen.errors import CompilerBug
from codegen.ir import Kind, Node, add_many, constant_value, real, variables
from codegen.program import Array, Function, Load, Store
from codegen.rewrite import rebuild

from .activity import find_activity
from .autodiff import vjp

Bars = dict[Node, list[Node]]  # of each value, the cotangents collected so far
Back = Callable[[Bars], None]  # writes what undoes the derivative of one statement


@dataclass
class Scope:
    """What the names of the original function stand for at one place: values bound once, and arrays."""

    values: dict[Node, Node]
    arrays: dict[str, Array]

    def copy(self) -> Scope:
        return Scope(dict(self.values), dict(self.arrays))


class Memory:
    """One function while its forward and backward sweeps are written: the statements that nest nothing."""

    def __init__(self, function: Function, builder: Builder, sources: Iterable[Node], bars: Mapping[str, Bar]) -> None:
        self.function, self.builder, self.bars = function, builder, bars
        self.shared = {a.name: a for a in function.arrays}
        self.activity = find_activity(function, sources, bars)
        self.live = set(sources)  # the values of the new function that carry derivatives
        self.bar_arrays: dict[str, Array] = {}

    # --- values ---

    def bind(self, target: Node, value: Node, scope: Scope) -> Back | None:
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
        sources = in_order(v for v in variables((value,)) if v in self.live)
        for source, cotangent in zip(sources, vjp((value,), (bar,), sources), strict=True):
            if constant_value(cotangent) != 0:
                bars.setdefault(source, []).append(cotangent)

    # --- memory ---

    def declare(self, array: Array, scope: Scope, keep: bool) -> None:
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

    def load(self, load: Load, scope: Scope) -> Back | None:
        if load.array in self.shared and load.array not in scope.arrays:
            return self.load_shared(load, scope)
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

    def load_shared(self, load: Load, scope: Scope) -> Back | None:
        """An element of an array of the kernel, whose cotangent goes to its bar."""
        index, kind = rebuild(load.index, scope.values), load.target.kind
        bound = self.builder.load(str(load.target.attribute), load.array, *index, kind=kind)
        scope.values[load.target] = bound
        if load.target not in self.activity.variables:
            return None
        self.live.add(bound)
        bar = self.bars[load.array]
        if len(index) != 1:
            raise CompilerBug(f"{self.function.name}: {load.array!r} has several axes; only rows have cotangents")

        def back(bars: Bars) -> None:
            if bound in bars:
                bar.add(self.builder, index[0], self.collect(bars.pop(bound)))

        return back

    def store(self, store: Store, scope: Scope, keep: bool) -> Back | None:
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

    def own(self, name: str, scope: Scope) -> Array:
        if name not in scope.arrays:
            raise CompilerBug(f"{self.function.name} reads or writes {name!r}, which is not its own memory")
        return scope.arrays[name]


def in_order(values: Iterable[Node]) -> list[Node]:
    """Variables by name."""
    return sorted(values, key=lambda v: str(v.attribute))
