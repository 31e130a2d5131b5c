"""Trajectories are sorted by their pace while they run, and nobody can tell."""

import numpy as np
import pytest
import sympy

import symphys as ph
from codegen import HostMemory
from symphys.lower.frame import COUNTERS, ROW
from symphys.simulate.execute import Buffers
from symphys.simulate.regroup import BLOCKS, Grouping

LANES = 32
theta, dot_theta = ph.coordinates("theta"), ph.dot(ph.coordinates("theta"))
g, drag = ph.parameters("g drag")
SYSTEM = ph.Lagrangian(dot_theta**2 / 2 + g * sympy.cos(theta), dissipation=drag * dot_theta**2 / 2)


def starts(count):
    draw = np.random.default_rng(4)
    return (
        {theta: draw.uniform(-3.0, 3.0, count), dot_theta: draw.uniform(-1.0, 1.0, count)},
        {g: draw.uniform(0.1, 40.0, count), drag: draw.uniform(0.0, 0.1, count)},
    )


def in_parts(simulator, initial, parameters, size, **options):
    """The same trajectories a block at a time, which leaves nothing to sort."""
    cut = [slice(k, k + LANES) for k in range(0, size, LANES)]
    return [
        simulator.run({q: v[c] for q, v in initial.items()}, {p: v[c] for p, v in parameters.items()}, **options)
        for c in cut
    ]


@pytest.mark.parametrize("method", ["taylor", "tsit5"])
@pytest.mark.parametrize(
    "options",
    [
        {"t_eval": np.linspace(0.0, 12.0, 30)},
        {"save_every": 3},
        {"t_eval": [12.0], "max_steps": 150},
        {"t_eval": [12.0], "events": ph.Event(dot_theta, direction=-1, terminal=True, after=3)},
    ],
    ids=["sampled", "free", "exhausted", "events"],
)
def test_every_bit_is_that_of_a_block_alone(method, options):
    size = BLOCKS * LANES + 7
    simulator, (initial, parameters) = SYSTEM.compile(method=method), starts(size)
    options = {"t_span": (0.0, 12.0), "rtol": 1e-8, "threads": 1, **options}
    whole = simulator.run(initial, parameters, **options)
    parts = in_parts(simulator, initial, parameters, size, **options)
    assert len(set(whole.steps)) > 12

    def same(read):
        found = [read(part) for part in parts]
        rows = max(each.shape[-1] for each in found) if found[0].ndim > 1 else 0
        found = [np.pad(e, ((0, 0), (0, rows - e.shape[-1])), constant_values=np.nan) if rows else e for e in found]
        np.testing.assert_array_equal(read(whole), np.concatenate(found))

    for read in (
        *(lambda run, q=q: run[q] for q in (theta, dot_theta)),
        lambda run: run.steps,
        lambda run: run.times_reached,
        lambda run: run.outcomes,
        *(lambda run, name=name: run.drift[name] for name in whole.drift),
        *(lambda run, e=e: run.events[e].count for e in range(len(whole.events))),
    ):
        same(read)
    for entry in ("energy", "dissipated", "residual"):
        same(lambda run, entry=entry: getattr(run.ledger, entry))


def grouping(count, threads=1, rows=3):
    buffers = Buffers(HostMemory(), count, LANES, np.dtype(float))
    buffers.new("carry", (2,), float)
    buffers.new("saved", (2, rows), float, np.nan)
    buffers.new("counters", (COUNTERS,), np.int64)
    buffers.arrays["carry"][:, :count] = [np.arange(count), -np.arange(count)]
    buffers.arrays["counters"][ROW] = 2
    buffers.arrays["saved"][:, :2, :count] = np.arange(count)
    return Grouping.of(buffers, threads)


def test_sorted_blocks_are_dealt_to_the_threads():
    count = 8 * LANES
    group = grouping(count, threads=2)
    expected = np.random.default_rng(0).permutation(count).astype(float)
    group.sort(expected)
    blocks = expected[group.order].reshape(-1, LANES)
    assert np.sort(blocks.max(axis=1)).tolist() == [LANES * (k + 1) - 1 for k in range(8)]
    halves = blocks[:4].max(axis=1).sum(), blocks[4:].max(axis=1).sum()
    assert abs(halves[0] - halves[1]) == 4 * LANES  # of 9184 and more: neither thread waits long for the other
    np.testing.assert_array_equal(group.buffers.arrays["carry"][0], group.order)
    np.testing.assert_array_equal(group.buffers.arrays["saved"][1, 1], group.order)
    assert np.isnan(group.buffers.arrays["saved"][:, 2]).all()


def test_restoring_undoes_sorting_more_than_once():
    count = 4 * LANES + 5
    group = grouping(count)
    for seed in range(3):
        group.sort(np.random.default_rng(seed).uniform(1.0, 100.0, count))
    assert group.changed
    group.restore()
    np.testing.assert_array_equal(group.buffers.arrays["carry"][:, :count], [np.arange(count), -np.arange(count)])
    np.testing.assert_array_equal(group.order, np.arange(count))


def test_what_gains_little_stays():
    group = grouping(4 * LANES)
    group.sort(np.repeat([1.0, 5.0, 3.0, 2.0], LANES))
    assert not group.changed


def test_few_blocks_are_left_alone():
    assert not grouping(BLOCKS * LANES - 1).useful
    assert grouping(BLOCKS * LANES).useful
    assert not grouping(BLOCKS * LANES, threads=2).useful
