"""The pipeline from a kernel to something that runs: fingerprint, and, where it is new, optimise, print, compile."""

from __future__ import annotations

from .backends import Backend, CompiledKernel, CompiledProgram
from .collector import collection_paused
from .optimise.pipeline import optimise_kernel
from .program import Kernel, Program
from .spec_program import check_program


def compile_kernel(kernel: Kernel, backend: Backend, dtype: str = "float64", halo: int = 0) -> CompiledKernel:
    """A kernel, optimised and compiled by a backend; a kernel that the backend's cache knows is only loaded.

    Raises CompilerBug where the kernel breaks a rule of the spec.
    """
    with collection_paused():
        return backend.compile(kernel, dtype, halo, optimise_kernel)


def compile_program(program: Program, backend: Backend, dtype: str = "float64", halo: int = 0) -> CompiledProgram:
    """A program whose kernels are optimised and compiled by a backend, for arrays with at least `halo` cells of halo.

    Raises CompilerBug where the program or one of its kernels breaks a rule of the spec.
    """
    with collection_paused():
        check_program(program)
        return backend.compile_program(program, dtype, halo, optimise_kernel)
