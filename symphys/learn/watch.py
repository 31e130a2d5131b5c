"""What is kept while an optimiser works: the best point seen, the history, checkpoints; and when to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.learn.objective import Objective

Floats = NDArray[np.float64]
CHECKPOINT_EVERY = 30.0  # seconds


@dataclass
class Watch:
    """Told of every step; the lowest validation loss counts where there is validation, else the lowest loss.

    memory: what the optimiser needs in order to go on later, arrays by name.
    """

    steps: int
    validation: Objective | None = None
    patience: int | None = None
    report: Callable[[float], None] = lambda share: None
    keep: Callable[[Watch], None] | None = None
    best: Floats = field(default_factory=lambda: np.empty(0))
    lowest: float = float("inf")
    losses: list[float] = field(default_factory=list)
    checked: list[float] = field(default_factory=list)
    memory: Mapping[str, Any] = field(default_factory=dict)
    since: int = 0
    written: float = field(default_factory=time.monotonic)

    def told(self, u: Floats, loss: float, memory: Mapping[str, Any] | None = None) -> bool:
        """Take in a point and its loss; True where the optimiser is to stop early."""
        self.losses.append(float(loss))
        judged = float(loss)
        if self.validation is not None:
            judged = self.validation.loss(u)
            self.checked.append(judged)
        if memory is not None:
            self.memory = memory
        self.since += 1
        if judged < self.lowest or not self.best.size:
            self.lowest, self.best, self.since = judged, np.array(u), 0
        self.report(min(len(self.losses) / max(self.steps, 1), 1.0))
        if self.keep is not None and time.monotonic() - self.written > CHECKPOINT_EVERY:
            self.keep(self)
            self.written = time.monotonic()
        return self.patience is not None and self.since >= self.patience
