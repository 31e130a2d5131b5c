"""What a dense network is made of, and where its weights stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ..program import Array


@dataclass(frozen=True)
class Layer:
    """One layer z = W a + b, y = s(z): its sizes, the place of W [outputs, inputs] and then b in the weights."""

    inputs: int
    outputs: int
    activation: str
    weights: int
    first: int  # the number of its first neuron among all hidden ones

    @property
    def bias(self) -> int:
        """The place of b."""
        return self.weights + self.inputs * self.outputs

    @property
    def size(self) -> int:
        """How many weights it has."""
        return (self.inputs + 1) * self.outputs


@dataclass(frozen=True)
class Dense:
    """f(x) = W_L s(... s(W_1 x + b_1) ...) + b_L, a function of `inputs` reals with `outputs` components.

    `name` is an identifier. `features` > 0: a first layer of as many neurons with activation `cos` stands before the
    others, whose weights are given once and never learnt. The weights are one flat array, layer after layer, each with
    its matrix in rows and then its biases.
    """

    name: str
    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    activation: str
    features: int = 0

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """All layers but the last, which has no activation."""
        widths = (*((self.features,) if self.features else ()), *self.hidden)
        found: list[Layer] = []
        before, place, first = self.inputs, 0, 0
        for index, width in enumerate(widths):
            activation = "cos" if self.features and index == 0 else self.activation
            found.append(Layer(before, width, activation, place, first))
            before, place, first = width, place + found[-1].size, first + width
        return tuple(found)

    @property
    def last(self) -> Layer:
        """The last layer, which is linear."""
        end = self.layers[-1]
        return Layer(end.outputs, self.outputs, "identity", end.weights + end.size, end.first + end.outputs)

    @property
    def neurons(self) -> int:
        """The number of hidden neurons."""
        return self.last.first

    @property
    def frozen(self) -> int:
        """How many of the first weights are given and not learnt."""
        return (self.inputs + 1) * self.features

    @property
    def count(self) -> int:
        """The number of all weights, given and learnt."""
        return self.last.weights + self.last.size

    @property
    def array(self) -> Array:
        """The weights, one set for all instances."""
        return Array(f"weights_{self.name}", (self.count,), instanced=False)


ALONG = -1  # stands for the direction among the inputs of a derivative


@dataclass(frozen=True)
class DenseJet:
    """The partial derivative of the given orders, one for each input, of one component of a network.

    With `along` it is differentiated once more along a direction with components at these inputs, which its node holds
    as arguments behind the point. Only `lower.contract` makes such, when nothing is differentiated any more.
    """

    network: Dense
    component: int
    orders: tuple[int, ...]
    along: tuple[int, ...] = ()

    def encode(self) -> bytes:
        """All that tells it from others."""
        return repr(self).encode()

    def raised(self, argument: int) -> DenseJet:
        """Differentiated once more."""
        return replace(self, orders=tuple(k + (i == argument) for i, k in enumerate(self.orders)))

    @property
    def order(self) -> int:
        """How often it is differentiated."""
        return len(self.inputs)

    @property
    def inputs(self) -> tuple[int, ...]:
        """The inputs by which it is differentiated, each as often as it is, and `ALONG` for the direction."""
        plain = tuple(i for i, k in enumerate(self.orders) for _ in range(k))
        return (*plain, ALONG) if self.along else plain

    def __str__(self) -> str:
        component = f"[{self.component}]" if self.network.outputs > 1 else ""
        return f"{self.network.name}{component}({', '.join(map(str, self.orders))})"


@dataclass(frozen=True)
class Wanted:
    """The derivatives of a network that one evaluation gives, sorted; what `sweeps` are written for."""

    network: Dense
    jets: tuple[DenseJet, ...]

    @classmethod
    def of(cls, jets: Sequence[DenseJet]) -> Wanted:
        """The same derivatives in one order, whoever asks for them."""
        unique = sorted(set(jets), key=lambda jet: (jet.order, jet.component, jet.inputs))
        return cls(unique[0].network, tuple(unique))

    @property
    def components(self) -> tuple[int, ...]:
        """The components that occur."""
        return tuple(sorted({jet.component for jet in self.jets}))

    @property
    def along(self) -> tuple[int, ...]:
        """The inputs in which the direction has components."""
        return next((jet.along for jet in self.jets if jet.along), ())

    @property
    def directions(self) -> tuple[int, ...]:
        """The inputs, and `ALONG`, that occur in second derivatives, along which tangents are pushed."""
        return tuple(sorted({i for jet in self.jets if jet.order == 2 for i in jet.inputs}))

    def of_order(self, order: int, component: int) -> tuple[DenseJet, ...]:
        """Those of one order and component."""
        return tuple(jet for jet in self.jets if jet.order == order and jet.component == component)
