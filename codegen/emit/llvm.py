"""Kernels as LLVM assembly: instances side by side in vector registers, control flow by masks.

The emitted function is `void @name(i64 first, i64 last, ptr table)`. It runs blocks first..last-1 of `lanes` instances each
(all outer indices in turn: block = outer index * lane blocks + lane block). The table has 8 bytes an entry: the addresses of
the arrays in order, the lane-axis stride in elements, the offset of instance 0 in it (the halo), the number of lane blocks, the
outer extents, then the scalars in order, reals as doubles. With `lanes` = 1 the same text is plain scalar code.
"""

from __future__ import annotations

from ..errors import CompilerBug
from ..ir import Kind, Node, node, variable, walk
from ..program import (
    Accumulate,
    Array,
    Assign,
    Block,
    Call,
    Comment,
    For,
    Function,
    If,
    Kernel,
    Let,
    Load,
    Local,
    Statement,
    Store,
    Var,
    While,
    assigned,
    functions,
    nodes_of,
    statements,
)
from .llvm_math import define
from .llvm_nodes import evaluate_node
from .llvm_writer import WIDTHS, Value, Writer

I = Kind.INT
ATTRIBUTES = 'attributes #0 = { nounwind alignstack=64 "prefer-vector-width"="512" "min-legal-vector-width"="512" }'


