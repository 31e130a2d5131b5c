"""What a user hands to a run, checked and laid out as kernels want it: [component, instance], padded to the lanes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import all_finite
from symphys.errors import InputError
from symphys.language.arrays import on_host
from symphys.simulate.naming import plain_name

Given = Mapping[Any, Any]
_ASSUMPTIONS: tuple[tuple[str, Callable[[NDArray[np.float64]], NDArray[np.bool_]]], ...] = (
    ("positive", lambda a: a > 0),
    ("negative", lambda a: a < 0),
    ("nonnegative", lambda a: a >= 0),
    ("nonpositive", lambda a: a <= 0),
    ("integer", lambda a: a == np.round(a)),
)


@dataclass(frozen=True)
class Instances:
    """Values by component and instance: of the state [n] and of the parameters [P], each a number that all instances
    share, [], or one of each, [instances], on the host or on a device; the ensemble's `shape`."""

    components: Sequence[Any]
    values: Sequence[Any]
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """The number of trajectories."""
        return math.prod(self.shape)

    @cached_property
    def state(self) -> NDArray[np.float64]:
        """[n, instances], on the host."""
        return self._stacked(self.components)

    @cached_property
    def parameters(self) -> NDArray[np.float64]:
        """[P, instances], on the host."""
        return self._stacked(self.values)

    def on_host(self) -> Instances:
        """The same on the host."""
        return Instances([*map(on_host, self.components)], [*map(on_host, self.values)], self.shape)

    def part(self, chosen: slice) -> Instances:
        """Some of the instances, on the host."""

        def cut(rows: Sequence[Any]) -> list[Any]:
            return [on_host(row)[chosen] if np.ndim(row) else row for row in rows]

        return Instances(cut(self.components), cut(self.values), (chosen.stop - chosen.start,))

    def _stacked(self, rows: Sequence[Any]) -> NDArray[np.float64]:
        out = np.empty((len(rows), self.count))
        for line, row in zip(out, rows, strict=True):
            line[...] = on_host(row)
        return out


def numbers(what: str, symbol: Any, value: Any) -> NDArray[np.float64]:
    """A user's value as finite real numbers; refused where it is complex, not numeric or not finite."""
    if isinstance(value, float) and math.isfinite(value):  # the usual case, which needs no questions
        return np.array(value, dtype=np.float64)
    array = real_numbers(what, symbol, value)
    _refuse_infinite(what, symbol, array)
    return array


def numbers_as_given(what: str, symbol: Any, value: Any, on_device: bool, threads: int) -> Any:
    """As `numbers`, but single precision stays what it is, arrays are not copied, and CuPy arrays may stay there."""
    stays = on_device and hasattr(value, "__cuda_array_interface__")
    given = value if stays else on_host(value)
    if getattr(given, "dtype", None) not in (np.float32, np.float64) or not np.ndim(given):
        return numbers(what, symbol, value)
    given = given if stays else np.asarray(given)  # sums of labelled and masked arrays pass over NaN
    _refuse_infinite(what, symbol, given, threads)
    return given


def _refuse_infinite(what: str, symbol: Any, array: Any, threads: int = 1) -> None:
    if not all_finite(array, threads):
        array = on_host(array)
        bad = array[~np.isfinite(array)].flat[0]
        raise InputError(f"the {what} {symbol} is not finite: it holds {bad}; give finite numbers")


def real_numbers(what: str, symbol: Any, value: Any) -> NDArray[np.float64]:
    """A user's value as real numbers, which may be NaN as beyond the end of a trajectory."""
    try:
        array = np.asarray(on_host(value))
        if array.dtype == object:
            array = np.asarray(np.vectorize(float)(array)) if array.ndim else np.asarray(float(value))
        if np.iscomplexobj(array):
            raise InputError(f"the {what} {symbol} is complex; {symbol} is real: give its real part")
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"the {what} {symbol} is {value!r}, which is no real number; give a float or an array"
        ) from None


