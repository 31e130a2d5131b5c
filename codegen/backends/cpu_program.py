"""Programs on the CPU: repeated launches run in native code, transforms by the fastest library that is installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from codegen.errors import CompilerBug
from codegen.interpret_program import complex_view, size_of
from codegen.program import Intent, Launch, Program, Repeat, Step, Transform
from codegen.schedule import SMALL, shares

from .cpu_native import Bound, Operation, Segment, joins, run_segments, together
from .interface import Arrays, Scalars, address, check_arrays
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
    _known: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def source(self) -> str:
        """The sources of its kernels, as readable Python."""
        return "\n\n".join(kernel.source for kernel in self.kernels.values())

    def operation(self, launch: Launch) -> Operation:
        """A launch of the program with its kernel, and what follows from both."""
        key = id(launch)
        if key not in self._known:
            self._known[key] = Operation(launch, self.kernels[launch.kernel.name])
        known: Operation = self._known[key]
        return known

    def __call__(self, arrays: Arrays, scalars: Scalars, threads: int = 1) -> None:
        """Run in place; see `interface.CompiledProgram`."""
        _Run(self, arrays, dict(scalars), threads).steps(self.program.body)


@dataclass
class _Run:
    """One run of a program: its arrays, the present values of its scalars, and the threads."""

    compiled: CpuProgram
    arrays: Arrays
    scalars: dict[str, float | int]
    threads: int
    checked: set[tuple[Any, ...]] = field(default_factory=set)  # arrays that fit their kernels
    kept: list[Any] = field(default_factory=list)  # argument tables whose addresses have been given away

    def steps(self, body: tuple[Step, ...]) -> None:
        """Steps one after the other; those that native code can take in one piece without a return to Python."""
        waiting: list[Segment] = []
        for step in body:
            segment = self.segment(step)
            if segment is None or not joins(waiting, segment):
                self.natively(waiting)
                waiting = []
            if segment is not None:
                waiting += [segment] if segment.count > 0 else []
            elif isinstance(step, Transform):
                self.plan(step)()
            elif isinstance(step, Repeat):
                self.repeat(step)
        self.natively(waiting)

    def segment(self, step: Step) -> Segment | None:
        """A launch, or a repetition of launches that sum nothing up, with the counters of its turn; else None.

        The counters go on as if it were done.
        """
        if isinstance(step, Launch):
            return Segment((self.bind(step),))
        if not isinstance(step, Repeat) or not all(isinstance(s, Launch) and not sums_up(s) for s in step.body):
            return None
        count = max(0, size_of(step.count, self.scalars))
        start = int(self.scalars[step.counter]) if step.counter is not None else 0
        bound = tuple(self.bind(s) for s in step.body if isinstance(s, Launch)) if count else ()
        self.count(step, count)
        return Segment(bound, count, step.counter, start, step.stride)

    def natively(self, segments: Sequence[Segment]) -> None:
        """Segments in one piece; a launch that stands alone is shared out as such."""
        if len(segments) == 1 and segments[0].counter is None and segments[0].count == len(segments[0].bound) == 1:
            self.launch(segments[0].bound[0])
        elif segments:
            run_segments(segments, self.threads, self.compiled.program.wraps, self.compiled._known)

    def bind(self, launch: Launch) -> Bound:
        """A launch with its arrays and the present scalars; CompilerBug where they do not fit."""
        operation = self.compiled.operation(launch)
        kernel, names = operation.kernel, operation.names
        arrays = {a.name: self.arrays[names[a.name]] for a in kernel.kernel.arrays}
        scalars = {s.name: self.scalars[names[s.name]] for s in kernel.kernel.scalars}
        extents = tuple(size_of(e, self.scalars) for e in launch.extents)
        lanes = -(-extents[-1] // kernel.lanes) * kernel.lanes
        what = (kernel.kernel.name, lanes, *map(id, arrays.values()))
        if what not in self.checked:
            check_arrays(kernel.kernel, arrays, scalars, self.compiled.dtype, lanes + 2 * kernel.halo)
            self.checked.add(what)
        return Bound(operation, arrays, scalars, extents)

    def launch(self, bound: Bound) -> None:
        """One launch; sums start from zero."""
        for name in bound.operation.sums:
            bound.arrays[name][...] = 0
        bound.kernel(bound.arrays, bound.scalars, bound.extents, self.threads if bound.work > SMALL else 1)

    def repeat(self, step: Repeat) -> None:
        """A repetition that returns to Python."""
        count = size_of(step.count, self.scalars)
        if any(isinstance(inner, Repeat) for inner in step.body):
            for _ in range(count):
                self.steps(step.body)
                self.count(step)
        elif count > 0:
            actions = [self.action(inner, step.counter) for inner in step.body]  # everything is bound once
            for _ in range(count):
                for act in actions:
                    act()
                self.count(step)

    def count(self, step: Repeat, times: int = 1) -> None:
        """Let the counter of a repetition go on."""
        if step.counter is not None:
            self.scalars[step.counter] += times * step.stride

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
        launch, slot = bound.kernel.launch, bound.operation.slot(counter)
        work = shares(0, bound.rows * bound.row_blocks, self.threads if bound.work > SMALL else 1)
        made = [bound.kernel.table(bound.arrays, bound.scalars, bound.extents) for _ in work]
        tables, partial_sums = [table for table, _ in made], [sums for _, sums in made]
        calls = [(a, b, address(table)) for (a, b), table in zip(work, tables, strict=True)]
        self.kept += made
        if len(calls) == 1 and slot < 0 and not bound.operation.sums:
            return partial(launch, *calls[0])
        scalars, arrays = self.scalars, bound.arrays

        def run() -> None:
            if slot >= 0 and counter is not None:
                for table in tables:
                    table[slot] = int(scalars[counter])
            for sums in partial_sums:
                for part in sums.values():
                    part[...] = 0
            together(lambda me: launch(*calls[me]), len(calls))
            for name in partial_sums[0]:  # in the order of the blocks: the same for the same number of threads
                arrays[name][...] = sum(sums[name] for sums in partial_sums)

        return run


def sums_up(launch: Launch) -> bool:
    """Whether a launch adds to sums."""
    return any(a.intent is Intent.SUM for a in launch.kernel.arrays)
