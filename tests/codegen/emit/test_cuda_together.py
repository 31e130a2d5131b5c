"""Threads that take several instances give what threads with one each give, to the last bit: nothing is contracted on
the host, and no sum is regrouped."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest

from codegen.backends import get_backend, shim
from codegen.backends.cuda import CudaBackend
from codegen.backends.cuda_schedule import Able, Processors, Schedule, launch_shape, share_of
from codegen.backends.interface import LaunchRange
from codegen.backends.nvrtc import check_cuda
from codegen.backends.shim import SEVERAL, ShimBackend
from codegen.builder import Builder
from codegen.emit.cuda import emit_cuda
from codegen.emit.cuda_together import ALONE, Share, can_share_rows
from codegen.emit.cuda_wide import in_pieces, wide_lanes
from codegen.ir import Kind, variable
from codegen.primitives import apply
from codegen.program import Array, For, Intent, Kernel, Scalar
from tests.codegen.backends.stand_in import StandIn
from tests.codegen.emit.kernels import CASES

DTYPES = ("float64", "float32")
needs_compiler = pytest.mark.skipif(not any(map(shutil.which, shim.COMPILERS)), reason="needs a C++ compiler")


def stencil(dimensions: int, reach: int = 1, components: int = 1) -> Kernel:
    """v += h (sum of neighbours - c u^2), w = u + h v, with tables of neighbours along the outer axes."""
    rows = tuple(variable(f"row_{d}", Kind.INT) for d in range(dimensions - 1))
    sizes = tuple(Scalar(f"rows_{d}", Kind.INT) for d in range(dimensions - 1))
    h, margin = Scalar("h"), Scalar("margin", Kind.INT)
    b = Builder()
    for part in range(components):
        component = (part,) if components > 1 else ()
        around = []
        for d, row in enumerate(rows):
            for s in (*range(-reach, 0), *range(1, reach + 1)):
                there = b.load("near", f"near_{d}", margin.node + s + row, kind=Kind.INT)
                around.append(b.load("u_near", "u", *rows[:d], there, *rows[d + 1 :], *component))
        shifts = [s for s in range(-reach, reach + 1) if s]
        around += [b.load("u_beside", "u", *rows, *component, shift=s) for s in shifts]
        here, v = b.load("u_here", "u", *rows, *component), b.load("v_here", "v", *rows, *component)
        total = around[0]
        for each in around[1:]:
            total = total + each
        kicked = b.let("kicked", v + h.node * (total - here * here))
        b.store("v", *rows, *component, value=kicked)
        b.store("w", *rows, *component, value=here + h.node * kicked)
        b.accumulate("energy", 0, value=kicked * kicked)
    extents = tuple(s.name for s in sizes)
    kinds = {"u": Intent.IN, "v": Intent.INOUT, "w": Intent.OUT}
    fields = tuple(Array(name, extents, intent=kind, components=components) for name, kind in kinds.items())
    tables = tuple(Array(f"near_{d}", (f"places_{d}",), Kind.INT, instanced=False) for d in range(dimensions - 1))
    places = tuple(Scalar(f"places_{d}", Kind.INT) for d in range(dimensions - 1))
    energy = Array("energy", (1,), intent=Intent.SUM, instanced=False)
    scalars = (*sizes, *places, h, margin)
    return Kernel(
        "step", "site", (*fields, *tables, energy), scalars, b.block(), tuple(f"row_{d}" for d in range(dimensions - 1))
    )


def lattice_arrays(
    kernel: Kernel, extents: tuple[int, ...], reach: int, dtype: str
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Random fields whose first site lies on a boundary of 16 bytes in every row, and periodic tables."""
    rng = np.random.default_rng(3)
    *outer, lanes = extents
    item = np.dtype(dtype).itemsize
    width = -(-(lanes + 2 * reach) // 16) * 16
    arrays: dict[str, np.ndarray] = {"energy": np.zeros(1, dtype)}
    components = in_pieces(kernel)[0].components
    for name in "uvw":
        size = int(np.prod(outer, dtype=int)) * width * components
        raw = np.zeros(size + 64, dtype)
        lead = -(raw.ctypes.data // item + reach * components) % 16
        arrays[name] = raw[lead : lead + size].reshape(*outer, width * components)
        arrays[name][...] = rng.normal(size=arrays[name].shape)
    for d, n in enumerate(outer):
        arrays[f"near_{d}"] = np.arange(-reach, n + reach, dtype=np.int64) % n
    scalars: dict[str, float] = {"h": 0.1, "margin": reach}
    for d, n in enumerate(outer):
        scalars |= {f"rows_{d}": n, f"places_{d}": n + 2 * reach}
    return arrays, scalars


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("dimensions", "reach", "components"), [(1, 1, 1), (2, 2, 1), (3, 1, 1), (3, 2, 2), (1, 1, 2)])
def test_sites_by_pieces_are_sites_one_by_one(dimensions: int, reach: int, components: int, dtype: str) -> None:
    """Also past the last whole piece, and for a part of the lanes that begins on a boundary or on none."""
    kernel = stencil(dimensions, reach, components)
    extents = (3, 5, 11)[3 - dimensions :]
    given, scalars = lattice_arrays(kernel, extents, reach, dtype)
    runs = [ShimBackend(schedule=s).compile(kernel, dtype, reach) for s in (replace(SEVERAL, wide=False), SEVERAL)]
    asked: list[Share] = []
    library = runs[1].library
    runs[1] = replace(runs[1], library=lambda share: (asked.append(share), library(share))[1])
    for first in (0, 4, 3):
        found = []
        for run in runs:
            arrays, _ = lattice_arrays(kernel, extents, reach, dtype)
            run(arrays, scalars, extents, first=first)
            found.append(arrays)
        for name in ("v", "w"):
            np.testing.assert_array_equal(found[0][name], found[1][name])
        np.testing.assert_allclose(found[0]["energy"], found[1]["energy"], rtol=200 * np.finfo(dtype).eps)
        assert np.any(found[1]["v"] != given["v"])
    lanes = wide_lanes(kernel, dtype)
    item = np.dtype(dtype).itemsize
    assert [share.lanes for share in asked] == [0 if first * components * item % 16 else lanes for first in (0, 4, 3)]
    assert asked[0].ahead == (dimensions > 1)


def bodies(rows_before: bool = False) -> Kernel:
    """Forces of all on all, and half their energy; `rows_before`: loops whose length depends on the row."""
    count, clusters = Scalar("count", Kind.INT), Scalar("clusters", Kind.INT)
    row, lane = variable("row", Kind.INT), variable("lane", Kind.INT)
    b = Builder()
    x, force, energy = b.load("x0", "x", row), b.register("force", 0.0), b.register("energy", 0.0)
    me = b.let("me", lane + 4 * row)
    with b.loop("j", 0, row if rows_before else count.node) as j:
        there = b.load("there", "all", j)
        step = b.let("step", x - there)
        weight = b.let("weight", apply("select", apply("eq", me, j), 0.0 * step, 1 / (1 + step * step)))
        b.assign(force, force + weight * step)
        b.assign(energy, energy + weight)
    b.store("f", row, value=force)
    b.accumulate("total", 0, value=energy)
    arrays = (
        Array("x", ("clusters",)),
        Array("all", ("count",), instanced=False),
        Array("f", ("clusters",), intent=Intent.OUT),
        Array("total", (1,), intent=Intent.SUM, instanced=False),
    )
    return Kernel("pull", "lane", arrays, (count, clusters), b.block(), ("row",))


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("clusters", "rows"), [(6, 2), (7, 2), (9, 4), (1, 2)])
def test_particles_by_twos_are_particles_one_by_one(clusters: int, rows: int, dtype: str) -> None:
    kernel = bodies()
    x = np.random.default_rng(1).normal(size=(clusters, 4)).astype(dtype)
    found = []
    for schedule in (replace(SEVERAL, rows=1), replace(SEVERAL, rows=rows)):
        arrays = {"x": x, "all": x.reshape(-1).copy(), "f": np.zeros_like(x), "total": np.zeros(1, dtype)}
        run = ShimBackend(rows=2, tall=1, schedule=schedule).compile(kernel, dtype)
        run(arrays, {"count": x.size, "clusters": clusters}, (clusters, 4))
        found.append(arrays)
    np.testing.assert_array_equal(found[0]["f"], found[1]["f"])
    np.testing.assert_allclose(found[0]["total"], found[1]["total"], rtol=4 * x.size * np.finfo(dtype).eps)
    assert found[0]["f"].any()


