"""Row `single_trajectory`: one Henon-Heiles trajectory to t = 2000 with an energy error of at most 1e-14.

The error is |E(2000) - E(0)| / E(0), evaluated in extended precision. One thread.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks import peer_heyoka
from benchmarks.harness import Case, interleaved
from benchmarks.problems import HENON_START, henon_energy, henon_heyoka, henon_symphys

NAME = "single_trajectory"
END, TARGET = 2000.0, 1e-14
TOLERANCES = tuple(10.0**-k for k in np.arange(13.0, 18.6, 0.25))

Contestant = Callable[[], np.ndarray]


def energy_error(state: np.ndarray) -> float:
    """Relative to the energy of the start."""
    start = henon_energy(HENON_START)
    return float(abs((henon_energy(state) - start) / start))


def ours() -> Callable[[float], Contestant]:
    """The adaptive Taylor method, compiled once."""
    system, symbols = henon_symphys()
    simulator = system.compile(method="taylor")
    initial = dict(zip(symbols, HENON_START, strict=True))

    def at(tolerance: float) -> Contestant:
        def run() -> np.ndarray:
            result = simulator.run(
                initial, {}, t_span=(0.0, END), rtol=tolerance, t_eval=[END], watch_every=0, threads=1
            )
            return np.array([result[symbol][-1] for symbol in symbols])

        return run

    return at


def theirs() -> Callable[[float], Contestant]:
    """heyoka's scalar adaptive integrator."""
    import heyoka as hy

    system = henon_heyoka()

    def at(tolerance: float) -> Contestant:
        machine = hy.taylor_adaptive(system, HENON_START.copy(), tol=tolerance)
        state = machine.state

        def run() -> np.ndarray:
            state[:] = HENON_START
            machine.time = 0.0
            machine.propagate_until(END)
            return state.copy()

        return run

    return at


def quickest(make: Callable[[float], Contestant]) -> tuple[float, Contestant]:
    """The fastest contestant among the tolerances whose energy error reaches the target."""
    good = {}
    for tolerance in TOLERANCES:
        contestant = make(tolerance)
        if energy_error(contestant()) <= TARGET:
            good[tolerance] = contestant
        if len(good) == 3:
            break
    if not good:
        raise ValueError(f"no tolerance reaches an energy error of {TARGET:g}")
    times = interleaved({str(tolerance): contestant for tolerance, contestant in good.items()}, rounds=9)
    best = min(good, key=lambda tolerance: times[str(tolerance)])
    return best, good[best]


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """Seconds of one whole call."""
    contestants, notes = {}, {}
    for name, wanted, make in (("symphys", with_ours, ours), ("heyoka", peer_heyoka.available(), theirs)):
        if wanted:
            tolerance, contestants[name] = quickest(make())
            notes[name] = {"tolerance": tolerance, "energy error": energy_error(contestants[name]())}
    times = {name: 1e3 * value for name, value in interleaved(contestants, rounds=51).items()}
    case = Case(
        name="Henon-Heiles, T = 2000, energy error 1e-14",
        unit="ms",
        ours=times.pop("symphys", None),
        peers=times,
        bar=1.0,
        notes=notes,
    )
    return [case], [] if peer_heyoka.available() else ["heyoka is not installed"]
