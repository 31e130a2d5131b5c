"""Agents: particles each of which descends a loss of its own, its neighbours held."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy

from symphys.errors import InputError, UnsupportedError
from symphys.language.particle_sums import LABELS, SumOver
from symphys.language.particle_symbols import attribute
from symphys.language.particles import Particles
from symphys.language.symbols import t
from symphys.mechanics.notation import latex_lines, text_lines
from symphys.mechanics.particles import ParticleAction, equation_of
from symphys.mechanics.read import scalar
from symphys.systems.particle_running import ParticleRunnable


@dataclass(frozen=True, init=False, repr=False)
class LearningDynamics(ParticleRunnable):
    """m_i r''_i = -d loss_i / d r_i - m_i r'_i / tau, the others held: forces that need not be reciprocal.

    particles: the agents. losses: {species: loss} in invariants of the surroundings of an agent of that species,
    `particles.environment(species, ...)`, or one loss for all. Without reciprocity neither energy nor momentum is kept.
    memory: tau, the time within which an agent forgets the slopes that it followed, an expression of parameters and
    attributes; None for the Newtonian limit of infinite tau.
    Raises `InputError` for species that the particles do not have or that have no loss. Gusev, Vanchurin, "Molecular
    Learning Dynamics", section 3.
    """

    particles: Particles
    losses: Mapping[str | None, Any]
    action: ParticleAction

    def __init__(self, particles: Particles, losses: Any, *, memory: Any = None) -> None:
        given = dict(losses) if isinstance(losses, Mapping) else {None: losses}
        known: tuple[str | None, ...] = particles.species or (None,)
        if strange := [name for name in given if name not in known]:
            raise InputError(f"{particles} have no species {strange[0]!r}; they have {', '.join(map(str, known))}")
        if None not in given and (missing := [name for name in known if name not in given]):
            raise InputError(f"the species {missing[0]!r} of {particles} has no loss; give one for each")
        sums = [SumOver(particles, "sum", (name,))(sympy.sympify(loss)) for name, loss in given.items()]
        potentials = tuple(each for each in sums if each != 0)
        if not potentials:
            raise InputError(f"all losses of {particles} vanish; nothing moves")
        object.__setattr__(self, "particles", particles)
        object.__setattr__(self, "losses", given)
        mass = attribute("mass", LABELS[0])
        friction = None if memory is None else 1 / scalar(memory, "memory")
        if friction is not None and friction.has(t):
            raise UnsupportedError(f"the memory {memory} depends on the time; write it in parameters and attributes")
        total = sympy.Add(*potentials)
        object.__setattr__(self, "action", ParticleAction(particles, total, mass, potentials, False, friction))

    @property
    def parameters(self) -> tuple[Any, ...]:
        """Every symbol that belongs to no particle, sorted by name."""
        return self.action.parameters

    @cached_property
    def equations(self) -> tuple[Any, ...]:
        """(m_i r''_i = F_i,), one vector equation for all agents."""
        return (equation_of(self.action),)

    def __str__(self) -> str:
        return f"Agents {self.particles}\n{text_lines(self.equations)}"

    def __repr__(self) -> str:
        return f"LearningDynamics({self.particles}, {', '.join(str(name) for name in self.losses)})"

    def _repr_latex_(self) -> str:
        return latex_lines(self.equations)
