"""Networks as users hold them: made, called on expressions, evaluated on points."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symphys.errors import InputError
from symphys.language.names import read_names
from symphys.language.networks import NetworkSymbol
from symphys.simulate.compiled import Kernels, kernels_for
from symphys.simulate.inputs import numbers, whole_number
from symphys.simulate.network import (
    ACTIVATION_NAMES,
    PIECEWISE_LINEAR,
    initial_weights,
    layers_of,
    load_weights,
    network_values,
    save_weights,
)
from symphys.simulate.weights import weight_count


class Network(NetworkSymbol):
    """A network as a term of Lagrangians, Hamiltonians, densities and fields; made by `network`.

    Called on expressions it is an expression, one opaque symbol that is differentiated like an undetermined function.
    The network itself is the key of its weights wherever parameters are given: {N: weights}.
    """

    @property
    def count(self) -> int:
        """How many weights are learnt."""
        return weight_count(self)

    def initialise(self, seed: int = 0) -> NDArray[np.float64]:
        """[count], fresh weights, read-only; the same for the same seed."""
        return initial_weights(self, seed)

    def evaluate(
        self, weights: ArrayLike, points: ArrayLike, order: int = 0, *, backend: str = "cpu"
    ) -> NDArray[np.float64]:
        """Values [n], gradients [n, inputs] or Hessians [n, inputs, inputs] (with outputs: [n, outputs, ...]).

        points: [n, inputs], or [n] with one input. Raises `InputError` for weights or points of another shape and for
        orders other than 0, 1 and 2.
        """
        if backend not in self._evaluators:
            self._evaluators[backend] = kernels_for(backend, "float64")
        return network_values(self, self._evaluators[backend], weights, points, order)

    def layers(self, weights: ArrayLike) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]:
        """(W [outputs, inputs], b [outputs]) of each learnt layer, in order."""
        return layers_of(self, weights)

    def save(self, path: str | Path, weights: ArrayLike) -> None:
        """Write weights to a file of safetensors, with what the network is; needs the extra `weights`."""
        save_weights(self, path, weights)

    def load(self, path: str | Path) -> NDArray[np.float64]:
        """The weights in a file; `InputError` where they are those of another network."""
        return load_weights(self, path)

    def __getstate__(self) -> dict[str, Any]:
        """What a network is, without what was compiled for it."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self)}

    @cached_property
    def _evaluators(self) -> dict[str, Kernels]:
        """Compiled evaluations by backend."""
        return {}


def network(
    name: str,
    inputs: int,
    outputs: int = 1,
    hidden: Sequence[int] = (32, 32),
    activation: str = "tanh",
    features: int | ArrayLike | None = None,
    *,
    feature_scale: float = 1.0,
    feature_seed: int = 0,
    input_shift: ArrayLike | None = None,
    input_scale: ArrayLike | None = None,
    output_shift: ArrayLike | None = None,
    output_scale: ArrayLike | None = None,
    even: Iterable[int] = (),
    periodic: Mapping[int, float] | None = None,
) -> Network:
    """A dense network y_l = s(W_l y_(l-1) + b_l) with a linear last layer, as one opaque function of real inputs.

    hidden: the number of neurons of each layer; (), behind features, for a sum of waves that is linear in its weights.
    activation: a name of the table (tanh, softplus, squareplus, sigmoid, sin, cos, gelu, silu, gaussian). Those that
        are linear piece by piece are refused: their second derivatives vanish, and forces are made of these.
    features: Fourier features cos(2 pi B x), sin(2 pi B x) in front of the layers, against the slowness of networks at
        high frequencies (Tancik et al., NeurIPS 33, 2020): B [m, inputs], or m rows drawn from N(0, feature_scale^2)
        with `feature_seed`.  B is not learnt.
    input_shift, input_scale: [inputs]; the layers see (x - shift) / scale.
    output_shift, output_scale: [outputs]; what comes out is shift + scale y.
    even: inputs whose common change of sign changes nothing, for example the velocities.
    periodic: {input: period}; the layers see a cosine and a sine in its place.

    Raises `InputError` for wrong names, numbers, shapes and activations.
    """
    names = read_names(name, "networks")
    if len(names) > 1:
        raise InputError(f"network() makes one network, but {name!r} holds {len(names)} names.")
    count, components = whole_number("inputs", inputs), whole_number("outputs", outputs)
    widths = tuple(whole_number("hidden", width) for width in _sequence(hidden, "hidden", features is not None))
    periods = tuple(sorted((periodic or {}).items()))
    for index in (*even, *dict(periods)):
        if index not in range(count):
            raise InputError(f"The network {name} has the inputs 0 to {count - 1}, and no input {index!r}.")
    if any(not period > 0 for _, period in periods):
        raise InputError(f"The periods {dict(periods)} of the network {name} must be positive.")
    shift = _row(input_shift, count, "input_shift")
    scale = _row(input_scale, count, "input_scale", positive=True)
    return Network(
        names[0],
        count,
        components,
        widths,
        _activation(activation),
        _frequencies(features, count + len(periods), feature_scale, feature_seed),
        shift,
        scale,
        _row(output_shift, components, "output_shift"),
        _row(output_scale, components, "output_scale"),
        tuple(sorted(set(even))),
        periods,
    )


def _sequence(value: Any, what: str, may_be_empty: bool) -> tuple[Any, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InputError(f"{what} = {value!r}; give a number of neurons for each layer, as (32, 32).")
    found = tuple(value)
    if not found and not may_be_empty:
        raise InputError(f"{what} = {value!r}; a network needs at least one layer of neurons, or features.")
    return found


def _activation(name: str) -> str:
    known = ", ".join(ACTIVATION_NAMES)
    if isinstance(name, str) and name.lower() in PIECEWISE_LINEAR:
        raise InputError(
            f"The activation {name!r} is linear piece by piece: its second derivative vanishes, and with it the mass "
            f"matrix and every force that a network would give. Choose one of {known}."
        )
    if name not in ACTIVATION_NAMES:
        raise InputError(f"There is no activation {name!r}; choose one of {known}.")
    return name


def _row(given: ArrayLike | None, length: int, what: str, positive: bool = False) -> tuple[float, ...]:
    if given is None:
        return ()
    array = numbers("option", what, given)
    if array.ndim == 0:
        array = np.full(length, float(array))
    if array.shape != (length,):
        raise InputError(f"{what} has the shape {array.shape}; give {length} numbers.")
    if positive and (array <= 0).any():
        raise InputError(f"{what} holds {array.min()}; give positive numbers.")
    return tuple(float(value) for value in array)


def _frequencies(features: Any, inputs: int, scale: float, seed: int) -> tuple[tuple[float, ...], ...]:
    if features is None:
        return ()
    if np.ndim(features) == 0:
        random = np.random.default_rng(seed)
        rows = random.normal(0.0, float(scale), (whole_number("features", features), inputs))
    else:
        rows = numbers("option", "features", features)
    if rows.ndim != 2 or rows.shape[1] != inputs or not len(rows):
        raise InputError(f"features has the shape {rows.shape}; give a number, or frequencies [m, {inputs}].")
    return tuple(tuple(float(value) for value in row) for row in rows)
