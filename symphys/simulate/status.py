"""How a run ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """The reasons for which a trajectory ends, with what to do about each."""

    FINISHED = "finished"
    NOT_FINITE = (
        "the state is no longer finite; the results up to that time are kept. Take a smaller step, or start elsewhere"
    )
    STEP_TOO_SMALL = (
        "the step fell below the rounding of time: a singularity, or a tolerance below rounding. Loosen rtol"
    )
    NOT_CONVERGED = "the implicit stages did not converge; take a smaller dt"
    EVENT = "a terminal event"
    MAX_STEPS = "max_steps was reached; raise max_steps"
    INTERRUPTED = "interrupted; the results up to that time are kept"

    @property
    def ok(self) -> bool:
        """Whether the run went where it was sent."""
        return self in (Outcome.FINISHED, Outcome.EVENT)


@dataclass(frozen=True)
class Status:
    """The outcome of one trajectory, and the last time that it reached."""

    outcome: Outcome
    time: float

    @property
    def ok(self) -> bool:
        """Whether the run went where it was sent."""
        return self.outcome.ok

    def __str__(self) -> str:
        return f"{self.outcome.value} (t = {self.time:.6g})"
