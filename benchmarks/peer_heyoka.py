"""heyoka at its best: batches of the widest useful width, integrators reused between batches, one thread a core."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import numpy as np

WIDTHS = {"float64": (4, 8, 16), "float32": (8, 16)}


def available() -> bool:
    """Whether heyoka is installed."""
    return find_spec("heyoka") is not None


def ensemble(
    system: Sequence[tuple[Any, Any]],
    starts: np.ndarray,
    end: float,
    tolerance: float,
    width: int = 8,
    workers: int = 1,
    dtype: str = "float64",
) -> Callable[[], np.ndarray]:
    """A function that carries every start [n_state, n] to t = end and returns the final states in the same shape.

    The batch integrator is compiled here, once; each worker then feeds its own copy batch after batch.
    """
    import heyoka as hy

    kind = np.dtype(dtype).type
    count = starts.shape[1]
    padded = np.ascontiguousarray(np.pad(starts, ((0, 0), (0, -count % width)), mode="edge").astype(kind))
    finals = np.empty_like(padded)
    first = hy.taylor_adaptive_batch(
        list(system), padded[:, :width].copy(), fp_type=kind, tol=kind(tolerance), force_avx512=width >= 8
    )
    machines = [first, *(copy.deepcopy(first) for _ in range(workers - 1))]
    blocks = range(0, padded.shape[1], width)
    until = kind(end)

    def carry(worker: int) -> None:
        machine = machines[worker]
        state = machine.state
        for block in blocks[worker::workers]:
            state[:] = padded[:, block : block + width]
            machine.set_time(kind(0.0))
            machine.propagate_until(until)
            finals[:, block : block + width] = state

    def run() -> np.ndarray:
        if workers == 1:
            carry(0)
        else:
            with ThreadPoolExecutor(workers) as pool:
                list(pool.map(carry, range(workers)))
        return finals[:, :count].copy()

    return run


def fastest_width(build: Callable[[int], Callable[[], np.ndarray]], dtype: str = "float64") -> tuple[int, Any]:
    """The batch width with the shortest time, and the contestant built with it."""
    from benchmarks.harness import interleaved

    built = {str(width): build(width) for width in WIDTHS[dtype]}
    times = interleaved(built, rounds=3)
    best = min(times, key=lambda width: times[width])
    return int(best), built[best]
