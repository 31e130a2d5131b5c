"""The CUDA source, run on the CPU, gives what the interpreter gives; and the other backends of the registry."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.backends import BACKENDS, get_backend
from codegen.backends import shim as shim_module
from codegen.backends.cuda import cuda_available
from codegen.backends.shim import ShimBackend
from codegen.builder import Builder
from codegen.errors import BackendUnavailableError, CompilerBug, InputError
from codegen.interpret import evaluate
from codegen.ir import Kind, Node, integer
from codegen.primitives import apply
from codegen.program import Array, Intent, Kernel, Scalar
from tests.codegen.emit.exact import SCALARS, expressions, inputs
from tests.codegen.emit.kernels import CASES, table, table_data, table_kernel
from tests.codegen.emit.running import assert_random_kernel, assert_same, compiled, reference
from tests.codegen.strategies import Case as RandomCase
from tests.codegen.strategies import random_kernels

DTYPES = ("float64", "float32")
needs_compiler = pytest.mark.skipif(not any(map(shutil.which, shim_module.COMPILERS)), reason="needs a C++ compiler")


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_every_case_gives_what_the_interpreter_gives(name: str, dtype: str) -> None:
    """100 units, as for Python; sums over blocks of 32, in trees, are closer to the truth than sums in order."""
    case = CASES[name]()
    run = ShimBackend().compile(case.kernel, dtype, case.halo)
    assert_same(compiled(run, case, dtype), reference(case, dtype), case.kernel, 100)


@needs_compiler
@pytest.mark.parametrize("block", [1, 7, 64])
def test_the_size_of_blocks_changes_nothing(block: int) -> None:
    case = CASES["ensemble"]()
    run = ShimBackend(block=block).compile(case.kernel)
    assert_same(compiled(run, case, "float64"), reference(case, "float64"), case.kernel, 100)


@needs_compiler
@pytest.mark.parametrize("name", ["ensemble", "lattice"])
def test_a_part_of_the_instances_runs(name: str) -> None:
    case = CASES[name]()
    run = ShimBackend().compile(case.kernel, "float64", case.halo)
    found, expected = (f(first=3, last=33) for f in (lambda **s: compiled(run, case, "float64", **s),
                                                    lambda **s: reference(case, "float64", **s)))  # fmt: skip
    assert_same(found, expected, case.kernel, 100)


@needs_compiler
def test_sums_are_added_to() -> None:
    case = CASES["ensemble"]()
    run = ShimBackend().compile(case.kernel)
    once, twice = case.arrays("float64"), case.arrays("float64")
    run(once, case.scalars, case.extents, last=40)
    run(twice, case.scalars, case.extents, last=40)
    energy = float(twice["energy"])
    fresh = case.arrays("float64")["q"]
    twice["q"][...] = fresh
    run(twice, case.scalars, case.extents, last=40)
    assert float(twice["energy"]) == pytest.approx(2 * energy, rel=1e-15)  # two blocks, rounded once each
    assert once["wide"][0] * 2 == twice["wide"][0]


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("special", [False, True])
def test_every_primitive_to_the_tolerance_of_its_row(dtype: str, special: bool) -> None:
    """At ordinary values, and (`special`) at zeros, infinities and nan, where the meaning says what comes out."""
    entries = table()
    kernel = table_kernel(entries)
    arrays = table_data(entries, dtype, 60, special)
    expected = {name: array.copy() for name, array in arrays.items()}
    ShimBackend().compile(kernel, dtype)(arrays, {}, (60,))
    get_backend("reference").compile(kernel, dtype)(expected, {}, (60,))
    for e, entry in enumerate(entries):
        name = "reals" if entry.result is Kind.REAL else "integers"
        found, wanted = arrays[name][e], expected[name][e]
        if entry.result is Kind.REAL:
            same = (found == wanted) | (np.isnan(found) & np.isnan(wanted))
            with np.errstate(all="ignore"):
                close = np.abs(found - wanted) <= entry.row.ulp * np.spacing(np.abs(wanted))
            assert np.all(same | close), (entry.row.name, arrays["x"][e][:, ~(same | close)], found, wanted)
        else:
            np.testing.assert_array_equal(found, wanted, err_msg=entry.row.name)


@needs_compiler
@given(st.lists(expressions(), min_size=4, max_size=6), inputs())
@settings(max_examples=3)
def test_random_expressions_agree_to_the_last_bit(drawn: list[tuple[Node, ...]], values: dict) -> None:
    """On operations that IEEE 754 rounds exactly there is one right answer; nothing is contracted or regrouped."""
    b = Builder()
    roots = tuple(root for some in drawn for root in some)
    for i, root in enumerate(roots):
        b.store("out", i, value=root)
    kernel = Kernel("k", "lane", (Array("out", (len(roots),), intent=Intent.OUT),), SCALARS, b.block())
    for dtype in DTYPES:
        arrays = {"out": np.zeros((len(roots), 1), dtype)}
        ShimBackend().compile(kernel, dtype)(arrays, values, (1,))
        real = np.dtype(dtype).type
        known = {s.name: real(values[s.name]) if s.kind is Kind.REAL else int(values[s.name]) for s in SCALARS}
        np.testing.assert_array_equal(arrays["out"][:, 0], [float(v) for v in evaluate(roots, known, real)])


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
@given(case=random_kernels())
@settings(max_examples=4)
def test_random_kernels_give_what_the_interpreter_gives(case: RandomCase, dtype: str) -> None:
    """To the tolerance of `rounding`: what errors of a few units in every operation do to the result."""
    run = ShimBackend().compile(case.kernel, dtype, case.halo)
    assert_random_kernel(case, dtype, lambda arrays: run(arrays, case.scalars, case.extents))


@needs_compiler
def test_arrays_of_different_lengths_are_padded_to_one() -> None:
    case = CASES["lattice"]()
    arrays = case.arrays("float64")
    arrays["w"] = np.ascontiguousarray(arrays["w"][:, :-3])
    expected = reference(case, "float64")
    ShimBackend().compile(case.kernel, "float64", case.halo)(arrays, case.scalars, case.extents)
    np.testing.assert_allclose(arrays["w"][:, 1:41], expected["w"][:, 1:41], rtol=1e-15)


@needs_compiler
def test_a_thread_that_misses_a_barrier_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted error: threads past the end return before the others wait."""
    case = CASES["ensemble"]()
    good = shim_module.emit_kernel

    def bad(*args: object, **options: object) -> str:
        return good(*args, **options).replace(
            "real energy_sum = 0;", "if (run >= run_last) return;\n    real energy_sum = 0;"
        )

    monkeypatch.setattr(shim_module, "emit_kernel", bad)
    run = ShimBackend().compile(case.kernel)
    with pytest.raises(CompilerBug, match="pendulums: threads leave a block in which others wait"):
        compiled(run, case, "float64")


