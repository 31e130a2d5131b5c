"""What every measurement asks of frames before it begins."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.data import Frames
from symphys.errors import InputError

Floats = NDArray[np.float64]
EVEN = 1e-6  # by how much of a step times may stray and still count as evenly spaced


def read_frames(frames: Any) -> Frames:
    """The frames; InputError for what is none, with how to make them."""
    if not isinstance(frames, Frames):
        raise InputError(
            f"frames are a symphys.data.Frames, not {type(frames).__name__}; take run.frames(), or "
            "Frames(positions, species, box)"
        )
    return frames


def chosen(frames: Frames, species: str | None) -> NDArray[np.int64]:
    """The indices of the particles of a species, or all; InputError where there is none of it."""
    found = np.flatnonzero([species in (None, each) for each in frames.species])
    if not len(found):
        known = ", ".join(dict.fromkeys(frames.species))
        raise InputError(f"there are no particles of the species {species!r}; there are {known}")
    return found


def velocities_of(frames: Frames) -> Floats:
    """[frames, n, dim]; InputError where none were recorded."""
    if frames.velocities is None:
        raise InputError("these frames hold no velocities; take those of a run, or give Frames(..., velocities=...)")
    return frames.velocities


def spacing(frames: Frames, least: int = 2) -> float:
    """The time from frame to frame; InputError for missing or uneven times and for fewer than `least` frames."""
    if frames.times is None:
        raise InputError("these frames hold no times; give Frames(..., times=...)")
    if len(frames) < least:
        raise InputError(f"there are {len(frames)} frames; this needs at least {least}")
    steps = np.diff(frames.times)
    step = float(steps.mean())
    if step <= 0 or np.abs(steps - step).max() > EVEN * step:
        raise InputError(
            f"times from {frames.times[0]:g} to {frames.times[-1]:g} are not evenly spaced: steps go from "
            f"{steps.min():g} to {steps.max():g}; save evenly, or choose frames that are"
        )
    return step


def images(frames: Frames, displacements: Floats) -> Floats:
    """[frames, ..., dim] displacements to the nearest images, in frames that have a box.

    Exact for all that are shorter than half of the smallest distance between opposite faces, in boxes of any shape: the
    components of such a displacement along the edges are below one half.
    """
    if frames.box is None:
        return displacements
    inverse = np.linalg.inv(frames.box)
    counts = np.round(np.einsum("f...i,fij->f...j", displacements, inverse))
    return np.asarray(displacements - np.einsum("f...i,fij->f...j", counts, frames.box))


def correlated(series: Floats, lags: int) -> Floats:
    """[lags, ...], sum_t a(t) a(t + lag) / (number of terms) along the first axis, by FFT of the padded series."""
    count = len(series)
    spectrum = np.fft.rfft(series, n=2 * count, axis=0)
    sums = np.fft.irfft(spectrum * spectrum.conj(), n=2 * count, axis=0)[:lags]
    terms = count - np.arange(lags, dtype=np.float64)
    return np.asarray(sums / terms.reshape(-1, *[1] * (series.ndim - 1)))
