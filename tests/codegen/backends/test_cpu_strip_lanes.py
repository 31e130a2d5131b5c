"""On narrow registers many lanes are taken where a loop is cut into strips, and only there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from codegen.backends.cpu import CpuBackend
from codegen.builder import Builder
from codegen.cache import KernelCache
from codegen.ir import Kind, Node, integer, real, variable
from codegen.optimise.inline import LIMIT
from codegen.optimise.pipeline import optimise_kernel
from codegen.primitives import apply
from codegen.program import Array, Function, Intent, Kernel, Scalar
from codegen.spec import check_kernel

TURNS, RATE = Scalar("turns", Kind.INT), Scalar("rate")
Body = Callable[[Builder, Node], None]


def grow(b: Builder, x: Node) -> None:
    b.assign(x, x * 0.5 + 1.0)


def turns(b: Builder, x: Node) -> None:
    with b.loop("k", integer(0), TURNS.node):
        grow(b, x)


def constant_turns(b: Builder, x: Node) -> None:
    with b.loop("k", integer(0), integer(3)):
        grow(b, x)


def constant_turns_in_turns(b: Builder, x: Node) -> None:
    with b.loop("k", integer(0), TURNS.node):
        constant_turns(b, x)


def turns_between_stores(b: Builder, x: Node) -> None:
    with b.loop("row", integer(0), TURNS.node):
        turns(b, x)
        b.store("state", 0, value=x)


def turns_of_lanes_that_are_left(b: Builder, x: Node) -> None:
    with b.repeat_while(apply("lt", x, 1.5)):
        turns(b, x)


def stores(b: Builder, x: Node) -> None:
    with b.loop("k", integer(0), TURNS.node):
        grow(b, x)
        b.store("state", 0, value=x)


def truth_of_all_turns(b: Builder, x: Node) -> None:
    """Which is worked out before the loop."""
    own = b.load("own", "state", 0)
    with b.loop("k", integer(0), TURNS.node):
        twice = b.let("twice", own * RATE.node)
        b.assign(x, x + apply("select", apply("lt", twice, 1.0), x * 0.5, real(3.0)))


def truth_of_a_turn(b: Builder, x: Node) -> None:
    with b.loop("k", integer(0), TURNS.node):
        b.assign(x, x + apply("select", apply("lt", x, 1.0), 0.5, real(3.0)))


def truth_that_is_carried(b: Builder, x: Node) -> None:
    high = b.register("high", apply("lt", x, 1.0))
    with b.loop("k", integer(0), TURNS.node):
        b.assign(x, x + apply("select", high, 0.5, real(3.0)))
        b.assign(high, apply("lt", x, 2.0))


def calls(length: int) -> Body:
    def body(b: Builder, x: Node) -> None:
        y = variable("y")
        result = y
        for i in range(length):
            result = result * y + 1.0 / (i + 2)
        function = Function("polynomial", (y,), (), (result,))
        with b.loop("k", integer(0), TURNS.node):
            (once,) = b.call(function, (x,))
            (again,) = b.call(function, (once,))
            b.assign(x, again)

    return body


CUT = {
    "turns": turns,
    "turns between stores": turns_between_stores,
    "truth of a turn": truth_of_a_turn,
    "calls of a small function": calls(3),
}
WHOLE = {
    "constant turns": constant_turns,
    "constant turns in turns": constant_turns_in_turns,
    "turns of lanes that are left": turns_of_lanes_that_are_left,
    "stores": stores,
    "truth of all turns": truth_of_all_turns,
    "truth that is carried": truth_that_is_carried,
    "calls of a large function": calls(LIMIT // 4 + 1),
}


def carrying(body: Body) -> Kernel:
    """A kernel with one register, about which `body` does something."""
    b = Builder()
    x = b.register("x", b.load("x0", "state", 0))
    body(b, x)
    b.store("state", 0, value=x)
    return Kernel("carrying", "lane", (Array("state", (1,), intent=Intent.INOUT),), (TURNS, RATE), b.block())


@pytest.mark.parametrize("name", [*CUT, *WHOLE])
def test_many_lanes_are_taken_where_a_loop_is_cut(name: str, cache: KernelCache) -> None:
    kernel = carrying((CUT | WHOLE)[name])
    check_kernel(kernel)
    compiled = CpuBackend(cache, features=frozenset()).compile(kernel, optimise=optimise_kernel)
    assert (compiled.lanes, "!llvm.loop !2" in compiled.assembly) == ((32, True) if name in CUT else (8, False))
