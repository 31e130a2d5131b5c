"""From frames of fields as users give them to the loss of a fit through time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy.core.function import Derivative

from symphys.errors import InputError, MethodError, UnsupportedError
from symphys.fields.read import scalar, to_jet
from symphys.integrators import METHODS, ExplicitTableau, Splitting
from symphys.learn.field_loss import FieldQuestion, ask_fields, ask_for_fields, field_states
from symphys.learn.field_passage import FieldPassage
from symphys.learn.field_runs import FieldRunsObjective
from symphys.learn.options import LossOptions
from symphys.learn.passage import Rows
from symphys.learn.places import Place
from symphys.learn.read_trajectories import steps_of
from symphys.learn.site_kernels import SiteKernels, component_places, site_kernels
from symphys.learn.trajectories import Trajectories
from symphys.learn.unknowns import Unknowns
from symphys.lower.lattice.local import LocalTerms, lower_local_terms
from symphys.mechanics.probe import vanishes
from symphys.simulate.compiled import Kernels
from symphys.simulate.lattice.choose import choose_field_method
from symphys.simulate.weights import split_weights

Floats = NDArray[np.float64]
Components = Mapping[tuple[Any, int], int]


def field_trajectory_objective(
    place: Place,
    kernels: Kernels,
    data: Trajectories,
    unknowns: Unknowns,
    given: Mapping[Any, Any],
    options: LossOptions,
    loss: Any = None,
) -> FieldRunsObjective:
    """The loss of frames `data`, with steps of at most `options['dt']` (None: one step from each frame to the next).

    Raises InputError for observations and starts of what the theory does not have or that do not fit the grid,
    MethodError and UnsupportedError for what is not integrated with derivatives.
    """
    dynamics = place.dynamics
    method = field_method(place, options["method"])
    states = field_states(dynamics)
    components = component_places([(label, states[label][1]) for label in state_order(place)])
    known = {key: _expression(place, key) for key in data.observed}
    keys = tuple(data.observed)
    question = ask_for_fields(known, keys) if loss is None else ask_fields(dynamics.jets, known, loss, keys, {})
    seen = lower_local_terms(dynamics, question.residuals, question.predictions, question.measured, question.squared)
    weights, _ = split_weights(given, [network for network in dynamics.networks if network in given])

    def lowered(local: LocalTerms, key: tuple[Any, ...]) -> SiteKernels:
        return site_kernels(place, kernels, local, key, components, unknowns, given, weights)

    observed, passage = lowered(seen, ("seen", *question.key)), _passage(place, kernels, method, components, lowered)
    times = data.times.T
    absent = ~np.isfinite(times)
    times = np.where(absent, np.nanmax(times, axis=0), times)
    values, roots = _observations(place, data, question, absent)
    free, initial = _starts(place, data, components, times, roots, question.targets, options["guess"] or {})
    scale = np.array([max(float(np.abs(initial[_block(place, i)]).max()), 1e-3) for i in free])
    runs = data.runs
    return FieldRunsObjective(
        passage,
        unknowns,
        question,
        Rows(times, steps_of(times, options["dt"])),
        initial,
        np.zeros((0, runs)),
        np.zeros(0, dtype=np.int64),
        np.zeros((0, *times.shape)),
        values,
        roots,
        free,
        scale,
        np.arange(runs),
        runs,
        weights,
        observed,
    )


def _passage(
    place: Place,
    kernels: Kernels,
    method: ExplicitTableau | Splitting,
    components: Mapping[tuple[Any, int], int],
    lowered: Callable[[LocalTerms, tuple[Any, ...]], SiteKernels],
) -> FieldPassage:
    """How the state, whose `components` are numbered by label and part, goes through time."""
    dynamics = place.dynamics
    rates = [
        ((rate, part), components[u.velocity_label if u.order == 2 else u.label, part])
        for u, rate in zip(dynamics.unknowns, dynamics.rates, strict=True)
        for part in range(1 + u.complex)
    ]
    says = {sympy.Symbol(f"rate {i}", real=True): each for i, (each, _) in enumerate(rates)}
    drifting = [
        (components[u.label, part], components[u.velocity_label, part])
        for u in dynamics.unknowns
        for part in range(1 + u.complex)
        if u.order == 2
    ]
    return FieldPassage(
        lowered(lower_local_terms(dynamics, tuple(says), says, ()), ("rates", *dynamics.rates)),
        method,
        kernels,
        np.array([target for _, target in rates], dtype=np.int64),
        np.array(drifting, dtype=np.int64).reshape(-1, 2),
        _held(place),
        len(components),
    )


def field_method(place: Place, name: str) -> ExplicitTableau | Splitting:
    """The method with fixed steps by which a fit of fields goes through time.

    A splitting where rates are free of velocities, else an explicit Runge-Kutta method.
    """
    for axis in place.grid.axes:
        if axis.absorption.any():
            raise UnsupportedError(f"fits through time take no absorbing layers, which {axis.coordinate} has")
    structure = place.dynamics.structure
    found = choose_field_method(place.dynamics, place.grid, name, place.order).method
    if isinstance(found, Splitting) and not structure.separable:
        if name != "auto":
            raise MethodError(
                f"method {name!r} splits off waves or friction, whose flows are not differentiated; for fits through "
                "time of these fields choose an explicit Runge-Kutta method such as 'rk4'"
            )
        found = METHODS["rk4"]  # type: ignore[assignment]
    return found


def state_order(place: Place) -> list[Any]:
    """The labels of the state: fields, then their rates."""
    unknowns = place.dynamics.unknowns
    return [*(u.label for u in unknowns), *(u.velocity_label for u in unknowns if u.order == 2)]


def _expression(place: Place, key: Any) -> tuple[Any, bool]:
    """What was observed in jets of the state, and whether it is complex."""
    jets = place.dynamics.jets
    found = to_jet(scalar(key, "observation"), jets)
    for symbol in jets.present((found,)):
        jet = jets.jet(symbol)
        if jet is not None and jet.function in jets.fields:
            place.source(symbol)
    return found, not vanishes((found - jets.conjugated(found),))


def _held(place: Place) -> Floats:
    """[sites], 0 at ends that do not move."""
    return np.asarray(place.counted, dtype=np.float64)


def _block(place: Place, component: int) -> slice:
    """The sites of the component that an entry of the state belongs to."""
    first = component // place.sites * place.sites
    return slice(first, first + place.sites)


def _observations(
    place: Place, data: Trajectories, question: FieldQuestion, absent: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Values [k sites, rows, runs], and roots of weights [m sites, rows, runs], 0 where a value is missing."""
    values, gaps = [], []
    for key, part in zip(question.keys, question.parts, strict=True):
        frames = data.observed[key]
        if frames.shape[2:] != place.grid.shape:
            raise InputError(
                f"the observations of {key} are frames of shape {frames.shape[2:]}, but the grid has {place.grid.shape}"
            )
        chosen = frames.imag if part else frames.real
        flat = chosen.reshape(*frames.shape[:2], -1).transpose(2, 1, 0)
        gaps.append(~np.isfinite(flat) | absent)
        values.append(np.where(gaps[-1], 0.0, flat))
    roots = []
    for residual, key in zip(question.residuals, question.targets, strict=True):
        weight = np.ones(values[0].shape)
        if key in data.weights:
            weight = data.weights[key].reshape(*data.times.shape, -1).transpose(2, 1, 0)
        missing = np.any(
            [absent[None] & np.ones(weight.shape, bool), *(gaps[i] for i in question.holds(residual))], axis=0
        )
        roots.append(np.where(missing, 0.0, np.sqrt(weight)))
    return np.concatenate(values), np.concatenate(roots)


