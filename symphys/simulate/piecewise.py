"""Curves as polynomials of degree 5 on equal pieces.

A curve is interpolated at the Chebyshev-Lobatto points of each piece (Trefethen, "Approximation Theory and
Approximation Practice", chapters 2 and 17), so that it is continuous across them; the pieces are halved until what
they give between those points agrees with the curve.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.lower.frame import SIGNAL_DEGREE

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]
FIRST_PIECES = 8
MOST_PIECES = 2**18
MOST_PIECES_SCALAR = 2**14  # of functions that take one time at a call
WORTH_A_WARNING = 1e4  # times the accuracy: kinks of splines and of derivatives are resolved far better
ACCURACY = {"float64": 1e-12, "float32": 1e-7}
REFUSED = (TypeError, ValueError, AttributeError, IndexError, KeyError, NotImplementedError, ArithmeticError)
_UNSEEN = np.array([0.04, 0.2, 0.41, 0.62, 0.83, 0.97])  # places in a piece at which the fit is judged


@dataclass(frozen=True)
class Pieces:
    """Polynomials `coefficients` [pieces, 6] in the place 0..1 within pieces of `width` that start at `begin`."""

    coefficients: NDArray[np.float64]
    begin: float
    width: float

    def differentiated(self) -> Pieces:
        """The time derivative, of one degree less."""
        powers = np.arange(1, SIGNAL_DEGREE + 1)
        slopes = np.zeros_like(self.coefficients)
        slopes[:, :-1] = self.coefficients[:, 1:] * powers / self.width
        return Pieces(slopes, self.begin, self.width)


@dataclass(frozen=True)
class Source:
    """A signal as given: the curve, whether it takes arrays, where it is known, the spacing of even samples (or 0)."""

    name: str
    curve: Curve
    takes_arrays: bool
    known: tuple[float, float]
    spacing: float = 0.0


def reaches(source: Source, low: float, high: float) -> bool:
    """Whether a signal can be asked, and answers with finite numbers, at both ends."""
    if low < source.known[0] or source.known[1] < high:
        return False
    try:
        return bool(np.isfinite(source.curve(np.array([low, high]))).all())
    except REFUSED:
        return False


def fit(source: Source, low: float, high: float, accuracy: float) -> Pieces:
    """The polynomials of a signal between two times, from as few pieces as its accuracy allows."""
    curve = _extended(source, low, high)
    if source.spacing:  # the knots of the spline are ends of pieces: the polynomials are the spline's own
        begin = source.known[0] + source.spacing * np.floor((low - source.known[0]) / source.spacing)
        return interpolate(curve, begin, source.spacing, max(int(np.ceil((high - begin) / source.spacing - 1e-9)), 1))
    most = MOST_PIECES if source.takes_arrays else MOST_PIECES_SCALAR
    count = FIRST_PIECES
    while True:
        width = (high - low) / count
        pieces = interpolate(curve, low, width, count)
        error, allowed, worst = _judge(curve, pieces, accuracy)
        if error <= allowed:
            return pieces
        if count >= most:
            if error <= WORTH_A_WARNING * allowed:
                return pieces
            warnings.warn(
                f"the input signal {source.name} is known to {error:.1g} only, near t = {worst:.6g}: it jumps there or "
                f"turns too fast for {count} pieces over the run; divide the run there for full accuracy",
                stacklevel=4,
            )
            return pieces
        count *= 2


def _extended(source: Source, low: float, high: float) -> Curve:
    """The curve, continued along its tangent where it is not known; InputError where it is not finite between."""
    begin, end = max(low, source.known[0]), min(high, source.known[1])
    if begin == low and end == high:
        return lambda times: _finite(source, times)
    inside = 1e-6 * (end - begin)
    # the slope from inside alone: a signal need not be defined beyond
    edges = _finite(source, np.array([begin, begin + inside, end - inside, end]))
    slopes = (edges[1] - edges[0]) / inside, (edges[3] - edges[2]) / inside

    def curve(times: NDArray[np.float64]) -> NDArray[np.float64]:
        values = _finite(source, np.clip(times, begin, end))
        return values + slopes[0] * np.minimum(times - begin, 0.0) + slopes[1] * np.maximum(times - end, 0.0)

    return curve


def _finite(source: Source, times: NDArray[np.float64]) -> NDArray[np.float64]:
    try:
        values = source.curve(times)
    except REFUSED as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"the input signal {source.name} fails between t = {times.min():.6g} and {times.max():.6g}: {error!r}; "
            "give a function that is defined over t_span"
        ) from error
    if not np.isfinite(values).all():
        where = ~np.isfinite(values)
        raise InputError(
            f"the input signal {source.name} is not finite: it is {values[where].flat[0]} at "
            f"t = {times[where].flat[0]:.6g}; give a signal that is finite over t_span"
        )
    return values


def interpolate(curve: Curve, begin: float, width: float, count: int) -> Pieces:
    """Degree 5 through the six Chebyshev-Lobatto points of each piece, ends included."""
    places = 0.5 - 0.5 * np.cos(np.pi * np.arange(SIGNAL_DEGREE + 1) / SIGNAL_DEGREE)
    starts = begin + width * np.arange(count)
    values = curve(starts[:, None] + width * places)
    values[:-1, -1] = values[1:, 0]
    to_powers = np.linalg.inv(np.vander(places, increasing=True))
    coefficients = (values - values[:, :1]) @ to_powers.T  # so that constants stay exact
    coefficients[:, 0] = values[:, 0]
    return Pieces(coefficients, begin, width)


def _judge(curve: Curve, pieces: Pieces, accuracy: float) -> tuple[float, float, float]:
    """The largest error at unseen points, what is allowed, and where the error is largest."""
    starts = pieces.begin + pieces.width * np.arange(len(pieces.coefficients))
    times = starts[:, None] + pieces.width * _UNSEEN
    exact = curve(times)
    # Horner's rule, as kernels do it
    found = np.zeros_like(exact)
    for power in reversed(range(SIGNAL_DEGREE + 1)):
        found = found * _UNSEEN + pieces.coefficients[:, power, None]
    errors = np.abs(found - exact)
    worst = int(errors.argmax())
    # the times themselves are rounded, which moves a steep signal
    slope = np.abs(np.diff(exact, axis=1) / np.diff(_UNSEEN)).max() / pieces.width
    rounding = 8.0 * np.finfo(np.float64).eps * float(np.abs(times).max()) * slope
    return float(errors.flat[worst]), accuracy * float(np.abs(exact).max()) + rounding, float(times.flat[worst])
