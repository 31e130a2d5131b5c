"""How a fit is to be made: what `fit` may be told, read and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symphys.errors import InputError
from symphys.learn.descent import constant, cosine
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


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """See `Runnable.fit`, which these are the options of."""

    guess: Mapping[Any, Any] = field(default_factory=dict)
    bounds: Mapping[Any, Any] = field(default_factory=dict)
    loss: Any = None
    weights: Mapping[Any, Any] | None = None
    optimizer: str = "auto"
    steps: int | None = None
    learning_rate: float = 1e-3
    schedule: str | Callable[[float], float] = "cosine"
    batch: int | None = None
    seed: int = 0
    regularisation: float = 0.0
    validation: Any = None
    patience: int | None = None
    method: str = "auto"
    dt: float | None = None
    start: Any = None
    checkpoint: str | Path | None = None
    progress: bool | Callable[[float], None] | None = None
    dtype: str = "float64"
    tries: int = 1

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMISERS.values():  # read before, where other options were replaced
            plain = self.optimizer.lower().replace("-", "_").replace(" ", "_").replace("l_bfgs", "lbfgs")
            if plain not in OPTIMISERS:
                raise InputError(f"optimizer {self.optimizer!r} is unknown; choose one of {', '.join(OPTIMISERS)}")
            object.__setattr__(self, "optimizer", OPTIMISERS[plain])
        if not callable(self.schedule) and self.schedule not in SCHEDULES:
            raise InputError(
                f"schedule {self.schedule!r} is unknown; choose one of {', '.join(SCHEDULES)}, or give a function of "
                "the share of the steps that is done"
            )
        object.__setattr__(self, "dtype", precision(self.dtype))
        positive_number("learning_rate", self.learning_rate)
        not_negative("regularisation", self.regularisation)
        for name in ("steps", "batch", "patience"):
            if getattr(self, name) is not None:
                whole_number(name, getattr(self, name))
        whole_number("tries", self.tries)
        if self.tries > 1 and self.start is not None:
            raise InputError(
                f"tries = {self.tries} draws first weights anew, and start gives them; leave one of them out"
            )
        if self.dt is not None:
            positive_number("dt", self.dt)
        if self.checkpoint is not None and Path(self.checkpoint).suffix != ".npz":
            raise InputError(f"checkpoint = {str(self.checkpoint)!r}; give a path that ends in .npz")

    @property
    def rate_schedule(self) -> Callable[[float], float]:
        """The factor of the learning rate, a function of the share of the steps that is done."""
        return self.schedule if callable(self.schedule) else SCHEDULES[self.schedule]
