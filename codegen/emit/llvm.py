"""Kernels as LLVM assembly: instances side by side in vector registers, control flow by masks.

The emitted function is `void @kernel.name(i64 first, i64 last, ptr table)`. It runs blocks first..last-1 of `lanes`
instances each (all outer indices in turn: block = outer index * lane blocks + lane block), an outer index at a time, so
that what depends on it alone is computed once a row. The table has 8 bytes an entry: the addresses of the arrays in
order, the lane-axis stride in elements, the offset of instance 0 in it (the halo), the number of lane blocks, the
number of instances, the outer extents, then the scalars in order, reals as doubles. With `lanes` = 1 the same text is
plain scalar code.
"""

from __future__ import annotations

from ..errors import CompilerBug
from ..ir import Kind, Node, variable, walk
from ..outer import write_out
from ..product import write_out_products
from ..program import Block, Function, Intent, Kernel, functions, must_be_inlined, nodes_of, statements
from .llvm_math import define
from .llvm_outer import has_products
from .llvm_printer import Printer
from .llvm_roots import ESTIMATES
from .llvm_shifts import TURNS, spans_of
from .llvm_strips import StripPrinter
from .llvm_writer import WIDTHS, Value, Writer, function_symbol, spelled

I = Kind.INT
WIDE = "avx512f"  # the feature that brings vectors of 512 bits, and 32 registers for them
USED_FEATURES = tuple(sorted({ESTIMATES, TURNS, WIDE}))  # of processors, of which the assembly makes use where they are
ATTRIBUTES = 'attributes #0 = { nounwind alignstack=64 "prefer-vector-width"="512" "min-legal-vector-width"="512" }'

ROW_TILE = 4096  # bytes of a row that are taken before the next one: nine such rows fit the first cache
UNTURNED = ("!2 = distinct !{!2, !3}", '!3 = !{!"llvm.loop.unroll.disable"}')
METADATA = ('!0 = !{!"branch_weights", i32 1, i32 100000}', "!1 = !{}")


def _paired(block: Block, results: tuple[Node, ...] = ()) -> frozenset[bytes]:
    roots = [n for s in statements(block) for n in nodes_of(s)] + list(results)
    angles: dict[str, set[bytes]] = {"sin": set(), "cos": set()}
    for n in walk(roots):
        if n.op in angles:
            angles[n.op].add(n.args[0].key)
    return frozenset(angles["sin"] & angles["cos"])


def _emit_function(function: Function, lanes: int, dtype: str) -> Writer:
    w = Writer(lanes, dtype)
    if must_be_inlined(function):
        raise CompilerBug(f"function {function.name!r} reaches for arrays of an instance; `inline` was to copy it")
    printer = Printer(w, {a.name: a for a in function.arrays}, _paired(function.body, function.results))
    parameters = [f"{w.type(Kind.BOOL)} %mask", "ptr noalias %out"]
    for array in function.arrays:
        printer.bases[array.name] = f"%array.{spelled(array.name)}"
        parameters.append(f"ptr {printer.bases[array.name]}")
    printer.globals = frozenset(printer.bases)
    for p in function.parameters:
        parameters.append(f"{w.type(p.kind)} %arg.{spelled(str(p.attribute))}")
        printer.bind(p, Value(f"%arg.{spelled(str(p.attribute))}", p.kind, True))
    printer.mask = Value("%mask", Kind.BOOL, True) if lanes > 1 else None
    printer.block(function.body)
    for i, result in enumerate(function.results):
        value = w.widen(printer.value(result))
        at = w.name("out")
        w.line(f"{at} = getelementptr <{lanes} x i64>, ptr %out, i64 {i}")
        w.line(f"store {w.type(result.kind)} {value.text}, ptr {at}, align 8")
    head = f"define internal void @{function_symbol(function.name)}({', '.join(parameters)}) noinline #0 {{"
    w.lines = [head, "entry:", *printer.allocas, *w.lines, "  ret void", "}"]
    return w


