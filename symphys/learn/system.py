"""What a fit needs to know of a system: what is unknown in it, and how data become a loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.language import t
from symphys.language.networks import NetworkSymbol
from symphys.learn.frames_objective import FramesObjective
from symphys.learn.observations import RunsObjective
from symphys.learn.options import LossOptions
from symphys.learn.pair_frames import PairFramesObjective
from symphys.learn.read_trajectories import method_for, trajectory_objective
from symphys.learn.samples import SampleObjective, sample_objective
from symphys.learn.trajectories import Trajectories
from symphys.learn.unknowns import Unknowns
from symphys.simulate.compiled import Kernels, Lowered
from symphys.simulate.naming import plain_name
from symphys.simulate.signals import signal_functions

Floats = NDArray[np.float64]
Data = SampleObjective | RunsObjective | FramesObjective | PairFramesObjective


class System(ABC):
    """A system that can be fitted, and its kernels."""

    kernels: Kernels

    @property
    @abstractmethod
    def parameters(self) -> tuple[Any, ...]:
        """The symbols that may be unknown."""

    @property
    @abstractmethod
    def networks(self) -> tuple[NetworkSymbol, ...]:
        """The networks whose weights may be unknown."""

    @property
    @abstractmethod
    def labels(self) -> tuple[Any, ...]:
        """What the state is made of, as users name it."""

    @property
    def inputs(self) -> frozenset[Any]:
        """What else is given among parameters: signals, attributes of particles."""
        return frozenset()

    @property
    def dtype(self) -> str:
        """The precision of kernels."""
        return self.kernels.dtype

    @abstractmethod
    def objective(
        self, data: Any, unknowns: Unknowns, given: Mapping[Any, Any], options: LossOptions, plain: bool
    ) -> Data:
        """The loss of some data; `plain`: the default one, without weights."""

    @abstractmethod
    def starts(self, objective: RunsObjective, initial: Floats) -> dict[Any, Floats]:
        """By label, those of the initial states [n, runs] that were unknown."""

    def elsewhere(self, species: Any, box: Any) -> System:
        """The same system with other particles, or in another box; InputError where it has neither."""
        for name, value in (("species", species), ("box", box)):
            if value is not None:
                raise InputError(f"{name} is given, but this is no system of particles; leave it out")
        return self


@dataclass(frozen=True)
class CoordinateSystem(System):
    """A system of coordinates, and its kernels."""

    lowered: Lowered
    kernels: Kernels

    @property
    def parameters(self) -> tuple[Any, ...]:
        """See `System`."""
        return self.lowered.dynamics.parameters

    @property
    def networks(self) -> tuple[NetworkSymbol, ...]:
        """See `System`."""
        return self.lowered.dynamics.networks

    @property
    def labels(self) -> tuple[Any, ...]:
        """See `System`."""
        return self.lowered.dynamics.labels

    @property
    def inputs(self) -> frozenset[Any]:
        """See `System`."""
        return frozenset(signal_functions(self.lowered.dynamics))

    def objective(
        self, data: Any, unknowns: Unknowns, given: Mapping[Any, Any], options: LossOptions, plain: bool
    ) -> Data:
        """See `System`."""
        loss = None if plain else options["loss"]
        dynamics = self.lowered.dynamics
        rates = (sympy.Derivative(label, t) for label in dynamics.labels)
        known = (*rates, *dynamics.labels, *(user for _, user in dynamics.signals), t)
        if isinstance(data, Trajectories):
            refuse_weights(options, plain)
            method = method_for(self.lowered, options["method"])
            data = _named_by_symbol(data, known)
            return trajectory_objective(
                self.lowered, self.kernels, data, unknowns, given, method, options["dt"], loss, options["guess"] or {}
            )
        weights = None if plain or options["weights"] is None else by_symbol(options["weights"], known)
        samples = by_symbol(samples_in(data), known)
        return sample_objective(dynamics, self.kernels, samples, unknowns, given, loss, weights)

    def starts(self, objective: RunsObjective, initial: Floats) -> dict[Any, Floats]:
        """See `System`."""
        return {self.labels[i]: initial[i] for i in objective.free}


def refuse_weights(options: LossOptions, plain: bool) -> None:
    """InputError for weights of samples where trajectories are fitted."""
    if options["weights"] is not None and not plain:
        raise InputError("weights belong to the trajectories: Trajectories(..., weights={...})")


def by_symbol(given: Mapping[Any, Any], symbols: Iterable[Any]) -> dict[Any, Any]:
    """Values by symbol where they were given by name, as "k", "q" or "q_dot"; other keys as they are."""
    named = {plain_name(s): s for s in symbols} if any(isinstance(key, str) for key in given) else {}
    return {named.get(key, key) if isinstance(key, str) else key: value for key, value in given.items()}


def _named_by_symbol(data: Trajectories, known: Sequence[Any]) -> Trajectories:
    """Trajectories with symbols for keys that are names."""
    listed = () if isinstance(data.unknown_start, bool) else data.unknown_start
    if not any(isinstance(key, str) for key in (*data.observed, *data.start, *data.weights, *listed)):
        return data
    return Trajectories(
        data.times,
        by_symbol(data.observed, known),
        start=by_symbol(data.start, known),
        weights=by_symbol(data.weights, known),
        unknown_start=tuple(by_symbol(dict.fromkeys(listed), known)) or data.unknown_start,
    )


def samples_in(data: Any) -> Mapping[Any, Any]:
    """Data that are no trajectories, a table with columns, too; InputError where they are no samples either."""
    if not isinstance(data, Mapping) and hasattr(data, "columns") and hasattr(data, "items"):
        return dict(data.items())
    if not isinstance(data, Mapping):
        raise InputError(
            f"the data are of type {type(data).__name__}; give {{symbol: values}} or symphys.Trajectories(...)"
        )
    return data


def free_labels(system: System, objective: RunsObjective) -> Iterable[Any]:
    """The labels whose start is unknown."""
    return system.starts(objective, objective.initial)
