"""Textbook systems that nothing was built for: derived, run with `method="auto"` both ways, and compared.

Each is compared with SciPy on equations of motion written on paper (Goldstein, "Classical Mechanics", 3rd ed., chapters
1 to 3, 7 and 8, and the exercises there), or with its closed solution; what must be conserved is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from sympy import Rational, cos, sin, sqrt

import symphys as ph

g, m, M, k, w = ph.parameters("g m M k w", positive=True)
x, y, z, r, theta, phi, alpha = ph.coordinates("x y z r theta phi alpha")
d = ph.dot


@dataclass(frozen=True)
class Mechanism:
    """A system, a start, and the rates of (q, v) by hand; `laws` are names that must be among what is conserved."""

    system: Any
    start: tuple[float, ...]
    values: dict[Any, float]
    rates: Callable[[float, np.ndarray], list[float]]
    laws: tuple[str, ...] = ("energy",)
    end: float = 10.0


def atwood_with_pulley() -> Mechanism:
    """Masses M and m over a disc of mass k: x'' = (M - m) g / (M + m + k/2)."""
    lagrangian = (M + m) * d(x) ** 2 / 2 + k / 2 * d(x) ** 2 / 2 + (M - m) * g * x
    a = (3.0 - 2.0) * 9.81 / (5.0 + 0.5)
    return Mechanism(ph.Lagrangian(lagrangian), (0.0, 0.1), {M: 3.0, m: 2.0, k: 1.0, g: 9.81}, lambda t, s: [s[1], a])


def double_atwood() -> Mechanism:
    """Masses 4, 2 and 1 (exercise 1.18): mass 4 sinks by x, the others hang on a movable pulley, one sinking by y."""
    lagrangian = 4 * d(x) ** 2 / 2 + 2 * (d(y) - d(x)) ** 2 / 2 + (d(x) + d(y)) ** 2 / 2
    lagrangian += 4 * g * x + 2 * g * (y - x) - g * (x + y)
    mass = np.array([[7.0, -1.0], [-1.0, 3.0]])
    ax, ay = np.linalg.solve(mass, [9.81 * 1.0, 9.81 * 1.0])
    return Mechanism(
        ph.Lagrangian(lagrangian), (0.0, 0.0, 0.2, -0.1), {g: 9.81}, lambda t, s: [s[2], s[3], ax, ay], end=5.0
    )


def spherical_pendulum_on_a_moving_support() -> Mechanism:
    """Support at X = 0.3 cos(w t): theta'' = sin cos phi'^2 - g sin + 0.3 w^2 cos(wt) cos theta cos phi."""
    reach = Rational(3, 10) * cos(w * ph.t)
    place = (reach + sin(theta) * cos(phi), sin(theta) * sin(phi), -cos(theta))
    lagrangian = sum(d(c) ** 2 for c in place) / 2 + g * cos(theta)

    def rates(t, s):  # phi before theta: by name
        f, q, u, v = s
        push = 0.3 * 4.0 * np.cos(2.0 * t)
        return [
            u,
            v,
            -2.0 * np.cos(q) / np.sin(q) * v * u - push * np.sin(f) / np.sin(q),
            np.sin(q) * np.cos(q) * u**2 - 9.81 * np.sin(q) + push * np.cos(q) * np.cos(f),
        ]

    return Mechanism(ph.Lagrangian(lagrangian), (0.1, 0.8, 2.5, 0.0), {g: 9.81, w: 2.0}, rates, (), 4.0)


def bead_on_a_parabola() -> Mechanism:
    """y = x^2 / 2: (1 + x^2) x'' = -x x'^2 - g x."""
    lagrangian = (1 + x**2) * d(x) ** 2 / 2 - g * x**2 / 2
    return Mechanism(
        ph.Lagrangian(lagrangian), (1.5, 0.0), {g: 9.81},
        lambda t, s: [s[1], -s[0] * (s[1] ** 2 + 9.81) / (1 + s[0] ** 2)],
    )  # fmt: skip


