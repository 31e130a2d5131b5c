"""The CUDA source on the CPU: `emit/shim.h` makes C++ of it, a C++ compiler makes a library, ctypes runs it.

Slow, for tests and for reading along; that the text is right is shown without a GPU.
"""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.emit.cuda import adds_up
from codegen.emit.cuda_blocks import emit_kernel
from codegen.emit.cuda_layout import Layout
from codegen.emit.cuda_team import ROOM, Team, team_of
from codegen.emit.cuda_together import ALONE, Share
from codegen.emit.cuda_wide import BYTES, in_pieces
from codegen.errors import BackendUnavailableError, CompilerBug
from codegen.ir import Kind
from codegen.program import Intent, Kernel, Program

from .cuda_schedule import Able, Processors, Schedule, beginnings, share_of
from .cuda_source import prepared
from .host_program import HostProgram, compile_for_host
from .interface import Arrays, LaunchRange, OneDevice, Optimise, Scalars, address, check_arrays, launch_range

COMPILERS = ("g++", "c++", "clang++")
FLAGS = ("-std=c++17", "-O1", "-shared", "-fPIC", "-ffp-contract=off", "-w")
SEVERAL = Schedule(few=0, many=0, turns=1, parts=2)  # threads take several instances whatever the size of a launch
DYNAMIC = "extern __shared__ sym_quad sym_shared[]"  # as much as the launch says
STATIC = "__shared__ sym_quad sym_shared[1 << 14]"  # as much as any launch may say
SYMBOL = "sym_shim_kernel"  # the kernel's own name may be one of the C library's


def _compiler() -> str:
    """A C++ compiler of this machine."""
    for name in COMPILERS:
        if path := shutil.which(name):
            return path
    raise BackendUnavailableError(
        f'backend "cuda-shim" needs a C++ compiler ({", ".join(COMPILERS)}); install one, or choose backend="reference"'
    )


def shim_source(kernel: Kernel, source: str) -> str:
    """C++ that holds the CUDA source of a kernel, but for its name, and a function that launches it over a grid."""
    layout = Layout.of(kernel)
    return host_source(source, layout.symbol, layout.parameters())


def host_source(source: str, symbol: str, parameters: Sequence[tuple[str, str]]) -> str:
    """The C++ of `shim_source` for any emitted text: the name of its kernel, and (C type, name) of each parameter."""
    declared = ", ".join(f"{kind} {name}" for kind, name in parameters)
    passed = ", ".join(name for _, name in parameters)
    header = files("codegen.emit").joinpath("shim.h").read_text()
    return "\n".join(
        [
            *(["#define SYM_SHIM_BARRIERS"] if "__syncthreads" in source else []),
            header,
            source.replace(f"void {symbol}(", f"void {SYMBOL}(", 1).replace(DYNAMIC, STATIC),
            f'extern "C" int sym_shim_launch(const unsigned* grid, const unsigned* block, {declared}) {{',
            "    const dim3 blocks{grid[0], grid[1], grid[2]}, threads{block[0], block[1], block[2]};",
            f"    return sym_shim::run(blocks, threads, [&] {{ {SYMBOL}({passed}); }});",
            "}",
            "",
        ]
    )


def load_library(source: str, folder: Path | None = None) -> ctypes.CDLL:
    """The compiled and loaded source. Its files stay in `folder`, from which they are loaded the next time; without one
    they are gone when this returns.
    """
    compiler = _compiler()
    with tempfile.TemporaryDirectory(prefix="symphys-shim-", dir=folder) as name:
        place = Path(name)
        key = hashlib.sha256("\n".join((compiler, *FLAGS, source)).encode()).hexdigest()[:32]
        kept = place / "kernel.so" if folder is None else folder / f"{key}.so"
        if not kept.exists():
            (place / "kernel.cpp").write_text(source)
            command = [compiler, *FLAGS, "-o", "made.so", "kernel.cpp"]
            done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
            if done.returncode:
                said = f"the CUDA source does not compile under the shim ({' '.join(command)})"
                raise CompilerBug(f"{said}:\n{done.stderr}")
            (place / "made.so").replace(kept)
        return ctypes.CDLL(str(kept))


