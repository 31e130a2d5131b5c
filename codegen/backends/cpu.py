"""The CPU backend: LLVM assembly over lanes, compiled by Numba, blocks of instances shared out to threads."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cache import KernelCache, default_directory
from ..emit.llvm import USED_FEATURES, WIDE, emit_llvm, kernel_symbol
from ..emit.python import emit_python
from ..errors import CompilerBug
from ..fingerprint import fingerprint
from ..interpret_program import program_halo
from ..ir import Kind
from ..optimise.cost import work
from ..optimise.roots import lift_roots
from ..program import For, Intent, Kernel, Program, kernels_of
from ..schedule import GRAIN, REGISTER, lanes_for, padding, row_shares, strip_for, threads_for
from .cpu_native import together
from .cpu_program import CpuProgram
from .interface import OneDevice, address, check_arrays, lane_stride, launch_range
from .machine_code import Launch, Native, compile_assembly, host, load_code

# files of a kernel: assembly, machine code, operations of an instance (or None) and a digest of the machine code
ASSEMBLY, CODE, WORK = "kernel.ll", "kernel.o", "operations"
Optimise = Callable[[Kernel], Kernel]


@dataclass(frozen=True)
class CpuKernel:
    """One kernel, compiled; calling it runs instances first..last in place."""

    kernel: Kernel
    dtype: str
    lanes: int
    halo: int
    folder: Path
    native: Native = field(repr=False)
    operations: int | None
    grain: int
    optimise: Optimise | None = field(repr=False)

    @property
    def launch(self) -> Launch:
        """The machine code as a function of the first block, the last, and the address of an argument table."""
        return self.native.launch

    @property
    def address(self) -> int:
        """Where the machine code begins."""
        return self.native.address

    def slot(self, scalar: str) -> int:
        """Where a scalar stands in the argument table; -1 for one that the kernel does not take."""
        names = [s.name for s in self.kernel.scalars]
        return len(self.kernel.arrays) + 3 + len(self.kernel.outer) + 1 + names.index(scalar) if scalar in names else -1

    @property
    def assembly(self) -> str:
        """The LLVM assembly that was compiled."""
        return (self.folder / ASSEMBLY).read_text(encoding="utf-8")

    @property
    def source(self) -> str:
        """The kernel as readable Python, printed from the same nodes."""
        return emit_python(_prepared(self.kernel, self.lanes, self.optimise), self.dtype, self.halo)

    def __call__(
        self,
        arrays: Mapping[str, NDArray[Any]],
        scalars: Mapping[str, float | int],
        extents: tuple[int, ...],
        threads: int = 1,
        first: int = 0,
        last: int | None = None,
    ) -> None:
        """Run on instances first..last (multiples of the lanes, or the end); see `interface.CompiledKernel`.

        On as many of the `threads` as have enough to do.
        """
        last = launch_range(self.kernel, extents, first, last).last
        blocks = -(-extents[-1] // self.lanes)
        rows = math.prod(extents[:-1])
        all_work = None if self.operations is None else self.operations * rows * (last - first)
        woken = threads_for(threads, all_work, self.grain)
        parts = row_shares(rows, blocks, first // self.lanes, -(-last // self.lanes), woken)
        if first % self.lanes or (last % self.lanes and last != extents[-1]):
            raise CompilerBug(f"instances {first} to {last} do not lie on multiples of {self.lanes} lanes")
        check_arrays(self.kernel, arrays, scalars, self.dtype, blocks * self.lanes + 2 * self.halo)
        tables = [self.table(arrays, scalars, extents) for _ in parts]
        jobs = [(a, b, address(table)) for (a, b), (table, _) in zip(parts, tables, strict=True)]
        together(lambda me: self.launch(*jobs[me]), len(jobs))
        for _, sums in tables:  # in the order of the blocks: the same result for the same number of threads
            for name, partial in sums.items():
                arrays[name][...] += partial

    def table(
        self, arrays: Mapping[str, NDArray[Any]], scalars: Mapping[str, float | int], extents: tuple[int, ...]
    ) -> tuple[NDArray[np.uint64], dict[str, NDArray[Any]]]:
        """The kernel's argument table (see `emit.llvm`) and this thread's own sums."""
        blocks = -(-extents[-1] // self.lanes)
        entries: list[float] = []
        sums: dict[str, NDArray[Any]] = {}
        stride = lane_stride(self.kernel, arrays, blocks * self.lanes)
        for array in self.kernel.arrays:
            given = arrays[array.name]
            if array.intent is Intent.SUM:
                given = sums[array.name] = np.zeros_like(given)
            entries.append(address(given))
        entries += [stride, self.halo, blocks, extents[-1], *extents[:-1]]
        for scalar in self.kernel.scalars:
            value = scalars[scalar.name]
            entries.append(value if scalar.kind is Kind.REAL else int(value))
        return np.frombuffer(bytearray(self._layout.pack(*entries)), dtype=np.uint64), sums

    @cached_property
    def _layout(self) -> struct.Struct:
        """How the argument table is packed: addresses, sizes, scalars."""
        kinds = ("d" if scalar.kind is Kind.REAL else "q" for scalar in self.kernel.scalars)
        return struct.Struct("=" + "Q" * len(self.kernel.arrays) + "q" * (4 + len(self.kernel.outer)) + "".join(kinds))


@dataclass(frozen=True)
class CpuBackend(OneDevice):
    """Compiles kernels for this machine's CPU.

    `lane_count` overrides how many instances stand side by side, `strip` how many of them loops take at a time (0 for
    all), `features` what the processor is known to have, `grain` how many operations make a thread worth waking.
    """

    cache: KernelCache = field(default_factory=lambda: KernelCache(default_directory()))
    lane_count: int | None = None
    features: frozenset[str] | None = None
    grain: int = GRAIN
    name: str = "cpu"
    strip: int | None = None

    def lanes(self, dtype: str) -> int:
        """The multiple to which lane axes are padded; every kernel's lane count divides it."""
        return self.lane_count or padding(dtype)

    def suited(self, instances: int) -> CpuBackend:
        """Scalar code for one instance, lanes for more."""
        return self._scalar if instances == 1 and self.lane_count is None else self

    @cached_property
    def _scalar(self) -> CpuBackend:
        return replace(self, lane_count=1)

    def compile(
        self, kernel: Kernel, dtype: str = "float64", halo: int = 0, optimise: Optimise | None = None
    ) -> CpuKernel:
        """Machine code for a kernel; one that the cache knows is loaded without being optimised or printed again."""
        passes = "as it is" if optimise is None else "optimised"
        features = _features() if self.features is None else self.features
        register = REGISTER if WIDE in features else REGISTER // 2
        lanes = self.lane_count or lanes_for(kernel, dtype, register)
        strip = strip_for(dtype, register) if self.strip is None else self.strip
        about = (str(lanes), str(strip), str(halo), passes, _versions(), *sorted(features))
        key = self.cache.key(fingerprint(kernel), dtype, *about)
        folder = self.cache.place(key)
        known = _kept(folder)
        if known is None:
            prepared = _prepared(kernel, lanes, optimise)
            assembly = emit_llvm(prepared, lanes, dtype, features, strip)
            code = compile_assembly(assembly, pair=lanes == 1 and _worth_pairing(kernel, assembly))
            known = code, work(prepared.body)
            self._keep(key, {ASSEMBLY: assembly, CODE: code, WORK: f"{known[1]} {_digest(code)}"})
        self.cache.used(key)
        code, operations = known
        native = load_code(code, kernel_symbol(kernel))
        return CpuKernel(kernel, dtype, lanes, halo, folder, native, operations, self.grain, optimise)

    def _keep(self, key: str, files: Mapping[str, str | bytes]) -> None:
        """Write what was made, where nobody has written it meanwhile; a full disk or a foreign folder loses no run."""
        folder = self.cache.place(key)
        if _kept(folder) is not None:
            return
        with suppress(OSError):
            for name in (CODE, WORK):  # what is there is not whole
                (folder / name).unlink(missing_ok=True)
            self.cache.write(key, files)

    def compile_program(
        self, program: Program, dtype: str = "float64", halo: int = 0, optimise: Optimise | None = None
    ) -> CpuProgram:
        """A program whose repeated launches run in native code; see `interface.CompiledProgram`."""
        halo = max(halo, program_halo(program))
        kernels = {k.name: self.compile(k, dtype, halo, optimise) for k in kernels_of(program)}
        return CpuProgram(program, dtype, halo, kernels)


