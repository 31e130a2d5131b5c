"""Ready-made systems of particles, one a file.

A new model is one file that exports `MODEL`, and its line in `_FILES` below.
"""

from collections.abc import Mapping
from types import MappingProxyType

from symphys.models.particles import lennard_jones, star_cluster
from symphys.models.particles.particle_model import ParticleModel, ParticleSetting

__all__ = ["PARTICLE_MODELS", "ParticleModel", "ParticleSetting"]

_FILES = (lennard_jones, star_cluster)
PARTICLE_MODELS: Mapping[str, ParticleModel] = MappingProxyType({file.MODEL.name: file.MODEL for file in _FILES})
