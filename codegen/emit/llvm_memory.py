"""Arrays in printed code: contiguous lanes where they can be, gathers and scatters where indices differ by lane."""

from __future__ import annotations

from ..errors import CompilerBug
from ..ir import Kind, Node, constant_value, integer, node
from ..program import Array, Intent, Load, Store
from .llvm_rows import lies_in_rows, turned_rows
from .llvm_shifts import piece_count, row_pieces, turned, turns
from .llvm_values import Values
from .llvm_writer import Value, Writer

I = Kind.INT


class _Offset:
    """How far into an array an element lies: what is the same for all lanes, and what is not, apart.

    Processors add the former to an address once, not lane by lane.
    """

    def __init__(self, writer: Writer) -> None:
        self.w = writer
        self.same = Value("0", I, False)
        self.wide: Value | None = None  # None where there is nothing of the kind

    def times(self, factor: Value) -> None:
        """Multiply by what is the same for all lanes."""
        self.same = self.w.operation("mul", self.same, factor)
        if self.wide is not None:
            self.wide = self.w.operation("mul", self.wide, factor)

    def plus(self, more: Value) -> None:
        """Add what is the same for all lanes, or not."""
        if not (more.wide and self.w.lanes > 1):
            self.same = self.w.operation("add", self.same, more)
        else:
            self.wide = more if self.wide is None else self.w.operation("add", self.wide, more)


