"""Lagrangians of particles as users hold them; each property delegates to the derivation below."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from symphys.mechanics.dynamics import ConservedQuantity
from symphys.mechanics.notation import latex_lines, text, text_lines
from symphys.mechanics.particles import (
    ParticleAction,
    conserved_of,
    energy_expression,
    equation_of,
    read_particles,
)
from symphys.systems.particle_running import ParticleRunnable


@dataclass(frozen=True, init=False, repr=False)
class ParticleLagrangian(ParticleRunnable):
    """L = sum_i m_i |r'_i|^2 / 2 - potentials of particles, pairs and surroundings, for any number of particles.

    m_i r''_i = -dU/dr_i - c_i r'_i + r'_i x b_i + sum_a lambda_a df_a/dr_i,
    f_a = 0 for every term a of a constraint.

    constraints: sums along lists, each of whose terms is held at 0: `atoms.pairs(lambda a, b: a.distance(b) - length,
    along=bonds)`, angles by `triples`, handedness by `quadruples`; or equations.

    dissipation: a Rayleigh function sum_i c_i |r'_i|^2 / 2, half the power lost. Terms A(r) . r' of L turn
    velocities, as a magnetic field b = curl A does.

    `Lagrangian` makes it where the expression is made of sums over particles. Raises `InputError` and
    `UnsupportedError` for what is no such sum; see `symphys.mechanics.particles.read`. Goldstein, "Classical
    Mechanics", 3rd ed., sections 1.2 and 2.4.
    """

    expression: Any
    action: ParticleAction

    def __init__(self, expression: Any, *, constraints: Iterable[Any] = (), dissipation: Any = 0) -> None:
        action = read_particles(expression, constraints, dissipation)
        object.__setattr__(self, "action", action)
        object.__setattr__(self, "expression", action.expression)

    @property
    def particles(self) -> Any:
        """The particles."""
        return self.action.particles

    @property
    def parameters(self) -> tuple[Any, ...]:
        """Every symbol that belongs to no particle, sorted by name."""
        return self.action.parameters

    @property
    def networks(self) -> tuple[Any, ...]:
        """The networks among the terms."""
        return self.action.networks

    @property
    def constraints(self) -> tuple[Any, ...]:
        """The sums along lists, each of whose terms vanishes."""
        return self.action.constraints

    @cached_property
    def equations(self) -> tuple[Any, ...]:
        """(m_i r''_i = F_i,), one vector equation for all particles, with multipliers of what is held."""
        return (equation_of(self.action),)

    @cached_property
    def energy(self) -> Any:
        """sum_i m_i |r'_i|^2 / 2 + potentials."""
        return energy_expression(self.action)

    @cached_property
    def conserved(self) -> tuple[ConservedQuantity, ...]:
        """Energy, momentum and angular momentum, as far as the potentials leave them constant."""
        return conserved_of(self.action, self.dynamics)

    def __str__(self) -> str:
        return f"Lagrangian of particles {self.particles}: L = {text(self.expression)}\n{text_lines(self.equations)}"

    def __repr__(self) -> str:
        return f"ParticleLagrangian({text(self.expression)})"

    def _repr_latex_(self) -> str:
        return latex_lines(self.equations)
