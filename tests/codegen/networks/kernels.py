"""Kernels that store derivatives of a network, and data to run them on."""

from itertools import combinations_with_replacement

import numpy as np

from codegen.builder import Builder
from codegen.ir import JET, Kind, integer, variable
from codegen.lower.jets import gather_jets
from codegen.networks import DenseJet
from codegen.primitives import apply
from codegen.program import Array, Intent, Kernel, Launch, Load, Program, Scalar


def orders(inputs, order):
    """Every derivative of one order, as how often each input occurs."""
    return [
        tuple(chosen.count(i) for i in range(inputs)) for chosen in combinations_with_replacement(range(inputs), order)
    ]


def point(network):
    """The variables of a point."""
    return tuple(variable(f"x{i}") for i in range(network.inputs))


def jet_node(network, wanted, at=None, component=0):
    """The node of a derivative."""
    return apply(JET, *(at or point(network)), attribute=DenseJet(network, component, tuple(wanted)))


def storing(network, nodes, name="store_jets"):
    """`out` [m] of nodes in the variables `point`, from `points` [inputs]."""
    b = Builder()
    for i, x in enumerate(point(network)):
        b.names.fresh(str(x.attribute))
        b.add(Load(x, "points", (integer(i),)))
    for i, value in enumerate(nodes):
        b.store("out", i, value=value)
    arrays = (Array("points", (network.inputs,)), Array("out", (len(nodes),), intent=Intent.OUT), network.array)
    return gather_jets(Kernel(name, "sample", arrays, (), b.block()))


def run_storing(run, network, nodes, weights, points):
    """[m, n]: the nodes at points [n, inputs], by a runner of programs."""
    kernel = storing(network, nodes)
    program = Program("test", tuple(kernel.arrays), (Scalar("samples", Kind.INT),), (Launch(kernel, ("samples",)),))
    count = len(points)
    arrays = {
        "points": np.ascontiguousarray(points.T),
        "out": np.zeros((len(nodes), count)),
        network.array.name: weights,
    }
    run(program, arrays, {"samples": count})
    return arrays["out"]


def drawn(network, seed=0, count=5):
    """Weights of size one over the root of the inputs, and points."""
    rng = np.random.default_rng(seed)
    weights = np.empty(network.count)
    for layer in (*network.layers, network.last):
        weights[layer.weights : layer.weights + layer.size] = rng.normal(0, 1 / np.sqrt(layer.inputs), layer.size)
    return weights, rng.normal(0, 1, (count, network.inputs))
