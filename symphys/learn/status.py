"""How a fit ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class FitOutcome(Enum):
    """The reasons for which a fit ends, with what to do about each."""

    SOLVED = "solved: the residuals are linear in the unknowns"
    CONVERGED = "converged: no step lowers the loss any more"
    STEPS = "all steps were taken before it converged; raise steps, or go on with start=fit"
    PATIENCE = "stopped early: the validation loss no longer fell"
    NOT_FINITE = (
        "every step left the finite world; the best parameters before that are kept. "
        "Give another guess, a smaller learning_rate or a smaller dt"
    )
    INTERRUPTED = "interrupted; the best parameters so far are kept. Go on with start=fit"

    @property
    def ok(self) -> bool:
        """Whether the fit went where it was sent."""
        return self in (FitOutcome.SOLVED, FitOutcome.CONVERGED, FitOutcome.STEPS, FitOutcome.PATIENCE)


@dataclass(frozen=True)
class FitStatus:
    """The outcome of a fit, after how many steps, and what else is to be known about it."""

    outcome: FitOutcome
    steps: int
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the fit went where it was sent."""
        return self.outcome.ok

    def __str__(self) -> str:
        return "\n".join([f"{self.outcome.value} ({self.steps} steps)", *self.notes])
