"""Kernels as readable Python: what users see as `simulator.source`.

The text is valid as plain Python on NumPy arrays and under `numba.njit(error_model="numpy")` (its functions too).
Plain Python raises where floating point has inf or nan (`math.log(0.0)`, a division by zero); under Numba and in every
backend such values pass.
"""

from __future__ import annotations

import keyword
import math
import re
import textwrap
from collections.abc import Mapping

import numpy as np

from codegen.ir import Kind, Node
from codegen.outer import write_out
from codegen.primitives import PRIMITIVES, Primitive
from codegen.product import write_out_products
from codegen.program import Accumulate, Array, Block, Comment, Function, Kernel, functions

from .expressions import Language
from .names import Naming, name_function, name_functions, name_kernel
from .text import Printer

BINARY = {"or": 2, "and": 3, "<": 5, "<=": 5, "==": 5, "+": 10, "-": 10, "*": 11, "/": 11, "//": 11, "%": 11}
BUILTINS = ("abs", "bool", "float", "int", "max", "min", "range", "math", "np", "real", "first", "last")
RESERVED = frozenset({*keyword.kwlist, *BUILTINS})
WIDTH = 100  # characters of a line of parameters
KEEPS_SINGLE = ("np.", "abs(", "min(", "max(", "(")  # what gives a float32 for float32s


def emit_python(kernel: Kernel, dtype: str = "float64", halo: int = 0) -> str:
    """A Python module with `def <name>(first, last, <axis>_extent..., <arrays>..., <scalars>...)`, which runs in place.

    It loops over the instances first..last-1 of the lane axis, and outside that over the outer axes. Arrays are NumPy
    arrays [shape..., lanes + 2 halo] (instanced) or [shape...], of `dtype` or int64; scalars are numbers (np.float32
    where that is the dtype). Sums are added to. Raises CompilerBug for what is not of the IR.
    """
    kernel = write_out(write_out_products(kernel))
    naming = name_kernel(kernel, RESERVED, ascii_only=False)
    extents = tuple(naming.take(f"{axis}_extent") for axis in kernel.outer)
    functions_ = name_functions(kernel.body, naming)
    parts = [_function(f, dtype, functions_) for f in functions(kernel.body)]
    parts.append(_kernel(kernel, dtype, halo, naming, extents, functions_))
    body = "\n\n\n".join("\n".join(part) for part in parts)
    return "\n".join([*_head(body, dtype), body, ""])


def python_names(kernel: Kernel) -> tuple[str, ...]:
    """The names that the module of a kernel defines, callees first and the kernel last (to compile them by Numba)."""
    naming = name_kernel(kernel, RESERVED, ascii_only=False)
    for axis in kernel.outer:
        naming.take(f"{axis}_extent")
    return (*name_functions(kernel.body, naming).values(), naming(kernel.name))


def _head(body: str, dtype: str) -> list[str]:
    lines = ["import math"] if "math." in body else []
    if dtype == "float32" or "np." in body:
        lines += ["", "import numpy as np"] if lines else ["import numpy as np"]
    if dtype == "float32":
        lines += ["", "real = np.float32"]
    return [*lines, "", ""] if lines else []


def _function(function: Function, dtype: str, names: dict[str, str]) -> list[str]:
    naming = name_function(function, RESERVED | set(names.values()))
    printer = PythonPrinter(naming, names, dtype, "", 0, {}, 1)
    results = printer.block(function.body, results=function.results)
    given = (*(printer.name(p) for p in function.parameters), *(naming(a.name) for a in function.arrays))
    head = _signature(names[function.name], given)
    return [*head, *printer.lines, f"    return {', '.join(results)}"]


def _kernel(
    kernel: Kernel, dtype: str, halo: int, naming: Naming, extents: tuple[str, ...], names: dict[str, str]
) -> list[str]:
    parameters = (
        "first",
        "last",
        *extents,
        *(naming(a.name) for a in kernel.arrays),
        *(naming(s.name) for s in kernel.scalars),
    )
    instanced = {a.name: a.components for a in kernel.arrays if a.instanced}
    lane = naming(kernel.lane)
    printer = PythonPrinter(naming, names, dtype, lane, halo, instanced, 1)
    printer.lines += _signature(naming(kernel.name), parameters)
    for axis, extent in zip(kernel.outer, extents, strict=True):
        printer.open_for(naming(axis), "0", extent)
        printer.depth += 1
    printer.open_for(lane, "first", "last")
    printer.depth += 1
    printer.block(kernel.body)
    printer.depth -= 1
    printer.close(kernel.body)
    return printer.lines


