"""Loops cut into strips of lanes: the interpreter's results to the last bit, wherever the cuts fall."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.backends.cpu import CpuBackend
from codegen.builder import Builder
from codegen.cache import KernelCache
from codegen.emit.llvm_strips import ACROSS, pieces
from codegen.interpret import run_kernel
from codegen.ir import Kind, Node, integer, real, variable
from codegen.optimise.cost import work
from codegen.primitives import apply
from codegen.program import Array, Block, Intent, Kernel, Let, Scalar, nodes_of, statements
from codegen.spec import check_kernel
from tests.codegen.backends.test_cpu import run_cpu

REAL = ("x", "y", "late", "twice")


def carrying(chain: int) -> Kernel:
    """`turns` turns over registers that are read, only written, and written twice; masks, counters and outer values.

    Whole numbers below 2^20, so that all arithmetic is exact.
    """
    b = Builder()
    x, y, late, twice = (b.register(name, b.load(f"{name}0", "state", i)) for i, name in enumerate(REAL))
    seen = b.register("times", integer(0))
    pace = b.let("rate", b.load("own", "pace") * 2.0)
    uniform = b.let("uniform", Scalar("a").node + 1.0)
    with b.loop("k", integer(0), Scalar("turns", Kind.INT).node) as k:
        same = b.let("same", uniform + apply("to_real", apply("remainder", k, 3)))
        up = x
        for step in range(chain):
            up = b.let(f"up{step}", apply("min", up + pace, real(900.0)) - same)
        b.assign(twice, up + y)
        rising = b.let("rising", apply("lt", x, up))
        with b.where(rising):
            b.assign(y, y + 1.0)
            b.assign(twice, y)
            b.assign(seen, seen + 1)
        b.assign(late, up - x)
        b.assign(x, up)
    for i, register in enumerate((x, y, late, twice)):
        b.store("state", i, value=register)
    b.store("seen", value=seen)
    arrays = (
        Array("state", (4,), intent=Intent.INOUT),
        Array("pace", ()),
        Array("seen", (), Kind.INT, Intent.INOUT),
    )
    return Kernel("carrying", "lane", arrays, (Scalar("turns", Kind.INT), Scalar("a")), b.block())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("lanes", "strip"), [(32, 8), (32, 4), (16, 8), (8, 2), (8, 8)])
@pytest.mark.parametrize("chain", [2, 60])
@pytest.mark.parametrize("turns", [0, 1, 7])
def test_strips_change_no_result(
    turns: int, chain: int, lanes: int, strip: int, dtype: str, cache: KernelCache
) -> None:
    kernel = carrying(chain)
    check_kernel(kernel)
    rng = np.random.default_rng(5)
    arrays = {
        "state": rng.integers(0, 9, (4, 37)).astype(dtype),
        "pace": rng.integers(-2, 3, 37).astype(dtype),
        "seen": np.zeros(37, dtype=np.int64),
    }
    scalars = {"turns": turns, "a": 1.0}
    expected = {name: a.copy() for name, a in arrays.items()}
    run_kernel(kernel, expected, scalars, (37,))
    backend = CpuBackend(cache, lanes, strip=strip)
    found = run_cpu(backend, kernel, arrays, scalars, (37,))
    for name, a in expected.items():
        np.testing.assert_array_equal(found[name], a, err_msg=name)
    assembly = backend.compile(kernel, dtype).assembly
    cuts = assembly.count("!llvm.loop !2")
    assert cuts == 0 if strip == lanes else cuts == 1 if chain == 2 else cuts > 3


def chained(links: list[int]) -> Block:
    """Lets, each of which reads the one so many before it."""
    names = [variable("a0"), *(variable(f"a{i + 1}") for i in range(len(links)))]
    body: list[Let] = []
    for i, back in enumerate(links):
        earlier: Node = names[max(0, i - back)]
        body.append(Let(names[i + 1], earlier * names[i] + 1.0))
    return tuple(body)


@given(st.lists(st.integers(0, 30), max_size=80), st.integers(4, 60))
def test_pieces_are_the_body_cut_where_little_crosses(links: list[int], most: int) -> None:
    """In order and complete; no cut where more values cross than may be put by."""
    body = chained(links)
    parts = pieces(body, most)
    assert tuple(s for part in parts for s in part) == body
    for number in range(1, len(parts)):
        before = {s.target.key for part in parts[:number] for s in part if isinstance(s, Let)}
        after = [s for part in parts[number:] for s in part]
        read = {a.key for s in statements(tuple(after)) for n in nodes_of(s) for a in _leaves(n)}
        assert len(before & read) <= ACROSS
    if len(parts) > 1 and all(back <= 1 for back in links):
        assert max(work(part) or 0 for part in parts) < 2 * most


def _leaves(n: Node) -> list[Node]:
    return [n] if not n.args else [leaf for a in n.args for leaf in _leaves(a)]
