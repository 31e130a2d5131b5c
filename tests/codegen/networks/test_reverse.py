"""Cotangents of values, gradients and Hessians pulled back to inputs and to every weight, against Rodini's recursions.

Rodini pushes one weight at a time forward (eq. 10-21), so that nothing of the sweep under test is in the reference.
Both sides add a few hundred products: 1e-12 of the largest number is some hundred roundings of their sum.
"""

import numpy as np
import pytest

from codegen.backends import get_backend
from codegen.backends.cpu import CpuBackend
from codegen.bars import Bar
from codegen.builder import Builder
from codegen.compile import compile_kernel
from codegen.emit.cuda import emit_cuda
from codegen.emit.llvm import emit_llvm
from codegen.errors import CompilerBug
from codegen.ir import integer, real
from codegen.lower.forward_statements import jvp_function
from codegen.lower.reverse_statements import vjp_function
from codegen.networks import Dense, DenseJet
from codegen.optimise.pipeline import optimise_kernel
from codegen.program import Array, Function, Intent, Kernel, Store, statements
from tests.codegen.networks import rodini
from tests.codegen.networks.kernels import drawn, jet_node, orders, point, run_pulling
from tests.codegen.networks.running import run_both
from tests.gpu import ON_SHIM

ROUNDING = 1e-12
SHAPES = {
    "one input": Dense("N", 1, (4, 4, 4), 1, "tanh"),
    "two inputs, uneven": Dense("N", 2, (3, 5, 2), 1, "softplus"),
    "three inputs, one layer": Dense("N", 3, (4,), 1, "gelu"),
    "two outputs": Dense("N", 2, (3, 3), 2, "squareplus"),
    "features": Dense("N", 2, (3, 3), 1, "sin", features=4),
    "seven inputs": Dense("N", 7, (5, 4), 1, "tanh"),  # whose vectors meet weights in groups
}


def everything(network):
    return [(c, o) for c in range(network.outputs) for k in range(3) for o in orders(network.inputs, k)]


def part(jet, network, component, each):
    """The column [n] of a reference that a derivative is."""
    inputs = DenseJet(network, component, each).inputs
    return (jet.y, jet.first, jet.second)[len(inputs)][(slice(None), component, *inputs)]


def weight_slopes(network, wanted, weights, points, seeds):
    """[P, n], one weight at a time; zero for those that are given once."""
    slopes = np.zeros((network.count, len(points)))
    for k in range(network.frozen, network.count):
        dot = rodini.weight_tangent(network, weights, points, np.eye(network.count)[k])
        slopes[k] = sum(s * part(dot, network, c, o) for s, (c, o) in zip(seeds, wanted, strict=True))
    return slopes


def input_bars(network, wanted, weights, points, seeds, h=1e-5):
    """[inputs, n] by central differences: truncation h^2, rounding 1e-16 / h."""

    def total(at):
        jet = rodini.jets(network, weights, at)
        return sum(s * part(jet, network, c, o) for s, (c, o) in zip(seeds, wanted, strict=True))

    return np.array([(total(points + h * e) - total(points - h * e)) / 2 / h for e in np.eye(network.inputs)])


def assert_close(found, expected, tolerance=ROUNDING):
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_of_weights_equal_rodinis_on_every_backend(shape, run_backend):
    network = SHAPES[shape]
    weights, points = drawn(network, seed=1, count=3)
    wanted = everything(network)
    seeds = np.random.default_rng(2).normal(size=(len(wanted), 3))
    bars, rows = run_pulling(run_backend, network, wanted, "rows", weights, points, seeds)
    assert_close(rows, weight_slopes(network, wanted, weights, points, seeds))
    assert_close(bars, input_bars(network, wanted, weights, points, seeds), 1e-8)


@pytest.mark.parametrize("shape", ["two outputs", "seven inputs"])
def test_sums_over_samples_are_sums_of_rows(shape, run_backend):
    network = SHAPES[shape]
    weights, points = drawn(network, seed=4, count=37)
    wanted = everything(network)
    seeds = np.random.default_rng(5).normal(size=(len(wanted), 37))
    _, rows = run_pulling(run_backend, network, wanted, "rows", weights, points, seeds)
    _, total = run_pulling(run_backend, network, wanted, "sum", weights, points, seeds)
    assert_close(total, rows.sum(axis=1))


@pytest.mark.parametrize(
    "wanted",
    [
        [(0, (0, 0))],
        [(0, (1, 0))],
        [(0, (0, 2))],
        [(0, (0, 1)), (0, (1, 1))],
        [(0, (0, 0)), (1, (1, 0))],
        [(1, (2, 0)), (1, (0, 2))],
    ],
    ids=["value", "slope", "one curvature", "contraction", "components", "diagonal"],
)
def test_only_what_is_wanted_of_the_sweeps(wanted, run_backend):
    network = SHAPES["two outputs"]
    weights, points = drawn(network, seed=3, count=2)
    seeds = np.random.default_rng(6).normal(size=(len(wanted), 2))
    bars, rows = run_pulling(run_backend, network, wanted, "rows", weights, points, seeds)
    assert_close(rows, weight_slopes(network, wanted, weights, points, seeds))
    assert np.abs(bars - input_bars(network, wanted, weights, points, seeds)).max() < 1e-8


