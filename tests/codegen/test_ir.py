"""Nodes: equal keys mean equal structure, folding keeps values, walking meets every node once."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.errors import CompilerBug
from codegen.interpret import evaluate
from codegen.ir import Kind, Node, add_many, as_node, boolean, integer, node, real, render, variable, variables, walk
from codegen.primitives import apply
from codegen.rewrite import rebuild, with_arguments
from tests.codegen.strategies import input_values, random_nodes

X, Y, N = variable("x"), variable("y"), variable("n", Kind.INT)
FINITE = st.floats(-1e3, 1e3)
SMALL = st.sampled_from([0.0, 1.0, -1.0, 2.0, 0.5, -0.25]) | FINITE


def structure(n: Node) -> tuple:
    """A node as nested tuples, by which Python compares without keys."""
    return n.op, n.kind, repr(n.attribute), tuple(structure(a) for a in n.args)


@given(first=random_nodes(size=6), second=random_nodes(size=6))
def test_keys_are_equal_exactly_where_structures_are(first: tuple[Node, ...], second: tuple[Node, ...]) -> None:
    nodes = list(walk((*first, *second)))
    by_structure: dict[tuple, bytes] = {}
    for n in nodes:
        assert by_structure.setdefault(structure(n), n.key) == n.key
    assert len(by_structure) == len({n.key for n in nodes})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (real(1.0), integer(1)),
        (integer(1), boolean(True)),
        (real(0.0), real(-0.0)),
        (variable("x"), variable("x", Kind.INT)),
        (variable("x"), variable("y")),
        (node("sin", (X,), Kind.REAL), node("cos", (X,), Kind.REAL)),
        (node("sub", (X, Y), Kind.REAL), node("sub", (Y, X), Kind.REAL)),
        (node("f", (X,), Kind.REAL, 1), node("f", (X,), Kind.REAL, "1")),
        (node("f", (X,), Kind.REAL, 1), node("f", (X,), Kind.REAL, True)),
    ],
)
def test_what_differs_in_any_part_differs_in_its_key(one: Node, other: Node) -> None:
    assert one != other
    assert len({one, other}) == 2


def test_sums_and_products_do_not_depend_on_the_order_of_building() -> None:
    assert X + Y == Y + X
    assert X * Y == Y * X
    assert (X + Y) * (Y + X) == (Y + X) * (X + Y)


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (X + 0, X), (0 + X, X), (X - 0, X), (0 - X, -X), (X * 1, X), (X * 0, real(0.0)), (X * -1, -X),
        (X - X, real(0.0)),
        (-apply("neg", X), X), (X + -Y, X - Y), (-X + Y, Y - X), (X - (-Y), X + Y), (-(X - Y), Y - X), (-X * -Y, X * Y),
        (-X * Y, -(X * Y)), (X * -2, -X * 2), (X * 2 * 3.0, X * 6.0), (-X / -Y, X / Y), (-X / Y, -(X / Y)),
        (X / 2, X * 0.5), (real(0.0) / X, real(0.0)), (real(1.0) / 4, real(0.25)),
        (integer(1) / integer(4), real(0.25)),
        (as_node(2) * X, X * 2.0), (N * 1, N), (N * 0, integer(0)), (N + integer(2) - integer(0), N + 2),
    ],
)  # fmt: skip
def test_folding(built: Node, expected: Node) -> None:
    assert built == expected


def test_division_by_a_constant_stays_unless_its_reciprocal_is_exact() -> None:
    assert (X / 3.0).op == "div"
    assert (X / 8.0) == X * 0.125
    assert (X / 0.0).op == "div"


@given(x=FINITE, a=SMALL, b=SMALL, data=st.data())
def test_folding_keeps_values(x: float, a: float, b: float, data: st.DataObject) -> None:
    """Two operations on a variable and constants: at most two roundings of size eps on operands of that size."""
    ops = {"+": lambda p, q: p + q, "-": lambda p, q: p - q, "*": lambda p, q: p * q}
    first, second = (ops[data.draw(st.sampled_from(sorted(ops)))] for _ in range(2))
    (value,) = evaluate((second(first(X, real(a)), real(b)),), {"x": x})
    size = (abs(x) + abs(a) + 1) * (abs(b) + 1) * (abs(a) + 1)
    assert abs(value - second(first(x, a), b)) <= 4 * np.finfo(float).eps * size


def test_kinds_meet_only_as_constants() -> None:
    assert (X + 2).args[1 - [a.op for a in (X + 2).args].index("variable")] == real(2.0)
    with pytest.raises(CompilerBug, match=r"kinds real and int do not meet in x and n; convert with to_real or to_int"):
        X + N
    with pytest.raises(CompilerBug, match=r"arithmetic on truth values"):
        boolean(True) + boolean(False)
    with pytest.raises(CompilerBug, match=r"integer division of n by 2; use quotient"):
        N / 2


def test_a_name_must_be_an_identifier() -> None:
    with pytest.raises(CompilerBug, match=r"variable name 'x 1' is no identifier"):
        variable("x 1")


@given(terms=st.lists(FINITE, max_size=40))
def test_a_sum_of_many_is_balanced_and_complete(terms: list[float]) -> None:
    """The error of a balanced sum is at most log2(n) + 1 roundings of the sum of sizes (Higham, Accuracy, 4.2)."""
    named = [variable(f"t{i}") for i in range(len(terms))]
    total = add_many(named)
    (value,) = evaluate((total,), {f"t{i}": t for i, t in enumerate(terms)})
    depth: dict[Node, int] = {}
    for n in walk((total,)):
        depth[n] = 1 + max((depth[a] for a in n.args), default=-1)
    rounds = math.ceil(math.log2(max(len(terms), 1)))
    assert depth[total] <= rounds
    assert abs(value - math.fsum(terms)) <= (rounds + 1) * np.finfo(float).eps * math.fsum(map(abs, terms))


@given(roots=random_nodes())
def test_walking_meets_each_node_once_after_its_arguments(roots: tuple[Node, ...]) -> None:
    met: set[Node] = set()
    for n in walk(roots):
        assert n not in met
        assert met.issuperset(n.args)
        met.add(n)
    assert met.issuperset(roots)
    assert variables(roots) == {n for n in met if n.op == "variable"}


def test_walking_passes_over_what_was_seen() -> None:
    seen: set[bytes] = set()
    assert [n.op for n in walk((X + Y,), seen)][-1] == "add"
    assert [n.op for n in walk(((X + Y) * X,), seen)] == ["mul"]
    assert list(walk((X, Y), seen)) == []


def test_walking_is_not_limited_by_depth() -> None:
    n = X
    for _ in range(20_000):
        n = apply("sin", n)
    assert sum(1 for _ in walk((n,))) == 20_001
    assert len(render(n)) < 100


@given(roots=random_nodes(), values=input_values())
def test_substitution_is_evaluation_at_another_point(roots: tuple[Node, ...], values: dict[str, np.ndarray]) -> None:
    """x0 -> x1 and x1 -> x0 at once: the same operations on the same numbers; sums may swap, which is exact."""
    x0, x1 = variable("x0"), variable("x1")
    swapped = rebuild(roots, {x0: x1, x1: x0})
    expected = evaluate(roots, {**values, "x0": values["x1"], "x1": values["x0"]})
    for value, other in zip(evaluate(swapped, values), expected, strict=True):
        np.testing.assert_array_equal(value, other)


@given(roots=random_nodes())
def test_substituting_nothing_changes_nothing(roots: tuple[Node, ...]) -> None:
    assert rebuild(roots, {}) == roots
    assert all(with_arguments(n, n.args) is n for n in roots)
