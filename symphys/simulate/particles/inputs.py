"""What a user hands to a run of particles: places, velocities, attributes, species, parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.language.arrays import array_of, spread_arrays
from symphys.language.particles import Attribute, ParticleRate, Particles
from symphys.mechanics.particles import ParticleDynamics
from symphys.simulate.inputs import check_assumptions, numbers
from symphys.simulate.weights import split_weights

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ParticleInputs:
    """Checked values; `shape`, that of the ensemble, stands before the axes of particles.

    places, velocities: [*shape, n, dim]. attributes: by name [*shape, n]. numbers: by symbol [*shape]. weights: of
    networks. kinds: [n], the index of each particle's species.
    """

    places: Floats
    velocities: Floats
    attributes: Mapping[str, Floats]
    numbers: Mapping[Any, Floats]
    weights: Mapping[Any, Floats]
    kinds: NDArray[np.int64]
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """The number of particles."""
        return int(self.places.shape[-2])


def read_species(particles: Particles, species: Any, count: int) -> NDArray[np.int64]:
    """[n], the index of each particle's species; InputError for missing, unknown or too few names."""
    if not particles.species:
        if species is not None:
            raise InputError(f"species were given, but {particles} were made without; leave them out")
        return np.zeros(count, dtype=np.int64)
    if species is None:
        raise InputError(
            f"{particles} have the species {', '.join(particles.species)}; give species=[...], one for each"
        )
    names = [str(each) for each in species]
    if len(names) != count:
        raise InputError(f"{len(names)} species were given for {count} particles; give one for each")
    if strange := sorted(set(names) - set(particles.species)):
        raise InputError(f"{particles} have no species {strange[0]!r}; they have {', '.join(particles.species)}")
    return np.array([particles.species.index(each) for each in names], dtype=np.int64)


def read_particles_inputs(
    dynamics: ParticleDynamics, initial: Mapping[Any, Any], parameters: Mapping[Any, Any], species: Any
) -> ParticleInputs:
    """Everything checked and broadcast.

    Raises InputError for missing or unknown keys, shapes that do not fit, values that are not finite or forbidden.
    """
    particles = dynamics.particles
    rate = particles.rate(1)
    places, velocities = _state(particles, rate, initial)
    count = places.shape[-2]
    weights, rest = split_weights(parameters, dynamics.networks)
    kinds = read_species(particles, species, count)
    attributes, rest = read_attributes(dynamics, rest, kinds, count)
    rest = spread_arrays(rest)
    wanted = set(dynamics.parameters)
    by_name = {str(s): s for s in dynamics.parameters}
    values = {}
    for key, value in rest.items():
        symbol = key if key in wanted else by_name.get(key) if isinstance(key, str) else None
        if symbol is None:
            known = dict.fromkeys(str(array_of(s)) for s in dynamics.parameters)
            have = ", ".join([*known, *(f"{particles}.{a}" for a in dynamics.attributes)])
            raise InputError(
                f"{key} is no parameter of this system; it has {have or 'none'}. Remove {key} or rename it."
            )
        values[symbol] = numbers("parameter", symbol, value)
        check_assumptions(symbol, values[symbol])
    if missing := [s for s in dynamics.parameters if s not in values]:
        names = ", ".join(dict.fromkeys(str(array_of(s)) for s in missing))
        raise InputError(f"value missing for {names}. Add {{{array_of(missing[0])!s}: ...}}.")
    shapes = {str(particles): places.shape[:-2], str(rate): velocities.shape[:-2]}
    shapes |= {f"{particles}.{k}": a.shape[:-1] for k, a in attributes.items()} | {
        str(k): a.shape for k, a in values.items()
    }
    try:
        shape = np.broadcast_shapes(*shapes.values())
    except ValueError:
        text = ", ".join(f"{k}: {s}" for k, s in shapes.items() if s)
        raise InputError(
            f"the ensembles do not fit each other, their shapes are {text}; give one shape to all"
        ) from None
    if 0 in shape:
        raise InputError(f"the ensemble has the shape {shape} and no run; give at least one")
    return ParticleInputs(places, velocities, attributes, values, weights, kinds, shape)


def _state(particles: Particles, rate: ParticleRate, initial: Mapping[Any, Any]) -> tuple[Floats, Floats]:
    names = {str(particles): particles, str(rate): rate}
    given = {names.get(k, k) if isinstance(k, str) else k: v for k, v in initial.items()}
    for key in given:
        if key not in (particles, rate):
            raise InputError(f"{key} is no initial value of this system; it has {particles} and {rate}. Remove {key}.")
    for key in (particles, rate):
        if key not in given:
            raise InputError(f"initial value missing for {key}; give an array [n, {particles.dim}]")
    places, velocities = (numbers("initial value of", key, given[key]) for key in (particles, rate))
    for key, array in ((particles, places), (rate, velocities)):
        if array.ndim < 2 or array.shape[-1] != particles.dim or array.shape[-2] < 1:
            raise InputError(
                f"the initial value of {key} has the shape {array.shape}; give [n, {particles.dim}], or "
                f"[run, n, {particles.dim}] for an ensemble"
            )
    if places.shape[-2] != velocities.shape[-2]:
        raise InputError(
            f"{particles} has {places.shape[-2]} particles and {rate} {velocities.shape[-2]}: the sizes do not fit"
        )
    return places, velocities


def read_attributes(
    dynamics: ParticleDynamics, given: Mapping[Any, Any], kinds: NDArray[np.int64], count: int
) -> tuple[dict[str, Floats], dict[Any, Any]]:
    """[..., n] for each attribute that occurs, and what else was given."""
    particles = dynamics.particles
    found: dict[str, Floats] = {}
    rest = {}
    names = {f"{particles}.{name}": Attribute(particles, name) for name in particles.attributes}
    for key, value in given.items():
        attribute = names.get(key, key) if isinstance(key, str) else key
        if isinstance(attribute, Attribute) and attribute.particles == particles:
            found[attribute.name] = _attribute(attribute, value, kinds, count)
        else:
            rest[key] = value
    for name in dynamics.attributes:
        if name not in found:
            raise InputError(f"value missing for {particles}.{name}; add {{{particles}.{name}: [n] values}}")
    return {name: found[name] for name in dynamics.attributes}, rest


def _attribute(attribute: Attribute, value: Any, kinds: NDArray[np.int64], count: int) -> Floats:
    """[..., n] from one number for all, one for each species, or one for each particle."""
    if isinstance(value, Mapping):
        value = _by_species(attribute, value, attribute.particles.species, kinds)
    array = numbers("attribute", attribute, value)
    if array.ndim == 0:
        array = np.full(count, float(array))
    if array.shape[-1] != count:
        raise InputError(f"{attribute} has {array.shape[-1]} values for {count} particles: the sizes do not fit")
    if attribute.name == "mass" and (array <= 0).any():
        raise InputError(f"{attribute} holds {array[array <= 0].flat[0]}; masses are positive")
    return array


def _by_species(
    attribute: Attribute, values: Mapping[str, Any], species: Sequence[str], kinds: NDArray[np.int64]
) -> Floats:
    if not species:
        raise InputError(
            f"{attribute} is given by species, and the particles have none; give one number, or one for each particle"
        )
    if missing := [name for name in species if name not in values]:
        raise InputError(f"{attribute} has no value for the species {missing[0]}; give one for each")
    return np.array([float(values[name]) for name in species])[kinds]
