"""Lanes that go ways of their own: masks, gathers, idle lanes, calls, and sums that no optimiser may reorder."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from codegen.backends import Backend
from codegen.backends.cpu import CpuBackend
from codegen.backends.interface import Optimise
from codegen.backends.shim import COMPILERS, ShimBackend
from codegen.builder import Builder
from codegen.cache import KernelCache
from codegen.interpret import run_kernel
from codegen.ir import Kind, Node, integer, real, variable
from codegen.optimise.pipeline import optimise_kernel
from codegen.primitives import apply
from codegen.program import Array, Function, Intent, Kernel, Scalar
from codegen.spec import check_kernel
from tests.codegen.backends.test_cpu import DTYPES, LANES, SIZES, Arrays, lane, run_cpu


def check_exactly(
    cache: KernelCache,
    kernel: Kernel,
    arrays: Arrays,
    scalars: dict[str, float] | None = None,
    size: int = 5,
    rubbish: float = 0,
) -> Arrays:
    """The interpreter's result to the last bit, on every lane count and as CUDA: operations are exact."""
    check_kernel(kernel)
    scalars = scalars or {}
    expected = {name: a.copy() for name, a in arrays.items()}
    run_kernel(kernel, expected, scalars, (size,))
    backends: dict[str, Backend] = {f"{lanes} lanes": CpuBackend(cache, lanes) for lanes in LANES}
    if any(map(shutil.which, COMPILERS)):
        backends["the host shim"] = ShimBackend()
    for where, backend in backends.items():
        found = run_cpu(backend, kernel, arrays, scalars, (size,), rubbish=rubbish)
        for name, a in expected.items():
            np.testing.assert_array_equal(found[name], a, err_msg=f"{name} on {where}")
    return expected


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
