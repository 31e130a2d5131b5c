"""The reverse of an evaluation of a network: cotangents of its derivatives pulled back to inputs and weights, by heart.

With f_, g_, h_ the cotangents of value, gradient and Hessian, the sweep down is undone first, from the first layer up,

    m_1 = W_1 g_,   b_ = s' m_ + s'' q,   m_(l+1) = W_(l+1) b_,     q = sum h_ij J_i J_j,
    z_ = s'' b m_ + s''' b q,   J_i_ = s'' b sum_j (h_ij + h_ji) J_j,

then the sweep up, from the last layer down,

    z_ += s' y_ + s'' sum_i P_i_ J_i,   J_i_ += s' P_i_,   y_ = W^T z_,   P_i_ = W^T J_i_,     P_i = s' J_i;

and each weight matrix gets W_ = z_ y^T + sum_i J_i_ P_i^T + (s' b) b_^T of the layers at both its ends. So it meets
2 (d + 2) vectors where the evaluation itself is d + 2. Names as in `sweeps`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ..bars import Bar
from ..builder import Builder
from ..ir import Node, add_many, constant_value, integer, real
from ..tiles import NEIGHBOURS, tiled
from .dense import ALONG, Wanted
from .loops import Place, downward, upward
from .sweeps import Sweeps

Cotangents = Mapping[tuple[int, ...], Node]  # of one component, by the inputs of each derivative


@dataclass(frozen=True)
class DenseReverse:
    """What the compiler knows of the derivative of an evaluation."""

    wanted: Wanted

    def forward(self, b: Builder, arguments: Sequence[Node]) -> tuple[tuple[Node, ...], Sweeps]:
        """The evaluation written out, and what its reverse needs."""
        sweeps = Sweeps(b, self.wanted, arguments)
        return sweeps.evaluate(), sweeps

    def back(self, kept: Sweeps, cotangents: Sequence[Node], bars: Mapping[str, Bar]) -> tuple[Node, ...]:
        """The cotangents of the arguments; those of the weights are added to their bar."""
        return Backward(kept, cotangents, bars.get(self.wanted.network.array.name)).run()


class Backward:
    """Writes the reverse of an evaluation whose memory is still there."""

    def __init__(self, sweeps: Sweeps, cotangents: Sequence[Node], bar: Bar | None) -> None:
        self.sweeps, self.b, self.bar = sweeps, sweeps.b, bar
        self.network, self.kept = sweeps.network, sweeps.kept
        given = zip(sweeps.wanted.jets, cotangents, strict=True)
        nonzero = [(jet, c) for jet, c in given if constant_value(c) != 0]
        self.of: dict[int, Cotangents] = {
            component: {jet.inputs: c for jet, c in nonzero if jet.component == component}
            for component in sweeps.wanted.components
        }
        self.sloping = [c for c, found in self.of.items() if any(inputs for inputs in found)]
        curved = {i for found in self.of.values() for inputs in found if len(inputs) == 2 for i in inputs}
        self.directions = tuple(sorted(curved))  # along which there are tangents with cotangents
        places = [sweeps.wanted.directions.index(i) for i in self.directions]
        self.slopes = [self.kept.tangents[place] for place in places]
        self.pushed = [self.kept.pushed[place] for place in places]
        neurons = (self.network.neurons,)
        self.turned = {c: self.b.local("turned", neurons) for c in self.sloping}  # b_, of each component
        self.inputs = self.b.local("input_bar", neurons)  # z_
        self.tangents = [self.b.local("tangent_bar", neurons) for _ in self.directions]  # J_
        widest = max(layer.outputs for layer in self.network.layers)
        deep = len(self.network.layers) > 1
        self.below = [self.b.local("bar_below", (widest,)) for _ in (0, *self.directions) if deep]  # y_, P_ of a layer

    def run(self) -> tuple[Node, ...]:
        """The cotangents of the inputs of the network."""
        if not any(self.of.values()):
            return tuple(real(0.0) for _ in (*self.kept.inputs, *self.sweeps.along))
        for index, component in enumerate(self.sloping):
            self.undo_fall(component, fresh=index == 0)
        self.undo_rise()
        return self.first_layer()

    # --- the sweep down, undone upward --------------------------------------------------------------------------------

    def undo_fall(self, component: int, fresh: bool) -> None:
        """What the cotangents of one component make of its sweep down; `fresh`: the first one stores, others add."""
        b, first, sweeps = self.b, self.network.layers[0], self.sweeps
        slopes = {inputs[0]: c for inputs, c in self.of[component].items() if len(inputs) == 1}
        with b.loop("neuron", 0, first.outputs) as i:
            row = b.let("row", integer(first.weights) + i * first.inputs)
            scaled = add_many(sweeps.weight(row, j) * c for j, c in slopes.items())
            self.unturn(component, first.activation, i, scaled, fresh)
        turned = self.turned[component]
        for place in upward(b, self.network):
            place.multiply(b, self.network, (turned,), (turned,))  # m_
            with b.loop("i", 0, place.layer.outputs) as i:
                neuron = b.let("neuron", place.here + i)
                self.unturn(component, place.layer.activation, neuron, b.load("scaled_bar", turned, neuron), fresh)

    def unturn(self, component: int, activation: str, neuron: Node, scaled: Node, fresh: bool) -> None:
        """b_, z_ and J_ of one neuron from m_."""
        b, sweeps, kept = self.b, self.sweeps, self.kept
        state = sweeps.state_of(activation, neuron)
        first, second, third = sweeps.activation(activation).derivatives(state)
        pulled = b.load("pulled", kept.pulled[component], neuron)
        curvatures = {inputs: c for inputs, c in self.of[component].items() if len(inputs) == 2}
        needed = sorted({i for inputs in curvatures for i in inputs})
        slopes = {i: b.load("slope", self.slopes[self.directions.index(i)], neuron) for i in needed}
        scaled = b.let("scaled_bar", scaled)
        second = b.let("second", second)
        along: dict[int, list[Node]] = {i: [] for i in self.directions}
        for (i, j), c in curvatures.items():
            along[i].append(c * slopes[j])
            along[j].append(c * slopes[i])
        sums = {i: b.let("along", add_many(terms)) for i, terms in along.items()}
        turned, bar = first * scaled, second * scaled
        if curvatures:  # sum_i J_i sum_j (h_ij + h_ji) J_j counts every pair twice
            q = b.let("q", 0.5 * add_many(slopes[i] * sums[i] for i in needed))
            turned, bar = turned + second * q, bar + third * q
        b.store(self.turned[component], neuron, value=turned)
        self.put(self.inputs, neuron, bar * pulled, fresh)
        bent = b.let("bent", second * pulled)
        for tangent, i in zip(self.tangents, self.directions, strict=True):
            self.put(tangent, neuron, bent * sums[i], fresh)

    def put(self, array: str, neuron: Node, value: Node, fresh: bool) -> None:
        """Store a value, or add it."""
        if not fresh:
            value = value + self.b.load("before", array, neuron)
        self.b.store(array, neuron, value=value)

    # --- the sweep up, undone downward --------------------------------------------------------------------------------

    def undo_rise(self) -> None:
        """z_ and J_ of all neurons complete, and the cotangents of all weights but the first layer's."""
        b, last = self.b, self.network.last
        values = {c: found[()] for c, found in self.of.items() if () in found}
        tiled(b, last.inputs, NEIGHBOURS, partial(self.top_weights, values))
        if values or not self.sloping:
            with b.loop("k", 0, last.inputs) as k:
                neuron = b.let("neuron", k + (last.first - last.inputs))
                bar = add_many(self.sweeps.weight(last.weights + c * last.inputs, k) * v for c, v in values.items())
                self.unsettle(self.network.layers[-1].activation, neuron, bar, ())
        for c, value in values.items():
            self.weigh(integer(last.bias + c), value)
        for place in downward(b, self.network):
            self.weights(place)
            self.sink(place)

    def top_weights(self, values: Mapping[int, Node], neurons: tuple[Node, ...]) -> None:
        """The cotangents of the weights that some neurons below the last layer meet."""
        b, last = self.b, self.network.last
        places = [b.let("neuron", k + (last.first - last.inputs)) for k in neurons]
        rows = {c: neurons[0] + (last.weights + c * last.inputs) for c in self.of}
        for c, pulled in self.turned.items():
            self.weigh(rows[c], *(b.load("turned", pulled, place) for place in places))
        for c, value in values.items():
            self.weigh(rows[c], *(value * b.load("y", self.kept.state[0], place) for place in places))

    def unsettle(self, activation: str, neuron: Node, value: Node, pushed: Sequence[Node]) -> None:
        """Complete z_ and J_ of one neuron from y_ and P_."""
        b, sweeps = self.b, self.sweeps
        first, second, _ = sweeps.activation(activation).derivatives(sweeps.state_of(activation, neuron))
        if not self.sloping:
            b.store(self.inputs, neuron, value=first * value)
            return
        first = b.let("first", first)
        bar = b.load("bar", self.inputs, neuron) + first * value
        if pushed:
            bent = (p * b.load("slope", name, neuron) for p, name in zip(pushed, self.slopes, strict=True))
            bar = bar + second * add_many(bent)
            for name, p in zip(self.tangents, pushed, strict=True):
                b.store(name, neuron, value=b.load("bar", name, neuron) + first * p)
        b.store(self.inputs, neuron, value=bar)

    def sink(self, place: Place) -> None:
        """y_ and P_ of the layer before, and what they complete."""
        b, below = self.b, self.below[: 1 + len(self.tangents)]
        place.pull(b, self.network, (self.inputs, *self.tangents), below, integer(0))
        with b.loop("j", 0, place.layer.inputs) as j:
            value, *pushed = (b.load("bar", name, j) for name in below)
            self.unsettle(place.below, b.let("neuron", place.before + j), value, pushed)

    # --- weights ------------------------------------------------------------------------------------------------------

    def weigh(self, place: Node, *values: Node) -> None:
        """Add to the cotangents of a weight and of those that follow it, if any are wanted."""
        if self.bar is not None and any(constant_value(value) != 0 for value in values):
            self.bar.add(self.b, place, *values)

    def weights(self, place: Place) -> None:
        """W_ and the cotangents of the biases of a layer after the first."""
        if self.bar is None:
            return
        b, bar, kept, layer = self.b, self.bar, self.kept, place.layer

        def biases(rows: tuple[Node, ...]) -> None:
            self.weigh(place.bias + rows[0], *(b.load("bar", self.inputs, place.here + i) for i in rows))

        tiled(b, layer.outputs, NEIGHBOURS, biases)
        left = [self.inputs, *self.tangents, *(kept.scaled[c] for c in self.turned)]
        right = [kept.state[0], *self.pushed, *self.turned.values()]
        bar.add_products(b, place.weights, (layer.outputs, layer.inputs), left, place.here, right, place.before)

    def first_layer(self) -> tuple[Node, ...]:
        """The cotangents of the inputs, and of the weights that meet them."""
        b, first, given = self.b, self.network.layers[0], self.kept.inputs
        sums = [b.register("x_bar", 0.0) for _ in given]
        steered = self.sweeps.along if ALONG in self.directions else {}
        turns = {j: b.register("u_bar", 0.0) for j in steered}
        learnt = self.bar is not None and not self.network.features

        def meet(neurons: tuple[Node, ...]) -> None:
            rows = [b.let("row", integer(first.weights) + i * first.inputs) for i in neurons]
            bars = [b.load("bar", self.inputs, i) for i in neurons]
            for i, row, bar in zip(neurons, rows, bars, strict=True):
                for j, register in enumerate(sums):
                    b.assign(register, register + self.sweeps.weight(row, j) * bar)
                for j, register in turns.items():
                    steer = b.load("bar", self.tangents[self.directions.index(ALONG)], i)
                    b.assign(register, register + self.sweeps.weight(row, j) * steer)
            if learnt:
                self.weigh(neurons[0] + first.bias, *bars)
                met = [(i, bar, j, x) for i, bar in zip(neurons, bars, strict=True) for j, x in enumerate(given)]
                self.weigh(rows[0], *(add_many([bar * x, *self.first_terms(j, i)]) for i, bar, j, x in met))

        tiled(b, first.outputs, max(1, NEIGHBOURS // first.inputs), meet)
        steers = [b.copy("u_bar", turns[j]) if j in turns else real(0.0) for j in self.sweeps.along]
        return (*(b.copy("x_bar", register) for register in sums), *steers)

    def first_terms(self, j: int, neuron: Node) -> list[Node]:
        """What W_1 contributes besides z_ x: through tangents along x_j, and through the gradient itself."""
        b = self.b
        slopes = [(self.of[c][j,], self.kept.scaled[c]) for c in self.sloping if (j,) in self.of[c]]
        own = [(self.tangents[self.directions.index(j)], real(1.0))] if j in self.directions else []
        if ALONG in self.directions and j in self.sweeps.along:
            own.append((self.tangents[self.directions.index(ALONG)], self.sweeps.along[j]))
        return [
            *(b.load("bar", name, neuron) * factor for name, factor in own),
            *(slope * b.load("scaled", name, neuron) for slope, name in slopes),
        ]
