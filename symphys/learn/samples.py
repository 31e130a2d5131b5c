"""Fits on samples: states with the accelerations or rates that were measured at them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.language import t
from symphys.language.networks import NetworkSymbol
from symphys.learn.chains import Chains
from symphys.learn.loss import Question, ask, ask_for, rates_of
from symphys.learn.objective import Objective, Weighed, finite
from symphys.learn.term_kernels import TermKernels, freeze
from symphys.learn.unknowns import Unknowns
from symphys.lower.expressions import dense
from symphys.lower.residual import lower_terms
from symphys.mechanics.dynamics import Dynamics
from symphys.simulate.compiled import Kernels
from symphys.simulate.evaluate import at_times
from symphys.simulate.inputs import broadcast_shape, numbers, real_numbers, refuse_missing
from symphys.simulate.naming import plain_name
from symphys.simulate.weights import split_weights

Floats = NDArray[np.float64]
TILE = 2**23  # numbers of one tile of rows, 64 MiB


@dataclass(frozen=True)
class SampleObjective(Weighed):
    """The loss of samples, a function of the free numbers of `unknowns`.

    columns: what kernels read, [k, samples]; `places` [S] says which of its parameters are unknown. weights: those of
    networks that are given. chains: of samples at the sites of a grid, how they depend on functions of place; column
    "sites" [samples] says where they are.
    """

    made: TermKernels
    unknowns: Unknowns
    columns: Mapping[str, Floats]
    places: NDArray[np.int64]
    question: Question
    weights: Mapping[NetworkSymbol, Floats]
    chains: Chains | None = None

    @property
    def squared(self) -> bool:
        """See `Objective`."""
        return self.question.squared

    def all_roots(self) -> Iterable[Floats]:
        """See `Weighed`."""
        return (self.columns["roots"],)

    @property
    def samples(self) -> int:
        """See `Objective`."""
        return self.columns["times"].shape[-1]

    @property
    def linear(self) -> bool:
        """Whether the residuals are linear in the unknown parameters."""
        return self.squared and self.made.terms.linear_in(
            self.made.unknown, [dense(network).array for network in self.unknowns.networks]
        )

    def part(self, chosen: NDArray[np.int64]) -> Objective:
        """See `Objective`."""
        return replace(self, columns={name: values[..., chosen] for name, values in self.columns.items()})

    def loss(self, u: Floats) -> float:
        """See `Objective`."""
        r = self.made.residuals(*self._at(self.unknowns.values(u), self.columns))
        with np.errstate(all="ignore"):
            return finite(float(np.sum(r * r) if self.squared else np.sum(r)) / self.weight)

    def gradient(self, u: Floats) -> tuple[float, Floats]:
        """See `Objective`."""
        if self.chains is not None and not self.chains.plain:
            return self._gradient_by_rows(u)
        total, slope = self.made.gradient(*self._at(self.unknowns.values(u), self.columns))
        return finite(total / self.weight), slope * self.unknowns.slopes(u) / self.weight

    def rows(self, u: Floats) -> Iterator[tuple[Floats, Floats]]:
        """See `Objective`."""
        yield from self.plain_rows(self.unknowns.values(u), self.unknowns.slopes(u))

    def blocks(self, theta: Floats, slopes: Floats) -> Iterator[tuple[Floats, Floats, NDArray[np.int64]]]:
        """Residuals, rows by theta [U] times `slopes` [U], and the unknowns that they depend on: all."""
        everything = np.arange(self.size)
        for r, rows in self.plain_rows(theta, slopes):
            yield r, rows, everything

    def plain_rows(self, theta: Floats, slopes: Floats) -> Iterator[tuple[Floats, Floats]]:
        """Residuals and rows by theta [U] times `slopes` [U], as `rows` gives them."""
        root = np.sqrt(self.weight)
        for columns in self._tiles():
            r, rows = self.made.rows(*self._at(theta, columns))
            if self.chains is not None:
                rows = self.chains.widened(rows, columns["sites"], self.size)
            rows *= slopes[:, None] / root
            yield r.reshape(-1) / root, rows.transpose(0, 2, 1).reshape(-1, self.size)

    @property
    def bends(self) -> bool:
        """See `Bending`."""
        return True

    def residual_tiles(self, u: Floats) -> Iterator[Floats]:
        """See `Bending`."""
        theta, root = self.unknowns.values(u), np.sqrt(self.weight)
        for columns in self._tiles():
            yield self.made.residuals(*self._at(theta, columns)).reshape(-1) / root

    def relative(self, u: Floats) -> dict[Any, float]:
        """For each measured quantity, the root of the squared errors over the squared values; of the default loss."""
        r = self.made.residuals(*self._at(self.unknowns.values(u), self.columns))
        return relative_errors(self.question.targets, r, self.columns["roots"], self.columns["data"])

    def _gradient_by_rows(self, u: Floats) -> tuple[float, Floats]:
        """The gradient from rows, each of which is met once: those by functions of place differ from site to site."""
        assert self.chains is not None
        theta, loss, slope = self.unknowns.values(u), 0.0, np.zeros(self.size)
        for columns in self._tiles():
            r, rows = self.made.rows(*self._at(theta, columns))
            loss += float(np.sum(r * r) if self.squared else np.sum(r))
            pull = 2.0 * r if self.squared else np.ones_like(r)
            slope += self.chains.gathered(np.einsum("ms,mls->ls", pull, rows), columns["sites"], self.size)
        return finite(loss / self.weight), slope * self.unknowns.slopes(u) / self.weight

    def _tiles(self) -> Iterator[dict[str, Floats]]:
        """The columns in pieces whose rows take bounded memory."""
        tile = max(256, TILE // (len(self.question.residuals) * max(self.size, 1)) // 256 * 256)
        for first in range(0, self.samples, tile):
            yield {name: values[..., first : first + tile] for name, values in self.columns.items()}

    def _at(
        self, theta: Floats, columns: Mapping[str, Floats]
    ) -> tuple[dict[str, Floats], dict[NetworkSymbol, Floats]]:
        filled = dict(columns)
        if len(self.places):
            filled["parameters"] = columns["parameters"].copy()
            scalars = theta[: len(self.places)] if self.chains is None else theta[self.chains.scalars]
            filled["parameters"][self.places] = scalars[:, None]
        if self.chains is not None:
            filled["signals"] = self.chains.signals(columns["signals"], theta, filled.pop("sites"))
        return filled, {**self.weights, **self.unknowns.weights(theta)}


def sample_objective(
    dynamics: Dynamics,
    kernels: Kernels,
    data: Mapping[Any, Any],
    unknowns: Unknowns,
    given: Mapping[Any, Any],
    loss: Any = None,
    weights: Mapping[Any, Any] | None = None,
) -> SampleObjective:
    """The loss of {symbol: values [samples]}: of states, signals, the time, and of what was measured at them.

    Samples whose state is NaN are left out, and so are measured values that are NaN.
    Raises InputError for a state without values, for data that measure nothing, and for what the system does not have.
    """
    signals = [user for _, user in dynamics.signals]
    inner = {*dynamics.labels, *signals, t}
    keys = [key for key in data if key not in inner]
    question = _question(dynamics, keys, loss)
    terms = lower_terms(dynamics, question.residuals, question.predictions, question.measured, question.squared)
    read = {key: real_numbers("data of", key, value) for key, value in data.items()}
    if endless := [key for key, values in read.items() if np.isinf(values).any()]:
        raise InputError(f"the data of {plain_name(endless[0])} hold inf; write NaN for what is missing")
    used = terms.used
    states = zip(terms.arguments.state, dynamics.labels, strict=True)
    refuse_missing([label for node, label in states if node in used and label not in read], "data", data)
    times = read.get(t, np.zeros(()))
    if terms.arguments.time in used and t not in read:
        raise InputError("the equations depend on the time, and the data hold none; add {symphys.t: ...}")
    driven = at_times(signals, {**given, **read}, times)
    refuse_missing([s for s in signals if s not in driven], "signal", data)
    values = {s: numbers("parameter", s, given[s]) for s in dynamics.parameters if s in given}
    zero = np.zeros(())
    groups: dict[str, list[NDArray[Any]]] = {
        "state": [read.get(label, zero) for label in dynamics.labels],
        "signals": [real_numbers("signal", s, driven[s]) for s in signals],
        "parameters": [values.get(s, zero) for s in dynamics.parameters],
        "data": [read[key] for key in question.keys],
        "roots": roots_of(question, weights or {}),
    }
    roots = {f"weights of {key}": root for key, root in zip(question.targets, groups["roots"], strict=True)}
    shape = broadcast_shape({t: times, **read, **dict(zip(signals, groups["signals"], strict=True)), **values} | roots)
    if 0 in shape:
        raise InputError("the data are empty; give at least one sample")
    columns: dict[str, Floats] = {
        name: np.array([np.broadcast_to(a, shape).reshape(-1) for a in arrays]).reshape(len(arrays), math.prod(shape))
        for name, arrays in groups.items()
    }
    columns["times"] = np.array(np.broadcast_to(times, shape), dtype=np.float64).reshape(-1)
    leave_out_missing(columns, question)
    for column in columns.values():
        freeze(column)
    places = np.array([dynamics.parameters.index(s) for s in unknowns.symbols], dtype=np.int64)
    made = TermKernels(terms, unknowns.symbols, unknowns.networks, kernels, ("at samples", *question.key))
    known, _ = split_weights(given, [network for network in dynamics.networks if network in given])
    objective = SampleObjective(made, unknowns, columns, places, question, known)
    if not objective.terms:
        raise InputError("no sample is complete: each has a NaN in its state or in all that was measured")
    return objective


def relative_errors(targets: Sequence[Any], errors: Floats, roots: Floats, data: Floats) -> dict[Any, float]:
    """For each measured quantity, the root of the squared errors over the squared values, of all of its parts."""
    sums: dict[Any, list[float]] = {}
    for key, error, root, values in zip(targets, errors, roots, data, strict=True):
        total = sums.setdefault(key, [0.0, 0.0])
        total[0] += float(np.sum(error**2))
        total[1] += float(np.sum((root * values) ** 2))
    return {key: float(np.sqrt(wrong / whole)) for key, (wrong, whole) in sums.items()}


def _question(dynamics: Dynamics, keys: Sequence[Any], loss: Any) -> Question:
    if loss is not None:
        return ask(dynamics, loss, keys, dynamics.state)
    rates = rates_of(dynamics)
    if strange := [key for key in keys if key not in rates]:
        have = ", ".join(map(plain_name, (*dynamics.labels, *rates)))
        raise InputError(f"the data hold {plain_name(strange[0])}, which this system does not have; it has {have}")
    if not keys:
        wanted = ", ".join(map(plain_name, rates))
        raise InputError(
            f"the data measure nothing that the equations of motion give: add {wanted}, or give positions in time as "
            "symphys.Trajectories(...)"
        )
    return ask_for(dynamics, keys)


def roots_of(question: Question, weights: Mapping[Any, Any]) -> list[NDArray[Any]]:
    """The roots of the weights of each residual; InputError for weights of what is not measured, or below 0."""
    known = [key for key in question.targets if key is not None]
    if strange := [key for key in weights if key not in known]:
        raise InputError(
            f"{strange[0]} has weights but no residual of its own; residuals are of {', '.join(map(str, known))}"
        )
    found = []
    for key in question.targets:
        weight = real_numbers("weights of", key, weights.get(key, 1.0))
        if (weight < 0).any() or not np.isfinite(weight).all():
            raise InputError(f"the weights of {key} are negative or not finite; give 0 for what is not to count")
        found.append(np.sqrt(weight))
    return found


def leave_out_missing(columns: dict[str, Floats], question: Question) -> None:
    """Weight 0 for residuals that hold a NaN, whose values are then 0."""
    gone = ~np.isfinite(columns["times"])
    for name in ("state", "signals"):
        gone |= ~np.isfinite(columns[name]).all(axis=0)
    missing = ~np.isfinite(columns["data"])
    for i, residual in enumerate(question.residuals):
        holds = [j for j, symbol in enumerate(question.measured) if symbol in residual.free_symbols]
        columns["roots"][i, gone | missing[holds].any(axis=0)] = 0.0
    for name in ("state", "signals", "data", "times"):
        columns[name][...] = np.where(np.isfinite(columns[name]), columns[name], 0.0)
    if gone.any():  # states of zeros may be singular: leave such samples out altogether
        for name in columns:
            columns[name] = columns[name][..., ~gone]
