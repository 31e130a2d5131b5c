"""A field theory compiled for a grid: runs it, on one initial state or on ensembles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from textwrap import indent
from typing import Any, Unpack

import numpy as np

from codegen import get_backend
from symphys.discretise import Grid
from symphys.errors import InputError
from symphys.fields.dynamics import FieldDynamics, Law
from symphys.keywords import takes
from symphys.simulate.inputs import precision
from symphys.simulate.keywords import FIXED_STEPS, FieldRunOptions, ResumeOptions, read_rows, read_threads
from symphys.simulate.lattice.choose import FieldChoice, choose_field_method
from symphys.simulate.lattice.emit import field_source
from symphys.simulate.lattice.follow import Course, follow
from symphys.simulate.lattice.given import Inputs, labels_of, member_of, read_inputs
from symphys.simulate.lattice.machine import Machine, build_machine
from symphys.simulate.lattice.naming import field_name
from symphys.simulate.lattice.output import blank_result, check_size, checkpoints_of, read_output
from symphys.simulate.lattice.record import Record, moved, open_record
from symphys.simulate.lattice.residual import flux_of, residual_of
from symphys.simulate.lattice.result import FieldResult
from symphys.simulate.lattice.resume import copy_rows, course_from, further_marks, read_source
from symphys.simulate.lattice.running import Run
from symphys.simulate.progress import progress_report


@dataclass(frozen=True)
class FieldSimulator:
    """A field theory on a grid, with a method, a backend and a precision; programs are compiled when first needed."""

    dynamics: FieldDynamics
    grid: Grid
    choice: FieldChoice
    backend: str
    dtype: str

    def explain(self) -> str:
        """Which method was chosen, and why."""
        size = " x ".join(map(str, self.grid.shape))
        sides = ", ".join(f"{axis.coordinate}: {axis.boundary}" for axis in self.grid.axes)
        return f"{self.choice.explain()}\ngrid: {size} ({sides})\nbackend: {self.backend}, {self.dtype}"

    def __repr__(self) -> str:
        names = ", ".join(dict.fromkeys(field_name(label) for u in self.dynamics.unknowns for label in labels_of(u)))
        return f"FieldSimulator of {names}\n{indent(self.explain(), '  ')}"

    @cached_property
    def machine(self) -> Machine:
        """The compiled programs."""
        return build_machine(self.choice.layout, self.choice.plan(), get_backend(self.backend), self.dtype)

    @property
    def source(self) -> str:
        """The kernels that run, as readable Python with the physics named."""
        return str(self.machine.advance.source)

    def emit(self, backend: str = "cpu") -> str:
        """The source of the kernels for a backend: "cpu" as readable Python, "llvm", or "cuda"."""
        return field_source(self.choice.plan(), backend, self.dtype)

    @takes(FieldRunOptions, FIXED_STEPS)
    def run(
        self,
        initial: Mapping[Any, Any],
        parameters: Mapping[Any, Any] | None = None,
        t_span: tuple[float, float] | None = None,
        **options: Unpack[FieldRunOptions],
    ) -> FieldResult:
        """Integrate fields from `initial` over `t_span` in round((t1 - t0) / dt) steps.

        initial: {label: [*grid]} for each field, and for its rate where its equation is of second order; a number is a
        constant. More axes in front make an ensemble, as arrays of parameters do; they broadcast against each other.
        parameters: numbers for parameters; for external functions arrays over their coordinates, or callables of these.
        t_eval gives the times to save (multiples of dt), save_every every n-th step and the start; with neither every
        step is saved. Conservation laws are watched at the saved times. threads defaults to all cores; progress shows
        a bar, or is a function that is told the share done.
        out: a file (.nc or .zarr) to which rows go as they are saved, so that memory does not grow; it can be read
        while it is written, and holds all rows up to the last if the process dies. The result reads from it what is
        asked for.
        keep: the fields and rates that are saved, all by default.
        checkpoint: a file (.npz) that holds the whole state at the last saved row, or every `checkpoint_every`-th; it
        is replaced in one go. `resume` goes on from it, or from `out`.
        arrays="cupy" leaves the rows on the device (backend="cuda").

        Raises InputError for missing, unknown, non-finite or forbidden values, shapes that do not fit, times between
        steps, files that cannot be written, and results larger than 8 GiB without `out`. A run that fails on its way
        raises nothing: its status says why, and what was saved is kept.
        """
        rows, dt = read_rows(t_span, options["t_eval"], options["save_every"]), options["dt"]
        if dt is None:
            raise InputError("fields are integrated with a fixed step; give dt")
        inputs = read_inputs(self.dynamics, self.grid, initial, parameters or {})
        output = read_output(self, options, options["arrays"])
        check_size(self, inputs, rows.number(dt), output)
        marks = rows.marks("fields", dt)
        begin = np.zeros(inputs.shape, dtype=np.int64)
        course = Course(inputs, begin, begin == 0, begin > 0, read_threads(options["threads"]), output.stays)
        blank = blank_result(self, inputs, marks, rows.span[0], output)
        record = open_record(blank, output.out, checkpoints_of(inputs, begin, output, self.grid.shape), course.threads)
        return self._follow(course, record, options["progress"])

    @takes(ResumeOptions, FIXED_STEPS)
    def resume(
        self,
        source: FieldResult | str | Path,
        t_end: float | None = None,
        *,
        parameters: Mapping[Any, Any] | None = None,
        **options: Unpack[ResumeOptions],
    ) -> FieldResult:
        """Go on from the last row of a run, as the run itself would have: equal to the last bit.

        source: a result, the file that it was saved in or written to (`out`), or a checkpoint.
        t_end: where to stop, by default where the run was sent; the step stays what it was. t_eval, save_every: the
        rows to add, by default those that were planned, and beyond them as far apart as the last two.
        parameters: external functions, which are not in files; numbers are those of the run.
        The rest is as in `run`. The result holds all rows of the source and the new ones; from a checkpoint, which
        holds the last row alone, those from there on. Drifts are those of the whole run.

        Raises InputError for sources of another theory, grid, method or precision, or without a part of the state;
        where nothing is left to do, and as `run` does.
        """
        came = read_source(self, source)
        output = read_output(self, options)
        marks = further_marks(came, t_end, options["t_eval"], options["save_every"])
        course = course_from(self, came, dict(parameters or {}), read_threads(options["threads"]))
        check_size(self, course.inputs, len(marks.steps), output)
        blank = blank_result(self, course.inputs, marks, came.t_start, output)
        checkpoints = checkpoints_of(course.inputs, course.begin, output, self.grid.shape)
        # beside its place at first, where the source may be
        beside = None if output.out is None else output.out.with_name(f".{output.out.stem}.new{output.out.suffix}")
        record = open_record(blank, beside, checkpoints, course.threads)
        copy_rows(came, record)
        if output.out is not None:
            record = moved(record, output.out)
        return self._follow(course, record, options["progress"])

    def _follow(self, course: Course, record: Record, progress: bool | Callable[[float], None] | None) -> FieldResult:
        report, finish = progress_report(progress)
        try:
            follow(self, course, record, report)
        finally:
            finish()
        result = record.finish()
        after = (self, course.inputs, result, course.threads)
        return replace(result, residual=residual_of(*after), flux=flux_of(*after))

    @property
    def watched(self) -> tuple[Law, ...]:
        """The laws that the grid keeps, as the theory has them."""
        names = {law.name for law in self.machine.laws}
        return tuple(law for law in self.dynamics.laws if law.name in names)

    @property
    def labels(self) -> tuple[Any, ...]:
        """The parts of the state: each field, followed by its rate where its equation is of second order."""
        return tuple(label for u in self.dynamics.unknowns for label in labels_of(u))

    def start(self, inputs: Inputs, member: tuple[int, ...], t_start: float, h: float, threads: int) -> Run:
        """One member of an ensemble in memory, at its initial state."""
        numbers = {symbol: float(np.broadcast_to(a, inputs.shape)[member]) for symbol, a in inputs.numbers.items()}
        run = Run(self.machine, self.grid, numbers, inputs.functions, h, t_start, threads, inputs.weights)
        run.put({label: member_of(a, inputs.shape, self.grid.shape, member) for label, a in inputs.state.items()})
        return run


def build_field_simulator(
    dynamics: FieldDynamics, grid: Any, method: str, order: int | str | None, backend: str, dtype: str
) -> FieldSimulator:
    """A simulator for a derived theory.

    Raises InputError for what is no grid, an unknown backend, dtype or order, BackendUnavailableError where the backend
    cannot run here, MethodError for a method that is unknown or does not suit the theory.
    """
    if not isinstance(grid, Grid):
        raise InputError(f"grid is {grid!r}; give a Grid, such as Grid({{x: (-10, 10, 256)}})")
    dtype = precision(dtype)
    get_backend(backend)
    return FieldSimulator(dynamics, grid, choose_field_method(dynamics, grid, method, order), backend, dtype)
