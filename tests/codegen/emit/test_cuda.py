"""The CUDA source compiles for two generations of GPUs; what it computes, the tests of the shim show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from codegen.backends.nvrtc import check_cuda
from codegen.builder import Builder
from codegen.emit.cuda import Layout, emit_cuda
from codegen.emit.names import ascii_identifier
from codegen.errors import CompilerBug, InputError
from codegen.ir import Kind, Node, node, real, variable
from codegen.primitives import apply
from codegen.program import Array, Function, Intent, Kernel, Scalar
from tests.codegen.emit.kernels import CASES, table, table_kernel

DTYPES = ("float64", "float32")
ARCHITECTURES = ("sm_80", "sm_90")


@pytest.fixture(scope="module", autouse=True)
def _nvrtc() -> None:
    pytest.importorskip("cuda.bindings.nvrtc", reason="needs cuda-bindings and the NVRTC library")


def symbols(binary: bytes) -> str:
    return binary.decode("latin-1")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_every_case_compiles(name: str, dtype: str, architecture: str) -> None:
    case = CASES[name]()
    binary = check_cuda(emit_cuda(case.kernel, dtype, case.halo), architecture)
    assert binary.startswith(b"\x7fELF")
    assert Layout.of(case.kernel).symbol in symbols(binary)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_primitive_compiles(dtype: str, architecture: str) -> None:
    assert check_cuda(emit_cuda(table_kernel(table()), dtype), architecture)


def test_source_that_does_not_compile_is_our_bug_and_shows_the_log() -> None:
    with pytest.raises(CompilerBug, match=r'kernel\.cu\(1\): error: identifier "nonsense" is undefined'):
        check_cuda("__device__ int f() { return nonsense; }")


def test_an_unknown_architecture_is_the_callers_error() -> None:
    with pytest.raises(InputError, match=r"NVRTC does not compile for 'sm_1'; choose one of .*sm_90"):
        check_cuda("", "sm_1")


def test_parameters_stand_in_the_documented_order() -> None:
    case = CASES["lattice"]()
    text = emit_cuda(case.kernel)
    inside = text[text.index("wave(") + 5 : text.index(") {", text.index("wave("))]
    assert [" ".join(p.split()) for p in inside.split(",")] == [
        "long long site_first",
        "long long site_last",
        "long long site_stride",
        "long long row_extent",
        "const real* __restrict__ u",
        "real* __restrict__ v",
        "real* __restrict__ w",
        "real* __restrict__ of_row",
        "real* __restrict__ energy",
        "long long rows",
        "real h",
        "real inverse_dx2",
    ]


def test_every_thread_of_a_block_reaches_the_barrier() -> None:
    """A barrier stands outside every condition, and nothing returns before it."""
    text = emit_cuda(CASES["ensemble"]().kernel)
    kernel = text[text.index("extern") :]
    assert "return" not in kernel
    depth = {line.strip(): len(line) - len(line.lstrip()) for line in kernel.splitlines()}
    assert depth["sym_block_sum(&energy[0], energy_sum);"] == depth["if (run < run_last) {"]


def text_of(value: Node, dtype: str = "float64") -> str:
    b = Builder()
    b.store("out", value=value)
    kernel = Kernel("k", "lane", (Array("out", (), intent=Intent.OUT),), (Scalar("x"), Scalar("y")), b.block())
    return re.findall(r"out\[\(sym_place\)\(lane\)\] = (.*);", emit_cuda(kernel, dtype))[0]


def raw(op: str, *args: Node) -> Node:
    """Without folding."""
    return node(op, args, Kind.REAL)


x, y = variable("x"), variable("y")


@pytest.mark.parametrize(
    ("value", "double", "single"),
    [
        (real(0.1), "0.1", "0.1f"),
        (real(1e-5) * x, "1e-05 * x", "1e-05f * x"),
        (real(float("inf")), "sym_infinity()", "sym_infinity()"),
        (x - y * real(3.0), "x - 3.0 * y", "x - 3.0f * y"),
        (raw("neg", raw("mul", real(-0.5), x)), "0.5 * x", "0.5f * x"),
        (raw("neg", raw("div", raw("neg", x), y)), "x / y", "x / y"),
        (apply("select", apply("lt", x, y), x, y), "x < y ? x : y", "x < y ? x : y"),
        (apply("sin", x + y), "sin(x + y)", "sinf(x + y)"),
        (apply("min", x, y), "y < x ? y : x", "y < x ? y : x"),
    ],
)
def test_expressions_are_spelt_for_their_precision(value: Node, double: str, single: str) -> None:
    assert text_of(value) in (double, f"({double})")
    assert text_of(value, "float32") in (single, f"({single})")


def test_large_functions_are_called_and_small_ones_inlined() -> None:
    """Inlining everything makes kernels that take minutes to compile."""

    def kernel(terms: int) -> Kernel:
        value = x
        for _ in range(terms):
            value = apply("sin", value * value + x)
        b = Builder()
        (result,) = b.call(Function("f", (x,), (), (value,)), (real(1.0),))
        b.store("out", value=result)
        return Kernel("k", "lane", (Array("out", (), intent=Intent.OUT),), (), b.block())

    assert "__forceinline__ real f(" in emit_cuda(kernel(5))
    assert "__noinline__ real f(" in emit_cuda(kernel(500))


def test_letters_beyond_ascii_are_spelt_out() -> None:
    assert [ascii_identifier(name) for name in ("θ1", "Δx", "ħ", "x_é")] == ["theta1", "Deltax", "u0127", "x_u00e9"]
    assert emit_cuda(CASES["awkward_names"]().kernel).isascii()


def test_what_is_no_statement_is_refused() -> None:
    with pytest.raises(CompilerBug, match="CUDA printer met a str; lowering should have removed it"):
        emit_cuda(Kernel("k", "lane", (), (), ("not a statement",)))  # type: ignore[arg-type]


def test_the_header_of_the_shim_is_part_of_the_package() -> None:
    """It is read as a resource, so that an installed wheel has it too."""
    import codegen.emit

    assert (Path(codegen.emit.__file__).parent / "shim.h").is_file()
