"""Input signals: functions, expressions, numbers or samples of the user's, as tables that kernels evaluate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy.core.function import AppliedUndef, Derivative

from symphys.errors import InputError
from symphys.language import t as time_symbol
from symphys.lower.flow import Flow
from symphys.lower.frame import SignalTable
from symphys.mechanics.dynamics import Dynamics
from symphys.simulate.inputs import numbers, refuse_missing
from symphys.simulate.naming import plain_name
from symphys.simulate.piecewise import ACCURACY, REFUSED, Curve, Pieces, Source, fit, reaches


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
        if margin and not reaches(source, low - margin, high + margin):
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
        return np.array([_real(function(float(time))) for time in times.flat]).reshape(times.shape)

    def at_once(times: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array(np.broadcast_to(_real(function(times)), times.shape), dtype=np.float64)

    probes = span[0] + (span[1] - span[0]) * np.array([0.0, 0.123, 0.5, 0.871, 1.0])
    try:
        seen = at_once(probes)
    except REFUSED:
        return one_by_one, False
    alike = np.allclose(seen, one_by_one(probes), rtol=1e-12, atol=1e-300, equal_nan=True)
    return (at_once, True) if alike else (one_by_one, False)


def _real(value: Any) -> NDArray[np.float64]:
    """A value as real floats; TypeError where it is complex or no number."""
    array = np.asarray(value)
    if np.iscomplexobj(array):
        raise InputError(f"the value {array.flat[0]} of an input signal is complex; give a real signal")
    return array.astype(np.float64)
