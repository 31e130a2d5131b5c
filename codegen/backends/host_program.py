"""Programs on backends without a schedule of their own: the host calls one launch after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from codegen.interpret_program import program_halo, run_program
from codegen.program import Intent, Kernel, Program, kernels_of

from .interface import Arrays, Backend, CompiledKernel, Optimise, Scalars


@dataclass(frozen=True)
class KernelProgram:
    """A program, and the compiled kernels that the host launches for it."""

    program: Program
    halo: int
    kernels: Mapping[str, CompiledKernel] = field(repr=False)

    @property
    def source(self) -> str:
        """The sources of its kernels."""
        return "\n\n".join(kernel.source for kernel in self.kernels.values())


class HostProgram(KernelProgram):
    """A program whose launches follow one another on the host."""

    def __call__(self, arrays: Arrays, scalars: Scalars, threads: int = 1) -> None:
        """Run in place; see `interface.CompiledProgram`."""

        def launch(kernel: Kernel, given: Any, numbers: Any, extents: tuple[int, ...], _: int) -> None:
            for array in kernel.arrays:
                if array.intent is Intent.SUM:
                    given[array.name][...] = 0
            self.kernels[kernel.name](given, numbers, extents, threads)

        run_program(self.program, arrays, scalars, launch)


def compile_for_host(
    backend: Backend, program: Program, dtype: str, halo: int, optimise: Optimise | None
) -> HostProgram:
    """A program with every kernel compiled by a backend."""
    halo = max(halo, program_halo(program))
    return HostProgram(
        program, halo, {kernel.name: backend.compile(kernel, dtype, halo, optimise) for kernel in kernels_of(program)}
    )
