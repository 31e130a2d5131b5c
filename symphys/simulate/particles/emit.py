"""The source of the kernel that evaluates forces and kicks with them, for people to read and for compilers to check."""

from __future__ import annotations

from typing import Any

from codegen import cuda_source, emit_llvm, emit_python, lanes_for, optimise_kernel
from symphys.errors import InputError
from symphys.lower.particles.layout import Layout
from symphys.lower.particles.plan import pull_launch
from symphys.mechanics.particles import ParticleDynamics
from symphys.simulate.emit import BACKENDS
from symphys.simulate.inputs import precision
from symphys.simulate.particles.box import read_box

SIZE = 32  # of clusters: a warp


def force_source(dynamics: ParticleDynamics, backend: str, dtype: str, box: Any, cut: bool) -> str:
    """Readable Python ("cpu", "reference"), LLVM assembly ("llvm") or CUDA ("cuda"); with lists if there is a cutoff.

    Raises InputError for another backend or dtype, and an unfit box.
    """
    if backend not in BACKENDS:
        raise InputError(f"no source for backend {backend!r}; choose one of {', '.join(BACKENDS)}")
    dtype = precision(dtype)
    walls = read_box(box, dynamics.particles.dim)
    layout = Layout(dynamics, False, SIZE, walls.shape if walls else None, cut, cut)
    plain = pull_launch(layout, "weight", "share").kernel
    if backend in ("cuda", "cuda-shim"):
        return cuda_source(plain, dtype)
    kernel = optimise_kernel(plain)
    return emit_llvm(kernel, lanes_for(kernel, dtype), dtype) if backend == "llvm" else emit_python(kernel, dtype)
