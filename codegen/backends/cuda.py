"""The CUDA backend: kernels compiled by NVRTC and launched by CuPy, an instance per thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from codegen.emit.cuda import Layout, emit_cuda
from codegen.errors import BackendUnavailableError, CompilerBug
from codegen.ir import Kind
from codegen.program import Intent, Kernel, Program

from .host_program import HostProgram, compile_for_host
from .interface import Arrays, LaunchRange, Optimise, Scalars, check_arrays, launch_range
from .nvrtc import OPTIONS

WARP = 32
BLOCK_LIMIT = 1024  # what the block sums of the emitted text have room for
GRID_LIMIT = 65535  # blocks along y and z; the kernels step over the rest
REGISTERS = 65536  # of a multiprocessor, on every architecture from Kepler on


def cuda_available() -> bool:
    """Whether CuPy is installed and sees a device; never raises."""
    try:
        _cupy()
    except BackendUnavailableError:
        return False
    return True


def _cupy() -> Any:
    """CuPy, once it has found a device."""
    try:
        import cupy
    except ImportError as error:
        raise BackendUnavailableError(
            f'backend "cuda" needs CuPy ({error}); install symphys[cuda], or choose backend="cpu"'
        ) from error
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except (RuntimeError, OSError, ImportError) as error:  # CuPy's errors of runtime and driver are RuntimeErrors
        raise BackendUnavailableError(
            f'backend "cuda" finds no usable NVIDIA driver ({error}); install one, or choose backend="cpu"'
        ) from error
    if not count:
        raise BackendUnavailableError('backend "cuda" finds no NVIDIA device; choose backend="cpu"')
    return cupy


def block_size(registers: int, lanes: int, multiprocessors: int, limit: int) -> int:
    """Threads of a block: enough to hide latency at this many registers a thread, few enough to reach all processors.

    At least four blocks should fit the registers of a multiprocessor, and no multiprocessor should idle while another
    has more than a warp.
    """
    by_registers = REGISTERS // (4 * max(registers, 16))
    by_lanes = -(-lanes // max(multiprocessors, 1))
    wanted = min(by_registers, max(by_lanes, WARP), 256, limit, BLOCK_LIMIT)
    return max(WARP, wanted // WARP * WARP)


@dataclass(frozen=True)
class CudaKernel:
    """A kernel on the current device."""

    kernel: Kernel
    dtype: str
    halo: int
    source: str = field(repr=False)
    function: Any = field(repr=False)

    def __call__(
        self,
        arrays: Arrays,
        scalars: Scalars,
        extents: tuple[int, ...],
        threads: int = 1,
        first: int = 0,
        last: int | None = None,
    ) -> None:
        """Run in place; see `interface.CompiledKernel`.

        NumPy arrays are copied to the device and, where the kernel writes them, back. CuPy arrays stay where they are,
        so that repeated launches copy nothing; they share one length of the lane axis.
        """
        span = launch_range(self.kernel, extents, first, last)
        check_arrays(self.kernel, arrays, scalars, self.dtype, span.extent + 2 * self.halo)
        if not span.lanes or 0 in span.outer:
            return
        cupy = _cupy()
        instanced = [(arrays[a.name], a.components) for a in self.kernel.arrays if a.instanced]
        stride = max((given.shape[-1] // each for given, each in instanced), default=span.extent)
        device = {
            a.name: _upload(cupy, arrays[a.name], stride * a.components if a.instanced else None)
            for a in self.kernel.arrays
        }
        grid, block = self._grid(cupy, span)
        self.function(grid, block, self._arguments(device, scalars, span, stride))
        for array in self.kernel.arrays:
            host = arrays[array.name]
            if array.intent is not Intent.IN and device[array.name] is not host:
                result = device[array.name]
                _copy_back(cupy, result[..., : host.shape[-1]] if array.instanced else result, host)

    def _grid(self, cupy: Any, span: LaunchRange) -> tuple[tuple[int, ...], tuple[int, ...]]:
        properties = cupy.cuda.Device().attributes
        size = block_size(
            self.function.num_regs,
            span.lanes,
            properties["MultiProcessorCount"],
            self.function.max_threads_per_block,
        )
        return grid_of(span, size), (size, 1, 1)

    def _arguments(self, device: dict[str, Any], scalars: Scalars, span: LaunchRange, stride: int) -> tuple[Any, ...]:
        """In the order of the parameters that `emit_cuda` documents; the halo is in the source."""
        real = np.dtype(self.dtype).type
        numbers = (
            real(scalars[s.name]) if s.kind is Kind.REAL else np.int64(scalars[s.name]) for s in self.kernel.scalars
        )
        limits = (np.int64(n) for n in (span.first, span.last, stride, *span.outer))
        return (*limits, *(device[a.name] for a in self.kernel.arrays), *numbers)


def grid_of(span: LaunchRange, block: int) -> tuple[int, int, int]:
    """Blocks along the lane axis, then along the last and the last but one outer axis."""
    y, z = (*span.outer[::-1][:2], 1, 1)[:2]
    return -(-span.lanes // block), min(y, GRID_LIMIT), min(z, GRID_LIMIT)


def _upload(cupy: Any, array: Any, stride: int | None) -> Any:
    """The array on the device, its lane axis padded to the common stride; an array that is there already is itself."""
    if isinstance(array, cupy.ndarray) and (stride is None or array.shape[-1] == stride):
        return array
    if stride is None or array.shape[-1] == stride:
        return cupy.asarray(array)
    padded = cupy.zeros((*array.shape[:-1], stride), dtype=array.dtype)
    padded[..., : array.shape[-1]] = cupy.asarray(array)
    return padded


def _copy_back(cupy: Any, result: Any, host: Any) -> None:
    host[...] = result if isinstance(host, cupy.ndarray) else cupy.asnumpy(result)


@dataclass(frozen=True)
class CudaBackend:
    """Compiles kernels for the current NVIDIA device; BackendUnavailableError where there is none."""

    name: str = "cuda"

    def __post_init__(self) -> None:
        _cupy()

    def lanes(self, dtype: str) -> int:
        """Rows of whole 128-byte lines, so that the threads of a warp read as few as possible."""
        return 128 // np.dtype(dtype).itemsize

    def suited(self, instances: int) -> CudaBackend:
        """Itself: what it compiles suits any number of instances."""
        del instances
        return self

    def compile(
        self, kernel: Kernel, dtype: str = "float64", halo: int = 0, optimise: Optimise | None = None
    ) -> CudaKernel:
        """Machine code for the current device, through CuPy's cache on disk."""
        kernel = kernel if optimise is None else optimise(kernel)
        source = emit_cuda(kernel, dtype, halo)
        cupy = _cupy()
        try:
            module = cupy.RawModule(code=source, options=OPTIONS, backend="nvrtc")
            function = module.get_function(Layout.of(kernel).symbol)
        except cupy.cuda.compiler.CompileException as error:
            raise CompilerBug(f"NVRTC does not compile the CUDA source of kernel {kernel.name}:\n{error}") from error
        return CudaKernel(kernel, dtype, halo, source, function)

    def compile_program(
        self, program: Program, dtype: str = "float64", halo: int = 0, optimise: Optimise | None = None
    ) -> HostProgram:
        """A program whose launches are called one after the other."""
        return compile_for_host(self, program, dtype, halo, optimise)