class _Printer:
    """Prints one function body; keeps the values of nodes that are still valid at this point."""

    def __init__(self, writer: Writer, arrays: dict[str, Array], paired: frozenset[bytes]) -> None:
        self.w = writer
        self.arrays = arrays
        self.paired = paired  # angles of which both sine and cosine are wanted
        self.scopes: list[dict[bytes, Value]] = [{}]
        self.registers: dict[str, tuple[str, Kind]] = {}
        self.bases: dict[str, str] = {}
        self.sizes: dict[str, Value] = {}
        self.allocas: list[str] = []
        self.mask: Value | None = None
        self.base = ""  # index of the block's first instance, as i64
        self.stride = Value("0", I, False)
        self.globals: frozenset[str] = frozenset()  # arrays of the kernel; all others are private to an instance
        self._depends: dict[bytes, frozenset[str]] = {}

    # -- values of nodes --------------------------------------------------------------------------------------------
    def lookup(self, key: bytes) -> Value | None:
        for scope in reversed(self.scopes):
            if key in scope:
                return scope[key]
        return None

    def depends(self, n: Node) -> frozenset[str]:
        """The registers whose change makes the value of a node stale."""
        for inner in walk((n,)) if n.key not in self._depends else ():
            if inner.key not in self._depends:
                own = (
                    frozenset([str(inner.attribute)])
                    if inner.op == "variable" and inner.attribute in self.registers
                    else frozenset()
                )
                self._depends[inner.key] = own.union(*(self._depends[a.key] for a in inner.args))
        return self._depends[n.key]

    def forget(self, names: frozenset[str]) -> None:
        if names:
            for scope in self.scopes:
                for key in [k for k in scope if not names.isdisjoint(self._depends.get(k, frozenset()))]:
                    del scope[key]

    def value(self, n: Node) -> Value:
        found = self.lookup(n.key)
        if found is not None:
            return found
        self.depends(n)
        stack = [n]
        while stack:
            top = stack[-1]
            if self.lookup(top.key) is not None:
                stack.pop()
                continue
            waiting = [a for a in top.args if self.lookup(a.key) is None]
            if waiting:
                stack.extend(reversed(waiting))
                continue
            stack.pop()
            self._one(top)
        result = self.lookup(n.key)
        assert result is not None
        return result

    def _one(self, n: Node) -> None:
        scope = self.scopes[-1]
        if n.op == "constant":
            scope[n.key] = self.w.constant(n.attribute, n.kind)  # type: ignore[arg-type]
        elif n.op == "variable":
            scope[n.key] = self._register(n)
        elif n.op in ("sin", "cos") and n.args[0].key in self.paired:
            sine, cosine = self.w.sine_and_cosine(self._known(n.args[0]))
            for op, result in (("sin", sine), ("cos", cosine)):
                partner = node(op, n.args, n.kind)
                self.depends(partner)
                scope[partner.key] = result
        else:
            scope[n.key] = evaluate_node(self.w, n, tuple(self._known(a) for a in n.args))

    def _known(self, n: Node) -> Value:
        found = self.lookup(n.key)
        assert found is not None
        return found

    def _register(self, n: Node) -> Value:
        name = str(n.attribute)
        if name not in self.registers:
            raise CompilerBug(f"{name} is read before it is bound; the spec should have found it")
        slot, kind = self.registers[name]
        return self.w.emit(f"load {self.w.type(kind)}, ptr {slot}, align 64", kind, True)

    # -- memory -----------------------------------------------------------------------------------------------------
    def size(self, size: int | str) -> Value:
        return Value(str(size), I, False) if isinstance(size, int) else self.sizes[size]

    def address(self, name: str, index: tuple[Node, ...], shift: int) -> tuple[str | Value, bool]:
        """The address of an element, one for all lanes (str) or one a lane (Value), and whether lanes are neighbours there."""
        w, array, local = self.w, self.arrays[name], name not in self.globals
        offset = Value("0", I, False)
        for i, size in zip(index, array.shape, strict=True):
            offset = w.operation("add", w.operation("mul", offset, self.size(size)), self.value(i))
        element = w.scalar_type(array.kind) if array.kind is not Kind.BOOL else "i8"
        if array.instanced:
            stride = Value(str(w.lanes), I, False) if local else self.stride
            offset = w.operation("mul", offset, stride)
            if not local:
                offset = w.operation("add", offset, Value(self.base, I, False))
            if shift:
                offset = w.operation("add", offset, Value(str(shift), I, False))
            if offset.wide and w.lanes > 1:
                ids = ", ".join(f"i64 {i}" for i in range(w.lanes))
                offset = w.operation("add", offset, Value(f"<{ids}>", I, True))
        name_ = w.name("at")
        if offset.wide and w.lanes > 1:
            w.line(f"{name_} = getelementptr {element}, ptr {self.bases[name]}, {w.type(I)} {offset.text}")
            return Value(name_, I, True), False
        w.line(f"{name_} = getelementptr {element}, ptr {self.bases[name]}, i64 {offset.text}")
        return name_, array.instanced

    def load(self, s: Load) -> Value:
        w, kind = self.w, self.arrays[s.array].kind
        where, neighbours = self.address(s.array, s.index, s.shift)
        bytes_ = 4 if kind is Kind.REAL and w.dtype == "float32" else 8
        if isinstance(where, Value):
            wide, mask = w.type(kind), self.current_mask()
            full = f"@llvm.masked.gather.{w.suffix(kind, True)}.v{w.lanes}p0"
            w.intrinsics.add(f"declare {wide} {full}(<{w.lanes} x ptr>, i32, {w.type(Kind.BOOL)}, {wide})")
            return w.emit(
                f"call {wide} {full}(<{w.lanes} x ptr> {where.text}, i32 {bytes_}, {w.type(Kind.BOOL)} {mask.text}, "
                f"{wide} zeroinitializer)",
                kind,
                True,
            )
        return w.emit(f"load {w.type(kind, neighbours)}, ptr {where}, align {bytes_}", kind, neighbours)

    def store(self, s: Store) -> None:
        w, array = self.w, self.arrays[s.array]
        value = self.value(s.value)
        where, neighbours = self.address(s.array, s.index, 0)
        bytes_ = 4 if array.kind is Kind.REAL and w.dtype == "float32" else 8
        if isinstance(where, Value):
            wide, value = w.type(array.kind), w.widen(value)
            full = f"@llvm.masked.scatter.{w.suffix(array.kind, True)}.v{w.lanes}p0"
            w.intrinsics.add(f"declare void {full}({wide}, <{w.lanes} x ptr>, i32, {w.type(Kind.BOOL)})")
            mask = self.current_mask()
            w.line(
                f"call void {full}({wide} {value.text}, <{w.lanes} x ptr> {where.text}, i32 {bytes_}, "
                f"{w.type(Kind.BOOL)} {mask.text})"
            )
        elif neighbours and self.mask is not None:
            wide, value = w.type(array.kind), w.widen(value)
            full = f"@llvm.masked.store.{w.suffix(array.kind, True)}.p0"
            w.intrinsics.add(f"declare void {full}({wide}, ptr, i32, {w.type(Kind.BOOL)})")
            w.line(
                f"call void {full}({wide} {value.text}, ptr {where}, i32 {bytes_}, {w.type(Kind.BOOL)} {self.mask.text})"
            )
        else:
            value = w.widen(value) if neighbours else value
            if value.wide and not neighbours and w.lanes > 1:
                raise CompilerBug(
                    f"a value that differs by lane is stored to the shared array {s.array}; accumulate instead"
                )
            w.line(f"store {w.type(array.kind, neighbours)} {value.text}, ptr {where}, align {bytes_}")

    def accumulate(self, s: Accumulate) -> None:
        w = self.w
        value = w.widen(self.value(s.value))
        where, _ = self.address(s.array, s.index, 0)
        if isinstance(where, Value):
            raise CompilerBug(f"the index of an Accumulate into {s.array} differs by lane; make it uniform")
        if w.lanes > 1:
            if self.mask is not None:
                value = w.select(self.mask, value, w.constant(0.0, Kind.REAL, True))
            full = f"@llvm.vector.reduce.fadd.{w.suffix(Kind.REAL, True)}"
            w.intrinsics.add(f"declare {w.real} {full}({w.real}, {w.type(Kind.REAL)})")
            value = w.emit(
                f"call reassoc {w.real} {full}({w.real} {w.number(-0.0, Kind.REAL)}, {w.type(Kind.REAL)} {value.text})",
                Kind.REAL,
                False,
            )
        old = w.emit(f"load {w.real}, ptr {where}", Kind.REAL, False)
        new = w.emit(f"fadd {w.real} {old.text}, {value.text}", Kind.REAL, False)
        w.line(f"store {w.real} {new.text}, ptr {where}")

    def current_mask(self) -> Value:
        return self.mask or self.w.constant(True, Kind.BOOL, True)

    # -- statements -------------------------------------------------------------------------------------------------
    def block(self, block: Block) -> None:
        for statement in block:
            self.statement(statement)

    def statement(self, s: Statement) -> None:
        match s:
            case Let(target, value):
                self.bind(target, self.value(value))
            case Var(target, value):
                self.declare(target, self.w.widen(self.value(value)))
            case Assign(target, value):
                self.assign(target, value)
            case Local(array):
                self.allocate(array)
            case Load(target, _, _, _):
                self.bind(target, self.load(s))
            case Store():
                self.store(s)
            case Accumulate():
                self.accumulate(s)
            case For():
                self.loop(s)
            case While():
                self.repeat(s)
            case If():
                self.branch(s)
            case Call():
                self.call(s)
            case Comment(text):
                self.w.line(f"; {text}")
            case _:
                raise CompilerBug(f"no LLVM for {type(s).__name__}; a pass should have removed it")

    def bind(self, target: Node, value: Value) -> None:
        self._depends[target.key] = frozenset()
        self.scopes[-1][target.key] = value

    def declare(self, target: Node, value: Value) -> None:
        slot = f"%{target.attribute}.slot"
        if str(target.attribute) not in self.registers:
            self.allocas.append(f"  {slot} = alloca {self.w.type(target.kind)}, align 64")
        self.registers[str(target.attribute)] = (slot, target.kind)
        self._depends[target.key] = frozenset([str(target.attribute)])
        self.forget(frozenset([str(target.attribute)]))
        self.w.line(f"store {self.w.type(target.kind)} {value.text}, ptr {slot}, align 64")

    def assign(self, target: Node, value: Node) -> None:
        new = self.w.widen(self.value(value))
        slot, kind = self.registers[str(target.attribute)]
        if self.mask is not None:
            new = self.w.select(self.mask, new, self.value(target))
        self.w.line(f"store {self.w.type(kind)} {new.text}, ptr {slot}, align 64")
        self.forget(frozenset([str(target.attribute)]))

    def allocate(self, array: Array) -> None:
        count = 1
        for size in array.shape:
            count *= int(size)
        slot = f"%{array.name}.local"
        self.allocas.append(f"  {slot} = alloca [{count * self.w.lanes} x {self.w.scalar_type(array.kind)}], align 64")
        self.arrays[array.name] = array
        self.bases[array.name] = slot

    def nested(self, block: Block, mask: Value | None) -> None:
        outside, self.mask = self.mask, mask
        self.scopes.append({})
        self.block(block)
        self.scopes.pop()
        self.mask = outside

    def loop(self, s: For) -> None:
        w = self.w
        start, stop = self.value(s.start), self.value(s.stop)
        if start.wide or stop.wide:
            raise CompilerBug(f"the bounds of the loop over {s.counter} differ by lane; use While")
        head, body, done = (w.fresh_label(n) for n in ("for", "body", "done"))
        counter, slot = w.name("i"), w.name("counter")
        self.allocas.append(f"  {slot} = alloca i64")
        w.line(f"store i64 {start.text}, ptr {slot}")
        w.line(f"br label %{head}")
        w.label(head)
        self.forget(_names(assigned(s.body)))
        w.line(f"{counter} = load i64, ptr {slot}")
        test = w.emit(f"icmp slt i64 {counter}, {stop.text}", Kind.BOOL, False)
        w.line(f"br i1 {test.text}, label %{body}, label %{done}")
        w.label(body)
        self.scopes.append({})
        self.bind(s.counter, Value(counter, I, False))
        self.nested(s.body, self.mask)
        self.scopes.pop()
        following = w.emit(f"add nsw i64 {counter}, 1", I, False)
        w.line(f"store i64 {following.text}, ptr {slot}")
        w.line(f"br label %{head}")
        w.label(done)
        self.forget(_names(assigned(s.body)))

    def repeat(self, s: While) -> None:
        w = self.w
        head, body, done = (w.fresh_label(n) for n in ("while", "body", "done"))
        slot = w.name("alive")
        mask_type = w.type(Kind.BOOL)
        self.allocas.append(f"  {slot} = alloca {mask_type}, align 64")
        w.line(f"store {mask_type} {self.current_mask().text}, ptr {slot}")
        w.line(f"br label %{head}")
        w.label(head)
        self.forget(_names(assigned(s.body)))
        self.scopes.append({})
        condition = w.widen(self.value(s.condition))
        before = w.emit(f"load {mask_type}, ptr {slot}", Kind.BOOL, True)
        alive = w.operation("and", before, condition)
        w.line(f"store {mask_type} {alive.text}, ptr {slot}")
        w.line(f"br i1 {w.any(alive)}, label %{body}, label %{done}")
        w.label(body)
        self.nested(s.body, alive if w.lanes > 1 else None)
        self.scopes.pop()
        w.line(f"br label %{head}")
        w.label(done)
        self.forget(_names(assigned(s.body)))

    def branch(self, s: If) -> None:
        w = self.w
        condition = self.value(s.condition)
        inner = condition
        if w.lanes > 1:
            inner = w.widen(condition) if self.mask is None else w.operation("and", self.mask, w.widen(condition))
        body, done = w.fresh_label("if"), w.fresh_label("fi")
        w.line(f"br i1 {w.any(inner)}, label %{body}, label %{done}")
        w.label(body)
        uniform = not condition.wide
        self.nested(s.body, self.mask if uniform or w.lanes == 1 else inner)
        w.line(f"br label %{done}")
        w.label(done)
        self.forget(_names(assigned(s.body)))

    def call(self, s: Call) -> None:
        w = self.w
        arguments = [w.widen(self.value(a)) for a in s.arguments]
        slot = w.name("results")
        self.allocas.append(f"  {slot} = alloca [{max(len(s.targets), 1)} x <{w.lanes} x i64>], align 64")
        given = "".join(f", {w.type(a.kind)} {v.text}" for a, v in zip(s.arguments, arguments, strict=True))
        w.line(f"call void @{s.function.name}({w.type(Kind.BOOL)} {self.current_mask().text}, ptr {slot}{given})")
        for i, (target, result) in enumerate(zip(s.targets, s.function.results, strict=True)):
            at = w.name("result")
            w.line(f"{at} = getelementptr <{w.lanes} x i64>, ptr {slot}, i64 {i}")
            self.bind(target, w.emit(f"load {w.type(result.kind)}, ptr {at}, align 8", result.kind, True))


