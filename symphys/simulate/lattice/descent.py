"""Minima of an energy over fields of fixed norms: preconditioned conjugate gradients on spheres.

E[psi] is least where its gradient g = dE/d(conj psi) is mu psi. Directions are tangent to the spheres, preconditioned,
and conjugate in the sense of Polak and Ribiere; steps end where the slope along them vanishes, found by the secant
through two gradients, which loses no digits to cancellation as differences of energies do. Antoine, Levitt, Tang,
J. Comput. Phys. 343 (2017) 92.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Fields = list[NDArray[np.complex128]]
ROUNDING = 1e-14  # of an energy that is a sum over many points, relative to |g| |psi|


@dataclass(frozen=True)
class Problem:
    """What is minimised.

    gradient(psi): dE/d(conj psi) of each field; energy(psi); precondition(r, psi): an approximate inverse of the
    Hessian. weights: of the quadrature, so that <a, b> = sum weights conj(a) b. norms: <psi, psi> of each field, None
    where it is free.
    """

    gradient: Callable[[Fields], Fields]
    energy: Callable[[Fields], float]
    precondition: Callable[[Fields, Fields], Fields]
    weights: NDArray[np.float64]
    norms: Sequence[float | None]

    def dot(self, a: NDArray[np.complex128], b: NDArray[np.complex128]) -> float:
        """Re <a, b>."""
        return float(np.real(np.vdot(a, self.weights * b)))

    def total(self, a: Fields, b: Fields) -> float:
        """The sum of Re <a, b> over the fields."""
        return sum(self.dot(x, y) for x, y in zip(a, b, strict=True))

    def normalised(self, psi: Fields) -> Fields:
        """Each field scaled to its norm."""
        return [
            x if norm is None else x * np.sqrt(norm / self.dot(x, x)) for x, norm in zip(psi, self.norms, strict=True)
        ]

    def multipliers(self, psi: Fields, gradient: Fields) -> list[float]:
        """mu of each field, 0 where its norm is free."""
        pairs = zip(psi, gradient, self.norms, strict=True)
        return [0.0 if norm is None else self.dot(x, g) / norm for x, g, norm in pairs]

    def tangent(self, psi: Fields, direction: Fields) -> Fields:
        """A direction without its part along the fields."""
        return [
            d if norm is None else d - x * (self.dot(x, d) / norm)
            for x, d, norm in zip(psi, direction, self.norms, strict=True)
        ]


@dataclass(frozen=True)
class Minimum:
    """Where a descent ended: the fields, their multipliers, the norm of g - mu psi, the number of steps."""

    fields: Fields
    multipliers: list[float]
    residual: float
    steps: int
    converged: bool


def descend(problem: Problem, start: Fields, tolerance: float, max_steps: int) -> Minimum:
    """The minimum near a start; converged where |g - mu psi| <= tolerance times |g|, or where rounding hides the rest.

    The error of the energy is the square of |g - mu psi|: without a gain in energy it may be as large as the root of
    that rounding.
    """
    psi = problem.normalised(start)
    gradient = problem.gradient(psi)
    before: tuple[Fields, Fields, float] | None = None
    length, best, stale, gain = 0.1, np.inf, 0, 0.0
    residual = np.inf
    for step in range(max_steps):
        mu = problem.multipliers(psi, gradient)
        rest = [g - m * x for g, m, x in zip(gradient, mu, psi, strict=True)]
        residual = np.sqrt(problem.total(rest, rest))
        size = np.sqrt(problem.total(gradient, gradient))
        if residual < 0.5 * best:
            best, stale, gain = residual, 0, 0.0
        else:
            stale += 1
        # a hundred steps in which neither residual nor energy fell by more than rounding: there is nothing left to find
        still = stale > 100 and gain <= ROUNDING * size * np.sqrt(problem.total(psi, psi))
        if residual <= tolerance * size or still:
            return Minimum(psi, mu, residual, step, residual <= max(tolerance, np.sqrt(ROUNDING)) * size)
        z = problem.tangent(psi, problem.precondition(rest, psi))
        slope = problem.total(rest, z)
        direction = [-x for x in z]
        if before is not None and before[2] > 0.0:
            old_rest, old_direction, old_slope = before
            beta = (slope - problem.total(old_rest, z)) / old_slope
            if beta > 0.0:
                carried = problem.tangent(psi, old_direction)
                direction = [d + beta * c for d, c in zip(direction, carried, strict=True)]
        if problem.total(rest, direction) >= 0.0:
            direction = [-x for x in z]
        fall = -problem.total(rest, direction)
        psi, gradient, length = _search(problem, psi, rest, direction, length)
        gain += fall * length / 2.0  # of the energy, if the slope falls to zero along the step
        before = (rest, direction, slope)
    return Minimum(psi, problem.multipliers(psi, gradient), float(residual), max_steps, False)


def _search(
    problem: Problem, psi: Fields, rest: Fields, direction: Fields, length: float
) -> tuple[Fields, Fields, float]:
    """The next fields along a direction, their gradient, and the step that was taken."""
    slope = problem.total(rest, direction)

    def at(step: float) -> tuple[Fields, Fields, float]:
        moved = problem.normalised([x + step * d for x, d in zip(psi, direction, strict=True)])
        found = problem.gradient(moved)
        mu = problem.multipliers(moved, found)
        left = [g - m * x for g, m, x in zip(found, mu, moved, strict=True)]
        return moved, found, problem.total(left, direction)

    trial = length
    moved, found, after = at(trial)
    for _ in range(30):
        if np.isfinite(after):
            break
        trial /= 4.0
        moved, found, after = at(trial)
    curvature = (after - slope) / trial
    step = -slope / curvature if curvature > 0.0 else 2.0 * trial
    step = min(step, 10.0 * trial)
    moved, found, after = at(step)
    if not np.isfinite(after) or abs(after) > abs(slope) * 10.0:  # past the valley: a short step downhill is safe
        step = trial / 4.0
        moved, found, after = at(step)
    return moved, found, max(step, 1e-12)
