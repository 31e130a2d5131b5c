"""Ready-made field theories, one a file, each with an exact solution or something that must be kept.

A new model is one file that exports `MODEL`, and its line in `_FILES` below; command line and tests pick it up.
"""

from collections.abc import Mapping
from types import MappingProxyType

from symphys.models.fields import (
    beam,
    complex_klein_gordon,
    gross_pitaevskii,
    hartree,
    klein_gordon,
    korteweg_de_vries,
    maxwell,
    phi4,
    scalar_electrodynamics,
    schroedinger,
    sigma_model,
    sine_gordon,
    two_condensates,
    wave,
)
from symphys.models.fields.field_model import FieldModel, FieldSetting

__all__ = ["FIELD_MODELS", "FieldModel", "FieldSetting"]

_FILES = (
    wave,
    klein_gordon,
    phi4,
    sine_gordon,
    korteweg_de_vries,
    beam,
    schroedinger,
    gross_pitaevskii,
    two_condensates,
    hartree,
    complex_klein_gordon,
    maxwell,
    scalar_electrodynamics,
    sigma_model,
)
FIELD_MODELS: Mapping[str, FieldModel] = MappingProxyType({file.MODEL.name: file.MODEL for file in _FILES})
