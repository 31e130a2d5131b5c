"""Fits on fields at single times: states on a grid with the rates that were measured there; each site is a sample."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.language.arrays import on_host
from symphys.learn.field_loss import FieldQuestion, ask_fields, ask_for_fields, field_rates, field_states, field_tops
from symphys.learn.places import Place
from symphys.learn.samples import SampleObjective
from symphys.learn.term_kernels import TermKernels
from symphys.learn.unknowns import Unknowns
from symphys.lower.lattice.local import lower_local_terms
from symphys.simulate.compiled import Kernels
from symphys.simulate.inputs import numbers, real_numbers
from symphys.simulate.weights import split_weights

Floats = NDArray[np.float64]


def field_sample_objective(
    place: Place,
    kernels: Kernels,
    data: Mapping[Any, Any],
    unknowns: Unknowns,
    given: Mapping[Any, Any],
    loss: Any = None,
    weights: Mapping[Any, Any] | None = None,
) -> SampleObjective:
    """The loss of {label: values [..., *grid]}: of states, the time [...], and of the rates measured with them.

    Where what a residual needs is NaN, derivatives included, or the rate itself, it does not count.
    Raises InputError for states without values, data that measure nothing, shapes that do not fit, and what the theory
    does not have.
    """
    dynamics = place.dynamics
    states, rates = field_states(dynamics), field_rates(dynamics)
    keys = [key for key in data if key not in states and key != dynamics.time]
    if not keys:
        raise InputError(
            f"the data measure nothing that the field equations give: add {', '.join(map(str, rates))}, or give frames "
            "in time as symphys.Trajectories(...)"
        )
    question = (
        ask_for_fields(rates, keys)
        if loss is None
        else ask_fields(dynamics.jets, rates, loss, keys, field_tops(dynamics))
    )
    local = lower_local_terms(dynamics, question.residuals, question.predictions, question.measured, question.squared)
    needed = dict.fromkeys(place.source(symbol)[0] for symbol, _ in local.moving)
    if missing := [label for label in needed if label not in data]:
        raise InputError(f"the data hold no values of {missing[0]}; add {{{missing[0]}: [..., *grid]}}")
    complex_ones = {label: found[1] for label, found in (states | rates).items()}
    read = {key: field_values(key, data[key], place, complex_ones[key]) for key in (*needed, *keys)}
    times = real_numbers("times", "of the data", data.get(dynamics.time, 0.0))
    if local.terms.arguments.time in local.terms.used and dynamics.time not in data:
        raise InputError(f"the equations depend on the time, and the data hold none; add {{{dynamics.time}: ...}}")
    lead = _lead(read, times, place)
    frames = math.prod(lead)
    wide = {k: np.broadcast_to(v, (*lead, *place.grid.shape)).reshape(frames, -1) for k, v in read.items()}
    moments = np.broadcast_to(times, lead).reshape(-1)
    columns = {
        "state": place.moving(local, {label: wide[label] for label in needed}),
        "signals": place.given(local, given, moments),
        "parameters": _parameters(place, given, frames * place.sites),
        "data": _measured(wide, question),
        "roots": _roots(place, question, weights or {}, frames),
        "times": np.repeat(moments, place.sites),
        "sites": np.tile(np.arange(place.sites, dtype=np.float64), frames),
    }
    _leave_out_missing(columns, question)
    chains, seen = place.chains(local, unknowns)
    places = [dynamics.parameters.index(unknowns.symbols[i]) for i in chains.scalars]
    made = TermKernels(local.terms, seen, unknowns.networks, kernels, ("at sites", *question.key))
    known, _ = split_weights(given, [network for network in dynamics.networks if network in given])
    objective = SampleObjective(made, unknowns, columns, np.array(places, dtype=np.int64), question, known, chains)
    if not objective.terms:
        raise InputError("no site counts: each has a NaN in its state or its rate, is held, or lies in a layer")
    return objective


def field_values(key: Any, value: Any, place: Place, is_complex: bool) -> NDArray[Any]:
    """Data of a field, [..., *grid]; NaN is what is missing."""
    try:
        array = np.asarray(on_host(value))
    except (TypeError, ValueError) as error:
        raise InputError(f"the data of {key} are no array: {error}") from error
    if array.dtype.kind not in "bifuc":
        raise InputError(f"the data of {key} are of type {array.dtype}; give numbers")
    if array.dtype.kind == "c" and not is_complex:
        raise InputError(f"the data of {key} are complex, and the field is real; give their real part")
    shape = place.grid.shape
    if array.shape[array.ndim - len(shape) :] != shape:
        raise InputError(f"the data of {key} have the shape {array.shape}, but the grid has {shape}; give [..., *grid]")
    return array.astype(np.complex128 if is_complex else np.float64)


def _lead(read: Mapping[Any, NDArray[Any]], times: Floats, place: Place) -> tuple[int, ...]:
    axes = len(place.grid.shape)
    shapes = {**{key: a.shape[: a.ndim - axes] for key, a in read.items()}, place.dynamics.time: times.shape}
    try:
        lead = np.broadcast_shapes(*shapes.values())
    except ValueError:
        listed = ", ".join(f"{key} {shape}" for key, shape in shapes.items())
        raise InputError(f"the data have different numbers of samples before the grid's axes: {listed}") from None
    if 0 in lead:
        raise InputError("the data are empty; give at least one sample")
    return lead


def _parameters(place: Place, given: Mapping[Any, Any], samples: int) -> Floats:
    found = np.zeros((len(place.dynamics.parameters), samples))
    for row, symbol in enumerate(place.dynamics.parameters):
        if symbol in given:
            value = numbers("parameter", symbol, given[symbol])
            if value.ndim:
                raise InputError(f"the value of {symbol} has the shape {value.shape}; give one number")
            found[row] = value
    return found


def _measured(wide: Mapping[Any, NDArray[Any]], question: FieldQuestion) -> Floats:
    """[k, samples], complex values as two rows."""
    rows = zip(question.keys, question.parts, strict=True)
    parts = [wide[key].imag if part else wide[key].real for key, part in rows]
    return np.array(parts, dtype=np.float64).reshape(len(parts), -1)


def _roots(place: Place, question: FieldQuestion, weights: Mapping[Any, Any], frames: int) -> Floats:
    if strange := [key for key in weights if key not in question.targets]:
        listed = ", ".join(str(key) for key in dict.fromkeys(question.targets) if key is not None)
        raise InputError(f"{strange[0]} has weights but no residual of its own; residuals are of {listed}")
    found = np.empty((len(question.targets), frames, place.sites))
    for row, key in enumerate(question.targets):
        weight = real_numbers("weights of", key, weights.get(key, 1.0))
        if (weight < 0).any() or not np.isfinite(weight).all():
            raise InputError(f"the weights of {key} are negative or not finite; give 0 for what is not to count")
        if weight.ndim:
            whole = field_values(key, weight, place, False)
            lead = math.prod(whole.shape[: whole.ndim - len(place.grid.shape)])
            weight = whole.reshape(lead, place.sites)
        found[row] = np.sqrt(weight) * place.counted
    return found.reshape(len(question.targets), -1)


def _leave_out_missing(columns: dict[str, Floats], question: FieldQuestion) -> None:
    """Weight 0 for residuals that hold a NaN, whose values are then 0; sites without a whole state are left out."""
    gone = ~np.isfinite(columns["times"]) | ~np.isfinite(columns["state"]).all(axis=0)
    missing = ~np.isfinite(columns["data"])
    for i, residual in enumerate(question.residuals):
        columns["roots"][i, missing[question.holds(residual)].any(axis=0)] = 0.0
    columns["data"] = np.where(missing, 0.0, columns["data"])
    if gone.any():
        for name in columns:
            columns[name] = columns[name][..., ~gone]
