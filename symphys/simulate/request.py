"""What a run was asked for, read and checked: the same for every kind of method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.integrators import Method
from symphys.lower.events import EventPlan
from symphys.lower.fixed import WATCH_NOTHING, WATCH_STEPS
from symphys.lower.ledger import Ledger
from symphys.simulate.compiled import Kernels, Lowered
from symphys.simulate.execute import Report
from symphys.simulate.inputs import Instances


@dataclass(frozen=True)
class RunRequest:
    """A run of `method` on the trajectories of `instances` over `span`; what steers the steps comes besides.

    `watch_every`: watch conserved quantities every so many steps, 0 never. `tables`, `places`: arrays and scalars of
    the input signals. `report` is told the share that is done. `on_device`: what is saved stays on the device.
    """

    lowered: Lowered
    kernels: Kernels
    method: Method
    instances: Instances
    span: tuple[float, float]
    watch_every: int
    events: EventPlan | None
    tables: Mapping[str, NDArray[Any]]
    places: Mapping[str, float | int]
    threads: int
    report: Report
    on_device: bool = False

    @property
    def dtype(self) -> np.dtype[Any]:
        """The precision of the results."""
        return np.dtype(self.kernels.dtype)

    @property
    def watch(self) -> str:
        """When kernels watch."""
        return WATCH_STEPS if self.watch_every else WATCH_NOTHING

    @property
    def watches(self) -> int:
        """How many quantities are watched."""
        return len(self.lowered.flow.watched) if self.watch_every else 0

    @property
    def ledger(self) -> Ledger | None:
        """What follows the energy in this run; None where nothing is watched, or energy does not change."""
        return self.lowered.flow.ledger if self.watch_every else None


@dataclass(frozen=True)
class Tolerances:
    """What steers adaptive steps: the error allowed to a step, bounds of its length, how many steps at most."""

    rtol: float
    atol: float
    longest: float
    first: float
    max_steps: int


@dataclass(frozen=True)
class Sampling:
    """Where an adaptive run saves: at `times` [samples], or (None) at every `save_every`-th step of its own."""

    times: NDArray[np.float64] | None
    save_every: int = 1