def _digest(code: bytes) -> str:
    return blake2b(code, digest_size=16).hexdigest()


def _kept(folder: Path) -> tuple[bytes, int | None] | None:
    """Machine code and the operations that it counts; None where it is not there, or is not what was written.

    Read once: another process may write or remove these files at any time.
    """
    try:
        code, known = (folder / CODE).read_bytes(), (folder / WORK).read_text(encoding="utf-8").split()
        operations = None if known[0] == "None" else int(known[0])
    except (OSError, ValueError, IndexError):
        return None
    return (code, operations) if known[1:] == [_digest(code)] else None


PAIRING_LIMIT = 230_000  # characters of assembly: pairing takes seconds beyond, and finds less


def _worth_pairing(kernel: Kernel, assembly: str) -> bool:
    """Whether like operations of scalar code are searched for: in counted loops of code that is not too long.

    Fixed steps of several bodies gain a fifth. Adaptive steps loop while a condition holds: Taylor series of a pendulum
    and of Henon-Heiles ran no faster than without, and compiled 1.3 times as long.
    """
    return len(assembly) < PAIRING_LIMIT and any(isinstance(s, For) for s in kernel.body)


def _prepared(kernel: Kernel, lanes: int, optimise: Optimise | None) -> Kernel:
    """What is printed: the optimised kernel, with reciprocal roots where lanes find them fast."""
    if optimise is None:
        return kernel
    return lift_roots(optimise(kernel)) if lanes > 1 else optimise(kernel)


@lru_cache(maxsize=1)
def _features() -> frozenset[str]:
    """What this processor has of the features of which the printer makes use."""
    import llvmlite.binding

    host = llvmlite.binding.get_host_cpu_features()
    return frozenset(name for name in USED_FEATURES if host.get(name))


@lru_cache(maxsize=1)
def _versions() -> str:
    """What machine code depends on besides the kernel."""
    return f"llvmlite {version('llvmlite')} {' '.join(host())}"
