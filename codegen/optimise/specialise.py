"""Scalars whose values are known become constants.

Pays where a value decides the shape of the work (a number of neurons, an order, a coupling that is zero): loops get
constant bounds, products with zero and one vanish. Costs a kernel for every set of values, so that only what seldom
changes should be given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from codegen.errors import CompilerBug
from codegen.ir import Kind, Node, integer, real
from codegen.program import Array, Block, For, Function, If, Kernel, Statement, While, nodes_of

from .traverse import Substitution, with_nodes


def specialise(kernel: Kernel, values: Mapping[str, float | int]) -> Kernel:
    """The kernel with scalars replaced by numbers, in its body and in the sizes of its arrays.

    Raises CompilerBug for a name that is no scalar of the kernel.
    """
    known = {s.name: s for s in kernel.scalars}
    if unknown := set(values) - set(known):
        raise CompilerBug(f"kernel {kernel.name!r} has no scalars {', '.join(sorted(unknown))} to specialise")
    substitution = Substitution({known[name].node: _constant(known[name].kind, v) for name, v in values.items()})
    return replace(
        kernel,
        arrays=tuple(_resized(a, values) for a in kernel.arrays),
        scalars=tuple(s for s in kernel.scalars if s.name not in values),
        body=_substituted(kernel.body, substitution),
    )


def specialise_function(function: Function, values: Mapping[str, float | int]) -> Function:
    """The function with parameters replaced by numbers; those are no longer among its parameters.

    Raises CompilerBug for a name that is no parameter of the function.
    """
    known = {str(p.attribute): p for p in function.parameters}
    if unknown := set(values) - set(known):
        raise CompilerBug(f"function {function.name!r} has no parameters {', '.join(sorted(unknown))} to specialise")
    substitution = Substitution({known[name]: _constant(known[name].kind, v) for name, v in values.items()})
    return replace(
        function,
        parameters=tuple(p for p in function.parameters if p.attribute not in values),
        body=_substituted(function.body, substitution),
        results=substitution.all(function.results),
    )


def _constant(kind: Kind, value: float | int) -> Node:
    return real(float(value)) if kind is Kind.REAL else integer(int(value))


def _resized(array: Array, values: Mapping[str, float | int]) -> Array:
    return replace(array, shape=tuple(int(values[s]) if isinstance(s, str) and s in values else s for s in array.shape))


def _substituted(block: Block, substitution: Substitution) -> Block:
    out: list[Statement] = []
    for statement in block:
        changed = with_nodes(statement, substitution.all(nodes_of(statement)))
        if isinstance(changed, For | While | If):
            changed = replace(changed, body=_substituted(changed.body, substitution))
        out.append(changed)
    return tuple(out)
