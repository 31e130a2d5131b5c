"""Fourier, sine and cosine transforms of whole arrays, planned once and called often, by the fastest library at hand.

Fourier transforms: FFTW for one axis and few points, where a call must be cheap; MKL where it is installed; else those
of SciPy, which also makes the sines and cosines.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Norm = Literal["backward", "forward"]
FEW = 1 << 15  # points up to which the cost of a call matters


def plan_transform(
    given: NDArray[Any], result: NDArray[Any], inverse: bool, kinds: tuple[str, ...], scaled: bool, threads: int
) -> Callable[[], None]:
    """A call that transforms complex `given` into `result`, which may be the same, as `program.Transform` means it."""
    if any(kind != "fourier" for kind in kinds):
        return _by_axes(given, result, inverse, kinds, scaled, threads)
    norm: Norm = "backward" if scaled else "forward"  # "forward" leaves the inverse unscaled
    same = given.ctypes.data == result.ctypes.data and given.flags.c_contiguous
    if same and given.size <= FEW and find_spec("pyfftw"):
        return _fftw(given, inverse, scaled)
    if same and find_spec("mkl_fft"):
        return _mkl(given, inverse, norm)
    transform = scipy.fft.ifftn if inverse else scipy.fft.fftn

    def call() -> None:
        result[...] = transform(given, workers=threads, norm=norm if inverse else "backward")

    return call


def _fftw(values: NDArray[Any], inverse: bool, scaled: bool) -> Callable[[], None]:
    """FFTW in place; planning writes into the array, which is put back."""
    library = import_module("pyfftw")
    kept = values.copy()
    direction = "FFTW_BACKWARD" if inverse else "FFTW_FORWARD"
    axes = tuple(range(values.ndim))
    plan = library.FFTW(values, values, axes=axes, direction=direction, flags=("FFTW_MEASURE",), threads=1)
    values[...] = kept
    if not (inverse and scaled):
        execute: Callable[[], None] = plan.execute
        return execute
    return lambda: plan(normalise_idft=True)


def _mkl(values: NDArray[Any], inverse: bool, norm: Norm) -> Callable[[], None]:
    """MKL in place."""
    library = import_module("mkl_fft")
    if inverse:
        return lambda: library.ifftn(values, out=values, norm=norm)
    return lambda: library.fftn(values, out=values)


def _by_axes(
    given: NDArray[Any], result: NDArray[Any], inverse: bool, kinds: tuple[str, ...], scaled: bool, threads: int
) -> Callable[[], None]:
    def call() -> None:
        values = given
        for axis, kind in enumerate(kinds):
            values = _along(values, axis, kind, inverse, scaled, threads)
        result[...] = values

    return call


def _along(values: NDArray[Any], axis: int, kind: str, inverse: bool, scaled: bool, threads: int) -> NDArray[Any]:
    norm: Norm = "backward" if scaled or not inverse else "forward"
    if kind == "fourier":
        transform = scipy.fft.ifft if inverse else scipy.fft.fft
        return np.asarray(transform(values, axis=axis, workers=threads, norm=norm))
    of_parts = {("sine", False): scipy.fft.dst, ("sine", True): scipy.fft.idst}
    of_parts |= {("cosine", False): scipy.fft.dct, ("cosine", True): scipy.fft.idct}
    return np.asarray(of_parts[kind, inverse](values, type=1, axis=axis, workers=threads, norm=norm))
