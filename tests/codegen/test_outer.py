"""Outer products of private vectors: sums over the lanes at work, equal on all backends and to NumPy's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from codegen.backends import get_backend
from codegen.backends.cpu import CpuBackend
from codegen.builder import Builder, Names
from codegen.cache import KernelCache
from codegen.interpret import run_kernel
from codegen.ir import integer
from codegen.optimise.pipeline import optimise_kernel
from codegen.outer import write_out
from codegen.primitives import apply
from codegen.program import Array, Intent, Kernel, Outer, statements

SHAPES = [(1, 1, 1), (7, 5, 2), (13, 37, 1), (6, 64, 3), (25, 10, 2)]  # rows, columns, pairs of vectors
OFFSET, BEFORE, ABOVE = 3, 2, 1  # elements before the matrix, and before the vectors
INSTANCES = 37


def products(rows: int, columns: int, pairs: int) -> Kernel:
    """Two rows of `matrix`, of which the second gets sum_p left_p right_p^T where `gate` is positive, twice over."""
    b = Builder(Names(("left", "right", "gate", "matrix", "sample")))
    vectors: dict[str, list[str]] = {"left": [], "right": []}
    for side, size, begin in (("left", rows, BEFORE), ("right", columns, ABOVE)):
        for p in range(pairs):
            name = b.local(f"own_{side}", (begin + size,))
            vectors[side].append(name)
            with b.loop("k", 0, size) as k:
                b.store(name, k + begin, value=b.load("x", side, integer(p), k))
    gate = b.load("gate", "gate")
    with b.loop("turn", 0, 2) as turn, b.where(apply("lt", 0.0, gate)):
        here = b.let("here", turn * 0 + OFFSET)
        own = (tuple(vectors["left"]), integer(BEFORE), tuple(vectors["right"]), integer(ABOVE))
        b.add(Outer("matrix", (integer(1), here), rows, columns, *own))
    arrays = (
        Array("left", (pairs, rows)),
        Array("right", (pairs, columns)),
        Array("gate", ()),
        Array("matrix", (2, rows * columns + OFFSET), intent=Intent.SUM, instanced=False),
    )
    return Kernel("products", "sample", arrays, (), b.block())


def given(rows: int, columns: int, pairs: int, dtype: str) -> dict[str, np.ndarray]:
    """Idle lanes hold what must not be met: no product of it is finite."""
    rng = np.random.default_rng(rows)
    gate = rng.normal(size=INSTANCES)
    arrays = {
        "left": rng.normal(size=(pairs, rows, INSTANCES)),
        "right": rng.normal(size=(pairs, columns, INSTANCES)),
        "gate": gate,
        "matrix": np.zeros((2, rows * columns + OFFSET)),
    }
    for side in ("left", "right"):
        arrays[side][..., gate <= 0] = np.where(rng.uniform(size=(gate <= 0).sum()) < 0.5, np.nan, np.inf)
    return {name: array.astype(dtype) for name, array in arrays.items()}


def expected(arrays: dict[str, np.ndarray], rows: int, columns: int) -> np.ndarray:
    work = arrays["gate"] > 0
    left, right = (arrays[side][..., work].astype(float) for side in ("left", "right"))
    found = np.zeros((2, rows * columns + OFFSET))
    found[1, OFFSET:] = 2 * np.einsum("pil,pkl->ik", left, right).ravel()
    return found


def padded(arrays: dict[str, np.ndarray], lanes: int) -> dict[str, np.ndarray]:
    """With the lane axis of what belongs to instances lengthened by what must not be met."""
    missing = -INSTANCES % lanes
    return {
        name: a if name == "matrix" else np.pad(a, [*[(0, 0)] * (a.ndim - 1), (0, missing)], constant_values=np.nan)
        for name, a in arrays.items()
    }


@pytest.mark.parametrize(("rows", "columns", "pairs"), SHAPES)
@pytest.mark.parametrize("optimised", [False, True], ids=["as it is", "optimised"])
def test_the_interpreter_and_loops_add_products_of_lanes_at_work(
    rows: int, columns: int, pairs: int, optimised: bool
) -> None:
    """The statement, and the loops that stand for it; rounding alone separates them, 64 units of the largest sum."""
    kernel = products(rows, columns, pairs)
    kernel = optimise_kernel(kernel) if optimised else kernel
    loops = write_out(kernel)
    assert any(isinstance(s, Outer) for s in statements(kernel.body))
    assert not any(isinstance(s, Outer) for s in statements(loops.body))
    for each in (kernel, loops):
        arrays = given(rows, columns, pairs, "float64")
        run_kernel(each, arrays, {}, (INSTANCES,))
        wanted = expected(arrays, rows, columns)
        assert np.abs(arrays["matrix"] - wanted).max() <= 64 * np.finfo(float).eps * np.abs(wanted).max()


@pytest.mark.parametrize(("rows", "columns", "pairs"), SHAPES)
@pytest.mark.parametrize(("dtype", "lanes"), [("float64", 8), ("float64", 16), ("float32", 16), ("float64", 1)])
def test_lanes_add_the_products_of_those_at_work(
    rows: int, columns: int, pairs: int, dtype: str, lanes: int, tmp_path: Path
) -> None:
    """Tiles in registers, their remainders in rows and columns, idle lanes and those past the last instance."""
    arrays = padded(given(rows, columns, pairs, dtype), lanes)
    backend = CpuBackend(KernelCache(tmp_path), lanes, grain=0)
    backend.compile(products(rows, columns, pairs), dtype)(arrays, {}, (INSTANCES,), threads=2)
    wanted = expected({**arrays, "gate": arrays["gate"]}, rows, columns)
    assert np.abs(arrays["matrix"] - wanted).max() <= 64 * np.finfo(dtype).eps * np.abs(wanted).max()


def test_other_backends_take_the_loops() -> None:
    """CUDA on the host shim: the statement is none of those that its printer knows."""
    rows, columns, pairs = SHAPES[1]
    arrays = given(rows, columns, pairs, "float64")
    shim = get_backend("cuda-shim")
    shim.compile(products(rows, columns, pairs))(arrays, {}, (INSTANCES,))
    wanted = expected(arrays, rows, columns)
    assert np.abs(arrays["matrix"] - wanted).max() <= 64 * np.finfo(float).eps * np.abs(wanted).max()
