"""Random expressions of operations that IEEE 754 rounds exactly, so that every backend must agree to the last bit."""

from __future__ import annotations

from hypothesis import strategies as st

from codegen.ir import Kind, Node, integer, node, real
from codegen.primitives import apply
from codegen.program import Scalar

SCALARS = (*(Scalar(name) for name in ("x", "y", "z")), *(Scalar(name, Kind.INT) for name in ("i", "j")))
REALS = (
    "add",
    "sub",
    "mul",
    "div",
    "neg",
    "abs",
    "min",
    "max",
    "sqrt",
    "floor",
    "round",
    "sign",
    "add_exact",
    "sub_exact",
)
INTEGERS = ("add", "sub", "mul", "neg", "quotient", "remainder")
TRUTHS = ("lt", "le", "eq", "and", "or", "not", "isfinite")


def inputs() -> st.SearchStrategy[dict[str, float]]:
    """Values of the scalars, among them zeros, ties and numbers that overflow in products of many."""
    reals = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0]) | st.floats(-1e3, 1e3, width=32)
    return st.fixed_dictionaries({s.name: reals if s.kind is Kind.REAL else st.integers(-9, 9) for s in SCALARS})


@st.composite
def expressions(draw: st.DrawFn) -> tuple[Node, ...]:
    """Three reals that share much: each step applies an operation to what earlier steps made, without folding."""
    pool: dict[Kind, list[Node]] = {
        Kind.REAL: [s.node for s in SCALARS if s.kind is Kind.REAL] + [real(v) for v in (2.0, -0.75, 1e-3)],
        Kind.INT: [s.node for s in SCALARS if s.kind is Kind.INT] + [integer(v) for v in (3, -2)],
        Kind.BOOL: [apply("lt", SCALARS[0].node, SCALARS[1].node)],
    }
    for _ in range(draw(st.integers(3, 25))):
        made = draw(st.sampled_from([Kind.REAL, Kind.REAL, Kind.INT, Kind.BOOL]))
        pool[made].append(_step(draw, made, pool))
    return tuple(pool[Kind.REAL][-3:])


def _step(draw: st.DrawFn, made: Kind, pool: dict[Kind, list[Node]]) -> Node:
    def one(kind: Kind) -> Node:
        return draw(st.sampled_from(pool[kind]))

    if made is Kind.BOOL:
        op = draw(st.sampled_from(TRUTHS))
        if op in ("and", "or"):
            return node(op, (one(Kind.BOOL), one(Kind.BOOL)), made)
        if op == "not":
            return node(op, (one(Kind.BOOL),), made)
        if op == "isfinite":
            return node(op, (one(Kind.REAL),), made)
        kind = draw(st.sampled_from([Kind.REAL, Kind.INT]))
        return node(op, (one(kind), one(kind)), made)
    if draw(st.integers(0, 4)) == 0:
        return node("select", (one(Kind.BOOL), one(made), one(made)), made)
    if made is Kind.INT:
        op = draw(st.sampled_from(INTEGERS))
        if op == "mul":  # small factors, so that nothing overflows
            return node(op, (one(made), integer(draw(st.integers(-3, 3)))), made)
        if op in ("quotient", "remainder"):
            return node(op, (one(made), integer(draw(st.sampled_from([-7, -3, 2, 5])))), made)
        return node(op, (one(made),) if op == "neg" else (one(made), one(made)), made)
    if draw(st.integers(0, 6)) == 0:
        return node("to_real", (one(Kind.INT),), made)
    op = draw(st.sampled_from(REALS))
    a, b = one(made), one(made)
    if op == "div":  # plain Python refuses to divide by zero
        b = node("add", (real(0.5), node("abs", (b,), made)), made)
    if op == "sqrt":  # and to take the root of a negative number
        a = node("abs", (a,), made)
    unary = op in ("neg", "abs", "sqrt", "floor", "round", "sign")
    return node(op, (a,) if unary else (a, b), made)
