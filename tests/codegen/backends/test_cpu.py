"""Kernels compiled for the CPU give what the interpreter gives, on any number of lanes, threads and instances."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegen.backends import get_backend
from codegen.backends.cpu import CpuBackend
from codegen.backends.interface import Optimise
from codegen.builder import Builder
from codegen.cache import KernelCache
from codegen.errors import CompilerBug
from codegen.interpret import run_kernel
from codegen.ir import Kind, Node, integer, real, variable
from codegen.optimise.pipeline import optimise_kernel
from codegen.primitives import apply
from codegen.program import Array, Function, Intent, Kernel, Scalar
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


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> KernelCache:
    return KernelCache(tmp_path_factory.mktemp("kernels"))


def run_cpu(
    backend: CpuBackend, kernel: Kernel, arrays: Arrays, scalars: dict[str, float], extents: tuple[int, ...],
    halo: int = 0, threads: int = 1, rubbish: float = 0, **span: int,
) -> Arrays:  # fmt: skip
    """A kernel on copies of arrays whose lane axes are padded with `rubbish`; what it leaves, without the padding."""
    dtype = next((a.dtype.name for a in arrays.values() if a.dtype.kind == "f"), "float64")
    compiled = backend.compile(kernel, dtype, halo)
    missing = -extents[-1] % compiled.lanes
    padded = {}
    for array in kernel.arrays:
        given = arrays[array.name]
        widths = [(0, 0)] * (given.ndim - 1) + [(0, missing)]
        padded[array.name] = np.pad(given, widths, constant_values=rubbish) if array.instanced else given.copy()
    compiled(padded, scalars, extents, threads, **span)
    return {a.name: padded[a.name][..., : arrays[a.name].shape[-1]] if a.instanced else padded[a.name]
            for a in kernel.arrays}  # fmt: skip


def check_exactly(
    cache: KernelCache,
    kernel: Kernel,
    arrays: Arrays,
    scalars: dict[str, float] | None = None,
    size: int = 5,
    rubbish: float = 0,
) -> Arrays:
    """On every lane count the interpreter's result to the last bit (kernels whose operations are exact)."""
    check_kernel(kernel)
    scalars = scalars or {}
    expected = {name: a.copy() for name, a in arrays.items()}
    run_kernel(kernel, expected, scalars, (size,))
    for lanes in LANES:
        found = run_cpu(CpuBackend(cache, lanes), kernel, arrays, scalars, (size,), rubbish=rubbish)
        for name, a in expected.items():
            np.testing.assert_array_equal(found[name], a, err_msg=f"{name} on {lanes} lanes")
    return expected


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


