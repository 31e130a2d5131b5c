"""Contractions of second derivatives: recognised where they save tangents, right in value and in every cotangent.

What an Euler-Lagrange equation asks of a network N(q, v): F_i = N_q_i - sum_j N_v_i q_j v_j and N_v_i v_j. At fixed v
all are linear in the derivatives, so that Rodini's recursions give them and their derivatives by weights; 1e-12 of
the largest number is some hundred roundings.
"""

import numpy as np
import pytest

from codegen.bars import Bar
from codegen.builder import Builder
from codegen.ir import Kind, add_many, integer, variable, walk
from codegen.lower.contract import contract
from codegen.lower.jets import gather_jets
from codegen.lower.reverse_statements import vjp_function
from codegen.networks import ALONG, Dense, DenseJet, Wanted
from codegen.optimise.inline import inline
from codegen.program import Array, Call, Function, Intent, Kernel, Launch, Let, Load, Program, Scalar, statements
from tests.codegen.networks import rodini
from tests.codegen.networks.kernels import drawn, jet_node, point

N = 3  # coordinates
NETWORK = Dense("N", 2 * N, (5, 4), 1, "tanh")
X = point(NETWORK)
V = X[N:]


def jet(*inputs, network=NETWORK):
    return jet_node(network, tuple(inputs.count(i) for i in range(network.inputs)))


def forces():
    return [jet(i) - add_many(jet(N + i, j) * V[j] for j in range(N)) for i in range(N)]


def masses():
    return [jet(N + i, N + j) for i in range(N) for j in range(i + 1)]


def steered(nodes):
    return {n.attribute for n in walk(nodes) if isinstance(n.attribute, DenseJet) and n.attribute.along}


def test_the_euler_lagrange_equation_takes_one_tangent_for_all_coordinates():
    nodes = contract([*forces(), *masses()])
    assert {j.orders.index(1) for j in steered(nodes)} == {N, N + 1, N + 2}
    assert all(j.along == (0, 1, 2) for j in steered(nodes))
    wanted = Wanted.of([n.attribute for n in walk(nodes) if isinstance(n.attribute, DenseJet)])
    assert wanted.directions == (ALONG, N, N + 1, N + 2)


@pytest.mark.parametrize(
    "nodes",
    [
        [*forces(), *masses(), jet(0, 0), jet(1, 2)],  # the Hessian by coordinates is wanted anyway
        [jet(0) - jet(N, 0) * V[0]],  # one term is no contraction
        [jet(N, 0) * jet(N, 1) + jet(N, 1) * jet(N, 0)],  # factors that are derivatives themselves
    ],
    ids=["all of it", "one term", "products of derivatives"],
)
def test_what_saves_nothing_stays(nodes):
    assert contract(nodes) == tuple(nodes)


def test_different_directions_are_not_mixed():
    other = jet(N) - add_many(jet(N + 1, j) * (V[j] * 2.0) for j in range(N))
    along = [n for n in walk(contract([*forces(), *masses(), other])) if isinstance(n.attribute, DenseJet)]
    assert len({n.args[2 * N :] for n in along if n.attribute.along}) <= 1


def test_directions_that_are_bound_later_wait():
    r = [variable(f"r{j}") for j in range(N)]
    body = (
        Let(variable("early"), jet(0)),
        *(Let(x, v * 2.0) for x, v in zip(r, V, strict=True)),
        *(
            Let(variable(f"late{i}"), jet(i) - add_many(jet(N + i, j) * r[j] for j in range(N)) + jet(N, N + i))
            for i in range(N)
        ),
    )
    function = gather_jets(Function("f", X, body, (variable("early"), variable("late0"), variable("late2"))))
    calls = [s for s in statements(function.body) if isinstance(s, Call)]
    assert len(calls) == 2
    assert calls[1].arguments[-N:] == tuple(r)


def run(runner, mode):
    """Values [m, n], bars [inputs, n] and rows [P, n] of all nodes, each cotangent drawn."""
    nodes = [*forces(), *masses()]
    weights, points = drawn(NETWORK, seed=1, count=4)
    seeds = np.random.default_rng(2).normal(size=(len(nodes), len(points)))
    rows = Array("rows", (NETWORK.count,), intent=Intent.INOUT)
    pulled = vjp_function(Function("el", X, (), tuple(nodes)), X, bars={NETWORK.array.name: Bar(rows)})
    b = Builder()
    for i, x in enumerate(X):
        b.names.fresh(str(x.attribute))
        b.add(Load(x, "points", (integer(i),)))
    bars = [b.load("seed", "seeds", i) for i in range(len(nodes))]
    for i, value in enumerate(b.call(pulled, (*X, *bars))):
        b.store("out", i, value=value)
    size = len(nodes) + len(X)
    own = (Array("points", (len(X),)), Array("seeds", (len(nodes),)), Array("out", (size,), intent=Intent.OUT))
    kernel = inline(Kernel("el", "sample", (*own, rows, NETWORK.array), (), b.block()))
    program = Program("el", kernel.arrays, (Scalar("n", Kind.INT),), (Launch(kernel, ("n",)),))
    arrays = {
        "points": np.ascontiguousarray(points.T),
        "seeds": seeds,
        "out": np.zeros((size, len(points))),
        "rows": np.zeros((NETWORK.count, len(points))),
        NETWORK.array.name: weights,
    }
    runner(program, arrays, {"n": len(points)})
    return weights, points, seeds, arrays["out"][: len(nodes)], arrays["out"][len(nodes) :], arrays["rows"]


def expected(jets, points):
    first, second, v = jets.first[:, 0], jets.second[:, 0], points[:, N:]
    force = first[:, :N] - np.einsum("nij,nj->ni", second[:, N:, :N], v)
    mass = [second[:, N + i, N + j] for i in range(N) for j in range(i + 1)]
    return np.array([*force.T, *mass])


def test_values_and_cotangents_of_contractions(run_backend):
    weights, points, seeds, values, bars, rows = run(run_backend, "rows")
    reference = expected(rodini.jets(NETWORK, weights, points), points)
    assert np.abs(values - reference).max() < 1e-12 * np.abs(reference).max()
    units = np.eye(NETWORK.count)
    slopes = [
        (seeds * expected(rodini.weight_tangent(NETWORK, weights, points, unit), points)).sum(axis=0) for unit in units
    ]
    assert np.abs(rows - slopes).max() < 1e-12 * np.abs(slopes).max()
    h = 1e-5  # central differences: truncation h^2, rounding 1e-16 / h
    for i, unit in enumerate(np.eye(2 * N)):
        ahead, behind = (points + s * h * unit for s in (1, -1))
        change = expected(rodini.jets(NETWORK, weights, ahead), ahead) - expected(
            rodini.jets(NETWORK, weights, behind), behind
        )
        assert np.abs(bars[i] - (seeds * change).sum(axis=0) / 2 / h).max() < 1e-8
