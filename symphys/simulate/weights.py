"""The weights of networks among what a user gives: checked, and laid out as kernels read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.language.networks import NetworkSymbol
from symphys.lower.expressions import dense
from symphys.simulate.inputs import named_values, numbers

Weights = NDArray[np.float64]


def weight_count(network: NetworkSymbol) -> int:
    """How many weights of a network are learnt."""
    layers = dense(network)
    return layers.count - layers.frozen


def split_weights(
    given: Mapping[Any, Any], networks: Iterable[NetworkSymbol]
) -> tuple[dict[NetworkSymbol, Weights], dict[Any, Any]]:
    """The weights [count] of each network, by the network or by its name, and what else was given.

    Raises InputError for networks without weights, weights of other networks, and weights that are not finite or of
    another number.
    """
    networks = tuple(networks)
    given = named_values("parameters", given)
    by_name = {network.name: network for network in networks}
    weights: dict[NetworkSymbol, Weights] = {}
    rest: dict[Any, Any] = {}
    for key, value in given.items():
        network = key if isinstance(key, NetworkSymbol) else by_name.get(key) if isinstance(key, str) else None
        if network is None:
            rest[key] = value
        elif network not in networks:
            known = ", ".join(map(str, networks)) or "none"
            raise InputError(
                f"weights were given for the network {network}, which is not in the system; it has {known}"
            )
        else:
            weights[network] = read_weights(network, value)
    for network in networks:
        if network not in weights:
            raise InputError(
                f"the network {network} has no weights; give its {weight_count(network)} numbers, "
                f"{{{network}: {network}.initialise(seed=0)}}, or those of a fit"
            )
    return weights, rest


def read_weights(network: NetworkSymbol, value: Any) -> Weights:
    """Weights as [count] finite numbers; InputError where they are none, or too few or too many."""
    array = numbers("weights of the network", network, value)
    if array.shape != (weight_count(network),):
        raise InputError(
            f"the weights of the network {network} are an array of shape {array.shape}; it has "
            f"{weight_count(network)} weights in one row (inputs {network.core_inputs}, hidden {network.hidden}, "
            f"outputs {network.outputs})"
        )
    return array


def kernel_weights(
    weights: Mapping[NetworkSymbol, Weights], dtype: np.dtype[Any] | type = np.float64
) -> dict[str, NDArray[Any]]:
    """The arrays that kernels read, by name: what is given once for all stands before what is learnt."""
    return {
        dense(network).array.name: np.ascontiguousarray(np.concatenate([_features(network), values]), dtype=dtype)
        for network, values in weights.items()
    }


def _features(network: NetworkSymbol) -> Weights:
    """A first layer with cosines as activation, [2 m, inputs] and [2 m] biases: cos(2 pi B x), then sin(2 pi B x)."""
    rows = np.array(network.features, dtype=np.float64).reshape(-1, network.core_inputs)
    frequencies = 2 * np.pi * np.concatenate([rows, rows])
    phases = np.repeat([0.0, -np.pi / 2], len(rows))
    return np.concatenate([frequencies.reshape(-1), phases])