@dataclass(frozen=True)
class ShimKernel:
    """A kernel as a function of a shared library."""

    kernel: Kernel
    dtype: str
    halo: int
    block: int
    rows: int
    tall: int
    source: str = field(repr=False)
    library: Callable[[Share], ctypes.CDLL] = field(repr=False)
    able: Able
    schedule: Schedule = field(repr=False)
    team: Team | None = None

    def __call__(
        self,
        arrays: Arrays,
        scalars: Scalars,
        extents: tuple[int, ...],
        threads: int = 1,
        first: int = 0,
        last: int | None = None,
    ) -> None:
        """Run in place; see `interface.CompiledKernel`. Blocks run one after the other, whatever `threads` says."""
        span = launch_range(self.kernel, extents, first, last)
        check_arrays(self.kernel, arrays, scalars, self.dtype, span.extent + 2 * self.halo)
        instanced = [(arrays[a.name], a.components) for a in self.kernel.arrays if a.instanced]
        stride = max((given.shape[-1] // each for given, each in instanced), default=span.extent)
        padded = {
            a.name: pad(arrays[a.name], stride * a.components) if a.instanced else arrays[a.name]
            for a in self.kernel.arrays
        }
        status = self._launch(padded, scalars, span, stride)
        if status:
            raise CompilerBug(f"kernel {self.kernel.name}: threads leave a block in which others wait at a barrier")
        for array in self.kernel.arrays:
            given = arrays[array.name]
            if array.intent is not Intent.IN and padded[array.name] is not given:
                given[...] = padded[array.name][..., : given.shape[-1]]

    def _launch(self, arrays: Arrays, scalars: Scalars, span: LaunchRange, stride: int) -> int:
        real = ctypes.c_float if self.dtype == "float32" else ctypes.c_double
        there = {a.name: (address(arrays[a.name]), arrays[a.name].nbytes) for a in in_pieces(self.kernel)}
        begins = beginnings(self.kernel, there, self.halo, span.first, stride, np.dtype(self.dtype).itemsize)
        level = all(address(arrays[name]) % BYTES == 0 for name in self.able.rows_of)
        share = share_of(self.schedule, self.able, span, begins, Processors(1, 0), self.able.turns(scalars), level)
        y, z = (*(min(n, self.rows) for n in span.outer[::-1][:2]), 1, 1)[:2]
        grid = (ctypes.c_uint * 3)(-(-span.lanes // (self.block * max(share.lanes, 1))), y, z)
        tall = (
            self.tall if span.outer and not adds_up(self.kernel) and share.parts == 1 else 1
        )  # without rows all threads of a column are one
        block = (ctypes.c_uint * 3)(self.block, tall, share.parts)
        scratch = []
        if self.team is not None:  # fewer blocks than tiles of instances
            blocks = min(-(-span.lanes // self.team.samples), self.rows)
            grid, block = (ctypes.c_uint * 3)(blocks, 1, 1), (ctypes.c_uint * 3)(self.team.threads, 1, 1)
            scratch = [np.full(1 if self.team.shared else blocks * self.team.memory, np.nan, self.dtype)]
        arguments: list[Any] = [grid, block]
        arguments += [ctypes.c_longlong(n) for n in (span.first, span.last, stride, *span.outer)]
        arguments += [ctypes.c_void_p(arrays[a.name].ctypes.data) for a in self.kernel.arrays]
        for scalar in self.kernel.scalars:
            value = scalars[scalar.name]
            arguments.append(real(value) if scalar.kind is Kind.REAL else ctypes.c_longlong(int(value)))
        arguments += [ctypes.c_void_p(memory.ctypes.data) for memory in scratch]
        return int(self.library(share).sym_shim_launch(*arguments))


def pad(array: NDArray[Any], stride: int) -> NDArray[Any]:
    """The array with the lane axis lengthened to a stride; itself where it has that length."""
    missing = stride - array.shape[-1]
    return np.pad(array, [*((0, 0) for _ in array.shape[:-1]), (0, missing)]) if missing else array


@dataclass(frozen=True)
class ShimBackend(OneDevice):
    """Compiles the CUDA source for the CPU; grids of at most `rows` blocks along y and z, blocks of `block` threads in
    `tall` rows, places in memory `narrow` as `emit_cuda` means it, threads that take several instances wherever the
    `schedule` lets them, `room` bytes of shared memory."""

    block: int = 32
    rows: int = 2
    tall: int = 2
    narrow: bool = True
    schedule: Schedule = SEVERAL
    room: int = ROOM
    name: str = "cuda-shim"

    def __post_init__(self) -> None:
        _compiler()

    def lanes(self, dtype: str) -> int:
        """No padding."""
        return 1

    def suited(self, instances: int) -> ShimBackend:
        """Itself: what it compiles suits any number of instances."""
        del instances
        return self

    def compile(
        self, kernel: Kernel, dtype: str = "float64", halo: int = 0, optimise: Optimise | None = None
    ) -> ShimKernel:
        """The source of `emit_cuda` as a library; CompilerBug, with the compiler's log, where it does not compile."""
        kernel = prepared(kernel, optimise, dtype, self.room, self.schedule.together)
        team = team_of(kernel, dtype, self.room) if kernel.shares else None

        @cache
        def library(share: Share) -> ctypes.CDLL:
            return load_library(shim_source(kernel, emit_kernel(kernel, dtype, halo, self.narrow, share, self.room)))

        able = Able.of(kernel, dtype)
        if not able.several:
            library(ALONE)
        source = emit_kernel(kernel, dtype, halo, self.narrow, room=self.room)
        shape = (self.block, self.rows, self.tall)
        return ShimKernel(kernel, dtype, halo, *shape, source, library, able, self.schedule, team)

    def compile_program(
        self, program: Program, dtype: str = "float64", halo: int = 0, optimise: Optimise | None = None
    ) -> HostProgram:
        """A program whose launches are called one after the other."""
        return compile_for_host(self, program, dtype, halo, optimise)