def test_a_neighbour_is_loaded_once_for_two_particles() -> None:
    text = emit_cuda(bodies(), "float32", narrow=True, share=Share(rows=2))
    body = text[text.index("row += 2") : text.index("for (; row < row_to")]
    groups = body[: body.index("for (sym_place j = j_at")]
    assert groups.count("sym_load_group(") == 1
    assert groups.count("const real step =") == groups.count("const real step_at_1 =") == 2  # with and without oneself
    first, second, *_ = (groups.index(f"    {name} = ") for name in ("energy", "energy_at_1"))
    assert first < groups.index("const real step_at_1 =") < second  # one after the other


def test_loops_of_different_length_are_not_shared() -> None:
    assert can_share_rows(bodies())
    assert not can_share_rows(bodies(rows_before=True))
    assert not can_share_rows(stencil(2))
    assert any(isinstance(s, For) for s in bodies().body)


def test_memory_is_asked_by_sixteen_bytes_and_a_row_ahead() -> None:
    """The furthest plane and the velocities a row ahead; two planes, the row itself and its neighbours from the caches;
    beside the lanes of a thread single numbers."""
    text = emit_cuda(stencil(3), "float32", 1, narrow=True, share=Share(lanes=4, ahead=True))
    head = text[: text.index("for (sym_place row_0 = ")]
    inside = text[len(head) : text.index("} else {")]
    assert head.count("= sym_load_wide(") == 2
    assert inside.count("= sym_load_wide(") == 2 + 4
    assert inside.count("sym_store_wide(") == 2
    assert inside.count("= *(u + ") == 2
    assert "sym_take_wide(v + " in emit_cuda(stencil(3), "float32", 1, share=Share(lanes=4, streaming=True))


