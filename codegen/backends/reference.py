"""The reference backend: the interpreter, which defines what kernels mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from codegen.emit.python import emit_python
from codegen.interpret import run_kernel
from codegen.program import Intent, Kernel, Program

from .host_program import HostProgram, compile_for_host
from .interface import Arrays, OneDevice, Optimise, Scalars, check_arrays, launch_range


@dataclass(frozen=True)
class ReferenceKernel:
    """A kernel that NumPy interprets."""

    kernel: Kernel
    dtype: str
    halo: int

    @property
    def source(self) -> str:
        """The kernel as readable Python, printed from the nodes that are interpreted."""
        return emit_python(self.kernel, self.dtype, self.halo)

    def __call__(
        self,
        arrays: Arrays,
        scalars: Scalars,
        extents: tuple[int, ...],
        threads: int = 1,
        first: int = 0,
        last: int | None = None,
    ) -> None:
        """Run in place; see `interface.CompiledKernel`."""
        span = launch_range(self.kernel, extents, first, last)
        check_arrays(self.kernel, arrays, scalars, self.dtype, span.extent + 2 * self.halo)
        if not span.lanes:
            return
        views, sums = {}, {}
        for array in self.kernel.arrays:
            view = arrays[array.name]
            if array.instanced:
                view = view[..., first * array.components : (span.last + 2 * self.halo) * array.components]
            if array.intent is Intent.SUM:
                view = sums[array.name] = np.zeros_like(view)
            views[array.name] = view
        dtype = np.dtype(self.dtype).type
        run_kernel(self.kernel, views, scalars, (*span.outer, span.lanes), dtype, self.halo, first)
        for name, total in sums.items():
            arrays[name][...] += total


@dataclass(frozen=True)
class ReferenceBackend(OneDevice):
    """Runs kernels by the interpreter."""

    name: str = "reference"

    def lanes(self, dtype: str) -> int:
        """No padding."""
        return 1

    def suited(self, instances: int) -> ReferenceBackend:
        """Itself: what it compiles suits any number of instances."""
        del instances
        return self

    def compile(
        self, kernel: Kernel, dtype: str = "float64", halo: int = 0, optimise: Optimise | None = None
    ) -> ReferenceKernel:
        """Nothing to compile."""
        kernel = kernel if optimise is None else optimise(kernel)
        return ReferenceKernel(kernel, dtype, halo)

    def compile_program(
        self, program: Program, dtype: str = "float64", halo: int = 0, optimise: Optimise | None = None
    ) -> HostProgram:
        """A program whose launches are called one after the other."""
        return compile_for_host(self, program, dtype, halo, optimise)
