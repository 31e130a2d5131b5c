"""The compiler: expressions and structured kernels, their derivatives, their machine code. It knows no physics."""

from .backends import Backend, CompiledKernel, CompiledProgram, Copier, HostMemory, Memory, all_finite, get_backend
from .backends.cuda import cuda_available
from .backends.cuda_source import cuda_source
from .backends.nvrtc import check_cuda
from .bars import Bar
from .builder import Builder, Names
from .cache import KernelCache, default_directory
from .collector import collection_paused
from .compile import compile_kernel, compile_program
from .emit.cuda import emit_cuda
from .emit.llvm import emit_llvm
from .emit.python import emit_python
from .errors import (
    BackendUnavailableError,
    CompilerBug,
    InputError,
    SymphysError,
    UnsupportedError,
)
from .interpret_program import program_halo
from .ir import JET, Kind, Node, add_many, as_node, boolean, constant_value, integer, real, variable, walk
from .lower.autodiff import gradient, jacobian, jvp, vjp
from .lower.forward_statements import jvp_function
from .lower.from_sympy import lower_expressions
from .lower.horizons import moving_exponents
from .lower.identifiers import identifier
from .lower.jets import gather_jets
from .lower.linear_solve import solve
from .lower.reverse_statements import vjp_function
from .lower.taylor import taylor_coefficients
from .networks import ACTIVATIONS, Dense, DenseJet
from .optimise.pipeline import optimise_kernel
from .optimise.roots import lift_roots
from .primitives import apply
from .program import (
    EVERYWHERE,
    Array,
    Function,
    Intent,
    Kernel,
    Launch,
    Let,
    Load,
    Program,
    Repeat,
    Scalar,
    Transform,
    kernels_of,
    statements,
)
from .rewrite import rebuild
from .rings import Rings
from .schedule import lanes_for

__all__ = [
    "ACTIVATIONS",
    "EVERYWHERE",
    "JET",
    "Array",
    "Backend",
    "BackendUnavailableError",
    "Bar",
    "Builder",
    "CompiledKernel",
    "CompiledProgram",
    "CompilerBug",
    "Copier",
    "Dense",
    "DenseJet",
    "Function",
    "HostMemory",
    "InputError",
    "Intent",
    "Kernel",
    "KernelCache",
    "Kind",
    "Launch",
    "Let",
    "Load",
    "Memory",
    "Names",
    "Node",
    "Program",
    "Repeat",
    "Rings",
    "Scalar",
    "SymphysError",
    "Transform",
    "UnsupportedError",
    "add_many",
    "all_finite",
    "apply",
    "as_node",
    "boolean",
    "check_cuda",
    "collection_paused",
    "compile_kernel",
    "compile_program",
    "constant_value",
    "cuda_available",
    "cuda_source",
    "default_directory",
    "emit_cuda",
    "emit_llvm",
    "emit_python",
    "gather_jets",
    "get_backend",
    "gradient",
    "identifier",
    "integer",
    "jacobian",
    "jvp",
    "jvp_function",
    "kernels_of",
    "lanes_for",
    "lift_roots",
    "lower_expressions",
    "moving_exponents",
    "optimise_kernel",
    "program_halo",
    "real",
    "rebuild",
    "solve",
    "statements",
    "taylor_coefficients",
    "variable",
    "vjp",
    "vjp_function",
    "walk",
]
