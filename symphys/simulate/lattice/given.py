"""What a user hands to a run of fields, checked and laid out: states, parameters, external functions, kernels."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy.core.function import AppliedUndef

from codegen import all_finite
from symphys.discretise import Grid, central_weights, neighbours, reach_of
from symphys.discretise.spectral import derivative
from symphys.errors import InputError
from symphys.fields.dynamics import FieldDynamics
from symphys.fields.jets import Jet
from symphys.language.arrays import on_host
from symphys.lower.lattice.layout import Layout
from symphys.simulate.inputs import check_assumptions, named_values, numbers
from symphys.simulate.lattice.naming import field_name
from symphys.simulate.weights import split_weights

Values = Mapping[Any, Any]


@dataclass(frozen=True)
class Inputs:
    """A run's inputs: `state` by label [..., *grid], `numbers` by parameter [...], `functions` by external function.

    shape: the leading axes of the ensemble, () for one run. weights: those of networks.
    """

    state: Mapping[Any, NDArray[Any]]
    numbers: Mapping[Any, NDArray[np.float64]]
    functions: Mapping[Any, Any]
    shape: tuple[int, ...]
    weights: Mapping[Any, NDArray[np.float64]] = field(default_factory=dict)


def read_inputs(dynamics: FieldDynamics, grid: Grid, initial: Values, parameters: Values) -> Inputs:
    """The inputs of a run.

    Raises InputError for missing or unknown names, shapes that do not fit the grid or each other, numbers that are not
    finite, complex values for real fields, and values that contradict what a symbol was declared to be.
    """
    labels = {label: u for u in dynamics.unknowns for label in labels_of(u)}
    initial = by_name(named_values("initial values", initial), labels)
    state = {label: _field(label, labels[label], _find(initial, label, labels, "initial"), grid) for label in labels}
    _refuse_unknown(initial, labels, "the state")
    functions = given_functions(dynamics)
    weights, parameters = split_weights(parameters, dynamics.networks)
    parameters = by_name(parameters, (*dynamics.parameters, *functions))
    wanted = {**dict.fromkeys(dynamics.parameters), **dict.fromkeys(functions)}
    _refuse_unknown(parameters, wanted, "the parameters")
    found: dict[Any, NDArray[np.float64]] = {}
    for symbol in dynamics.parameters:
        if symbol not in parameters:
            raise InputError(f"no value for the parameter {symbol}; add {{{symbol}: ...}} to the parameters")
        found[symbol] = numbers("parameter", symbol, parameters[symbol])
        check_assumptions(symbol, found[symbol])
    for function in functions:
        if function not in parameters:
            raise InputError(
                f"no values for the external function {function}; add {{{function.func.__name__}: array or callable}} "
                "to the parameters"
            )
    leading = [a.shape[: a.ndim - len(grid.shape)] for a in state.values()] + [a.shape for a in found.values()]
    try:
        shape = np.broadcast_shapes(*leading)
    except ValueError:
        shapes = ", ".join(str(s) for s in leading if s)
        raise InputError(f"the ensemble's shapes {shapes} do not fit each other; give one shape to all") from None
    given = {f: _as_callable(field_name(f), parameters[f], f.args) for f in functions}
    return Inputs(state, found, given, shape, weights)


def by_name(given: Values, known: Iterable[Any]) -> dict[Any, Any]:
    """Values by symbol where they were given by name, as "psi", "phi_t", "V"; other keys as they are."""
    named = {field_name(s): s for s in known} if any(isinstance(key, str) for key in given) else {}
    return {named.get(key, key) if isinstance(key, str) else key: value for key, value in given.items()}


def _as_callable(name: str, value: Any, arguments: Sequence[Any]) -> Any:
    """A formula in SymPy as a function of these arguments; what is none as it is."""
    if not isinstance(value, sympy.Expr):
        return value
    if value.is_number:
        return float(value) if value.is_real else complex(value)
    if strange := sorted(map(str, (value.free_symbols - set(arguments)) | value.atoms(AppliedUndef))):
        places = ", ".join(map(str, arguments))
        raise InputError(f"the formula {value} given for {name} holds {strange[0]}; it may hold {places} and numbers")
    return sympy.lambdify(tuple(arguments), value, ["scipy", "numpy"])


def labels_of(unknown: Any) -> tuple[Any, ...]:
    """The parts of the state that an unknown is: itself, and its rate where its equation is of second order."""
    return (unknown.label, unknown.velocity_label) if unknown.order == 2 else (unknown.label,)


def member_of(
    values: NDArray[Any], shape: tuple[int, ...], grid: tuple[int, ...], member: tuple[int, ...]
) -> NDArray[Any]:
    """The field of one member of an ensemble, [*grid]."""
    return np.broadcast_to(values, (*shape, *grid))[member]


def _find(given: Values, label: Any, labels: Mapping[Any, Any], what: str) -> Any:
    if label in given:
        return given[label]
    listed = ", ".join(field_name(each) for each in labels)
    raise InputError(f"no {what} values for {field_name(label)}; the state is {listed}")


def _refuse_unknown(given: Values, known: Mapping[Any, Any], what: str) -> None:
    for symbol in given:
        if symbol not in known:
            listed = ", ".join(field_name(each) for each in known) or "empty"
            raise InputError(f"{symbol} does not belong to {what} of this theory; that is {listed}")


def _field(label: Any, unknown: Any, values: Any, grid: Grid) -> NDArray[Any]:
    name = field_name(label)
    values = _as_callable(name, values, grid.coordinates)
    values = _call(name, values, grid.mesh) if callable(values) else on_host(values)
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise InputError(f"the initial values of {name} are no array: {error}") from error
    if array.dtype.kind not in "bifuc":
        raise InputError(f"the initial values of {name} are of type {array.dtype}; give numbers")
    if array.dtype.kind == "c" and not unknown.complex:
        raise InputError(f"{name} is a real field, and its initial values are complex; give their real part")
    if not all_finite(array):
        raise InputError(f"the initial values of {name} are not finite; give finite numbers")
    kept = np.dtype(np.complex128 if unknown.complex else np.float64)
    wider = array.dtype.itemsize > kept.itemsize
    with np.errstate(over="ignore"):
        array = array.astype(kept, copy=False)
    if wider and not all_finite(array):
        raise InputError(f"the initial values of {name} are beyond double precision; give numbers below 1.8e308")
    if array.ndim == 0:
        array = np.broadcast_to(array, grid.shape)
    if array.shape[-len(grid.shape) :] != grid.shape:
        raise InputError(
            f"the initial values of {name} have shape {array.shape}, but the grid has {grid.shape}; give one value a "
            "point of the grid"
        )
    return array


def given_functions(dynamics: FieldDynamics) -> tuple[Any, ...]:
    """The external functions and given fields of a theory, and the external kernels of its convolutions."""
    found: dict[Any, None] = {}
    for symbol in dynamics.given:
        jet = dynamics.jets.jet(symbol)
        assert jet is not None
        found[jet.function] = None
    return (*found, *(f for f in external_kernels(dynamics) if f not in found))


def depends_on_time(dynamics: FieldDynamics, function: Any, value: Any) -> bool:
    """Whether a given function must be asked anew in the course of a run."""
    return dynamics.time in function.args and callable(value)


def sample(dynamics: FieldDynamics, grid: Grid, function: Any, value: Any, time: float) -> NDArray[Any]:
    """The values of a given function on the grid at a time, [*grid]; [] for one of the time alone.

    An array has an axis for each coordinate that the function depends on; a callable takes those coordinates, in that
    order, as arrays that broadcast. Raises InputError where shapes do not fit or values are not finite.
    """
    name = function.func.__name__
    space = [x for x in function.args if x != dynamics.time]
    for x in space:
        grid.axis(x)
    if callable(value):
        arguments: list[Any] = []
        for x in function.args:
            if x == dynamics.time:
                arguments.append(np.float64(time))
            else:
                places = [1] * len(grid.shape)
                places[grid.coordinates.index(x)] = -1
                arguments.append(grid.points[x].reshape(places))
        result = np.asarray(_call(name, value, arguments))
        wanted = tuple(n if x in space else 1 for x, n in zip(grid.coordinates, grid.shape, strict=True))
        result = np.broadcast_to(result, np.broadcast_shapes(result.shape, wanted)) if space else result
    else:
        result = np.asarray(on_host(value))
        order = [x for x in grid.coordinates if x in space]
        expected = tuple(grid.axis(x).count for x in space)
        if dynamics.time in function.args:
            raise InputError(f"{name} depends on the time; give a function of ({', '.join(map(str, function.args))})")
        if result.shape not in (expected, ()):
            raise InputError(
                f"the values of {name} have shape {result.shape}; over ({', '.join(map(str, space))}) the grid has "
                f"{expected}"
            )
        if result.shape:
            result = np.transpose(result, [space.index(x) for x in order])
            result = result.reshape([n if x in space else 1 for x, n in zip(grid.coordinates, grid.shape, strict=True)])
    if result.dtype.kind not in "bifuc" or not np.isfinite(result).all():
        raise InputError(f"the values of {name} are not finite numbers; give finite numbers")
    return np.array(np.broadcast_to(result, grid.shape)) if space else np.asarray(result, dtype=np.float64)


def _call(name: str, function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError as error:
        raise InputError(f"the function given for {name} must take {len(arguments)} arguments: {error}") from error
    except ValueError:  # built-in functions show no signature
        pass
    return function(*arguments)


def differentiated(layout: Layout, grid: Grid, jet: Jet, values: NDArray[Any]) -> NDArray[Any]:
    """The derivative by space of given values, by the finite differences or the waves of the layout."""
    orders = jet.index[1:]
    if not any(orders):
        return values
    if layout.order is None:
        return derivative(values, grid.axes, orders)
    out = values
    for position, (axis, order) in enumerate(zip(grid.axes, orders, strict=True)):
        if order:
            r = reach_of(order, layout.order)
            near = neighbours(axis, r)
            moved = np.moveaxis(out, position, -1)
            wide = near.sign * moved[..., near.source] + (1.0 - near.sign) * moved[..., near.end]
            weights = [float(w) for w in central_weights(order, layout.order)]
            n = axis.count
            total = sum(w * wide[..., k : k + n] for k, w in enumerate(weights))
            out = np.moveaxis(np.asarray(total) / axis.spacing**order, -1, position)
    return out


def external_kernels(dynamics: FieldDynamics) -> tuple[Any, ...]:
    """The external functions that are kernels of convolutions, of the coordinates that they run over."""
    found: dict[Any, None] = {}
    for each in dynamics.convolutions:
        for node in each.term.kernel.expr.atoms(AppliedUndef):
            found[node.func(*each.term.over)] = None
    return tuple(found)


def number_of(expression: Any, values: Mapping[Any, float]) -> complex:
    """The value of an expression in parameters."""
    return complex(sympy.sympify(expression).subs(values).evalf())
