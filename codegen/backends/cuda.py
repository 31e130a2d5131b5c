"""The CUDA backend: kernels compiled by NVRTC and launched by CuPy, an instance per thread."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from weakref import finalize

import numpy as np

from codegen.emit.cuda_blocks import emit_kernel
from codegen.emit.cuda_layout import Layout
from codegen.emit.cuda_sweep import emit_sweep
from codegen.emit.cuda_team import ROOM, team_of
from codegen.emit.cuda_tiles import Tile, shared_bytes
from codegen.emit.cuda_together import Share
from codegen.errors import BackendUnavailableError, CompilerBug
from codegen.interpret_program import program_halo
from codegen.program import Kernel, Program, Repeat, kernels_of, program_steps
from codegen.rounds import round_of
from codegen.sweep import Sweep

from .cuda_device import INSTALL, attributes_here, cuda_available, load_cupy
from .cuda_kernel import CudaKernel
from .cuda_program import CudaProgram
from .cuda_resident import DeviceMemory
from .cuda_schedule import USUAL, Able, Schedule
from .cuda_source import prepared
from .cuda_sweeps import SweepKernel, compiled_round
from .interface import Optimise
from .nvrtc import OPTIONS, SINGLE

__all__ = ["CudaBackend", "cuda_available"]


@dataclass(frozen=True)
class CudaBackend:
    """Compiles kernels for the current NVIDIA device; BackendUnavailableError where there is none."""

    name: str = "cuda"
    schedule: Schedule = USUAL
    _streams: dict[int, list[Any]] = field(
        default_factory=dict, compare=False, repr=False
    )  # that nobody uses, in pairs

    def __post_init__(self) -> None:
        load_cupy()

    def lanes(self, dtype: str) -> int:
        """Rows of whole 128-byte lines, so that the threads of a warp read as few as possible."""
        return 128 // np.dtype(dtype).itemsize

    def memory(self) -> DeviceMemory:
        """Arrays that stay on the device. Streams are used again, as CuPy keeps free memory for each by itself; so that
        nobody still reads what is free, what the caller has on his way is over first."""
        cupy = load_cupy()
        cupy.cuda.get_current_stream().synchronize()
        free = self._streams.setdefault(cupy.cuda.Device().id, [])
        try:
            streams = free.pop()
        except IndexError:  # asked first, another thread may take the last ones between the two
            streams = tuple(cupy.cuda.Stream(non_blocking=True) for _ in range(2))
        made = DeviceMemory(cupy, streams)
        finalize(made, _give_back, free, streams).atexit = False
        return made

    def devices(self) -> int:
        """How many NVIDIA devices there are."""
        return int(load_cupy().cuda.runtime.getDeviceCount())

    def on(self, device: int) -> AbstractContextManager[Any]:
        """A device by its number."""
        context: AbstractContextManager[Any] = load_cupy().cuda.Device(device)
        return context

    def suited(self, instances: int) -> CudaBackend:
        """Itself: what it compiles suits any number of instances."""
        del instances
        return self

    @property
    def _room(self) -> int:
        """The bytes of shared memory that a block may ask for."""
        return int(attributes_here(load_cupy()).get("MaxSharedMemoryPerBlockOptin", ROOM))

    def compile(
        self, kernel: Kernel, dtype: str = "float64", halo: int = 0, optimise: Optimise | None = None
    ) -> CudaKernel:
        """Machine code for the current device, through CuPy's cache on disk; once more for arrays of 2^31 elements, for
        threads that take several instances, and for each further device."""
        room = self._room
        kernel = prepared(kernel, optimise, dtype, room, self.schedule.together)
        team = team_of(kernel, dtype, room) if kernel.shares else None

        @cache
        def loaded(narrow: bool, share: Share, device: int) -> Any:
            del device
            made = _function(kernel, emit_kernel(kernel, dtype, halo, narrow, share, room), dtype)
            if team is not None:
                made.max_dynamic_shared_size_bytes = team.bytes
            return made

        def function(narrow: bool, share: Share) -> Any:
            return loaded(narrow, share, load_cupy().cuda.Device().id)

        able = Able.of(kernel, dtype)
        function(True, Share(beside=bool(able.rows_of)))  # here, not at the first launch, it is said what is missing
        source = emit_kernel(kernel, dtype, halo, True, room=room)
        return CudaKernel(kernel, dtype, halo, source, function, able, self.schedule, team)

    def compile_program(
        self, program: Program, dtype: str = "float64", halo: int = 0, optimise: Optimise | None = None
    ) -> CudaProgram:
        """A program whose arrays stay on the device while it runs."""
        halo = max(halo, program_halo(program))
        kernels = {k.name: self.compile(k, dtype, halo, optimise) for k in kernels_of(program)}
        ready = {name: kernel.kernel for name, kernel in kernels.items()}

        def compiled(sweep: Sweep, tile: Tile) -> SweepKernel:
            return self._swept(sweep, tile, dtype, halo)

        repeats = [s for s in program_steps(program.body) if isinstance(s, Repeat)]
        found = {id(s): round_of(s, lambda kernel: ready[kernel.name], self.schedule.steps) for s in repeats}
        made = {
            key: compiled_round(each, self.schedule, dtype, self._room, compiled) for key, each in found.items() if each
        }
        return CudaProgram(program, halo, kernels, {key: each for key, each in made.items() if each})

    def _swept(self, sweep: Sweep, tile: Tile, dtype: str, halo: int) -> SweepKernel:
        """A sweep, compiled when it is first launched."""

        @cache
        def loaded(narrow: bool, share: Share, device: int) -> Any:
            del device
            text = emit_sweep(sweep, tile, dtype, halo, narrow, share.streaming)
            made = _function(sweep.inner, text, dtype)
            made.max_dynamic_shared_size_bytes = shared_bytes(sweep, tile)
            return made

        def function(narrow: bool, share: Share) -> Any:
            return loaded(narrow, share, load_cupy().cuda.Device().id)

        source = emit_sweep(sweep, tile, dtype, halo, True, self.schedule.streaming)
        return SweepKernel(
            sweep.kernel, dtype, halo, source, function, Able(False, 0), self.schedule, sweep=sweep, tile=tile
        )


def _give_back(free: list[Any], streams: tuple[Any, Any]) -> None:
    """Streams for the next who wants some: what is on its way ends while there is the memory that it works on."""
    for stream in streams:
        stream.synchronize()
    free.append(streams)


def _function(kernel: Kernel, source: str, dtype: str) -> Any:
    cupy = load_cupy()
    options = (*OPTIONS, *SINGLE) if dtype == "float32" else OPTIONS
    try:
        module = cupy.RawModule(code=source, options=options, backend="nvrtc")
        return module.get_function(Layout.of(kernel).symbol)
    except cupy.cuda.compiler.CompileException as error:
        raise CompilerBug(f"NVRTC does not compile the CUDA source of kernel {kernel.name}:\n{error}") from error
    except (RuntimeError, OSError, ImportError) as error:  # as CuPy says that a library cannot be loaded
        raise BackendUnavailableError(
            f'backend "cuda" cannot compile on this machine ({error}); {INSTALL}, or choose backend="cpu"'
        ) from error