class Memory(Values):
    """Loads and stores. Truths are stored as integers, as the other backends do."""

    def size(self, size: int | str) -> Value:
        """A size of an array: a number, or a scalar of the kernel."""
        return Value(str(size), I, False) if isinstance(size, int) else self.sizes[size]

    def element(self, array: Array) -> str:
        """The type of one element in memory."""
        if array.short:
            return "i32"
        return "i64" if array.kind is Kind.BOOL else self.w.scalar_type(array.kind)

    def address(self, array: Array, index: tuple[Node, ...], shift: int) -> tuple[str | Value, bool]:
        """The address of an element, one for all lanes (str) or one a lane, and whether lanes are neighbours there."""
        w, local = self.w, array.name not in self.globals
        offset = _Offset(w)
        for i, size in zip(index, array.shape, strict=False):
            offset.times(self.size(size))
            offset.plus(self.value(i))
        if array.instanced:
            offset.times(Value(str(w.lanes), I, False) if local else self.stride)
            if not local:
                offset.plus(Value(self.base, I, False))
            if shift:
                offset.plus(Value(str(shift), I, False))
            if offset.wide is not None:
                ids = ", ".join(f"i64 {i}" for i in range(w.lanes))
                offset.plus(Value(f"<{ids}>", I, True))
            if array.components > 1:
                offset.times(w.constant(array.components, I))
                if offset.wide is not None or w.lanes == 1:
                    offset.plus(self.value(index[-1]))
        name, element = w.name("at"), self.element(array)
        w.line(f"{name} = getelementptr {element}, ptr {self.bases[array.name]}, i64 {offset.same.text}")
        if offset.wide is None:
            return name, array.instanced
        each = w.name("at")
        w.line(f"{each} = getelementptr {element}, ptr {name}, {w.type(I)} {offset.wide.text}")
        return Value(each, I, True), False

    def reaching(self, array: Array) -> Value:
        """The lanes that may touch an array: those at work, of the kernel's own none past the last instance."""
        mask = self.current_mask()
        return mask if array.name not in self.globals else self.w.operation("and", mask, self.real_lanes)

    def load(self, s: Load) -> Value:
        """The value of an element."""
        w, array = self.w, self.arrays[s.array]
        stored = I if array.kind is Kind.BOOL else array.kind
        where, neighbours = self.address(array, s.index, s.shift)
        if isinstance(where, Value) and self.mask is None and lies_in_rows(w, array, s):
            loaded = self._number_of_row(array, s)
        elif isinstance(where, Value):
            loaded = self._gather(array, where)
        elif neighbours and (span := self.spans.get((s.array, s.index))) and turns(w, array, span):
            loaded = turned(w, self._row(array, s.index, span), s.shift)
        elif neighbours and array.components > 1 and w.lanes > 1:
            loaded = self._load_component(array, where, int(constant_value(s.index[-1]) or 0))
        else:
            read = self._elements(array) if neighbours else self.element(array)
            text = f"load {read}, ptr {where}, align {self._width(array)}"
            if not neighbours and array.intent is Intent.IN and array.name in self.globals:
                text += ", !invariant.load !1"  # what no statement of the kernel writes may be read once, before loops
            loaded = w.emit(text, stored, neighbours)
        if array.short:
            read = self._elements(array) if loaded.wide else self.element(array)
            long = w.emit(f"sext {read} {loaded.text} to {w.type(I, loaded.wide)}", I, loaded.wide)
            if neighbours and array.intent is Intent.IN:
                self.lying[long.text] = str(where)
            return long
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
        if isinstance(where, Value) or neighbours:
            value = w.widen(value)
        if array.short:
            read = self._elements(array) if value.wide else self.element(array)
            value = w.emit(f"trunc {w.type(I, value.wide)} {value.text} to {read}", I, value.wide)
        if isinstance(where, Value):
            wide = self._elements(array)
            full = f"@llvm.masked.scatter.v{w.lanes}{self._suffix(array)}.v{w.lanes}p0"
            w.intrinsics.add(f"declare void {full}({wide}, <{w.lanes} x ptr>, i32, {w.type(Kind.BOOL)})")
            w.line(
                f"call void {full}({wide} {value.text}, <{w.lanes} x ptr> {where.text}, i32 {self._width(array)}, "
                f"{w.type(Kind.BOOL)} {self.reaching(array).text})"
            )
        elif neighbours and array.components > 1 and w.lanes > 1:
            self._store_component(array, where, int(constant_value(s.index[-1]) or 0), value)
        elif neighbours and self.mask is not None:
            wide = self._elements(array)
            full = f"@llvm.masked.store.v{w.lanes}{self._suffix(array)}.p0"
            w.intrinsics.add(f"declare void {full}({wide}, ptr, i32, {w.type(Kind.BOOL)})")
            mask = f"{w.type(Kind.BOOL)} {self.mask.text}"
            w.line(f"call void {full}({wide} {value.text}, ptr {where}, i32 {self._width(array)}, {mask})")
        else:
            if value.wide and not neighbours and w.lanes > 1:
                raise CompilerBug(f"a value that differs by lane is stored to shared {s.array}; accumulate instead")
            kept = self._elements(array) if neighbours else self.element(array)
            text = f"store {kept} {value.text}, ptr {where}, align {self._width(array)}"
            if neighbours or self.mask is None:
                w.line(text)
            else:
                self._where_any(self.reaching(array), text)

    def _gather(self, array: Array, where: Value) -> Value:
        """Elements at an address a lane."""
        w, wide, mask = self.w, self._elements(array), self.reaching(array)
        stored = I if array.kind is Kind.BOOL else array.kind
        full = f"@llvm.masked.gather.v{w.lanes}{self._suffix(array)}.v{w.lanes}p0"
        w.intrinsics.add(f"declare {wide} {full}(<{w.lanes} x ptr>, i32, {w.type(Kind.BOOL)}, {wide})")
        given = f"<{w.lanes} x ptr> {where.text}, i32 {self._width(array)}, {w.type(Kind.BOOL)} {mask.text}"
        return w.emit(f"call {wide} {full}({given}, {wide} zeroinitializer)", stored, True)

    def _number_of_row(self, array: Array, s: Load) -> Value:
        """One of several neighbouring numbers, which are read whole for all of these; gathered where lanes are none."""
        w, width = self.w, int(array.shape[1])
        place = self.value(s.index[0])
        names = [node("number", s.index[:1], Kind.REAL, f"{array.name}.{k}") for k in range(width)]
        if self.lookup(names[0].key) is None:
            rows, single, done = (w.fresh_label(n) for n in ("rows", "single", "read"))
            w.line(f"br i1 {self.all_real.text}, label %{rows}, label %{single}")
            w.label(rows)
            turned = turned_rows(w, self.bases[array.name], self._one_by_one(place), width)
            w.line(f"br label %{done}")
            w.label(single)
            gathered = []
            for k in range(width):
                where, _ = self.address(array, (s.index[0], integer(k)), 0)
                assert isinstance(where, Value)
                gathered.append(self._gather(array, where).text)
            w.line(f"br label %{done}")
            w.label(done)
            for name, one, other in zip(names, turned, gathered, strict=True):
                self.depends(name)
                text = f"phi {w.type(Kind.REAL)} [{one}, %{rows}], [{other}, %{single}]"
                self.scopes[-1][name.key] = w.emit(text, Kind.REAL, True)
        return self._known(names[int(constant_value(s.index[1]) or 0)])

    def _one_by_one(self, value: Value) -> list[str]:
        """The integers of all lanes, from where they lie in memory if they do."""
        w, found = self.w, []
        where = self.lying.get(value.text)
        for lane in range(w.lanes):
            if where is None:
                found.append(w.emit(f"extractelement {w.type(I)} {value.text}, i64 {lane}", I, False).text)
                continue
            at = w.emit(f"getelementptr i32, ptr {where}, i64 {lane}", I, False)
            short = w.emit(f"load i32, ptr {at.text}, align 4, !invariant.load !1", I, False)
            found.append(w.emit(f"sext i32 {short.text} to i64", I, False).text)
        return found

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

    def _elements(self, array: Array) -> str:
        """The type of elements of all lanes in memory."""
        return f"<{self.w.lanes} x {self.element(array)}>" if self.w.lanes > 1 else self.element(array)

    def _suffix(self, array: Array) -> str:
        """How intrinsics call the type of one element."""
        return {"double": "f64", "float": "f32"}.get(self.element(array), self.element(array))

    def _width(self, array: Array) -> int:
        """The bytes of one element in memory."""
        return 4 if array.short else self._bytes(array.kind)

    def _bytes(self, kind: Kind) -> int:
        return 4 if kind is Kind.REAL and self.w.dtype == "float32" else 8
