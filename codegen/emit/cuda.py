"""Kernels as CUDA: one self-contained translation unit, a thread per instance.

A sum whose element is the same for all instances of a block (its index holds only constants, scalars and outer axes)
is kept in a register, reduced over the block in shared memory and added to memory by one atomic addition a block, or a
row of it where the element is that of a row. Any other accumulation adds atomically where it stands. Blocks finish in
any order, so the last digits of a sum may differ from run to run. No system header is included: the text compiles under
NVRTC, nvcc and the host shim.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from codegen.errors import CompilerBug
from codegen.ir import Kind, Node, integer, variable, variables, walk
from codegen.outer import write_out
from codegen.program import (
    Accumulate,
    Array,
    Block,
    For,
    Function,
    Intent,
    Kernel,
    Let,
    Load,
    Local,
    Statement,
    Store,
    functions,
    must_be_inlined,
    nodes_of,
    statements,
)

from .cuda_groups import GroupPrinter, beside, grouped_loads, is_narrow, write_groups
from .cuda_language import RESERVED, TYPES, cuda_language, support
from .cuda_rows import early_loads, loop_order
from .expressions import Sharing
from .names import Naming, name_function, name_functions, name_kernel

LARGE = 400  # operations, past which a function is called instead of inlined


@dataclass(frozen=True)
class Layout:
    """The names of a kernel's parameters, in the order in which a launch passes them."""

    kernel: Kernel
    naming: Naming
    first: str
    last: str
    stride: Node
    extents: tuple[str, ...]

    @classmethod
    def of(cls, kernel: Kernel) -> Layout:
        """Every parameter named, in one namespace with all that the kernel binds."""
        naming = name_kernel(kernel, RESERVED, ascii_only=True)
        first, last = (naming.take(f"{kernel.lane}_{word}") for word in ("first", "last"))
        stride = variable(naming.unused(f"{kernel.lane}_stride"), Kind.INT)
        naming(str(stride.attribute))
        return cls(kernel, naming, first, last, stride, tuple(naming.take(f"{a}_extent") for a in kernel.outer))

    @property
    def symbol(self) -> str:
        """The name of the kernel in the text."""
        return self.naming(self.kernel.name)

    def parameters(self) -> tuple[tuple[str, str], ...]:
        """(C type, name): first, last, stride, outer extents, arrays, scalars."""
        limits = (self.first, self.last, self.naming(str(self.stride.attribute)), *self.extents)
        arrays = ((_pointer(a), self.naming(a.name)) for a in self.kernel.arrays)
        scalars = ((TYPES[s.kind], self.naming(s.name)) for s in self.kernel.scalars)
        return (*(("long long", name) for name in limits), *arrays, *scalars)


def _pointer(array: Array) -> str:
    return f"{'const ' if array.intent is Intent.IN else ''}{TYPES[array.kind]}* __restrict__"


def emit_cuda(kernel: Kernel, dtype: str = "float64", halo: int = 0, narrow: bool = False) -> str:
    """CUDA source with `extern "C" __global__ void <name>(...)`, for blocks of at most 1024 threads.

    Parameters, in order: `long long <lane>_first`, `<lane>_last` (first..last-1 run), `<lane>_stride` (the
    length of the padded lane axis of all instanced arrays), `<axis>_extent` of every outer axis, the arrays (row-major,
    lane axis last, pointers to `real` or `long long`), the scalars (`real` or `long long`). Threads range over the lane
    axis along x; the last outer axis is shared out among threads and blocks along y, the one before it among blocks
    along z, each a stretch of neighbours, so that any grid is right; further axes are loops of each thread. Blocks of
    kernels for which `adds_up` holds have one row of threads. Sums are added to. `narrow`: no array has more than
    2^31 - 1 elements, no axis and no loop (times `largest_factor`) more turns, and 32 bits count them.

    Raises CompilerBug for statements and operations that are not of the IR.
    """
    kernel = write_out(kernel)
    layout = Layout.of(kernel)
    names = name_functions(kernel.body, layout.naming)
    parts = ["\n".join(_function(f, dtype, names)) for f in functions(kernel.body)]
    parts.append("\n".join(_kernel(layout, dtype, halo, names)))
    body = "\n\n".join(parts)
    real = "float" if dtype == "float32" else "double"
    place = f"typedef {'int' if narrow else 'long long'} sym_place;"
    return "\n\n".join([f"typedef {real} real;\n{place}", *support(body, dtype), body]) + "\n"


def adds_up(kernel: Kernel) -> bool:
    """Whether the threads of a block of the kernel add up: one row of threads then, which meets at barriers."""
    return any(array.intent is Intent.SUM for array in kernel.arrays)


