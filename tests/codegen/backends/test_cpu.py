"""Kernels compiled for the CPU give what the interpreter gives, on any number of lanes, threads and instances."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegen.backends import Backend, get_backend
from codegen.backends.cpu import CpuBackend
from codegen.builder import Builder
from codegen.cache import KernelCache
from codegen.errors import CompilerBug
from codegen.interpret import run_kernel
from codegen.ir import Kind, real, variable
from codegen.program import Array, Intent, Kernel, Scalar
from codegen.spec import check_kernel
from tests.codegen.emit.kernels import CASES
from tests.codegen.emit.kernels import Case as Fixed
from tests.codegen.emit.running import assert_same
from tests.codegen.rounding import assert_equal_up_to_rounding, tolerance
from tests.codegen.strategies import Case, random_kernels

DTYPES = ("float64", "float32")
LANES = (1, 8, 16, 32)
SIZES = (1, 5, 33)
Arrays = dict[str, np.ndarray]
lane = variable("lane", Kind.INT)


def run_cpu(
    backend: Backend, kernel: Kernel, arrays: Arrays, scalars: dict[str, float], extents: tuple[int, ...],
    halo: int = 0, threads: int = 1, rubbish: float = 0, **span: int,
) -> Arrays:  # fmt: skip
    """A kernel on copies of arrays whose lane axes are padded with `rubbish`; what it leaves, without the padding."""
    dtype = next((a.dtype.name for a in arrays.values() if a.dtype.kind == "f"), "float64")
    compiled = backend.compile(kernel, dtype, halo)
    missing = -extents[-1] % backend.lanes(dtype)
    padded = {}
    for array in kernel.arrays:
        given = arrays[array.name]
        widths = [(0, 0)] * (given.ndim - 1) + [(0, missing)]
        padded[array.name] = np.pad(given, widths, constant_values=rubbish) if array.instanced else given.copy()
    compiled(padded, scalars, extents, threads, **span)
    return {a.name: padded[a.name][..., : arrays[a.name].shape[-1]] if a.instanced else padded[a.name]
            for a in kernel.arrays}  # fmt: skip


@pytest.mark.parametrize("lanes", LANES)
@given(case=random_kernels(), size=st.sampled_from(SIZES), threads=st.integers(1, 2), dtype=st.sampled_from(DTYPES))
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_kernels_give_what_the_interpreter_gives(
    cache: KernelCache, lanes: int, case: Case, size: int, threads: int, dtype: str
) -> None:
    """To the tolerance of `rounding`: what errors of a few units in every operation do to the result."""
    case = replace(case, extents=(case.extents[0], size))
    arrays = {name: a.astype(dtype) if a.dtype.kind == "f" else a for name, a in case.arrays().items()}
    for array in case.kernel.arrays:
        if array.intent is Intent.SUM:
            arrays[array.name][...] = 0
    found = run_cpu(
        CpuBackend(cache, lanes, grain=0), case.kernel, arrays, case.scalars, case.extents, case.halo, threads
    )
    expected = case.run(dtype=np.dtype(dtype).type)
    coarser = float(np.finfo(dtype).eps / np.finfo("float64").eps)
    with np.errstate(invalid="ignore"):  # what overflows has no distance
        allowed = {name: coarser * moved for name, moved in tolerance(case.run).items()}
    inner = slice(case.halo, case.halo + size)  # what stands in the halo is nobody's result
    for array in case.kernel.arrays:
        if array.name in expected and array.instanced:
            for results in (found, expected, allowed):
                results[array.name] = results[array.name][..., inner]
    with np.errstate(invalid="ignore"):
        assert_equal_up_to_rounding({name: found[name] for name in expected}, expected, allowed)


def reference(case: Fixed, dtype: str, **span: int) -> Arrays:
    arrays = case.arrays(dtype, padding=0)
    get_backend("reference").compile(case.kernel, dtype, case.halo)(arrays, case.scalars, case.extents, **span)
    return arrays


def inner_part(arrays: Arrays, case: Fixed) -> Arrays:
    inner = slice(case.halo, case.halo + case.extents[-1])
    return {a.name: arrays[a.name][..., inner] if a.instanced else arrays[a.name] for a in case.kernel.arrays}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("name", CASES)
def test_every_case_gives_what_the_interpreter_gives(name: str, lanes: int, dtype: str, cache: KernelCache) -> None:
    """100 units, as for Python: 40 steps of 5 operations; sums of lanes in trees are closer to the truth than sums in
    order. The awkward names add 13 terms to t <= 8 and give (1 + t) sin(t^2): 13 units of an angle of 64, nine times
    that in the result, which is of size 5: 1500 units, and fused multiply-adds make some of these errors."""
    case = CASES[name]()
    arrays = case.arrays(dtype, padding=0)
    found = run_cpu(
        CpuBackend(cache, lanes, grain=0), case.kernel, arrays, case.scalars, case.extents, case.halo, threads=2
    )
    units = 1500 if name == "awkward_names" else 100
    assert_same(inner_part(found, case), inner_part(reference(case, dtype), case), case.kernel, units)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(("name", "first", "last"), [("lattice", 8, 32), ("lattice", 16, 40), ("volume", 0, 8)])
def test_a_part_of_the_instances_runs(name: str, first: int, last: int, threads: int, cache: KernelCache) -> None:
    """Lanes first..last-1 at every index of the outer axes; 100 units as above. The rest stays as it was."""
    case = CASES[name]()
    arrays = case.arrays("float64", padding=0)
    span = {"first": first, "last": last}
    found = run_cpu(
        CpuBackend(cache, 8, grain=0), case.kernel, arrays, case.scalars, case.extents, case.halo, threads, **span
    )
    expected = reference(case, "float64", **span)
    assert_same(inner_part(found, case), inner_part(expected, case), case.kernel, 100)


@pytest.mark.parametrize("features", [frozenset(), frozenset({"avx512f"})], ids=["plain", "turned"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("before", "behind"), [(4, 4), (0, 8), (17, 1)])
def test_neighbours_along_the_lanes(
    before: int, behind: int, dtype: str, features: frozenset[str], cache: KernelCache
) -> None:
    """Whole numbers, so that every lane count gives the interpreter's to the last bit, wherever rows begin; what lies
    further from the instances than the kernel reads is no number, and is not there at the ends of the array."""
    row, halo, size = variable("row", Kind.INT), max(before, behind), 64
    b = Builder()
    total = real(0.0)
    for number, shift in enumerate(range(-before, behind + 1)):
        total = total + (number + 1.0) * b.load("near", "u", row, shift=shift)
        if shift == 0:
            total = total + 100.0 * b.load("below", "u", row + 1)
    b.store("w", row, value=total)
    arrays = (Array("u", ("heights",)), Array("w", ("rows",), intent=Intent.OUT))
    sizes = tuple(Scalar(name, Kind.INT) for name in ("rows", "heights"))
    kernel = Kernel("neighbours", "site", arrays, sizes, b.block(), ("row",))
    check_kernel(kernel)
    u = np.full((3, size + 2 * halo), np.nan, dtype)
    u[:, halo - before : halo + size + behind] = np.random.default_rng(1).integers(-9, 9, (3, size + before + behind))
    scalars = {"rows": 2, "heights": 3}
    expected = {"u": u, "w": np.zeros((2, size + 2 * halo), dtype)}
    run_kernel(kernel, expected, scalars, (2, size), np.dtype(dtype).type, halo)
    for lanes in (8, 64):
        found = {"u": u, "w": np.zeros_like(expected["w"])}
        CpuBackend(cache, lanes, features).compile(kernel, dtype, halo)(found, scalars, (2, size))
        inner = slice(halo, halo + size)
        np.testing.assert_array_equal(found["w"][:, inner], expected["w"][:, inner], err_msg=f"{lanes} lanes")


def test_no_instances_are_no_work(cache: KernelCache) -> None:
    case = CASES["ensemble"]()
    arrays = case.arrays("float64", padding=0)
    found = run_cpu(CpuBackend(cache, 8), case.kernel, arrays, case.scalars, case.extents, first=8, last=8)
    for name, a in arrays.items():
        np.testing.assert_array_equal(found[name], a)


def test_kernels_of_one_name_live_side_by_side(cache: KernelCache) -> None:
    """Two kernels that differ, both called k, compiled in one process and run in turns."""

    def times(factor: float) -> Kernel:
        b = Builder()
        b.store("x", value=b.load("v", "x") * factor)
        return Kernel("k", "lane", (Array("x", (), intent=Intent.INOUT),), (), b.block())

    double, triple = (CpuBackend(cache, 8).compile(times(f)) for f in (2.0, 3.0))
    x = np.ones(8)
    for run in (double, triple, double):
        run({"x": x}, {}, (8,))
    assert np.all(x == 12.0)


def test_sums_are_added_to(cache: KernelCache) -> None:
    case = CASES["ensemble"]()
    arrays = case.arrays("float64", padding=0)
    once = run_cpu(CpuBackend(cache, 8), case.kernel, arrays, case.scalars, case.extents)
    arrays["wide"][...] = 5
    twice = run_cpu(CpuBackend(cache, 8), case.kernel, arrays, case.scalars, case.extents)
    assert twice["wide"][0] == once["wide"][0] + 5


def test_a_cache_that_others_empty_or_that_cannot_be_written_loses_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process removes the files while this one compiles, and then none can be written."""
    b = Builder()
    b.store("x", value=b.load("v", "x") + 1.0)
    kernel = Kernel("k", "lane", (Array("x", (), intent=Intent.INOUT),), (), b.block())
    cache, x = KernelCache(tmp_path), np.zeros(8)
    write = KernelCache.write

    def write_and_lose(self: KernelCache, key: str, files: dict[str, str | bytes]) -> None:
        write(self, key, files)
        shutil.rmtree(self.place(key))

    def refuse(self: KernelCache, key: str, files: dict[str, str | bytes]) -> None:
        raise PermissionError("read only")

    for how in (write_and_lose, refuse):
        monkeypatch.setattr(KernelCache, "write", how)
        CpuBackend(cache, 8).compile(kernel)({"x": x}, {}, (8,))
    assert np.all(x == 2.0)


