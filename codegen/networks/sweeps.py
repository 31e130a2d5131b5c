"""Value, gradient and Hessian of a dense network by its inputs, in Gram form.

With J_l = dz_l/dx pushed up through the layers and b_l = df/dy_l pulled down once, and s the activation,

    df/dx = W_1^T (s'(z_1) b_1),    d2f/dx dx = sum_l J_l^T diag(s''(z_l) b_l) J_l,

so that each weight matrix meets d + 2 vectors in place of 1 + d + d (d + 1) / 2. Only tangents along inputs by which
second derivatives are wanted are pushed. All is loops over neurons; vectors of one neuron number stand in private
memory, and products keep a tile of sums in registers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..builder import Builder, Names
from ..ir import Node, add_many, as_node, integer, real, variable
from ..program import Function
from ..tiles import SUMS
from .activations import ACTIVATIONS, Activation
from .dense import ALONG, DenseJet, Wanted
from .loops import Place, downward, upward


@dataclass(frozen=True)
class Kept:
    """The private memory of an evaluation: what the reverse needs of it.

    `state` [k][neurons]; `tangents`, `pushed` [m][neurons]: J and s' J; `pulled`, `scaled`, `bent` [neurons] for each
    component: b, s' b and s'' b.
    """

    inputs: tuple[Node, ...]
    state: tuple[str, ...]
    tangents: tuple[str, ...]
    pushed: tuple[str, ...]
    pulled: dict[int, str]
    scaled: dict[int, str]
    bent: dict[int, str]


class Sweeps:
    """Writes the evaluation of wanted derivatives into a block."""

    def __init__(self, b: Builder, wanted: Wanted, inputs: Sequence[Node]) -> None:
        self.b, self.wanted, self.network = b, wanted, wanted.network
        neurons = (self.network.neurons,)
        directions = range(len(wanted.directions))
        bending = [c for c in wanted.components if wanted.of_order(2, c)]
        sloping = [c for c in wanted.components if wanted.of_order(1, c) or c in bending]
        depth = max(len(self.activation(layer.activation).state(real(1.0))) for layer in self.network.layers)
        given = [b.let("x", x) for x in inputs]  # the point, then the components of a direction
        self.along = dict(zip(wanted.along, given[self.network.inputs :], strict=True))
        self.kept = Kept(
            tuple(given[: self.network.inputs]),
            tuple(b.local("state", neurons) for _ in range(depth)),
            tuple(b.local("tangent", neurons) for _ in directions),
            tuple(b.local("pushed", neurons) for _ in directions),
            {c: b.local("pulled", neurons) for c in sloping},
            {c: b.local("scaled", neurons) for c in sloping},
            {c: b.local("bent", neurons) for c in bending},
        )

    @staticmethod
    def activation(name: str) -> Activation:
        """The row of an activation."""
        return ACTIVATIONS[name]

    def weight(self, *place: Node | int) -> Node:
        """A weight, by its place."""
        index: Node = integer(0)
        for part in place:
            index = index + as_node(part)
        return self.b.load("w", self.network.array.name, index)

    def state_of(self, activation: str, neuron: Node) -> tuple[Node, ...]:
        """What was kept of a neuron."""
        names = self.kept.state[: len(self.activation(activation).state(real(1.0)))]
        return tuple(self.b.load("kept", name, neuron) for name in names)

    def evaluate(self) -> tuple[Node, ...]:
        """The wanted derivatives, in their order."""
        self.rise()
        for component in self.kept.pulled:
            self.fall(component)
        found = [value for c in self.wanted.components for value in self.results(c).items()]
        values = dict(found)
        return tuple(values[jet] for jet in self.wanted.jets)

    # --- upward ------------------------------------------------------------------------------------------------------

    def rise(self) -> None:
        """The states of all neurons, and the tangents of their inputs."""
        b, first = self.b, self.network.layers[0]
        with b.loop("neuron", 0, first.outputs) as i:
            row = b.let("row", integer(first.weights) + i * first.inputs)
            z = self.weight(first.bias, i)
            for j, x in enumerate(self.kept.inputs):
                z = z + self.weight(row, j) * x
            slopes = [b.let("slope", self.along_first(row, j)) for j in self.wanted.directions]
            for name, slope in zip(self.kept.tangents, slopes, strict=True):
                b.store(name, i, value=slope)
            self.settle(first.activation, i, z, slopes)
        for place in upward(b, self.network):
            self.lift(place)

    def along_first(self, row: Node, direction: int) -> Node:
        """What a row of the first layer makes of a direction."""
        if direction != ALONG:
            return self.weight(row, direction)
        return add_many(self.weight(row, j) * u for j, u in self.along.items())

    def lift(self, place: Place) -> None:
        """The states of a layer, and the tangents of its inputs, from the layer before it."""
        b, kept, layer = self.b, self.kept, place.layer
        place.multiply(b, self.network, (kept.state[0], *kept.pushed), (kept.state[0], *kept.tangents))
        with b.loop("i", 0, layer.outputs) as i:
            neuron = b.let("neuron", place.here + i)
            z = self.weight(place.bias, i) + b.load("z", kept.state[0], neuron)
            self.settle(layer.activation, neuron, z, [b.load("slope", name, neuron) for name in kept.tangents])

    def settle(self, activation: str, neuron: Node, z: Node, slopes: Sequence[Node]) -> None:
        """Keep what the input of a neuron makes of it, and what its value makes of tangents."""
        b, row = self.b, self.activation(activation)
        state = tuple(b.let("kept", part) for part in row.state(z))
        for name, part in zip(self.kept.state, state, strict=False):
            b.store(name, neuron, value=part)
        if not slopes:
            return
        slope = b.let("first", row.derivatives(state)[0])
        for name, value in zip(self.kept.pushed, slopes, strict=True):
            b.store(name, neuron, value=slope * value)

    # --- downward ----------------------------------------------------------------------------------------------------

    def fall(self, component: int) -> None:
        """The derivatives of a component by the values of all neurons."""
        b, last = self.b, self.network.last
        top = last.first - last.inputs
        with b.loop("neuron", 0, last.inputs) as i:
            pulled = self.weight(last.weights + component * last.inputs, i)
            neuron = b.let("neuron", i + top)
            b.store(self.kept.pulled[component], neuron, value=pulled)
            self.turn(component, self.network.layers[-1].activation, neuron, pulled)
        for place in downward(b, self.network):
            self.sink(component, place)

    def sink(self, component: int, place: Place) -> None:
        """The derivatives by the neurons of the layer before from those of a layer."""
        b, kept = self.b, self.kept
        place.pull(b, self.network, (kept.scaled[component],), (kept.pulled[component],), place.before)
        with b.loop("j", 0, place.layer.inputs) as j:
            neuron = b.let("neuron", place.before + j)
            self.turn(component, place.below, neuron, b.load("pulled", kept.pulled[component], neuron))

    def turn(self, component: int, activation: str, neuron: Node, pulled: Node) -> None:
        """Keep what the derivative by a neuron's value makes of that by its input."""
        b, kept = self.b, self.kept
        first, second, _ = self.activation(activation).derivatives(self.state_of(activation, neuron))
        b.store(kept.scaled[component], neuron, value=first * pulled)
        if component in kept.bent:
            b.store(kept.bent[component], neuron, value=second * pulled)

    # --- what comes out ----------------------------------------------------------------------------------------------

    def results(self, component: int) -> dict[DenseJet, Node]:
        """The wanted derivatives of one component."""
        found: dict[DenseJet, Node] = {}
        for jet in self.wanted.of_order(0, component):
            found[jet] = self.value(component)
        slopes = self.wanted.of_order(1, component)
        found |= dict(zip(slopes, self.gradient(component, [jet.inputs[0] for jet in slopes]), strict=True))
        curvatures = self.wanted.of_order(2, component)
        for start in range(0, len(curvatures), SUMS):
            part = curvatures[start : start + SUMS]
            values = self.curvature(component, [(jet.inputs[0], jet.inputs[1]) for jet in part])
            found.update(zip(part, values, strict=True))
        return found

    def value(self, component: int) -> Node:
        """f."""
        b, last = self.b, self.network.last
        total = b.register("value", self.weight(last.bias + component))
        with b.loop("k", 0, last.inputs) as k:
            w = self.weight(last.weights + component * last.inputs, k)
            b.assign(total, total + w * b.load("y", self.kept.state[0], k + (last.first - last.inputs)))
        return b.copy("value", total)

    def gradient(self, component: int, inputs: Sequence[int]) -> tuple[Node, ...]:
        """df/dx_j = sum_i W_1,ij s'(z_1i) b_1i."""
        if not inputs:
            return ()
        b, first = self.b, self.network.layers[0]
        sums = [b.register("slope", 0.0) for _ in inputs]
        with b.loop("k", 0, first.outputs) as k:
            vector = b.load("y", self.kept.scaled[component], k)
            row = b.let("row", integer(first.weights) + k * first.inputs)
            for register, j in zip(sums, inputs, strict=True):
                b.assign(register, register + self.weight(row, j) * vector)
        return tuple(b.copy("slope", register) for register in sums)

    def curvature(self, component: int, pairs: Sequence[tuple[int, int]]) -> tuple[Node, ...]:
        """d2f/dx_i dx_j = sum over all neurons of s''(z) b J_i J_j."""
        b, places = self.b, self.wanted.directions
        sums = [b.register("curvature", 0.0) for _ in pairs]
        with b.loop("k", 0, self.network.neurons) as k:
            bent = b.load("bent", self.kept.bent[component], k)
            needed = sorted({i for pair in pairs for i in pair})
            slopes = {i: b.load("slope", self.kept.tangents[places.index(i)], k) for i in needed}
            bending = {i: b.let("bending", bent * slopes[i]) for i in sorted({i for i, _ in pairs})}
            for register, (i, j) in zip(sums, pairs, strict=True):
                b.assign(register, register + bending[i] * slopes[j])
        return tuple(b.copy("curvature", register) for register in sums)


def jet_function(name: str, wanted: Wanted) -> Function:
    """The wanted derivatives as a function of the inputs (and a direction), which reads the network's weights."""
    names = Names((wanted.network.array.name,))
    point = tuple(variable(names.fresh(f"x{i}")) for i in range(wanted.network.inputs))
    inputs = (*point, *(variable(names.fresh(f"u{i}")) for i in wanted.along))
    b = Builder(names)
    results = Sweeps(b, wanted, inputs).evaluate()
    return Function(name, inputs, b.block(), results, (wanted.network.array,))
