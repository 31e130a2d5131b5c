"""Networks by themselves: values and derivatives at points, weights at the start, weights in files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sympy
from numpy.typing import ArrayLike, NDArray

from codegen import ACTIVATIONS, Array, Builder, Intent, Kernel
from symphys.errors import InputError
from symphys.extras import optional
from symphys.language.networks import NetworkSymbol
from symphys.lower.expressions import dense, lower_expressions, weights_read
from symphys.simulate.compiled import Kernels
from symphys.simulate.execute import cores
from symphys.simulate.inputs import padded, real_numbers, whole_number
from symphys.simulate.weights import Weights, kernel_weights, read_weights

START = 0.1  # size of a fresh network's values: what is known of the physics comes first
HIGHEST = 2


def initial_weights(network: NetworkSymbol, seed: int) -> Weights:
    """[count], read-only: normal with standard deviation gain / sqrt(inputs of the layer), biases spread in the first.

    The last layer is smaller by 0.1, so that a fresh network disturbs what is known only a little. LeCun et al.,
    "Efficient BackProp" (1998), section 4.6, with the gain of the activation's row.
    """
    random = np.random.default_rng(whole_number("seed", seed, least=0))
    layers = dense(network)
    learnt = layers.layers[1:] if layers.features else layers.layers
    parts: list[NDArray[np.float64]] = []
    for index, layer in enumerate(learnt):
        deviation = ACTIVATIONS[layer.activation].gain / np.sqrt(layer.inputs)
        parts.append(random.normal(0.0, deviation, layer.inputs * layer.outputs))
        spread = 1.0 if index == 0 else 0.1
        parts.append(random.uniform(-spread, spread, layer.outputs))
    last = layers.last
    parts += [random.normal(0.0, START / np.sqrt(last.inputs), last.inputs * last.outputs), np.zeros(last.outputs)]
    weights = np.concatenate(parts)
    weights.flags.writeable = False
    return weights


def layers_of(network: NetworkSymbol, weights: Any) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]:
    """(W [outputs, inputs], b [outputs]) of each layer that is learnt, as views."""
    values, layers = read_weights(network, weights), dense(network)
    learnt = (*(layers.layers[1:] if layers.features else layers.layers), layers.last)
    found = []
    for layer in learnt:
        start, bias = layer.weights - layers.frozen, layer.bias - layers.frozen
        found.append((values[start:bias].reshape(layer.outputs, layer.inputs), values[bias : bias + layer.outputs]))
    return tuple(found)


def network_values(
    network: NetworkSymbol, kernels: Kernels, weights: Any, points: ArrayLike, order: int
) -> NDArray[np.float64]:
    """Values [n], gradients [n, inputs] or Hessians [n, inputs, inputs]; with several outputs [n, outputs, ...].

    Raises InputError for points of another shape than [n, inputs] (or [n] with one input), and for other orders.
    """
    if order not in range(HIGHEST + 1):
        raise InputError(f"order = {order!r}; networks are evaluated to order 0, 1 or 2")
    columns = _points(network, points)
    x = tuple(sympy.Symbol(f"x{i}", real=True) for i in range(network.inputs))
    wanted = list(network(*x)) if network.outputs > 1 else [network(*x)]
    for _ in range(order):
        wanted = [sympy.diff(each, symbol) for each in wanted for symbol in x]
    values = point_values(kernels, wanted, x, columns, {network: read_weights(network, weights)})
    outputs = (network.outputs,) if network.outputs > 1 else ()
    return np.ascontiguousarray(values.T).reshape(columns.shape[1], *outputs, *([network.inputs] * order))


def point_values(
    kernels: Kernels,
    expressions: Sequence[Any],
    symbols: tuple[Any, ...],
    points: NDArray[np.float64],
    weights: Mapping[NetworkSymbol, Weights],
) -> NDArray[np.float64]:
    """[m, n], expressions [m] in some `symbols` [d] and networks with `weights`, at points [d, n]."""
    arrays: dict[str, NDArray[Any]] = dict(kernel_weights(weights))
    count = points.shape[1]
    key = ("on points", *symbols, *expressions)
    kernel, lanes = kernels.get(key, lambda: _point_kernel(expressions, symbols), count)
    arrays["points"] = padded(points, lanes, np.float64)
    arrays["values"] = np.zeros((len(expressions), arrays["points"].shape[-1]))
    read = {array.name for array in kernel.kernel.arrays}
    kernel({name: array for name, array in arrays.items() if name in read}, {}, (count,), threads=cores())
    return arrays["values"][:, :count]


def _points(network: NetworkSymbol, points: ArrayLike) -> NDArray[np.float64]:
    """[inputs, n]."""
    read = real_numbers("points of the network", network, points)
    if read.ndim == 1 and network.inputs == 1:
        read = read[:, None]
    if read.ndim != 2 or read.shape[1] != network.inputs:
        raise InputError(
            f"the points of the network {network} have the shape {read.shape}; give [n, {network.inputs}]"
            + (" or [n]" if network.inputs == 1 else "")
        )
    return read.T


def _point_kernel(expressions: Sequence[Any], symbols: tuple[Any, ...]) -> Kernel:
    """`values` [m] at `points` [d], a point an instance."""
    b = Builder()
    nodes = {symbol: b.load(f"x{i}", "points", i) for i, symbol in enumerate(symbols)}
    values = lower_expressions(expressions, nodes)
    for i, value in enumerate(values):
        b.store("values", i, value=value)
    arrays = (Array("points", (len(symbols),)), Array("values", (len(values),), intent=Intent.OUT))
    return Kernel("network", "point", (*arrays, *weights_read(values)), (), b.block())


def save_weights(network: NetworkSymbol, path: str | Path, weights: Any) -> None:
    """The layers W0, b0, W1, ... in a file of safetensors, with what the network is."""
    numpy = optional("safetensors.numpy", "weights", "writing weights to a file")
    tensors: dict[str, NDArray[np.float64]] = {}
    for index, (matrix, bias) in enumerate(layers_of(network, weights)):
        tensors |= {f"W{index}": np.ascontiguousarray(matrix), f"b{index}": np.ascontiguousarray(bias)}
    numpy.save_file(tensors, str(path), metadata={"network": repr(network)})


def load_weights(network: NetworkSymbol, path: str | Path) -> Weights:
    """The weights that `save_weights` wrote; InputError where they are those of another network."""
    safetensors = optional("safetensors", "weights", "reading weights from a file")
    with safetensors.safe_open(str(path), framework="numpy") as file:
        known = (file.metadata() or {}).get("network")
        if known != repr(network):
            raise InputError(f"{path} holds the weights of {known}, not of {network!r}; make the network as it was")
        count = len(layers_of(network, initial_weights(network, 0)))
        parts = [file.get_tensor(f"{kind}{index}").reshape(-1) for index in range(count) for kind in "Wb"]
    weights = read_weights(network, np.concatenate(parts))
    weights.flags.writeable = False
    return weights


ACTIVATION_NAMES = tuple(ACTIVATIONS)
PIECEWISE_LINEAR = frozenset(
    {"relu", "relu6", "leaky_relu", "leakyrelu", "prelu", "hardtanh", "abs", "identity", "linear"}
)
