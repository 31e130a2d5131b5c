"""Programs on the CPU: repeated launches run in native code, transforms by the fastest library that is installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from codegen.errors import CompilerBug
from codegen.interpret_program import complex_view, size_of
from codegen.program import Intent, Launch, Program, Repeat, Step, Transform
from codegen.schedule import SMALL, shares

from .cpu_native import Prepared, prepare, run_piece, together
from .cpu_pieces import Bound, Operation, Piece, Segment, joins
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
            self._known.setdefault(key, Operation(launch, self.kernels[launch.kernel.name]))
        known: Operation = self._known[key]
        return known

    def pieces(self, body: tuple[Step, ...]) -> tuple[Piece | Transform | Repeat, ...]:
        """A sequence with what native code can take in one piece without a return to Python put together."""
        key = ("pieces", id(body))
        if key not in self._known:
            found: list[Piece | Transform | Repeat] = []
            waiting: list[Segment] = []
            for step in body:
                segment = self._segment(step)
                if waiting and (segment is None or not joins(waiting, segment)):
                    found.append(Piece(tuple(waiting)))
                    waiting = []
                if segment is not None:
                    waiting.append(segment)
                elif not isinstance(step, Launch):
                    found.append(step)
            made = (*found, *([Piece(tuple(waiting))] if waiting else []))
            self._known.setdefault(key, made)  # of two threads the first: by the ids of its pieces more is kept
        known: tuple[Piece | Transform | Repeat, ...] = self._known[key]
        return known

    def _segment(self, step: Step) -> Segment | None:
        """A launch, or a repetition of launches that sum nothing up; else None."""
        if isinstance(step, Launch):
            return Segment((self.operation(step),))
        if not isinstance(step, Repeat):
            return None
        launches = [s for s in step.body if isinstance(s, Launch) and not sums_up(s)]
        if not launches or len(launches) < len(step.body):
            return None
        return Segment(tuple(self.operation(s) for s in launches), step.count, step.counter, step.stride)

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
    kept: list[Any] = field(default_factory=list)  # argument tables whose addresses have been given away

    def steps(self, body: tuple[Step, ...]) -> None:
        """Steps one after the other."""
        for piece in self.compiled.pieces(body):
            match piece:
                case Piece():
                    self.natively(piece)
                case Transform():
                    self.plan(piece)()
                case Repeat():
                    self.repeat(piece)

    def natively(self, piece: Piece) -> None:
        """A piece by native code; a launch that stands alone is shared out as such."""
        if piece.alone is not None:
            self.launch(self.bind(piece.alone.launch))
            return
        known, key = self.compiled._known, ("prepared", id(piece))
        sizes = tuple([int(self.scalars[name]) for name in piece.sizes])
        prepared: Prepared | None = known.get(key)
        if prepared is None or not prepared.fits(self.arrays, sizes):
            bound = [self.bind(op.launch) for op in piece.operations]
            prepared = known[key] = prepare(piece, bound, self.arrays, sizes)
        wraps = self.compiled.program.wraps
        run_piece(piece, prepared, self.arrays, self.scalars, self.threads, wraps, known)

    def bind(self, launch: Launch) -> Bound:
        """A launch with its arrays and the present scalars; CompilerBug where they do not fit."""
        operation = self.compiled.operation(launch)
        kernel, names = operation.kernel, operation.names
        arrays = {a.name: self.arrays[names[a.name]] for a in kernel.kernel.arrays}
        scalars = {s.name: self.scalars[names[s.name]] for s in kernel.kernel.scalars}
        extents = tuple(size_of(e, self.scalars) for e in launch.extents)
        lanes = -(-extents[-1] // kernel.lanes) * kernel.lanes
        check_arrays(kernel.kernel, arrays, scalars, self.compiled.dtype, lanes + 2 * kernel.halo)
        return Bound(operation, arrays, scalars, extents)

    def launch(self, bound: Bound) -> None:
        """One launch; sums start from zero."""
        for _, name in bound.operation.sums:
            self.arrays[name][...] = 0
        threads = self.threads if bound.place.work > SMALL else 1
        bound.operation.kernel(bound.arrays, bound.scalars, bound.extents, threads)

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
        kernel, place, slot = bound.operation.kernel, bound.place, bound.operation.slot(counter)
        launch, work = (
            kernel.launch,
            shares(0, place.rows * place.row_blocks, self.threads if place.work > SMALL else 1),
        )
        made = [kernel.table(bound.arrays, bound.scalars, bound.extents) for _ in work]
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
