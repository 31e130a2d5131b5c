"""Every real primitive of the table in vector code, against results in forty digits and the special values of C99."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

from codegen.backends.cpu import CpuBackend
from codegen.builder import Builder
from codegen.cache import KernelCache
from codegen.ir import Kind, Node, variable
from codegen.primitives import PRIMITIVES, apply
from codegen.program import Array, Intent, Kernel

DTYPES = ("float64", "float32")
LANES = (1, 16)
REAL_ROWS = {
    n: row for n, row in PRIMITIVES.items() if row.result in (None, Kind.REAL) and set(row.kinds) <= {Kind.REAL, None}
}
UNARY = tuple(name for name, row in REAL_ROWS.items() if len(row.kinds) == 1)
BINARY = tuple(name for name, row in REAL_ROWS.items() if len(row.kinds) == 2)
EXACT: dict[str, Any] = {
    "neg": lambda a: -a, "abs": abs, "round": mpmath.nint, "min": min, "max": max, "pow": mpmath.power,
    "add": mpmath.fadd, "sub": mpmath.fsub, "add_exact": mpmath.fadd, "sub_exact": mpmath.fsub, "mul": mpmath.fmul,
    "div": mpmath.fdiv, "rsqrt": lambda a: 1 / mpmath.sqrt(a),
}  # fmt: skip


def arguments(dtype: str) -> np.ndarray:
    """Ordinary, large, tiny and subnormal numbers of both signs, the ends of exp, neighbours of multiples of pi/2."""
    real, limits = np.dtype(dtype).type, np.finfo(dtype)
    subnormal, tiny = float(limits.smallest_subnormal), float(limits.tiny)
    points = [0.0, subnormal, 3 * subnormal, tiny / 2, tiny, 1e-30, float(limits.eps), float(limits.eps) / 4, 1e-3]
    points += [0.1, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0, 2.5, 9.5, 10.0, 19.9, 20.0, 22.0, 50.0, 1e5, 1e18, 3e37]
    points += [float(limits.max), math.inf]
    edges = [k * math.pi / 2 for k in (1, 2, 3, 7, 100, 12345, 5e9, 1e11)]
    edges += [1.0, 2.0**17, 2.0**45, math.log(float(limits.max)), -math.log(tiny), -math.log(subnormal)]
    edges += [-math.log(subnormal) + math.log(2.0), math.log(float(limits.max)) + math.log(2.0)]
    for edge in edges:
        middle = real(edge)
        points += [middle, np.nextafter(middle, real(np.inf)), np.nextafter(middle, real(0.0))]
    rng = np.random.default_rng(1)
    drawn = [rng.normal(size=150), rng.uniform(0, 1, 100), 10.0 ** rng.uniform(-9, 9, 150), rng.uniform(0, 90, 100)]
    positive = np.concatenate([np.array(points, dtype), *drawn]).astype(dtype)
    mixed = rng.permutation(np.concatenate([positive, -positive]))  # lanes of the slow and of the fast path together
    return np.concatenate([mixed, [np.nan]]).astype(dtype)


def pairs(dtype: str) -> np.ndarray:
    """Pairs of arguments [2, n]: all of a few special numbers, and random ones."""
    few = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 1e-30, 3e30, np.inf, -np.inf, np.nan])
    rng = np.random.default_rng(2)
    grid = np.array(np.meshgrid(few, few)).reshape(2, -1)
    return np.hstack([grid, rng.normal(size=(2, 150)) * 3, np.abs(rng.normal(size=(2, 150)))]).astype(dtype)


def kernel_of(names: tuple[str, ...], arity: int, shared: bool) -> Kernel:
    """out[i] = primitive i of x[0], x[1]; `shared` arguments let sine and cosine be computed together."""
    b = Builder()
    loaded = [b.load("x", "x", i) for i in range(arity)]
    for i, name in enumerate(names):
        if not shared:
            loaded = [b.load("x", "x", j) for j in range(arity)]
        b.store("out", i, value=apply(name, *loaded))
    arrays = (Array("x", (arity,)), Array("out", (len(names),), intent=Intent.OUT))
    return Kernel("primitives", "lane", arrays, (), b.block())


def run(backend: CpuBackend, names: tuple[str, ...], x: np.ndarray, lanes: int, shared: bool = False) -> np.ndarray:
    """Each primitive on arguments [arity, n] -> [primitive, n]."""
    n = x.shape[1]
    padded = np.pad(x, [(0, 0), (0, -n % lanes)], constant_values=1.0)
    out = np.zeros((len(names), padded.shape[1]), x.dtype)
    backend.compile(kernel_of(names, len(x), shared), x.dtype.name)({"x": padded, "out": out}, {}, (n,))
    return out[:, :n]


@cache
def results(kind: str, dtype: str, lanes: int, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    x = arguments(dtype)[None] if kind == "unary" else pairs(dtype)
    names = UNARY if kind == "unary" else BINARY
    return x, run(CpuBackend(KernelCache(folder), lanes), names, x, lanes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kernels")


def error_in_units(name: str, values: np.ndarray, found: Any) -> float:
    """The distance from the exact result in units in the last place of its rounding to the dtype."""
    with mpmath.workdps(40):
        exact = (EXACT.get(name) or getattr(mpmath, name))(*(mpmath.mpf(float(v)) for v in values))
        unit = float(np.spacing(np.abs(np.asarray(float(exact)).astype(values.dtype))))
        return float(abs(mpmath.mpf(float(found)) - exact) / unit)


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY + BINARY)
def test_a_primitive_is_right_to_the_units_of_its_row(name: str, dtype: str, lanes: int, folder: Path) -> None:
    """Where arguments and result are finite and not zero, within `ulp` of the exact result; elsewhere what the meaning
    says, signs of zeros and infinities included (C99, annex F). NumPy's own float32 functions overflow where the result
    rounds to infinity, as ours must."""
    kind, names = ("unary", UNARY) if name in UNARY else ("binary", BINARY)
    x, out = results(kind, dtype, lanes, folder)
    found = out[names.index(name)]
    row = PRIMITIVES[name]
    with np.errstate(all="ignore"):
        meant = np.asarray(row.meaning(*x), dtype)
    ordinary = np.isfinite(meant) & (meant != 0) & np.all(np.isfinite(x) & (x != 0), axis=0)
    same = (found == meant) & (np.signbit(found) == np.signbit(meant)) | np.isnan(found) & np.isnan(meant)
    tiny = float(np.finfo(dtype).smallest_subnormal)
    for i in np.flatnonzero(~same):
        # a result that rounds to zero or to the smallest number may be either; but a zero has the sign that is meant
        underflows = abs(meant[i]) <= tiny and found[i] != 0 and np.all(x[:, i] != 0)
        close = np.isfinite(found[i]) and (ordinary[i] or underflows)
        assert close, f"{name}{tuple(x[:, i])} is {found[i]}, not {meant[i]}"
        units = error_in_units(name, x[:, i], found[i])
        assert units <= max(row.ulp, 0.5), f"{name}{tuple(x[:, i])} is off by {units} units"
    assert ordinary.sum() > 100


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_reciprocal_root_is_right_where_the_processor_has_no_estimate(dtype: str, tmp_path: Path) -> None:
    x = arguments(dtype)
    backend = CpuBackend(KernelCache(tmp_path), 16, frozenset())
    (found,) = run(backend, ("rsqrt",), x[None], 16)
    with np.errstate(all="ignore"):
        meant = (1.0 / np.sqrt(x)).astype(dtype)
    ordinary = np.isfinite(meant) & (meant != 0)
    np.testing.assert_array_equal(found[~np.isfinite(meant)], meant[~np.isfinite(meant)])
    for i in np.flatnonzero(ordinary):
        assert error_in_units("rsqrt", x[i : i + 1], found[i]) <= PRIMITIVES["rsqrt"].ulp


def test_the_table_is_covered() -> None:
    """A primitive that nobody thought of is found: what is left takes integers or truth."""
    left = {n for n in PRIMITIVES if n not in UNARY + BINARY}
    assert all({Kind.INT, Kind.BOOL} & {*PRIMITIVES[n].kinds, PRIMITIVES[n].result} for n in left)
    assert {"sin", "exp", "log", "tanh"} <= set(UNARY)
    assert {"pow", "atan2", "min"} <= set(BINARY)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("far", [0, 7, 15])
def test_one_lane_past_the_reach_disturbs_no_other(dtype: str, far: int, folder: Path) -> None:
    """A lane at 1e18 sends all sixteen to the scalar library; within 2 units each way, whichever way they went."""
    x = np.linspace(-3, 3, 16).astype(dtype)[None]
    x[0, far] = 1e18
    for name, found in zip(
        ("sin", "cos"), run(CpuBackend(KernelCache(folder), 16), ("sin", "cos"), x, 16), strict=True
    ):
        assert max(error_in_units(name, x[:, i], found[i]) for i in range(16)) <= PRIMITIVES[name].ulp


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("lanes", LANES)
def test_sine_and_cosine_of_one_angle(dtype: str, lanes: int, folder: Path) -> None:
    """Both from one reduction, each to the units of its row; nan where it is nan alone."""
    x = arguments(dtype)[None]
    both = run(CpuBackend(KernelCache(folder), lanes), ("sin", "cos"), x, lanes, shared=True)
    np.testing.assert_array_equal(np.isnan(both), np.isnan(np.vstack([x - x, x - x])))
    for name, found in zip(("sin", "cos"), both, strict=True):
        for i in np.flatnonzero(np.isfinite(x[0])):
            assert error_in_units(name, x[:, i], found[i]) <= PRIMITIVES[name].ulp, (name, x[0, i])
    assert np.all(np.signbit(both[0][x[0] == 0]) == np.signbit(x[0][x[0] == 0]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sine_alone_is_right_where_it_is_steep_and_where_it_is_flat(dtype: str, folder: Path) -> None:
    """Its one polynomial reaches to pi/2, where three roundings meet: 1.7 units at the most over 200 000 angles."""
    if np.finfo(np.longdouble).eps > 2.0**-60:
        pytest.skip("no extended precision to compare with")
    rng = np.random.default_rng(8)
    near = rng.uniform(-1.6, 1.6, 100_000)
    x = np.concatenate([near, rng.uniform(-40.0, 40.0, 90_000), np.pi * rng.integers(-99, 99, 10_000)]).astype(dtype)
    (found,) = run(CpuBackend(KernelCache(folder), 16), ("sin",), x[None], 16)
    exact = np.sin(x.astype(np.longdouble))
    units = np.abs(found - exact) / np.spacing(np.abs(exact.astype(dtype)))
    assert units.max() < 1.75
    assert abs(np.mean((found - exact) * np.sign(exact)) / np.finfo(dtype).eps) < 0.01  # no bias


def _constant_kernel(value: Node) -> Kernel:
    b = Builder()
    b.store("out", value=value)
    return Kernel("constant", "lane", (Array("out", (), intent=Intent.OUT),), (), b.block())


@pytest.mark.parametrize(("value", "single"), [(1e300, math.inf), (-3.45e38, -math.inf), (0.1, 0.10000000149011612)])
def test_constants_are_rounded_to_the_precision(value: float, single: float, folder: Path) -> None:
    """1e300 is infinite in single precision, and no LLVM constant of it unless it is made so."""
    lane = apply("to_real", variable("lane", Kind.INT)) * 0.0
    kernel = _constant_kernel(apply("add_exact", lane, value))
    for dtype, wanted in (("float64", value), ("float32", single)):
        out = np.zeros(8, dtype)
        CpuBackend(KernelCache(folder), 8).compile(kernel, dtype)({"out": out}, {}, (8,))
        np.testing.assert_array_equal(out, wanted)
