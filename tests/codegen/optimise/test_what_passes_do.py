"""What each pass is for, on examples that show it."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.builder import Builder
from codegen.errors import CompilerBug
from codegen.interpret import run_kernel
from codegen.ir import Kind, Node, add_many, integer, real, variable, variables, walk
from codegen.optimise.dead import remove_dead
from codegen.optimise.draw_out import draw_out
from codegen.optimise.factor import factor, factor_graph
from codegen.optimise.fuse import fuse
from codegen.optimise.hoist import hoist
from codegen.optimise.inline import inline, size
from codegen.optimise.pipeline import optimise_kernel
from codegen.optimise.share import share
from codegen.optimise.specialise import specialise, specialise_function
from codegen.optimise.trigonometry import expand_angles, expand_in_graph
from codegen.primitives import apply
from codegen.program import (
    Array,
    Assign,
    Call,
    Comment,
    For,
    Function,
    If,
    Intent,
    Kernel,
    Let,
    Load,
    Local,
    Scalar,
    Statement,
    Store,
    Var,
    functions,
    nodes_of,
    statements,
)  # fmt: skip

X, Y, Z, C = variable("x"), variable("y"), variable("z"), variable("c")
OUT = Array("out", (4,), intent=Intent.OUT)


def kernel(builder: Builder, *scalars: Scalar) -> Kernel:
    return Kernel("k", "lane", (OUT, Array("a", (8,))), scalars, builder.block())


def count(roots: tuple[Node, ...], *ops: str) -> int:
    return sum(n.op in ops for n in walk(roots))


def kinds(k: Kernel) -> list[type[Statement]]:
    return [type(s) for s in statements(k.body)]


def chain(name: str, terms: int) -> Function:
    """A function of `terms` sines, and as many sums and products."""
    return Function(name, (X, Y), (), (add_many(apply("sin", X * float(i + 2)) for i in range(terms)) + Y,))


def stepping(function: Function, calls: int) -> Kernel:
    b = Builder()
    x = b.load("x0", "a", 0)
    for _ in range(calls):
        (x,) = b.call(function, (x, x))
    b.store("out", 0, value=x)
    return kernel(b)


def test_a_small_function_is_inlined_a_large_one_is_not() -> None:
    small, large = chain("small", 20), chain("large", 1500)
    assert size(small) == 60
    assert not functions(inline(stepping(small, 12)).body)
    assert functions(inline(stepping(large, 4)).body)
    assert not functions(inline(stepping(large, 1)).body)  # one caller: no copy is made


def test_a_function_inside_a_function_is_inlined_first() -> None:
    inner = chain("inner", 3)
    outer = Function("outer", (X,), (Call((Z,), inner, (X, X * 2.0)),), (Z * Z,))
    b = Builder()
    for i in range(2):
        b.store("out", i, value=b.call(outer, (b.load("x", "a", i),))[0])
    inlined = inline(kernel(b))
    assert not functions(inlined.body)
    assert [f.name for f in functions(inline(kernel(b), limit=0).body)] == ["outer"]


def test_dead_statements_go_and_live_ones_stay() -> None:
    b = Builder()
    x, unused = b.load("x", "a", 0), b.load("unused", "a", 1)
    b.let("d", unused * 2.0)
    never, constant = b.register("never", 1.0), b.register("constant", 3.0)
    forgotten, kept = b.local("forgotten", (2,)), b.local("kept", (2,))
    b.store(forgotten, 0, value=x)
    b.store(kept, 0, value=x)
    with b.loop("i", 0, 3):
        b.assign(never, never + 1.0)
    with b.where(apply("lt", 1, 0)):
        b.store("out", 0, value=x)
    with b.where(apply("lt", 0, 1)):
        b.store("out", 1, value=constant)
    b.call(chain("f", 2), (x, x))
    b.store("out", 2, value=b.load("back", kept, 0))
    left = remove_dead(kernel(b))
    assert kinds(left) == [Load, Let, Local, Store, Store, Load, Store]
    assert left.body[1] == Let(constant, real(3.0))


def test_fusing_keeps_names_that_are_used_twice_or_in_a_loop() -> None:
    b = Builder()
    x = b.load("x", "a", 0)
    once, twice, looped = b.let("once", x + 1.0), b.let("twice", x + 2.0), b.let("looped", x + 3.0)
    b.store("out", 0, value=once * twice)
    b.store("out", 1, value=twice)
    with b.loop("i", 0, 2) as i:
        b.store("out", i, value=looped)
    fused = fuse(kernel(b))
    assert [s.target for s in fused.body if isinstance(s, Let)] == [twice, looped]


def test_a_value_read_after_its_register_changes_is_saved_before() -> None:
    """Fusing must not move an expression past an assignment to what it reads."""
    b = Builder()
    x = b.register("x", b.load("x0", "a", 0))
    before = b.let("before", x * 2.0)
    b.assign(x, x + 1.0)
    b.store("out", 0, value=before)
    b.store("out", 1, value=x * 2.0)
    fused = fuse(kernel(b))
    assert kinds(fused) == [Load, Var, Let, type(b.block()[-3]), Store, Store]
    arrays = {"a": np.full((8, 1), 5.0), "out": np.zeros((4, 1))}
    run_kernel(fused, arrays, {}, (1,))
    np.testing.assert_array_equal(arrays["out"][:2, 0], [10.0, 12.0])


def test_sharing_binds_what_occurs_twice_and_cuts_what_is_deep() -> None:
    b = Builder()
    x = b.load("x", "a", 0)
    b.store("out", 0, value=apply("sin", x) + 1.0)
    b.store("out", 1, value=apply("sin", x) * 3.0)
    deep = x
    for _ in range(30):
        deep = apply("tanh", deep)
    b.store("out", 2, value=deep)
    shared = share(kernel(b), depth=12)
    lets = [s for s in shared.body if isinstance(s, Let)]
    assert lets[0] == Let(variable("sin_x"), apply("sin", x))
    assert len(lets) == 1 + 2  # thirty operations, cut after the thirteenth and the twenty-sixth


def test_what_does_not_change_leaves_the_loop() -> None:
    b = Builder()
    m, g, steps = Scalar("m"), Scalar("g"), Scalar("steps", Kind.INT)
    x = b.register("x", b.load("x0", "a", 0))
    with b.loop("i", 0, steps.node) as i:
        with b.loop("j", 0, 2) as j:
            b.assign(x, x + apply("sqrt", m.node) * apply("to_real", i * 3) + apply("to_real", j))
        b.assign(x, x * g.node / m.node - m.node + (-g.node))
    hoisted = hoist(kernel(b, m, g, steps))
    before = [s for s in hoisted.body if isinstance(s, Let)]
    assert [s.value for s in before] == [apply("sqrt", m.node), g.node / m.node]
    (outer,) = (s for s in hoisted.body if isinstance(s, For))
    assert [s.value for s in outer.body if isinstance(s, Let)] == [
        apply("to_real", variable("i", Kind.INT) * 3) * before[0].target
    ]


def test_an_integer_quotient_stays_in_a_loop_that_may_not_be_entered() -> None:
    b = Builder()
    n = Scalar("n", Kind.INT)
    with b.loop("i", 0, n.node):
        b.store("out", apply("remainder", 7, n.node), value=real(1.0))
    assert hoist(kernel(b, n)) == kernel(b, n)


@pytest.mark.parametrize("links", [2, 3, 8, 16])
def test_a_mass_matrix_needs_as_many_sines_as_links(links: int) -> None:
    """cos(a_i - a_j) and sin(a_i - a_j) for all pairs: n(n-1) evaluations become 2n, where that is fewer."""
    angles = [variable(f"q{i}") for i in range(links)]
    pairs = [(a, b) for i, a in enumerate(angles) for b in angles[:i]]
    roots = tuple(apply(f, a - b) for f in ("sin", "cos") for a, b in pairs)
    expanded, _ = expand_in_graph(roots, ())
    assert count(expanded, "sin", "cos") == min(links * (links - 1), 2 * links)


@pytest.mark.parametrize(
    ("roots", "evaluations"),
    [
        ((apply("cos", X - Y),), 1),
        ((apply("cos", X - Y), apply("sin", Y - X)), 2),
        ((apply("cos", X - Y), apply("cos", Y - X)), 1),
        ((apply("sin", X), apply("sin", -X), apply("cos", -X)), 2),
        ((apply("sin", X), apply("cos", X), apply("sin", X * 2.0)), 2),
        ((apply("sin", X), apply("cos", X), apply("cos", X + 0.5)), 2),
        ((apply("cos", X - Y), apply("sin", X - Y), apply("cos", X + Y), apply("sin", X + Y)), 4),
        ((apply("sin", X), *(apply(f, e) for f in ("sin", "cos") for e in (X - Y, X + Y))), 4),
    ],
)
def test_angles_are_expanded_only_where_that_pays(roots: tuple[Node, ...], evaluations: int) -> None:
    assert count(expand_in_graph(roots, ())[0], "sin", "cos") == evaluations


R2 = X * X + Y * Y
R = apply("sqrt", R2)


@pytest.mark.parametrize(
    ("roots", "ops", "left"),
    [
        ((X * 2.0 + X * 3.0,), ("add", "mul"), 1),
        ((X * Y + X * Z,), ("mul",), 1),
        ((X * Y + X * Z + C * Y + C * Z,), ("mul",), 1),
        ((X + Y * 2.0 + Z * 2.0 + C,), ("mul",), 1),
        ((X * Y - Y * X,), ("add", "sub", "mul"), 0),
        ((X / Z, Y / Z), ("div",), 2),
        ((X / Z, Y / Z, C / Z), ("div",), 1),
        ((X / (R2 * R), Y / R2, Z / R), ("div", "sqrt"), 2),
        ((X / 3.0,), ("div",), 0),
        ((apply("pow", X, 2.3), apply("pow", X, 1.3)), ("pow",), 1),
        ((apply("pow", X, -2.3), apply("pow", X, 1.3)), ("pow",), 2),
    ],
)
def test_algebra_saves_operations(roots: tuple[Node, ...], ops: tuple[str, ...], left: int) -> None:
    assert count(factor_graph(roots, ())[0], *ops) == left


def test_what_is_used_elsewhere_is_not_opened() -> None:
    roots = (X * Y + X * Z, apply("sin", X * Y), apply("sin", X * Z))
    assert factor_graph(roots, ())[0] == roots


def test_a_root_is_not_taken_of_what_may_be_negative() -> None:
    """1/z stands in a branch where z < 0; a shared 1/sqrt(z) would make it NaN."""
    roots = (X / Z, Y / (Z * apply("sqrt", Z)))
    assert factor_graph(roots, ())[0] == roots


def test_compensated_sums_are_left_alone() -> None:
    total = apply("add_exact", X, Y)
    roots = (apply("sub_exact", apply("sub_exact", total, X), Y),)
    assert factor_graph(roots, ())[0] == roots


def test_specialising_settles_sizes_and_branches() -> None:
    b = Builder()
    order, k = Scalar("order", Kind.INT), Scalar("k")
    x = b.load("x", "b", 0)
    with b.where(apply("lt", 1, order.node)):
        b.store("out", 0, value=x * k.node)
    arrays = (OUT, Array("b", ("order",)))
    special = remove_dead(specialise(Kernel("k", "lane", arrays, (order, k), b.block()), {"order": 2, "k": 1.0}))
    assert special.array("b").shape == (2,)
    assert kinds(special) == [Load, Store]
    assert special.body[1] == Store("out", b.block()[1].body[0].index, x)  # type: ignore[union-attr]
    with pytest.raises(CompilerBug, match=r"kernel 'k' has no scalars mass to specialise"):
        specialise(special, {"mass": 1.0})


def test_specialising_a_function_takes_its_parameter_away() -> None:
    function = Function("f", (X, Y), (Let(Z, X * Y),), (Z + Y,))
    assert specialise_function(function, {"y": 0.0}) == Function("f", (X,), (Let(Z, real(0.0)),), (Z + 0.0,))
    with pytest.raises(CompilerBug, match=r"function 'f' has no parameters q to specialise"):
        specialise_function(function, {"q": 1.0})


def test_the_pipeline_reaches_functions_that_stay() -> None:
    b = Builder()
    body = Builder()
    body.let("unused", apply("sin", X))
    large = Function("large", (X, Y), body.block(), chain("any", 1500).results)
    x = b.load("x", "a", 0)
    for i in range(2):
        b.store("out", i, value=b.call(large, (x, x + float(i)))[0])
    (function,) = functions(optimise_kernel(kernel(b)).body)
    assert "unused" not in {str(s.target.attribute) for s in function.body if isinstance(s, Let)}
    assert function.name == "large"


def test_comments_stay_where_they_were() -> None:
    b = Builder()
    b.comment("momentum")
    b.store("out", 0, value=b.let("p", b.load("x", "a", 0) * 2.0))
    b.comment("energy")
    b.store("out", 1, value=b.load("y", "a", 1))
    done = optimise_kernel(kernel(b))
    assert [s.text if isinstance(s, Comment) else type(s) for s in done.body] == [
        "momentum", Load, Store, "energy", Load, Store,
    ]  # fmt: skip


def test_passes_do_not_mind_depth() -> None:
    """Ten thousand operations on top of one another: every pass is iterative."""
    b = Builder()
    x = b.load("x", "a", 0)
    for _ in range(5000):
        x = apply("sin", x) + 1.5
    b.store("out", 0, value=x)
    for rewrite in (inline, remove_dead, fuse, expand_angles, factor, hoist, share):
        rewrite(kernel(b))


def test_a_branch_is_no_loop() -> None:
    """What a branch computes is not moved before it."""
    b = Builder()
    x = b.load("x", "a", 0)
    with b.where(apply("lt", 0.0, x)):
        b.store("out", 0, value=apply("sqrt", x))
    assert hoist(kernel(b)) == kernel(b)
    assert any(isinstance(s, If) for s in optimise_kernel(kernel(b)).body)


def sums(turns: Node, looked_at: bool = False) -> Kernel:
    """Sums of C X a_j^2 and of C a_j where a_j > 0, through a name, with a start of 2."""
    b = Builder()
    total, other = b.register("total", real(2.0)), b.register("other", real(0.0))
    with b.loop("j", 0, turns) as j:
        a = b.load("a_j", "a", j)
        factor = b.let("factor", apply("select", apply("lt", real(0.0), a), -(C * X * a), real(0.0)))
        b.assign(total, total + factor * a)
        b.assign(other, other - C * a)
        if looked_at:
            b.store("out", 2, value=total)
    b.store("out", 0, value=total)
    b.store("out", 1, value=other)
    return kernel(b, Scalar("c"), Scalar("x"), Scalar("n", Kind.INT))


def test_what_does_not_change_is_drawn_out_of_sums() -> None:
    given = sums(variable("n", Kind.INT))
    drawn = draw_out(given)
    (loop,) = (s for s in drawn.body if isinstance(s, For))
    inside = [n for s in loop.body for n in nodes_of(s)]
    assert not {v.attribute for v in variables(inside)} & {"c", "x"}
    values = {"c": 0.3, "x": -1.7, "n": 8}
    found = []
    for k in (given, drawn):
        arrays = {"out": np.zeros((4, 3)), "a": np.random.default_rng(0).normal(size=(8, 3))}
        run_kernel(k, arrays, values, (3,))
        found.append(arrays["out"])
    np.testing.assert_allclose(found[1], found[0], rtol=1e-14)


def test_sums_that_are_looked_at_and_short_loops_stay() -> None:
    looked_at = sums(variable("n", Kind.INT), looked_at=True)
    (loop,) = (s for s in draw_out(looked_at).body if isinstance(s, For))
    assert any(isinstance(s, Assign) and s.target.attribute == "total" for s in loop.body)
    short = sums(integer(4))
    assert draw_out(short) == short


def test_short_sums_of_products_begin_with_what_does_not_change() -> None:
    b = Builder()
    total = b.register("total", real(0.0))
    with b.loop("j", 0, variable("n", Kind.INT)) as j:
        a = b.load("a_j", "a", j)
        b.assign(total, total + apply("sqrt", a * a + X * a + C))
    b.store("out", 0, value=total)
    hoisted = hoist(kernel(b, Scalar("c"), Scalar("x"), Scalar("n", Kind.INT)))
    (loop,) = (s for s in hoisted.body if isinstance(s, For))
    (root,) = (n for s in loop.body for m in nodes_of(s) for n in walk((m,)) if n.op == "sqrt")
    (outer,) = root.args
    (inner,) = (n for n in outer.args if n.op == "add")
    assert C in inner.args
