"""A stand-in for CuPy whose device is the host: kernels are the emitted text, compiled as C++; the rest is NumPy.

As much of CuPy as the backend uses, and as strict: kernels take arrays of their own device and typed numbers, NumPy
arrays are not mixed with device arrays, what is captured runs when the graph is launched, and streams do what they are
asked as late as their order and their events allow, so that whoever fails to wait sees what was there before.
"""

from __future__ import annotations

import ctypes
import re
import threading
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

    def __init__(self, processors: int = 2, folder: Path | None = None, devices: int = 1) -> None:
        self.folder = folder  # where compiled kernels are kept for the next time
        self.launches: list[tuple[Any, Any]] = []
        self.captured = 0
        self.log: list[str] = []  # "launch" and "copy" (to pinned memory), when they are done
        self.used: set[int] = set()  # the devices that were launched on
        self.ndarray = DeviceArray
        self.uint8 = np.uint8
        self.here = Here()
        attributes = self.attributes = {"MultiProcessorCount": processors, "L2CacheSize": 1 << 20}
        self.cuda = SimpleNamespace(
            runtime=SimpleNamespace(getDeviceCount=lambda: devices),
            Device=lambda number=None: Device(self, self.here.device if number is None else number, attributes),
            Stream=lambda non_blocking: Stream(self),
            Event=lambda disable_timing: Event(self),
            get_current_stream=lambda: self.here.stream or Stream(self),
            alloc_pinned_memory=bytearray,
            compiler=SimpleNamespace(CompileException=CompileError),
            memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
            cufft=SimpleNamespace(
                CUFFT_C2C=1, CUFFT_Z2Z=2, CUFFT_FORWARD=-1, CUFFT_INVERSE=1, PlanNd=lambda *keys: Plan(self, keys)
            ),
        )
        self.fft = SimpleNamespace(fft=self._lifted(np.fft.fft), ifft=self._lifted(np.fft.ifft))
        self.moveaxis, self.concatenate = self._lifted(np.moveaxis), self._lifted(np.concatenate)

    def do(self, action: Callable[[], None]) -> None:
        """Now; or when the stream comes to it; or, while a graph is captured, when that is launched."""
        if self.here.recording is not None:
            self.here.recording.append(action)
        elif self.here.stream is not None:
            self.here.stream.actions.append(action)
        else:
            action()

    def settle(self) -> None:
        """What was asked of the present stream is done: its results are looked at."""
        assert self.here.recording is None
        if self.here.stream is not None:
            self.here.stream.synchronize()

    def made(self, values: Any) -> DeviceArray:
        array = np.require(values, requirements="C").view(DeviceArray)
        array.module, array.device, array.home = self, self.here.device, self.here.stream
        return array

    def _lifted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def lifted(*given: Any, **options: Any) -> Any:
            self.settle()
            return self.made(function(*given, **options))

        return lifted

    def asarray(self, values: Any) -> Any:
        return values if isinstance(values, DeviceArray) else self.made(np.array(values))

    def zeros(self, shape: Any, dtype: Any) -> Any:
        return self.made(np.zeros(shape, dtype))

    def empty(self, shape: Any, dtype: Any) -> Any:
        return self.made(np.full(shape, 255 if dtype == np.uint8 else np.nan, dtype))

    def multiply(self, values: Any, factor: float, out: Any) -> None:
        given, made = values.view(np.ndarray), out.view(np.ndarray)
        self.do(lambda: np.multiply(given, factor, out=made))

    def isfinite(self, values: Any) -> Any:
        if not isinstance(values, DeviceArray):
            return np.isfinite(values)
        given, made = values.view(np.ndarray), self.made(np.empty(values.shape, np.bool_))
        there = made.view(np.ndarray)
        self.do(lambda: np.isfinite(given, out=there))
        return made

    def RawModule(self, code: str, options: Any, backend: str) -> Any:
        return SimpleNamespace(get_function=lambda name: RawFunction(self, code, name))


class Here(threading.local):
    """What is current in a thread."""

    device = 0
    stream: Stream | None = None
    recording: list[Callable[[], None]] | None = None


