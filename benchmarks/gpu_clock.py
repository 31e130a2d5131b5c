"""Clocks for what runs on a GPU."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

ENOUGH = 3  # rounds of what takes seconds


@contextmanager
def device_clock() -> Iterator[dict[str, list[float]]]:
    """Milliseconds on the device of every launch by the name of its kernel, filled in at the end; graphs are off."""
    import cupy

    from codegen.backends import cuda_kernel, cuda_program

    launch, few = cuda_kernel.Bound.__call__, cuda_program.FEW
    events: list[tuple[str, Any, Any]] = []
    found: dict[str, list[float]] = defaultdict(list)

    def timed(self: Any) -> None:
        before, after = cupy.cuda.Event(), cupy.cuda.Event()
        before.record()
        launch(self)
        after.record()
        events.append((self.name, before, after))

    cuda_kernel.Bound.__call__, cuda_program.FEW = timed, 1 << 60  # type: ignore[method-assign]
    try:
        yield found
    finally:
        cuda_kernel.Bound.__call__, cuda_program.FEW = launch, few  # type: ignore[method-assign]
        cupy.cuda.Device().synchronize()
        for name, before, after in events:
            found[name].append(cupy.cuda.get_elapsed_time(before, after))


@contextmanager
def device_layouts() -> Iterator[dict[str, str]]:
    """How every kernel is launched, by its name: registers of a thread, blocks, threads of a block."""
    from codegen.backends import cuda_kernel

    launch = cuda_kernel.Bound.__call__
    found: dict[str, str] = {}

    def noted(self: Any) -> None:
        launch(self)
        found[self.name] = f"{self.function.num_regs} registers, blocks {self.grid}, threads {self.block}"

    cuda_kernel.Bound.__call__ = noted  # type: ignore[method-assign]
    try:
        yield found
    finally:
        cuda_kernel.Bound.__call__ = launch  # type: ignore[method-assign]


def device_seconds(function: Callable[[], object], rounds: int = ENOUGH) -> float:
    """Median wall seconds of a call and of what it leaves on the device, after one to warm up."""
    import cupy

    def once() -> float:
        start = time.perf_counter()
        function()
        cupy.cuda.Device().synchronize()
        return time.perf_counter() - start

    once()
    return float(np.median([once() for _ in range(rounds)]))


def copy_bandwidth() -> float:
    """Bytes per second of a copy on the device, read and written."""
    import cupy

    given = cupy.random.random(2**28)  # 2 GiB
    made = cupy.empty_like(given)
    cupy.copyto(made, given)
    before, after = cupy.cuda.Event(), cupy.cuda.Event()
    before.record()
    for _ in range(5):
        cupy.copyto(made, given)
    after.record()
    after.synchronize()
    return 5 * 2 * given.nbytes / (1e-3 * cupy.cuda.get_elapsed_time(before, after))


def on_device(run: Any, fields: tuple[str, ...]) -> Callable[[int], None]:
    """A run of fields with random values of some: a function that takes steps, and leaves them on their way."""
    import cupy

    for name in fields:
        with run.arrays.here():
            array = run.arrays.place(name, changed=True)
            array[...] = 0.1 * cupy.random.random(array.shape, dtype=array.dtype)
    cupy.cuda.Device().synchronize()
    return run.go  # type: ignore[no-any-return]


def per_step(steps: Callable[[int], None], few: int, many: int) -> float:
    """Seconds of one step, from the difference of runs of different lengths."""
    return (device_seconds(lambda: steps(many)) - device_seconds(lambda: steps(few))) / (many - few)
