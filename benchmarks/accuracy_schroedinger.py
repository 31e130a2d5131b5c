"""Row `accuracy_schroedinger`: a free packet by residuals of a network, and by a sum of plane waves.

Start pi^(-1/4) exp(-x^2 / 2 + 2 i x), t in [0, 1/2], x in [-5, 6]; the error is that of psi at 41 x 221 points in the
L2 norm, relative to the exact packet. Published figures are about 1e-3. Five draws of features; the median counts. The
number of waves was chosen by the loss, which needs no exact solution; the time is that of all from writing to solving,
with what is compiled. A network of two hidden layers that is learnt as a whole is reported besides.
"""

from __future__ import annotations

import time

import numpy as np
from sympy import I, Rational, conjugate, exp, pi

import symphys as ph
from benchmarks.harness import Case

NAME = "accuracy_schroedinger"
SEEDS = range(5)
WAVES, POINTS = 250, 48
DEEP = {"hidden": (20, 20), "activation": "gaussian"}
STEPS, DEEP_STEPS = 150, 800
MOMENTUM = 2
DOMAIN = (0.0, 0.5), (-5.0, 6.0)
PUBLISHED = 1e-3

t, x = ph.spacetime("t x")
psi = ph.complex_field("psi", (t, x))
bar = conjugate(psi)
START = pi ** Rational(-1, 4) * exp(-(x**2) / 2 + MOMENTUM * I * x)


def theory() -> ph.LagrangianDensity:
    return ph.LagrangianDensity(I / 2 * (bar * psi.diff(t) - psi * bar.diff(t)) - bar.diff(x) * psi.diff(x) / 2)


def error(solution: object) -> float:
    """Relative to the exact packet, in the L2 norm."""
    times, places = np.meshgrid(np.linspace(*DOMAIN[0], 41), np.linspace(*DOMAIN[1], 221), indexing="ij")
    spread = 1 + 1j * times
    exact = np.exp(-((places - MOMENTUM * times) ** 2) / (2 * spread) + 1j * MOMENTUM * (places - MOMENTUM * times / 2))
    exact /= np.pi**0.25 * np.sqrt(spread)
    found = solution.evaluate(psi, {t: times, x: places})
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


def by_waves() -> tuple[float, float]:
    """Error and seconds of 53 plane waves that are periodic over a length of 20."""
    begin = time.perf_counter()
    k = MOMENTUM + 2 * np.pi / 20 * np.arange(-26, 27)
    ansatz = {psi: ph.plane_waves("c", (t, x), np.column_stack([-(k**2) / 2, k]))}
    solution = theory().solve(ansatz, {t: DOMAIN[0], x: (-9.5, 9.5)}, {psi.subs(t, 0): START})
    return error(solution), time.perf_counter() - begin


def by_residual(seed: int, waves: int | None) -> tuple[float, float]:
    """Error and seconds of a network of random waves, or of one with hidden layers where `waves` is None."""
    scale = {"input_shift": [0.25, 0.5], "input_scale": [0.25, 3.0]}
    form = DEEP if waves is None else {"hidden": (), "features": waves, "feature_seed": seed}
    N = ph.network("N", 2, outputs=2, **form, **scale)
    begin = time.perf_counter()
    carried = (N(t, x)[0] + I * N(t, x)[1]) * exp(I * MOMENTUM * (x - MOMENTUM * t / 2))
    conditions = {psi.subs(t, 0): START, psi.subs(x, -5): 0, psi.subs(x, 6): 0}
    steps = DEEP_STEPS if waves is None else STEPS
    solution = theory().solve(
        {psi: carried}, {t: DOMAIN[0], x: DOMAIN[1]}, conditions, points=POINTS, seed=seed, steps=steps
    )
    return error(solution), time.perf_counter() - begin


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """Errors and times, the median over the seeds, against what is to be reached."""
    if not with_ours:
        return [], []
    summed = [by_waves() for _ in SEEDS]
    features = [by_residual(seed, WAVES) for seed in SEEDS]
    deep = [by_residual(seed, None) for seed in SEEDS]
    cases = []
    for name, found, least, longest in (
        ("plane waves", summed, 1e-10, 1.0),
        ("residual, random waves", features, 1e-5, 120.0),
        ("residual, two hidden layers", deep, 1e-5, 120.0),
    ):
        errors, times = zip(*found, strict=True)
        notes = {"errors": errors, "seconds": times, "published": PUBLISHED}
        cases.append(Case(f"{name}, error", "relative", float(np.median(errors)), limit=least, notes=notes))
        cases.append(Case(f"{name}, time", "s", float(np.median(times)), limit=longest))
    return cases, []
