"""Kernels as CUDA: one self-contained translation unit, a thread per instance.

A sum whose element is the same for all instances of a block (its index holds only constants, scalars and outer axes)
is kept in a register, reduced over the block in shared memory and added to memory by one atomic addition a block, or a
row of it where the element is that of a row. Any other accumulation adds atomically where it stands. Blocks finish in
any order, so the last digits of a sum may differ from run to run. No system header is included: the text compiles under
NVRTC, nvcc and the host shim.
"""

from __future__ import annotations

from collections.abc import Mapping

from codegen.errors import CompilerBug
from codegen.ir import Kind, Node, variable, variables, walk
from codegen.outer import write_out
from codegen.product import write_out_products
from codegen.program import (
    Array,
    Block,
    Function,
    Intent,
    Kernel,
    Local,
    functions,
    must_be_inlined,
    nodes_of,
    statements,
)

from .cuda_addresses import Addresses, BlockSum, block_sums
from .cuda_groups import LARGE as LARGEST_TURN
from .cuda_groups import turns_of_a_group
from .cuda_inside import Inside
from .cuda_language import RESERVED, TYPES, support
from .cuda_layout import Layout, pointer
from .cuda_printer import CudaPrinter
from .cuda_rows import early_loads, loop_order
from .cuda_together import ALONE, Share
from .cuda_wide import per_piece
from .expressions import Sharing
from .names import Naming, name_function, name_functions

__all__ = ["Layout", "adds_up", "device_function", "emit_cuda", "private_arrays"]

LARGE = 400  # operations, past which a function is called instead of inlined


def emit_cuda(kernel: Kernel, dtype: str = "float64", halo: int = 0, narrow: bool = False, share: Share = ALONE) -> str:
    """CUDA source with `extern "C" __global__ void <name>(...)`, for blocks of at most 1024 threads.

    Parameters, in order: `long long <lane>_first`, `<lane>_last` (first..last-1 run), `<lane>_stride` (the length of
    the padded lane axis of all instanced arrays), `<axis>_extent` of every outer axis, the arrays (row-major, lane axis
    last, pointers to `real`, `long long` or, of short ones, `int`), the scalars (`real` or `long long`). Threads range
    over the lane axis along x; the last outer axis is shared out among threads and blocks along y, the one before it
    among blocks along z, each a stretch of neighbours, so that any grid is right; further axes are loops of each
    thread. Blocks of kernels for which `adds_up` holds have one row of threads. Sums are added to. `narrow`: no array
    has more than 2^31 - 1 elements, no axis and no loop (times `largest_factor`) more turns, and 32 bits count them.
    `share`: how many instances a thread takes; with `lanes` above 0 the instance that runs first begins on a boundary
    of 16 bytes in every row of every array of `in_pieces`; with `parts` above 1 threads along z of a block of one row
    share the loops of an instance; with `beside` arrays of `in_rows` begin on a boundary of 16 bytes.

    Raises CompilerBug for statements and operations that are not of the IR.
    """
    kernel = write_out(write_out_products(kernel))
    layout = Layout.of(kernel)
    names = name_functions(kernel.body, layout.naming)
    parts = ["\n".join(device_function(f, dtype, names)) for f in functions(kernel.body)]
    parts.append("\n".join(_kernel(layout, dtype, halo, names, share)))
    body, group = "\n\n".join(parts), turns_of_a_group(kernel, share.rows, share.group)
    real = "float" if dtype == "float32" else "double"
    place = f"typedef {'int' if narrow else 'long long'} sym_place;"
    return "\n\n".join([f"typedef {real} real;\n{place}", *support(body, dtype, group), body]) + "\n"


def adds_up(kernel: Kernel) -> bool:
    """Whether the threads of a block of the kernel add up: one row of threads then, which meets at barriers."""
    return any(array.intent is Intent.SUM for array in kernel.arrays)


def device_function(function: Function, dtype: str, names: Mapping[str, str]) -> list[str]:
    """A function of the device."""
    if must_be_inlined(function):
        raise CompilerBug(f"function {function.name!r} reaches for arrays of an instance; `inline` was to copy it")
    naming = name_function(function, RESERVED | set(names.values()), ascii_only=True)
    out = [naming.take(f"result{i}") for i in range(len(function.results))]
    printer = CudaPrinter(dtype, naming, names, Addresses(private_arrays(function.body), function), {})
    results = printer.block(function.body, results=function.results)
    parameters = [f"{TYPES[p.kind]} {printer.name(p)}" for p in function.parameters]
    parameters += [f"{pointer(a)} {naming(a.name)}" for a in function.arrays]
    kind = "void"
    if len(results) == 1:
        kind = TYPES[function.results[0].kind]
        printer.line(f"return {results[0]};")
    else:
        parameters += [f"{TYPES[r.kind]}& {name}" for r, name in zip(function.results, out, strict=True)]
        for name, text in zip(out, results, strict=True):
            printer.line(f"{name} = {text};")
    roots = [n for s in statements(function.body) for n in nodes_of(s)] + list(function.results)
    inline = "__noinline__" if sum(1 for _ in walk(roots)) > LARGE else "__forceinline__"
    return [f"__device__ {inline} {kind} {names[function.name]}({', '.join(parameters)}) {{", *printer.lines, "}"]


def private_arrays(block: Block) -> dict[str, Array]:
    """The private memory that a block declares."""
    return {s.array.name: s.array for s in statements(block) if isinstance(s, Local)}