class Device:
    """A context in which this device is the current one."""

    def __init__(self, module: StandIn, number: int, attributes: dict[str, int]) -> None:
        self.module, self.id, self.attributes = module, number, attributes

    def __enter__(self) -> Device:
        self.before, self.module.here.device = self.module.here.device, self.id
        return self

    def __exit__(self, *_: object) -> None:
        self.module.here.device = self.before


class DeviceArray(np.ndarray):
    """Memory of the stand-in device; only what was uploaded, or made of it, is of this type."""

    module: Any = None
    device: int = 0
    home: Stream | None = None  # whose memory it is, and goes back to

    def __array_finalize__(self, parent: Any) -> None:
        self.home = getattr(parent, "home", None)
        self.module, self.device = getattr(parent, "module", None), getattr(parent, "device", 0)

    def __array_ufunc__(self, ufunc: Any, method: str, *given: Any, **options: Any) -> Any:
        self.module.settle()
        if any(isinstance(g, np.ndarray) and g.ndim and not isinstance(g, DeviceArray) for g in given):
            raise TypeError("arrays of the host are not mixed with those of a device")
        plain = [g.view(np.ndarray) if isinstance(g, DeviceArray) else g for g in given]
        for out in (outs := options.pop("out", ())):  # in place
            assert isinstance(out, DeviceArray)
            options["out"] = out.view(np.ndarray)
        made = getattr(ufunc, method)(*plain, **options)
        return outs[0] if outs else self.module.made(made)

    def __array_function__(self, function: Any, types: Any, given: Any, options: Any) -> Any:
        """NumPy's functions are CuPy's, and what they make stays on the device."""
        self.module.settle()
        made = super().__array_function__(function, types, given, options)
        return self.module.made(made) if isinstance(made, np.ndarray) and made.ndim else made

    def __getitem__(self, place: Any) -> Any:
        if any(isinstance(part, np.ndarray) for part in (place if isinstance(place, tuple) else (place,))):
            self.module.settle()  # a copy, unlike what slices are
        return super().__getitem__(place)

    def __setitem__(self, place: Any, values: Any) -> None:
        assert isinstance(values, DeviceArray) or np.ndim(values) == 0
        self.module.do(lambda: np.ndarray.__setitem__(self.view(np.ndarray), place, values))

    def set(self, values: np.ndarray) -> None:
        assert not isinstance(values, DeviceArray)
        assert values.flags.c_contiguous
        assert (values.shape, values.dtype) == (self.shape, self.dtype)
        kept = values.copy()
        self.module.do(lambda: np.copyto(self.view(np.ndarray), kept))

    def get(self, out: np.ndarray | None = None) -> Any:
        assert not isinstance(out, DeviceArray)
        self.module.settle()
        if out is None:
            return np.array(self.view(np.ndarray))
        out[...] = self.view(np.ndarray)
        return out

    def all(self, out: Any = None) -> Any:  # type: ignore[override]
        if out is None:
            return np.ndarray.all(self)
        assert (out.shape, out.dtype) == ((), np.bool_)
        given, made = self.view(np.ndarray), out.view(np.ndarray)
        self.module.do(lambda: np.ndarray.all(given, out=made))
        return out

    def astype(self, *given: Any, **options: Any) -> Any:  # type: ignore[override]
        self.module.settle()
        return super().astype(*given, **options)

    def fill(self, value: Any) -> None:
        self.module.do(lambda: np.ndarray.fill(self, value))

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """By which arrays of a device are known."""
        return {"shape": self.shape, "version": 3}

    @property
    def data(self) -> Any:
        """The memory, from which a stream copies when it comes to it."""
        assert self.flags.c_contiguous

        def copy_to_host_async(there: ctypes.c_void_p, size: int, stream: Stream) -> None:
            assert size <= self.nbytes

            def act() -> None:
                self.module.log.append("copy")
                ctypes.memmove(there, self.ctypes.data, size)

            stream.actions.append(act)

        def copy_from_host_async(there: ctypes.c_void_p, size: int, stream: Stream) -> None:
            assert size <= self.nbytes
            address = self.ctypes.data
            stream.actions.append(lambda: ctypes.memmove(address, there, size))

        return SimpleNamespace(
            copy_to_host_async=copy_to_host_async, copy_from_host_async=copy_from_host_async, ptr=self.ctypes.data
        )


