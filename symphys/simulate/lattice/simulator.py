"""A field theory compiled for a grid: runs it, on one initial state or on ensembles."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import get_backend
from symphys.discretise import Grid
from symphys.errors import InputError
from symphys.fields.dynamics import FieldDynamics
from symphys.simulate.execute import cores
from symphys.simulate.inputs import positive_number, read_span, read_times, whole_number
from symphys.simulate.lattice.choose import FieldChoice, choose_field_method
from symphys.simulate.lattice.given import Inputs, read_inputs
from symphys.simulate.lattice.machine import Machine, build_machine
from symphys.simulate.lattice.residual import residual_of
from symphys.simulate.lattice.result import FieldResult
from symphys.simulate.lattice.running import Run
from symphys.simulate.progress import progress_report
from symphys.simulate.run_fixed import Marks, read_marks
from symphys.simulate.status import Outcome

PORTION = 1 << 25  # sites times steps between looks at progress and at states that left the finite world
LARGEST = 8 << 30  # bytes of results above which a run is refused before it starts


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

    @cached_property
    def machine(self) -> Machine:
        """The compiled programs."""
        return build_machine(self.choice.layout, self.choice.plan(), get_backend(self.backend), self.dtype)

    @property
    def source(self) -> str:
        """The kernels that run, as readable Python with the physics named."""
        return str(self.machine.advance.source)

    def run(
        self,
        initial: Mapping[Any, Any],
        parameters: Mapping[Any, Any] | None = None,
        t_span: tuple[float, float] | None = None,
        *,
        dt: float | None = None,
        t_eval: Any = None,
        save_every: int | None = None,
        threads: int | None = None,
        progress: bool | Callable[[float], None] | None = None,
    ) -> FieldResult:
        """Integrate fields from `initial` over `t_span` in round((t1 - t0) / dt) steps.

        initial: {label: [*grid]} for each field, and for its rate where its equation is of second order; a number is a
        constant. More axes in front make an ensemble, as arrays of parameters do; they broadcast against each other.
        parameters: numbers for parameters; for external functions arrays over their coordinates, or callables of these.
        t_eval gives the times to save (multiples of dt), save_every every n-th step and the start; with neither every
        step is saved. Conservation laws are watched at the saved times. threads defaults to all cores; progress shows
        a bar, or is a function that is told the share done.

        Raises InputError for missing, unknown, non-finite or forbidden values, shapes that do not fit, times between
        steps, and results larger than 8 GiB. A run that fails on its way raises nothing: its status says why, and what
        was saved is kept.
        """
        span = read_span(t_span)
        if dt is None:
            raise InputError("fields are integrated with a fixed step; give dt")
        times = None if t_eval is None else read_times(t_eval, span)
        every = None if save_every is None else whole_number("save_every", save_every)
        if times is not None and every is not None:
            raise InputError("t_eval and save_every were both given; give one of them")
        inputs = read_inputs(self.dynamics, self.grid, initial, dict(parameters or {}))
        steps = abs(span[1] - span[0]) / positive_number("dt", dt)
        self._check_size(inputs, round(steps / (every or 1)) if times is None else len(times))
        marks = read_marks(span, dt, times, every)
        report, finish = progress_report(progress)
        count = cores() if threads is None else whole_number("threads", threads)
        try:
            members = [
                self._member(inputs, member, span[0], marks, count, _portion(report, i, inputs.shape))
                for i, member in enumerate(_members(inputs.shape))
            ]
        finally:
            finish()
        return self._collect(inputs, span[0], marks, members, count)

    def start(self, inputs: Inputs, member: tuple[int, ...], t_start: float, h: float, threads: int) -> Run:
        """One member of an ensemble in memory, at its initial state."""
        numbers = {symbol: float(np.broadcast_to(a, inputs.shape)[member]) for symbol, a in inputs.numbers.items()}
        run = Run(self.machine, self.grid, numbers, inputs.functions, h, t_start, threads)
        run.put({label: member_of(a, inputs.shape, self.grid.shape, member) for label, a in inputs.state.items()})
        return run

    def _member(
        self,
        inputs: Inputs,
        member: tuple[int, ...],
        t_start: float,
        marks: Marks,
        threads: int,
        report: Callable[[float], None],
    ) -> Member:
        run = self.start(inputs, member, t_start, marks.h, threads)
        member_run = Member([], [], [], Outcome.FINISHED, t_start)
        portion = max(1, PORTION // int(np.prod(self.grid.shape)))
        try:
            for step in marks.steps:
                while run.k < step:
                    run.go(min(portion, int(step) - run.k))
                    report(run.k / max(marks.count, 1))
                    if not _finite(run):
                        member_run.outcome = Outcome.NOT_FINITE
                        return member_run
                member_run.keep(run)
            while run.k < marks.count:
                run.go(min(portion, marks.count - run.k))
                if not _finite(run):
                    member_run.outcome = Outcome.NOT_FINITE
                    return member_run
                member_run.reached = run.time
        except KeyboardInterrupt:
            member_run.outcome = Outcome.INTERRUPTED
        return member_run

    def _check_size(self, inputs: Inputs, rows: int) -> None:
        numbers = sum(2 if np.iscomplexobj(a) else 1 for a in inputs.state.values())
        sites = int(np.prod(self.grid.shape)) * max(1, int(np.prod(inputs.shape)))
        size = numbers * sites * rows * np.dtype(self.dtype).itemsize
        if size > LARGEST:
            raise InputError(f"saving {rows} times of {sites} sites takes {size / 2**30:.0f} GiB; give save_every")

    def _collect(
        self, inputs: Inputs, t_start: float, marks: Marks, members: list[Member], threads: int
    ) -> FieldResult:
        shape = inputs.shape
        rows = max(len(m.states) for m in members) if not shape else len(marks.steps)
        states = {}
        for label in inputs.state:
            first = members[0].states[0][label]
            whole = np.full((len(members), rows, *self.grid.shape), np.nan, dtype=first.dtype)
            for i, m in enumerate(members):
                for row, state in enumerate(m.states):
                    whole[i, row] = state[label]
            states[label] = whole.reshape(*shape, rows, *self.grid.shape)
        laws = self.machine.laws
        drift, totals, sizes = {}, {}, {}
        for number, law in enumerate(laws):
            drift[law.name] = np.array([m.drift(number) for m in members]).reshape(shape)
            courses = np.full((2, len(members), rows), np.nan)
            for i, m in enumerate(members):
                courses[0, i, : len(m.totals)] = [t[number] for t in m.totals]
                courses[1, i, : len(m.sizes)] = [s[number] for s in m.sizes]
            totals[law.name], sizes[law.name] = courses.reshape(2, *shape, rows)
        outcomes = np.empty(len(members), dtype=object)
        outcomes[:] = [m.outcome for m in members]
        written = self.dynamics.jets.from_jet
        return FieldResult(
            np.asarray(marks.times[:rows], dtype=np.float64),
            states,
            self.grid,
            dict(inputs.numbers),
            drift,
            outcomes.reshape(shape),
            np.array([m.reached for m in members]).reshape(shape),
            marks,
            self.choice.method.name,
            self.choice.derivatives,
            {law.name: written(sum(law.terms)) for law in laws},
            totals,
            sizes,
            str(self.dynamics.time),
            t_start,
            residual_of(self, inputs, t_start, marks, states, threads),
        )


@dataclass
class Member:
    """What one run of an ensemble has left so far."""

    states: list[dict[Any, NDArray[Any]]]
    totals: list[NDArray[np.float64]]
    sizes: list[NDArray[np.float64]]
    outcome: Outcome
    reached: float

    def keep(self, run: Run) -> None:
        """Save the present state and its measures."""
        self.states.append(run.state())
        total, size = run.totals()
        self.totals.append(total)
        self.sizes.append(size)
        self.reached = run.time

    def drift(self, law: int) -> float:
        """The largest change of the integral of a law, by the largest integral of the absolute values of its terms."""
        course = np.array([t[law] for t in self.totals])
        scale = max(s[law] for s in self.sizes)
        return float(np.abs(course - course[0]).max() / scale) if scale > 0 else 0.0


def build_field_simulator(
    dynamics: FieldDynamics, grid: Any, method: str, order: int | None, backend: str, dtype: str
) -> FieldSimulator:
    """A simulator for a derived theory.

    Raises InputError for what is no grid, an unknown backend, dtype or order, BackendUnavailableError where the backend
    cannot run here, MethodError for a method that is unknown or does not suit the theory.
    """
    if not isinstance(grid, Grid):
        raise InputError(f"grid is {grid!r}; give a Grid, such as Grid({{x: (-10, 10, 256)}})")
    if dtype not in ("float64", "float32"):
        raise InputError(f"dtype {dtype!r} is unknown; choose 'float64' or 'float32'")
    get_backend(backend)
    return FieldSimulator(dynamics, grid, choose_field_method(dynamics, grid, method, order), backend, dtype)


def _members(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    return itertools.product(*(range(n) for n in shape))


def member_of(
    values: NDArray[Any], shape: tuple[int, ...], grid: tuple[int, ...], member: tuple[int, ...]
) -> NDArray[Any]:
    """The field of one member of an ensemble, [*grid]."""
    return np.broadcast_to(values, (*shape, *grid))[member]


def _finite(run: Run) -> bool:
    return all(bool(np.isfinite(a).all()) for a in run.state().values())


def _portion(report: Callable[[float], None], number: int, shape: tuple[int, ...]) -> Callable[[float], None]:
    """The report of one member as a share of all."""
    total = max(1, int(np.prod(shape)))
    return lambda share: report((number + share) / total)
