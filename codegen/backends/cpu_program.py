"""Programs on the CPU: repeated launches run in native code, transforms by the fastest library that is installed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from codegen.errors import CompilerBug
from codegen.interpret_program import complex_view, size_of
from codegen.program import EVERYWHERE, Intent, Launch, Program, Repeat, Step, Transform
from codegen.schedule import CACHE, SMALL, shares, skews, tiling

from .interface import Arrays, Scalars, check_arrays
from .transforms import plan_transform

if TYPE_CHECKING:
    from .cpu import CpuKernel


@dataclass(frozen=True)
class CpuProgram:
    """A program, compiled; calling it runs it in place."""

    program: Program
    dtype: str
    halo: int
    kernels: Mapping[str, CpuKernel] = field(repr=False)

    @property
    def source(self) -> str:
        """The sources of its kernels, as readable Python."""
        return "\n\n".join(kernel.source for kernel in self.kernels.values())

    def __call__(self, arrays: Arrays, scalars: Scalars, threads: int = 1) -> None:
        """Run in place; see `interface.CompiledProgram`."""
        present = dict(scalars)
        with ThreadPoolExecutor(max(threads, 1)) as pool:
            _Run(self, arrays, present, threads, pool).steps(self.program.body)


@dataclass(frozen=True)
class _Bound:
    """A launch with its numbers: which code runs on how many blocks, and what it is told."""

    kernel: CpuKernel
    arrays: Mapping[str, NDArray[Any]]
    scalars: Mapping[str, float | int]
    extents: tuple[int, ...]
    reach: int

    @property
    def row_blocks(self) -> int:
        """The blocks of one index of the first outer axis; all, where there is none."""
        outer = self.extents[1:-1]
        return math.prod(outer) * -(-self.extents[-1] // self.kernel.lanes)

    @property
    def rows(self) -> int:
        return self.extents[0] if len(self.extents) > 1 else 1

    @property
    def columns(self) -> int:
        """The indices of the second outer axis; one, where there is none."""
        return self.extents[1] if len(self.extents) > 2 else 1

    @property
    def work(self) -> int:
        """The bytes that it goes through; all of them at every row, where each row looks at all others."""
        size = sum(a.nbytes for a in self.arrays.values())
        return size * self.rows if self.reach >= EVERYWHERE else size


@dataclass
class _Run:
    """One run of a program: its arrays, the present values of its scalars, and the threads."""

    compiled: CpuProgram
    arrays: Arrays
    scalars: dict[str, float | int]
    threads: int
    pool: ThreadPoolExecutor
    kept: list[Any] = field(default_factory=list)  # argument tables whose addresses have been given away

    def steps(self, body: tuple[Step, ...]) -> None:
        for step in body:
            match step:
                case Launch():
                    self.launch(step)
                case Transform():
                    self.plan(step)()
                case Repeat():
                    self.repeat(step)

    def bind(self, launch: Launch) -> _Bound:
        """A launch with its arrays and the present scalars; CompilerBug where they do not fit."""
        kernel = self.compiled.kernels[launch.kernel.name]
        names = dict(launch.rename)
        arrays = {a.name: self.arrays[names.get(a.name, a.name)] for a in kernel.kernel.arrays}
        scalars = {s.name: self.scalars[names.get(s.name, s.name)] for s in kernel.kernel.scalars}
        extents = tuple(size_of(e, self.scalars) for e in launch.extents)
        lanes = -(-extents[-1] // kernel.lanes) * kernel.lanes
        check_arrays(kernel.kernel, arrays, scalars, self.compiled.dtype, lanes + 2 * kernel.halo)
        return _Bound(kernel, arrays, scalars, extents, launch.reach)

    def launch(self, launch: Launch) -> None:
        """One launch; sums start from zero."""
        bound = self.bind(launch)
        for array in bound.kernel.kernel.arrays:
            if array.intent is Intent.SUM:
                bound.arrays[array.name][...] = 0
        bound.kernel(bound.arrays, bound.scalars, bound.extents, self.threads if bound.work > SMALL else 1)

    def repeat(self, step: Repeat) -> None:
        count, body = size_of(step.count, self.scalars), step.body
        if count <= 0:
            return
        launches = [inner for inner in body if isinstance(inner, Launch)]
        if len(launches) == len(body) and not any(_sums(launch) for launch in launches):
            self.natively(count, launches, step.counter, step.stride)
            self.count(step, count)
        elif any(isinstance(inner, Repeat) for inner in body):
            for _ in range(count):
                self.steps(body)
                self.count(step)
        else:
            actions = [self.action(inner, step.counter) for inner in body]  # everything is bound once
            for _ in range(count):
                for act in actions:
                    act()
                self.count(step)

    def count(self, step: Repeat, times: int = 1) -> None:
        """Let the counter of a repetition go on."""
        if step.counter is not None:
            self.scalars[step.counter] += times * step.stride

    def natively(self, count: int, launches: Sequence[Launch], counter: str | None, stride: int) -> None:
        """Many steps without a return to Python, in turn or tiled."""
        from .numba_driver import entry_address, run_in_turn, run_tiled

        bound = [self.bind(launch) for launch in launches]
        rows = bound[0].rows
        alike = all(b.rows == rows for b in bound) and rows > 1
        total = sum(a.nbytes for a in {id(a): a for b in bound for a in b.arrays.values()}.values())
        everywhere = any(b.reach >= EVERYWHERE for b in bound)
        threads = max(1, self.threads) if max(total, *(b.work for b in bound)) > SMALL else 1
        clock = (int(self.scalars[counter]) if counter is not None else 0, stride)
        names = [dict(launch.rename) for launch in launches]
        slots = np.array([_counter_slot(b.kernel, n, counter) for b, n in zip(bound, names, strict=True)])
        addresses = np.array([entry_address(b.kernel.launch) for b in bound])
        barrier = np.zeros(8, dtype=np.int64)
        own = shares(0, rows, threads) if alike else []
        columns = bound[0].columns if all(b.columns == bound[0].columns for b in bound) else 1
        wraps = self.compiled.program.wraps
        tiles, lags = None, np.zeros(0, dtype=np.int64)
        if alike and not everywhere and total > CACHE:
            whole = threads == 1 and not wraps
            lags = np.array(skews([_accesses(launch) for launch in launches]))
            tiles = tiling(int(lags.sum()), total // rows, min(b - a for a, b in own), whole, columns)
        if tiles is None:
            parts = [shares(0, b.rows * b.row_blocks, threads) for b in bound]
            threads = max(len(part) for part in parts)
            given = [np.array([part[me] if me < len(part) else (0, 0) for part in parts]) for me in range(threads)]
        else:
            threads = len(own)
        tables = [_tables(bound) for _ in range(threads)]

        def work_of(me: int) -> None:
            if tiles is None:
                run_in_turn(addresses, tables[me], slots, given[me], count, clock, threads, barrier.ctypes.data)
                return
            begin, end = own[me]
            edges = (begin, end, int(wraps or me > 0), int(wraps or me < len(own) - 1))
            tile = (tiles.steps, tiles.band, min(tiles.chunk, columns))
            run_tiled(
                addresses, tables[me], slots, np.array([b.row_blocks // columns for b in bound]), lags, edges,
                (rows, columns), count, clock, tile, threads, barrier.ctypes.data,
            )  # fmt: skip

        self.together(work_of, threads)

    def plan(self, step: Transform) -> Callable[[], None]:
        extent = size_of(step.extent, self.scalars)
        given, made = (complex_view(self.arrays[name], extent) for name in (step.source, step.output))
        return plan_transform(given, made, step.inverse, step.kinds, step.scaled, self.threads)

    def action(self, step: Step, counter: str | None) -> Callable[[], None]:
        if isinstance(step, Transform):
            return self.plan(step)
        if not isinstance(step, Launch):
            raise CompilerBug("a repetition inside a repetition is run step by step")
        bound = self.bind(step)
        launch, slot = bound.kernel.launch, _counter_slot(bound.kernel, dict(step.rename), counter)
        work = shares(0, bound.rows * bound.row_blocks, self.threads if bound.work > SMALL else 1)
        made = [bound.kernel.table(bound.arrays, bound.scalars, bound.extents) for _ in work]
        tables, partial_sums = [table for table, _ in made], [sums for _, sums in made]
        calls = [(a, b, table.ctypes.data) for (a, b), table in zip(work, tables, strict=True)]
        self.kept += made
        if len(calls) == 1 and slot < 0 and not _sums(step):
            return partial(launch, *calls[0])
        pool, scalars, arrays = self.pool, self.scalars, bound.arrays

        def run() -> None:
            if slot >= 0 and counter is not None:
                for table in tables:
                    table[slot] = int(scalars[counter])
            for sums in partial_sums:
                for part in sums.values():
                    part[...] = 0
            waiting = [pool.submit(launch, *call) for call in calls[1:]]
            launch(*calls[0])
            for future in waiting:
                future.result()
            for name in partial_sums[0]:  # in the order of the blocks: the same for the same number of threads
                arrays[name][...] = sum(sums[name] for sums in partial_sums)

        return run

    def together(self, work: Callable[[int], None], threads: int) -> None:
        """work(0) here, work(1), ... in threads of their own; an error of any is raised here."""
        waiting = [self.pool.submit(work, me) for me in range(1, threads)]
        work(0)
        for future in waiting:
            future.result()


def _accesses(launch: Launch) -> dict[str, tuple[bool, int]]:
    """By array of the program: whether a launch writes it, and how far it reaches in it."""
    names = dict(launch.rename)
    found: dict[str, tuple[bool, int]] = {}
    for array in launch.kernel.arrays:
        written = array.intent is not Intent.IN
        found[names.get(array.name, array.name)] = (written, 0 if written else launch.reach)
    return found


def _sums(launch: Launch) -> bool:
    return any(a.intent is Intent.SUM for a in launch.kernel.arrays)


def _counter_slot(kernel: CpuKernel, names: Mapping[str, str], counter: str | None) -> int:
    """Where the counter of a repetition stands in the table of a kernel, under the name the kernel has for it."""
    for scalar in kernel.kernel.scalars:
        if counter is not None and names.get(scalar.name, scalar.name) == counter:
            return kernel.slot(scalar.name)
    return -1


def _tables(bound: Sequence[_Bound]) -> NDArray[np.uint64]:
    """The argument tables of all operations [ops, entries], a copy for each thread."""
    rows = [b.kernel.table(b.arrays, b.scalars, b.extents)[0] for b in bound]
    out = np.zeros((len(rows), max(len(r) for r in rows)), dtype=np.uint64)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out