def named_values(what: str, given: Any) -> Given:
    """A user's {symbol: value}; InputError where it is something else."""
    if not isinstance(given, Mapping):
        raise InputError(f"the {what} are of type {type(given).__name__}; give a mapping {{symbol: value}}")
    return given


def precision(dtype: Any) -> str:
    """ "float64" or "float32", of a name or of a NumPy type; InputError for any other."""
    name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", str(dtype))
    if name not in ("float64", "float32"):
        raise InputError(f"dtype {dtype!r} is unknown; choose 'float64' or 'float32'")
    return name


def _lookup(given: Given, labels: Sequence[Any]) -> tuple[dict[Any, Any], list[Any]]:
    """What was given for each label, by the symbol or by its name ("theta", "theta_dot"), and what fits no label."""
    found: dict[Any, Any] = {}
    strange: list[Any] = []
    for label, (key, value) in zip(_labels_of(tuple(given), tuple(labels)), given.items(), strict=True):
        if label is None:
            strange.append(key)
        else:
            found[label] = value  # later look-ups are by the very object, which spares comparing
    return found, strange


@lru_cache(maxsize=256)  # SymPy's comparisons took a tenth of a short run
def _labels_of(keys: tuple[Any, ...], labels: tuple[Any, ...]) -> tuple[Any, ...]:
    """The label that each key means, None where it means none."""
    known = {label: label for label in labels}
    by_text: dict[str, Any] = {}
    if any(isinstance(key, str) for key in keys):
        by_text = {name: label for label in labels for name in (str(label), plain_name(label))}
    return tuple(by_text.get(key) if isinstance(key, str) else known.get(key) for key in keys)


def read_instances(
    initial: Given,
    parameters: Given,
    labels: Sequence[Any],
    wanted: Sequence[Any],
    others: Iterable[Any] = (),
    on_device: bool = False,
    threads: int = 1,
) -> Instances:
    """The initial state and the parameters of every trajectory, broadcast against each other; views of what was given,
    where that is possible, and CuPy arrays if they may stay `on_device`.

    Raises InputError for a symbol without a value, a value without a symbol, numbers that are not finite or break an
    assumption of their symbol, and shapes that do not broadcast.
    """
    state, strange_state = _lookup(named_values("initial values", initial), labels)
    signals = set(others)
    values, strange = _lookup({k: v for k, v in parameters.items() if k not in signals}, wanted)
    refuse_strange(strange_state, labels, "initial value")
    refuse_strange(strange, wanted, "parameter")
    refuse_missing([label for label in labels if label not in state], "initial value", initial)
    refuse_missing([symbol for symbol in wanted if symbol not in values], "value", parameters)
    how = (on_device, threads)
    arrays = {label: numbers_as_given("initial value of", label, state[label], *how) for label in labels}
    arrays.update({symbol: numbers_as_given("parameter", symbol, values[symbol], *how) for symbol in wanted})
    for symbol in wanted:
        check_assumptions(symbol, arrays[symbol])
    shape = broadcast_shape(arrays)
    if 0 in shape:
        raise InputError(f"the ensemble has the shape {shape} and no trajectory; give arrays of at least one element")
    flat = {key: np.broadcast_to(a, shape).reshape(-1) if a.shape else a for key, a in arrays.items()}
    return Instances([flat[label] for label in labels], [flat[symbol] for symbol in wanted], shape)


def refuse_strange(strange: Sequence[Any], known: Sequence[Any], what: str) -> None:
    """InputError for keys that the system does not have."""
    if strange:
        names, name = ", ".join(plain_name(s) for s in known) or "none", plain_name(strange[0])
        raise InputError(f"{name} is no {what} of this system; it has {names}. Remove {name} or rename it.")


def refuse_missing(missing: Sequence[Any], what: str, given: Given) -> None:
    """InputError for symbols without a value."""
    if missing:
        have = ", ".join(plain_name(s) for s in given) or "nothing"
        rest = ", ".join(plain_name(s) for s in missing)
        raise InputError(f"{what} missing for {rest}; given: {have}. Add {{{plain_name(missing[0])}: ...}}.")