class Stream:
    """Everything as late as order allows: when somebody waits for it."""

    def __init__(self, module: StandIn) -> None:
        self.module, self.actions, self.done = module, [], 0
        self.outside: list[Stream | None] = []

    def __enter__(self) -> Stream:
        self.outside.append(self.module.here.stream)
        self.module.here.stream = self
        return self

    def __exit__(self, *_: object) -> None:
        self.module.here.stream = self.outside.pop()

    def synchronize(self) -> None:
        assert self.module.here.recording is None
        self.come_to(len(self.actions))

    def come_to(self, count: int) -> None:
        """Do what was asked before a moment."""
        while self.done < count:
            self.done += 1
            action, self.actions[self.done - 1] = self.actions[self.done - 1], None
            action()

    def wait_event(self, event: Event) -> None:
        self.actions.append(event.synchronize)

    def begin_capture(self) -> None:
        assert self.module.here.recording is None
        self.module.here.recording = []

    def end_capture(self) -> Any:
        actions, self.module.here.recording = self.module.here.recording, None
        assert actions
        self.module.captured += 1
        return SimpleNamespace(launch=lambda stream: stream.actions.extend(actions))


class Event:
    """A moment of a stream."""

    def __init__(self, module: StandIn) -> None:
        self.stream, self.moment = Stream(module), 0

    def record(self, stream: Stream) -> None:
        self.stream, self.moment = stream, len(stream.actions)

    def synchronize(self) -> None:
        self.stream.come_to(self.moment)

    @property
    def done(self) -> bool:
        """Whether the stream is past it."""
        return self.stream.done >= self.moment


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
        source, output = given.view(np.ndarray), made.view(np.ndarray)

        def act() -> None:
            output[inside] = transform(source[inside])

        self.module.do(act)


class RawFunction:
    """A kernel of the emitted text."""

    num_regs = 100
    shared_size_bytes = 0
    max_dynamic_shared_size_bytes = 48 * 1024
    max_threads_per_block = 1024

    def __init__(self, module: StandIn, code: str, name: str) -> None:
        self.module, self.device = module, module.here.device
        kind = r'extern "C" (?:__launch_bounds__\([\w, ]+\) )?__global__ void'
        head = re.search(rf"{kind} {name}\((.*?)\) {{", code, re.DOTALL)
        assert head
        parameters = [tuple(p.strip().rsplit(" ", 1)) for p in head[1].split(",")]
        self.count = len(parameters)
        source = shim.host_source(code, name, parameters)
        self.library = shim.load_library(source, module.folder)  # type: ignore[arg-type]

    def __call__(
        self, grid: tuple[int, ...], block: tuple[int, ...], arguments: tuple[Any, ...], shared_mem: int = 0
    ) -> None:
        assert shared_mem <= self.max_dynamic_shared_size_bytes
        self.module.launches.append((grid, block))
        assert len(arguments) == self.count
        assert block[0] * block[1] * block[2] <= self.max_threads_per_block
        assert self.device == self.module.here.device
        assert all(a.device == self.device for a in arguments if isinstance(a, DeviceArray))
        passed = [self._passed(argument) for argument in arguments]

        self.module.used.add(self.device)
        # A launch holds its arrays: the pool of CuPy gives memory that is let go to its stream alone, later than
        # this launch. A graph, which may be launched later still, holds nothing.
        held = arguments if self.module.here.recording is None else ()

        def act() -> None:
            self.module.log.append("launch")
            status = self.library.sym_shim_launch((ctypes.c_uint * 3)(*grid), (ctypes.c_uint * 3)(*block), *passed)
            assert status == 0, held

        self.module.do(act)

    @staticmethod
    def _passed(argument: Any) -> Any:
        if isinstance(argument, DeviceArray):
            return ctypes.c_void_p(argument.ctypes.data)
        return C_TYPES[type(argument)](argument.item())
