"""Lagrangians of particles as users hold them; each property delegates to the derivation below."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from symphys.mechanics.dynamics import ConservedQuantity
from symphys.mechanics.particles import (
    ParticleAction,
    ParticleDynamics,
    conserved_of,
    derive_particles,
    energy_expression,
    equation_of,
    read_particles,
)
from symphys.simulate.particles.emit import force_source
from symphys.simulate.particles.simulator import ParticleSimulator, build_particle_simulator
from symphys.statistics import Thermostat
from symphys.systems.notation import latex_lines, text, text_lines


@dataclass(frozen=True, init=False, repr=False)
class ParticleLagrangian:
    """L = sum_i m_i |r'_i|^2 / 2 - potentials of particles, pairs and surroundings, for any number of particles.

    `Lagrangian` makes it where the expression is made of sums over particles. Raises `InputError` and
    `UnsupportedError` for what is no such sum; see `symphys.mechanics.particles.read`. Goldstein, "Classical
    Mechanics", 3rd ed., section 1.2.
    """

    expression: Any
    action: ParticleAction

    def __init__(self, expression: Any) -> None:
        action = read_particles(expression)
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

    @cached_property
    def equations(self) -> tuple[Any, ...]:
        """(m_i r''_i = F_i,), one vector equation for all particles."""
        return (equation_of(self.action),)

    @cached_property
    def energy(self) -> Any:
        """sum_i m_i |r'_i|^2 / 2 + potentials."""
        return energy_expression(self.action)

    @cached_property
    def conserved(self) -> tuple[ConservedQuantity, ...]:
        """Energy, momentum and angular momentum, as far as the potentials leave them constant."""
        return conserved_of(self.action, self.dynamics)

    @cached_property
    def dynamics(self) -> ParticleDynamics:
        """The forces, as lowering takes them."""
        return derive_particles(self.action)

    def compile(
        self,
        method: str = "auto",
        *,
        box: Any = None,
        cutoff: float | None = None,
        smoothing: str | None = None,
        thermostat: Thermostat | None = None,
        backend: str = "cpu",
        dtype: str = "float64",
    ) -> ParticleSimulator:
        """A simulator of these particles.

        method: "auto", or the name of a splitting. box: [dim] lengths or [dim, dim] edges (rows) of a periodic box.
        cutoff: the distance beyond which pairs and surroundings are left out. smoothing: how potentials end there:
        "shift", "shift force" (no jump of the force) or "switch" (two continuous derivatives, from 0.8 of the cutoff).
        thermostat: `NoseHoover`, `Langevin` or `Berendsen`, with k_B T as an energy.
        backend: "cpu", "cuda", "reference" (NumPy), or "cuda-shim". dtype: "float64" or "float32".
        """

        def derive(how: str | None) -> ParticleDynamics:
            return derive_particles(self.action, how)

        return build_particle_simulator(derive, method, box, cutoff, smoothing, thermostat, backend, dtype)

    def emit(
        self,
        backend: str = "cpu",
        *,
        box: Any = None,
        cutoff: float | None = None,
        smoothing: str | None = None,
        dtype: str = "float64",
    ) -> str:
        """The source of the kernel that evaluates forces and kicks: "cpu" as readable Python, "llvm", or "cuda"."""
        return force_source(derive_particles(self.action, smoothing), backend, dtype, box, cutoff is not None)

    def __str__(self) -> str:
        return f"Lagrangian of particles {self.particles}: L = {text(self.expression)}\n{text_lines(self.equations)}"

    def __repr__(self) -> str:
        return f"ParticleLagrangian({text(self.expression)})"

    def _repr_latex_(self) -> str:
        return latex_lines(self.equations)
