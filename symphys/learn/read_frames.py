"""From accelerations of particles in frames to the loss of a fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError, UnsupportedError
from symphys.learn.frames_objective import FramesObjective, Group
from symphys.learn.pair_frames import PairFramesObjective
from symphys.learn.reactions import Reached, Reactions, Sources, reacting
from symphys.learn.read_pair_frames import masses_of, pair_frames
from symphys.learn.surroundings import Frames, Polynomials, look_around, of_invariants
from symphys.learn.term_kernels import TermKernels
from symphys.learn.unknowns import Unknowns
from symphys.lower.expressions import dense
from symphys.lower.particles.reactions import reaction_terms, slopes_of
from symphys.lower.particles.shares import Share, linear_pairs, share_of
from symphys.lower.particles.surroundings import Pulls
from symphys.mechanics.particles import ParticleDynamics
from symphys.mechanics.particles.surroundings import CUTOFF, ONSET
from symphys.simulate.compiled import Kernels
from symphys.simulate.inputs import numbers, real_numbers
from symphys.simulate.particles.box import Box, read_box
from symphys.simulate.particles.inputs import read_attributes
from symphys.simulate.weights import split_weights

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def read_places(particles: Any, data: Mapping[Any, Any]) -> Floats:
    """[frames, n, dim]; InputError for data that hold no places, or of another shape."""
    if particles not in data:
        raise InputError(f"the data hold no places; give {{{particles}: [frames, n, {particles.dim}]}}")
    places = numbers("places of", particles, data[particles])
    if places.ndim == 2:
        places = places[None]
    if places.ndim != 3 or places.shape[2] != particles.dim or 0 in places.shape:
        raise InputError(f"the places of {particles} have the shape {places.shape}; give [frames, n, {particles.dim}]")
    return places


def read_boxes(box: Any, dim: int, frames: int) -> list[Box | None]:
    """A box for each frame, from one for all or [frames, dim] or [frames, dim, dim]."""
    if box is None:
        return [None] * frames
    array = np.asarray(box, dtype=np.float64)
    if array.ndim == 3 or (array.ndim == 2 and array.shape != (dim, dim)):
        if len(array) != frames:
            raise InputError(f"{len(array)} boxes were given for {frames} frames; give one for all, or one for each")
        return [read_box(each, dim) for each in array]
    return [read_box(array, dim)] * frames


def frames_objective(
    dynamics: ParticleDynamics,
    kernels: Kernels,
    data: Mapping[Any, Any],
    unknowns: Unknowns,
    given: Mapping[Any, Any],
    kinds: Integers,
    boxes: list[Box | None],
    cutoffs: Mapping[str, float],
    weights: Mapping[Any, Any] | None,
) -> FramesObjective | PairFramesObjective:
    """The loss of {particles: places, ddot(particles): accelerations}, [frames, n, dim] each.

    Raises InputError for data that hold no accelerations or something else, and for what is missing; UnsupportedError
    for forces that are not made of what each particle sees.
    """
    particles = dynamics.particles
    if dynamics.turning:
        written = ", ".join(map(str, dynamics.turning))
        raise UnsupportedError(
            f"the force v x ({written}) that turns velocities is not fitted; write a few particles in coordinates"
        )
    places = read_places(particles, data)
    measured, rates = _measured(particles, data, places.shape)
    if dynamics.friction is not None and particles.rate(1) not in data:
        rubs = (
            f"the friction {dynamics.mass * dynamics.friction} feels"
            if dynamics.reciprocal
            else "agents that forget feel"
        )
        raise InputError(f"{rubs} velocities, and the data hold none; add {{symphys.dot({particles}): ...}}")
    pairs = linear_pairs(dynamics, unknowns.symbols)
    _check(dynamics, unknowns)
    roots = _roots(particles, weights, measured)
    attributes, rest = read_attributes(dynamics, given, kinds, len(kinds))
    if long := [name for name, values in attributes.items() if values.ndim > 1]:
        raise InputError(
            f"{particles}.{long[0]} has values for several runs; give one for each of {len(kinds)} particles"
        )
    known = {s: float(numbers("value of", s, rest[s])) for s in dynamics.parameters if s in rest}
    frames = Frames(places, kinds, attributes, boxes)
    if pairs is None:
        return pair_frames(dynamics, kernels, frames, (measured, roots), unknowns, given, known, cutoffs)
    pulls = Pulls(dynamics.environments, tuple((each.term, c) for each in pairs for _, c in each.parts))
    inner = {s for each in pulls.environments for s in each.weight.free_symbols}
    inner |= {s for _, c in pulls.pairs for s in c.free_symbols}
    around, drawn = look_around(
        dynamics, kernels, pulls, frames, {s: v for s, v in known.items() if s in inner}, cutoffs
    )
    polynomials = Polynomials.of(dynamics, known)
    seen, vectors = of_invariants(polynomials, around, drawn)
    groups = {}
    for kind in np.unique(kinds):
        name = particles.species[kind] if particles.species else None
        share = share_of(dynamics, pairs, name, dynamics.friction)
        mine = np.flatnonzero(kinds == kind)
        some = {word: attributes[word][mine] for word in share.attributes}
        vector_of = [each[:, mine] for each in (places, rates, measured, roots)]
        columns = _samples(share, seen[..., mine], vectors[..., mine], vector_of, some)
        label = particles.rate(2) if name is None else name
        repeats = len(mine) * (particles.dim if share.axes == 1 else 1)
        groups[label] = _group(kernels, unknowns, share, columns, np.repeat(np.arange(len(places)), repeats), label)
    networks, _ = split_weights(given, [network for network in dynamics.networks if network in given])
    objective = FramesObjective(unknowns, groups, known, networks, np.arange(len(places)))
    if dynamics.reciprocal and dynamics.environments:
        reactions = _reactions(dynamics, kernels, unknowns, known, frames, (seen, around), polynomials, cutoffs)
        objective = reacting(objective, reactions)
    if not objective.terms:
        raise InputError("no acceleration is a number; all that was measured is NaN")
    return objective


def _samples(
    share: Share,
    seen: Floats,
    vectors: Floats,
    own: Sequence[Floats],
    attributes: Mapping[str, Floats],
) -> dict[str, Floats]:
    """The columns of kernels: samples run over frames, particles and, where each axis is one, axes.

    own: places, velocities, measured accelerations and roots of weights, [frames, n, dim].
    """
    places, rates, measured, roots = own
    frames, n, dim = places.shape
    repeats = dim if share.axes == 1 else 1

    def scalars(values: Floats) -> Floats:
        return np.repeat(values.reshape(len(values), frames * n), repeats, axis=1)

    def components(values: Floats) -> Floats:
        return values.reshape(-1, share.axes).T

    samples = frames * n * repeats
    pulls = vectors.transpose(0, 2, 3, 1).reshape(len(vectors), samples, share.axes).transpose(0, 2, 1)
    weights = [np.tile(values, frames)[None] for values in attributes.values()]
    state = [
        scalars(seen.reshape(len(seen), frames * n)),
        pulls.reshape(len(vectors) * share.axes, samples),
        components(places),
        components(rates),
        *map(scalars, weights),
    ]
    return {
        "state": np.concatenate(state),
        "data": np.nan_to_num(components(measured)),
        "roots": components(roots).copy(),
    }


def _measured(particles: Any, data: Mapping[Any, Any], shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Accelerations, and velocities or zeros, [frames, n, dim]."""
    rate, target = particles.rate(1), particles.rate(2)
    if strange := [key for key in data if key not in (particles, rate, target)]:
        raise InputError(f"the data hold {strange[0]}; of particles, {particles}, {rate} and {target} are known")
    if target not in data:
        raise InputError(
            f"the data measure nothing that the equations of motion give: add {{symphys.ddot({particles}): [frames, n, "
            f"{particles.dim}]}}, or give places in time as symphys.Trajectories(...)"
        )
    found = []
    for key in (target, rate):
        values = real_numbers("values of", key, data.get(key, np.zeros(shape)))
        values = values[None] if values.ndim == 2 else values
        if values.shape != shape:
            raise InputError(f"{key} has the shape {values.shape} and {particles} {shape}: the sizes do not fit")
        found.append(values)
    return found[0], found[1]


