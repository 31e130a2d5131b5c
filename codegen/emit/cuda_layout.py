"""The parameters of a kernel in CUDA."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.ir import Kind, Node, variable
from codegen.program import Array, Intent, Kernel

from .cuda_language import RESERVED, TYPES
from .names import Naming, name_kernel


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
        """(C type, name): first, last, stride, outer extents, arrays, scalars; memory of blocks that work together."""
        limits = (self.first, self.last, self.naming(str(self.stride.attribute)), *self.extents)
        arrays = ((pointer(a), self.naming(a.name)) for a in self.kernel.arrays)
        scalars = ((TYPES[s.kind], self.naming(s.name)) for s in self.kernel.scalars)
        scratch = (("real*", "sym_scratch"),) if self.kernel.shares else ()
        return (*(("long long", name) for name in limits), *arrays, *scalars, *scratch)


def pointer(array: Array) -> str:
    """The type of the parameter of an array."""
    element = "int" if array.short else TYPES[array.kind]
    return f"{'const ' if array.intent is Intent.IN else ''}{element}* __restrict__"
