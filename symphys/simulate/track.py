"""One trajectory of a foreign integrator on its way: saved, watched and searched for events as kernels do it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import CompiledKernel
from symphys.lower.events import EventPlan
from symphys.lower.frame import EVENT, ROW, STATUS, STEPS
from symphys.lower.ledger import GAINS, Ledger, quadrature
from symphys.simulate.execute import Buffers

Vector = NDArray[np.float64]
DENSE_ORDER = 8  # of the integrals over a step, beyond the dense output of stiff methods


@dataclass
class Evaluator:
    """Functions of one trajectory's system, evaluated one point at a time in float64."""

    kernel: CompiledKernel
    arrays: dict[str, NDArray[Any]]
    scalars: dict[str, Any]
    finite: bool = True  # whether the last values were

    def set_parameters(self, parameters: Vector) -> None:
        """The parameters of the trajectory that is coming."""
        self.arrays["parameters"][: len(parameters), 0] = parameters

    def __call__(self, t: float, x: Vector) -> Vector:
        """The values at one point."""
        self.arrays["times"][0] = t
        self.arrays["state"][:, 0] = x
        self.kernel(self.arrays, self.scalars, (1,))
        values: Vector = self.arrays["values"][:, 0].copy()
        self.finite = bool(np.isfinite(values).all())
        return values


@dataclass(frozen=True)
class Functions:
    """What a run evaluates; None where there is nothing of the kind."""

    rates: Evaluator
    jacobian: Evaluator | None
    watches: Evaluator | None
    ledger: Evaluator | None  # powers, then the energy and its size
    events: Evaluator | None

    def set_parameters(self, parameters: Vector) -> None:
        """The parameters of the trajectory that is coming."""
        for each in (self.rates, self.jacobian, self.watches, self.ledger, self.events):
            if each is not None:
                each.set_parameters(parameters)