def _function(function: Function, dtype: str, names: Mapping[str, str]) -> list[str]:
    if must_be_inlined(function):
        raise CompilerBug(f"function {function.name!r} reaches for arrays of an instance; `inline` was to copy it")
    naming = name_function(function, RESERVED | set(names.values()), ascii_only=True)
    out = [naming.take(f"result{i}") for i in range(len(function.results))]
    printer = CudaPrinter(dtype, naming, names, Addresses(_private(function.body), function), {})
    results = printer.block(function.body, results=function.results)
    parameters = [f"{TYPES[p.kind]} {printer.name(p)}" for p in function.parameters]
    parameters += [f"{_pointer(a)} {naming(a.name)}" for a in function.arrays]
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


def _private(block: Block) -> dict[str, Array]:
    return {s.array.name: s.array for s in statements(block) if isinstance(s, Local)}


def _kernel(layout: Layout, dtype: str, halo: int, names: Mapping[str, str]) -> list[str]:
    kernel, naming = layout.kernel, layout.naming
    lane = naming(kernel.lane)
    addresses = Addresses(_private(kernel.body), kernel, layout.stride, halo)
    sums = block_sums(kernel, addresses, naming)
    printer = CudaPrinter(dtype, naming, names, addresses, sums)
    printer.depth = 0
    printer.comment(
        "A thread per instance. The parameters: which instances of the lane axis run and the padded length of"
    )
    printer.comment("that axis; the extents of the outer axes; arrays, row-major with the lane axis last; scalars.")
    printer.line(f'extern "C" __global__ void {layout.symbol}(')
    printer.depth = 1
    *parameters, last = [f"{kind} {name}" for kind, name in layout.parameters()]
    for parameter in parameters:
        printer.line(f"{parameter},")
    printer.line(f"{last}) {{")
    printer.line(f"const sym_place {lane} = {layout.first} + (long long)blockIdx.x * blockDim.x + threadIdx.x;")
    axes = tuple(zip(kernel.outer, layout.extents, _grid_axes(len(kernel.outer)), strict=True))
    bounds = [
        _share_out(printer, naming, axis, extent, place) if place else ("0", extent) for axis, extent, place in axes
    ]
    whole = {key: s for key, s in sums.items() if not _is_of_rows(s, kernel)}
    of_rows = {key: s for key, s in sums.items() if key not in whole}
    _declare(printer, whole)
    levels, body = early_loads(kernel)
    printer.block(levels[0])
    limits = dict(zip(kernel.outer, bounds, strict=True))
    for axis in loop_order(kernel):
        name, (start, stop) = naming(axis), limits[axis]
        printer.line(f"for (sym_place {name} = {start}; {name} < {stop}; ++{name}) {{")
        printer.depth += 1
        printer.block(levels.get(axis, ()))
    _declare(printer, of_rows)
    printer.line(f"if ({lane} < {layout.last}) {{")
    printer.depth += 1
    printer.block(body)
    printer.depth -= 1
    printer.close(body)
    _add_up(printer, naming, of_rows)  # every thread of the block arrives here
    while printer.depth > 1:
        printer.depth -= 1
        printer.close(())
    _add_up(printer, naming, whole)
    while printer.depth:
        printer.depth -= 1
        printer.close(())
    return printer.lines


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


class Addresses:
    """Where elements stand: private memory by its index, all other memory by one position."""

    def __init__(
        self, private: Mapping[str, Array], scope: Kernel | Function, stride: Node | None = None, halo: int = 0
    ) -> None:
        self.private, self.halo, self.stride = private, halo, stride
        self.arrays = {a.name: a for a in scope.arrays}
        self.lane = variable(scope.lane, Kind.INT) if isinstance(scope, Kernel) else None
        self.outer = tuple(variable(a, Kind.INT) for a in scope.outer) if isinstance(scope, Kernel) else ()

    def where(self, name: str, index: tuple[Node, ...], shift: int) -> tuple[Node, ...]:
        """The index of private memory; else ((i * size + j) * stride + lane + shift + halo,)."""
        if name in self.private:
            return index
        array = self.arrays[name]
        position: Node = integer(0)
        for i, size in zip(index, array.shape, strict=False):
            extent = integer(size) if isinstance(size, int) else variable(size, Kind.INT)
            position = position * extent + i
        if array.instanced and self.stride is not None and self.lane is not None:
            position = position * self.stride + self.lane + (shift + self.halo)
        if array.components > 1:
            position = position * array.components + index[-1]
        return (position,)


@dataclass(frozen=True)
class BlockSum:
    """An element of a SUM array that all instances of a block add to, and the register that collects for it."""

    array: Array
    position: Node
    name: str


def block_sums(kernel: Kernel, addresses: Addresses, naming: Naming) -> dict[tuple[str, bytes], BlockSum]:
    """The elements whose index is the same for a whole block and known at its end."""
    uniform = {*kernel.outer, *(s.name for s in kernel.scalars)}
    found: dict[tuple[str, bytes], BlockSum] = {}
    for statement in statements(kernel.body):
        if isinstance(statement, Accumulate):
            (position,) = addresses.where(statement.array, statement.index, 0)
            key = (statement.array, position.key)
            if key not in found and {v.attribute for v in variables((position,))} <= uniform:
                found[key] = BlockSum(kernel.array(statement.array), position, naming.take(f"{statement.array}_sum"))
    return found