def _kernel(layout: Layout, dtype: str, halo: int, names: Mapping[str, str], share: Share) -> list[str]:
    kernel, naming = layout.kernel, layout.naming
    lane = naming(kernel.lane)
    addresses = Addresses(private_arrays(kernel.body), kernel, layout.stride, halo)
    sums = block_sums(kernel, addresses, naming)
    printer = CudaPrinter(dtype, naming, names, addresses, sums)
    printer.depth, printer.streaming = 0, share.streaming
    printer.row_width = per_piece(dtype) if share.beside else 0
    printer.group, printer.large = turns_of_a_group(kernel, share.rows, share.group), LARGEST_TURN * share.rows
    printer.comment(
        "A thread per instance. The parameters: which instances of the lane axis run and the padded length of"
        if share.lanes <= 1 and share.rows == 1
        else "Threads take several instances. The parameters: which of the lane axis run and the padded length of"
    )
    printer.comment("that axis; the extents of the outer axes; arrays, row-major with the lane axis last; scalars.")
    printer.line(f'extern "C" __global__ void {layout.symbol}(')
    printer.depth = 1
    *parameters, last = [f"{kind} {name}" for kind, name in layout.parameters()]
    for parameter in parameters:
        printer.line(f"{parameter},")
    printer.line(f"{last}) {{")
    thread = "(long long)blockIdx.x * blockDim.x + threadIdx.x"
    thread = thread if share.lanes <= 1 else f"{share.lanes} * ({thread})"
    mine = _share_loops(printer, layout, thread) if share.parts > 1 else None
    if mine is None:
        printer.line(f"const sym_place {lane} = {layout.first} + {thread};")
    axes = tuple(zip(kernel.outer, layout.extents, _grid_axes(len(kernel.outer)), strict=True))
    bounds = [
        _share_out(printer, naming, axis, extent, place) if place else ("0", extent) for axis, extent, place in axes
    ]
    whole = {key: s for key, s in sums.items() if not _is_of_rows(s, kernel)}
    of_rows = {key: s for key, s in sums.items() if key not in whole}
    _declare(printer, whole)
    levels, body = early_loads(kernel)
    printer.block(levels[0])
    order, limits = loop_order(kernel), dict(zip(kernel.outer, bounds, strict=True))
    for axis in order[:-1]:
        name, (start, stop) = naming(axis), limits[axis]
        printer.line(f"for (sym_place {name} = {start}; {name} < {stop}; ++{name}) {{")
        printer.depth += 1
        printer.block(levels.get(axis, ()))
    inside = Inside(printer, layout, share, dtype, levels.get(order[-1], ()) if order else (), body, mine)
    if order:
        inside.rows(*limits[order[-1]], several=not of_rows)
        printer.depth += 1
        printer.block(inside.level)
    _declare(printer, of_rows)
    inside.instances()
    _add_up(printer, naming, of_rows)  # every thread of the block arrives here
    while printer.depth > 1:
        printer.depth -= 1
        printer.close(())
    _add_up(printer, naming, whole)
    while printer.depth:
        printer.depth -= 1
        printer.close(())
    return printer.lines


def _share_loops(printer: CudaPrinter, layout: Layout, thread: str) -> Node:
    """Every thread of a block takes part, those beyond the end in the last instance; what holds in one that writes."""
    naming = layout.naming
    lane, place = naming(layout.kernel.lane), naming.take(f"{layout.kernel.lane}_thread")
    mine = variable(naming.unused("mine"), Kind.BOOL)
    printer.shares_loops = True
    printer.line(f"const sym_place {place} = {layout.first} + {thread};")
    printer.line(f"const sym_place {lane} = {place} < {layout.last} ? {place} : {layout.last} - 1;")
    printer.line(f"const bool {printer.name(mine)} = {place} < {layout.last} && threadIdx.z == 0;")
    return mine


def _share_out(printer: CudaPrinter, naming: Naming, axis: str, extent: str, place: str) -> tuple[str, str]:
    """Where the stretch of an outer axis that a thread walks along begins and ends."""
    start, stop, each = (naming.take(f"{axis}_{word}") for word in ("from", "to", "each"))
    count, me = f"gridDim.{place}", f"blockIdx.{place}"
    if place == "y":
        count, me = f"(gridDim.{place} * blockDim.{place})", f"({me} * blockDim.{place} + threadIdx.{place})"
    printer.line(f"const unsigned {each} = ((unsigned){extent} + {count} - 1) / {count};")
    printer.line(f"const long long {start} = (long long){me} * {each};")
    printer.line(f"const long long {stop} = {start} + {each} < {extent} ? {start} + {each} : {extent};")
    return start, stop


def _is_of_rows(block_sum: BlockSum, kernel: Kernel) -> bool:
    """Whether the element depends on where along the outer axes a block is."""
    return any(v.attribute in kernel.outer for v in variables((block_sum.position,)))


def _declare(printer: CudaPrinter, sums: Mapping[tuple[str, bytes], BlockSum]) -> None:
    for block_sum in sums.values():
        printer.line(f"{TYPES[block_sum.array.kind]} {block_sum.name} = 0;")


def _add_up(printer: CudaPrinter, naming: Naming, sums: Mapping[tuple[str, bytes], BlockSum]) -> None:
    for block_sum in sums.values():
        (position,) = printer.render((block_sum.position,), Sharing())
        printer.line(f"sym_block_sum(&{naming(block_sum.array.name)}[{position}], {block_sum.name});")


def _grid_axes(count: int) -> tuple[str, ...]:
    """Which dimension of the grid each outer axis takes; '' where it is a loop of the thread."""
    return ("",) * (count - 2) + ("z", "y")[-count:] if count else ()
