"""From trajectories of particles as users give them to the loss of a fit through time."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import lambdify

from symphys.errors import InputError, UnsupportedError
from symphys.language.particle_symbols import LocalSymbol
from symphys.learn.bodies import BodiesPassage, Pairs
from symphys.learn.bodies_objective import BodiesObjective
from symphys.learn.loss import Question
from symphys.learn.passage import Rows
from symphys.learn.read_trajectories import per_run, steps_of
from symphys.learn.trajectories import Trajectories
from symphys.learn.unknowns import Unknowns
from symphys.lower.particles.acts import Act, acts_of
from symphys.lower.particles.bodies import Unknown
from symphys.lower.particles.layout import Layout
from symphys.mechanics.particles import ParticleDynamics
from symphys.simulate.compiled import Kernels
from symphys.simulate.particles.bonds import rows_of
from symphys.simulate.particles.box import Box
from symphys.simulate.particles.choose import choose_splitting
from symphys.simulate.particles.inputs import read_attributes
from symphys.simulate.weights import split_weights

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
HELD_WITHIN = 1e-6  # of lengths: how far places to start from may be off what holds them


def bodies_objective(
    dynamics: ParticleDynamics,
    kernels: Kernels,
    data: Trajectories,
    unknowns: Unknowns,
    given: Mapping[Any, Any],
    kinds: Integers,
    box: Box | None,
    cutoffs: Mapping[str, float],
    method: str,
    dt: float | None,
    guess: Mapping[Any, Any],
) -> BodiesObjective:
    """The loss of `data`, with steps of at most `dt` (None: one step from each time to the next).

    Raises InputError for observations and starts of what there is not, and for attributes and parameters that are
    missing; MethodError for a method that is no splitting; UnsupportedError for unknown masses.
    """
    splitting, _ = choose_splitting(method, bool(dynamics.held))
    labels = (dynamics.particles, dynamics.particles.rate(1))
    if strange := [key for key in (*data.observed, *data.start) if key not in labels]:
        raise InputError(f"the trajectories hold {strange[0]}; of particles, {labels[0]} and {labels[1]} are compared")
    count, runs = len(kinds), data.runs
    times, orders, observed, roots = _observations(data, labels, count)
    free, initial = _starts(data, labels, times, orders, roots, guess)
    if dynamics.held:
        _check_held(dynamics, given, kinds, initial, free, box)
    rows = Rows(times, steps_of(times, dt))
    parameters = parameter_rows(dynamics, given, kinds, runs)
    forces = pairs_of(dynamics, kernels, unknowns, kinds, box, cutoffs)
    passage = BodiesPassage(**vars(forces), method=splitting)
    known, _ = split_weights(given, [network for network in dynamics.networks if network in given])
    keys = tuple(labels[order] for order in orders)
    return BodiesObjective(
        passage,
        unknowns,
        Question((), {}, (), keys, keys, True),
        rows,
        initial,
        parameters,
        np.array([dynamics.parameters.index(s) for s in unknowns.symbols], dtype=np.int64),
        np.zeros((0, *times.shape)),
        observed,
        roots,
        free,
        np.maximum(np.abs(initial[list(free)]).max(axis=1, initial=0.0), 1e-3),
        np.arange(runs),
        runs,
        known,
        orders,
        judged_apart(dynamics.particles, keys, kinds),
    )


def parameter_rows(dynamics: ParticleDynamics, given: Mapping[Any, Any], kinds: Integers, runs: int) -> Floats:
    """[P + A count, runs], as `Pairs` has them; unknown parameters are 0."""
    attributes, rest = read_attributes(dynamics, given, kinds, len(kinds))
    values = {s: per_run(s, rest[s], runs) for s in dynamics.parameters if s in rest}
    numbers = [values.get(s, np.zeros(runs)) for s in dynamics.parameters]
    wide = [np.broadcast_to(a, (runs, len(kinds))).T for a in attributes.values()]
    return np.concatenate([np.array(numbers).reshape(-1, runs), *wide])


def pairs_of(
    dynamics: ParticleDynamics,
    kernels: Kernels,
    unknowns: Unknowns,
    kinds: Integers,
    box: Box | None,
    cutoffs: Mapping[str, float],
) -> Pairs:
    """Particles of these kinds with their pair forces. Raises UnsupportedError for unknown masses."""
    if unknown_mass := dynamics.mass.free_symbols & set(unknowns.symbols):
        raise UnsupportedError(
            f"{next(iter(unknown_mass))} is a mass, which motions fix only up to the scale of the potential; give it"
        )
    layout = Layout(dynamics, True, 1, box.shape if box is not None else None, bool(cutoffs))
    between = tuple(pairs_between(each.over.species, dynamics.particles.species, kinds) for each in dynamics.pairs)
    scalars = {**(box.scalars() if box is not None else {}), **cutoffs}
    acts = tuple(_ends(act, dynamics.particles.species, kinds) for act in acts_of(dynamics))
    return Pairs(layout, kernels, Unknown(unknowns.symbols, unknowns.networks), len(kinds), between, acts, scalars)


def _ends(act: Act, species: tuple[str, ...], kinds: Integers) -> Integers:
    """[ends, grips], who acts so; InputError for an index that no particle has."""
    if act.over.bonds is not None:
        return np.ascontiguousarray(rows_of(act.over, len(kinds)).T)
    if act.over.kind == "pairs":
        return pairs_between(act.over.species, species, kinds)
    (name,) = act.over.species
    return np.flatnonzero((kinds == species.index(name)) if name else np.full(len(kinds), True))[None]


def pairs_between(over: tuple[str | None, ...], species: tuple[str, ...], kinds: Integers) -> Integers:
    """[2, pairs], every unordered pair of the species that a term is over, the first of the first one."""
    first, second = over
    every = np.arange(len(kinds))
    one, other = (every if name is None else every[kinds == species.index(name)] for name in (first, second))
    pairs = [(i, j) for i in one for j in other if (i < j or first != second)]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2).T.copy()


def judged_apart(particles: Any, keys: tuple[Any, ...], kinds: Integers) -> dict[Any, Integers]:
    """The residuals of each quantity or, where there are species, of each of these (of both for several quantities)."""
    size = len(kinds) * particles.dim
    groups: dict[Any, Integers] = {}
    for number, key in enumerate(keys):
        if not particles.species:
            groups[key] = number * size + np.arange(size)
            continue
        for kind in np.unique(kinds):
            rows = number * size + np.flatnonzero(np.repeat(kinds == kind, particles.dim))
            name = particles.species[kind]
            groups[name if len(keys) == 1 else (key, name)] = rows
    return groups


def _observations(
    data: Trajectories, labels: tuple[Any, Any], count: int
) -> tuple[Floats, tuple[int, ...], Floats, Floats]:
    """Times [rows, runs], which were observed, values and roots of weights [orders count dim, rows, runs]."""
    times = np.array(data.times.T)
    absent = ~np.isfinite(times)
    times = np.where(absent, np.nanmax(times, axis=0), times)
    orders = tuple(order for order, label in enumerate(labels) if label in data.observed)
    values, roots = [], []
    for order in orders:
        key = labels[order]
        seen = data.observed[key]
        if seen.shape[2] != count:
            raise InputError(f"{key} was observed of {seen.shape[2]} particles, and there are {count}")
        flat = seen.reshape(*seen.shape[:2], -1).transpose(2, 1, 0)
        missing = ~np.isfinite(flat) | absent
        weight = np.ones(times.shape)
        if key in data.weights:
            given = data.weights[key]
            if given.ndim == 4:
                given = given.reshape(*given.shape[:2], -1).transpose(2, 1, 0)
            else:
                given = given.T
            weight = given
        roots.append(np.where(missing, 0.0, np.sqrt(weight)))
        values.append(np.where(missing, 0.0, flat))
    return times, orders, np.concatenate(values), np.concatenate(roots)


def _starts(
    data: Trajectories,
    labels: tuple[Any, Any],
    times: Floats,
    orders: tuple[int, ...],
    roots: Floats,
    guess: Mapping[Any, Any],
) -> tuple[tuple[int, ...], Floats]:
    """Which components have unknown initial values, and the initial states [n, runs] as far as they are known."""
    listed = labels if data.unknown_start is True else data.unknown_start or ()
    if strange := [key for key in listed if key not in labels]:
        raise InputError(f"{strange[0]} is no part of the state; that is {labels[0]} and {labels[1]}")
    if both := [key for key in listed if key in data.start and data.unknown_start is not True]:
        raise InputError(f"the start of {both[0]} is both given and unknown; remove one of the two")
    count, dim = next(iter(data.observed.values())).shape[2:]
    size = count * dim
    free: list[int] = []
    initial = np.zeros((2 * size, data.runs))
    for order, label in enumerate(labels):
        here = slice(order * size, (order + 1) * size)
        first = data.observed[label][:, 0].reshape(data.runs, size).T if label in data.observed else None
        if label in data.start:
            begun = data.start[label]
            if begun.shape[1:] != (count, dim):
                raise InputError(
                    f"the start of {label} has the shape {begun.shape}; give [{count}, {dim}] for each run"
                )
            initial[here] = begun.reshape(data.runs, size).T
        elif label not in listed and first is not None and np.isfinite(first).all():
            initial[here] = first
            place = orders.index(order) * size
            roots[place : place + size, 0] = 0.0  # what is met by construction says nothing
        else:
            free += range(order * size, (order + 1) * size)
            if label in guess:
                told = np.broadcast_to(np.asarray(guess[label], dtype=np.float64), (data.runs, count, dim))
                initial[here] = told.reshape(data.runs, size).T
            else:
                initial[here] = _guess(label, labels, data, times).reshape(size, data.runs)
    return tuple(free), initial


def _check_held(
    dynamics: ParticleDynamics,
    given: Mapping[Any, Any],
    kinds: Integers,
    initial: Floats,
    free: tuple[int, ...],
    box: Box | None,
) -> None:
    """InputError for places to start from that are unknown, or that are not held, as far as that is known."""
    particles, half = dynamics.particles, len(initial) // 2
    if any(i < half for i in free):
        raise InputError(
            f"the constraint {dynamics.held[0].written} = 0 holds {particles} from the start on, and where they start "
            f"is unknown; give start={{{particles}: ...}}"
        )
    attributes, rest = read_attributes(dynamics, given, kinds, len(kinds))
    places = initial[:half].reshape(len(kinds), particles.dim, -1).transpose(2, 0, 1)
    numbers = {s: per_run(s, rest[s], len(places)) for s in dynamics.parameters if s in rest}
    for held in dynamics.held:
        rows = rows_of(held.over, len(kinds))
        who = dict(zip(held.over.bound, rows.T, strict=True))
        values: dict[Any, Any] = {s: numbers[s][:, None] for s in held.value.free_symbols if s in numbers}
        for s in held.value.free_symbols - set(values):
            if not isinstance(s, LocalSymbol):
                return  # unknown: whatever it is, the first step takes places there
            if s.role == "attribute":
                values[s] = np.broadcast_to(attributes[s.word], (len(places), len(kinds)))[:, who[s.labels[0]]]
            else:
                step = places[:, who[s.labels[0]]] - places[:, who[s.labels[1]]]
                step = step if box is None else box.nearest(step)
                values[s] = step[..., s.axis]
        names = sorted(values, key=str)
        off = np.abs(
            np.broadcast_to(lambdify(names, held.value, "numpy")(*(values[s] for s in names)), (len(places), len(rows)))
        )
        run, row = np.unravel_index(int(np.argmax(off)), off.shape)
        if off[run, row] > HELD_WITHIN * max(1.0, float(np.abs(places).max())):
            raise InputError(
                f"at the start of run {run}, particles {', '.join(map(str, rows[row]))} violate the constraint "
                f"{held.written} = 0: the residual is {off[run, row]:.6g}; give start={{{particles}: ...}} that obeys "
                "it"
            )


def _guess(label: Any, labels: tuple[Any, Any], data: Trajectories, times: Floats) -> Floats:
    """[n, dim, runs]: the first observation, or the slope between the first two places; 0 where there is neither."""
    shape = next(iter(data.observed.values())).shape
    found = np.zeros((shape[2], shape[3], shape[0]))
    rate = label == labels[1] and label not in data.observed
    seen = data.observed[labels[0] if rate else label] if not rate or labels[0] in data.observed else None
    if seen is None:
        return found
    for run, i, k in itertools.product(*(range(n) for n in (shape[0], shape[2], shape[3]))):
        at = np.flatnonzero(np.isfinite(seen[run, :, i, k]))[:2]
        values = seen[run, at, i, k]
        if rate and len(at) == 2:
            found[i, k, run] = (values[1] - values[0]) / (times[at[1], run] - times[at[0], run])
        elif not rate and len(at):
            found[i, k, run] = values[0]
    return found
