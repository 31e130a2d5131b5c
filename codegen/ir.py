"""Pure, typed, content-addressed nodes: the expressions of every kernel.

A node is an operation applied to nodes. Two nodes are equal when their keys are: the key is a digest of the operation,
its attribute and the keys of its arguments, so that a shared subexpression is one node wherever it was built
(hash-consing without a table that would outlive its users). Leaves are constants and variables; everything else is a
primitive (`codegen.primitives`). Building folds constants, zeros and ones, because differentiation makes many of them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Protocol

import numpy as np

from .errors import CompilerBug


class Kind(StrEnum):
    """What a node stands for; the width of REAL (f64 or f32) is chosen when a kernel is emitted."""

    REAL = "real"
    INT = "int"
    BOOL = "bool"


JET = "jet"  # the one operation that is no row of the table: a derivative of an opaque function


class Jet(Protocol):
    """A partial derivative of an opaque function of several reals: what a node of op `JET` holds as its attribute."""

    def encode(self) -> bytes:
        """A text that no other function and no other derivative has."""

    def raised(self, argument: int) -> Jet:
        """The derivative of this derivative by an argument."""


Attribute = float | int | str | bool | Jet | None


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operation: `op` on `args`, with a static attribute (a constant's value, a variable's name, an exponent)."""

    op: str
    args: tuple[Node, ...]
    kind: Kind
    attribute: Attribute
    key: bytes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __add__(self, other: Node | float) -> Node:
        return add(self, as_node(other)) if isinstance(other, _OPERANDS) else NotImplemented

    def __radd__(self, other: Node | float) -> Node:
        return add(as_node(other), self)

    def __sub__(self, other: Node | float) -> Node:
        return subtract(self, as_node(other)) if isinstance(other, _OPERANDS) else NotImplemented

    def __rsub__(self, other: Node | float) -> Node:
        return subtract(as_node(other), self)

    def __mul__(self, other: Node | float) -> Node:
        return multiply(self, as_node(other)) if isinstance(other, _OPERANDS) else NotImplemented

    def __rmul__(self, other: Node | float) -> Node:
        return multiply(as_node(other), self)

    def __truediv__(self, other: Node | float) -> Node:
        return divide(self, as_node(other)) if isinstance(other, _OPERANDS) else NotImplemented

    def __rtruediv__(self, other: Node | float) -> Node:
        return divide(as_node(other), self)

    def __neg__(self) -> Node:
        return negate(self)

    def __repr__(self) -> str:
        return render(self)


_OPERANDS = (Node, int, float, np.number)


def node(op: str, args: tuple[Node, ...], kind: Kind, attribute: Attribute = None) -> Node:
    """The node of an operation, without folding; primitives are built with `codegen.primitives.apply`."""
    said = b"|".join((op.encode(), kind.encode(), _attribute_bytes(attribute), b"".join([a.key for a in args])))
    return Node(op, args, kind, attribute, blake2b(said, digest_size=16).digest())


def _attribute_bytes(attribute: Attribute) -> bytes:
    if attribute is None:
        return b""
    if isinstance(attribute, bool):
        return b"b1" if attribute else b"b0"
    if isinstance(attribute, int):
        return b"i" + str(attribute).encode()
    if isinstance(attribute, float):
        return b"f" + struct.pack("<d", attribute)
    return (b"s" if isinstance(attribute, str) else b"j") + attribute.encode()


def real(value: float) -> Node:
    """A real constant (dimensionless, kept in double precision until it is emitted)."""
    return node("constant", (), Kind.REAL, float(value))


def integer(value: int) -> Node:
    """An integer constant."""
    return node("constant", (), Kind.INT, int(value))


def boolean(value: bool) -> Node:
    """A truth constant."""
    return node("constant", (), Kind.BOOL, bool(value))


def variable(name: str, kind: Kind = Kind.REAL) -> Node:
    """A variable: an input of a function, a scalar of a kernel, or what a statement binds; `name` is an identifier."""
    if not name.isidentifier():
        raise CompilerBug(f"variable name {name!r} is no identifier; rename it before lowering")
    return node("variable", (), kind, name)


def as_node(value: Node | float | int | bool) -> Node:
    """A node as it is, a Python number as a constant of its kind (integers that meet reals become real later)."""
    if isinstance(value, Node):
        return value
    if isinstance(value, bool):
        return boolean(value)
    return real(value) if isinstance(value, float | np.floating) else integer(int(value))


def constant_value(n: Node) -> float | int | bool | None:
    """The value of a constant, None for any other node."""
    return n.attribute if n.op == "constant" else None  # type: ignore[return-value]


def _match(a: Node, b: Node) -> tuple[Node, Node, Kind]:
    """Both operands in one kind: integer constants are promoted where they meet reals, nothing else is converted."""
    if a.kind is b.kind:
        if a.kind is Kind.BOOL:
            raise CompilerBug(f"arithmetic on truth values: {a} and {b}; use select")
        return a, b, a.kind
    if a.kind is Kind.INT and a.op == "constant" and b.kind is Kind.REAL:
        return real(float(a.attribute)), b, Kind.REAL  # type: ignore[arg-type]
    if b.kind is Kind.INT and b.op == "constant" and a.kind is Kind.REAL:
        return a, real(float(b.attribute)), Kind.REAL  # type: ignore[arg-type]
    raise CompilerBug(f"kinds {a.kind} and {b.kind} do not meet in {a} and {b}; convert with to_real or to_int")


def _constant(value: float | int, kind: Kind) -> Node:
    return real(float(value)) if kind is Kind.REAL else integer(int(value))


