"""What runs may be told, and the checks that all of them begin with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.simulate.events import Event
from symphys.simulate.execute import cores
from symphys.simulate.inputs import not_negative, positive_number, read_span, read_times, whole_number
from symphys.simulate.request import Tolerances
from symphys.simulate.run_fixed import Marks, read_marks

DEFAULT_RTOL = 1e-9
MAX_STEPS = 100_000_000


class CourseOptions(TypedDict, total=False):
    """How any run is carried out."""

    threads: Annotated[int | None, None]
    progress: Annotated[bool | Callable[[float], None] | None, None]


class RowOptions(TypedDict, total=False):
    """What any run saves."""

    t_eval: Annotated[Any, None]
    save_every: Annotated[int | None, None]


class ArrayOptions(TypedDict, total=False):
    """Whose arrays a result holds."""

    arrays: Annotated[str, "numpy"]


class SteerOptions(TypedDict, total=False):
    """How trajectories are integrated; `Simulator.run` says what each means."""

    dt: Annotated[float | None, None]
    rtol: Annotated[float | None, None]
    atol: Annotated[float | None, None]
    max_steps: Annotated[int, MAX_STEPS]
    max_step: Annotated[float | None, None]
    first_step: Annotated[float | None, None]
    compensated: Annotated[bool | None, None]
    project_initial: Annotated[bool, False]
    events: Annotated[Event | Sequence[Event], ()]
    watch_every: Annotated[int, 1]
    devices: Annotated[int | None, None]


class RunOptions(SteerOptions, ArrayOptions, RowOptions, CourseOptions, total=False):
    """What a run of trajectories may be told."""


class GuidedOptions(SteerOptions, ArrayOptions, CourseOptions, total=False):
    """What runs may be told whose rows are chosen for the user."""


FIXED_STEPS = MappingProxyType(
    dict.fromkeys(
        ("rtol", "atol", "max_step", "first_step"),
        "steps have one length, dt, and no error is estimated: take a smaller dt, compare with half of it",
    )
)  # what those who know runs of trajectories may look for


class StepOptions(TypedDict, total=False):
    """The step of what moves by fixed steps alone."""

    dt: Annotated[float | None, None]


class SpeciesOptions(TypedDict, total=False):
    """What each particle is: a name for each, where particles have species."""

    species: Annotated[Any, None]


class BodyOptions(SpeciesOptions, total=False):
    """What concerns particles alone; `ParticleSimulator.run` says what each means."""

    force_limit: Annotated[float | None, None]
    seed: Annotated[int, 0]
    project_initial: Annotated[bool, False]
    watch_every: Annotated[int | None, None]


class ParticleRunOptions(StepOptions, RowOptions, BodyOptions, ArrayOptions, CourseOptions, total=False):
    """What a run of particles may be told."""


class FileOptions(TypedDict, total=False):
    """What a run of fields leaves, and where; `FieldSimulator.run` says what each means."""

    out: Annotated[str | Path | None, None]
    keep: Annotated[Any, None]
    checkpoint: Annotated[str | Path | None, None]
    checkpoint_every: Annotated[int, 1]


class ResumeOptions(RowOptions, FileOptions, CourseOptions, total=False):
    """What a run of fields may be told where it goes on."""


class FieldRunOptions(StepOptions, ResumeOptions, ArrayOptions, total=False):
    """What a run of fields may be told."""


@dataclass(frozen=True)
class Rows:
    """The span of a run, and where it saves: at `times` [rows], at every `every`-th step, or (None, None) at each."""

    span: tuple[float, float]
    times: NDArray[np.float64] | None
    every: int | None

    def number(self, dt: float) -> int:
        """How many rows there are with steps of dt, beside that of the start."""
        steps = abs(self.span[1] - self.span[0]) / positive_number("dt", dt)
        return round(steps / (self.every or 1)) if self.times is None else len(self.times)

    def marks(self, what: str, dt: float | None) -> Marks:
        """The steps of a run with a fixed step alone, and those that are saved; `what` moves so."""
        if dt is None:
            raise InputError(f"{what} are integrated with a fixed step; give dt")
        return read_marks(self.span, positive_number("dt", dt), self.times, self.every)


def read_rows(t_span: Any, t_eval: Any, save_every: int | None) -> Rows:
    """Where a run starts, ends and saves; InputError for times outside, and for both kinds of rows at once."""
    span = read_span(t_span)
    times = None if t_eval is None else read_times(t_eval, span)
    every = None if save_every is None else whole_number("save_every", save_every)
    if times is not None and every is not None:
        raise InputError("t_eval and save_every were both given; give one of them")
    return Rows(span, times, every)


def read_tolerances(span: tuple[float, float], options: SteerOptions) -> Tolerances:
    """What steers the steps of an adaptive run, with the defaults of what was not given."""
    tolerance = positive_number("rtol", DEFAULT_RTOL if options["rtol"] is None else options["rtol"])
    return Tolerances(
        tolerance,
        tolerance if options["atol"] is None else not_negative("atol", options["atol"]),
        abs(span[1] - span[0]) if options["max_step"] is None else positive_number("max_step", options["max_step"]),
        0.0 if options["first_step"] is None else positive_number("first_step", options["first_step"]),
        whole_number("max_steps", options["max_steps"]),
    )


def read_threads(threads: int | None) -> int:
    """How many threads run; all cores by default."""
    return cores() if threads is None else whole_number("threads", threads)
