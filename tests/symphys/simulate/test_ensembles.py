"""Ensembles of any shape, whose members go as if each ran alone."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from sympy import cos

import symphys as ph

a, b = ph.coordinates("a b")
va, vb = ph.dot(a), ph.dot(b)
m, g = ph.parameters("m g", positive=True)
DOUBLE = ph.Lagrangian(m * va**2 + vb**2 / 2 + va * vb * cos(a - b) + 2 * g * cos(a) + g * cos(b))
SIMULATORS = {
    "dt": (DOUBLE.compile(method="gauss4"), {"dt": 0.02, "save_every": 25}),
    "rtol": (DOUBLE.compile(method="dop853"), {"rtol": 1e-9, "t_eval": np.linspace(0.0, 2.0, 5)}),
}


def starts(shape: tuple[int, ...]) -> dict:
    count = int(np.prod(shape))
    return {a: np.linspace(-1.2, 1.2, count).reshape(shape), b: 0.4, va: 0.0, vb: np.full(shape, -0.3)}


@pytest.mark.parametrize("kind", SIMULATORS)
@pytest.mark.parametrize("shape", [(1,), (5,), (33,), (3, 4), (2, 1, 3)])
def test_shapes_are_kept_and_members_run_as_if_alone(kind: str, shape: tuple[int, ...]) -> None:
    """The scalar kernel of one trajectory and the lanes of an ensemble round alike but for fused sums: a hundred steps
    of a chaotic growth below 20 amplify a few units each; adaptive steps besides differ by 1e-3 rtol."""
    simulator, settings = SIMULATORS[kind]
    initial, masses = starts(shape), np.linspace(1.0, 2.0, shape[-1])  # broadcasts against the shape
    together = simulator.run(initial, {m: masses, g: 9.0}, (0.0, 2.0), **settings)
    assert together.shape == shape
    assert together[a].shape == (*shape, 5)
    assert together.t.shape == (5,)
    assert together.ok.shape == together.steps.shape == together.drift["energy"].shape == shape
    assert together.ok.all()
    assert together.parameters[m].shape == shape
    for where in np.ndindex(*shape):
        if sum(where) % 4:
            continue
        one = {s: np.broadcast_to(value, shape)[where] for s, value in initial.items()}
        alone = simulator.run(one, {m: np.broadcast_to(masses, shape)[where], g: 9.0}, (0.0, 2.0), **settings)
        assert alone.shape == ()
        bound = 1e-12 if kind == "dt" else 1e-11
        for s in (a, b, va, vb):
            assert np.abs(alone[s] - together[s][where]).max() < bound


def test_an_array_of_no_axis_is_a_number() -> None:
    simulator, settings = SIMULATORS["dt"]
    run = simulator.run({a: np.float64(0.1), b: np.array(0.0), va: 0, vb: 0}, {m: 1, g: 1}, (0, 1), dt=0.02)
    assert run.shape == ()
    assert run.ok is True
    del settings


def test_parameters_alone_make_an_ensemble() -> None:
    simulator, settings = SIMULATORS["dt"]
    run = simulator.run(
        {a: 0.1, b: 0.1, va: 0.0, vb: 0.0}, {m: [1.0, 2.0], g: [[1.0], [9.0], [4.0]]}, (0, 2), **settings
    )
    assert run.shape == (3, 2)


def test_free_runs_have_times_of_their_own() -> None:
    simulator, _ = SIMULATORS["rtol"]
    run = simulator.run(starts((5,)), {m: 1.0, g: [1.0, 4.0, 9.0, 16.0, 100.0]}, (0.0, 2.0), rtol=1e-8)
    assert run.t.shape == run[a].shape
    assert run.t.shape[0] == 5
    for member in range(5):
        known = np.isfinite(run.t[member])
        assert known.sum() == run.steps[member] + 1
        assert run.t[member][known][-1] == 2.0
        assert (np.isfinite(run[a][member]) == known).all()
    assert len(set(run.steps)) > 1


def test_the_number_of_threads_changes_nothing() -> None:
    simulator, settings = SIMULATORS["dt"]
    runs = [simulator.run(starts((99,)), {m: 1.0, g: 9.0}, (0, 1), threads=n, **settings) for n in (1, 2, 7)]
    assert all((run[a] == runs[0][a]).all() for run in runs[1:])


def test_inputs_are_left_as_they_are() -> None:
    simulator, settings = SIMULATORS["dt"]
    initial = starts((5,))
    before = {s: np.copy(value) for s, value in initial.items()}
    run = simulator.run(initial, {m: 1.0, g: 9.0}, (0, 2), **settings)
    assert all((np.asarray(initial[s]) == before[s]).all() for s in initial)
    assert (run[a][:, 0] == before[a]).all()


def test_ensembles_that_do_not_fit_are_refused() -> None:
    simulator, settings = SIMULATORS["dt"]
    with pytest.raises(ph.InputError, match=r"shapes are a: \(3,\), m: \(4,\)"):
        simulator.run({a: np.zeros(3), b: 0, va: 0, vb: 0}, {m: np.ones(4), g: 1}, (0, 1), **settings)
    with pytest.raises(ph.InputError, match=r"no trajectory; give arrays of at least one element"):
        simulator.run({a: [], b: 0, va: 0, vb: 0}, {m: 1, g: 1}, (0, 1), **settings)


@pytest.mark.cpu(reason="the memory of the host")
@pytest.mark.parametrize(("pace", "room"), [({"dt": 0.1}, 64), ({"rtol": 0.1}, 88)])
def test_large_ensembles_are_not_copied_to_and_fro(pace: dict, room: int) -> None:
    """Numbers that all trajectories share take no room, arrays of single precision are not widened on their way.

    Bytes a trajectory: state and parameters 8, what is carried 4 (a fixed step) or 24 (time, length of the step,
    slopes), counters 32, what is saved 4, the parameter in the result 8; and masks of single bytes, as all end alike.
    """
    x = ph.coordinates("x")
    k = ph.parameters("k", positive=True)
    simulator = ph.VectorField({x: -k * x}).compile("dopri5", dtype="float32")
    count = 300_000
    start, rates = np.linspace(1, 2, count, dtype=np.float32), np.full(count, 1.0, dtype=np.float32)

    def run() -> ph.Result:
        return simulator.run({x: start}, {k: rates}, (0.0, 0.1), t_eval=[0.1], watch_every=0, threads=1, **pace)

    run()
    tracemalloc.start()
    try:
        result = run()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < room * count
    assert result.parameters[k].dtype == np.float64
    assert not np.shares_memory(result.parameters[k], rates)
    assert result.steps[0] == result.steps[-1]
    assert result.ok.all()
    np.testing.assert_allclose(result[x][:, 0], start * np.exp(-0.1), rtol=1e-3)


@pytest.mark.parametrize("method", ["rk4", "dopri5"])
@pytest.mark.parametrize("rates", [2.0, np.array([0.1, 40.0])])
@pytest.mark.parametrize("start", [1.0, np.array([1.0, 2.0])])
def test_what_may_be_one_number_for_all_is_read_only(method: str, rates: Any, start: Any) -> None:
    """Whatever the numbers are, so that a program that writes to it does not depend on them; and users' arrays stay
    theirs."""
    x, k = ph.coordinates("x"), ph.parameters("k", positive=True)
    how = {"dt": 0.01} if method == "rk4" else {"rtol": 1e-6, "t_eval": [1.0]}
    run = ph.VectorField({x: -k * x}).compile(method).run({x: start}, {k: rates}, (0.0, 1.0), **how)
    for values in (run.steps, run.rejected, run.outcomes, run.times_reached, run.parameters[k]):
        assert not values.flags.writeable
        assert values.copy().flags.writeable
    assert not isinstance(rates, np.ndarray) or rates.flags.writeable


def test_members_that_end_differently_are_told_apart() -> None:
    """One counter for all is one number; where they differ, each has its own, and so have outcomes and times."""
    x = ph.coordinates("x")
    simulator = ph.VectorField({x: x**2}).compile("dopri5")
    run = simulator.run({x: np.array([0.1, 0.2, 4.0])}, t_span=(0.0, 1.0), dt=0.01)
    assert [outcome.name for outcome in run.outcomes] == ["FINISHED", "FINISHED", "NOT_FINITE"]
    assert run.ok.tolist() == [True, True, False]
    assert "2 finished, 1 not_finite" in repr(run)
    assert run.steps[0] == 100
    assert run.steps[2] < 40
    assert run.times_reached[1] == 1.0
    assert run.times_reached[2] == pytest.approx(0.01 * run.steps[2])
    assert run.rejected.tolist() == [0, 0, 0]
    same = simulator.run({x: np.array([4.0, 5.0])}, t_span=(0.0, 1.0), dt=0.01)
    assert repr(same).startswith("Result: 2 trajectories of x, 101 times, dopri5: 2 not_finite")
    assert not same.ok.any()
