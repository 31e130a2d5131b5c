"""What is told of particles beside their energies: in what they live, and where their forces end."""

from typing import Annotated, Any, TypedDict

from symphys.discretise.ewald import Ewald
from symphys.simulate.keywords import SpeciesOptions
from symphys.statistics import Thermostat


class SceneOptions(TypedDict, total=False):
    """In what particles live, and where their forces end; `ParticleLagrangian.compile` says what each means."""

    box: Annotated[Any, None]
    cutoff: Annotated[float | None, None]
    smoothing: Annotated[str | None, None]


class PrecisionOptions(TypedDict, total=False):
    """In what precision kernels compute."""

    dtype: Annotated[str, "float64"]


class KernelOptions(PrecisionOptions, total=False):
    """On what, and in what precision kernels run."""

    backend: Annotated[str, "cpu"]


class CompileOptions(SceneOptions, KernelOptions, total=False):
    """What compiling particles may be told."""

    long_range: Annotated[Ewald | str | None, None]
    thermostat: Annotated[Thermostat | None, None]


class FrameOptions(SpeciesOptions, SceneOptions, total=False):
    """What looks at given places of particles may be told."""
