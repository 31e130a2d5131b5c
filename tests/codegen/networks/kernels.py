"""Kernels that store derivatives of a network, and data to run them on."""

from itertools import combinations_with_replacement

import numpy as np

from codegen.bars import Bar
from codegen.builder import Builder
from codegen.ir import JET, Kind, integer, real, variable
from codegen.lower.jets import gather_jets
from codegen.lower.reverse_statements import vjp_function
from codegen.networks import DenseJet
from codegen.optimise.inline import inline
from codegen.primitives import apply
from codegen.program import Array, Function, Intent, Kernel, Launch, Load, Program, Scalar


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


def pulling(network, wanted, mode, also=()):
    """Cotangents of derivatives [m] at `points`, from `seeds` [m]: of the inputs, and of the weights by `mode`.

    wanted: (component, orders) of each. "sum": `slope` [P] over all samples; "rows": `slope` [P] of each. `also` are
    nodes beside the derivatives whose cotangents are one.
    """
    x = point(network)
    nodes = [jet_node(network, o, component=c) for c, o in wanted]
    function = Function("jets", x, (), (*nodes, *also))
    intent = Intent.SUM if mode == "sum" else Intent.INOUT
    slope = Array("slope", (network.count,), intent=intent, instanced=mode == "rows")
    pulled = vjp_function(function, x, with_results=False, bars={network.array.name: Bar(slope)})
    b = Builder()
    at = [b.load(f"x{i}", "points", i) for i in range(network.inputs)]
    seeds = [b.load(f"seed{i}", "seeds", i) for i in range(len(nodes))]
    for i, bar in enumerate(b.call(pulled, (*at, *seeds, *(real(1.0) for _ in also)))):
        b.store("bars", i, value=bar)
    shape = (network.inputs,)
    own = (Array("points", shape), Array("seeds", (len(nodes),)), Array("bars", shape, intent=Intent.OUT))
    return inline(Kernel(f"pull_{mode}", "sample", (*own, slope, network.array), (), b.block()))


def run_pulling(run, network, wanted, mode, weights, points, seeds):
    """(bars [inputs, n], slope [P] or [P, n]); seeds [m, n]."""
    kernel, count = pulling(network, wanted, mode), len(points)
    program = Program("test", tuple(kernel.arrays), (Scalar("samples", Kind.INT),), (Launch(kernel, ("samples",)),))
    arrays = {
        "points": np.ascontiguousarray(points.T),
        "seeds": seeds,
        "bars": np.zeros((network.inputs, count)),
        "slope": np.zeros((network.count, count) if mode == "rows" else network.count),
        network.array.name: weights,
    }
    run(program, arrays, {"samples": count})
    return arrays["bars"], arrays["slope"]


def drawn(network, seed=0, count=5):
    """Weights of size one over the root of the inputs, and points."""
    rng = np.random.default_rng(seed)
    weights = np.empty(network.count)
    for layer in (*network.layers, network.last):
        weights[layer.weights : layer.weights + layer.size] = rng.normal(0, 1 / np.sqrt(layer.inputs), layer.size)
    return weights, rng.normal(0, 1, (count, network.inputs))
