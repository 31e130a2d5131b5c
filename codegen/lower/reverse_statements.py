"""Reverse differentiation of functions with statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from codegen.bars import Bar
from codegen.errors import CompilerBug
from codegen.ir import Kind, Node
from codegen.program import Function

from .jets import gather_jets
from .pull_cotangents import with_cotangents

NO_BARS: Mapping[str, Bar] = MappingProxyType({})


def vjp_function(
    function: Function,
    wrt: Sequence[Node] | None = None,
    with_results: bool = True,
    bars: Mapping[str, Bar] = NO_BARS,
) -> Function:
    """The function together with its pulled-back cotangents for the parameters `wrt` (all real ones).

    Parameters: those of the function, then a cotangent for each of its real results. Results: those of the function
    (unless `with_results` is false), then a cotangent for each parameter of `wrt`. `bars` say where the cotangents of
    arrays of the kernel go, by the names of the arrays: they are added there. Raises CompilerBug for While and for
    loops whose length is no constant (how much to keep would be unknown), and for memory that is not the function's.
    """
    sources = [p for p in function.parameters if p.kind is Kind.REAL] if wrt is None else list(wrt)
    if any(x not in function.parameters or x.kind is not Kind.REAL for x in sources):
        raise CompilerBug(f"{function.name} is differentiated by {sources}, which are not all real parameters of it")
    return with_cotangents(gather_jets(function), sources, with_results, bars)
