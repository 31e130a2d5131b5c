"""How a fit is to be made: what `fit` may be told, named, typed, read and checked."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypedDict, Unpack

from symphys.errors import InputError
from symphys.keywords import takes
from symphys.learn.descent import constant, cosine
from symphys.learn.result import Fit
from symphys.simulate.inputs import not_negative, positive_number, precision, whole_number

LEAST_SQUARES, MARQUARDT, ADAM, LBFGS, BOTH = (
    "least squares",
    "Levenberg-Marquardt",
    "Adam",
    "L-BFGS",
    "Adam, then L-BFGS",
)
OPTIMISERS = {
    "auto": "",
    "least_squares": LEAST_SQUARES,
    "levenberg_marquardt": MARQUARDT,
    "adam": ADAM,
    "lbfgs": LBFGS,
    "adam_lbfgs": BOTH,
}
STEPS = {LEAST_SQUARES: 1, MARQUARDT: 200, ADAM: 2000, LBFGS: 1000, BOTH: 2000}
SCHEDULES = {"cosine": cosine, "constant": constant}
SMALL_ENOUGH = 4000  # unknowns up to which Gauss-Newton matrices are formed
LARGE = 1000  # unknowns from which matrix products gain from the threads of BLAS


class FitOptions(TypedDict, total=False):
    """What every fit may be told; `Lagrangian.fit` says what each means."""

    guess: Annotated[Mapping[Any, Any] | None, None]
    bounds: Annotated[Mapping[Any, tuple[float, float]] | None, None]
    weights: Annotated[Mapping[Any, Any] | None, None]
    optimizer: Annotated[str, "auto"]
    steps: Annotated[int | None, None]
    learning_rate: Annotated[float, 1e-3]
    schedule: Annotated[str | Callable[[float], float], "cosine"]
    batch: Annotated[int | None, None]
    seed: Annotated[int, 0]
    regularisation: Annotated[float, 0.0]
    validation: Annotated[Any, None]
    patience: Annotated[int | None, None]
    start: Annotated[Fit | str | Path | None, None]
    checkpoint: Annotated[str | Path | None, None]
    progress: Annotated[bool | Callable[[float], None] | None, None]
    tries: Annotated[int, 1]


class MotionOptions(FitOptions, total=False):
    """What a fit of something that moves may be told besides."""

    method: Annotated[str, "auto"]
    dt: Annotated[float | None, None]
    dtype: Annotated[str, "float64"]


class LossOptions(MotionOptions, total=False):
    """What a fit may be told whose loss the user may write himself."""

    loss: Annotated[Any, None]


@takes(LossOptions)
def read_options(**options: Unpack[LossOptions]) -> LossOptions:
    """The options of a fit, checked, with the defaults of those that were not given."""
    plain = options["optimizer"].lower().replace("-", "_").replace(" ", "_").replace("l_bfgs", "lbfgs")
    if plain not in OPTIMISERS:
        raise InputError(f"optimizer {options['optimizer']!r} is unknown; choose one of {', '.join(OPTIMISERS)}")
    if not callable(options["schedule"]) and options["schedule"] not in SCHEDULES:
        raise InputError(
            f"schedule {options['schedule']!r} is unknown; choose one of {', '.join(SCHEDULES)}, or give a function of "
            "the share of the steps that is done"
        )
    positive_number("learning_rate", options["learning_rate"])
    not_negative("regularisation", options["regularisation"])
    for name, number in (("steps", options["steps"]), ("batch", options["batch"]), ("patience", options["patience"])):
        if number is not None:
            whole_number(name, number)
    whole_number("tries", options["tries"])
    if options["tries"] > 1 and options["start"] is not None:
        raise InputError(
            f"tries = {options['tries']} draws first weights anew, and start gives them; leave one of them out"
        )
    if options["dt"] is not None:
        positive_number("dt", options["dt"])
    if options["checkpoint"] is not None and Path(options["checkpoint"]).suffix != ".npz":
        raise InputError(f"checkpoint = {str(options['checkpoint'])!r}; give a path that ends in .npz")
    return {**options, "optimizer": OPTIMISERS[plain], "dtype": precision(options["dtype"])}


def rate_schedule(schedule: str | Callable[[float], float]) -> Callable[[float], float]:
    """The factor of the learning rate, a function of the share of the steps that is done."""
    return schedule if callable(schedule) else SCHEDULES[schedule]
