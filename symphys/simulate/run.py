"""What every run of trajectories has, whatever steers its steps: the arrays that it begins with, and what it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from codegen import Memory
from symphys.lower.frame import COUNTERS
from symphys.simulate.devices import joined
from symphys.simulate.execute import Buffers
from symphys.simulate.request import RunRequest


@dataclass(frozen=True)
class Run:
    """What a run left behind."""

    buffers: Buffers
    interrupted: bool

    def on_host(self) -> Self:
        """The same with its arrays on the host."""
        return replace(self, buffers=self.buffers.on_host())

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The run of all trajectories, of whom each part has a stretch; what else there is, the parts have alike."""
        buffers, interrupted = joined([part.buffers for part in parts]), any(part.interrupted for part in parts)
        return replace(parts[0], buffers=buffers, interrupted=interrupted)


def begin(request: RunRequest, memory: Memory, lanes: int, dtype: np.dtype[Any], carry: int, rows: int) -> Buffers:
    """`initial` and `parameters` as given; room for `carry`, counters, what is watched and `rows` of what is saved."""
    instances, count = request.instances, len(request.lowered.flow.names)
    memory.update(dict(request.tables))
    buffers = Buffers(memory, instances.count, lanes, dtype)
    buffers.lay_out("initial", instances.components)
    buffers.lay_out("parameters", instances.values)
    buffers.new("carry", (carry,), dtype)
    buffers.new("counters", (COUNTERS,), np.int64)
    if request.watches:
        buffers.new("watched", (3 * request.watches,), dtype)
    if request.ledger is not None:
        buffers.new("works", (len(request.ledger.names),), dtype)
        buffers.new("saved_work", (len(request.ledger.names), rows), dtype, np.nan)
    if request.events is not None:
        request.events.allocate(buffers, count, dtype)
    buffers.new("saved", (count, rows), dtype, np.nan, stays=request.on_device)
    return buffers