def _names(nodes: frozenset[Node]) -> frozenset[str]:
    return frozenset(str(n.attribute) for n in nodes)


def _paired(block: Block, results: tuple[Node, ...] = ()) -> frozenset[bytes]:
    roots = [n for s in statements(block) for n in nodes_of(s)] + list(results)
    angles: dict[str, set[bytes]] = {"sin": set(), "cos": set()}
    for n in walk(roots):
        if n.op in angles:
            angles[n.op].add(n.args[0].key)
    return frozenset(angles["sin"] & angles["cos"])


def _emit_function(function: Function, lanes: int, dtype: str) -> Writer:
    w = Writer(lanes, dtype)
    printer = _Printer(w, {}, _paired(function.body, function.results))
    parameters = [f"{w.type(Kind.BOOL)} %mask", "ptr noalias %out"]
    for p in function.parameters:
        parameters.append(f"{w.type(p.kind)} %arg.{p.attribute}")
        printer.bind(p, Value(f"%arg.{p.attribute}", p.kind, True))
    printer.mask = Value("%mask", Kind.BOOL, True) if lanes > 1 else None
    printer.block(function.body)
    for i, result in enumerate(function.results):
        value = w.widen(printer.value(result))
        at = w.name("out")
        w.line(f"{at} = getelementptr <{lanes} x i64>, ptr %out, i64 {i}")
        w.line(f"store {w.type(result.kind)} {value.text}, ptr {at}, align 8")
    head = f"define internal void @{function.name}({', '.join(parameters)}) noinline #0 {{"
    w.lines = [head, "entry:", *printer.allocas, *w.lines, "  ret void", "}"]
    return w


