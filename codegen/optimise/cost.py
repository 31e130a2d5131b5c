"""What operations cost, in units of an addition: enough to tell a leaf from work and a quotient from a product."""

from __future__ import annotations

from codegen.ir import Node, constant_value, walk
from codegen.primitives import PRIMITIVES
from codegen.program import Accumulate, Block, Call, For, If, Load, Outer, Product, Store, While, nodes_of

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


def work(block: Block, known: frozenset[bytes] = frozenset()) -> int | None:
    """The cost of the statements of a block for one instance, branches taken; None where a loop's length is not known.

    known: nodes that were computed before, and are not once more.
    """
    seen, total = set(known), 0
    for statement in block:
        total += sum(cost(n) for n in walk(nodes_of(statement), seen))
        match statement:
            case Load() | Store() | Accumulate():
                total += 1
            case Outer():
                total += 2 * statement.rows * statement.columns * len(statement.left)
            case Product():
                total += 2 * statement.rows * statement.columns * len(statement.given)
            case For(_, start, stop, body):
                first, last, inner = constant_value(start), constant_value(stop), work(body, frozenset(seen))
                if first is None or last is None or inner is None:
                    return None
                total += max(0, int(last) - int(first)) * inner
            case If(_, body):
                if (inner := work(body, frozenset(seen))) is None:
                    return None
                total += inner
            case Call(_, function, _):
                if (inner := work(function.body)) is None:
                    return None
                total += inner + sum(cost(n) for n in walk(function.results))
            case While():
                return None
    return total
