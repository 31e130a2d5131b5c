"""Transforms on the device: Fourier by cuFFT, planned once and called often; sines and cosines through them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from codegen.interpret_program import scale_of
from codegen.program import Transform


def plan_on_device(
    cupy: Any, source: Any, output: Any, step: Transform, extent: int, plans: dict[Any, Any]
) -> tuple[Callable[[], None], bool]:
    """A call that transforms `source` into `output`, as `program.Transform` means it, and whether a graph can hold it.

    The arrays hold neighbouring real and imaginary parts [..., >= 2 extent]; rows may be longer than `extent`. `plans`
    of cuFFT are kept by the caller for further calls on the same stream: making one costs more than to use it.
    """
    single = source.dtype == np.float32
    complex_kind = np.complex64 if single else np.complex128
    given, made = (a.view(complex_kind) for a in (source, output))
    shape = (*given.shape[:-1], extent)
    if all(kind == "fourier" for kind in step.kinds) and len(shape) <= 3:
        return _by_cufft(cupy, given, made, shape, step, plans), True

    def call() -> None:
        values = given[..., :extent]
        for axis, kind in enumerate(step.kinds):
            values = along(cupy, values, axis, kind, step.inverse)
        if step.inverse and not step.scaled:
            values = values * scale_of(shape, step.kinds)
        made[..., :extent] = values

    return call, False


def _by_cufft(
    cupy: Any, given: Any, made: Any, shape: tuple[int, ...], step: Transform, plans: dict[Any, Any]
) -> Callable[[], None]:
    """Rows longer than the extent are passed over by the plan itself."""
    cufft = cupy.cuda.cufft
    kind = cufft.CUFFT_C2C if given.dtype == np.complex64 else cufft.CUFFT_Z2Z
    key = (shape, given.shape, made.shape, kind)
    if key not in plans:
        plans[key] = cufft.PlanNd(shape, given.shape, 1, 1, made.shape, 1, 1, kind, 1, "C", len(shape) - 1, None)
    plan = plans[key]
    direction = cufft.CUFFT_INVERSE if step.inverse else cufft.CUFFT_FORWARD
    if not (step.inverse and step.scaled):
        return lambda: plan.fft(given, made, direction)
    inside, factor = made[..., : shape[-1]], 1.0 / scale_of(shape, step.kinds)

    def call() -> None:
        plan.fft(given, made, direction)
        cupy.multiply(inside, factor, out=inside)

    return call


def along(xp: Any, values: Any, axis: int, kind: str, inverse: bool) -> Any:
    """One axis, the inverse scaled. `xp` is CuPy, or NumPy, which says what the same lines compute.

    DST-I is the transform of the odd extension, DCT-I that of the even one (Britanak, Yip and Rao, Discrete Cosine and
    Sine Transforms, Academic Press 2007, section 2.2); each is its own inverse but for its scale.
    """
    if kind == "fourier":
        return (xp.fft.ifft if inverse else xp.fft.fft)(values, axis=axis)
    n = values.shape[axis]
    rows = xp.moveaxis(values, axis, -1)
    if kind == "sine":
        zero = xp.zeros((*rows.shape[:-1], 1), dtype=rows.dtype)
        extended = xp.concatenate([zero, rows, zero, -rows[..., ::-1]], axis=-1)
        found = 1j * xp.fft.fft(extended, axis=-1)[..., 1 : n + 1]
    else:
        found = xp.fft.fft(xp.concatenate([rows, rows[..., n - 2 : 0 : -1]], axis=-1), axis=-1)[..., :n]
    if inverse:
        found = found / scale_of((n,), (kind,))
    return xp.moveaxis(found, -1, axis)
