"""Relations among measured quantities as a system that can be fitted, evaluated and solved at points."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.language import spread_arrays
from symphys.language.arrays import on_host
from symphys.language.networks import NetworkSymbol, networks_in
from symphys.learn.loss import Question
from symphys.learn.options import LossOptions
from symphys.learn.samples import SampleObjective, leave_out_missing, roots_of
from symphys.learn.system import Data, System, samples_in
from symphys.learn.term_kernels import TermKernels, freeze
from symphys.learn.unknowns import Unknowns
from symphys.lower.points import point_columns, point_terms
from symphys.mechanics.graph import postorder
from symphys.simulate.compiled import Kernels
from symphys.simulate.inputs import broadcast_shape, check_assumptions, numbers, real_numbers, refuse_missing
from symphys.simulate.weights import split_weights

Floats = NDArray[np.float64]
Given = Mapping[Any, Any]
ITERATIONS = 50
SETTLED = 64 * np.finfo(np.float64).eps  # relative to quantities: Newton's steps below it are rounding


def symbols_in(expressions: Sequence[Any]) -> tuple[Any, ...]:
    """Every symbol, sorted by name."""
    return tuple(sorted(set().union(*(e.free_symbols for e in expressions)), key=lambda s: s.name))


@dataclass(frozen=True)
class RelationSystem(System):
    """Equations lhs = rhs among `measured` quantities, one sample a point, and kernels."""

    equations: tuple[tuple[Any, Any], ...]
    measured: tuple[Any, ...]
    kernels: Kernels

    @property
    def parameters(self) -> tuple[Any, ...]:
        """See `System`: every symbol that was not measured."""
        return tuple(
            s for s in symbols_in([side for pair in self.equations for side in pair]) if s not in self.measured
        )

    @property
    def networks(self) -> tuple[NetworkSymbol, ...]:
        """See `System`."""
        return networks_in(postorder([side for pair in self.equations for side in pair]))

    @property
    def labels(self) -> tuple[Any, ...]:
        """See `System`: there is no state."""
        return ()

    def objective(self, data: Any, unknowns: Unknowns, given: Given, options: LossOptions, plain: bool) -> Data:
        """See `System`: the mean of |lhs - rhs|^2; each equation for a measured quantity is about that quantity."""
        read = {key: real_numbers("data of", key, value) for key, value in samples_in(data).items()}
        refuse_missing([s for s in self.measured if s not in read], "data", read)
        if strange := [key for key in read if key not in self.measured]:
            raise InputError(f"the data hold {strange[0]}, which stands in no equation of this relation; remove it")
        targets = [lhs if lhs in self.measured else None for lhs, _ in self.equations]
        seen = tuple(sympy.Symbol(f"measured {i}", real=True) for i in range(len(targets)))
        residuals = tuple(
            rhs - (lhs if target is None else symbol)
            for (lhs, rhs), target, symbol in zip(self.equations, targets, seen, strict=True)
        )
        place = tuple(s for s in self.measured if any(s in e.free_symbols for e in residuals))
        question = Question(residuals, {}, seen, seen, tuple(targets), True)
        shape = broadcast_shape(read)
        if 0 in shape:
            raise InputError("the data are empty; give at least one sample")
        columns = self._columns(place, targets, read, shape, given)
        columns["roots"] = _flat(roots_of(question, {} if plain else options["weights"] or {}), shape)
        leave_out_missing(columns, question)
        for column in columns.values():
            freeze(column)
        terms = point_terms(place, self.parameters, residuals, seen)
        made = TermKernels(terms, unknowns.symbols, unknowns.networks, self.kernels, ("relation", *residuals))
        places = np.array([self.parameters.index(s) for s in unknowns.symbols], dtype=np.int64)
        known, _ = split_weights(given, [network for network in self.networks if network in given])
        objective = SampleObjective(made, unknowns, columns, places, question, known)
        if not objective.terms:
            raise InputError("no sample is complete: each has a NaN")
        return objective

    def _columns(
        self, place: Sequence[Any], targets: Sequence[Any], read: Given, shape: tuple[int, ...], given: Given
    ) -> dict[str, Floats]:
        values = [float(_number(s, given[s])) if s in given else 0.0 for s in self.parameters]
        columns = point_columns(_flat([read[s] for s in place], shape), values, len(targets))
        columns["data"] = _flat([np.zeros(()) if s is None else read[s] for s in targets], shape)
        return columns

    def starts(self, objective: Any, initial: Floats) -> dict[Any, Floats]:
        """See `System`."""
        return {}


def evaluate_at(kernels: Kernels, expressions: Sequence[Any], values: Given) -> NDArray[Any]:
    """[expressions, ...], at values {symbol: array, network: weights} that broadcast; complex where they are."""
    given = spread_arrays(values)
    symbols, networks = symbols_in(expressions), networks_in(postorder(expressions))
    refuse_missing([s for s in (*symbols, *networks) if s not in given], "value", values)
    read = {s: real_numbers("value of", s, given[s]) for s in symbols}
    shape = broadcast_shape(read) if read else ()
    weights, _ = split_weights({n: given[n] for n in networks}, networks)
    found = []
    for expression in expressions:
        terms = point_terms(symbols, (), (expression,))
        made = TermKernels(terms, (), (), kernels, ("evaluate", expression, symbols))
        place = _flat(list(read.values()), shape) if read else np.zeros((0, 1))
        parts = made.residuals(point_columns(place, (), len(terms.residuals)), weights)
        found.append((parts[0] + 1j * parts[1] if len(parts) == 2 else parts[0]).reshape(shape))
    return np.array(found)


def slopes_at(
    kernels: Kernels, residuals: Sequence[Any], by: Sequence[Any], values: Given
) -> tuple[Floats, Floats, tuple[int, ...]]:
    """Residuals [n, m] and their derivatives [n, m, by] at values of all symbols that broadcast, and their shape."""
    given = spread_arrays(values)
    symbols, networks = symbols_in(residuals), networks_in(postorder(residuals))
    refuse_missing([s for s in (*symbols, *networks) if s not in given], "value", values)
    read = {s: numbers("value of", s, given[s]) for s in dict.fromkeys((*symbols, *by))}
    shape = broadcast_shape(read)
    place = tuple(s for s in symbols if s not in by)
    terms = point_terms(place, tuple(by), residuals)
    made = TermKernels(terms, tuple(by), (), kernels, ("slopes", *residuals, *by))
    columns = point_columns(_flat([read[s] for s in place], shape), [0.0] * len(by), len(terms.residuals))
    if by:
        columns["parameters"] = _flat([read[s] for s in by], shape)
    weights, _ = split_weights({n: given[n] for n in networks}, networks)
    r, rows = made.rows(columns, weights)
    return r.T, rows.transpose(2, 0, 1), shape


def solve_at(kernels: Kernels, residuals: Sequence[Any], wanted: Sequence[Any], values: Given, guess: Given) -> Given:
    """{quantity: array} at which residuals vanish, by Newton's method from a guess, all points together."""
    if len(wanted) != len(residuals):
        raise InputError(f"{len(residuals)} equations do not fix {len(wanted)} quantities; ask for as many")
    found = {s: np.array(numbers("guess of", s, guess.get(s, 0.0))) for s in wanted}
    steps = np.zeros(0)
    for _ in range(ITERATIONS):
        r, rows, shape = slopes_at(kernels, residuals, wanted, {**values, **found})
        with np.errstate(all="ignore"):
            try:
                step = -np.linalg.solve(rows, r[..., None])[..., 0]
            except np.linalg.LinAlgError:
                step = np.full(r.shape, np.nan)
        found = {s: np.broadcast_to(found[s], shape) + step[:, i].reshape(shape) for i, s in enumerate(wanted)}
        size = np.max([np.abs(value).reshape(-1) for value in found.values()], axis=0)
        steps = np.abs(step).max(axis=1) / (1.0 + size)
        if not np.isfinite(steps).all() or (steps <= SETTLED).all():
            break
    if not (steps <= SETTLED).all():
        raise InputError(
            f"Newton's method found no {', '.join(map(str, wanted))} at {int((~(steps <= SETTLED)).sum())} of "
            f"{steps.size} points; give a guess nearer to them"
        )
    return found


def _flat(arrays: Sequence[Any], shape: tuple[int, ...]) -> Floats:
    count = math.prod(shape)
    rows = [np.broadcast_to(np.asarray(on_host(a), dtype=np.float64), shape).reshape(-1) for a in arrays]
    return np.array(rows).reshape(len(arrays), count)


def _number(symbol: Any, value: Any) -> float:
    read = numbers("parameter", symbol, value)
    check_assumptions(symbol, read)
    if read.ndim:
        raise InputError(f"the parameter {symbol} is one number, not an array of shape {read.shape}")
    return float(read)
