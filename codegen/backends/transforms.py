"""Fourier, sine and cosine transforms of whole arrays, planned once and called often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray


def plan_transform(
    given: NDArray[Any], result: NDArray[Any], inverse: bool, kinds: tuple[str, ...], threads: int
) -> Callable[[], None]:
    """A call that transforms complex `given` into `result`, which may be the same, as `program.Transform` means it."""
    if all(kind == "fourier" for kind in kinds):
        transform = scipy.fft.ifftn if inverse else scipy.fft.fftn

        def fourier() -> None:
            result[...] = transform(given, overwrite_x=False, workers=threads)

        return fourier

    def mixed() -> None:
        values = given
        for axis, kind in enumerate(kinds):
            values = _along(values, axis, kind, inverse, threads)
        result[...] = values

    return mixed


def _along(values: NDArray[Any], axis: int, kind: str, inverse: bool, threads: int) -> NDArray[Any]:
    if kind == "fourier":
        transform = scipy.fft.ifft if inverse else scipy.fft.fft
        return np.asarray(transform(values, axis=axis, workers=threads))
    of_parts = {("sine", False): scipy.fft.dst, ("sine", True): scipy.fft.idst}
    of_parts |= {("cosine", False): scipy.fft.dct, ("cosine", True): scipy.fft.idct}
    return np.asarray(of_parts[kind, inverse](values, type=1, axis=axis, workers=threads))