def _check(dynamics: ParticleDynamics, unknowns: Unknowns) -> None:
    if dynamics.bonded:
        raise UnsupportedError("energies along lists of bonds are not fitted to accelerations; give their parameters")
    parts = [each.weight for each in dynamics.environments]
    parts += [coefficient for each in dynamics.invariants for coefficient, _ in each.terms]
    if inner := {s for each in parts for s in each.free_symbols} & set(unknowns.symbols):
        raise UnsupportedError(
            f"{min(map(str, inner))} stands inside the weight of an environment, which is computed before the fit; "
            "give it, and compare fits with several values"
        )


def _reactions(
    dynamics: ParticleDynamics,
    kernels: Kernels,
    unknowns: Unknowns,
    known: Mapping[Any, float],
    frames: Frames,
    seen: tuple[Floats, Floats],
    polynomials: Polynomials,
    cutoffs: Mapping[str, float],
) -> Reactions:
    """How particles pull at those that they see, for energies of what is seen: invariants, and their environments."""
    names, dim = dynamics.particles.species, dynamics.particles.dim
    values = {CUTOFF: cutoffs.get("cutoff", np.inf), ONSET: cutoffs.get("onset", np.inf), **known}
    invariants, around = seen
    sources = []
    for kind in np.unique(frames.kinds):
        mine = np.flatnonzero(frames.kinds == kind)
        slopes = slopes_of(dynamics, names[kind] if names else None)
        free = tuple(s for s in slopes.symbols if s in unknowns.symbols)
        networks = tuple(n for n in unknowns.networks if n in slopes.networks)
        own = frames.places[:, mine].reshape(-1, dim).T
        kept = [np.tile(frames.attributes[word][mine], len(frames.places))[None] for word in slopes.attributes]
        state = np.concatenate([invariants[..., mine].reshape(len(invariants), -1), own, *kept])
        made, along = (
            TermKernels(terms, free, networks, kernels, (word, names[kind] if names else "", *free))
            for word, terms in (("slopes", slopes.terms), ("slopes along", slopes.along))
        )
        sources.append(
            Sources(slopes.used, made, along, state, mine, slopes.symbols, _places(unknowns, free, networks))
        )
    reached = []
    for of in dict.fromkeys(each.of for each in dynamics.environments):
        places = [a for a, each in enumerate(dynamics.environments) if each.of == of]
        terms, symbols = reaction_terms(dim, [dynamics.environments[a] for a in places])
        targets = np.arange(frames.count) if of is None else np.flatnonzero(frames.kinds == names.index(of))
        made = TermKernels(terms, (), (), kernels, ("reactions", of))
        reached.append(
            Reached(np.array(places), targets, made, np.array([values[s] for s in symbols], dtype=np.float64))
        )
    return Reactions(
        polynomials,
        around,
        tuple(reached),
        tuple(sources),
        frames.places,
        tuple(frames.boxes),
        float(cutoffs.get("cutoff", np.inf)),
        masses_of(dynamics, frames, known),
    )