def _entry(slot: int, type_: str, w: Writer, name: str) -> str:
    w.line(f"{name}.at = getelementptr i64, ptr %table, i64 {slot}")
    w.line(f"{name} = load {type_}, ptr {name}.at")
    return name


def _emit_kernel(kernel: Kernel, lanes: int, dtype: str) -> Writer:
    w = Writer(lanes, dtype)
    printer = _Printer(w, {a.name: a for a in kernel.arrays}, _paired(kernel.body))
    slot = 0
    for array in kernel.arrays:
        printer.bases[array.name] = _entry(slot, "ptr", w, f"%array.{array.name}")
        slot += 1
    printer.globals = frozenset(printer.bases)
    printer.stride = Value(_entry(slot, "i64", w, "%lane.stride"), I, False)
    halo = _entry(slot + 1, "i64", w, "%lane.halo")
    blocks = _entry(slot + 2, "i64", w, "%lane.blocks")
    slot += 3 + len(kernel.outer)
    for scalar in kernel.scalars:
        name = f"%scalar.{scalar.name}"
        if scalar.kind is Kind.REAL:
            _entry(slot, "double", w, name)
            if dtype == "float32":
                w.line(f"{name}.f = fptrunc double {name} to float")
                name += ".f"
        else:
            _entry(slot, "i64", w, name)
        slot += 1
        value = Value(name, scalar.kind, False)
        printer.bind(scalar.node, value)
        printer.sizes[scalar.name] = value
    extents_at = len(kernel.arrays) + 3
    for axis, name in enumerate(kernel.outer):
        printer.sizes[name] = Value(_entry(extents_at + axis, "i64", w, f"%extent.{name}"), I, False)
    w.lines += ["  br label %blocks", "blocks:"]
    w.line("%block = phi i64 [%first, %entry], [%block.next, %next]")
    w.line("%more = icmp slt i64 %block, %last")
    w.line("br i1 %more, label %instance, label %end")
    w.label("instance")
    _bind_axes(kernel, printer, blocks, halo)
    printer.block(kernel.body)
    w.line("br label %next")
    w.label("next")
    w.line("%block.next = add nsw i64 %block, 1")
    w.line("br label %blocks")
    w.label("end")
    w.lines = [
        f"define void @{kernel.name}(i64 %first, i64 %last, ptr noalias %table) noinline #0 {{",
        "entry:",
        *printer.allocas,
        *w.lines,
        "  ret void",
        "}",
    ]
    return w


