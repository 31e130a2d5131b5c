"""Functions on a grid as sums of waves: which transform suits an axis, and its wave numbers.

A periodic axis takes exp(i k x) with k = 2 pi n / L; ends held at zero take sin(pi n (x - start) / L), of which the
interior points are enough (DST-I); ends without slope take cos(pi n (x - start) / L), ends included (DCT-I).
Trefethen, "Spectral Methods in MATLAB", chapters 3 and 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from symphys.discretise.grid import Axis
from symphys.errors import InputError

TRANSFORMS = {"periodic": "fourier", "dirichlet": "sine", "neumann": "cosine", "absorbing": "cosine"}


def transform_of(axis: Axis) -> str:
    """The transform whose waves obey the boundary: "fourier", "sine" or "cosine"; InputError where there is none."""
    if reason := why_no_waves((axis,)):
        raise InputError(f"{reason}; take ends of one kind, or differences and a method without waves")
    return TRANSFORMS[axis.ends[0]]


def why_no_waves(axes: Sequence[Axis]) -> str:
    """Why functions on these axes are no sums of waves; empty where they are."""
    for axis in axes:
        if len({TRANSFORMS[end] for end in axis.ends}) > 1:
            return f"one end of {axis.coordinate} is held and the other is not, which no sines or cosines obey"
    return ""


def wave_numbers(axis: Axis) -> NDArray[np.float64]:
    """[modes], k of each wave, in radians per unit of the coordinate; for sines and cosines not negative.

    Sines have count - 2 modes, which stand for the interior points; the others as many as points.
    """
    kind, n = transform_of(axis), axis.count
    if kind == "fourier":
        return np.asarray(2.0 * np.pi * scipy.fft.fftfreq(n, d=axis.spacing))
    length = axis.stop - axis.start
    first, last = (1, n - 1) if kind == "sine" else (0, n)
    return np.asarray(np.pi * np.arange(first, last, dtype=np.float64) / length)


def waves_along(values: NDArray[Any], kind: str, place: int, back: bool = False) -> NDArray[Any]:
    """The amplitudes of the waves of a transform ("fourier", "sine", "cosine") along an axis, or the values of such
    amplitudes; sines and cosines by the conventions of SciPy's DST-I and DCT-I, of numbers that may be complex.

    On a device, sines and cosines are those of the odd and even continuation, whose Fourier transform knows no others.
    """
    fft = fourier_of(values)
    made: NDArray[Any]
    if kind == "fourier":
        made = (fft.ifft if back else fft.fft)(values, axis=place)
        return made
    if fft is scipy.fft:
        forward, inverse = (fft.dst, fft.idst) if kind == "sine" else (fft.dct, fft.idct)
        return (inverse if back else forward)(values, type=1, axis=place)
    moved = np.moveaxis(values, place, -1)
    n = moved.shape[-1]
    if kind == "sine":
        edge = np.zeros_like(moved[..., :1])
        whole = np.concatenate([edge, moved, edge, -moved[..., ::-1]], axis=-1)
        made = 1j * fft.fft(whole)[..., 1 : n + 1]
    else:
        whole = np.concatenate([moved, moved[..., 1:-1][..., ::-1]], axis=-1)
        made = fft.fft(whole)[..., :n]
    return np.moveaxis(made / whole.shape[-1] if back else made, -1, place)


def derivative(values: NDArray[Any], axes: Sequence[Axis], orders: Sequence[int]) -> NDArray[Any]:
    """The mixed derivative of a function [..., *grid] by its waves, `orders` along each axis.

    A single wave at the highest wave number of a periodic axis has no odd derivative on the grid, and gets none.
    Functions on axes that are not periodic are taken to obey the boundary: zero, or without slope, at the ends.
    """
    out = values
    for position, (axis, order) in enumerate(zip(axes, orders, strict=True)):
        if order:
            out = _along(out, axis, order, position - len(axes))
    return out


def _along(values: NDArray[Any], axis: Axis, order: int, place: int) -> NDArray[Any]:
    kind, k = transform_of(axis), wave_numbers(axis)
    moved = np.moveaxis(values, place, -1)
    result: NDArray[Any]
    if kind == "fourier":
        factor = (1j * k) ** order
        if order % 2 and axis.count % 2 == 0:
            factor[axis.count // 2] = 0.0
        result = _filtered(moved, factor)
        if not np.iscomplexobj(values):
            result = result.real
    else:
        result = _mirrored(moved, kind, order, axis)
    return np.moveaxis(result, -1, place)


def _mirrored(values: NDArray[Any], kind: str, order: int, axis: Axis) -> NDArray[Any]:
    """The derivative of the periodic continuation, odd for sines and even for cosines."""
    inner = values[..., 1:-1][..., ::-1]
    whole = np.concatenate([values, -inner if kind == "sine" else inner], axis=-1)
    n = whole.shape[-1]
    k = 2.0 * np.pi * scipy.fft.fftfreq(n, d=axis.spacing)
    factor = (1j * k) ** order
    if order % 2:
        factor[n // 2] = 0.0
    result = _filtered(whole, factor)
    if not np.iscomplexobj(values):
        result = result.real
    return result[..., : axis.count]


def _filtered(values: NDArray[Any], factor: NDArray[Any]) -> NDArray[Any]:
    """Values whose waves along the last axis are multiplied by a factor each."""
    fft = fourier_of(values)
    result: NDArray[Any] = fft.ifft(np.asarray(factor, like=values) * fft.fft(values))
    return result


def fourier_of(values: Any) -> Any:
    """The module of Fourier transforms that suits an array: SciPy's on the host, where it is faster; else NumPy's,
    which hands arrays of a device to their own library."""
    return np.fft if hasattr(values, "__cuda_array_interface__") else scipy.fft