def _signature(name: str, parameters: tuple[str, ...]) -> list[str]:
    """`def name(a, b):`, over several lines where one would be long."""
    line = f"def {name}({', '.join(parameters)}):"
    if len(line) <= WIDTH:
        return [line]
    inner = textwrap.wrap(", ".join(parameters) + ",", WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 4)
    return [f"def {name}(", *inner, "):"]


def _template(single: bool) -> dict[str, str]:
    """How every primitive is written; functions that would widen a float32 are cast back."""
    found = {}
    for row in PRIMITIVES.values():
        template = row.python
        if single and row.result is Kind.REAL:
            template = template.replace("float(", "real(")
            if not template.startswith((*KEEPS_SINGLE, "real(")):
                template = f"real({template})"
        found[row.name] = template
    return found


def python_language(dtype: str) -> Language:
    """The spelling of Python, in double or single precision."""
    single = dtype == "float32"
    templates = _template(single)

    def template(row: Primitive) -> str:
        return templates[row.name]

    def constant(n: Node) -> str:
        if n.kind is not Kind.REAL:
            return str(n.attribute)
        value = float(n.attribute)  # type: ignore[arg-type]
        if single:
            value = float(np.float32(value))
        if math.isfinite(value):
            text = str(np.float32(value)) if single else repr(value)
        else:
            text = re.sub("(inf|nan)", r"math.\1", str(value))
        return f"real({text})" if single else text

    return Language("Python", template, BINARY, {"not ": 4}, ternary=1, product=BINARY["*"], constant=constant)


class PythonPrinter(Printer):
    """Spells statements in Python."""

    def __init__(
        self,
        naming: Naming,
        functions: Mapping[str, str],
        dtype: str,
        lane: str,
        halo: int,
        instanced: Mapping[str, int],
        depth: int,
    ) -> None:
        super().__init__(python_language(dtype), naming, functions, depth)
        self.dtype, self.lane, self.halo, self.instanced = dtype, lane, halo, instanced

    def declare(self, target: str, text: str, n: Node, fixed: bool) -> None:
        """A name is declared by its first value."""
        self.assign(target, text)

    def assign(self, target: str, text: str) -> None:
        """`target = value`."""
        self.line(f"{target} = {text}")

    def comment(self, text: str) -> None:
        """`# text`."""
        self.line(f"# {text}".rstrip())

    def local(self, array: Array) -> None:
        """Private memory, its contents undefined."""
        kind = self.dtype if array.kind is Kind.REAL else "int64"
        shape = "".join(f"{size}, " for size in array.shape).rstrip()
        shape = shape.rstrip(",") if len(array.shape) > 1 else shape
        self.line(f"{self.naming(array.name)} = np.empty(({shape}), dtype=np.{kind})")

    def element(self, array: str, index: tuple[str, ...], shift: int) -> str:
        """`array[i, j, lane + shift]`."""
        if array in self.instanced:
            offset = shift + self.halo
            place = f"{self.lane} {'-' if offset < 0 else '+'} {abs(offset)}" if offset else self.lane
            if (components := self.instanced[array]) > 1:
                index, component = index[:-1], index[-1]
                place = f"{components} * {f'({place})' if offset else place} + {component}"
            index = (*index, place)
        return f"{self.naming(array)}[{', '.join(index) or '()'}]"

    def accumulate(self, statement: Accumulate, index: tuple[str, ...], value: str) -> None:
        """`array[i] += value`."""
        self.line(f"{self.element(statement.array, index, 0)} += {value}")

    def call(
        self, targets: tuple[Node, ...], names: tuple[str, ...], function: str, arguments: tuple[str, ...]
    ) -> None:
        """`a, b = function(x, y)`."""
        left = f"{', '.join(names)} = " if names else ""
        self.line(f"{left}{function}({', '.join(arguments)})")

    def open_for(self, counter: str, start: str, stop: str) -> None:
        """`for i in range(n):`."""
        self.line(f"for {counter} in range({stop if start == '0' else f'{start}, {stop}'}):")

    def open_while(self, condition: str | None) -> None:
        """`while condition:`."""
        self.line(f"while {condition or True}:")

    def leave_unless(self, condition: str) -> None:
        """`if not condition: break`."""
        self.line(f"if not ({condition}):")
        self.line(f"{self.indent}break")

    def open_if(self, condition: str) -> None:
        """`if condition:`."""
        self.line(f"if {condition}:")

    def close(self, body: Block) -> None:
        """Indentation ends a block; one that does nothing says so."""
        if all(isinstance(statement, Comment) for statement in body):
            self.line(f"{self.indent}pass")
