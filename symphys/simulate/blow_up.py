"""The step at which a fixed-step run failed, found after the fact so that healthy steps pay nothing for it.

Kernels look at the state where a row of steps ends. Where it is not finite there, or an implicit step of the row did
not converge, the trajectories concerned, and they alone, are advanced once more from the start of the launch: by the
rows that they passed, then step by step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import CompiledKernel, HostMemory, Intent, Memory
from symphys.lower.frame import NOT_CONVERGED, NOT_FINITE, RUNNING, STATUS, STEPS
from symphys.simulate.execute import Buffers, launch


def keep_state(kernel: CompiledKernel, buffers: Buffers) -> Memory:
    """Copies of what a launch changes and the next one starts from."""
    return buffers.arrays.copied([a.name for a in kernel.kernel.arrays if a.instanced and a.intent is Intent.INOUT])


def find_steps(
    kernels: tuple[CompiledKernel, CompiledKernel],
    buffers: Buffers,
    before: Memory | None,
    scalars: dict[str, Any],
    first: int,
    threads: int,
) -> None:
    """Set the step counters of trajectories that failed in a launch to the last step that did not.

    kernels: the one that prepares and the one that advances. before: the state at the start of the launch, whose first
    row was `first`; None where it was the start of the run.
    """
    if not buffers.having(NOT_FINITE, NOT_CONVERGED):
        return
    ended = np.isin(buffers.counter(STATUS), (NOT_FINITE, NOT_CONVERGED))
    boundaries = buffers.arrays.read("step_marks")
    if before is not None:
        ended &= before.read("counters")[STATUS, : buffers.instances] == RUNNING
    for last_good in np.unique(buffers.counter(STEPS)[ended]):
        which = np.flatnonzero(ended & (buffers.counter(STEPS) == last_good))
        start = boundaries[first]
        row = int(np.searchsorted(boundaries, max(last_good, start), side="right"))
        if boundaries[row] - boundaries[row - 1] <= 1:
            continue  # a row of one step has told already
        rows = boundaries[first:row]
        marks = np.concatenate([rows, np.arange(rows[-1] + 1, boundaries[row] + 1)])
        again = _members(kernels, buffers, before, scalars, which, threads)
        again.arrays["step_marks"], again.arrays["row_slots"] = marks, np.full(len(marks), -1, dtype=np.int64)
        span = {"marks": len(marks), "first_row": 0, "last_row": len(marks) - 1}
        launch(kernels[1], again, {**scalars, **span}, threads)
        buffers.arrays["counters"][STEPS, which] = again.counter(STEPS)


def _members(
    kernels: tuple[CompiledKernel, CompiledKernel],
    buffers: Buffers,
    before: Memory | None,
    scalars: dict[str, Any],
    which: NDArray[np.int64],
    threads: int,
) -> Buffers:
    """The buffers of some trajectories alone, at the start of the launch."""
    width = -(-len(which) // buffers.lanes) * buffers.lanes
    padded = np.concatenate([which, np.full(width - len(which), which[-1])])
    arrays = HostMemory()
    for array in {a.name: a for kernel in kernels for a in kernel.kernel.arrays}.values():
        source = (before if before is not None and array.name in before else buffers.arrays).read(array.name)
        arrays[array.name] = np.ascontiguousarray(source[..., padded]) if array.instanced else source
    some = Buffers(arrays, len(which), buffers.lanes, buffers.dtype)
    if before is None:
        launch(kernels[0], some, scalars, threads)
    return some