def _bind_axes(kernel: Kernel, printer: _Printer, blocks: str, halo: str) -> None:
    """The instance ids of this block's lanes, and the outer indices that the block number holds."""
    w = printer.w
    lane_block = w.emit(f"srem i64 %block, {blocks}", I, False) if kernel.outer else Value("%block", I, False)
    rest = w.emit(f"sdiv i64 %block, {blocks}", I, False) if kernel.outer else lane_block
    for name in reversed(kernel.outer):
        extent = printer.sizes[name]
        index = w.operation("srem", rest, extent)
        rest = w.operation("sdiv", rest, extent)
        printer.bind(variable(name, I), index)
    start = w.operation("mul nsw", lane_block, Value(str(w.lanes), I, False))
    printer.base = w.operation("add nsw", start, Value(halo, I, False)).text
    ids = ", ".join(f"i64 {i}" for i in range(w.lanes))
    lane = w.operation("add nsw", w.widen(start), Value(f"<{ids}>", I, True)) if w.lanes > 1 else start
    printer.bind(variable(kernel.lane, I), Value(lane.text, I, True))


def emit_llvm(kernel: Kernel, lanes: int, dtype: str = "float64") -> str:
    """The module of one kernel, with the functions and the vector mathematics that it calls."""
    if dtype not in WIDTHS:
        raise CompilerBug(f"no LLVM type for {dtype}; choose one of {', '.join(WIDTHS)}")
    writers = [_emit_function(f, lanes, dtype) for f in functions(kernel.body)] + [_emit_kernel(kernel, lanes, dtype)]
    waiting = sorted({need for w in writers for need in w.needed})
    known: set[tuple[str, int]] = set()
    mathematics: list[Writer] = []
    while waiting:
        need = waiting.pop()
        if need in known:
            continue
        known.add(need)
        mathematics.append(define(*need, dtype))
        waiting.extend(sorted(mathematics[-1].needed))
    writers = mathematics + writers
    declarations = sorted({d for w in writers for d in w.intrinsics})
    texts = ["\n".join(w.lines) for w in writers]
    return (
        "\n\n".join(["\n".join(declarations), *texts, ATTRIBUTES, '!0 = !{!"branch_weights", i32 1, i32 100000}'])
        + "\n"
    )
