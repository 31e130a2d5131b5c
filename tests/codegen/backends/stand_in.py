"""A stand-in for CuPy whose device is the host: kernels are the emitted text, compiled as C++; the rest is NumPy.

As much of CuPy as the backend uses, and as strict: kernels take device arrays and typed numbers, NumPy arrays are not
mixed with device arrays, and what is captured runs when the graph is launched.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from codegen.backends import shim

C_TYPES = {np.int64: ctypes.c_longlong, np.float64: ctypes.c_double, np.float32: ctypes.c_float}


class OutOfMemoryError(MemoryError):
    """What CuPy raises where the device is full."""


class CompileError(Exception):
    """What CuPy raises where NVRTC refuses."""


class StandIn:
    """The module. `launches` holds (grid, block) of every launch, `captured` how many graphs were made."""

    def __init__(self, processors: int = 2, folder: Path | None = None) -> None:
        self.folder = folder  # where compiled kernels are kept for the next time
        self.launches: list[tuple[Any, Any]] = []
        self.captured = 0
        self.recording: list[Callable[[], None]] | None = None
        self.ndarray = DeviceArray
        self.uint8 = np.uint8
        device = SimpleNamespace(attributes={"MultiProcessorCount": processors})
        self.cuda = SimpleNamespace(
            runtime=SimpleNamespace(getDeviceCount=lambda: 1),
            Device=lambda: device,
            Stream=lambda non_blocking: Stream(self),
            get_current_stream=lambda: Stream(self),
            compiler=SimpleNamespace(CompileException=CompileError),
            memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
            cufft=SimpleNamespace(
                CUFFT_C2C=1, CUFFT_Z2Z=2, CUFFT_FORWARD=-1, CUFFT_INVERSE=1, PlanNd=lambda *keys: Plan(self, keys)
            ),
        )
        self.fft = SimpleNamespace(fft=self._lifted(np.fft.fft), ifft=self._lifted(np.fft.ifft))
        self.moveaxis, self.concatenate = self._lifted(np.moveaxis), self._lifted(np.concatenate)

    def do(self, action: Callable[[], None]) -> None:
        """Now, or, while a graph is captured, when it is launched."""
        if self.recording is None:
            action()
        else:
            self.recording.append(action)

    def made(self, values: Any) -> DeviceArray:
        array = np.require(values, requirements="C").view(DeviceArray)
        array.module = self
        return array

    def _lifted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *given, **options: self.made(function(*given, **options))

    def asarray(self, values: Any) -> Any:
        return values if isinstance(values, DeviceArray) else self.made(np.array(values))

    def zeros(self, shape: Any, dtype: Any) -> Any:
        return self.made(np.zeros(shape, dtype))

    def empty(self, shape: Any, dtype: Any) -> Any:
        return self.made(np.full(shape, 255 if dtype == np.uint8 else np.nan, dtype))

    def multiply(self, values: Any, factor: float, out: Any) -> None:
        self.do(lambda: np.multiply(values, factor, out=out))

    def RawModule(self, code: str, options: Any, backend: str) -> Any:
        return SimpleNamespace(get_function=lambda name: RawFunction(self, code, name))


class DeviceArray(np.ndarray):
    """Memory of the stand-in device; only what was uploaded, or made of it, is of this type."""

    module: Any = None

    def __array_finalize__(self, parent: Any) -> None:
        self.module = getattr(parent, "module", None)

    def set(self, values: np.ndarray) -> None:
        assert not isinstance(values, DeviceArray)
        assert values.flags.c_contiguous
        assert (values.shape, values.dtype) == (self.shape, self.dtype)
        self[...] = values

    def get(self, out: np.ndarray) -> None:
        assert not isinstance(out, DeviceArray)
        out[...] = np.asarray(self)

    def fill(self, value: Any) -> None:
        self.module.do(lambda: np.ndarray.fill(self, value))


class Stream:
    """Everything is done at once, but what is captured."""

    def __init__(self, module: StandIn) -> None:
        self.module = module

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def synchronize(self) -> None:
        assert self.module.recording is None

    def begin_capture(self) -> None:
        assert self.module.recording is None
        self.module.recording = []

    def end_capture(self) -> Any:
        actions, self.module.recording = self.module.recording, None
        assert actions
        self.module.captured += 1
        return SimpleNamespace(launch=lambda stream: [act() for act in actions])


class Plan:
    """A transform over all axes of arrays whose rows may be longer than what is transformed."""

    def __init__(self, module: StandIn, keys: tuple[Any, ...]) -> None:
        shape, inembed, istride, idist, onembed, ostride, odist, kind, batch, order, last, size = keys
        assert (istride, idist, ostride, odist, batch, order, last, size) == (1, 1, 1, 1, 1, "C", len(shape) - 1, None)
        self.module, self.shape, self.embedded = module, shape, (inembed, onembed)
        self.dtype = {1: np.complex64, 2: np.complex128}[kind]

    def fft(self, given: Any, made: Any, direction: int) -> None:
        assert (given.shape, made.shape) == self.embedded
        assert given.dtype == made.dtype == self.dtype
        transform = np.fft.fftn if direction == -1 else lambda v: np.fft.ifftn(v) * v.size
        inside = tuple(slice(n) for n in self.shape)

        def act() -> None:
            made[inside] = transform(np.asarray(given)[inside])

        self.module.do(act)


class RawFunction:
    """A kernel of the emitted text."""

    num_regs = 100
    max_threads_per_block = 1024

    def __init__(self, module: StandIn, code: str, name: str) -> None:
        self.module = module
        head = re.search(rf'extern "C" __global__ void {name}\((.*?)\) {{', code, re.DOTALL)
        assert head
        parameters = [tuple(p.strip().rsplit(" ", 1)) for p in head[1].split(",")]
        self.count = len(parameters)
        source = shim.host_source(code, name, parameters)  # type: ignore[arg-type]
        self.library = shim.load_library(source, module.folder)

    def __call__(self, grid: tuple[int, ...], block: tuple[int, ...], arguments: tuple[Any, ...]) -> None:
        self.module.launches.append((grid, block))
        assert len(arguments) == self.count
        assert block[0] * block[1] * block[2] <= self.max_threads_per_block
        passed = [self._passed(argument) for argument in arguments]

        def act() -> None:
            status = self.library.sym_shim_launch((ctypes.c_uint * 3)(*grid), (ctypes.c_uint * 3)(*block), *passed)
            assert status == 0

        self.module.do(act)

    @staticmethod
    def _passed(argument: Any) -> Any:
        if isinstance(argument, DeviceArray):
            return ctypes.c_void_p(argument.ctypes.data)
        return C_TYPES[type(argument)](argument.item())
