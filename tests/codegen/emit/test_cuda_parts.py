"""Threads that share the loops of an instance give the sums of the interpreter, but for the order of their terms."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import replace

import numpy as np
import pytest

from codegen.backends import get_backend
from codegen.backends.cuda import CudaBackend
from codegen.backends.cuda_schedule import LISTED, USUAL, Able, Processors, Schedule, launch_shape, share_of
from codegen.backends.interface import LaunchRange
from codegen.backends.nvrtc import check_cuda
from codegen.backends.shim import SEVERAL, ShimBackend
from codegen.builder import Builder
from codegen.emit.cuda import emit_cuda
from codegen.emit.cuda_parts import can_share_loops
from codegen.emit.cuda_together import Share
from codegen.ir import Kind, Node
from codegen.program import Array, Intent, Kernel, Scalar
from tests.codegen.backends.stand_in import StandIn
from tests.codegen.emit.test_cuda_together import DTYPES, bodies, needs_compiler

CARD = Processors(132, 50 << 20)


def forces(backend: object, x: np.ndarray, first: int = 0, last: int | None = None) -> dict[str, np.ndarray]:
    """What `bodies` writes."""
    arrays = {"x": x, "all": x.reshape(-1).copy(), "f": np.zeros_like(x), "total": np.zeros(1, x.dtype)}
    run = backend.compile(bodies(), str(x.dtype))  # type: ignore[attr-defined]
    run(arrays, {"count": x.size, "clusters": len(x)}, x.shape, first=first, last=last)
    return arrays


def assert_forces_agree(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    """To eight roundings of order one a term."""
    terms, eps = expected["x"].size, np.finfo(expected["x"].dtype).eps
    np.testing.assert_allclose(found["f"], expected["f"], rtol=0, atol=8 * terms * eps)
    np.testing.assert_allclose(found["total"], expected["total"], rtol=8 * terms * eps)


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("clusters", "parts", "rows"), [(1, 2, 1), (5, 4, 2), (9, 4, 2), (20, 8, 1), (21, 2, 2)])
def test_shared_loops_have_all_terms(clusters: int, parts: int, rows: int, dtype: str) -> None:
    """With groups and what is left of them, shares without turns, and threads beyond the end of a block."""
    x = np.random.default_rng(1).normal(size=(clusters, 4)).astype(dtype)
    backend = ShimBackend(block=8, rows=2, tall=2, schedule=replace(SEVERAL, parts=parts, rows=rows))
    run = backend.compile(bodies(), dtype)
    asked: list[Share] = []

    def library(share: Share) -> ctypes.CDLL:
        asked.append(share)
        return run.library(share)

    spied = replace(run, library=library)
    arrays = {"x": x, "all": x.reshape(-1).copy(), "f": np.zeros_like(x), "total": np.zeros(1, dtype)}
    spied(arrays, {"count": x.size, "clusters": clusters}, x.shape)
    assert asked == [Share(rows=rows, parts=parts)]
    assert_forces_agree(arrays, forces(get_backend("reference"), x))


@needs_compiler
def test_nothing_is_written_outside_of_what_runs() -> None:
    x = np.random.default_rng(2).normal(size=(6, 4))
    found = forces(ShimBackend(block=8, schedule=SEVERAL), x, first=1, last=3)
    expected = forces(get_backend("reference"), x, first=1, last=3)
    assert not found["f"][:, [0, 3]].any()
    assert_forces_agree(found, expected)


def kernel_of(*stores: str) -> Kernel:
    """A sum over j of a[j], with what `stores` asks for."""
    j_count = Scalar("count", Kind.INT)
    b = Builder()
    total, other = b.register("total", 1.0), b.register("other", 0.0)
    if "store before" in stores:
        b.store("made", value=total * 2.0)
    with b.loop("j", 0, j_count.node) as j:
        term = b.load("term", "a", j)
        values: dict[str, Node] = {
            "product": total * term,
            "reversed": term - total,
            "of a sum": total + term * other,
            "nested": (term - other) + total,
        }
        chosen = next((values[s] for s in stores if s in values), total - term + 2.0)
        b.assign(total, chosen)
        if "of a sum" in stores:
            b.assign(other, other + term)
        if "store inside" in stores:
            b.store("made", value=term)
    if "store before" not in stores and "store inside" not in stores:
        b.store("made", value=total + other)
    arrays = (Array("a", ("count",), instanced=False), Array("made", (), intent=Intent.OUT))
    return Kernel("add", "lane", arrays, (j_count,), b.block())


@pytest.mark.parametrize(
    ("kernel", "can"),
    [
        (kernel_of(), True),
        (kernel_of("nested"), True),
        (kernel_of("product"), False),
        (kernel_of("reversed"), False),
        (kernel_of("of a sum"), False),
        (kernel_of("store before"), False),
        (kernel_of("store inside"), False),
        (bodies(), True),
    ],
)
def test_only_sums_are_shared(kernel: Kernel, can: bool) -> None:
    assert can_share_loops(kernel) is can


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_a_sum_begins_with_counts_once(dtype: str) -> None:
    """Also in a kernel without rows."""
    kernel = kernel_of()
    a = np.random.default_rng(3).normal(size=37).astype(dtype)
    made = np.zeros(5, dtype)
    ShimBackend(block=4, schedule=replace(SEVERAL, parts=4)).compile(kernel, dtype)(
        {"a": a, "made": made}, {"count": 37}, (5,)
    )
    np.testing.assert_allclose(made, float(1 - a.sum() + 2 * 37), rtol=float(40 * np.finfo(dtype).eps))


def test_size_and_turns_decide() -> None:
    """Threads share what leaves a device idle, as long as each has enough to add up."""
    pull = Able.of(bodies(), "float32")

    def shared(clusters: int, turns: int, schedule: Schedule = USUAL) -> Share:
        return share_of(schedule, pull, LaunchRange((clusters,), 0, 32, 32), {}, CARD, turns)

    assert shared(2048, 65536) == Share(rows=2, parts=8)
    assert shared(32768, 1 << 20) == Share(rows=2)
    assert shared(128, 4096) == Share(parts=16)
    assert shared(128, 150) == Share(parts=4)
    assert shared(128, 50) == shared(128, 4096, Schedule(parts=1)) == Share()
    assert pull.turns({"count": 7}) == 7
    assert Able.of(bodies(rows_before=True), "float32").turns({"count": 7}) == LISTED
    assert Able.of(kernel_of("product"), "float32").turns({"count": 7}) == 0


def test_shares_stand_along_z_of_blocks_of_one_row() -> None:
    span = LaunchRange((2048,), 0, 32, 32)
    assert launch_shape(span, 128, 132, False, Share(rows=2, parts=4)) == ((1, 1024, 1), (32, 1, 4))
    assert launch_shape(span, 256, 132, True, Share(parts=16)) == ((2, 2048, 1), (16, 1, 16))
    assert launch_shape(LaunchRange((), 0, 1000, 1000), 256, 132, False, Share(parts=4)) == ((16, 1, 1), (64, 1, 4))


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_shared_loops_compile(dtype: str, architecture: str) -> None:
    pytest.importorskip("cuda.bindings.nvrtc", reason="needs cuda-bindings and the NVRTC library")
    for narrow in (False, True):
        assert check_cuda(emit_cuda(bodies(), dtype, 0, narrow, Share(rows=2, parts=4)), architecture)
    assert check_cuda(emit_cuda(kernel_of(), dtype, 0, True, Share(parts=4)), architecture)


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
def test_shared_loops_agree_on_the_stand_in(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    module = StandIn()
    monkeypatch.setitem(sys.modules, "cupy", module)
    x = np.random.default_rng(1).normal(size=(7, 4)).astype(dtype)
    found = forces(CudaBackend(schedule=replace(SEVERAL, parts=4)), x)
    assert [block for _, block in module.launches] == [(8, 1, 4)]
    assert_forces_agree(found, forces(get_backend("reference"), x))


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("parts", [2, 4, 16])
def test_shared_loops_agree_on_a_gpu(dtype: str, parts: int) -> None:
    x = np.random.default_rng(1).normal(size=(77, 4)).astype(dtype)
    found = forces(CudaBackend(schedule=replace(SEVERAL, parts=parts)), x)
    assert_forces_agree(found, forces(get_backend("reference"), x))
