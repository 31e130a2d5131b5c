"""Running trajectory kernels: the arrays that they share, their launches, and how the numbers they leave read."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import CompiledKernel, HostMemory, Memory
from symphys.lower.frame import (
    COUNTERS,
    EVENT,
    FINISHED,
    NOT_CONVERGED,
    NOT_FINITE,
    RUNNING,
    STEP_TOO_SMALL,
)
from symphys.simulate.status import Outcome

OUTCOMES = {
    RUNNING: Outcome.FINISHED,  # fixed steps: every row was taken
    FINISHED: Outcome.FINISHED,
    NOT_FINITE: Outcome.NOT_FINITE,
    STEP_TOO_SMALL: Outcome.STEP_TOO_SMALL,
    NOT_CONVERGED: Outcome.NOT_CONVERGED,
    EVENT: Outcome.EVENT,
}
Report = Callable[[float], None]  # told the share that is done, between 0 and 1


@dataclass(frozen=True)
class Buffers:
    """The arrays of a run that its kernels share; `own`: those that have a lane for each instance."""

    arrays: Memory
    instances: int
    lanes: int
    dtype: np.dtype[Any]
    own: set[str] = field(default_factory=set)

    @property
    def width(self) -> int:
        """The padded length of the lane axis."""
        return -(-self.instances // self.lanes) * self.lanes

    def new(self, name: str, shape: tuple[int, ...], dtype: Any, fill: float = 0.0) -> None:
        """A fresh instanced array, padded."""
        self.arrays.full(name, (*shape, self.width), dtype, fill)
        self.own.add(name)

    def on_host(self) -> Buffers:
        """The arrays of the instances on the host."""
        return replace(self, arrays=HostMemory({name: self.arrays[name] for name in self.own}))

    def read(self, name: str) -> NDArray[Any]:
        """An instanced array as it is now, the padding, which kernels may leave alone, left out."""
        return self.arrays.read(name)[..., : self.instances]

    def counter(self, which: int) -> NDArray[np.int64]:
        """One of the kernel's counters, a number an instance."""
        counters: NDArray[np.int64] = self.read("counters")[which]
        return counters


def make_buffers(
    memory: Memory,
    state: NDArray[Any],
    parameters: NDArray[Any],
    instances: int,
    lanes: int,
    carry: int,
    watches: int,
    shared: dict[str, NDArray[Any]],
) -> Buffers:
    """`initial` and `parameters` as given; `carry`, `counters`, `watched` empty; shared arrays (signal tables)."""
    dtype = parameters.dtype
    memory.update(shared)
    buffers = Buffers(memory, instances, lanes, dtype, {"initial", "parameters"})
    buffers.arrays["initial"], buffers.arrays["parameters"] = state, parameters
    buffers.new("carry", (carry,), dtype)
    buffers.new("counters", (COUNTERS,), np.int64)
    if watches:
        buffers.new("watched", (3 * watches,), dtype)
    return buffers


def launch(kernel: CompiledKernel, buffers: Buffers, scalars: dict[str, Any], threads: int) -> None:
    """One launch over all instances."""
    kernel(buffers.arrays, scalars, (buffers.instances,), threads=threads)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def drift_of(buffers: Buffers, watches: int, shape: tuple[int, ...]) -> list[NDArray[np.float64]]:
    """For each watched quantity, its largest change by its scale; one number a trajectory, possibly infinite."""
    watched = buffers.read("watched")
    found = []
    for index in range(watches):
        _, change, scale = (watched[3 * index + k].astype(np.float64) for k in range(3))
        change = np.where(np.isinf(scale), np.inf, change)
        scale = np.where(np.isfinite(scale), scale, 1.0)
        ratio = np.divide(change, scale, out=np.zeros_like(change), where=scale > 0)
        found.append(ratio.reshape(shape))
    return found
