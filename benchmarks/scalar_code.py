"""Row `scalar_code`: 10 000 double pendulums by classical RK4, against the loop that one writes by hand in Numba.

The hand-written code is what a careful user writes: scalar, allocation-free, `fastmath`, parallel over trajectories,
sine and cosine of the difference shared. The step is 0.01, t = 10. All cores on both sides.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.harness import Case, interleaved, threads
from benchmarks.problems import GRAVITY, pendulum_starts, pendulum_symphys

NAME = "scalar_code"
COUNT, END, STEP = 10_000, 10.0, 0.01


def hand_written() -> Callable[[np.ndarray], np.ndarray]:
    """A function from starts [4, n] to ends [4, n]."""
    import math

    import numba

    @numba.njit(fastmath=True, inline="always")
    def rates(a, b, u, v):
        sine, cosine = math.sin(a - b), math.cos(a - b)
        f1 = -sine * v * v - 2 * GRAVITY * math.sin(a)
        f2 = sine * u * u - GRAVITY * math.sin(b)
        inverse = 1 / (2 - cosine * cosine)
        return u, v, (f1 - cosine * f2) * inverse, (2 * f2 - cosine * f1) * inverse

    @numba.njit(parallel=True, fastmath=True)
    def carry(starts, steps, h):
        ends = np.empty_like(starts)
        for n in numba.prange(starts.shape[1]):
            a, b, u, v = starts[0, n], starts[1, n], starts[2, n], starts[3, n]
            for _ in range(steps):
                a1, b1, u1, v1 = rates(a, b, u, v)
                a2, b2, u2, v2 = rates(a + h / 2 * a1, b + h / 2 * b1, u + h / 2 * u1, v + h / 2 * v1)
                a3, b3, u3, v3 = rates(a + h / 2 * a2, b + h / 2 * b2, u + h / 2 * u2, v + h / 2 * v2)
                a4, b4, u4, v4 = rates(a + h * a3, b + h * b3, u + h * u3, v + h * v3)
                a += h / 6 * (a1 + 2 * a2 + 2 * a3 + a4)
                b += h / 6 * (b1 + 2 * b2 + 2 * b3 + b4)
                u += h / 6 * (u1 + 2 * u2 + 2 * u3 + u4)
                v += h / 6 * (v1 + 2 * v2 + 2 * v3 + v4)
            ends[0, n], ends[1, n], ends[2, n], ends[3, n] = a, b, u, v
        return ends

    numba.set_num_threads(threads())
    steps = round(END / STEP)
    return lambda starts: carry(starts, steps, END / steps)


def ours(starts: np.ndarray, dtype: str = "float64") -> Callable[[], np.ndarray]:
    """The same through symphys."""
    system, symbols, values = pendulum_symphys()
    simulator = system.compile(method="rk4", dtype=dtype)
    initial = dict(zip(symbols, starts.astype(dtype), strict=True))

    def run() -> np.ndarray:
        result = simulator.run(
            initial, values, t_span=(0.0, END), dt=STEP, t_eval=[END], watch_every=0, threads=threads()
        )
        return np.stack([result[symbol][:, -1] for symbol in symbols])

    return run


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """Steps per second on all cores."""
    starts, scalar = pendulum_starts(COUNT), hand_written()
    contestants: dict[str, Callable[[], np.ndarray]] = {"scalar Numba": lambda: scalar(starts)}
    notes: dict[str, object] = {}
    if with_ours:
        contestants["symphys"] = ours(starts)
        # Rounding differs, and the flow stretches it by up to 1e6 in ten seconds for the wildest of the starts.
        notes["median difference"] = float(np.median(np.abs(contestants["symphys"]() - scalar(starts))))
    rates = {name: COUNT * END / STEP / value for name, value in interleaved(contestants).items()}
    case = Case(
        name=f"RK4, {COUNT} trajectories, f64",
        unit="steps/s",
        ours=rates.pop("symphys", None),
        peers=rates,
        bar=8.0,
        better="higher",
        notes=notes,
    )
    return [case], []
