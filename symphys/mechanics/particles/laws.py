"""What particles conserve, read from the structure of their energies: time, translations, rotations."""

from __future__ import annotations

from typing import Any

import sympy

from symphys.language.particle_sums import LABELS, SumOver
from symphys.language.particle_symbols import rate_squared, vector
from symphys.mechanics.dynamics import ConservedQuantity
from symphys.mechanics.particles.derive import ParticleDynamics
from symphys.mechanics.particles.read import ParticleAction

I = LABELS[0]


def energy_expression(action: ParticleAction) -> Any:
    """sum_i m_i |r'_i|^2 / 2 + potentials."""
    return sympy.Add(*_energy_terms(action))


def _energy_terms(action: ParticleAction) -> tuple[Any, ...]:
    everyone = SumOver(action.particles, "sum", (None,))
    return everyone(action.mass * rate_squared(I) / 2), *action.potentials


def conserved_of(action: ParticleAction, dynamics: ParticleDynamics) -> tuple[ConservedQuantity, ...]:
    """Energy, momentum and angular momentum (about the origin), as far as the energies leave them constant.

    Vectors are one law each, written with vector symbols. In a periodic box the angular momentum is none.
    """
    everyone = SumOver(action.particles, "sum", (None,))
    energy = energy_expression(action)
    found = [ConservedQuantity("energy", energy, energy, _energy_terms(action))] if dynamics.closed else []
    if dynamics.translations:
        found.append(_law("momentum", everyone(action.mass * vector("rate", I))))
    if dynamics.rotations and action.particles.dim > 1:
        found.append(_law("angular momentum", everyone(action.mass * vector("areal", I))))
    return tuple(found)


def _law(name: str, expression: Any) -> ConservedQuantity:
    return ConservedQuantity(name, expression, expression, (expression,))
