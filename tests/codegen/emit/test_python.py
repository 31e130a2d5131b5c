"""The Python that users read is the kernel: as plain Python and under Numba it gives what the interpreter gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from codegen.builder import Builder
from codegen.emit.python import emit_python
from codegen.errors import CompilerBug
from codegen.interpret import evaluate
from codegen.ir import Kind, Node, node, real, variable
from codegen.primitives import apply
from codegen.program import Array, Intent, Kernel, Scalar
from codegen.spec import check_kernel
from tests.codegen.emit.exact import SCALARS, expressions, inputs
from tests.codegen.emit.kernels import CASES, table, table_data, table_kernel
from tests.codegen.emit.running import assert_random_kernel, assert_same, reference, run_python
from tests.codegen.strategies import Case as RandomCase
from tests.codegen.strategies import random_kernels

DTYPES = ("float64", "float32")


@pytest.mark.parametrize("name", CASES)
def test_the_cases_are_legal(name: str) -> None:
    check_kernel(CASES[name]().kernel)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_plain_python_gives_what_the_interpreter_gives(name: str, dtype: str) -> None:
    """40 steps of 5 operations are right to 100 units; the energy drifts no further than its terms."""
    case = CASES[name]()
    arrays = case.arrays(dtype)
    run_python(case.kernel, arrays, case.scalars, case.extents, dtype, case.halo)
    assert_same(arrays, reference(case, dtype), case.kernel, 100)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["ensemble", "control"])
def test_numba_gives_what_the_interpreter_gives(name: str, dtype: str) -> None:
    """Tolerance as for plain Python."""
    case = CASES[name]()
    arrays = case.arrays(dtype)
    run_python(case.kernel, arrays, case.scalars, case.extents, dtype, case.halo, numba=True)
    assert_same(arrays, reference(case, dtype), case.kernel, 100)


def test_a_part_of_the_instances_runs() -> None:
    case = CASES["ensemble"]()
    arrays = case.arrays("float64")
    run_python(case.kernel, arrays, case.scalars, case.extents, "float64", first=5, last=50)
    assert_same(arrays, reference(case, "float64", first=5, last=50), case.kernel, 100)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_primitive_to_the_tolerance_of_its_row(dtype: str) -> None:
    """The table is the list of tests: a new row is tested by being there."""
    entries = table()
    kernel = table_kernel(entries)
    arrays = table_data(entries, dtype, 40, special=False)
    run_python(kernel, arrays, {}, (40,), dtype)
    for e, entry in enumerate(entries):
        given_ = [
            arrays["x"][e, i]
            if kind is Kind.REAL
            else arrays["n"][e, i] > 0
            if kind is Kind.BOOL
            else arrays["n"][e, i]
            for i, kind in enumerate(entry.kinds)
        ]
        with np.errstate(all="ignore"):
            expected = np.asarray(entry.row.meaning(*given_))
        found = arrays["reals" if entry.result is Kind.REAL else "integers"][e]
        tolerance = entry.row.ulp * np.spacing(np.abs(expected.astype(dtype))) if entry.result is Kind.REAL else 0
        assert np.all(np.abs(found - expected) <= tolerance), (entry.row.name, entry.kinds)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_hyperbolic_secant_goes_to_zero_where_its_cosine_leaves_the_numbers(dtype: str) -> None:
    """Plain Python raises there (`math.cosh(711.0)`), where every other language has infinity."""
    b = Builder()
    b.store("out", value=apply("sech", b.load("at", "x")))
    kernel = Kernel("k", "lane", (Array("x", ()), Array("out", (), intent=Intent.OUT)), (), b.block())
    x = np.array([0.0, -1.5, 80.0, 711.0, -744.0, 1e5, np.inf, -np.inf, np.nan], dtype)
    arrays = {"x": x, "out": np.ones_like(x)}
    run_python(kernel, arrays, {}, x.shape, dtype)
    (expected,) = evaluate((apply("sech", variable("x")),), {"x": x.astype(np.float64)})
    np.testing.assert_allclose(
        arrays["out"], expected, rtol=5 * np.finfo(dtype).eps, atol=np.finfo(dtype).smallest_subnormal
    )


@given(expressions(), inputs())
@settings(max_examples=60)
def test_dropping_parentheses_and_naming_shared_parts_changes_no_bit(roots: tuple[Node, ...], values: dict) -> None:
    """On operations that IEEE 754 rounds exactly there is one right answer, however the expression is written."""
    b = Builder()
    for i, root in enumerate(roots):
        b.store("out", i, value=root)
    scalars = {name: float(value) for name, value in values.items()}
    kernel = Kernel("k", "lane", (Array("out", (len(roots),), intent=Intent.OUT),), SCALARS, b.block())
    for dtype in DTYPES:
        arrays = {"out": np.zeros((len(roots), 1), dtype)}
        run_python(kernel, arrays, scalars, (1,), dtype)
        real_ = np.dtype(dtype).type
        known = {s.name: real_(scalars[s.name]) if s.kind is Kind.REAL else int(scalars[s.name]) for s in SCALARS}
        expected = [float(v) for v in evaluate(roots, known, real_)]
        np.testing.assert_array_equal(arrays["out"][:, 0], expected)


@pytest.mark.parametrize("dtype", DTYPES)
@given(case=random_kernels())
@settings(max_examples=25)
def test_random_kernels_give_what_the_interpreter_gives(case: RandomCase, dtype: str) -> None:
    """To the tolerance of `rounding`: what errors of a few units in every operation do to the result."""

    def run(arrays: dict[str, np.ndarray]) -> None:
        run_python(case.kernel, arrays, case.scalars, case.extents, dtype, case.halo)

    assert_random_kernel(case, dtype, run)


def source_of(*values: Node) -> list[str]:
    """The lines that store values, without what stands around them."""
    b = Builder()
    for value in values:
        b.store("out", value=value)
    kernel = Kernel("k", "lane", (Array("out", (), intent=Intent.OUT),), (), b.block())
    text = emit_python(kernel).split("range(first, last):\n")[1]
    return [line.strip().replace("out[lane] = ", "") for line in text.splitlines()]


x, y, z = (variable(name) for name in "xyz")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (x + apply("sin", y) * 2, "x + 2.0 * math.sin(y)"),
        (x - (y - z), "x - (y - z)"),
        (x / (y * z), "x / (y * z)"),
        (-(x / y) * apply("sin", z), "-x / y * math.sin(z)"),
        ((x + y) * z, "z * (x + y)"),
        (node("add", (x, real(-1.5)), Kind.REAL), "x - 1.5"),
        (apply("select", apply("lt", x, y), x + 1.0, y), "x + 1.0 if x < y else y"),
        (apply("not", apply("lt", x, y)), "not x < y"),
        (
            apply("or", apply("and", apply("lt", x, y), apply("lt", y, z)), apply("le", z, x)),
            "x < y and y < z or z <= x",
        ),
        (apply("pow", x, y + z), "np.power(x, y + z)"),
    ],
)
def test_expressions_read_as_people_write_them(value: Node, text: str) -> None:
    assert source_of(value) == [text]


def test_only_what_is_used_twice_gets_a_name() -> None:
    s = apply("sin", x)
    assert source_of(s * y + apply("cos", x), s + z) == ["t0 = math.sin(x)", "y * t0 + math.cos(x)", "z + t0"]


def test_a_register_that_changes_is_read_anew() -> None:
    """sin(x) before and after an assignment are two values."""
    b = Builder()
    register = b.register("r", b.load("r0", "out"))
    b.store("out", value=apply("sin", register) + apply("sin", register) * register)
    b.assign(register, register + 1.0)
    b.store("out", value=apply("sin", register))
    kernel = Kernel("k", "lane", (Array("out", (), intent=Intent.INOUT),), (), b.block())
    arrays = {"out": np.array([0.3])}
    run_python(kernel, arrays, {}, (1,), "float64")
    assert arrays["out"][0] == pytest.approx(np.sin(1.3), rel=1e-15)


def test_lines_stay_short() -> None:
    """A long sum is cut into named parts."""
    total: Node = real(0.0)
    for i in range(60):
        total = total + variable(f"a_rather_long_name_{i}") * variable(f"another_name_{i}")
    lines = source_of(total)
    assert max(map(len, lines)) <= 110
    assert len(lines) > 10
    scalars = tuple(Scalar(f"a_rather_long_name_{i}") for i in range(60))
    text = emit_python(Kernel("k", "lane", (), scalars, ()))
    assert max(map(len, text.splitlines())) <= 110
    compile(text, "<kernel>", "exec")


def test_what_is_no_statement_is_refused_with_the_floor_that_let_it_through() -> None:
    kernel = Kernel("k", "lane", (), (), ("not a statement",))  # type: ignore[arg-type]
    with pytest.raises(CompilerBug, match="Python printer met a str; lowering should have removed it"):
        emit_python(kernel)


def test_what_is_no_primitive_is_refused() -> None:
    with pytest.raises(CompilerBug, match="'jet', which is no primitive"):
        source_of(node("jet", (x,), Kind.REAL))
