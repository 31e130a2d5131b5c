"""Row `ensemble`: 10 000 double pendulums to t = 10, each side at the loosest tolerance that reaches the same error.

The error is the largest difference of any component of the state at t = 10, over a sample of 48 trajectories, to a
reference good to 1e-13. All cores on both sides; what is timed is a whole call, from
arrays of starts to arrays of ends.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks import peer_heyoka
from benchmarks.harness import Case, interleaved, loosest, threads
from benchmarks.problems import extrapolated, pendulum_heyoka, pendulum_rates, pendulum_starts, pendulum_symphys

NAME = "ensemble"
COUNT, SAMPLE, END = 10_000, 48, 10.0
TARGETS = (  # error, dtype, times faster than heyoka
    (1e-4, "float64", 3.0),
    (1e-6, "float64", 1.5),
    (1e-9, "float64", 1.5),
    (2e-11, "float64", 1.5),
    (1e-4, "float32", 3.0),
)
METHODS = ("taylor", "vern9", "dop853", "tsit5")
SLOWEST = 4.0  # a method this many times slower than the best on the sample is not carried to the full ensemble

Contestant = Callable[[], np.ndarray]


def reference() -> np.ndarray:
    """The first SAMPLE trajectories at t = END."""
    return extrapolated(pendulum_rates, pendulum_starts(COUNT)[:, :SAMPLE], END, 0.04)


def ours(method: str, dtype: str, starts: np.ndarray, workers: int) -> Callable[[float], Contestant]:
    """Compiles once; for a tolerance, a function that returns the final states."""
    system, symbols, values = pendulum_symphys()
    simulator = system.compile(method=method, dtype=dtype)
    initial = dict(zip(symbols, starts.astype(dtype), strict=True))

    def at(tolerance: float) -> Contestant:
        def run() -> np.ndarray:
            result = simulator.run(
                initial, values, t_span=(0.0, END), rtol=tolerance, t_eval=[END], watch_every=0, threads=workers
            )
            return np.stack([result[symbol][:, -1] for symbol in symbols])

        return run

    return at


def theirs(width: int, dtype: str, starts: np.ndarray, workers: int) -> Callable[[float], Contestant]:
    """The same for heyoka, which compiles anew for each tolerance (outside the timing)."""
    return lambda tolerance: peer_heyoka.ensemble(pendulum_heyoka(), starts, END, tolerance, width, workers, dtype)


def reaching(make: Callable[[float], Contestant], truth: np.ndarray, target: float, dtype: str) -> float:
    """The loosest tolerance at which `make` reaches the target on the sample."""
    floor = 1e-8 if dtype == "float32" else 1e-17
    return loosest(lambda tol: float(np.abs(make(tol)() - truth).max()), target, max(target * 1e-6, floor), 0.1)


def our_entry(truth: np.ndarray, target: float, dtype: str, starts: np.ndarray) -> tuple[str, float, Contestant]:
    """Our fastest method for the error, its tolerance, and the full ensemble with it."""
    candidates = {}
    for method in METHODS:
        try:
            tolerance = reaching(ours(method, dtype, starts[:, :SAMPLE], 1), truth, target, dtype)
        except ValueError:
            continue
        candidates[method] = (tolerance, ours(method, dtype, starts[:, : 16 * SAMPLE], threads())(tolerance))
    if not candidates:
        raise ValueError(f"no method of {METHODS} reaches {target:g} in {dtype}")
    times = interleaved({method: entry[1] for method, entry in candidates.items()}, rounds=3)
    best = min(times, key=lambda method: times[method])
    tolerance = candidates[best][0]
    return best, tolerance, ours(best, dtype, starts, threads())(tolerance)


def their_entry(truth: np.ndarray, target: float, dtype: str, starts: np.ndarray) -> tuple[int, float, Contestant]:
    """heyoka's fastest width for the error, its tolerance, and the full ensemble with it."""
    tolerance = reaching(theirs(8, dtype, starts[:, :SAMPLE], 1), truth, target, dtype)
    width, run = peer_heyoka.fastest_width(lambda width: theirs(width, dtype, starts, threads())(tolerance), dtype)
    return width, tolerance, run


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """One case for each error."""
    truth, starts = reference(), pendulum_starts(COUNT)
    cases = []
    for target, dtype, bar in TARGETS:
        contestants: dict[str, Contestant] = {}
        notes: dict[str, object] = {}
        if with_ours:
            method, tolerance, contestants["symphys"] = our_entry(truth, target, dtype, starts)
            notes["symphys"] = {"method": method, "rtol": tolerance}
        if peer_heyoka.available():
            width, tolerance, contestants["heyoka"] = their_entry(truth, target, dtype, starts)
            notes["heyoka"] = {"batch": width, "tol": tolerance}
        for name, contestant in contestants.items():
            notes[f"{name} error"] = float(np.abs(contestant()[:, :SAMPLE] - truth).max())
        rates = {name: COUNT / value for name, value in interleaved(contestants).items()}
        cases.append(
            Case(
                name=f"error {target:g}, {dtype}",
                unit="trajectories/s",
                ours=rates.pop("symphys", None),
                peers=rates,
                bar=bar,
                better="higher",
                notes=notes,
            )
        )
    return cases, [] if peer_heyoka.available() else ["heyoka is not installed"]
