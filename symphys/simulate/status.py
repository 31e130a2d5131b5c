"""How a run ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray


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
    """The outcome of one trajectory, the last time that it reached, and what is known of the reason."""

    outcome: Outcome
    time: float
    detail: str = ""

    @property
    def ok(self) -> bool:
        """Whether the run went where it was sent."""
        return self.outcome.ok

    def __str__(self) -> str:
        return f"{self.outcome.value} (t = {self.time:.6g})" + (f": {self.detail}" if self.detail else "")


def counted(outcomes: NDArray[Any]) -> dict[Outcome, int]:
    """How often each outcome occurs, in the order in which they come first."""
    if outcomes.size and not any(outcomes.strides):  # one that stands for all
        return {outcomes.flat[0]: outcomes.size}
    found: dict[int, tuple[int, Outcome, int]] = {}
    for outcome in Outcome:
        here = np.asarray(outcomes == outcome).reshape(-1)
        if number := int(np.count_nonzero(here)):
            first = int(np.argmax(here))
            found[first] = (first, outcome, number)
        if sum(number for *_, number in found.values()) == outcomes.size:
            break
    return {outcome: number for _, outcome, number in sorted(found.values(), key=lambda each: each[0])}


class Ended:
    """A finished run, or an ensemble of them: how each ended, from its `outcomes` and `times_reached`, both [...].

    details: what is known of the reasons [...], or None.
    """

    outcomes: NDArray[Any]
    times_reached: NDArray[Any]
    details: NDArray[Any] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the ensemble; () for one run."""
        return self.outcomes.shape

    @property
    def status(self) -> Any:
        """How the run ended: a Status, or an array of them [...] for an ensemble."""
        details = [""] * self.outcomes.size if self.details is None else [str(each) for each in self.details.flat]
        parts = zip(self.outcomes.flat, self.times_reached.flat, details, strict=True)
        pairs = [Status(o, float(t), detail) for o, t, detail in parts]
        if not self.shape:
            return pairs[0]
        out = np.empty(len(pairs), dtype=object)
        out[:] = pairs
        return out.reshape(self.shape)

    @property
    def ok(self) -> Any:
        """Whether the run went where it was sent: True or False, or an array [...] for an ensemble."""
        good = np.zeros(self.shape, dtype=np.bool_)
        for outcome in counted(self.outcomes):
            good |= np.asarray(self.outcomes == outcome) & outcome.ok
        return good if self.shape else bool(good)