def test_launches_that_do_not_fit_are_refused(cache: KernelCache) -> None:
    """What would read or write past an array's end is an error before it runs."""
    case = CASES["lattice"]()
    run = CpuBackend(cache, 8).compile(case.kernel, "float64", case.halo)
    good = case.arrays("float64", padding=0)
    with pytest.raises(CompilerBug, match=r"instances 4 to 40 do not lie on multiples of 8 lanes"):
        run(good, case.scalars, case.extents, first=4)
    with pytest.raises(CompilerBug, match=r"instances 0 to 12 do not lie on multiples of 8 lanes"):
        run(good, case.scalars, case.extents, last=12)
    with pytest.raises(CompilerBug, match=r"instances 0 to 48 do not lie in site = 0 to 40"):
        run(good, case.scalars, case.extents, last=48)
    with pytest.raises(CompilerBug, match=r"ranges over row, site; it was given the extents \(40,\)"):
        run(good, case.scalars, (40,))
    short = {name: np.ascontiguousarray(a[..., :-1]) if a.shape[-1] == 42 else a for name, a in good.items()}
    with pytest.raises(CompilerBug, match=r"array u must have shape \(5, '>= 42'\), not \(5, 41\)"):
        run(short, case.scalars, case.extents)
    longer = {**good, "w": np.zeros((5, 50))}
    with pytest.raises(
        CompilerBug, match=r"lane axes of the arrays of kernel wave differ: \{'u': 42, 'v': 42, 'w': 50\}"
    ):
        run(longer, case.scalars, case.extents)
    with pytest.raises(CompilerBug, match="lacks the scalars h"):
        run(good, {k: v for k, v in case.scalars.items() if k != "h"}, case.extents)


def test_assembly_and_source_can_be_read(tmp_path: Path) -> None:
    case = CASES["ensemble"]()
    run = CpuBackend(KernelCache(tmp_path), 8).compile(case.kernel)
    assert "define void @kernel.pendulums(" in run.assembly
    assert "; angle and angular velocity" in run.assembly
    assert "def pendulums(" in run.source


def test_one_instance_takes_scalar_code() -> None:
    assert CpuBackend().suited(1).lane_count == 1
    assert CpuBackend().suited(2).lane_count is None
    assert CpuBackend(lane_count=8).suited(1).lane_count == 8
    assert CpuBackend(lane_count=8).lanes("float64") == 8
