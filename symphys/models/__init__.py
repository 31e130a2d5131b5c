"""Ready-made systems, one a file, each with what is known about its motion.

A new model is one file that exports `MODEL`, and its line in `_FILES` below; command line and tests pick it up.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from symphys.errors import InputError
from symphys.models import (
    charged_particle,
    double_pendulum,
    foucault,
    guiding_centre,
    heavy_top,
    henon_heiles,
    kepler,
    n_fold_pendulum,
    outer_solar_system,
    pendulum,
    rotating_hoop,
    spherical_pendulum,
    spring_chain,
    toda,
)
from symphys.models.fields import FIELD_MODELS, FieldModel, FieldSetting
from symphys.models.model import Model, Setting, System
from symphys.models.particles import PARTICLE_MODELS, ParticleModel, ParticleSetting

__all__ = [
    "FIELD_MODELS",
    "MODELS",
    "PARTICLE_MODELS",
    "FieldModel",
    "FieldSetting",
    "Model",
    "ParticleModel",
    "ParticleSetting",
    "Setting",
    "System",
    "field",
    "field_names",
    "get",
    "names",
    "particles",
]

_FILES = (
    pendulum,
    double_pendulum,
    n_fold_pendulum,
    spherical_pendulum,
    foucault,
    kepler,
    outer_solar_system,
    henon_heiles,
    rotating_hoop,
    heavy_top,
    charged_particle,
    guiding_centre,
    toda,
    spring_chain,
)
MODELS: Mapping[str, Model] = MappingProxyType({file.MODEL.name: file.MODEL for file in _FILES})


def names() -> tuple[str, ...]:
    """The names of all models of finitely many coordinates, in the order in which they are best read."""
    return tuple(MODELS)


def field_names() -> tuple[str, ...]:
    """The names of all field theories, in the order in which they are best read."""
    return tuple(FIELD_MODELS)


def get(name: str) -> Model:
    """The model of a name.  Raises `InputError`, with the names that come close, for one that is unknown."""
    return _look_up(name, MODELS, "model")


def field(name: str) -> FieldModel:
    """The field theory of a name.  Raises `InputError`, with the names that come close, for one that is unknown."""
    return _look_up(name, FIELD_MODELS, "field theory")


def particles(name: str) -> ParticleModel:
    """The system of particles of a name.  Raises `InputError`, with the names that come close, for an unknown one."""
    return _look_up(name, PARTICLE_MODELS, "system of particles")


def _look_up(name: str, known: Mapping[str, Any], what: str) -> Any:
    if name in known:
        return known[name]
    everything = (*MODELS, *FIELD_MODELS, *PARTICLE_MODELS)
    close = get_close_matches(str(name), everything, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else f"the models are {', '.join(everything)}."
    raise InputError(f"There is no {what} {name!r}; {hint}")
