"""Fits of every kind on backend "cuda", by the stand-in for CuPy; `--backend` runs all tests of fits there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.gpu_fits import FITS
from tests.codegen.backends.stand_in import StandIn
from tests.codegen.backends.test_cuda import needs_compiler


@needs_compiler
@pytest.mark.parametrize("name", FITS)
def test_fits_find_what_the_cpu_finds(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """To 1e-9: rounding, enlarged by the few steps of a fit."""
    expected = FITS[name]("cpu")
    cupy = StandIn(folder=tmp_path)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    assert FITS[name]("cuda") == pytest.approx(expected, rel=1e-9)
    assert cupy.launches