@needs_compiler
def test_bounds_of_loops_may_be_choices_and_kernels_bear_the_names_of_arrays() -> None:
    """`i < a < 0 ? 3 : 0` would be another test than `i < (a < 0 ? 3 : 0)`."""
    b, longer = Builder(), Scalar("longer", Kind.INT)
    turns = apply("select", apply("lt", longer.node, integer(0)), integer(3), integer(0))
    total = b.register("total", 0.0)
    with b.loop("turn", 0, turns):
        b.assign(total, total + 1.0)
    b.store("rows", 0, value=total)
    kernel = Kernel("rows", "run", (Array("rows", (1,), intent=Intent.OUT),), (longer,), b.block())
    run = ShimBackend().compile(kernel)
    for value, count in ((-1, 3.0), (2, 0.0)):
        found = {"rows": np.full((1, 5), np.nan)}
        run(found, {"longer": value}, (5,))
        np.testing.assert_array_equal(found["rows"], count)


def test_arguments_that_do_not_fit_are_refused() -> None:
    case = CASES["ensemble"]()
    run = get_backend("reference").compile(case.kernel)
    arrays = case.arrays("float64")
    with pytest.raises(CompilerBug, match=r"array q must have shape \(2, '>= 90'\), not \(2, 80\)"):
        run(arrays, case.scalars, (90,))
    with pytest.raises(CompilerBug, match="array q must be contiguous float64, not float32"):
        run({**arrays, "q": arrays["q"].astype("float32")}, case.scalars, case.extents)
    with pytest.raises(CompilerBug, match="lacks the array energy"):
        run({k: v for k, v in arrays.items() if k != "energy"}, case.scalars, case.extents)
    with pytest.raises(CompilerBug, match="lacks the scalars h"):
        run(arrays, {k: v for k, v in case.scalars.items() if k != "h"}, case.extents)
    with pytest.raises(CompilerBug, match=r"instances 5 to 99 do not lie in run = 0 to 77"):
        run(arrays, case.scalars, case.extents, first=5, last=99)
    with pytest.raises(CompilerBug, match=r"ranges over run; it was given the extents \(2, 77\)"):
        run(arrays, case.scalars, (2, 77))


def test_an_unknown_backend_lists_the_choices() -> None:
    with pytest.raises(InputError, match="no backend is called 'gpu'; choose one of reference, cpu, cuda, cuda-shim"):
        get_backend("gpu")


def test_every_backend_bears_the_name_it_is_asked_for_by() -> None:
    for name in set(BACKENDS) - ({"cuda"} if not cuda_available() else set()):
        assert get_backend(name).name == name


def test_without_a_compiler_the_shim_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shim_module.shutil, "which", lambda name: None)
    with pytest.raises(BackendUnavailableError, match=r"needs a C\+\+ compiler"):
        ShimBackend()