def test_kernels_that_read_what_they_wrote_stay_as_they_are() -> None:
    b = Builder()
    b.store("x", value=b.load("x0", "x") + 1.0)
    again = b.load("x1", "x")
    b.store("x", value=again * 2.0)
    kernel = Kernel("twice", "lane", (Array("x", (), intent=Intent.INOUT),), (), b.block())
    assert wide_lanes(kernel, "float32") == 0
    assert wide_lanes(CASES["ensemble"]().kernel, "float32") == 0
    assert [wide_lanes(stencil(2), d) for d in DTYPES] == [2, 4]
    assert [wide_lanes(stencil(2, components=2), d) for d in DTYPES] == [1, 2]


def test_size_and_boundaries_decide() -> None:
    card = Processors(132, 50 << 20)
    pull, step = (Able.of(kernel, "float32") for kernel in (bodies(), stencil(3)))
    span = LaunchRange((2048,), 0, 32, 32)
    assert share_of(Schedule(), pull, span, {}, card) == Share(rows=2)
    assert share_of(Schedule(), pull, LaunchRange((512,), 0, 32, 32), {}, card) == ALONE
    volume = LaunchRange((1024, 1024), 0, 1024, 1024)
    begins = dict.fromkeys("uvw", (512, 4 << 30))
    wanted = Share(lanes=4, ahead=True, streaming=True)
    assert share_of(Schedule(), step, volume, begins, card) == wanted
    small = dict.fromkeys("uvw", (512, 4 << 20))
    assert share_of(Schedule(), step, volume, small, card) == replace(wanted, streaming=False)
    assert share_of(Schedule(), step, volume, {**begins, "v": (516, 4 << 30)}, card) == ALONE
    assert share_of(Schedule(), step, LaunchRange((64, 64), 0, 64, 64), begins, card) == ALONE


