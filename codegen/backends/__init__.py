"""Backends by name: a backend is one file and one line, and is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType

from codegen.errors import InputError

from .copier import Copier
from .interface import Backend, CompiledKernel, CompiledProgram
from .memory import HostMemory, Memory, all_finite

__all__ = [
    "BACKENDS",
    "Backend",
    "CompiledKernel",
    "CompiledProgram",
    "Copier",
    "HostMemory",
    "Memory",
    "all_finite",
    "get_backend",
]

BACKENDS = MappingProxyType(
    {
        "reference": ("reference", "ReferenceBackend"),
        "cpu": ("cpu", "CpuBackend"),
        "cuda": ("cuda", "CudaBackend"),
        "cuda-shim": ("shim", "ShimBackend"),
    }
)


def get_backend(name: str) -> Backend:
    """The backend of a name: reference (NumPy), cpu (LLVM), cuda (an NVIDIA GPU) or cuda-shim (CUDA source on the CPU).

    Raises InputError for another name and BackendUnavailableError where a library, compiler or device is missing.
    """
    if name not in BACKENDS:
        raise InputError(f"no backend is called {name!r}; choose one of {', '.join(BACKENDS)}")
    module, kind = BACKENDS[name]
    backend: Backend = getattr(import_module(f"{__name__}.{module}"), kind)()
    return backend
