"""Loops over layers and neurons: compile time follows neither width nor depth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ..builder import Builder
from ..ir import Node, integer
from .dense import Dense, Layer


@dataclass(frozen=True)
class Place:
    """A layer in a loop over layers alike: `weights`, `bias`, `here` and `before` as in `Layer`, as nodes.

    `here` is the number of its first neuron, `before` that of the first neuron of the layer before it.
    """

    layer: Layer
    weights: Node
    bias: Node
    here: Node
    before: Node
    below: str  # the activation of the layer before it

    def multiply(self, b: Builder, network: Dense, given: Sequence[str], made: Sequence[str]) -> None:
        """W y for vectors of the layer before, among those of this layer."""
        shape = (self.layer.outputs, self.layer.inputs)
        b.product((network.array.name, self.weights), shape, given, self.before, made, self.here)

    def pull(self, b: Builder, network: Dense, given: Sequence[str], made: Sequence[str], begin: Node) -> None:
        """W^T z for vectors of this layer, from a place `begin` on."""
        shape = (self.layer.outputs, self.layer.inputs)
        b.product((network.array.name, self.weights), shape, given, self.here, made, begin, transposed=True)


@dataclass(frozen=True)
class _Run:
    """Consecutive layers of one size and activation."""

    layers: tuple[Layer, ...]
    below: str

    def place(self, step: Node) -> Place:
        layer = self.layers[0]
        weights = integer(layer.weights) + step * layer.size
        here = integer(layer.first) + step * layer.outputs
        return Place(layer, weights, weights + layer.inputs * layer.outputs, here, here - layer.inputs, self.below)


def _runs(network: Dense) -> list[_Run]:
    """The layers after the first, in runs that loops can take."""
    layers = network.layers
    pairs = zip(layers[1:], layers, strict=False)
    kinds = groupby(pairs, key=lambda pair: (pair[0].inputs, pair[0].outputs, pair[0].activation, pair[1].activation))
    return [_Run(tuple(layer for layer, _ in run), below) for (_, _, _, below), run in kinds]


def upward(b: Builder, network: Dense) -> Iterator[Place]:
    """The layers after the first, from the second up; the caller writes the body of each."""
    for run in _runs(network):
        if len(run.layers) == 1:
            yield run.place(integer(0))
        else:
            with b.loop("layer", 0, len(run.layers)) as step:
                yield run.place(step)


def downward(b: Builder, network: Dense) -> Iterator[Place]:
    """The layers after the first, from the last down."""
    for run in reversed(_runs(network)):
        if len(run.layers) == 1:
            yield run.place(integer(0))
        else:
            with b.loop("layer", 0, len(run.layers)) as step:
                yield run.place(b.let("step", integer(len(run.layers) - 1) - step))