def test_the_grid_covers_what_threads_take_together() -> None:
    assert launch_shape(LaunchRange((2048,), 0, 32, 32), 128, 132, False, Share(rows=2)) == ((1, 256, 1), (32, 4, 1))
    grid, block = launch_shape(LaunchRange((1024, 1024), 0, 1024, 1024), 256, 132, False, Share(lanes=4))
    assert (grid[:2], block) == ((8, 128), (32, 8, 1))


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_several_instances_compile(dtype: str, architecture: str) -> None:
    pytest.importorskip("cuda.bindings.nvrtc", reason="needs cuda-bindings and the NVRTC library")
    lanes = wide_lanes(stencil(3), dtype)
    for streaming in (False, True):
        share = Share(lanes=lanes, ahead=True, streaming=streaming)
        assert check_cuda(emit_cuda(stencil(3), dtype, 1, True, share), architecture)
    assert check_cuda(emit_cuda(bodies(), dtype, 0, True, Share(rows=2)), architecture)


def assert_launches_agree(backend: CudaBackend, dtype: str) -> None:
    """Sites by pieces and particles by twos against the interpreter: 30 operations on numbers of order one."""
    kernel = stencil(3)
    expected, scalars = lattice_arrays(kernel, (5, 6, 24), 1, dtype)
    found, _ = lattice_arrays(kernel, (5, 6, 24), 1, dtype)
    get_backend("reference").compile(kernel, dtype, 1)(expected, scalars, (5, 6, 24))
    backend.compile(kernel, dtype, 1)(found, scalars, (5, 6, 24))
    for name in ("v", "w"):
        inside = (..., slice(1, 25))
        np.testing.assert_allclose(found[name][inside], expected[name][inside], rtol=0, atol=200 * np.finfo(dtype).eps)
    np.testing.assert_allclose(found["energy"], expected["energy"], rtol=1000 * np.finfo(dtype).eps)
    x = np.random.default_rng(1).normal(size=(7, 4)).astype(dtype)
    results = []
    for made in (get_backend("reference").compile(bodies(), dtype), backend.compile(bodies(), dtype)):
        arrays = {"x": x, "all": x.reshape(-1).copy(), "f": np.zeros_like(x), "total": np.zeros(1, dtype)}
        made(arrays, {"count": x.size, "clusters": 7}, (7, 4))
        results.append(arrays)
    np.testing.assert_allclose(results[1]["f"], results[0]["f"], rtol=0, atol=28 * 8 * np.finfo(dtype).eps)


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("beyond", [0.0, 1e9])
def test_large_launches_agree_on_the_stand_in(monkeypatch: pytest.MonkeyPatch, dtype: str, beyond: float) -> None:
    """By text that writes past the caches, and by text that does not."""
    module = StandIn()
    monkeypatch.setitem(sys.modules, "cupy", module)
    backend = CudaBackend(schedule=replace(SEVERAL, beyond=beyond))
    run = backend.compile(stencil(3), dtype, 1)
    asked: list[Share] = []
    spied = replace(run, function=lambda narrow, share: (asked.append(share), run.function(narrow, share))[1])
    arrays, scalars = lattice_arrays(stencil(3), (5, 6, 24), 1, dtype)
    spied(arrays, scalars, (5, 6, 24))
    assert asked == [Share(lanes=wide_lanes(stencil(3), dtype), ahead=True, streaming=beyond == 0.0)]
    assert_launches_agree(backend, dtype)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("beyond", [0.0, 1e9])
def test_large_launches_agree_on_a_gpu(dtype: str, beyond: float) -> None:
    assert_launches_agree(CudaBackend(schedule=replace(SEVERAL, beyond=beyond)), dtype)
