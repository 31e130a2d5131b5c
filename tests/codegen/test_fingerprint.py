"""A fingerprint is the content of a kernel: equal for equal kernels, different for any change, however small."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from codegen.builder import Builder
from codegen.errors import CompilerBug
from codegen.fingerprint import compiler_version, fingerprint
from codegen.ir import Kind, integer, real, variable
from codegen.primitives import apply
from codegen.program import Array, Call, Comment, For, Function, If, Intent, Kernel, Let, Load, Scalar, Store, While
from tests.codegen.emit.kernels import CASES
from tests.codegen.strategies import Case, random_kernels

x, y, n = variable("x"), variable("y"), variable("n", Kind.INT)


def kernel(*body: object, **changes: object) -> Kernel:
    plain = Kernel("k", "lane", (Array("a", (2,)),), (Scalar("x"), Scalar("y")), tuple(body))  # type: ignore[arg-type]
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CASES)
def test_equal_kernels_built_separately_have_one_fingerprint(name: str) -> None:
    first, second = CASES[name]().kernel, CASES[name]().kernel
    assert first is not second
    assert fingerprint(first) == fingerprint(second)


@given(random_kernels())
def test_a_random_kernel_and_a_copy_of_its_statements_have_one_fingerprint(case: Case) -> None:
    copy = replace(case.kernel, body=tuple(replace(s) for s in case.kernel.body))
    assert fingerprint(copy) == fingerprint(case.kernel)


@given(random_kernels())
def test_a_statement_more_is_another_kernel(case: Case) -> None:
    longer = replace(case.kernel, body=(*case.kernel.body, Comment("one more")))
    assert fingerprint(longer) != fingerprint(case.kernel)


def call(result: object) -> Call:
    function = Function("f", (variable("u"),), (), (result,))  # type: ignore[arg-type]
    return Call((variable("v"),), function, (x,))


s = apply("lt", x, y)
SMALL_CHANGES = [
    kernel(),
    kernel(name="q"),
    kernel(lane="site"),
    kernel(arrays=(Array("a", (3,)),)),
    kernel(arrays=(Array("a", ("x",)),)),
    kernel(arrays=(Array("a", (2,), Kind.INT),)),
    kernel(arrays=(Array("a", (2,), intent=Intent.INOUT),)),
    kernel(arrays=(Array("a", (2,), instanced=False),)),
    kernel(scalars=(Scalar("y"), Scalar("x"))),
    kernel(scalars=(Scalar("x"), Scalar("y", Kind.INT))),
    kernel(outer=("row",)),
    kernel(Let(variable("v"), x + y)),
    kernel(Let(variable("w"), x + y)),
    kernel(Let(variable("v"), x - y)),
    kernel(Let(variable("v"), apply("add_exact", x, y))),
    kernel(Let(variable("v"), x * 2.0)),
    kernel(Let(variable("v"), x * 2.0000000000000004)),
    kernel(Let(variable("v"), real(0.0))),
    kernel(Let(variable("v"), real(-0.0))),
    kernel(Let(variable("v", Kind.INT), integer(0))),
    kernel(Load(variable("v"), "a", (integer(0),))),
    kernel(Load(variable("v"), "a", (integer(1),))),
    kernel(Load(variable("v"), "a", (integer(0),), 1)),
    kernel(If(s, (Comment("a"), Comment("b")))),
    kernel(If(s, (Comment("a"),)), Comment("b")),
    kernel(While(s, (Comment("a"), Comment("b")))),
    kernel(Comment("ab")),
    kernel(Comment("a"), Comment("b")),
    kernel(For(n, integer(0), integer(2), ())),
    kernel(For(n, integer(0), integer(3), ())),
    kernel(call(variable("u"))),
    kernel(call(variable("u") * 3.0)),
    kernel(Store("a", (integer(0),), x)),
]


def test_every_small_change_is_seen() -> None:
    """Names, kinds, sizes, one bit of a constant, the sign of zero, where a block ends, what a function does."""
    prints = [fingerprint(k) for k in SMALL_CHANGES]
    assert len(set(prints)) == len(prints)


def test_a_function_that_many_calls_share_counts_by_content() -> None:
    """The same function object twice, and two equal ones, are the same kernel."""

    def made(shared: bool) -> Kernel:
        b = Builder()
        functions = [Function("f", (variable("u"),), (), (variable("u") * 2.0,)) for _ in range(2)]
        for i in range(2):
            b.call(functions[0 if shared else i], (x,))
        return kernel(*b.block())

    assert fingerprint(made(True)) == fingerprint(made(False))


def test_what_has_no_place_in_a_kernel_is_refused() -> None:
    with pytest.raises(CompilerBug, match="float has no place in a kernel"):
        fingerprint(kernel(arrays=(Array("a", (2.5,)),)))  # type: ignore[arg-type]


def test_the_compiler_is_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Machine code of an older compiler is not taken for that of this one."""
    before = fingerprint(kernel())
    assert len(compiler_version()) == 32
    monkeypatch.setattr("codegen.fingerprint.compiler_version", lambda: "another")
    assert fingerprint(kernel()) != before