def bead_on_a_rotating_wire() -> Mechanism:
    """A straight wire turned about a vertical axis at the angle 1 to it: r'' = w^2 sin^2(1) r - g cos(1)."""
    a, b = (2.0 * np.sin(1.0)) ** 2, 9.81 * np.cos(1.0)
    lagrangian = (d(r) ** 2 + (w * r * sin(1)) ** 2) / 2 - g * r * cos(1)
    return Mechanism(
        ph.Lagrangian(lagrangian), (1.8, 0.0), {g: 9.81, w: 2.0}, lambda t, s: [s[1], a * s[0] - b], end=2.0
    )


def hoop_in_a_cylinder() -> Mechanism:
    """Hoop of radius 1 rolls in a cylinder of radius 4, centre on a circle of radius 3: 2 (3 theta'') = -g sin."""
    lagrangian = 2 * m * (3 * d(theta)) ** 2 / 2 + m * g * 3 * cos(theta)
    return Mechanism(
        ph.Lagrangian(lagrangian), (1.0, 0.0), {g: 9.81, m: 0.7}, lambda t, s: [s[1], -9.81 * np.sin(s[0]) / 6.0]
    )


def crossed_fields() -> Mechanism:
    """B along z, E along y: the cycloid of exercise 2.17's kind, x'' = w y', y'' = k - w x'."""
    lagrangian = (d(x) ** 2 + d(y) ** 2 + d(z) ** 2) / 2 + w * (x * d(y) - y * d(x)) / 2 + k * y
    return Mechanism(
        ph.Lagrangian(lagrangian), (0.0, 0.0, 0.0, 0.3, -0.2, 0.1), {w: 1.7, k: 0.5},
        lambda t, s: [s[3], s[4], s[5], 1.7 * s[4], 0.5 - 1.7 * s[3], 0.0],
    )  # fmt: skip


def precessing_ellipse() -> Mechanism:
    """Kepler's problem with 1 / r^2 besides (exercise 3.21), in Cartesian coordinates, so that it splits."""
    radius = sqrt(x**2 + y**2)
    lagrangian = (d(x) ** 2 + d(y) ** 2) / 2 + 1 / radius - k / radius**2

    def rates(t, s):
        rho = np.hypot(s[0], s[1])
        pull = -1.0 / rho**3 + 2 * 0.05 / rho**4
        return [s[2], s[3], pull * s[0], pull * s[1]]

    return Mechanism(
        ph.Lagrangian(lagrangian), (1.0, 0.0, 0.0, 0.9), {k: 0.05}, rates, ("energy", "angular momentum z")
    )


def spring_pendulum() -> Mechanism:
    """r'' = r theta'^2 + g cos theta - (k/m)(r - 1), theta'' = -(2 r' theta' + g sin theta) / r."""
    lagrangian = m * (d(r) ** 2 + r**2 * d(theta) ** 2) / 2 + m * g * r * cos(theta) - k * (r - 1) ** 2 / 2

    def rates(t, s):
        q, f, v, u = s
        return [v, u, q * u**2 + 9.81 * np.cos(f) - 40.0 * (q - 1), -(2 * v * u + 9.81 * np.sin(f)) / q]

    return Mechanism(ph.Lagrangian(lagrangian), (1.1, 0.5, 0.0, 0.0), {m: 0.5, k: 20.0, g: 9.81}, rates, end=5.0)


def sliding_ladder() -> Mechanism:
    """A ladder of length 2 between wall and floor, both smooth: theta'' = (3 g / 4) sin theta from the vertical."""
    lagrangian = (1 + Rational(1, 3)) * m * d(theta) ** 2 / 2 - m * g * cos(theta)
    return Mechanism(
        ph.Lagrangian(lagrangian),
        (0.3, 0.0),
        {m: 4.0, g: 9.81},
        lambda t, s: [s[1], 0.75 * 9.81 * np.sin(s[0])],
        end=0.8,
    )


def coupled_pendulums() -> Mechanism:
    """Two pendulums of length 1 joined by a spring on their angles."""
    lagrangian = (d(theta) ** 2 + d(phi) ** 2) / 2 + g * (cos(theta) + cos(phi)) - k * (theta - phi) ** 2 / 2

    def rates(t, s):
        pull = 0.8 * (s[0] - s[1])
        return [s[2], s[3], -9.81 * np.sin(s[0]) - pull, -9.81 * np.sin(s[1]) + pull]

    return Mechanism(ph.Lagrangian(lagrangian), (0.0, 1.0, 0.0, 0.0), {g: 9.81, k: 0.8}, rates)


