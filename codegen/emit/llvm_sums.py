"""Sums over instances in printed code: lanes are added up, several values together where their sums are neighbours."""

from __future__ import annotations

from typing import cast

from ..ir import Kind, Node, constant_value
from ..program import Accumulate, Array
from ..singles import one_by_one
from .llvm_memory import Memory
from .llvm_writer import Value

I = Kind.INT


class Sums(Memory):
    """Adds values over the lanes at work to elements of sums; lanes beyond the last instance add nothing."""

    def accumulate(self, s: Accumulate) -> None:
        """Add values to neighbouring elements, as many at once as a power of two is."""
        array, values = self.arrays[s.array], (s.value, *s.more)
        together = array.kind is Kind.REAL and self.w.lanes >= len(values) > 1
        where = self.address(array, s.index, 0)[0] if together else ""
        if not together or isinstance(where, Value):  # or each lane has elements of its own
            for single in one_by_one((s,)):
                self._accumulate_one(cast(Accumulate, single))
            return
        start = 0
        while start < len(values):
            count = 1 << ((len(values) - start).bit_length() - 1)
            self._accumulate_neighbours(array, where, start, [self.value(v) for v in values[start : start + count]])
            start += count

    def _accumulate_neighbours(self, array: Array, where: str, start: int, values: list[Value]) -> None:
        """Add so many values, a power of two, to as many elements.

        Halves of each are added until it has as many parts as there are values; then two of them become one, whose
        parts are sums of neighbouring parts of both, until one is left: it holds the sums in order.
        """
        w, count = self.w, len(values)
        mask = self.real_lanes if self.mask is None else w.operation("and", self.mask, self.real_lanes)
        parts = [w.select(mask, w.widen(value), w.constant(0, array.kind, True)).text for value in values]
        width = w.lanes
        while width > count:
            width //= 2
            low, high = ([i + side * width for i in range(width)] for side in (0, 1))
            parts = [self._sum_of_parts(part, part, 2 * width, low, high) for part in parts]
        even, odd = ([2 * i + side for i in range(width)] for side in (0, 1))
        while len(parts) > 1:
            parts = [self._sum_of_parts(a, b, width, even, odd) for a, b in zip(parts[::2], parts[1::2], strict=True)]
        scalar, size = w.scalar_type(array.kind), self._bytes(array.kind)
        type_, at = f"<{count} x {scalar}>", w.name("at")
        w.line(f"{at} = getelementptr {scalar}, ptr {where}, i64 {start}")
        old = w.emit(f"load {type_}, ptr {at}, align {size}", array.kind, True)
        new = w.emit(f"fadd {type_} {old.text}, {parts[0]}", array.kind, True)
        w.line(f"store {type_} {new.text}, ptr {at}, align {size}")

    def _sum_of_parts(self, a: str, b: str, width: int, one: list[int], other: list[int]) -> str:
        """The sum of two selections of the parts of two vectors, each of `width` parts."""
        w, picked = self.w, []
        scalar = w.scalar_type(Kind.REAL)
        for choice in (one, other):
            name, chosen = w.name("part"), ", ".join(f"i32 {i}" for i in choice)
            w.line(
                f"{name} = shufflevector <{width} x {scalar}> {a}, <{width} x {scalar}> {b}, "
                f"<{len(choice)} x i32> <{chosen}>"
            )
            picked.append(name)
        return w.emit(f"fadd <{len(one)} x {scalar}> {picked[0]}, {picked[1]}", Kind.REAL, True).text

    def _accumulate_one(self, s: Accumulate) -> None:
        """Add one value to one element."""
        w, array = self.w, self.arrays[s.array]
        where, _ = self.address(array, s.index, 0)
        value = self.value(s.value)
        if w.lanes == 1:
            self._add(array, str(where.text if isinstance(where, Value) else where), value.text)
            return
        mask = self.real_lanes if self.mask is None else w.operation("and", self.mask, self.real_lanes)
        value = w.select(mask, w.widen(value), w.constant(0, array.kind, True))
        type_ = w.type(array.kind)
        if isinstance(where, Value):  # each lane has an element of its own: one after the other
            for lane in range(w.lanes):
                on = w.emit(f"extractelement {w.type(Kind.BOOL)} {mask.text}, i64 {lane}", Kind.BOOL, False)
                one = w.emit(f"extractelement {type_} {value.text}, i64 {lane}", array.kind, False)
                at = w.emit(f"extractelement <{w.lanes} x ptr> {where.text}, i64 {lane}", I, False)
                safe = w.emit(f"select i1 {on.text}, ptr {at.text}, ptr {self.bases[array.name]}", I, False)
                self._add(array, safe.text, one.text)
            return
        if array.kind is Kind.REAL and all(constant_value(i) is not None for i in s.index):
            self._hold(array, s.index, value)
            return
        self._add(array, where, self._over_lanes(array.kind, value).text)

    def _over_lanes(self, kind: Kind, value: Value) -> Value:
        """The sum of the parts of a vector."""
        w, scalar, type_ = self.w, self.w.scalar_type(kind), self.w.type(kind)
        if kind is Kind.REAL:
            full = f"@llvm.vector.reduce.fadd.{w.suffix(Kind.REAL, True)}"
            w.intrinsics.add(f"declare {scalar} {full}({scalar}, {type_})")
            call = f"call reassoc {scalar} {full}({scalar} {w.number(-0.0, Kind.REAL)}, {type_} {value.text})"
        else:
            full = f"@llvm.vector.reduce.add.{w.suffix(I, True)}"
            w.intrinsics.add(f"declare {scalar} {full}({type_})")
            call = f"call {scalar} {full}({type_} {value.text})"
        return w.emit(call, kind, False)

    def _hold(self, array: Array, index: tuple[Node, ...], value: Value) -> None:
        """Add to a vector that is kept for the element, whose parts are added up once, after all instances."""
        w, key = self.w, (array.name, index)
        type_ = w.type(Kind.REAL)
        if key not in self.held:
            slot = w.name("held")
            self.allocas += [
                f"  {slot} = alloca {type_}, align 64",
                f"  store {type_} zeroinitializer, ptr {slot}, align 64",
            ]
            self.held[key] = slot
        old = w.emit(f"load {type_}, ptr {self.held[key]}, align 64", Kind.REAL, True)
        new = w.emit(f"fadd {type_} {old.text}, {value.text}", Kind.REAL, True)
        w.line(f"store {type_} {new.text}, ptr {self.held[key]}, align 64")

    def release(self) -> None:
        """Add what is held for elements to them; at the end of a kernel."""
        for (name, index), slot in self.held.items():
            array = self.arrays[name]
            kept = self.w.emit(f"load {self.w.type(Kind.REAL)}, ptr {slot}, align 64", Kind.REAL, True)
            total = self._over_lanes(Kind.REAL, kept)
            where, _ = self.address(array, index, 0)
            assert isinstance(where, str)
            self._add(array, where, total.text)

    def _add(self, array: Array, where: str, value: str) -> None:
        w, scalar = self.w, self.w.scalar_type(array.kind)
        old = w.emit(f"load {scalar}, ptr {where}", array.kind, False)
        instruction = "fadd" if array.kind is Kind.REAL else "add"
        new = w.emit(f"{instruction} {scalar} {old.text}, {value}", array.kind, False)
        w.line(f"store {scalar} {new.text}, ptr {where}")
