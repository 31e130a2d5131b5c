"""Arrays in printed code: contiguous lanes where they can be, gathers and scatters where indices differ by lane."""

from __future__ import annotations

from ..errors import CompilerBug
from ..ir import Kind, Node, constant_value, node
from ..program import Array, Intent, Load, Store
from .llvm_shifts import piece_count, row_pieces, turned, turns
from .llvm_values import Values
from .llvm_writer import Value

I = Kind.INT


class Memory(Values):
    """Loads and stores. Truths are stored as integers, as the other backends do."""

    def size(self, size: int | str) -> Value:
        """A size of an array: a number, or a scalar of the kernel."""
        return Value(str(size), I, False) if isinstance(size, int) else self.sizes[size]

    def element(self, array: Array) -> str:
        """The type of one element in memory."""
        return "i64" if array.kind is Kind.BOOL else self.w.scalar_type(array.kind)

    def address(self, array: Array, index: tuple[Node, ...], shift: int) -> tuple[str | Value, bool]:
        """The address of an element, one for all lanes (str) or one a lane, and whether lanes are neighbours there."""
        w, local = self.w, array.name not in self.globals
        offset = Value("0", I, False)
        for i, size in zip(index, array.shape, strict=False):
            offset = w.operation("add", w.operation("mul", offset, self.size(size)), self.value(i))
        if array.instanced:
            offset = w.operation("mul", offset, Value(str(w.lanes), I, False) if local else self.stride)
            if not local:
                offset = w.operation("add", offset, Value(self.base, I, False))
            if shift:
                offset = w.operation("add", offset, Value(str(shift), I, False))
            if offset.wide and w.lanes > 1:
                ids = ", ".join(f"i64 {i}" for i in range(w.lanes))
                offset = w.operation("add", offset, Value(f"<{ids}>", I, True))
            if array.components > 1:
                offset = w.operation("mul", offset, w.constant(array.components, I))
                if offset.wide or w.lanes == 1:
                    offset = w.operation("add", offset, self.value(index[-1]))
        name = w.name("at")
        if offset.wide and w.lanes > 1:
            w.line(
                f"{name} = getelementptr {self.element(array)}, ptr {self.bases[array.name]}, {w.type(I)} {offset.text}"
            )
            return Value(name, I, True), False
        w.line(f"{name} = getelementptr {self.element(array)}, ptr {self.bases[array.name]}, i64 {offset.text}")
        return name, array.instanced

    def reaching(self, array: Array) -> Value:
        """The lanes that may touch an array: those at work, of the kernel's own none past the last instance."""
        mask = self.current_mask()
        return mask if array.name not in self.globals else self.w.operation("and", mask, self.real_lanes)

    def load(self, s: Load) -> Value:
        """The value of an element."""
        w, array = self.w, self.arrays[s.array]
        stored = I if array.kind is Kind.BOOL else array.kind
        where, neighbours = self.address(array, s.index, s.shift)
        if isinstance(where, Value):
            wide, mask = w.type(stored), self.reaching(array)
            full = f"@llvm.masked.gather.{w.suffix(stored, True)}.v{w.lanes}p0"
            w.intrinsics.add(f"declare {wide} {full}(<{w.lanes} x ptr>, i32, {w.type(Kind.BOOL)}, {wide})")
            loaded = w.emit(
                f"call {wide} {full}(<{w.lanes} x ptr> {where.text}, i32 {self._bytes(stored)}, "
                f"{w.type(Kind.BOOL)} {mask.text}, {wide} zeroinitializer)",
                stored,
                True,
            )
        elif neighbours and (span := self.spans.get((s.array, s.index))) and turns(w, array, span):
            loaded = turned(w, self._row(array, s.index, span), s.shift)
        elif neighbours and array.components > 1 and w.lanes > 1:
            loaded = self._load_component(array, where, int(constant_value(s.index[-1]) or 0))
        else:
            text = f"load {w.type(stored, neighbours)}, ptr {where}, align {self._bytes(stored)}"
            if not neighbours and array.intent is Intent.IN and array.name in self.globals:
                text += ", !invariant.load !1"  # what no statement of the kernel writes may be read once, before loops
            loaded = w.emit(text, stored, neighbours)
        if array.kind is not Kind.BOOL:
            return loaded
        return w.operation("icmp ne", loaded, w.constant(0, I), result=Kind.BOOL)

    def store(self, s: Store) -> None:
        """Write an element, in the lanes that are at work."""
        w, array = self.w, self.arrays[s.array]
        value, stored = self.value(s.value), array.kind
        if stored is Kind.BOOL:
            stored = I
            value = w.emit(
                f"zext {w.type(Kind.BOOL, value.wide)} {value.text} to {w.type(I, value.wide)}", I, value.wide
            )
        where, neighbours = self.address(array, s.index, 0)
        if isinstance(where, Value):
            wide, value = w.type(stored), w.widen(value)
            full = f"@llvm.masked.scatter.{w.suffix(stored, True)}.v{w.lanes}p0"
            w.intrinsics.add(f"declare void {full}({wide}, <{w.lanes} x ptr>, i32, {w.type(Kind.BOOL)})")
            w.line(
                f"call void {full}({wide} {value.text}, <{w.lanes} x ptr> {where.text}, i32 {self._bytes(stored)}, "
                f"{w.type(Kind.BOOL)} {self.reaching(array).text})"
            )
        elif neighbours and array.components > 1 and w.lanes > 1:
            self._store_component(array, where, int(constant_value(s.index[-1]) or 0), w.widen(value))
        elif neighbours and self.mask is not None:
            wide, value = w.type(stored), w.widen(value)
            full = f"@llvm.masked.store.{w.suffix(stored, True)}.p0"
            w.intrinsics.add(f"declare void {full}({wide}, ptr, i32, {w.type(Kind.BOOL)})")
            mask = f"{w.type(Kind.BOOL)} {self.mask.text}"
            w.line(f"call void {full}({wide} {value.text}, ptr {where}, i32 {self._bytes(stored)}, {mask})")
        else:
            value = w.widen(value) if neighbours else value
            if value.wide and not neighbours and w.lanes > 1:
                raise CompilerBug(f"a value that differs by lane is stored to shared {s.array}; accumulate instead")
            text = f"store {w.type(stored, neighbours)} {value.text}, ptr {where}, align {self._bytes(stored)}"
            if neighbours or self.mask is None:
                w.line(text)
            else:
                self._where_any(self.reaching(array), text)

    def _row(self, array: Array, index: tuple[Node, ...], span: tuple[int, int]) -> tuple[str, ...]:
        """The vectors of a row that is read at several shifts, loaded once a block."""
        w = self.w
        names = [node("piece", index, Kind.REAL, f"{array.name}.{k}") for k in range(piece_count(w))]
        if self.lookup(names[0].key) is None:
            at, _ = self.address(array, index, 0)
            for name, text in zip(names, row_pieces(w, str(at), span), strict=True):
                self.depends(name)
                self.scopes[-1][name.key] = Value(text, Kind.REAL, True)
        return tuple(self._known(name).text for name in names)

    def _load_component(self, array: Array, where: str, component: int) -> Value:
        """One component of the elements of all lanes: they are read whole, which the other components share."""
        w, count = self.w, array.components
        wide = f"<{w.lanes * count} x {w.scalar_type(array.kind)}>"
        whole = w.emit(f"load {wide}, ptr {where}, align {self._bytes(array.kind)}", array.kind, True)
        places = ", ".join(f"i32 {lane * count + component}" for lane in range(w.lanes))
        return w.emit(
            f"shufflevector {wide} {whole.text}, {wide} poison, <{w.lanes} x i32> <{places}>", array.kind, True
        )

    def _store_component(self, array: Array, where: str, component: int, value: Value) -> None:
        """One component of the elements of the lanes at work, between the others."""
        w, count = self.w, array.components
        narrow, lanes = w.type(array.kind), w.lanes * count
        wide = f"<{lanes} x {w.scalar_type(array.kind)}>"
        places = ", ".join(f"i32 {place // count}" for place in range(lanes))
        spread = w.emit(
            f"shufflevector {narrow} {value.text}, {narrow} poison, <{lanes} x i32> <{places}>", array.kind, True
        )
        chosen = ", ".join(f"i1 {'true' if place % count == component else 'false'}" for place in range(lanes))
        mask = f"<{chosen}>"
        if self.mask is not None:
            bits = w.type(Kind.BOOL)
            of_lanes = w.emit(
                f"shufflevector {bits} {self.mask.text}, {bits} poison, <{lanes} x i32> <{places}>", Kind.BOOL, True
            )
            mask = w.emit(f"and <{lanes} x i1> {of_lanes.text}, {mask}", Kind.BOOL, True).text
        full = f"@llvm.masked.store.v{lanes}{w.suffix(array.kind, False)}.p0"
        w.intrinsics.add(f"declare void {full}({wide}, ptr, i32, <{lanes} x i1>)")
        w.line(
            f"call void {full}({wide} {spread.text}, ptr {where}, i32 {self._bytes(array.kind)}, <{lanes} x i1> {mask})"
        )

    def _where_any(self, mask: Value, text: str) -> None:
        """Write one line that runs if it runs for any lane: all lanes would write the same to the same place."""
        w = self.w
        wanted, past = w.fresh_label("write"), w.fresh_label("past")
        w.line(f"br i1 {w.any(mask)}, label %{wanted}, label %{past}")
        w.label(wanted)
        w.line(text)
        w.line(f"br label %{past}")
        w.label(past)

    def _bytes(self, kind: Kind) -> int:
        return 4 if kind is Kind.REAL and self.w.dtype == "float32" else 8
