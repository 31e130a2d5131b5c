"""Values, gradients, Hessians and higher derivatives of networks: on every backend against Rodini's recursions.

Both sides add the same products in different orders, of which there are some hundred: 1e-13 of the largest number is a
hundred roundings of it.
"""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from codegen.backends.nvrtc import check_cuda
from codegen.builder import Builder
from codegen.emit.cuda import emit_cuda
from codegen.errors import CompilerBug, UnsupportedError
from codegen.interpret_program import interpret_launch, run_program
from codegen.ir import real, variable
from codegen.lower.autodiff import gradient, hessian, jvp
from codegen.lower.jets import evaluation, gather_jets
from codegen.lower.taylor import taylor_coefficients
from codegen.networks import ACTIVATIONS, Dense, DenseJet, Wanted
from codegen.optimise.pipeline import optimise_kernel
from codegen.primitives import apply
from codegen.program import Call, Function, statements
from tests.codegen.networks import rodini
from tests.codegen.networks.kernels import drawn, jet_node, orders, point, pulling, run_storing, storing

SHAPES = {
    "one input": Dense("N", 1, (6, 6, 6), 1, "tanh"),
    "two inputs, uneven": Dense("N", 2, (5, 13, 3), 1, "softplus"),
    "five inputs, one layer": Dense("N", 5, (4,), 1, "sin"),
    "two outputs": Dense("N", 2, (5, 5), 2, "squareplus"),
    "features": Dense("N", 2, (6, 6), 1, "tanh", features=6),
    "seven inputs": Dense("N", 7, (5, 4), 1, "tanh"),  # whose vectors meet weights in groups
}
ROUNDING = 1e-13


def assert_close(found, expected):
    assert np.abs(found - expected).max() <= ROUNDING * np.abs(expected).max()


@pytest.mark.parametrize("shape", SHAPES)
def test_jets_equal_rodinis_recursions_on_every_backend(shape, run_backend):
    network = SHAPES[shape]
    weights, points = drawn(network)
    wanted = [(c, o) for c in range(network.outputs) for k in range(3) for o in orders(network.inputs, k)]
    nodes = [jet_node(network, o, component=c) for c, o in wanted]
    found = run_storing(run_backend, network, nodes, weights, points)
    reference = rodini.jets(network, weights, points)
    for row, (component, each) in zip(found, wanted, strict=True):
        inputs = DenseJet(network, component, each).inputs
        part = (reference.y, reference.first, reference.second)[len(inputs)]
        expected = part[(slice(None), component, *inputs)]
        assert np.abs(row - expected).max() <= ROUNDING * np.abs(part).max()


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_each_activation_has_the_derivatives_of_its_formula(activation):
    network = Dense("N", 2, (4, 4), 1, activation)
    weights, points = drawn(network, seed=3)
    each = orders(2, 2)
    run = partial(run_program, launch=interpret_launch)
    found = run_storing(run, network, [jet_node(network, o) for o in each], 2 * weights, points)
    expected = rodini.jets(network, 2 * weights, points).second[:, 0]
    assert_close(found, np.array([expected[(slice(None), *DenseJet(network, 0, o).inputs)] for o in each]))


def test_derivatives_of_nodes_raise_orders():
    network = Dense("N", 2, (4,), 1, "tanh")
    x, y = point(network)
    value = jet_node(network, (0, 0))
    assert gradient(value, (x, y)) == (jet_node(network, (1, 0)), jet_node(network, (0, 1)))
    assert hessian(value, (x, y))[0][1] == jet_node(network, (1, 1))
    assert jvp((value,), {x: real(2.0)}) == (jet_node(network, (1, 0)) * 2.0,)