@dataclass
class Track:
    """One trajectory on its way: saves what falls into each step, watches, and finds events."""

    buffers: Buffers
    index: int
    functions: Functions
    times: Vector | None
    save_every: int
    plan: EventPlan | None
    span: tuple[float, float]
    ledger: Ledger | None = None
    first_values: Vector = field(default_factory=lambda: np.zeros(0))
    event_values: Vector = field(default_factory=lambda: np.zeros(0))

    def begin(self, start: Vector) -> None:
        """The first state, the first values of what is watched."""
        arrays, i, t = self.buffers.arrays, self.index, self.span[0]
        arrays["carry"][:, i] = (*start, t)
        if self.functions.watches is not None:
            values = self.functions.watches(t, start)
            m = 3 * (len(values) // 2)
            arrays["watched"][0:m:3, i], arrays["watched"][2:m:3, i] = values[0::2], values[1::2]
        if self.functions.ledger is not None:
            arrays["watched"][-3:, i] = self._balance(t, start) * np.array([1.0, 0.0, 1.0])
        if self.functions.events is not None:
            self.event_values = self.functions.events(t, start)
        if self.times is None or self.times[0] == t:
            self._save(t, start)

    def take(self, t_before: float, before: Vector, solver: Any) -> None:
        """A step that was accepted, from (t_before, before) to where the solver stands."""
        arrays, i = self.buffers.arrays, self.index
        t, x = solver.t, solver.y
        inside = self.times is not None or self.plan is not None or self.ledger is not None
        dense: Any = solver.dense_output() if inside else None
        counters = arrays["counters"][:, i]
        arrays["carry"][:, i] = (*x, t)
        if self.functions.watches is not None:
            values = self.functions.watches(t, x)
            watched = arrays["watched"][: 3 * (len(values) // 2), i]
            watched[1::3] = np.maximum(watched[1::3], np.abs(values[0::2] - watched[0::3]))
            watched[2::3] = np.maximum(watched[2::3], values[1::2])
        stop = self._find_events(t_before, before, t, x, dense)
        limit = t if stop is None else stop
        if stop is not None:
            counters[STATUS] = EVENT
        if self.times is not None:
            forward = 1.0 if self.span[1] > self.span[0] else -1.0
            while counters[ROW] < len(self.times) and forward * self.times[counters[ROW]] <= forward * limit:
                time = self.times[counters[ROW]]
                self._save(time, x if time == t else dense(time), self._work(t_before, time, dense))
        done = self._work(t_before, limit, dense)
        if (
            self.times is None
            and stop is None
            and (solver.status == "finished" or counters[STEPS] % self.save_every == 0)
        ):
            self._save(t, x, done)
        if self.ledger is not None:
            arrays["works"][:, i] += done
            watched, (value, _, size) = (
                arrays["watched"][-3:, i],
                self._balance(limit, x if limit == t else dense(limit)),
            )
            watched[1], watched[2] = max(watched[1], abs(value - watched[0])), max(watched[2], size)

    def _work(self, begin: float, end: float, dense: Any) -> Vector | float:
        """The works [k] between two times inside a step."""
        if self.functions.ledger is None or self.ledger is None:
            return 0.0
        rule, count = quadrature(DENSE_ORDER), len(self.ledger.names)
        times = [begin + c * (end - begin) for c in rule.c]
        powers = [self.functions.ledger(time, dense(time))[:count] for time in times]
        total: Vector = (end - begin) * np.einsum("s,sk->k", np.array(rule.b), np.array(powers))
        return total

    def _balance(self, t: float, x: Vector) -> Vector:
        """Energy less what was gained, 0, and the sum of the absolute values of both."""
        assert self.functions.ledger is not None
        assert self.ledger is not None
        energy, size = self.functions.ledger(t, x)[-2:]
        works = self.buffers.arrays["works"][:, self.index]
        gained = sum(GAINS[name] * work for name, work in zip(self.ledger.names, works, strict=True))
        return np.array([energy - gained, 0.0, size + np.abs(works).sum()])

    def _save(self, t: float, x: Vector, done: Vector | float = 0.0) -> None:
        """A row: the state, and what was done up to it, `done` in this step."""
        arrays, i = self.buffers.arrays, self.index
        row = arrays["counters"][ROW, i]
        if self.times is None:
            if row == arrays["saved"].shape[1]:
                for name in {"saved", "row_times", "saved_work"} & arrays.keys():  # twice as many rows
                    arrays[name] = np.concatenate([arrays[name], np.full_like(arrays[name], np.nan)], axis=-2)
            arrays["row_times"][row, i] = t
        arrays["saved"][:, row, i] = x
        if self.ledger is not None:
            arrays["saved_work"][:, row, i] = arrays["works"][:, i] + done
        arrays["counters"][ROW, i] += 1

    def _find_events(self, t_before: float, before: Vector, t: float, x: Vector, dense: Any) -> float | None:
        """Locate, record and count the crossings inside a step; the time of the one that ends the run, or None."""
        evaluate, plan = self.functions.events, self.plan
        if evaluate is None or plan is None:
            return None
        after = evaluate(t, x)
        stops = []
        for number, (event, low, high) in enumerate(zip(plan.events, self.event_values, after, strict=True)):
            up, down = low < 0 <= high, high <= 0 < low
            if not ((up and event.direction >= 0) or (down and event.direction <= 0)):
                continue
            time = _crossing(evaluate, number, dense, t_before, t) if high != 0 else t
            self._record(number, time, x if time == t else dense(time))
            if event.stop_after and self.buffers.arrays["event_counts"][number, self.index] >= event.stop_after:
                stops.append(time)
        self.event_values = after
        if not stops:
            return None
        stop = min(stops, key=lambda time: abs(time - t_before))
        self.buffers.arrays["event_values"][len(plan.events), self.index] = stop
        return stop

    def _record(self, number: int, time: float, state: Vector) -> None:
        arrays, i = self.buffers.arrays, self.index
        slot = arrays["event_counts"][number, i]
        if slot < arrays["event_times"].shape[1]:
            arrays["event_times"][number, slot, i] = time
            arrays["event_states"][number, slot, :, i] = state
        arrays["event_counts"][number, i] += 1


def _crossing(evaluate: Evaluator, number: int, dense: Any, begin: float, end: float) -> float:
    """The time inside a step at which an event function vanishes along the dense output."""
    from scipy.optimize import brentq

    def value(time: float) -> float:
        return float(evaluate(time, dense(time))[number])

    ends = value(begin), value(end)
    if ends[0] * ends[1] >= 0:  # the dense output ends a rounding away from the step's own ends
        return begin if abs(ends[0]) < abs(ends[1]) else end
    width = max(abs(begin), abs(end))
    return float(brentq(value, begin, end, xtol=4.0 * np.finfo(np.float64).eps * width))
