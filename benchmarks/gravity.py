"""Row `gravity`: 1024 gravitating bodies, all pairs, velocity Verlet, against a loop written by hand in Numba.

Softened gravity, a cloud at rest in the mean, 400 steps. The hand-written loop is what a careful user writes: all
neighbours of a body in one vectorised loop, `fastmath`, parallel over bodies. A second one takes the reciprocal square
root by its bits and three steps of Newton. All cores on both sides.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sympy import sqrt

from benchmarks.harness import Case, interleaved, threads

NAME = "gravity"
BODIES, STEPS, STEP, SOFTENING = 1024, 400, 1e-3, 0.05


def cloud() -> tuple[np.ndarray, np.ndarray]:
    """Places and velocities [bodies, 3]."""
    rng = np.random.default_rng(1)
    return rng.normal(0, 1, (BODIES, 3)), rng.normal(0, 0.4, (BODIES, 3))


def hand_written(by_bits: bool) -> Callable[[], np.ndarray]:
    """The final places of `STEPS` steps."""
    import numba

    if by_bits:

        @numba.njit(inline="always", fastmath=True)
        def inverse_root(q):
            bits = np.int64(0x5FE6EB50C7B537A9) - (np.float64(q).view(np.int64) >> 1)
            y = bits.view(np.float64)
            for _ in range(4):
                y = y * (1.5 - 0.5 * q * y * y)
            return y

    else:

        @numba.njit(inline="always", fastmath=True)
        def inverse_root(q):
            return 1.0 / np.sqrt(q)

    @numba.njit(parallel=True, fastmath=True)
    def forces(x, y, z, m, ax, ay, az, softening):
        n = len(x)
        for i in numba.prange(n):
            fx = fy = fz = 0.0
            for j in range(n):
                dx, dy, dz = x[j] - x[i], y[j] - y[i], z[j] - z[i]
                w = inverse_root(dx * dx + dy * dy + dz * dz + softening * softening)
                w = m[j] * w * w * w
                fx += w * dx
                fy += w * dy
                fz += w * dz
            ax[i], ay[i], az[i] = fx, fy, fz

    @numba.njit(fastmath=True)
    def carry(r, v, m, steps, h, softening):
        a = np.zeros_like(r)
        forces(r[0], r[1], r[2], m, a[0], a[1], a[2], softening)
        for _ in range(steps):
            v += h / 2 * a
            r += h * v
            forces(r[0], r[1], r[2], m, a[0], a[1], a[2], softening)
            v += h / 2 * a
        return r

    numba.set_num_threads(threads())
    places, velocities = (np.ascontiguousarray(a.T) for a in cloud())
    masses = np.full(BODIES, 1 / BODIES)
    return lambda: carry(places.copy(), velocities.copy(), masses, STEPS, STEP, SOFTENING).T


def ours(dtype: str = "float64") -> Callable[[], np.ndarray]:
    """The same through symphys."""
    import symphys as ph

    stars = ph.particles("x", dim=3)
    G, eps = ph.parameters("G eps", positive=True)
    cluster = ph.Lagrangian(
        stars.sum(lambda a: stars.mass(a) * a.speed_squared / 2)
        + stars.pairs(lambda a, b: G * stars.mass(a) * stars.mass(b) / sqrt(a.distance(b) ** 2 + eps**2))
    )
    simulator = cluster.compile(method="verlet", dtype=dtype)
    places, velocities = cloud()
    start, values = {stars: places, ph.dot(stars): velocities}, {stars.mass: 1 / BODIES, G: 1.0, eps: SOFTENING}

    def run() -> np.ndarray:
        result = simulator.run(start, values, t_span=(0, STEPS * STEP), dt=STEP, save_every=STEPS, threads=threads())
        return result[stars][-1]

    return run


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """Steps per second on all cores."""
    contestants = {"Numba": hand_written(False)}
    bits, notes = {}, {}
    try:
        bits = {"Numba by bits": hand_written(True)}
        next(iter(bits.values()))()
    except Exception as error:  # noqa: BLE001 - views of scalars are not in every Numba
        bits, skipped = {}, [f"reciprocal roots by bits: {type(error).__name__}"]
    else:
        skipped = []
    contestants |= bits
    if with_ours:
        contestants |= {"symphys": ours(), "symphys f32": ours("float32")}
        notes["largest difference of places"] = float(np.abs(contestants["symphys"]() - contestants["Numba"]()).max())
    rates = {name: STEPS / value for name, value in interleaved(contestants).items()}
    notes |= {f"{name}, steps/s": rates.pop(name) for name in ("Numba by bits", "symphys f32") if name in rates}
    ours_rate = rates.pop("symphys", None)
    case = Case(f"{BODIES} bodies, f64", "steps/s", ours_rate, rates, bar=2.0, better="higher", notes=notes)
    return [case], [*skipped, "rebound and OpenMM are not installed by default"]
