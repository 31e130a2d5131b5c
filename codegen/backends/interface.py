"""What every backend offers, and the checks of a launch that all share."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from codegen.errors import CompilerBug
from codegen.ir import Kind
from codegen.program import Array, Kernel, Program

from .memory import HostMemory, Memory

Arrays = Mapping[str, NDArray[Any]]
Scalars = Mapping[str, float | int]
Optimise = Callable[[Kernel], Kernel]


class CompiledKernel(Protocol):
    """A kernel, ready to run."""

    @property
    def kernel(self) -> Kernel:
        """What was compiled."""
        ...

    @property
    def source(self) -> str:
        """The code that runs, or its readable equivalent."""
        ...

    def __call__(
        self,
        arrays: Arrays,
        scalars: Scalars,
        extents: tuple[int, ...],
        threads: int = 1,
        first: int = 0,
        last: int | None = None,
    ) -> None:
        """Run in place on the instances first..last-1 of the lane axis (`last` None: all).

        `extents` are those of the outer axes, then of the lane axis. Instanced arrays are C-contiguous
        [shape..., lanes * components] with lanes >= extents[-1] + 2 halo, others [shape...]; reals are of the kernel's
        dtype, integers int64. SUM arrays are added to. Raises CompilerBug where an array does not fit.
        """
        ...


class CompiledProgram(Protocol):
    """A program, ready to run."""

    @property
    def program(self) -> Program:
        """What was compiled."""
        ...

    @property
    def source(self) -> str:
        """The sources of its kernels."""
        ...

    @property
    def halo(self) -> int:
        """The cells on either side of the lane axis of every instanced array."""
        ...

    def __call__(self, arrays: Arrays, scalars: Scalars, threads: int = 1) -> None:
        """Run in place on arrays as `CompiledKernel` takes them, by the names of the program; sums start from zero."""
        ...


class OneDevice:
    """A backend that knows of no other device than the host."""

    def devices(self) -> int:
        """The host."""
        return 1

    def on(self, device: int) -> AbstractContextManager[Any]:
        """The host."""
        del device
        return nullcontext()

    def memory(self) -> HostMemory:
        """Arrays of the host."""
        return HostMemory()


class Backend(Protocol):
    """Turns kernels into code that runs."""

    @property
    def name(self) -> str:
        """The name under which users ask for it."""
        ...

    def lanes(self, dtype: str) -> int:
        """The multiple to which lane axes are padded."""
        ...

    def memory(self) -> Memory:
        """Nothing yet: what a run keeps, where its launches need it."""
        ...

    def devices(self) -> int:
        """How many devices of this kind there are, on each of which a thread of the host may run."""
        ...

    def on(self, device: int) -> AbstractContextManager[Any]:
        """Launches and memory of this thread are those of a device."""
        ...

    def suited(self, instances: int) -> Backend:
        """This backend as it does best for that many instances: one trajectory wants no lanes."""
        ...

    def compile(
        self, kernel: Kernel, dtype: str = "float64", halo: int = 0, optimise: Optimise | None = None
    ) -> CompiledKernel:
        """A kernel for arrays of `dtype` ("float64" or "float32") whose lane axis has `halo` cells on either side.

        `optimise` is applied first, and only where the backend does not know the result from an earlier time.
        """
        ...

    def compile_program(
        self, program: Program, dtype: str = "float64", halo: int = 0, optimise: Optimise | None = None
    ) -> CompiledProgram:
        """A program whose kernels are compiled, and optimised as `compile` does, for arrays with at least `halo` cells
        on either side of the lane axis, or as many as the program itself reads."""
        ...


@dataclass(frozen=True)
class LaunchRange:
    """The instances of one launch: lanes first..last-1 of `extents[-1]`, at every index of the outer axes."""

    outer: tuple[int, ...]
    first: int
    last: int
    extent: int

    @property
    def lanes(self) -> int:
        """How many instances of the lane axis run."""
        return self.last - self.first


def launch_range(kernel: Kernel, extents: tuple[int, ...], first: int, last: int | None) -> LaunchRange:
    """The instances that a call asks for; CompilerBug where they do not fit the kernel's axes."""
    if len(extents) != len(kernel.outer) + 1:
        axes = ", ".join((*kernel.outer, kernel.lane))
        raise CompilerBug(f"kernel {kernel.name} ranges over {axes}; it was given the extents {extents}")
    last = extents[-1] if last is None else last
    if not 0 <= first <= last <= extents[-1]:
        raise CompilerBug(f"instances {first} to {last} do not lie in {kernel.lane} = 0 to {extents[-1]}")
    return LaunchRange(tuple(extents[:-1]), first, last, extents[-1])


@lru_cache(maxsize=16)
def dtype_of(kind: Kind, dtype: str) -> np.dtype[Any]:
    """How a kind is stored: reals as the kernel computes, everything else as int64."""
    return np.dtype(dtype if kind is Kind.REAL else np.int64)


def check_arrays(kernel: Kernel, arrays: Arrays, scalars: Scalars, dtype: str, lanes: int) -> None:
    """CompilerBug where an array or scalar is missing, or has another shape, type or layout than the kernel reads."""
    if missing := [s.name for s in kernel.scalars if s.name not in scalars]:
        raise CompilerBug(f"kernel {kernel.name} lacks the scalars {', '.join(missing)}")
    real, whole, short = dtype_of(Kind.REAL, dtype), dtype_of(Kind.INT, dtype), np.dtype(np.int32)
    for array in kernel.arrays:
        given = arrays.get(array.name)
        if given is None:
            raise CompilerBug(f"kernel {kernel.name} lacks the array {array.name}")
        wanted = real if array.kind is Kind.REAL else short if array.short else whole
        if given.dtype != wanted or not given.flags.c_contiguous:
            raise CompilerBug(
                f"array {array.name} must be contiguous {wanted}, not {given.dtype}, strides {given.strides}"
            )
        shape = shape_of(array, scalars)
        outer = given.shape[:-1] if array.instanced else given.shape
        if outer != shape or (array.instanced and given.shape[-1] < lanes * array.components):
            expected = (*shape, f">= {lanes * array.components}") if array.instanced else shape
            raise CompilerBug(f"array {array.name} must have shape {expected}, not {given.shape}")


def address(array: NDArray[Any]) -> int:
    """Where the elements of an array begin; NumPy's own ways to say so take three times as long."""
    if array.flags.writeable and array.size:
        return ctypes.addressof(ctypes.c_char.from_buffer(array.data))
    return int(array.__array_interface__["data"][0])


def lane_stride(kernel: Kernel, arrays: Arrays, default: int) -> int:
    """The padded length of the lane axis in elements, the same for all arrays; `default` where none has the axis.

    Raises CompilerBug where the arrays differ in it.
    """
    lengths = {a.name: arrays[a.name].shape[-1] // a.components for a in kernel.arrays if a.instanced}
    if len(set(lengths.values())) > 1:
        raise CompilerBug(f"the lane axes of the arrays of kernel {kernel.name} differ: {lengths}")
    return next(iter(lengths.values()), default)


def shape_of(array: Array, scalars: Scalars) -> tuple[int, ...]:
    """The sizes of an array without the lane axis, named sizes looked up among the scalars."""
    return tuple([int(scalars[s]) if isinstance(s, str) else s for s in array.shape])
