"""The compiler: expressions and structured kernels, their derivatives, and machine code for them. It knows no physics."""

from .builder import Builder, Names
from .cache import KernelCache, default_directory
from .emit.python import emit_python
from .errors import (
    BackendUnavailableError,
    CompilerBug,
    InputError,
    SymphysError,
    UnsupportedError,
)
from .ir import Kind, Node, add_many, as_node, boolean, constant_value, integer, real, variable, walk
from .lower.autodiff import gradient, jacobian, jvp, vjp
from .lower.from_sympy import lower_expressions
from .lower.identifiers import identifier
from .primitives import apply
from .program import Array, Function, Intent, Kernel, Launch, Program, Repeat, Scalar, Transform
from .rewrite import rebuild

__all__ = [
    "Array",
    "BackendUnavailableError",
    "Builder",
    "CompilerBug",
    "Function",
    "InputError",
    "Intent",
    "Kernel",
    "KernelCache",
    "Kind",
    "Launch",
    "Names",
    "Node",
    "Program",
    "Repeat",
    "Scalar",
    "SymphysError",
    "Transform",
    "UnsupportedError",
    "add_many",
    "apply",
    "as_node",
    "boolean",
    "constant_value",
    "default_directory",
    "emit_python",
    "gradient",
    "identifier",
    "integer",
    "jacobian",
    "jvp",
    "lower_expressions",
    "real",
    "rebuild",
    "variable",
    "vjp",
    "walk",
]
