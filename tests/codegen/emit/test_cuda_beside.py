"""Numbers that lie side by side are loaded together where they begin on a boundary of sixteen bytes."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import replace

import numpy as np
import pytest

from codegen.backends import get_backend
from codegen.backends.cuda import CudaBackend
from codegen.backends.nvrtc import check_cuda
from codegen.backends.shim import SEVERAL, ShimBackend
from codegen.builder import Builder
from codegen.emit.cuda import emit_cuda
from codegen.emit.cuda_beside import in_rows
from codegen.emit.cuda_together import Share
from codegen.ir import Kind, integer, variable
from codegen.program import Array, Intent, Kernel, Scalar
from tests.codegen.backends.stand_in import StandIn
from tests.codegen.emit.test_cuda_together import DTYPES, needs_compiler


def neighbours(moves: bool = False, step: int = 4) -> Kernel:
    """made = sum over a list of x (y + 2 z - w) of neighbours that lie in rows of four; `moves`: a place that changes;
    `step`: how far apart the rows begin."""
    count = Scalar("count", Kind.INT)
    lane = variable("lane", Kind.INT)
    b = Builder()
    total, place = b.register("total", 0.0), b.register("place", integer(0))
    with b.loop("k", 0, count.node) as k:
        j = b.load("j", "list", k, lane, kind=Kind.INT)
        at = step * j
        if moves:
            b.assign(place, j)
            at = step * place
        x, y, z = (b.load(f"near_{n}", "all", at + n if n else at) for n in range(3))
        w = b.load("near_w", "all", 3 + at)
        b.assign(total, total + x * (y + 2.0 * z - w))
    b.store("made", value=total)
    arrays = (
        Array("all", ("width",), instanced=False),
        Array("list", ("count", "lanes"), kind=Kind.INT, instanced=False, short=True),
        Array("made", (), intent=Intent.OUT),
    )
    return Kernel("near", "lane", arrays, (count, Scalar("width", Kind.INT), Scalar("lanes", Kind.INT)), b.block())


def given(dtype: str, offset: int) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Places that begin `offset` numbers past a boundary."""
    rng = np.random.default_rng(5)
    raw = np.zeros(4 * 20 + 16, dtype)
    lead = (-(raw.ctypes.data // raw.itemsize) % 4 + offset) % 4 + 4
    places = raw[lead : lead + 80]
    places[...] = rng.normal(size=80)
    listed = rng.integers(0, 20, (7, 6)).astype(np.int32)
    return {"all": places, "list": listed, "made": np.zeros(6, dtype)}, {"count": 7, "width": 80, "lanes": 6}


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("offset", [0, 1])
def test_rows_are_loaded_together_where_they_begin_on_a_boundary(dtype: str, offset: int) -> None:
    run = ShimBackend(schedule=replace(SEVERAL, parts=1)).compile(neighbours(), dtype)
    asked: list[Share] = []

    def library(share: Share) -> ctypes.CDLL:
        asked.append(share)
        return run.library(share)

    arrays, scalars = given(dtype, offset)
    expected, _ = given(dtype, offset)
    replace(run, library=library)(arrays, scalars, (6,))
    get_backend("reference").compile(neighbours(), dtype)(expected, scalars, (6,))
    assert asked == [Share(beside=offset == 0)]
    np.testing.assert_array_equal(arrays["made"], expected["made"])


@pytest.mark.parametrize("dtype", DTYPES)
def test_pieces_hold_what_sixteen_bytes_hold(dtype: str) -> None:
    text = emit_cuda(neighbours(), dtype, narrow=True, share=Share(beside=True))
    assert text.count("= sym_load_wide(") == (1 if dtype == "float32" else 2)
    assert "sym_load_wide" not in emit_cuda(neighbours(), dtype, narrow=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_of_places_that_change_or_begin_anywhere_are_left_alone(dtype: str) -> None:
    assert in_rows(neighbours(), dtype) == ("all",)
    assert in_rows(neighbours(moves=True), dtype) == ()
    assert in_rows(neighbours(step=3), dtype) == ()


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_agree_on_the_stand_in(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    monkeypatch.setitem(sys.modules, "cupy", StandIn())
    arrays, scalars = given(dtype, 0)
    expected, _ = given(dtype, 0)
    CudaBackend(schedule=SEVERAL).compile(neighbours(), dtype)(arrays, scalars, (6,))
    get_backend("reference").compile(neighbours(), dtype)(expected, scalars, (6,))
    np.testing.assert_allclose(arrays["made"], expected["made"], rtol=0, atol=float(100 * np.finfo(dtype).eps))


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_agree_on_a_gpu(dtype: str) -> None:
    arrays, scalars = given(dtype, 0)
    expected, _ = given(dtype, 0)
    CudaBackend(schedule=SEVERAL).compile(neighbours(), dtype)(arrays, scalars, (6,))
    get_backend("reference").compile(neighbours(), dtype)(expected, scalars, (6,))
    np.testing.assert_allclose(arrays["made"], expected["made"], rtol=0, atol=float(100 * np.finfo(dtype).eps))


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_compile(dtype: str, architecture: str) -> None:
    pytest.importorskip("cuda.bindings.nvrtc", reason="needs cuda-bindings and the NVRTC library")
    assert check_cuda(emit_cuda(neighbours(), dtype, 0, True, Share(parts=4, beside=True)), architecture)
