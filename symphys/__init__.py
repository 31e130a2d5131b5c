"""symphys, a physics compiler: write a Lagrangian, read its equations, run it fast."""

from codegen import check_cuda, cuda_available
from symphys import models
from symphys.errors import (
    BackendUnavailableError,
    CompilerBug,
    DegenerateLagrangianError,
    InputError,
    LegendreTransformError,
    MethodError,
    NotASymmetryError,
    SymphysError,
    UnsupportedError,
)
from symphys.language import canonical, coordinates, ddot, dot, input_signal, parameters, symbol, t
from symphys.mechanics.canonical import CanonicalTransformation
from symphys.mechanics.symmetries import Symmetry
from symphys.simulate.events import Event
from symphys.simulate.result import Result
from symphys.simulate.simulator import Simulator
from symphys.systems import Hamiltonian, Lagrangian, VectorField

__all__ = [
    "BackendUnavailableError",
    "CanonicalTransformation",
    "CompilerBug",
    "DegenerateLagrangianError",
    "Event",
    "Hamiltonian",
    "InputError",
    "Lagrangian",
    "LegendreTransformError",
    "MethodError",
    "NotASymmetryError",
    "Result",
    "Simulator",
    "Symmetry",
    "SymphysError",
    "UnsupportedError",
    "VectorField",
    "canonical",
    "check_cuda",
    "coordinates",
    "cuda_available",
    "ddot",
    "dot",
    "input_signal",
    "models",
    "parameters",
    "symbol",
    "t",
]
