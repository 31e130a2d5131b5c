"""The CPU backend: LLVM assembly over lanes, compiled by Numba, blocks of instances shared out to threads."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cache import KernelCache, default_directory
from ..emit.llvm import emit_llvm
from ..emit.python import emit_python
from ..errors import CompilerBug
from ..ir import Kind
from ..program import Intent, Kernel
from .interface import check_arrays

LANES = {"float64": 16, "float32": 32}
Launch = Callable[[int, int, int], None]
MODULE = '''"""Launches the kernel {name}; made by symphys from the assembly beside it."""

from numba import njit

from codegen.backends.numba_launch import kernel_intrinsic

kernel = kernel_intrinsic("{name}", {assembly!r})


@njit("void(int64, int64, uint64)", nogil=True, cache=True)
def {launch}(first, last, table):
    kernel(first, last, table)
'''


@lru_cache(maxsize=512)
def _load(module: Path, function: str) -> Launch:
    spec = importlib.util.spec_from_file_location(function, module)
    if spec is None or spec.loader is None:
        raise CompilerBug(f"the generated module {module} cannot be imported")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[function] = loaded  # Numba looks the module up by its name when it loads machine code from its cache
    spec.loader.exec_module(loaded)
    launch: Launch = getattr(loaded, function)
    return launch


@dataclass(frozen=True)
class CpuKernel:
    """One kernel, compiled; calling it runs instances first..last in place."""

    kernel: Kernel
    dtype: str
    lanes: int
    halo: int
    assembly: str = field(repr=False)
    launch: Launch = field(repr=False)

    @property
    def source(self) -> str:
        """The kernel as readable Python, printed from the same nodes."""
        return emit_python(self.kernel, self.dtype, self.halo)

    def __call__(
        self,
        arrays: Mapping[str, NDArray[Any]],
        scalars: Mapping[str, float | int],
        extents: tuple[int, ...],
        threads: int = 1,
        first: int = 0,
        last: int | None = None,
    ) -> None:
        """Run on instances first..last (multiples of the lanes, or the end); see `interface.CompiledKernel`."""
        last = extents[-1] if last is None else last
        blocks_a_row = -(-extents[-1] // self.lanes)
        outer = int(np.prod(extents[:-1], dtype=np.int64)) if len(extents) > 1 else 1
        begin, end = first // self.lanes, -(-last // self.lanes)
        if outer > 1:
            begin, end = 0, outer * blocks_a_row
        work = _shares(begin, end, threads)
        tables = [self._table(arrays, scalars, extents, blocks_a_row) for _ in work]
        if len(work) == 1:
            self.launch(begin, end, tables[0][0].ctypes.data)
        else:
            with ThreadPoolExecutor(len(work)) as pool:
                done = [
                    pool.submit(self.launch, a, b, t.ctypes.data) for (a, b), (t, _) in zip(work, tables, strict=True)
                ]
                for future in done:
                    future.result()
        for _, sums in tables:  # in the order of the blocks: the same result for the same number of threads
            for name, partial in sums.items():
                arrays[name][...] += partial

    def _table(
        self,
        arrays: Mapping[str, NDArray[Any]],
        scalars: Mapping[str, float | int],
        extents: tuple[int, ...],
        blocks: int,
    ) -> tuple[NDArray[np.uint64], dict[str, NDArray[Any]]]:
        """The kernel's argument table (see `emit.llvm`) and this thread's own sums."""
        entries: list[int] = []
        sums: dict[str, NDArray[Any]] = {}
        stride = blocks * self.lanes
        check_arrays(self.kernel, arrays, scalars, self.dtype, stride)
        for array in self.kernel.arrays:
            given = arrays[array.name]
            if array.instanced:
                stride = given.shape[-1]
            if array.intent is Intent.SUM:
                given = sums[array.name] = np.zeros_like(given)
            entries.append(given.ctypes.data)
        entries += [stride, self.halo, blocks, extents[-1], *extents[:-1]]
        for scalar in self.kernel.scalars:
            value = scalars[scalar.name]
            entries.append(int(np.float64(value).view(np.uint64)) if scalar.kind is Kind.REAL else int(value) % 2**64)
        return np.array(entries, dtype=np.uint64), sums


def _shares(begin: int, end: int, threads: int) -> list[tuple[int, int]]:
    count = max(1, min(threads, end - begin))
    edges = [begin + (end - begin) * i // count for i in range(count + 1)]
    return list(zip(edges[:-1], edges[1:], strict=True))


@dataclass(frozen=True)
class CpuBackend:
    """Compiles kernels for this machine's CPU; `lane_count` overrides how many instances stand side by side."""

    cache: KernelCache = field(default_factory=lambda: KernelCache(default_directory()))
    lane_count: int | None = None
    name: str = "cpu"

    def lanes(self, dtype: str) -> int:
        """Instances that are advanced together; lane axes are padded to a multiple of it."""
        return self.lane_count or LANES[dtype]

    def suited(self, instances: int) -> CpuBackend:
        """Scalar code for one instance, lanes for more."""
        return replace(self, lane_count=1) if instances == 1 and self.lane_count is None else self

    def compile(self, kernel: Kernel, dtype: str = "float64", halo: int = 0) -> CpuKernel:
        """Machine code for a kernel, from the cache where it is known."""
        lanes = self.lanes(dtype)
        assembly = emit_llvm(kernel, lanes, dtype)
        key = self.cache.key(assembly, _versions())
        folder = self.cache.folder(key, {"kernel.ll": assembly})
        module = MODULE.format(name=kernel.name, launch=f"launch_{key}", assembly=str(folder / "kernel.ll"))
        self.cache.folder(key, {f"launch_{key}.py": module})
        launch = _load(folder / f"launch_{key}.py", f"launch_{key}")
        return CpuKernel(kernel, dtype, lanes, halo, assembly, launch)


@lru_cache(maxsize=1)
def _versions() -> str:
    import llvmlite
    import numba

    return f"numba {numba.__version__} llvmlite {llvmlite.__version__} {MODULE}"
