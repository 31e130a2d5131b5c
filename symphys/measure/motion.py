"""How far particles get: mean-square displacement and diffusion."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symphys.data import Frames
from symphys.errors import InputError, UnsupportedError
from symphys.measure.estimate import Estimate
from symphys.measure.read import chosen, correlated, images, read_frames, spacing

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MeanSquareDisplacement:
    """<|r(t + lag) - r(t)|^2> over particles and all starts t: `lag` [lags], `value` [lags] in squares of lengths."""

    lag: Floats
    value: Floats


def unwrap(frames: Frames) -> Frames:
    """The same frames with positions that go on where a particle leaves the box, instead of entering on the other side.

    Right as long as no particle moves by half of the box from frame to frame. Positions of symphys' own runs are never
    folded and need none of this. Raises `InputError` for frames without a box, `UnsupportedError` for a box that
    changes: then displacements of particles and of the box cannot be told apart.
    """
    frames = read_frames(frames)
    if frames.box is None:
        raise InputError("these frames have no box, so there is nothing to unwrap")
    if (frames.box != frames.box[0]).any():
        raise UnsupportedError("the box changes from frame to frame; unwrapping needs one box")
    steps = images(frames[1:], np.diff(frames.positions, axis=0)) if len(frames) > 1 else frames.positions[1:]
    places = np.concatenate([frames.positions[:1], frames.positions[0] + steps.cumsum(axis=0)])
    return dataclasses.replace(frames, positions=places)


def mean_square_displacement(
    frames: Frames, *, species: str | None = None, lags: int | None = None, relative: bool = False
) -> MeanSquareDisplacement:
    """The mean over the particles of a species (all by default) and over all starts.

    Positions must not be folded into the box, see `unwrap`. relative: to the centre of all particles, which a
    thermostat may let wander. lags: how many; by default half of the frames, as beyond too few starts are left. Raises
    `InputError` for uneven times and lags that there are not. By FFT, in time T log T:
    Calandrini, Pellegrini, Calligari, Hinsen, Kneller, Collection SFN 12 (2011) 201, doi:10.1051/sfn/201112010.
    """
    frames = read_frames(frames)
    step = spacing(frames)
    count = len(frames)
    lags = (count + 1) // 2 if lags is None else lags
    if not 1 <= lags <= count:
        raise InputError(f"lags = {lags}; {count} frames have 1 to {count}")
    own = frames.positions[:, chosen(frames, species)]
    if relative:
        own = own - frames.positions.mean(axis=1, keepdims=True)
    own = own - own.mean(axis=0)  # so that what is subtracted below is no larger than it must be
    squares = (own**2).sum(axis=2)
    # sum_t |r(t + m)|^2 + |r(t)|^2 over the starts that a lag m leaves, from running sums
    ends = np.concatenate([np.zeros((1, squares.shape[1])), squares.cumsum(axis=0)])
    m = np.arange(lags)
    sums = (ends[count] - ends[m]) + ends[count - m]
    value = sums / (count - m)[:, None] - 2 * correlated(own, lags).sum(axis=2)
    return MeanSquareDisplacement(np.asarray(m * step), np.maximum(value.mean(axis=1), 0.0))


def diffusion(
    frames: Frames,
    window: tuple[float, float],
    *,
    species: str | None = None,
    blocks: int = 5,
    relative: bool = False,
) -> Estimate:
    """D = lim <|r(t) - r(0)|^2> / (2 dim t), from the slope within a window of lags, with its error bar.

    window: (first, last) lag of the fit, where the displacement has become linear. The frames are cut into blocks, of
    which each gives a slope; value and error are the mean of these and its standard error, so blocks must be longer
    than what is correlated. Raises `InputError` for uneven times and windows that do not fit a block. Einstein's
    relation: Allen, Tildesley, "Computer Simulation of Liquids", 2nd ed., section 2.7.
    """
    frames = read_frames(frames)
    step = spacing(frames)
    length = len(frames) // blocks if blocks > 1 else 0
    first, last = (round(edge / step) for edge in window)
    if blocks < 2 or not 0 <= first < last < length:
        raise InputError(
            f"the window {window} does not fit into {blocks} blocks of {length} frames at {step:g}; give two blocks or "
            "more, a first lag below the last, and blocks longer than that"
        )
    slopes = []
    for k in range(blocks):
        part = frames[k * length : (k + 1) * length]
        found = mean_square_displacement(part, species=species, lags=last + 1, relative=relative)
        slopes.append(np.polyfit(found.lag[first:], found.value[first:], 1)[0])
    values = np.array(slopes) / (2 * frames.positions.shape[2])
    return Estimate(float(values.mean()), float(values.std(ddof=1) / np.sqrt(blocks)), float(length))
