"""From trajectories as users give them to the loss of a fit through time."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy.core.function import Derivative

from symphys.errors import InputError, MethodError
from symphys.integrators import METHODS, ExplicitTableau, Gauss, Method, Rattle, Splitting
from symphys.learn.loss import Question, ask, ask_for
from symphys.learn.observations import TrajectoryObjective
from symphys.learn.passage import Passage, Rows
from symphys.learn.term_kernels import TermKernels
from symphys.learn.trajectories import Trajectories
from symphys.learn.unknowns import Unknowns
from symphys.lower.residual import lower_terms
from symphys.mechanics.dynamics import Dynamics
from symphys.simulate.choose import choose
from symphys.simulate.compiled import Kernels, Lowered
from symphys.simulate.evaluate import at_times
from symphys.simulate.inputs import numbers
from symphys.simulate.signals import signal_tables
from symphys.simulate.weights import split_weights

Floats = NDArray[np.float64]


def method_for(lowered: Lowered, name: str) -> Method:
    """The method with fixed steps by which a fit goes through time.

    Raises MethodError for one that is unknown, does not suit the system, or has no fixed step.
    """
    found = choose(lowered.dynamics, lowered.flow, name).fixed
    if found is None:
        fixed = (ExplicitTableau, Gauss, Rattle, Splitting)
        fitting = ", ".join(name for name, m in METHODS.items() if isinstance(m, fixed))
        raise MethodError(f"method {name!r} has no fixed step, and a fit takes fixed steps through time: {fitting}")
    return found


def trajectory_objective(
    lowered: Lowered,
    kernels: Kernels,
    data: Trajectories,
    unknowns: Unknowns,
    given: Mapping[Any, Any],
    method: Method,
    dt: float | None = None,
    loss: Any = None,
    guess: Mapping[Any, Any] = MappingProxyType({}),
) -> TrajectoryObjective:
    """The loss of `data`, with steps of at most `dt` (None: one step from each time to the next).

    guess: {component of the state: number or [runs]} for unknown starts.

    Raises InputError for observations and starts of what the system does not have, and for parameters that are neither
    numbers nor one number a run.
    """
    dynamics = lowered.dynamics
    runs = data.runs
    question = _question(dynamics, data, loss)
    terms = lower_terms(dynamics, question.residuals, question.predictions, question.measured, question.squared)
    times, observed, roots = _observations(data, question)
    free, initial = _starts(dynamics, data, times, question, roots, guess)
    rows = Rows(times, steps_of(times, dt))
    values = {s: per_run(s, given[s], runs) for s in dynamics.parameters if s in given}
    parameters = np.array([values.get(s, np.zeros(runs)) for s in dynamics.parameters]).reshape(-1, runs)
    dtype = np.dtype(kernels.dtype)
    span = (float(times.min()), float(times.max()))
    signals = [user for _, user in dynamics.signals]
    # substeps of splittings leave the span of a step by a part of it
    margin = 4.0 * float(rows.lengths.max())
    tables, places = signal_tables(dynamics, lowered.flow, dict(given), span, dtype, margin)
    driven = at_times(signals, given, times)
    known, _ = split_weights(given, [network for network in dynamics.networks if network in given])
    made = TermKernels(
        terms,
        (*dynamics.state, *unknowns.symbols),
        unknowns.networks,
        kernels,
        ("in time", *question.key),
    )
    scale = np.maximum(np.abs(initial[list(free)]).max(axis=1, initial=0.0), 1e-3)
    return TrajectoryObjective(
        Passage(lowered, kernels, method, unknowns.symbols, unknowns.networks, tables, places),
        unknowns,
        question,
        rows,
        initial,
        parameters,
        np.array([dynamics.parameters.index(s) for s in unknowns.symbols], dtype=np.int64),
        np.array([np.broadcast_to(driven[s], times.shape) for s in signals]).reshape(len(signals), *times.shape),
        observed,
        roots,
        free,
        scale,
        np.arange(runs),
        runs,
        known,
        made,
    )


def steps_of(times: Floats, dt: float | None) -> NDArray[np.int64]:
    """[rows - 1], the steps from each time to the next, the same for all runs: none longer than `dt`."""
    gaps = np.diff(times, axis=0).max(axis=1)
    if dt is None:
        return np.ones(len(gaps), dtype=np.int64)
    return np.maximum(np.ceil(gaps / dt - 1e-6), 1).astype(np.int64)


def _question(dynamics: Dynamics, data: Trajectories, loss: Any) -> Question:
    keys = tuple(data.observed)
    if loss is None:
        return ask_for(dynamics, keys)
    return ask(dynamics, loss, keys, ())


def _observations(data: Trajectories, question: Question) -> tuple[Floats, Floats, Floats]:
    """Times [rows, runs], values [k, rows, runs] and roots of weights [m, rows, runs], 0 where one is missing."""
    times = np.array(data.times.T)
    last = np.nanmax(times, axis=0)
    absent = ~np.isfinite(times)
    times = np.where(absent, last, times)
    observed = np.array([data.observed[key].T for key in question.keys])
    missing = ~np.isfinite(observed) | absent
    roots = np.empty((len(question.residuals), *times.shape))
    for i, (residual, key) in enumerate(zip(question.residuals, question.targets, strict=True)):
        holds = [j for j, symbol in enumerate(question.measured) if symbol in residual.free_symbols]
        weight = data.weights[key].T if key in data.weights else np.ones(times.shape)
        roots[i] = np.where(missing[holds].any(axis=0), 0.0, np.sqrt(weight))
    return times, np.where(missing, 0.0, observed), roots


def _starts(
    dynamics: Dynamics, data: Trajectories, times: Floats, question: Question, roots: Floats, guess: Mapping[Any, Any]
) -> tuple[tuple[int, ...], Floats]:
    """Which components have unknown initial values, and the initial states [n, runs] as far as they are known."""
    labels = dynamics.labels
    listed = labels if data.unknown_start is True else data.unknown_start or ()
    if strange := [key for key in (*data.start, *listed) if key not in labels]:
        raise InputError(
            f"{strange[0]} has a start, but is no part of the state; that is {', '.join(map(str, labels))}"
        )
    if both := [key for key in listed if key in data.start and data.unknown_start is not True]:
        raise InputError(f"the start of {both[0]} is both given and unknown; remove one of the two")
    free, initial = [], np.zeros((len(labels), data.runs))
    for i, label in enumerate(labels):
        first = data.observed[label][:, 0] if label in data.observed else np.full(data.runs, np.nan)
        if label in data.start:
            initial[i] = data.start[label]
        elif label not in listed and np.isfinite(first).all():
            initial[i] = first
            for j, target in enumerate(question.targets):
                if target == label:  # what is met by construction says nothing
                    roots[j, 0] = 0.0
        else:
            free.append(i)
            initial[i] = per_run(label, guess[label], data.runs) if label in guess else _guess(label, data, times)
    return tuple(free), initial


def _guess(label: Any, data: Trajectories, times: Floats) -> Floats:
    """First values for an unknown start: the first observation, or the slope between the first two of a coordinate."""
    found = np.zeros(data.runs)
    base = label.expr if isinstance(label, Derivative) else None
    for run in range(data.runs):
        if label in data.observed:
            seen = data.observed[label][run]
            found[run] = seen[np.isfinite(seen)][0] if np.isfinite(seen).any() else 0.0
        elif base in data.observed:
            seen = data.observed[base][run]
            at = np.flatnonzero(np.isfinite(seen))[:2]
            if len(at) == 2:
                found[run] = (seen[at[1]] - seen[at[0]]) / (times[at[1], run] - times[at[0], run])
    return found


def per_run(symbol: Any, value: Any, runs: int) -> Floats:
    """[runs], the values of a parameter; InputError where they are neither one nor one a run."""
    read = numbers("value of", symbol, value)
    if read.ndim > 1 or read.size not in (1, runs):
        raise InputError(f"the value of {symbol} has the shape {read.shape}; give a number or [{runs}], one a run")
    return np.array(np.broadcast_to(read.reshape(-1), (runs,)))