def test_third_derivatives_are_reversed_statement_by_statement(run_backend):
    """Tangents of evaluations have no reverse by heart: their loops are run backwards like any others."""
    network = Dense("N", 1, (3, 3), 1, "tanh")
    weights, points = drawn(network, seed=7, count=2)
    seeds = np.ones((1, 2))
    _, rows = run_pulling(run_backend, network, [(0, (3,))], "rows", weights, points, seeds)
    h = 1e-4
    for k in range(0, network.count, 5):
        step = h * np.eye(network.count)[k]
        third = [
            [
                (rodini.jets(network, weights + s * step, points + r * h).second[:, 0, 0, 0]) * r / (2 * h)
                for r in (1, -1)
            ]
            for s in (1, -1)
        ]
        expected = (np.sum(third[0], axis=0) - np.sum(third[1], axis=0)) / 2 / h
        assert np.abs(rows[k] - expected).max() < 1e-6


def test_dot_test_of_tangents_and_cotangents(run_backend):
    """u . (J w) = (J^T u) . w for tangents of inputs and weights together, of a function of two networks' jets."""
    network = Dense("N", 2, (4, 4), 1, "tanh")
    x = point(network)
    inner = jet_node(network, (0, 2)) * jet_node(network, (1, 0)) + x[0]
    outer = jet_node(network, (0, 1), at=(inner, x[1]))
    function = Function("f", x, (), (outer * jet_node(network, (0, 0)),))
    array = network.array
    tangent = Array(f"{array.name}_dot", array.shape, instanced=False)
    slope = Array("slope", array.shape, intent=Intent.SUM, instanced=False)
    forward = jvp_function(function, x, arrays=(tangent,))
    reverse = vjp_function(function, x, with_results=False, bars={array.name: Bar(slope)})
    assert tangent in forward.arrays
    assert slope in reverse.arrays
    weights, points = drawn(network, seed=8, count=6)
    rng = np.random.default_rng(9)
    dots, weight_dot, seeds = rng.normal(size=(2, 6)), rng.normal(size=network.count), rng.normal(size=6)
    tangents, bars, slopes = run_both(run_backend, network, forward, reverse, weights, points, dots, weight_dot, seeds)
    left, right = seeds @ tangents, (bars * dots).sum() + slopes @ weight_dot
    assert abs(left - right) < 1e-12 * max(abs(left), np.abs(slopes * weight_dot).sum())


def test_what_writes_to_arrays_is_inlined_and_printers_insist():
    network = SHAPES["one input"]
    bar = Bar(Array("slope", (network.count,), intent=Intent.SUM, instanced=False))
    x = point(network)
    function = vjp_function(Function("f", x, (), (jet_node(network, (2,)),)), x, False, {network.array.name: bar})
    b = Builder()
    b.call(function, (b.load("x", "points", 0), real(1.0)))
    arrays = (Array("points", (1,)), bar.array, network.array)
    kernel = Kernel("pull", "sample", arrays, (), b.block())
    for emit in (lambda k: emit_llvm(k, 8), emit_cuda):
        with pytest.raises(CompilerBug, match="`inline` was to copy it"):
            emit(kernel)
        assert emit(optimise_kernel(kernel))


def test_bars_go_to_a_part_of_an_array(run_backend):
    """A row of an array of rows, behind other parameters."""
    network = SHAPES["one input"]
    bar = Bar(Array("rows", (2, 60), intent=Intent.INOUT), at=(1,), offset=3)
    x = point(network)
    function = vjp_function(Function("f", x, (), (jet_node(network, (2,)),)), x, False, {network.array.name: bar})
    assert bar.array in function.arrays
    stores = [s for s in statements(function.body) if isinstance(s, Store) and s.array == "rows"]
    assert stores
    assert all(s.index[0] == integer(1) for s in stores)


@pytest.mark.parametrize("backend", ["cpu", ON_SHIM])
@pytest.mark.parametrize("count", [1, 2, 3, 8, 11])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_sums_of_neighbours_are_added_in_order(count, dtype, backend):
    """Value k of lane i is k + 1 for lanes that exist: the sums are multiples of the number of instances, exactly."""
    b = Builder()
    x = b.load("x", "points")
    values = [x * float(k + 1) for k in range(count)]
    b.accumulate("total", 0, 2, value=values[0], more=values[1:])
    total = Array("total", (2, 20), intent=Intent.SUM, instanced=False)
    kernel = Kernel("sum_up", "sample", (Array("points", ()), total), (), b.block())
    each = [CpuBackend(lane_count=n, grain=0) for n in (1, 8, 32)] if backend == "cpu" else [get_backend(backend)]
    for made in each:
        arrays = {"points": np.ones(64, dtype), "total": np.zeros((2, 20), dtype)}
        compile_kernel(kernel, made, dtype)(arrays, {}, (37,), threads=2)
        np.testing.assert_array_equal(arrays["total"][0, 2 : 2 + count], 37.0 * np.arange(1, count + 1))
        assert arrays["total"].sum() == 37.0 * count * (count + 1) / 2