def relativistic_oscillator() -> Mechanism:
    """x'' = -k x (1 - x'^2)^(3/2) with c = m = 1."""
    lagrangian = -sqrt(1 - d(x) ** 2) - k * x**2 / 2
    return Mechanism(
        ph.Lagrangian(lagrangian), (1.2, 0.0), {k: 1.5}, lambda t, s: [s[1], -1.5 * s[0] * (1 - s[1] ** 2) ** 1.5]
    )


def pendulum_on_a_cart() -> Mechanism:
    """(M + m) x'' + m (theta'' cos - theta'^2 sin) = 0, theta'' + x'' cos + g sin = 0; x is cyclic."""
    lagrangian = M * d(x) ** 2 / 2 + m * ((d(x) + cos(theta) * d(theta)) ** 2 + (sin(theta) * d(theta)) ** 2) / 2
    lagrangian += m * g * cos(theta)

    def rates(t, s):  # theta before x: by name
        q, _, u, v = s
        matrix = [[1.0, np.cos(q)], [np.cos(q), 3.0]]
        a = np.linalg.solve(matrix, [-9.81 * np.sin(q), u**2 * np.sin(q)])
        return [u, v, a[0], a[1]]

    return Mechanism(
        ph.Lagrangian(lagrangian), (1.5, 0.0, 0.0, 0.2), {M: 2.0, m: 1.0, g: 9.81}, rates, ("energy", "momentum x")
    )


def swinging_atwood() -> Mechanism:
    """One weight of an Atwood machine swings: (M + m) r'' = m r theta'^2 - M g + m g cos theta."""
    lagrangian = (M + m) * d(r) ** 2 / 2 + m * r**2 * d(theta) ** 2 / 2 - M * g * r + m * g * r * cos(theta)

    def rates(t, s):
        q, f, v, u = s
        return [v, u, (q * u**2 - 3.0 * 9.81 + 9.81 * np.cos(f)) / 4.0, -(2 * v * u + 9.81 * np.sin(f)) / q]

    return Mechanism(ph.Lagrangian(lagrangian), (1.0, 1.2, 0.0, 0.0), {M: 3.0, m: 1.0, g: 9.81}, rates, end=3.0)


MECHANISMS = (
    atwood_with_pulley, double_atwood, spherical_pendulum_on_a_moving_support, bead_on_a_parabola,
    bead_on_a_rotating_wire, hoop_in_a_cylinder, crossed_fields, precessing_ellipse, spring_pendulum, sliding_ladder,
    coupled_pendulums, relativistic_oscillator, pendulum_on_a_cart, swinging_atwood,
)  # fmt: skip


@pytest.mark.parametrize("make", MECHANISMS, ids=lambda make: make.__name__)
def test_textbook_motion(make: Callable[[], Mechanism]) -> None:
    """SciPy at 1e-12, amplified by less than 1e3 on the way; our tolerance 1e-10 likewise; our fixed step of a
    thousandth of the run has an error of fourth order, (w h)^4 times a phase of about w t: below 1e-4 here."""
    case = make()
    labels = case.system.dynamics.labels
    start = dict(zip(labels, case.start, strict=True))
    times = np.linspace(0.0, case.end, 11)
    exact = solve_ivp(case.rates, (0.0, case.end), case.start, method="DOP853", rtol=1e-12, atol=1e-13, t_eval=times)
    assert exact.success
    simulator = case.system.compile()
    adaptive = simulator.run(start, case.values, (0.0, case.end), rtol=1e-10, t_eval=times)
    fixed = simulator.run(start, case.values, (0.0, case.end), dt=case.end / 1000, t_eval=times)
    size = 1.0 + np.abs(exact.y).max()
    for run, bound in ((adaptive, 1e-7), (fixed, 1e-4)):
        assert run.ok
        for label, expected in zip(labels, exact.y, strict=True):
            assert np.abs(run[label] - expected).max() < bound * size
        assert set(case.laws) <= set(run.drift)
        for drift in run.drift.values():
            assert drift < bound