def add(a: Node, b: Node) -> Node:
    """a + b, with constants folded and a + (-b) written a - b."""
    a, b, kind = _match(a, b)
    x, y = constant_value(a), constant_value(b)
    if x is not None and y is not None:
        return _constant(x + y, kind)
    if x == 0:
        return b
    if y == 0:
        return a
    if b.op == "neg":
        return subtract(a, b.args[0])
    if a.op == "neg":
        return subtract(b, a.args[0])
    if b.key < a.key:  # commutative: one order, so that equal sums are equal nodes
        a, b = b, a
    return node("add", (a, b), kind)


def subtract(a: Node, b: Node) -> Node:
    """a - b, with constants folded."""
    a, b, kind = _match(a, b)
    x, y = constant_value(a), constant_value(b)
    if x is not None and y is not None:
        return _constant(x - y, kind)
    if y == 0:
        return a
    if x == 0:
        return negate(b)
    if a == b:
        return _constant(0, kind)
    if b.op == "neg":
        return add(a, b.args[0])
    return node("sub", (a, b), kind)


def multiply(a: Node, b: Node) -> Node:
    """a b, with constants, zeros and ones folded."""
    a, b, kind = _match(a, b)
    x, y = constant_value(a), constant_value(b)
    if x is not None and y is not None:
        return _constant(x * y, kind)
    if x is not None:
        a, b, x, y = b, a, y, x
    if y is not None:
        if y == 0:
            return _constant(0, kind)
        if y == 1:
            return a
        if y == -1:
            return negate(a)
        if a.op == "neg":
            return multiply(a.args[0], _constant(-y, kind))
        if a.op == "mul" and kind is Kind.REAL and (inner := constant_value(a.args[1])) is not None:
            return multiply(a.args[0], real(inner * y))
        return node("mul", (a, b), kind)
    if a.op == "neg" and b.op == "neg":
        return multiply(a.args[0], b.args[0])
    if a.op == "neg":
        return negate(multiply(a.args[0], b))
    if b.op == "neg":
        return negate(multiply(a, b.args[0]))
    if b.key < a.key:
        a, b = b, a
    return node("mul", (a, b), kind)


def divide(a: Node, b: Node) -> Node:
    """a / b on reals; division by a constant stays a division unless its reciprocal is exact."""
    a, b, kind = _match(a, b)
    if kind is Kind.INT and constant_value(a) is not None and constant_value(b) is not None:
        a, b, kind = real(float(a.attribute)), real(float(b.attribute)), Kind.REAL  # type: ignore[arg-type]
    if kind is not Kind.REAL:
        raise CompilerBug(f"integer division of {a} by {b}; use quotient")
    x, y = constant_value(a), constant_value(b)
    if y is not None and y != 0:
        if x is not None:
            return real(x / y)
        reciprocal = 1.0 / y
        if abs(struct.unpack("<Q", struct.pack("<d", reciprocal))[0] & ((1 << 52) - 1)) == 0:
            return multiply(a, real(reciprocal))
    if x == 0 and y is None:
        return real(0.0)
    if a.op == "neg" and b.op == "neg":
        return divide(a.args[0], b.args[0])
    if a.op == "neg":
        return negate(divide(a.args[0], b))
    if b.op == "neg":
        return negate(divide(a, b.args[0]))
    return node("div", (a, b), kind)


def negate(a: Node) -> Node:
    """-a."""
    value = constant_value(a)
    if value is not None:
        return _constant(-value, a.kind)
    if a.op == "neg":
        return a.args[0]
    if a.op == "sub":
        return subtract(a.args[1], a.args[0])
    return node("neg", (a,), a.kind)


def add_many(terms: Iterable[Node]) -> Node:
    """The sum of the terms as a balanced tree: short dependency chains, and rounding that grows with log n."""
    queue = list(terms)
    if not queue:
        return real(0.0)
    while len(queue) > 1:
        queue = [add(*queue[i : i + 2]) if i + 1 < len(queue) else queue[i] for i in range(0, len(queue), 2)]
    return queue[0]


def walk(roots: Iterable[Node], seen: set[bytes] | None = None) -> Iterator[Node]:
    """Every distinct node below the roots, arguments before their users (iterative: graphs are deep).

    Nodes whose keys are in `seen` are passed over with all below them, and `seen` grows, so that many roots that share
    subexpressions are walked once.
    """
    seen = set() if seen is None else seen
    found: list[Node] = []
    for root in roots:
        if root.key in seen:
            continue
        stack: list[Node | None] = [root]
        while stack:
            n = stack.pop()
            if n is None:  # a mark: all that the node below it needs has been found
                n = stack.pop()
                assert n is not None
            elif n.key in seen:
                continue
            elif n.args:
                stack += (n, None)
                stack += [a for a in n.args[::-1] if a.key not in seen]
                continue
            seen.add(n.key)
            found.append(n)
    return iter(found)


def variables(roots: Iterable[Node]) -> frozenset[Node]:
    """The variables that the roots depend on."""
    return frozenset(n for n in walk(roots) if n.op == "variable")


def render(n: Node, depth: int = 4) -> str:
    """A short text of a node for messages; deep graphs are cut with '...'."""
    if n.op in ("constant", "variable"):
        return str(n.attribute)
    if depth == 0:
        return "..."
    inner = ", ".join(render(argument, depth - 1) for argument in n.args)
    return f"{n.op}({inner})" if n.attribute is None else f"{n.op}[{n.attribute}]({inner})"
