"""Input signals: functions, numbers or samples of the user's, as tables of polynomials that kernels evaluate.

A signal is interpolated by polynomials of degree 5 at Chebyshev-Lobatto points of equal pieces (Trefethen,
"Approximation Theory and Approximation Practice", chapters 2 and 17), so that it is continuous across them; the pieces
are halved until what they give between those points agrees with the signal.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy.core.function import AppliedUndef, Derivative

from symphys.errors import InputError
from symphys.language import t as time_symbol
from symphys.lower.flow import Flow
from symphys.lower.frame import SIGNAL_DEGREE, SignalTable
from symphys.mechanics.dynamics import Dynamics
from symphys.simulate.inputs import numbers, refuse_missing
from symphys.simulate.naming import plain_name

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]
FIRST_PIECES = 8
MOST_PIECES = 2**18
MOST_PIECES_SCALAR = 2**14  # of functions that take one time at a call
WORTH_A_WARNING = 1e4  # times the accuracy: kinks of splines and of derivatives are resolved far better
ACCURACY = {"float64": 1e-12, "float32": 1e-7}
_UNSEEN = np.array([0.04, 0.2, 0.41, 0.62, 0.83, 0.97])  # places in a piece at which the fit is judged
_REFUSED_ARRAY = (TypeError, ValueError, AttributeError, IndexError, KeyError, NotImplementedError, ArithmeticError)


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


def signal_functions(dynamics: Dynamics) -> tuple[Any, ...]:
    """The functions of time that a run must be given, whether they occur themselves or through a derivative."""
    return tuple(dict.fromkeys(_function_and_order(user)[0] for _, user in dynamics.signals))


def signal_tables(
    dynamics: Dynamics,
    flow: Flow,
    given: Mapping[Any, Any],
    span: tuple[float, float],
    dtype: np.dtype[Any],
    margin: float = 0.0,
) -> tuple[dict[str, NDArray[Any]], dict[str, float | int]]:
    """The tables of all signals: arrays and scalars of `lower.frame.SignalTable`, by name.

    given: for each signal a function u(t) (called with arrays where it takes them), an expression in `symphys.t`, a
    number, or samples (times, values), through which a spline of degree 5 is laid (3 where the times are not even or
    fewer than six, 1 for fewer than four).
    margin: how far beyond `span` integrators may look, as fixed-step splittings with negative times do; a signal that
    is not known there goes on along its tangent.

    Tables agree with smooth signals to 1e-12 of their largest value (1e-7 in float32); each differentiation loses two
    to three digits. A signal that jumps is resolved to 2^-18 of the span (2^-14 where it takes one time at a call), and
    a warning says how far the table is off; a run divided at the jump is exact. Raises InputError for signals that are
    missing, not finite, complex, given for each trajectory, or sampled over less than the span.
    """
    if not dynamics.signals:
        return {}, {}
    by_name = {plain_name(key): value for key, value in given.items()}
    functions = signal_functions(dynamics)
    missing = [f for f in functions if f not in given and plain_name(f) not in by_name]
    refuse_missing(missing, "input signal", given)
    low, high = min(span), max(span)
    fits: dict[Any, Pieces] = {}
    for function in functions:
        value = given[function] if function in given else by_name[plain_name(function)]
        source = read_signal(plain_name(function), value, (low, high))
        if margin and not _reaches(source, low - margin, high + margin):
            source = replace(source, known=(low, high))
        fits[function] = fit(source, low - margin, high + margin, ACCURACY[dtype.name])
    arrays: dict[str, NDArray[Any]] = {}
    scalars: dict[str, float | int] = {}
    for node, (_, user) in zip(flow.arguments.signals, dynamics.signals, strict=True):
        function, order = _function_and_order(user)
        pieces = fits[function]
        for _ in range(order):
            pieces = pieces.differentiated()
        table = SignalTable(str(node.attribute))
        arrays[table.array.name] = np.ascontiguousarray(pieces.coefficients, dtype=dtype)
        values = (len(pieces.coefficients), pieces.begin, 1.0 / pieces.width)
        scalars |= dict(zip((s.name for s in table.scalars), values, strict=True))
    return arrays, scalars


def _reaches(source: Source, low: float, high: float) -> bool:
    """Whether a signal can be asked, and answers with finite numbers, at both ends."""
    if low < source.known[0] or source.known[1] < high:
        return False
    try:
        return bool(np.isfinite(source.curve(np.array([low, high]))).all())
    except _REFUSED_ARRAY:
        return False


def _function_and_order(user: Any) -> tuple[Any, int]:
    return (user.expr, int(user.derivative_count)) if isinstance(user, Derivative) else (user, 0)


def read_signal(name: str, value: Any, span: tuple[float, float]) -> Source:
    """What the user gave for a signal, as a curve."""
    if isinstance(value, sympy.Basic) and not value.is_number:
        value = _function_of_expression(name, value)
    if isinstance(value, tuple | list) and len(value) == 2 and np.ndim(value[0]) == 1:
        return _sampled(name, value[0], value[1], span)
    if not callable(value):
        level = numbers("input signal", name, value)
        if level.ndim:
            raise InputError(
                f"the input signal {name} is an array of shape {level.shape}, but a signal is one function of time for "
                "all trajectories; give u(t), samples (times, values) or a number, and multiply it by a parameter that "
                "varies"
            )
        return Source(name, lambda times: np.full(times.shape, float(level)), True, (-np.inf, np.inf))
    curve, takes_arrays = _called(value, span)
    return Source(name, curve, takes_arrays, (-np.inf, np.inf))


def _function_of_expression(name: str, expression: Any) -> Any:
    if strange := (expression.free_symbols - {time_symbol}) | expression.atoms(AppliedUndef):
        names = ", ".join(sorted(str(s) for s in strange))
        raise InputError(f"the input signal {name} = {expression} holds {names}; give an expression in t alone")
    return sympy.lambdify(time_symbol, expression, "numpy")


def _sampled(name: str, times: Any, values: Any, span: tuple[float, float]) -> Source:
    from scipy.interpolate import make_interp_spline

    at = numbers("times of the input signal", name, times)
    samples = numbers("samples of the input signal", name, values)
    if samples.shape != at.shape or len(at) < 2:
        raise InputError(
            f"the input signal {name} has times of shape {at.shape} and values of shape {samples.shape}; "
            "give as many values as times, at least two"
        )
    if (np.diff(at) <= 0).any():
        raise InputError(f"the times of the input signal {name} must rise without repeating; sort them")
    slack = 1e-12 * (span[1] - span[0])
    if at[0] > span[0] + slack or at[-1] < span[1] - slack:
        raise InputError(
            f"the input signal {name} is sampled from t = {at[0]} to {at[-1]}, which does not cover the t_span from "
            f"{span[0]} to {span[1]}; give samples over all of it, or shorten t_span"
        )
    mean = (at[-1] - at[0]) / (len(at) - 1)
    even = bool(np.allclose(np.diff(at), mean, rtol=1e-9, atol=0.0))
    # through uneven times a spline of degree 5 swings far out
    degree = 5 if even and len(at) >= 6 else 3 if len(at) >= 4 else 1
    spline = make_interp_spline(at, samples, k=degree)
    # one spacing beyond the samples the spline is still the best that is known
    known = (float(2.0 * at[0] - at[1]), float(2.0 * at[-1] - at[-2]))
    return Source(name, spline, True, known, float(mean) if even else 0.0)


def _called(function: Callable[[Any], Any], span: tuple[float, float]) -> tuple[Curve, bool]:
    """A function of the user's on arrays, and whether it takes them itself."""

    def one_by_one(times: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([complex_refused(function(float(time))) for time in times.flat]).reshape(times.shape)

    def at_once(times: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array(np.broadcast_to(complex_refused(function(times)), times.shape), dtype=np.float64)

    probes = span[0] + (span[1] - span[0]) * np.array([0.0, 0.123, 0.5, 0.871, 1.0])
    try:
        seen = at_once(probes)
    except _REFUSED_ARRAY:
        return one_by_one, False
    alike = np.allclose(seen, one_by_one(probes), rtol=1e-12, atol=1e-300, equal_nan=True)
    return (at_once, True) if alike else (one_by_one, False)


def complex_refused(value: Any) -> NDArray[np.float64]:
    """A value as real floats; TypeError where it is complex or no number."""
    array = np.asarray(value)
    if np.iscomplexobj(array):
        raise InputError(f"the value {array.flat[0]} of an input signal is complex; give a real signal")
    return array.astype(np.float64)


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
    except _REFUSED_ARRAY as error:
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
