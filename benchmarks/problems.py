"""The systems that rows share: their data, their right-hand sides for references, and how symphys and heyoka are told.

Everything here states the same physics several times over on purpose: a peer is given the form that suits it best.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

GRAVITY = 9.81


# --- double pendulum, m = l = 1 -----------------------------------------------------------------------
def pendulum_rates(state: np.ndarray) -> np.ndarray:
    """d/dt (theta1, theta2, w1, w2), solved by hand for the accelerations; state [4, n]."""
    a, b, u, v = state
    g = state.dtype.type(GRAVITY)
    sine, cosine = np.sin(a - b), np.cos(a - b)
    f1 = -sine * v * v - 2 * g * np.sin(a)
    f2 = sine * u * u - g * np.sin(b)
    determinant = 2 - cosine * cosine
    return np.stack([u, v, (f1 - cosine * f2) / determinant, (2 * f2 - cosine * f1) / determinant])


def pendulum_starts(count: int) -> np.ndarray:
    """Angles uniform in [-1, 1], at rest; [4, count]."""
    starts = np.zeros((4, count))
    starts[:2] = np.random.default_rng(2024).uniform(-1.0, 1.0, (2, count))
    return starts


def pendulum_symphys() -> tuple[Any, tuple[Any, ...], dict[Any, float]]:
    """The Lagrangian, its state symbols in the order of `pendulum_starts`, and the values of its parameters."""
    import sympy

    import symphys as ph

    theta1, theta2 = ph.coordinates("theta1 theta2")
    m, l, g = ph.parameters("m l g", positive=True)
    w1, w2 = ph.dot(theta1), ph.dot(theta2)
    kinetic = m * l**2 * (2 * w1**2 + w2**2 + 2 * w1 * w2 * sympy.cos(theta1 - theta2)) / 2
    potential = -m * g * l * (2 * sympy.cos(theta1) + sympy.cos(theta2))
    return ph.Lagrangian(kinetic - potential), (theta1, theta2, w1, w2), {m: 1.0, l: 1.0, g: GRAVITY}


def pendulum_heyoka() -> list[tuple[Any, Any]]:
    """The explicit equations with shared subexpressions, g a number (the form that heyoka runs fastest)."""
    import heyoka as hy

    a, b, u, v = hy.make_vars("a", "b", "u", "v")
    sine, cosine = hy.sin(a - b), hy.cos(a - b)
    f1 = -sine * v * v - 2 * GRAVITY * hy.sin(a)
    f2 = sine * u * u - GRAVITY * hy.sin(b)
    determinant = 2.0 - cosine * cosine
    return [(a, u), (b, v), (u, (f1 - cosine * f2) / determinant), (v, (2.0 * f2 - cosine * f1) / determinant)]


# --- Henon-Heiles -------------------------------------------------------------------------------------
HENON_START = np.array([-0.2525875586263492, -0.2178423952983717, 0.0, 0.2587703282931232])  # vx, vy, x, y


def henon_energy(state: np.ndarray) -> np.ndarray:
    """(vx^2 + vy^2 + x^2 + y^2) / 2 + x^2 y - y^3 / 3 in extended precision; state [4, ...] = vx, vy, x, y."""
    vx, vy, x, y = np.asarray(state, dtype=np.longdouble)
    return (vx * vx + vy * vy + x * x + y * y) / 2 + x * x * y - y**3 / 3


def henon_starts(count: int) -> np.ndarray:
    """Bounded starts around the one of the single-trajectory row: each number scaled by up to 30 %; [4, count]."""
    scale = np.random.default_rng(7).uniform(0.7, 1.0, (4, count))
    return HENON_START[:, None] * scale + np.array([0.0, 0.0, 0.05, 0.0])[:, None] * (scale - 0.85)


def henon_symphys() -> tuple[Any, tuple[Any, ...]]:
    """The Lagrangian and its state symbols in the order vx, vy, x, y."""
    import symphys as ph

    x, y = ph.coordinates("x y")
    vx, vy = ph.dot(x), ph.dot(y)
    potential = (x**2 + y**2) / 2 + x**2 * y - y**3 / 3
    return ph.Lagrangian((vx**2 + vy**2) / 2 - potential), (vx, vy, x, y)


def henon_heyoka() -> list[tuple[Any, Any]]:
    """The equations of motion in the order vx, vy, x, y."""
    import heyoka as hy

    vx, vy, x, y = hy.make_vars("vx", "vy", "x", "y")
    return [(vx, -x - 2.0 * x * y), (vy, y * y - y - x * x), (x, vx), (y, vy)]


# --- the outer Solar System: Hairer, Lubich, Wanner, Geometric Numerical Integration, I.2.4 -----------------
SOLAR_GRAVITY = 2.95912208286e-4  # au^3 / (solar mass day^2)
SOLAR_NAMES = ("sun", "jupiter", "saturn", "uranus", "neptune", "pluto")
SOLAR_MASSES = np.array(
    [1.00000597682, 0.000954786104043, 0.000285583733151, 0.0000437273164546, 0.0000517759138449, 1 / 1.3e8]
)
SOLAR_POSITIONS = np.array(
    [
        [0.0, 0.0, 0.0],
        [-3.5023653, -3.8169847, -1.5507963],
        [9.0755314, -3.0458353, -1.6483708],
        [8.3101420, -16.2901086, -7.2521278],
        [11.4707666, -25.7294829, -10.8169456],
        [-15.5387357, -25.2225594, -3.1902382],
    ]
)
SOLAR_VELOCITIES = np.array(
    [
        [0.0, 0.0, 0.0],
        [0.00565429, -0.00412490, -0.00190589],
        [0.00168318, 0.00483525, 0.00192462],
        [0.00354178, 0.00137102, 0.00055029],
        [0.00288930, 0.00114527, 0.00039677],
        [0.00276725, -0.00170702, -0.00136504],
    ]
)


def solar_start() -> tuple[np.ndarray, np.ndarray]:
    """Positions and velocities [6, 3] with the centre of mass at rest at the origin."""
    share = SOLAR_MASSES[:, None] / SOLAR_MASSES.sum()
    return SOLAR_POSITIONS - (share * SOLAR_POSITIONS).sum(0), SOLAR_VELOCITIES - (share * SOLAR_VELOCITIES).sum(0)


def solar_energy(positions: np.ndarray, velocities: np.ndarray) -> np.ndarray:
    """Kinetic plus potential energy in extended precision; [..., 6, 3] each."""
    r, v = np.asarray(positions, np.longdouble), np.asarray(velocities, np.longdouble)
    masses = SOLAR_MASSES.astype(np.longdouble)
    energy = (masses * (v * v).sum(-1)).sum(-1) / 2
    for i in range(len(masses)):
        for j in range(i):
            distance = np.sqrt(((r[..., i, :] - r[..., j, :]) ** 2).sum(-1))
            energy = energy - np.longdouble(SOLAR_GRAVITY) * masses[i] * masses[j] / distance
    return energy


def solar_symphys() -> tuple[Any, list[Any], list[Any]]:
    """The Lagrangian with numbers for the masses, and its positions and velocities, body by body."""
    import sympy

    import symphys as ph

    names = [f"{axis}{body}" for body in range(len(SOLAR_NAMES)) for axis in "xyz"]
    positions = list(ph.coordinates(" ".join(names)))
    velocities = [ph.dot(q) for q in positions]
    masses = [float(m) for m in SOLAR_MASSES]
    lagrangian = sum(masses[k // 3] * v**2 / 2 for k, v in enumerate(velocities))
    for i in range(len(masses)):
        for j in range(i):
            squared = sum((positions[3 * i + k] - positions[3 * j + k]) ** 2 for k in range(3))
            lagrangian += SOLAR_GRAVITY * masses[i] * masses[j] / sympy.sqrt(squared)
    return ph.Lagrangian(lagrangian), positions, velocities


# --- references -----------------------------------------------------------------------------------------
def extrapolated(rates: Callable[[np.ndarray], np.ndarray], start: np.ndarray, end: float, step: float) -> np.ndarray:
    """State at t = end by Gragg's midpoint rule, extrapolated to order 24 in extended precision.

    Independent of every contestant. The harmonic sequence 2, 4, ... 24 keeps the weights of the last column below
    1000, so that with the 64-bit mantissa of x86 (eps 1e-19) 1e-13 is safe; halving `step` shows what was reached.
    Source: Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, II.9.
    """
    columns = 12
    counts = [2 * (k + 1) for k in range(columns)]
    state = start.astype(np.longdouble)
    steps = round(end / step)
    whole = np.longdouble(end) / steps
    for _ in range(steps):
        table: list[np.ndarray] = []
        for k, count in enumerate(counts):
            h = whole / count
            previous, current = state, state + h * rates(state)
            for _ in range(count - 1):
                previous, current = current, previous + 2 * h * rates(current)
            row = [current]  # an even number of steps; the expansion is in h^2 without smoothing
            for j in range(k):
                ratio = (np.longdouble(counts[k]) / counts[k - j - 1]) ** 2
                row.append(row[j] + (row[j] - table[j]) / (ratio - 1))
            table = row
        state = table[-1]
    return state
