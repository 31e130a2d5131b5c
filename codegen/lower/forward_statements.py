"""Forward differentiation of functions with statements."""

from __future__ import annotations

from collections.abc import Sequence

from codegen.errors import CompilerBug
from codegen.ir import Kind, Node
from codegen.program import Array, Function

from .jets import gather_jets
from .push_tangents import with_tangents


def jvp_function(
    function: Function, wrt: Sequence[Node] | None = None, directions: int = 1, arrays: Sequence[Array] = ()
) -> Function:
    """The function together with its derivatives along `directions` tangents of the parameters `wrt` (all real ones).

    Parameters: those of the function, then for each direction a tangent for each parameter of `wrt`. Results: those of
    the function, then for each direction the tangents of its real results. Loops and conditions follow the values, so
    the derivative is that of the path taken. `arrays` are the tangents of arrays of the kernel, called <name>_dot, in
    one direction alone; they are read where the arrays are, and may be instanced where each instance has a direction
    of its own. Raises CompilerBug for a function that touches other memory that is not its own.
    """
    sources = [p for p in function.parameters if p.kind is Kind.REAL] if wrt is None else list(wrt)
    if any(x not in function.parameters or x.kind is not Kind.REAL for x in sources):
        raise CompilerBug(f"{function.name} is differentiated by {sources}, which are not all real parameters of it")
    if arrays and directions > 1:
        raise CompilerBug(f"{function.name}: tangents of arrays are of one direction, not {directions}")
    return with_tangents(gather_jets(function), sources, directions, arrays)
