from symphys.mechanics.particles.derive import ParticleDynamics, derive_particles, equation_of
from symphys.mechanics.particles.laws import conserved_of, energy_expression
from symphys.mechanics.particles.read import ParticleAction, holds_particles, read_particles

__all__ = [
    "ParticleAction",
    "ParticleDynamics",
    "conserved_of",
    "derive_particles",
    "energy_expression",
    "equation_of",
    "holds_particles",
    "read_particles",
]
