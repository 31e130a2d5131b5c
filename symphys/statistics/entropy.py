"""Entropies of distributions, and the least biased distribution with given means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.special import logsumexp, rel_entr

from symphys.errors import InputError
from symphys.statistics.density_matrices import unit

Floats = NDArray[np.float64]
TOLERANCE = 1e-9  # of a sum of probabilities
STEPS = 200
EDGE = 1e-9  # the least probability below which given means count as those of fewer states


@dataclass(frozen=True)
class MaximumEntropy:
    """p = prior exp(-sum_m lambda_m f_m) / Z: the distribution, its multipliers lambda, ln Z and the entropy.

    probabilities: [states]. multipliers: [m]. entropy: -sum p ln(p / prior), without the prior if it was not given.
    """

    probabilities: Floats
    multipliers: Floats
    log_partition: float
    entropy: float


def shannon_entropy(p: Any, *, axis: int = -1, base: float | None = None) -> Floats:
    """-sum p ln p along an axis; base: of the logarithm, e by default.

    Raises `InputError` where probabilities are negative or do not add up to one. Cover, Thomas, "Elements of
    Information Theory", section 2.1.
    """
    read = distribution(p, axis)
    return np.asarray(-rel_entr(read, np.ones_like(read)).sum(axis=axis) / unit(base))


def relative_entropy(p: Any, q: Any, *, axis: int = -1, base: float | None = None) -> Floats:
    """D(p|q) = sum p ln(p / q) >= 0, of Kullback and Leibler; infinite where q excludes what p has.

    Raises as `shannon_entropy`, and for shapes that do not fit. Cover, Thomas, section 2.3.
    """
    a, b = distribution(p, axis), distribution(q, axis)
    if a.shape[axis] != b.shape[axis]:
        raise InputError(f"distributions over {a.shape[axis]} and {b.shape[axis]} states cannot be compared")
    return np.asarray(rel_entr(a, b).sum(axis=axis) / unit(base))


def distribution(p: Any, axis: int = -1) -> Floats:
    """Probabilities, checked; InputError with the number that is wrong."""
    read = np.asarray(p, dtype=np.float64)
    if read.ndim < 1 or read.size == 0:
        raise InputError(f"a distribution of the shape {read.shape} was given; give probabilities [states]")
    if not (read >= 0).all():
        raise InputError(f"a distribution holds {read[~(read >= 0)].flat[0]}; probabilities are not negative")
    sums = read.sum(axis=axis)
    worst = float(np.ravel(sums)[np.abs(np.ravel(sums) - 1).argmax()])
    if abs(worst - 1) > TOLERANCE:
        raise InputError(f"the probabilities add up to {worst:.12g}, not to 1; divide by their sum")
    return read


def maximum_entropy(features: Any, means: Any, *, prior: Any = None) -> MaximumEntropy:
    """The distribution of largest entropy with sum_s p_s f_m(s) = means_m: p ~ prior exp(-sum_m lambda_m f_m).

    features: [m, states], the values of each quantity in each state. means: [m]. prior: [states], to which the entropy
    is relative; alike for all by default. With paths for states and the probabilities of free motion as prior, it is
    the distribution of maximum caliber. Found as the minimum of ln Z(lambda) + lambda . means, which is convex, by
    Newton's method with halved steps. Where features depend on each other, the smallest multipliers are given.

    Raises `InputError` for shapes that do not fit, and for means that no distribution has, or only one that excludes
    states, which would take infinite multipliers; the message names the mean where one alone is to blame.
    Jaynes, Phys. Rev. 106 (1957) 620; Presse, Ghosh, Lee, Dill, Rev. Mod. Phys. 85 (2013) 1115.
    """
    f, wanted, weights = _read(features, means, prior)
    _check_reachable(f, wanted)
    centre, size = f.mean(axis=1), np.maximum(np.ptp(f, axis=1), np.finfo(np.float64).tiny)
    scaled, goal = (f - centre[:, None]) / size[:, None], (wanted - centre) / size
    base = np.log(weights)
    multipliers = np.zeros(len(f))

    def dual(lam: Floats) -> tuple[float, Floats]:
        exponents = base - lam @ scaled
        log_z = float(logsumexp(exponents))
        return log_z + float(lam @ goal), np.exp(exponents - log_z)

    value, p = dual(multipliers)
    for _ in range(STEPS):
        slope = goal - scaled @ p
        spread = scaled - (scaled @ p)[:, None]
        step = np.linalg.lstsq((spread * p) @ spread.T, -slope, rcond=1e-13)[0]
        if np.abs(slope).max() < 4 * np.finfo(np.float64).eps or not np.isfinite(step).all():
            break
        share = 1.0
        while share > 1e-10:
            new, q = dual(multipliers + share * step)
            if new <= value + 1e-4 * share * float(slope @ step) + 1e-15 * abs(value):
                break
            share /= 2
        else:
            break
        multipliers, value, p = multipliers + share * step, new, q
    lam = multipliers / size
    log_partition = value - float(multipliers @ goal) - float(lam @ centre)
    against = weights / weights.sum() if prior is not None else np.ones_like(weights)
    return MaximumEntropy(p, lam, log_partition, -float(rel_entr(p, against).sum()))


def _read(features: Any, means: Any, prior: Any) -> tuple[Floats, Floats, Floats]:
    f, wanted = np.asarray(features, dtype=np.float64), np.atleast_1d(np.asarray(means, dtype=np.float64))
    if f.ndim != 2 or f.size == 0 or wanted.shape != f.shape[:1]:
        raise InputError(f"features of the shape {f.shape} and means of {wanted.shape}; give [m, states] and [m]")
    if not np.isfinite(f).all() or not np.isfinite(wanted).all():
        raise InputError("features and means must be finite")
    weights = np.ones(f.shape[1]) if prior is None else np.asarray(prior, dtype=np.float64)
    states = f.shape[1]
    if weights.shape != (states,) or not (weights > 0).all() or not np.isfinite(weights).all():
        raise InputError(f"a prior of the shape {weights.shape} for {states} states; give [states] positive numbers")
    return f, wanted, weights


def _check_reachable(f: Floats, wanted: Floats) -> None:
    """Means must lie inside of what distributions over all states reach: some p > 0 with F p = means, sum p = 1."""
    for m, (row, mean) in enumerate(zip(f, wanted, strict=True)):
        low, high = float(row.min()), float(row.max())
        if not low <= mean <= high:
            raise InputError(
                f"means[{m}] = {mean:g} is infeasible: features[{m}] lies between {low:g} and {high:g} in all states"
            )
        if low < high and mean in (low, high):
            raise InputError(
                f"means[{m}] = {mean:g} is infeasible: it is the edge of features[{m}], which is reached with an "
                f"infinite multiplier alone; give a mean between {low:g} and {high:g}, or leave out the other states"
            )
    states = f.shape[1]
    size = np.maximum(np.abs(f).max(axis=1), 1.0)
    # the largest s for which p >= s everywhere: positive inside, zero at the edge, negative or none outside
    equal = np.vstack([np.hstack([f / size[:, None], np.zeros((len(f), 1))]), [*[1.0] * states, 0.0]])
    below = np.hstack([-np.eye(states), np.ones((states, 1))])
    bounds = [(None, None)] * states + [(None, 1.0)]
    found = linprog(
        [*[0.0] * states, -1.0], below, np.zeros(states), equal, [*(wanted / size), 1.0], bounds, method="highs"
    )
    least = float(found.x[-1]) * states if found.x is not None and found.status == 0 else -1.0
    if least < EDGE:
        fault = "no distribution has them together" if least < -EDGE else "only one that excludes states has them"
        raise InputError(f"the means {wanted.tolist()} are infeasible: each is possible alone, but {fault}")