class CudaPrinter(GroupPrinter):
    """Spells statements in CUDA."""

    def __init__(
        self,
        dtype: str,
        naming: Naming,
        functions: Mapping[str, str],
        addresses: Addresses,
        sums: Mapping[tuple[str, bytes], BlockSum],
    ) -> None:
        super().__init__(cuda_language(dtype), naming, functions, 1)
        self.addresses, self.sums = addresses, sums
        self.parts: dict[int, str] = {}  # what a group holds for the present turn, by the id of the statement
        self.narrow = {addresses.lane, *addresses.outer} if addresses.lane is not None else set()

    def statement(self, statement: Statement, sharing: Sharing) -> None:
        """One statement; loops over neighbours go by groups of turns."""
        if id(statement) in self.parts and isinstance(statement, Load):
            self.declare(self.name(statement.target), self.parts[id(statement)], statement.target, fixed=True)
            return
        if isinstance(statement, Let) and is_narrow(statement.value, self.narrow):
            self.narrow.add(statement.target)
        elif isinstance(statement, For):
            self.narrow.add(statement.counter)
            if loads := grouped_loads(statement, self.addresses.arrays, self.where):
                write_groups(self, statement, loads, sharing)
                return
        super().statement(statement, sharing)

    def where(self, statement: Load | Store | Accumulate) -> tuple[Node, ...]:
        """One position in the memory of the kernel; nothing for a sum that is collected in a register."""
        if isinstance(statement, Accumulate) and self._block_sum(statement):
            return ()
        return self.addresses.where(
            statement.array, statement.index, statement.shift if isinstance(statement, Load) else 0
        )

    def _block_sum(self, statement: Accumulate) -> BlockSum | None:
        (position,) = self.addresses.where(statement.array, statement.index, 0)
        return self.sums.get((statement.array, position.key))

    def declare(self, target: str, text: str, n: Node, fixed: bool) -> None:
        """`const real x = value;`."""
        kind = "sym_place" if n in self.narrow else TYPES[n.kind]
        self.line(f"{'const ' if fixed else ''}{kind} {target} = {text};")

    def assign(self, target: str, text: str) -> None:
        """`target = value;`."""
        self.line(f"{target} = {text};")

    def comment(self, text: str) -> None:
        """`// text`; a backslash at its end would swallow the next line."""
        self.line(f"// {text}".rstrip("\\ "))

    def local(self, array: Array) -> None:
        """Private memory, its contents undefined."""
        sizes = "".join(f"[{size}]" for size in array.shape) or "[1]"
        self.line(f"{TYPES[array.kind]} {self.naming(array.name)}{sizes};")

    def element(self, array: str, index: tuple[str, ...], shift: int) -> str:
        """`array[position]`, or `private[i][j]`."""
        name = self.naming(array)
        if array in self.addresses.private:
            return name + ("".join(f"[{i}]" for i in index) or "[0]")
        (position,) = index
        return f"{name}[{position}]" if position.isdecimal() else f"{name}[(sym_place)({position})]"

    def accumulate(self, statement: Accumulate, index: tuple[str, ...], value: str) -> None:
        """Into the register of the block's sum, or atomically."""
        block_sum = self._block_sum(statement)
        if block_sum:
            self.line(f"{block_sum.name} += {value};")
        else:
            self.line(f"sym_atomic_sum(&{self.element(statement.array, index, 0)}, {value});")

    def call(
        self, targets: tuple[Node, ...], names: tuple[str, ...], function: str, arguments: tuple[str, ...]
    ) -> None:
        """`const real a = f(x);`, or `real a, b; f(x, a, b);`."""
        if len(targets) == 1:
            self.declare(names[0], f"{function}({', '.join(arguments)})", targets[0], fixed=True)
            return
        for kind in dict.fromkeys(t.kind for t in targets):
            self.line(f"{TYPES[kind]} {', '.join(n for t, n in zip(targets, names, strict=True) if t.kind is kind)};")
        self.line(f"{function}({', '.join((*arguments, *names))});")

    def open_for(self, counter: str, start: str, stop: str) -> None:
        """`for (sym_place i = start; i < stop; ++i) {`; the bounds are uniform, so that no turn changes them."""
        self.line(f"for (sym_place {counter} = {start}; {counter} < {beside(stop)}; ++{counter}) {{")

    def open_while(self, condition: str | None) -> None:
        """`while (condition) {`."""
        self.line(f"while ({condition or 'true'}) {{")

    def leave_unless(self, condition: str) -> None:
        """`if (!(condition)) break;`."""
        self.line(f"if (!({condition})) break;")

    def open_if(self, condition: str) -> None:
        """`if (condition) {`."""
        self.line(f"if ({condition}) {{")

    def close(self, body: Block) -> None:
        """`}`."""
        self.line("}")