def tile_blocks(kernel: Kernel, lanes: int, dtype: str) -> int:
    """How many blocks of a row are taken before the next row: as many as leave several rows in the first cache."""
    row_bytes = lanes * (4 if dtype == "float32" else 8)
    return max(1, ROW_TILE // row_bytes) if kernel.outer else 1 << 40


def _open_rows(w: Writer, blocks: str, tile: int) -> None:
    """Loops over tiles of columns, over the rows of the range, and, to be opened, over the blocks of a row in the tile.

    Of the first row the blocks before `first` are left out, of the last one those from `last` on.
    """
    w.line(f"%row.first = sdiv i64 %first, {blocks}")
    w.line(f"%column.first = srem i64 %first, {blocks}")
    w.line("br label %tiles")
    w.label("tiles")
    w.line("%tile = phi i64 [0, %entry], [%tile.end, %tile.done]")
    w.line(f"%tile.more = icmp slt i64 %tile, {blocks}")
    w.line("br i1 %tile.more, label %tile.start, label %end")
    w.label("tile.start")
    w.line(f"%tile.end = add nsw i64 %tile, {tile}")
    w.line("br label %rows")
    w.label("rows")
    w.line("%row = phi i64 [%row.first, %tile.start], [%row.next, %row.done]")
    w.line(f"%row.begin = mul nsw i64 %row, {blocks}")
    w.line("%row.more = icmp slt i64 %row.begin, %last")
    w.line("br i1 %row.more, label %row.here, label %tile.done")
    w.label("row.here")
    w.line("%row.is.first = icmp eq i64 %row, %row.first")
    w.line("%row.low = select i1 %row.is.first, i64 %column.first, i64 0")
    w.line("%column = call i64 @llvm.smax.i64(i64 %row.low, i64 %tile)")
    w.line("%left = sub nsw i64 %last, %row.begin")
    w.line(f"%row.high = call i64 @llvm.smin.i64(i64 %left, i64 {blocks})")
    w.line("%column.last = call i64 @llvm.smin.i64(i64 %row.high, i64 %tile.end)")
    w.line("%more = icmp slt i64 %column, %column.last")
    w.line("br i1 %more, label %row.start, label %row.done")
    w.label("row.start")
    w.intrinsics |= {"declare i64 @llvm.smax.i64(i64, i64)", "declare i64 @llvm.smin.i64(i64, i64)"}


def _close_rows(w: Writer) -> None:
    """The ends of the loops of `_open_rows`."""
    w.line("%block.next = add nsw i64 %block, 1")
    w.line("%within = icmp slt i64 %block.next, %column.last")
    w.line("br i1 %within, label %instance, label %row.done")
    w.label("row.done")
    w.line("%row.next = add nsw i64 %row, 1")
    w.line("br label %rows")
    w.label("tile.done")
    w.line("br label %tiles")
    w.label("end")


def _entry(slot: int, type_: str, w: Writer, name: str) -> str:
    w.line(f"{name}.at = getelementptr i64, ptr %table, i64 {slot}")
    w.line(f"{name} = load {type_}, ptr {name}.at")
    return name


def kernel_symbol(kernel: Kernel) -> str:
    """What the emitted function of a kernel is called."""
    return f"kernel.{spelled(kernel.name)}"


def _emit_kernel(kernel: Kernel, lanes: int, dtype: str, features: frozenset[str], strip: int) -> Writer:
    w = Writer(lanes, dtype, features=features)
    printer = StripPrinter(w, {a.name: a for a in kernel.arrays}, _paired(kernel.body), strip)
    slot = 0
    for array in kernel.arrays:
        printer.bases[array.name] = _entry(slot, "ptr", w, f"%array.{spelled(array.name)}")
        slot += 1
    printer.globals = frozenset(printer.bases)
    printer.spans = spans_of(statements(kernel.body))
    printer.stride = Value(_entry(slot, "i64", w, "%lane.stride"), I, False)
    halo = _entry(slot + 1, "i64", w, "%lane.halo")
    blocks = _entry(slot + 2, "i64", w, "%lane.blocks")
    extent = _entry(slot + 3, "i64", w, "%lane.extent")
    slot += 4 + len(kernel.outer)
    for scalar in kernel.scalars:
        name = f"%scalar.{spelled(scalar.name)}"
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
    extents_at = len(kernel.arrays) + 4
    for axis, name in enumerate(kernel.outer):
        printer.sizes[name] = Value(_entry(extents_at + axis, "i64", w, f"%extent.{spelled(name)}"), I, False)
    _open_rows(w, blocks, tile_blocks(kernel, lanes, dtype))
    _bind_outer(kernel, printer)
    w.line("br label %instance")
    w.label("instance")
    w.line("%block = phi i64 [%column, %row.start], [%block.next, %next]")
    _bind_lanes(kernel, printer, halo)
    if lanes > 1 and _asks_for_real_lanes(kernel):
        printer.real_lanes, printer.all_real = _real_lanes(w, extent)
    printer.block(kernel.body)
    w.line("br label %next")
    w.label("next")
    _close_rows(w)
    printer.release()
    w.lines = [
        f"define void @{kernel_symbol(kernel)}(i64 %first, i64 %last, ptr noalias %table) noinline #0 {{",
        "entry:",
        *printer.allocas,
        *w.lines,
        "  ret void",
        "}",
    ]
    return w


def _real_lanes(w: Writer, extent: str) -> tuple[Value, Value]:
    """The lanes of this block that hold an instance: its first bits, as many as instances are left; whether all do."""
    bits, start = f"i{w.lanes}", w.operation("mul nsw", Value("%block", I, False), Value(str(w.lanes), I, False))
    left = w.operation("sub nsw", Value(extent, I, False), start)
    whole = w.operation("icmp sge", left, Value(str(w.lanes), I, False), result=Kind.BOOL)
    short, one, few, mask = (w.name(n) for n in ("short", "one", "few", "mask"))
    count = left.text
    if w.lanes != 64:
        w.line(f"{short} = {'trunc' if w.lanes < 64 else 'zext'} i64 {count} to {bits}")
        count = short
    w.line(f"{one} = shl {bits} 1, {count}")
    w.line(f"{few} = sub {bits} {one}, 1")
    w.line(f"{mask} = select i1 {whole.text}, {bits} -1, {bits} {few}")
    return w.emit(f"bitcast {bits} {mask} to {w.type(Kind.BOOL)}", Kind.BOOL, True), whole


def _asks_for_real_lanes(kernel: Kernel) -> bool:
    """Whether lanes beyond the last instance could be noticed: they add to no sum, and reach nothing that is shared."""
    return any(a.intent is Intent.SUM or a.shape or not a.instanced for a in kernel.arrays)


def _bind_outer(kernel: Kernel, printer: Printer) -> None:
    """The outer indices that the number of a row holds."""
    w = printer.w
    rest = Value("%row", I, False)
    for name in reversed(kernel.outer[1:]):
        extent = printer.sizes[name]
        printer.bind(variable(name, I), w.operation("srem", rest, extent))
        rest = w.operation("sdiv", rest, extent)
    if kernel.outer:
        printer.bind(variable(kernel.outer[0], I), rest)


def _bind_lanes(kernel: Kernel, printer: Printer, halo: str) -> None:
    """The instance ids of this block's lanes."""
    w = printer.w
    start = w.operation("mul nsw", Value("%block", I, False), Value(str(w.lanes), I, False))
    printer.base = w.operation("add nsw", start, Value(halo, I, False)).text
    ids = ", ".join(f"i64 {i}" for i in range(w.lanes))
    lane = w.operation("add nsw", w.widen(start), Value(f"<{ids}>", I, True)) if w.lanes > 1 else start
    printer.bind(variable(kernel.lane, I), Value(lane.text, I, True))


def emit_llvm(
    kernel: Kernel, lanes: int, dtype: str = "float64", features: frozenset[str] = frozenset(), strip: int = 0
) -> str:
    """The module of one kernel, with the functions and the vector mathematics that it calls.

    features: of the processor, as LLVM calls them, of which use may be made. strip: into how narrow strips of lanes
    loops may be cut; 0: none is.
    """
    if dtype not in WIDTHS:
        raise CompilerBug(f"no LLVM type for {dtype}; choose one of {', '.join(WIDTHS)}")
    kernel = write_out_products(kernel)
    if not has_products(lanes, dtype):
        kernel = write_out(kernel)
    writers = [_emit_function(f, lanes, dtype) for f in functions(kernel.body)] + [
        _emit_kernel(kernel, lanes, dtype, features, strip)
    ]
    waiting = sorted({need for w in writers for need in w.needed})
    known: set[tuple[str, int]] = set()
    mathematics: list[Writer] = []
    while waiting:
        need = waiting.pop()
        if need in known:
            continue
        known.add(need)
        mathematics.append(define(*need, dtype, features))
        waiting.extend(sorted(mathematics[-1].needed))
    writers = mathematics + writers
    declarations = sorted({d for w in writers for d in w.intrinsics})
    texts = ["\n".join(w.lines) for w in writers]
    metadata = (*METADATA, *(UNTURNED if strip else ()))
    return "\n\n".join(["\n".join(declarations), *texts, ATTRIBUTES, *metadata]) + "\n"
