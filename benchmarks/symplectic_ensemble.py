"""Row `symplectic_ensemble`: 4096 Henon-Heiles trajectories to T = 200 on one core, against lanes written by hand.

For each method steps per second at a fixed step, against the hand-written loop of the same method; then trajectories
per second at the energy error that our order 8 reaches, against heyoka's batches at the same error. The energy error
is the largest relative one of all trajectories at T.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks import peer_heyoka
from benchmarks.harness import Case, interleaved, loosest
from benchmarks.peer_splitting import henon_lanes
from benchmarks.problems import henon_energy, henon_heyoka, henon_starts, henon_symphys

NAME = "symplectic_ensemble"
COUNT, END = 4096, 200.0
STEPS = {"kahan_li8": 0.25, "yoshida4": 0.05}
LANES = (32, 64)

Contestant = Callable[[], np.ndarray]


def energy_error(ends: np.ndarray, starts: np.ndarray) -> float:
    """The largest relative change of the energy."""
    return float(np.abs(henon_energy(ends) / henon_energy(starts) - 1).max())


def ours(method: str, starts: np.ndarray) -> Contestant:
    """A whole run through symphys on one thread."""
    system, symbols = henon_symphys()
    simulator = system.compile(method=method)
    initial = dict(zip(symbols, starts, strict=True))

    def run() -> np.ndarray:
        result = simulator.run(initial, {}, t_span=(0.0, END), dt=STEPS[method], t_eval=[END], watch_every=0, threads=1)
        return np.stack([result[symbol][:, -1] for symbol in symbols])

    return run


def by_hand(method: str, lanes: int, starts: np.ndarray) -> Contestant:
    """The same by the hand-written lanes."""
    carry = henon_lanes(method, lanes)
    return lambda: carry(starts, END, STEPS[method])


def heyoka_at(error: float, starts: np.ndarray) -> tuple[int, float, Contestant]:
    """heyoka's fastest batch width at the loosest tolerance that reaches the energy error."""

    def make(tolerance: float, width: int) -> Contestant:
        return peer_heyoka.ensemble(henon_heyoka(), starts, END, tolerance, width)

    some = starts[:, :256]
    tolerance = loosest(
        lambda tol: energy_error(peer_heyoka.ensemble(henon_heyoka(), some, END, tol)(), some), error, 1e-15, 1e-4
    )
    width, run = peer_heyoka.fastest_width(lambda width: make(tolerance, width))
    return width, tolerance, run


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """Steps per second by method, and trajectories per second at equal error."""
    starts, cases, contestants, notes = henon_starts(COUNT), [], {}, {}
    for method, step in STEPS.items():
        contestants = {f"{lanes} lanes by hand": by_hand(method, lanes, starts) for lanes in LANES}
        if with_ours:
            contestants["symphys"] = ours(method, starts)
        notes = {f"{name} energy error": energy_error(run(), starts) for name, run in contestants.items()}
        rates = {name: COUNT * END / step / value for name, value in interleaved(contestants).items()}
        cases.append(
            Case(
                name=f"{method}, step {step}, one core",
                unit="steps/s",
                ours=rates.pop("symphys", None),
                peers=rates,
                bar=0.9,
                better="higher",
                notes=notes,
            )
        )
    if not peer_heyoka.available():
        return cases, ["heyoka is not installed"]
    reached = energy_error(by_hand("kahan_li8", LANES[0], starts)(), starts)
    width, tolerance, run_heyoka = heyoka_at(reached, starts)
    finals: dict[str, Contestant] = {"heyoka": run_heyoka}
    if with_ours:
        finals["symphys"] = ours("kahan_li8", starts)
    rates = {name: COUNT / value for name, value in interleaved(finals, rounds=3).items()}
    cases.append(
        Case(
            name=f"energy error {reached:.1g}, one core",
            unit="trajectories/s",
            ours=rates.pop("symphys", None),
            peers=rates,
            better="higher",
            notes={"heyoka": {"batch": width, "tol": tolerance, "energy error": energy_error(run_heyoka(), starts)}},
        )
    )
    return cases, []
