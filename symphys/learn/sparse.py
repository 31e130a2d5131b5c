"""Sparse least squares: which few of many columns explain some values, by best subset or backward elimination."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
EXHAUSTIVE = 12  # columns up to which all subsets are tried, 4096 of them
DEPENDENT = 1e-10  # of the largest pivot: columns that depend on each other to this are no basis


@dataclass(frozen=True)
class Choice:
    """Some columns, their coefficients [k], and the root of the mean squared error at values that were held back."""

    columns: tuple[int, ...]
    coefficients: Floats
    error: float


def choose_columns(
    fitted: tuple[Floats, Floats], judged: tuple[Floats, Floats], always: int, gain: float, floor: float
) -> tuple[Choice, tuple[Choice, ...]]:
    """The choice of columns of least log(error) + k log(gain), and the best choice of every size k.

    fitted, judged: (columns [n, m], values [n]), all rows with their weights; coefficients are of the first, errors of
    the second. The first `always` columns are in every choice and are not counted. A further column so has to lower
    the error by the factor `gain`, down to `floor`, below which nothing is left to explain. Up to twelve columns all
    subsets are compared; more are dropped one by one, the one that is missed least first (stepwise sparse regression:
    Boninsegna, Nueske, Clementi, J. Chem. Phys. 148 (2018) 241723).
    """
    columns, values = fitted
    size = np.linalg.norm(columns, axis=0)
    scale = np.where(size > 0, size, 1.0)
    factor: Floats = np.linalg.qr(np.column_stack([columns / scale, values])).R
    left, right = factor[:, :-1], factor[:, -1]
    best: dict[int, Choice] = {}
    for chosen in _tried(left, right, always):
        found = _solve(left[:, chosen], right)
        if found is None:
            continue
        coefficients = found / scale[chosen]
        off = judged[0][:, chosen] @ coefficients - judged[1]
        choice = Choice(tuple(chosen), coefficients, float(np.sqrt(np.mean(off * off))))
        k = len(chosen) - always
        if k not in best or choice.error < best[k].error:
            best[k] = choice
    price = np.log(gain)
    chosen_size = min(best, key=lambda k: float(np.log(max(best[k].error, floor, 1e-300))) + k * price)
    return best[chosen_size], tuple(best[k] for k in sorted(best))


def coefficients_of(columns: Floats, values: Floats) -> Floats:
    """[k], least squares with columns brought to the same size first."""
    scale = np.linalg.norm(columns, axis=0)
    found: Floats = np.linalg.lstsq(columns / scale, values, rcond=None)[0]
    return found / scale


def _tried(left: Floats, right: Floats, always: int) -> Iterator[list[int]]:
    ever, rest = list(range(always)), list(range(always, left.shape[1]))
    if len(rest) <= EXHAUSTIVE:
        for k in range(len(rest) + 1):
            for some in combinations(rest, k):
                yield [*ever, *some]
        return
    rest = _independent(left, ever, rest)
    while True:
        yield [*ever, *rest]
        if not rest:
            return
        rest = _without_least(left, right, ever, rest)


def _independent(left: Floats, ever: list[int], rest: list[int]) -> list[int]:
    """`rest` without columns that depend on earlier ones."""
    kept: list[int] = []
    basis = np.linalg.qr(left[:, ever])[0] if ever else np.zeros((left.shape[0], 0))
    for i in rest:
        column = left[:, i]
        for _ in range(2):  # twice is enough (Golub, Van Loan, section 5.2.9)
            column = column - basis @ (basis.T @ column)
        if (size := np.linalg.norm(column)) > DEPENDENT * np.linalg.norm(left[:, i]):
            kept.append(i)
            basis = np.column_stack([basis, column / size])
    return kept


def _without_least(left: Floats, right: Floats, ever: list[int], rest: list[int]) -> list[int]:
    """`rest` without the column whose loss raises the error least: by c_i^2 / ((A^T A)^-1)_ii."""
    chosen = [*ever, *rest]
    q, r = np.linalg.qr(left[:, chosen])
    inverse = np.linalg.inv(r)
    found = inverse @ (q.T @ right)
    raised = (found**2 / np.sum(inverse**2, axis=1))[len(ever) :]
    least = int(np.argmin(raised))
    return rest[:least] + rest[least + 1 :]


def _solve(columns: Floats, values: Floats) -> Floats | None:
    """Least squares; None where the columns depend on each other."""
    if not columns.shape[1]:
        return np.zeros(0)
    q, r = np.linalg.qr(columns)
    pivots = np.abs(np.diag(r))
    if pivots.min() <= DEPENDENT * pivots.max():
        return None
    found: Floats = np.linalg.solve(r, q.T @ values)
    return found