def check_assumptions(symbol: Any, array: NDArray[np.float64]) -> None:
    """InputError where a value contradicts what its symbol was declared to be."""
    for assumption, holds in _ASSUMPTIONS:
        if getattr(symbol, f"is_{assumption}", None) and not holds(array).all():
            bad = on_host(array[~holds(array)]).flat[0]
            raise InputError(f"{symbol} was declared {assumption}, and its value is {bad}; give a {assumption} number")


def broadcast_shape(arrays: Mapping[Any, NDArray[Any]]) -> tuple[int, ...]:
    """The shape of the ensemble."""
    if not any(a.shape for a in arrays.values()):
        return ()
    try:
        return np.broadcast_shapes(*(a.shape for a in arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{plain_name(key)}: {a.shape}" for key, a in arrays.items() if a.shape)
        raise InputError(
            f"the arrays do not fit each other, their shapes are {shapes}; give one shape to all"
        ) from None


def read_span(t_span: Any) -> tuple[float, float]:
    """Start and end of a run; InputError unless they are two different finite numbers."""
    try:
        start, end = (float(x) for x in t_span)
    except (TypeError, ValueError):
        raise InputError(f"t_span is {t_span!r}; give two numbers (start, end)") from None
    if not (math.isfinite(start) and math.isfinite(end)):
        raise InputError(f"t_span = ({start}, {end}) is not finite; give two finite numbers")
    if start == end:
        raise InputError(f"t_span = ({start}, {end}) has no length; give an end that differs from the start")
    return start, end


def read_times(t_eval: Any, span: tuple[float, float]) -> NDArray[np.float64]:
    """The times at which a run is sampled: monotonic in the direction of t_span, and inside it."""
    times = numbers("times", "t_eval", t_eval)
    direction = math.copysign(1.0, span[1] - span[0])
    if times.ndim != 1 or times.size == 0:
        raise InputError(f"t_eval has shape {times.shape}; give a list of at least one time")
    if times.size > 1 and (np.diff(times) * direction <= 0).any():
        raise InputError(f"t_eval must run from {span[0]} to {span[1]} without repeating; sort it")
    low, high = min(span), max(span)
    if min(times[0], times[-1]) < low or max(times[0], times[-1]) > high:
        raise InputError(f"t_eval reaches from {times.min()} to {times.max()}, outside t_span = {span}; widen t_span")
    return times


def positive_number(name: str, value: Any) -> float:
    """A finite number above zero."""
    number = _one_number(name, value)
    if number <= 0.0:
        raise InputError(f"{name} = {number:g} must be above 0; give a positive number")
    return number


def not_negative(name: str, value: Any) -> float:
    """A finite number that is zero or above it."""
    number = _one_number(name, value)
    if number < 0.0:
        raise InputError(f"{name} = {number:g} must not be below 0; give zero or a positive number")
    return number


def whole_number(name: str, value: Any, least: int = 1) -> int:
    """A whole number of at least `least`."""
    number = _one_number(name, value)
    if isinstance(value, bool) or number != round(number) or number < least:
        raise InputError(f"{name} = {value!r}; give a whole number of at least {least}")
    return round(number)


def _one_number(name: str, value: Any) -> float:
    if type(value) is int or (type(value) is float and math.isfinite(value)):  # the usual case, as in `numbers`
        return float(value)
    array = numbers("option", name, value)
    if array.ndim:
        raise InputError(f"the option {name} is one number for all trajectories, not an array of shape {array.shape}")
    return float(array)


def padded(values: NDArray[Any], lanes: int, dtype: Any) -> NDArray[Any]:
    """[components, instances] padded to a multiple of the lanes with copies of the last; at least one component."""
    components, count = values.shape
    width = -(-count // lanes) * lanes
    out = np.empty((max(components, 1), width), dtype=dtype)
    if not components:
        out[...] = 0.0
    out[:components, :count] = values
    if count:
        out[:components, count:] = values[:, -1:]
    return out
