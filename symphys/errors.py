"""Every exception that a user of symphys can see.

Each is a `SymphysError` and, besides, the built-in exception that a Python user would expect to catch.
"""

from codegen.errors import (
    BackendUnavailableError,
    CompilerBug,
    InputError,
    SymphysError,
    UnsupportedError,
)

__all__ = [
    "BackendUnavailableError",
    "CompilerBug",
    "DegenerateLagrangianError",
    "InputError",
    "LegendreTransformError",
    "MethodError",
    "NotASymmetryError",
    "SymphysError",
    "UnsupportedError",
]


class DegenerateLagrangianError(InputError):
    """The Lagrangian does not fix the dynamics; the message names the null direction by its coordinates."""


class LegendreTransformError(InputError):
    """Momenta cannot be solved for the velocities (or velocities for the momenta) on one real branch."""


class NotASymmetryError(InputError):
    """A transformation that was claimed to be a symmetry is none; the message shows what is left over."""


class MethodError(InputError):
    """An integration method is unknown, or does not suit the structure of the system; the message lists the choices."""
