"""Kernels of the network rows: derivatives of a network at points, and the gradient by its weights of what is made."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations_with_replacement

import numpy as np

from codegen import (
    JET,
    Array,
    Bar,
    Builder,
    Dense,
    DenseJet,
    Function,
    Intent,
    Kernel,
    apply,
    compile_kernel,
    get_backend,
    variable,
    vjp_function,
)

Layers = list[tuple[np.ndarray, np.ndarray]]


def drawn(network: Dense, seed: int = 0) -> tuple[np.ndarray, Layers]:
    """Weights of standard deviation 1 / sqrt(inputs), flat and as layers (W, b)."""
    random = np.random.default_rng(seed)
    weights, layers = np.empty(network.count), []
    for layer in (*network.layers, network.last):
        weights[layer.weights : layer.bias] = random.normal(0, layer.inputs**-0.5, layer.inputs * layer.outputs)
        weights[layer.bias : layer.bias + layer.outputs] = random.normal(0, 0.1, layer.outputs)
        matrix = weights[layer.weights : layer.bias].reshape(layer.outputs, layer.inputs)
        layers.append((matrix, weights[layer.bias : layer.bias + layer.outputs]))
    return weights, layers


def pairs(inputs: int) -> list[tuple[int, int]]:
    """The entries of the upper triangle of a Hessian."""
    return list(combinations_with_replacement(range(inputs), 2))


def derivatives(network: Dense) -> list[tuple[int, ...]]:
    """Value, gradient and upper triangle, by the inputs of each derivative."""
    return [(), *((i,) for i in range(network.inputs)), *pairs(network.inputs)]


def jets_kernel(network: Dense) -> Kernel:
    """`jets` [m] at `points` [d], and `slope` [P] of their sum weighted by `seeds` [m], over all points."""
    x = tuple(variable(f"x{i}") for i in range(network.inputs))
    wanted = derivatives(network)
    nodes = [
        apply(JET, *x, attribute=DenseJet(network, 0, tuple(inputs.count(i) for i in range(network.inputs))))
        for inputs in wanted
    ]
    slope = Array("slope", (network.count,), intent=Intent.SUM, instanced=False)
    pulled = vjp_function(Function("jets", x, (), tuple(nodes)), [], bars={network.array.name: Bar(slope)})
    b = Builder()
    point = [b.load(f"x{i}", "points", i) for i in range(network.inputs)]
    seeds = [b.load("seed", "seeds", i) for i in range(len(wanted))]
    for i, value in enumerate(b.call(pulled, (*point, *seeds))):
        b.store("jets", i, value=value)
    m, d = len(wanted), network.inputs
    own = (Array("points", (d,)), Array("seeds", (m,)), Array("jets", (m,), intent=Intent.OUT))
    return Kernel("jets", "sample", (*own, slope, network.array), (), b.block())


def our_jets(network: Dense, points: np.ndarray, seeds: np.ndarray, workers: int) -> Callable[[], np.ndarray]:
    """A call that leaves jets [m, n] and the slope [P], which it returns; points [n, d], seeds [m, n]."""
    weights, _ = drawn(network)
    kernel = compile_kernel(jets_kernel(network), get_backend("cpu"))
    count = len(points)
    arrays = {
        "points": np.ascontiguousarray(points.T),
        "seeds": np.ascontiguousarray(seeds),
        "jets": np.zeros_like(seeds),
        "slope": np.zeros(network.count),
        network.array.name: weights,
    }

    def run() -> np.ndarray:
        arrays["slope"][...] = 0.0
        kernel(arrays, {}, (count,), threads=workers)
        return arrays["slope"]

    return run
