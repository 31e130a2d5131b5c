"""Systems of particles as fits see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError, UnsupportedError
from symphys.language.networks import NetworkSymbol
from symphys.language.particles import Attribute
from symphys.learn.observations import RunsObjective
from symphys.learn.options import LossOptions
from symphys.learn.read_bodies import bodies_objective
from symphys.learn.read_frames import frames_objective, read_boxes, read_places
from symphys.learn.surroundings import Frames, surroundings_in
from symphys.learn.system import Data, System, refuse_weights, samples_in
from symphys.learn.trajectories import Trajectories
from symphys.learn.unknowns import Unknowns
from symphys.lower.particles.acts import followed
from symphys.mechanics.particles import ParticleDynamics
from symphys.simulate.compiled import Kernels
from symphys.simulate.inputs import numbers
from symphys.simulate.particles.box import Box, read_box
from symphys.simulate.particles.inputs import read_attributes, read_species

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ParticleSystem(System):
    """Particles, and in what they live: species, box and cutoff as a simulator takes them."""

    dynamics: ParticleDynamics
    kernels: Kernels
    species: Any = None
    box: Any = None
    cutoffs: Mapping[str, float] = field(default_factory=dict)

    @property
    def parameters(self) -> tuple[Any, ...]:
        """See `System`."""
        return self.dynamics.parameters

    @property
    def networks(self) -> tuple[NetworkSymbol, ...]:
        """See `System`."""
        return self.dynamics.networks

    @property
    def labels(self) -> tuple[Any, ...]:
        """See `System`."""
        return (self.dynamics.particles, self.dynamics.particles.rate(1))

    @property
    def inputs(self) -> frozenset[Any]:
        """See `System`."""
        particles = self.dynamics.particles
        keys = [Attribute(particles, name) for name in particles.attributes]
        return frozenset((*keys, *map(str, keys)))

    def objective(
        self, data: Any, unknowns: Unknowns, given: Mapping[Any, Any], options: LossOptions, plain: bool
    ) -> Data:
        """See `System`."""
        if options["loss"] is not None:
            raise UnsupportedError("a loss of one's own is not known for particles; leave loss out")
        if isinstance(data, Trajectories):
            refuse_weights(options, plain)
            return self._runs(data, unknowns, given, options)
        return self._frames(samples_in(data), unknowns, given, None if plain else options["weights"])

    def starts(self, objective: RunsObjective, initial: Floats) -> dict[Any, Floats]:
        """See `System`: [runs, n, dim] of places and velocities."""
        found: dict[Any, Floats] = {}
        dim = self.dynamics.particles.dim
        half = len(initial) // 2
        for order, label in enumerate(self.labels):
            if any(i // half == order for i in objective.free):
                part = initial[order * half : (order + 1) * half]
                found[label] = part.T.reshape(part.shape[1], -1, dim)
        return found

    def elsewhere(self, species: Any, box: Any) -> System:
        """See `System`."""
        return replace(self, species=self.species if species is None else species, box=self.box if box is None else box)

    def surroundings(self, places: Any, given: Mapping[Any, Any]) -> dict[Any, Floats]:
        """{sum: [frames, n]}, what each particle sees at places [frames, n, dim]."""
        self._check_still()
        particles = self.dynamics.particles
        where = read_places(particles, {particles: places})
        kinds = read_species(particles, self.species, where.shape[1])
        attributes, rest = read_attributes(self.dynamics, given, kinds, len(kinds))
        known = {s: float(numbers("value of", s, rest[s])) for s in self.dynamics.parameters if s in rest}
        parts = [each.weight for each in self.dynamics.environments]
        parts += [coefficient for each in self.dynamics.invariants for coefficient, _ in each.terms]
        if missing := sorted({str(s) for part in parts for s in part.free_symbols & set(self.parameters) - set(known)}):
            raise InputError(f"value missing for {missing[0]}, which stands inside a sum; add {{{missing[0]}: value}}")
        frames = Frames(where, kinds, attributes, self._boxes(len(where)))
        return surroundings_in(self.dynamics, self.kernels, frames, known, self.cutoffs)

    def _boxes(self, frames: int) -> list[Box | None]:
        boxes = read_boxes(self.box, self.dynamics.particles.dim, frames)
        for box in {id(box): box for box in boxes}.values():
            self._check_reach(box)
        return boxes

    def _runs(self, data: Trajectories, unknowns: Unknowns, given: Mapping[Any, Any], options: LossOptions) -> Data:
        particles = self.dynamics.particles
        seen = [data.observed[label] for label in self.labels if label in data.observed]
        if not seen:
            raise InputError(f"the trajectories hold neither {self.labels[0]} nor {self.labels[1]}; nothing to compare")
        if not followed(self.dynamics):
            raise UnsupportedError(
                f"sums over what particles {particles} see of each other are not fitted to trajectories; give "
                "accelerations"
            )
        if self.dynamics.held and (self.dynamics.friction is not None or self.dynamics.turning):
            raise UnsupportedError(
                f"the constraint {self.dynamics.held[0].written} = 0 stands beside friction or a field that turns "
                "velocities, and fits of runs follow one of the two; leave the other out"
            )
        kinds = read_species(particles, self.species, seen[0].shape[2])
        box = read_box(self.box, particles.dim)
        self._check_reach(box)
        return bodies_objective(
            self.dynamics,
            self.kernels,
            data,
            unknowns,
            given,
            kinds,
            box,
            self.cutoffs,
            options["method"],
            options["dt"],
            options["guess"] or {},
        )

    def _frames(
        self, data: Mapping[Any, Any], unknowns: Unknowns, given: Mapping[Any, Any], weights: Mapping[Any, Any] | None
    ) -> Data:
        self._check_still()
        if self.dynamics.held:
            raise UnsupportedError(
                f"the constraint {self.dynamics.held[0].written} = 0 takes part in accelerations, which are not fitted "
                "then; fit runs in time, Trajectories(times, ...)"
            )
        particles = self.dynamics.particles
        places = read_places(particles, data)
        kinds = read_species(particles, self.species, places.shape[1])
        boxes = self._boxes(len(places))
        return frames_objective(self.dynamics, self.kernels, data, unknowns, given, kinds, boxes, self.cutoffs, weights)

    def _check_still(self) -> None:
        if self.dynamics.timed:
            raise UnsupportedError(
                f"forces on {self.dynamics.particles} depend on the time, and frames are not known to have one; fit "
                "runs in time, Trajectories(times, ...)"
            )

    def _check_reach(self, box: Box | None) -> None:
        reach = self.cutoffs.get("cutoff", 0.0)
        if box is not None and reach > box.widths.min() / 2:
            raise UnsupportedError(
                f"the cutoff {reach:g} is longer than half of the box, {box.widths.min() / 2:g}, and fits look at the "
                "nearest images; take a shorter one"
            )
