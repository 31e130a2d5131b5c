"""Symplectic compositions written by hand in Numba: what our generated kernels are held against.

Coefficients are typed here once more, so that a slip in ours would show.
Sources: W. Kahan, R.-C. Li, Math. Comp. 66 (1997) 1089 (s17odr8a, as in Hairer, Lubich, Wanner, V.3.2);
H. Yoshida, Phys. Lett. A 150 (1990) 262.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_KL8 = (
    0.13020248308889008087881763,
    0.56116298177510838456196441,
    -0.38947496264484728640807860,
    0.15884190655515560089621075,
    -0.39590389413323757733623154,
    0.18453964097831570709183254,
    0.25837438768632204729397911,
    0.29501172360931029887096624,
)
_Y4 = 1 / (2 - 2 ** (1 / 3))
COMPOSITIONS = {
    "kahan_li8": (*_KL8, -0.60550853383003451169892108, *_KL8[::-1]),
    "yoshida4": (_Y4, 1 - 2 * _Y4, _Y4),
}


def kicks_and_drifts(method: str) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the kicks (one more) and drifts of one step, kicks of neighbouring stages merged."""
    gamma = np.array(COMPOSITIONS[method])
    return (np.concatenate([gamma, [0.0]]) + np.concatenate([[0.0], gamma])) / 2, gamma


def wide_vectors() -> None:
    """Let Numba use 512-bit vectors where the processor has them; before the first compilation only."""
    import llvmlite.binding as llvm
    from numba.core import config

    features = llvm.get_host_cpu_features()
    if features.get("avx512f") and not config.CPU_FEATURES:
        config.CPU_NAME = llvm.get_host_cpu_name()
        config.CPU_FEATURES = f"{features.flatten()},-prefer-256-bit"


def henon_lanes(method: str, lanes: int = 64) -> Callable[[np.ndarray, float, float], np.ndarray]:
    """A function (starts [4, n] of vx, vy, x, y; end; step) -> ends [4, n], n a multiple of `lanes`; one thread.

    A block of trajectories stays in the first-level cache for the whole run, and three stages at a time in registers;
    a method whose stages are no multiple of three is padded with stages of length zero.
    """
    wide_vectors()
    import numba

    kicks, drifts = kicks_and_drifts(method)
    padding = -len(drifts) % 3
    after = kicks[1:].copy()
    after[-1] += kicks[0]  # the last kick of a step and the first of the next are one
    after, drifts, first = np.pad(after, (0, padding)), np.pad(drifts, (0, padding)), float(kicks[0])
    stages = len(drifts)

    @numba.njit(fastmath=True, inline="always")
    def stage(u, v, a, b, drift, kick):
        a += drift * u
        b += drift * v
        return u - kick * (a + 2 * a * b), v + kick * (b * b - b - a * a), a, b

    @numba.njit(fastmath=True)
    def carry(starts, steps, h):
        ends = np.empty_like(starts)
        vx, vy, x, y = np.empty(lanes), np.empty(lanes), np.empty(lanes), np.empty(lanes)
        for block in range(0, starts.shape[1], lanes):
            for n in range(lanes):
                u, v, a, b = starts[0, block + n], starts[1, block + n], starts[2, block + n], starts[3, block + n]
                vx[n], vy[n], x[n], y[n] = stage(u, v, a, b, 0.0, h * first)
            for _ in range(steps):
                for k in range(0, stages, 3):
                    d0, d1, d2 = h * drifts[k], h * drifts[k + 1], h * drifts[k + 2]
                    k0, k1, k2 = h * after[k], h * after[k + 1], h * after[k + 2]
                    for n in range(lanes):
                        u, v, a, b = stage(vx[n], vy[n], x[n], y[n], d0, k0)
                        u, v, a, b = stage(u, v, a, b, d1, k1)
                        vx[n], vy[n], x[n], y[n] = stage(u, v, a, b, d2, k2)
            for n in range(lanes):
                u, v, a, b = stage(vx[n], vy[n], x[n], y[n], 0.0, -h * first)
                ends[0, block + n], ends[1, block + n], ends[2, block + n], ends[3, block + n] = u, v, a, b
        return ends

    return lambda starts, end, step: carry(starts, round(end / step), end / round(end / step))


def solar(method: str, masses: np.ndarray, gravity: float) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """A function (positions [n, 3], velocities [n, 3], days, step) -> the same at the end; one thread.

    Distances of all pairs are computed as lanes; positions and velocities are summed with compensation
    (Hairer, Lubich, Wanner, VIII.5), which costs a tenth and keeps rounding from walking away.
    """
    wide_vectors()
    import numba

    kicks, drifts = kicks_and_drifts(method)
    stages, bodies = len(drifts), len(masses)
    after = kicks[1:].copy()
    after[-1] += kicks[0]
    first = float(kicks[0])
    one, two = np.tril_indices(bodies, -1)
    pairs = len(one)
    mass_one, mass_two = gravity * masses[one], gravity * masses[two]

    @numba.njit(fastmath={"contract", "arcp"}, error_model="numpy")
    def forces(r, separation, strength, force):
        for p in range(pairs):
            for k in range(3):
                separation[k, p] = r[k, one[p]] - r[k, two[p]]
        for p in range(pairs):
            squared = separation[0, p] ** 2 + separation[1, p] ** 2 + separation[2, p] ** 2
            strength[p] = 1.0 / (squared * np.sqrt(squared))
        force[:] = 0.0
        for p in range(pairs):
            i, j = one[p], two[p]
            for k in range(3):
                pull = strength[p] * separation[k, p]
                force[k, i] -= pull * mass_two[p]
                force[k, j] += pull * mass_one[p]

    @numba.njit
    def advance(total, lost, weight, change):
        for k in range(3):
            for i in range(bodies):
                step = weight * change[k, i] + lost[k, i]
                new = total[k, i] + step
                lost[k, i] = step - (new - total[k, i])
                total[k, i] = new

    @numba.njit
    def carry(r, v, steps, h):
        r, v = r.copy(), v.copy()
        r_lost, v_lost, force = np.zeros_like(r), np.zeros_like(v), np.zeros_like(r)
        separation, strength = np.empty((3, pairs)), np.empty(pairs)
        forces(r, separation, strength, force)
        advance(v, v_lost, h * first, force)
        for _ in range(steps):
            for stage in range(stages):
                advance(r, r_lost, h * drifts[stage], v)
                forces(r, separation, strength, force)
                advance(v, v_lost, h * after[stage], force)
        advance(v, v_lost, -h * first, force)
        return r, v

    def run(r: np.ndarray, v: np.ndarray, days: float, step: float) -> tuple[np.ndarray, np.ndarray]:
        steps = round(days / step)
        end_r, end_v = carry(np.ascontiguousarray(r.T), np.ascontiguousarray(v.T), steps, days / steps)
        return end_r.T, end_v.T

    return run