def test_masks_of_nested_branches_and_loops(cache: KernelCache) -> None:
    """Each lane takes its own way through If in While in If in While, and counts what it did."""
    b = Builder()
    n = b.load("n0", "n", kind=Kind.INT)
    left, turns, odd = b.register("left", n), b.register("turns", 0), b.register("odd", 0)
    with b.where(apply("lt", integer(1), n)), b.repeat_while(apply("lt", integer(0), left)):
        b.assign(left, left - 1)
        with b.where(apply("eq", apply("remainder", left, 2), integer(1))):
            down = b.register("down", left)
            with b.repeat_while(apply("lt", integer(1), down)):
                b.assign(down, down - 2)
                b.assign(odd, odd + 1)
        b.assign(turns, turns + 1)
        with b.where(apply("eq", left, integer(3))):
            b.store("seen", value=turns * 100 + odd)
    b.store("n", value=turns * 1000 + odd)
    arrays = (Array("n", (), Kind.INT, Intent.INOUT), Array("seen", (), Kind.INT, Intent.INOUT))
    kernel = Kernel("masks", "lane", arrays, (), b.block())
    counts = np.arange(33) % 9
    found = check_exactly(cache, kernel, {"n": counts, "seen": np.full(33, -1)}, size=33)
    assert found["n"].tolist() == [0 if c < 2 else c * 1000 + sum(k // 2 for k in range(c) if k % 2) for c in counts]
    assert np.all((found["seen"] >= 0) == (counts > 3))


def test_idle_lanes_may_hold_zeros_that_others_divide_by(cache: KernelCache) -> None:
    """Integer division by zero stops a process; a lane that is not at work must not do it."""
    b = Builder()
    n = b.load("n0", "n", kind=Kind.INT)
    with b.where(apply("not", apply("eq", n, integer(0)))):
        b.store("n", value=apply("quotient", 100, n) * 1000 + apply("remainder", 100, n))
    kernel = Kernel("divided", "lane", (Array("n", (), Kind.INT, Intent.INOUT),), (), b.block())
    check_exactly(cache, kernel, {"n": np.arange(-3, 4)}, size=7)


def test_gathers_and_scatters(cache: KernelCache) -> None:
    """Loads and stores at places that differ by lane: private memory, arrays with lanes and without."""
    b = Builder()
    k = b.load("k", "key", kind=Kind.INT)
    memory = b.local("memory", (2, 4))
    for i in range(2):
        with b.loop(f"j{i}", 0, 4) as j:
            b.store(memory, i, j, value=b.load(f"t{i}", "table", j) * (i + 1.0))
    b.store(memory, 1, k, value=real(-7.0))
    with b.where(apply("lt", k, integer(2))):
        b.store("x", k, value=b.load("y", memory, 1, apply("remainder", k + 1, 4)))
        b.store(memory, 0, k, value=real(11.0))
    b.store("x", 3, value=b.load("z", memory, 0, k) + b.load("w", memory, 1, k) * 100.0 + b.load("own", "x", k))
    arrays = (
        Array("key", (), Kind.INT),
        Array("table", (4,), instanced=False),
        Array("x", (4,), intent=Intent.INOUT),
    )
    kernel = Kernel("gathers", "lane", arrays, (), b.block())
    rng = np.random.default_rng(3)
    data = {
        "key": rng.integers(0, 4, 33),
        "table": np.array([1.0, 2.0, 4.0, 8.0]),
        "x": rng.integers(0, 9, (4, 33)) * 1.0,
    }
    check_exactly(cache, kernel, data, size=33)


@pytest.mark.parametrize("size", SIZES)
def test_lanes_past_the_last_instance_touch_nothing_shared(size: int, cache: KernelCache) -> None:
    """Each instance has a place of its own in arrays without a lane axis, which end where the instances end; places
    past the end are guarded by numbers that must stay."""
    b = Builder()
    b.store("shared", lane, value=b.load("t", "table", lane) * 2.0)
    with b.where(apply("eq", lane, Scalar("size", Kind.INT).node)):
        b.store("flag", 0, value=real(1.0))
    with b.where(apply("eq", lane, Scalar("size", Kind.INT).node - 1)):
        b.store("flag", 1, value=real(1.0))
    b.accumulate("count", value=integer(1))
    b.accumulate("total", value=b.load("v", "x"))
    arrays = (
        Array("shared", ("size",), intent=Intent.INOUT, instanced=False),
        Array("table", ("size",), instanced=False),
        Array("flag", (2,), intent=Intent.INOUT, instanced=False),
        Array("x", ()),
        Array("count", (), Kind.INT, Intent.SUM, instanced=False),
        Array("total", (), intent=Intent.SUM, instanced=False),
    )
    kernel = Kernel("edges", "lane", arrays, (Scalar("size", Kind.INT),), b.block())
    check_kernel(kernel)
    for lanes in LANES:
        guarded = np.full(size + 64, -1.0)
        data = {
            "shared": guarded[:size], "table": np.arange(size) * 1.0, "flag": np.zeros(2),
            "x": np.pad(np.ones(size), (0, -size % lanes), constant_values=np.nan),
            "count": np.zeros((), np.int64), "total": np.zeros(()),
        }  # fmt: skip
        CpuBackend(cache, lanes).compile(kernel)(data, {"size": size}, (size,))
        np.testing.assert_array_equal(guarded[:size], 2.0 * np.arange(size))
        assert np.all(guarded[size:] == -1.0)
        assert data["flag"].tolist() == [0.0, 1.0]
        assert (int(data["count"]), float(data["total"])) == (size, size)


@pytest.mark.parametrize("rubbish", [0, 3])
def test_sums_at_places_that_differ_by_lane(rubbish: int, cache: KernelCache) -> None:
    """Counts and sums of whole numbers in bins of the lanes' own; what pads the lane axis is no part of any sum."""
    b = Builder()
    k = b.load("k", "key", kind=Kind.INT)
    b.accumulate("counts", k, value=integer(1))
    with b.where(apply("lt", k, integer(3))):
        b.accumulate("sums", 1, k, value=b.load("v", "x"))
        b.accumulate("all", value=k)
    arrays = (
        Array("key", (), Kind.INT), Array("x", ()),
        Array("counts", (4,), Kind.INT, Intent.SUM, instanced=False),
        Array("sums", (2, 4), Kind.REAL, Intent.SUM, instanced=False),
        Array("all", (), Kind.INT, Intent.SUM, instanced=False),
    )  # fmt: skip
    kernel = Kernel("bins", "lane", arrays, (), b.block())
    rng = np.random.default_rng(4)
    data = {
        "key": rng.integers(0, 4, 33), "x": rng.integers(-9, 9, 33) * 1.0, "counts": np.zeros(4, np.int64),
        "sums": np.zeros((2, 4)), "all": np.zeros((), np.int64),
    }  # fmt: skip
    found = check_exactly(cache, kernel, data, size=33, rubbish=rubbish)
    assert found["counts"].tolist() == np.bincount(data["key"], minlength=4).tolist()


def _collatz() -> Function:
    """How many steps a number takes to one: a loop that each lane leaves on its own, and a power of two."""
    b = Builder()
    n, steps = b.register("m", variable("n", Kind.INT)), b.register("steps", 0)
    with b.repeat_while(apply("lt", integer(1), n)):
        half = b.let("half", apply("quotient", n, 2))
        odd = b.let("odd", apply("eq", apply("remainder", n, 2), integer(1)))
        b.assign(n, apply("select", odd, n * 3 + 1, half))
        b.assign(steps, steps + 1)
    return Function("collatz", (variable("n", Kind.INT),), b.block(), (steps, apply("lt", steps, integer(9))))


def test_functions_with_loops_are_called_under_masks(cache: KernelCache) -> None:
    """A masked lane with a number that never reaches one must not keep the others waiting."""
    b = Builder()
    n = b.load("n0", "n", kind=Kind.INT)
    with b.where(apply("lt", integer(0), n)):
        steps, few = b.call(_collatz(), (n,), ("taken", "few"))
        with b.where(few):
            again, _ = b.call(_collatz(), (steps + 1,), ("again", "unused"))
            b.store("n", value=again + 1000)
        with b.where(apply("not", few)):
            b.store("n", value=steps)
    kernel = Kernel("calls", "lane", (Array("n", (), Kind.INT, Intent.INOUT),), (), b.block())
    check_exactly(cache, kernel, {"n": np.arange(-4, 29)}, size=33)


def test_names_of_the_scalar_library_and_letters_beyond_ascii(cache: KernelCache) -> None:
    """A function called cos, a kernel called asin, registers, private memory and arrays in Greek."""
    a = variable("α")
    cosine = Function("cos", (a,), (), (a * 2.0 + apply("floor", apply("cos", a) * 0.25 + 0.5),))
    b = Builder()
    x = b.register("θ", b.load("x", "δ"))
    b.assign(x, x + variable("γ"))
    memory = b.local("λ", (2,))
    b.store(memory, 0, value=x)
    (doubled,) = b.call(cosine, (b.load("y", memory, 0),), ("y2",))
    b.store("δ", value=doubled + apply("floor", apply("asin", x * 0.125)))
    kernel = Kernel("asin", "lane", (Array("δ", (), intent=Intent.INOUT),), (Scalar("γ"),), b.block())
    check_exactly(cache, kernel, {"δ": np.arange(5) * 1.0}, {"γ": 0.5})


def kernel_of_a_compensated_sum() -> Kernel:
    """Kahan's sum of x[0], ..., x[n-1] beside the plain one."""
    b = Builder()
    total, lost, plain = (b.register(name, 0.0) for name in ("total", "lost", "plain"))
    with b.loop("i", 0, Scalar("n", Kind.INT).node) as i:
        x = b.load("x0", "x", i)
        y = b.let("y", apply("sub_exact", x, lost))
        t = b.let("t", apply("add_exact", total, y))
        b.assign(lost, apply("sub_exact", apply("sub_exact", t, total), y))
        b.assign(total, t)
        b.assign(plain, plain + x)
    b.store("out", 0, value=total)
    b.store("out", 1, value=plain)
    arrays = (Array("x", ("n",)), Array("out", (2,), intent=Intent.OUT))
    return Kernel("kahan", "lane", arrays, (Scalar("n", Kind.INT),), b.block())


@pytest.mark.parametrize("optimise", [None, optimise_kernel], ids=["plain", "optimised"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("lanes", LANES)
def test_compensated_sums_survive_the_optimiser(
    lanes: int, dtype: str, optimise: Optimise | None, cache: KernelCache
) -> None:
    """1 + 1000 terms of half a unit each: the plain sum loses them all; Kahan's errs by 2 units of the result and
    n eps^2 of the terms (Higham, Accuracy and Stability, 2nd ed., 4.3)."""
    eps = float(np.finfo(dtype).eps)
    terms = np.concatenate([[1.0], np.full(1000, 0.49 * eps)]).astype(dtype)
    x = np.repeat(terms[:, None], 32, axis=1)
    out = np.zeros((2, 32), dtype)
    CpuBackend(cache, lanes).compile(kernel_of_a_compensated_sum(), dtype, 0, optimise)(
        {"x": np.ascontiguousarray(x), "out": out}, {"n": len(terms)}, (32,)
    )
    exact = float(np.sum(terms, dtype=np.longdouble))
    assert np.all(np.abs(out[0].astype(float) - exact) <= 2 * eps)
    assert np.all(out[1] == 1.0)


@pytest.mark.parametrize("optimise", [None, optimise_kernel], ids=["plain", "optimised"])
@pytest.mark.parametrize("lanes", LANES)
def test_infinities_are_noticed(lanes: int, optimise: Optimise | None, cache: KernelCache) -> None:
    """No flag lets LLVM assume that numbers are finite: overflow, 0/0 and inf - inf are found in compiled code."""
    b = Builder()
    x = b.load("x0", "x")
    for i, value in enumerate((x, x * 1e200, x / x, x - x * 2.0)):
        truth: Node = apply("isfinite", value)
        b.store("out", i, value=apply("select", truth, integer(1), integer(0)))
    kernel = Kernel("finite", "lane", (Array("x", ()), Array("out", (4,), Kind.INT, Intent.OUT)), (), b.block())
    x_data = np.resize(np.array([1.0, 1e200, 0.0, np.inf, -np.inf, np.nan, -1e200, 5e-324]), 32)
    out = np.zeros((4, 32), np.int64)
    CpuBackend(cache, lanes).compile(kernel, "float64", 0, optimise)({"x": x_data, "out": out}, {}, (32,))
    with np.errstate(all="ignore"):
        expected = [np.isfinite(v) for v in (x_data, x_data * 1e200, x_data / x_data, x_data - 2 * x_data)]
    np.testing.assert_array_equal(out, expected)


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
