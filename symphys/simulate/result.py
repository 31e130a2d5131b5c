"""What a run gives back: arrays by symbol, times, drifts, events, and how each trajectory ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.simulate.status import Outcome, Status


@dataclass(frozen=True)
class EventRecord:
    """The crossings of one event: `times` [..., slots] and `states` by symbol [..., slots], NaN beyond `count` [...]."""

    times: NDArray[Any]
    states: Mapping[Any, NDArray[Any]]
    count: NDArray[np.int64]

    def __getitem__(self, symbol: Any) -> NDArray[Any]:
        return self.states[symbol]


@dataclass(frozen=True)
class Result:
    """A finished run; `result[symbol]` is [..., time], the leading axes those of the ensemble.

    `t`: [time], or [..., time] where each trajectory of an ensemble chose its own steps (NaN beyond its end).
    `drift`: by name of the conserved quantity, the largest change over the watched steps divided by the largest sum of the
    absolute values of its terms; dimensionless, one number a trajectory.
    `statuses`: one outcome and last time a trajectory. `steps`, `rejected`: numbers of steps [...].
    """

    t: NDArray[Any]
    states: Mapping[Any, NDArray[Any]]
    parameters: Mapping[Any, NDArray[Any]]
    drift: Mapping[str, NDArray[Any]]
    outcomes: NDArray[np.object_]
    times_reached: NDArray[Any]
    steps: NDArray[np.int64]
    rejected: NDArray[np.int64]
    events: tuple[EventRecord, ...] = ()
    method: str = ""
    conserved: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, symbol: Any) -> NDArray[Any]:
        if symbol in self.states:
            return self.states[symbol]
        for label, values in self.states.items():
            if str(label) == str(symbol):
                return values
        raise InputError(f"{symbol} is no part of this result; it has {', '.join(str(s) for s in self.states)}")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the ensemble; () for one trajectory."""
        return self.outcomes.shape

    @property
    def status(self) -> Any:
        """How the run ended: a Status, or an array of them [...] for an ensemble."""
        pairs = [Status(o, float(t)) for o, t in zip(self.outcomes.flat, self.times_reached.flat, strict=True)]
        if not self.shape:
            return pairs[0]
        out = np.empty(len(pairs), dtype=object)
        out[:] = pairs
        return out.reshape(self.shape)

    @property
    def ok(self) -> Any:
        """Whether the run went where it was sent: True or False, or an array [...] for an ensemble."""
        good = np.array([o.ok for o in self.outcomes.flat], dtype=bool).reshape(self.shape)
        return good if self.shape else bool(good)

    def __repr__(self) -> str:
        many = "one trajectory" if not self.shape else f"{'x'.join(map(str, self.shape))} trajectories"
        names = ", ".join(str(s) for s in self.states)
        counts: dict[str, int] = {}
        for outcome in self.outcomes.flat:
            counts[outcome.name.lower()] = counts.get(outcome.name.lower(), 0) + 1
        ends = ", ".join(f"{n} {name}" if self.shape else name for name, n in counts.items())
        drifts = "".join(f"\n  drift of {name}: {float(np.nanmax(d)):.2g}" for name, d in self.drift.items() if np.size(d))
        return f"Result: {many} of {names}, {self.t.shape[-1]} times, {self.method}: {ends}{drifts}"


__all__ = ["EventRecord", "Outcome", "Result", "Status"]
