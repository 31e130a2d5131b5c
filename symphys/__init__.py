"""symphys, a physics compiler: write a Lagrangian, read its equations, run it fast."""

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
from symphys.systems import Hamiltonian, Lagrangian, VectorField

__all__ = [
    "BackendUnavailableError",
    "CompilerBug",
    "DegenerateLagrangianError",
    "Hamiltonian",
    "InputError",
    "Lagrangian",
    "LegendreTransformError",
    "MethodError",
    "NotASymmetryError",
    "SymphysError",
    "UnsupportedError",
    "VectorField",
    "canonical",
    "coordinates",
    "ddot",
    "dot",
    "input_signal",
    "parameters",
    "symbol",
    "t",
]