def _starts(
    place: Place,
    data: Trajectories,
    components: Components,
    times: Floats,
    roots: Floats,
    targets: Any,
    guess: Mapping[Any, Any],
) -> tuple[tuple[int, ...], Floats]:
    """Which components have unknown initial values, and the initial states [n, runs] as far as they are known."""
    labels = dict.fromkeys(label for label, _ in components)
    listed = tuple(labels) if data.unknown_start is True else data.unknown_start or ()
    if strange := [key for key in (*data.start, *listed) if key not in labels]:
        raise InputError(
            f"{strange[0]} has a start, but is no part of the state; that is {', '.join(map(str, labels))}"
        )
    sites, moves = place.sites, _held(place) > 0
    free: list[int] = []
    initial = np.zeros((len(components) * sites, data.runs))
    for label in labels:
        rate = isinstance(label, Derivative) and place.dynamics.time in label.variables
        first = data.observed[label][:, 0].reshape(data.runs, sites) if label in data.observed else None
        known = label in data.start
        if known:
            begun = data.start[label]
        elif first is not None and label not in listed and np.isfinite(first).all():
            begun, known = first, True
            for row, target in enumerate(targets):
                if target == label:  # what is met by construction says nothing
                    roots[row * sites : (row + 1) * sites, 0] = 0.0
        else:
            begun = np.asarray(guess[label]) if label in guess else _first_guess(place, label, data, times)
        if begun.shape[-len(place.grid.shape) :] != place.grid.shape and begun.shape[-1:] != (sites,):
            raise InputError(f"the start of {label} has the shape {begun.shape}, but the grid has {place.grid.shape}")
        flat = np.broadcast_to(begun.reshape(-1, sites), (data.runs, sites))
        for part in range(2):
            if (label, part) not in components:
                continue
            values = (flat.imag if part else flat.real) * (moves if rate else 1.0)
            begin = components[label, part] * sites
            initial[begin : begin + sites] = values.T
            if not known:
                free += [begin + site for site in range(sites) if moves[site] or not rate]
    return tuple(free), initial


def _first_guess(place: Place, label: Any, data: Trajectories, times: Floats) -> NDArray[Any]:
    """[runs, sites]: the first frame without its gaps, or the slope between the first two of the field."""
    if label in data.observed:
        return np.nan_to_num(data.observed[label][:, 0]).reshape(data.runs, -1)
    base = getattr(label, "expr", None)
    if base in data.observed:
        frames = data.observed[base].reshape(*data.observed[base].shape[:2], -1)
        return np.nan_to_num((frames[:, 1] - frames[:, 0]) / (times[1] - times[0])[:, None])
    return np.zeros((data.runs, place.sites))
