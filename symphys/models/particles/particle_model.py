"""What a ready-made system of particles is: the physics, a box and numbers to start from, and what is known of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from symphys.systems import ParticleLagrangian


@dataclass(frozen=True)
class ParticleSetting:
    """A Lagrangian of particles with numbers for it.

    parameters: {symbol or attribute: values}, in the units that the docstring names. initial: {label: [n, dim]}.
    options: what `compile` is given, such as the box and the cutoff.
    """

    system: ParticleLagrangian
    parameters: Mapping[Any, Any]
    initial: Mapping[Any, Any]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ParticleModel:
    """A ready-made system of particles, derived when it is first asked for.

    name: how the registry calls it. title: the physics in one line. source: where it is written about. build: makes the
    Lagrangian and its numbers. t_span, dt: a run that shows the motion, and a fixed step that resolves it.
    """

    name: str
    title: str
    source: str
    build: Callable[[], ParticleSetting]
    t_span: tuple[float, float]
    dt: float

    @cached_property
    def setting(self) -> ParticleSetting:
        """The system with its numbers, built once."""
        return self.build()

    @property
    def system(self) -> ParticleLagrangian:
        """The Lagrangian."""
        return self.setting.system
