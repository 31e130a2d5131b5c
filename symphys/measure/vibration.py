"""How particles vibrate: the autocorrelation of velocities and its spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.data import Frames
from symphys.errors import InputError
from symphys.measure.read import chosen, correlated, read_frames, spacing, velocities_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class VelocityCorrelation:
    """<v(t) . v(t + lag)> over particles and starts: `lag` [lags], `value` [lags]; `normalised` is 1 at lag 0."""

    lag: Floats
    value: Floats

    @property
    def normalised(self) -> Floats:
        """[lags], by the mean square of the velocities: dimensionless."""
        return np.asarray(self.value / self.value[0])


@dataclass(frozen=True)
class Spectrum:
    """How the kinetic energy spreads over frequencies; its integral is one.

    frequency: [n], in cycles by unit of time; with times of `symphys.units`, frequency / units.per_cm is in 1/cm.
    density: [n], by unit of frequency.
    """

    frequency: Floats
    density: Floats


def velocity_autocorrelation(
    frames: Frames, *, species: str | None = None, lags: int | None = None
) -> VelocityCorrelation:
    """The mean over the particles of a species (all by default) and over all starts.

    lags: how many; by default half of the frames. Raises `InputError` for frames without velocities, uneven times and
    lags that there are not. Allen, Tildesley, "Computer Simulation of Liquids", 2nd ed., sections 2.7 and 8.3.
    """
    frames = read_frames(frames)
    step, count = spacing(frames), len(frames)
    lags = (count + 1) // 2 if lags is None else lags
    if not 1 <= lags <= count:
        raise InputError(f"lags = {lags}; {count} frames have 1 to {count}")
    own = velocities_of(frames)[:, chosen(frames, species)]
    return VelocityCorrelation(np.asarray(np.arange(lags) * step), correlated(own, lags).sum(axis=2).mean(axis=1))


def vibrational_spectrum(
    frames: Frames, *, masses: Any = None, species: str | None = None, resolution: float | None = None
) -> Spectrum:
    """The power spectrum of sqrt(m) v, the Fourier transform of its autocorrelation: the density of vibrations.

    masses: {species: mass} or [n]; equal ones by default, which is the same for a single species. resolution: of the
    frequency; frames are cut into overlapping segments as long as that asks for, whose spectra are averaged (Welch,
    IEEE Trans. Audio Electroacoust. 15 (1967) 70); by default eight segments. Raises `InputError` for frames without
    velocities, uneven times, and a resolution that the run is too short for. Berens, Mackay, White, Wilson, J. Chem.
    Phys. 79 (1983) 2375.
    """
    frames = read_frames(frames)
    step, count = spacing(frames, least=8), len(frames)
    length = max(8, 2 * count // 9) if resolution is None else round(1 / (resolution * step))
    if not 2 <= length <= count:
        raise InputError(
            f"a resolution of {resolution} takes segments of {length} frames, and there are {count}; the finest is "
            f"{1 / (count * step):g}"
        )
    which = chosen(frames, species)
    weights = np.ones(len(which)) if masses is None else frames.masses(masses)[which]
    own = (velocities_of(frames)[:, which] * np.sqrt(weights)[:, None]).reshape(count, -1)
    window = np.sin(np.pi * np.arange(length) / length)[:, None] ** 2  # Hann's
    starts = range(0, count - length + 1, max(1, length // 2))
    density = sum((np.abs(np.fft.rfft(window * own[i : i + length], axis=0)) ** 2).sum(axis=1) for i in starts)
    density = np.asarray(density, dtype=np.float64)
    density[1 : (length + 1) // 2] *= 2  # negative frequencies
    frequency = np.fft.rfftfreq(length, step)
    return Spectrum(np.asarray(frequency), np.asarray(density / np.trapezoid(density, frequency)))
