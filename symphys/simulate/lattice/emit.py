"""The source of the kernels that advance fields, for people to read and for compilers to check."""

from __future__ import annotations

from codegen import cuda_source, emit_llvm, emit_python, kernels_of, lanes_for, optimise_kernel, program_halo
from symphys.errors import InputError
from symphys.lower.lattice.plan import Plan
from symphys.simulate.emit import BACKENDS


def field_source(plan: Plan, backend: str, dtype: str) -> str:
    """The kernels of a plan, one after the other: readable Python ("cpu", "reference"), "llvm", or "cuda".

    Transforms between them are those of a library. Raises InputError for another backend.
    """
    if backend not in BACKENDS:
        raise InputError(f"no source for backend {backend!r}; choose one of {', '.join(BACKENDS)}")
    halo = program_halo(plan.program)
    if backend in ("cuda", "cuda-shim"):
        return "\n\n".join(cuda_source(kernel, dtype, halo) for kernel in kernels_of(plan.program))
    kernels = [optimise_kernel(kernel) for kernel in kernels_of(plan.program)]
    if backend == "llvm":
        return "\n\n".join(emit_llvm(kernel, lanes_for(kernel, dtype), dtype) for kernel in kernels)
    return "\n\n".join(emit_python(kernel, dtype, halo) for kernel in kernels)
