"""What an operation costs, in units of an addition: enough to tell a leaf from work and a quotient from a product."""

from __future__ import annotations

from codegen.ir import Node
from codegen.primitives import PRIMITIVES

FREE = ("constant", "variable", "neg", "not")  # a sign is absorbed by what uses it


def cost(n: Node) -> int:
    """The cost of one node without its arguments: 0 for leaves and signs, 1 for arithmetic, more for what takes a
    function."""
    if n.op in FREE:
        return 0
    spelling = PRIMITIVES[n.op].llvm
    if spelling.startswith(("math.", "libm.")):
        return 20
    return {"fdiv": 6, "llvm.sqrt": 8, "sdiv": 20, "srem": 20}.get(spelling, 1)
