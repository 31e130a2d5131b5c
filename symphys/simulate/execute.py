"""Running trajectory kernels: the arrays that they share, their launches, and how the numbers they leave read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import CompiledKernel, HostMemory, Memory
from symphys.lower.frame import (
    EVENT,
    FINISHED,
    NOT_CONVERGED,
    NOT_FINITE,
    RUNNING,
    STATUS,
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

    def new(self, name: str, shape: tuple[int, ...], dtype: Any, fill: float = 0.0, stays: bool = False) -> None:
        """A fresh instanced array, padded; `stays`: on the device, as part of the result."""
        self.arrays.full(name, (*shape, self.width), dtype, fill, stays)
        self.own.add(name)

    def on_host(self) -> Buffers:
        """The arrays of the instances on the host."""
        return replace(self, arrays=HostMemory({name: self.arrays[name] for name in self.own}))

    def lay_out(self, name: str, rows: Sequence[Any]) -> None:
        """An instanced array of rows that are one number or one of each instance, padded."""
        self.arrays.lay_out(name, rows, self.width, self.dtype)
        self.own.add(name)

    def read(self, name: str) -> NDArray[Any]:
        """An instanced array as it is now, the padding, which kernels may leave alone, left out."""
        return self.arrays.read(name)[..., : self.instances]

    def counter(self, which: int) -> NDArray[np.int64]:
        """One of the kernel's counters, a number an instance."""
        counters: NDArray[np.int64] = self.line("counters", which)
        return counters

    def line(self, name: str, number: int) -> NDArray[Any]:
        """A line of an instanced array as it is now, for the caller to keep; read-only where all instances agree."""
        count = self.instances

        def agreed(arrays: Mapping[str, Any]) -> Any:
            values = arrays[name][number, :count]
            with np.errstate(all="ignore"):  # NaN agrees with nothing
                least, most = values.min(), values.max()
            return least.item() if bool(least == most) else None

        one = self.arrays.ask([name], agreed) if count > 1 else None
        if one is None:
            return self.arrays.line(name, number, count)
        kind = np.int64 if name == "counters" else self.dtype
        return np.broadcast_to(np.array(one, dtype=kind), (count,))

    def having(self, *codes: int) -> int:
        """How many instances have one of these codes as their status."""

        def counted(arrays: Mapping[str, Any]) -> int:
            status = arrays["counters"][STATUS, : self.instances]
            return sum(int((status == code).sum()) for code in codes)

        return self.arrays.ask(["counters"], counted)


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