def test_third_and_fourth_derivatives_are_tangents_of_second_ones(run_backend):
    network = Dense("N", 2, (4, 4), 1, "tanh")
    weights, points = drawn(network, seed=1)
    each = [(3, 0), (1, 2), (2, 2)]
    found = run_storing(run_backend, network, [jet_node(network, o) for o in each], weights, points)
    h = 1e-4  # central differences of second derivatives: truncation h^2, rounding 1e-16 / h for third order
    ahead, behind = (rodini.jets(network, weights, points + s * h * np.eye(2)[0]).second[:, 0] for s in (1, -1))
    here = rodini.jets(network, weights, points).second[:, 0]
    third, fourth = (ahead - behind) / 2 / h, (ahead + behind - 2 * here) / h**2
    assert np.abs(found[:2] - [third[:, 0, 0], third[:, 1, 1]]).max() < 1e-7
    assert np.abs(found[2] - fourth[:, 1, 1]).max() < 1e-5


def calls(block):
    return [s for s in statements(block) if isinstance(s, Call)]


def test_all_derivatives_at_one_point_are_one_evaluation_and_no_more_than_asked():
    network = Dense("N", 3, (4, 4), 1, "tanh")
    nodes = [jet_node(network, o) for o in ((0, 0, 1), (0, 2, 0), (0, 1, 1))]
    (call,) = calls(storing(network, [nodes[0] * nodes[1], nodes[2], nodes[1]]).body)
    assert len(call.targets) == 3
    assert Wanted.of([n.attribute for n in nodes]).directions == (1, 2)  # no tangent along the first input


def test_points_apart_are_evaluated_apart_and_inner_networks_first():
    network = Dense("N", 1, (3,), 1, "tanh")
    (x,) = point(network)
    inner = jet_node(network, (1,))
    outer = jet_node(network, (0,), at=(inner + x,))
    first, second = calls(storing(network, [outer]).body)
    assert first.targets[0] in second.arguments[0].args


def test_gathering_twice_changes_nothing():
    network = Dense("N", 1, (3,), 1, "tanh")
    function = Function("f", point(network), (), (jet_node(network, (2,)) * 3.0,))
    once = gather_jets(function)
    assert gather_jets(once) == once
    assert once.arrays == (network.array,)


def test_evaluations_are_named_by_their_content():
    network, other = Dense("N", 1, (3,), 1, "tanh"), Dense("N", 1, (4,), 1, "tanh")
    names = {evaluation(Wanted.of([DenseJet(n, 0, (k,))])).name for n in (network, other) for k in (1, 2)}
    assert len(names) == 4


def test_code_follows_neither_width_nor_depth():
    """All is loops; a width that tiles do not divide has one part more."""

    def size(hidden):
        network = Dense("N", 2, hidden, 1, "tanh")
        wanted = Wanted.of([DenseJet(network, 0, o) for k in range(3) for o in orders(2, k)])
        return len(list(statements(evaluation(wanted).body)))

    assert size((256,) * 6) < 1.1 * size((16, 16, 16))


def test_series_in_time_are_refused():
    network = Dense("N", 1, (3,), 1, "tanh")
    (x,) = point(network)
    with pytest.raises(UnsupportedError, match=r"Taylor series of a network.*'dop853'"):
        taylor_coefficients((x,), (jet_node(network, (0,)),), 3)


def test_weights_must_be_declared():
    network = Dense("N", 1, (3,), 1, "tanh")
    kernel = storing(network, [jet_node(network, (0,))])
    with pytest.raises(CompilerBug, match="weights_N"):
        optimise_kernel(replace(kernel, arrays=kernel.arrays[:-1]))


def test_conditions_of_loops_hold_no_networks():
    network = Dense("N", 1, (3,), 1, "tanh")
    b = Builder()
    x = b.register("x", 1.0)
    with b.repeat_while(apply("lt", jet_node(network, (0,), at=(x,)), 0.5)):
        b.assign(x, x * 0.5)
    with pytest.raises(CompilerBug, match="holds a network"):
        gather_jets(Function("f", (variable("y"),), b.block(), (x,)))


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_cuda_of_networks_and_their_reverse_compiles(architecture, dtype):
    pytest.importorskip("cuda.bindings.nvrtc", reason="needs cuda-bindings and the NVRTC library")
    network = SHAPES["two outputs"]
    wanted = [(c, o) for c in range(2) for k in range(3) for o in orders(2, k)]
    assert check_cuda(emit_cuda(optimise_kernel(pulling(network, wanted, "sum")), dtype), architecture)