def _roots(particles: Any, weights: Mapping[Any, Any] | None, measured: Floats) -> Floats:
    target = particles.rate(2)
    if weights and (strange := [key for key in weights if key != target]):
        raise InputError(f"{strange[0]} has weights but no residual of its own; residuals are of {target}")
    given = real_numbers("weights of", target, weights[target]) if weights else np.ones(())
    if (given < 0).any() or not np.isfinite(given).all():
        raise InputError(f"the weights of {target} are negative or not finite; give 0 for what is not to count")
    try:
        wide = np.broadcast_to(given, measured.shape)
    except ValueError:
        raise InputError(f"the weights of {target} have the shape {given.shape}; give {measured.shape}") from None
    return np.where(np.isfinite(measured), np.sqrt(wide), 0.0)


def _group(
    kernels: Kernels, unknowns: Unknowns, share: Share, columns: dict[str, Floats], frames: Integers, label: Any
) -> Group:
    unknown = set(unknowns.symbols)
    symbols = tuple(s for s in share.symbols if s in unknown)
    networks = tuple(n for n in unknowns.networks if n in share.networks)
    made = TermKernels(share.terms, symbols, networks, kernels, ("frames", str(label), *symbols))
    return Group(made, columns, frames, share.symbols, _places(unknowns, symbols, networks))


def _places(unknowns: Unknowns, symbols: Sequence[Any], networks: Sequence[Any]) -> Integers:
    """Those of some symbols, and of the weights of some networks, among all that is unknown."""
    place_of = {s: k for k, s in enumerate(unknowns.symbols)}
    places = [place_of[s] for s in symbols]
    place = len(unknowns.symbols)
    for network in unknowns.networks:
        count = dense(network).count - dense(network).frozen
        places += list(range(place, place + count)) if network in networks else []
        place += count
    return np.array(places, dtype=np.int64)
