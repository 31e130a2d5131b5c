"""Backward elimination: terms of a linear model are left out one by one, the one that validation misses least."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lstsq

from symphys.errors import InputError
from symphys.language import spread_arrays
from symphys.language.arrays import ParameterArray
from symphys.learn.least_squares import LinearObjective, triangular
from symphys.learn.unknowns import Unknowns

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Elimination:
    """Which terms went, in order, and the validation losses of what was left, with all terms first [1 + removed].

    `parameters(k)` are those with k terms left; what belongs to terms that went is 0.
    """

    removed: tuple[Any, ...]
    kept: tuple[Any, ...]
    losses: Floats
    solutions: tuple[Floats, ...]
    unknowns: Unknowns

    def parameters(self, terms: int) -> dict[Any, Any]:
        """{symbol: number, array: values} with so many terms left; InputError for a number that did not occur."""
        most = len(self.removed) + len(self.kept)
        if not len(self.kept) <= terms <= most:
            raise InputError(f"terms = {terms}; models with {len(self.kept)} to {most} terms were solved")
        return self.unknowns.by_key(self.solutions[most - terms])

    def __repr__(self) -> str:
        lines = [f"Elimination: validation loss {self.losses[0]:.6g} with all {len(self.losses) - 1 + len(self.kept)}"]
        lines += [f"  without {name}: {loss:.6g}" for name, loss in zip(self.removed, self.losses[1:], strict=True)]
        return "\n".join([*lines, f"  kept: {', '.join(map(str, self.kept))}"])


def eliminate(
    train: LinearObjective, judge: LinearObjective, terms: Mapping[Any, Iterable[Any]], least: int
) -> Elimination:
    """Leave terms out until `least` are left, each time the one without which the validation loss is lowest.

    terms: {name: symbols, elements or whole arrays of parameters}; a parameter goes with the first of its terms. The
    triangular factors of both sets of rows are all that is looked at, so that a model is solved in no time that grows
    with the data. Source: Hocking, Biometrics 32 (1976) 1, section 3.2.

    Raises InputError for terms without a parameter that is unknown, and for `least` out of range.
    """
    unknowns = train.unknowns
    owned = {name: _places(name, symbols, unknowns) for name, symbols in terms.items()}
    if not 1 <= least <= len(owned):
        raise InputError(f"least = {least}; leave between 1 and {len(owned)} terms")
    factor, judged = (triangular(objective, unknowns.scale, unknowns.size) for objective in (train, judge))
    left, active = list(owned), np.ones(unknowns.size, dtype=bool)
    theta, loss = _solved(factor, judged, active)
    removed, losses, solutions = [], [loss], [theta]
    while len(left) > least:
        tried = {name: _solved(factor, judged, _without(active, owned[name])) for name in left}
        worst = min(left, key=lambda name: tried[name][1])
        active = _without(active, owned[worst])
        left.remove(worst)
        removed.append(worst)
        losses.append(tried[worst][1])
        solutions.append(tried[worst][0])
    found = tuple(solution * unknowns.scale for solution in solutions)
    return Elimination(tuple(removed), tuple(left), np.array(losses), found, unknowns)


def _places(name: Any, symbols: Iterable[Any], unknowns: Unknowns) -> NDArray[np.int64]:
    wanted = [symbols] if isinstance(symbols, ParameterArray) else list(symbols)
    spread = spread_arrays({key: np.zeros(key.shape) if isinstance(key, ParameterArray) else 0.0 for key in wanted})
    if missing := [s for s in spread if s not in unknowns.symbols]:
        raise InputError(
            f"the term {name} holds {missing[0]}, which is not unknown; terms are made of unknown parameters"
        )
    if not spread:
        raise InputError(f"the term {name} holds no parameter; give the symbols that belong to it")
    return np.array([unknowns.symbols.index(s) for s in spread], dtype=np.int64)


def _without(active: NDArray[np.bool_], places: NDArray[np.int64]) -> NDArray[np.bool_]:
    found = active.copy()
    found[places] = False
    return found


def _solved(factor: Floats, judged: Floats, active: NDArray[np.bool_]) -> tuple[Floats, float]:
    """theta / scale [U] of least squares by the active unknowns, and its validation loss."""
    theta = np.zeros(len(active))
    theta[active] = lstsq(factor[:, :-1][:, active], factor[:, -1], lapack_driver="gelsy", check_finite=False)[0]
    rest = judged[:, :-1] @ theta - judged[:, -1]
    return theta, float(rest @ rest)
