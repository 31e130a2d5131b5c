"""Ensembles on devices: several of them, results that stay there, rows that leave while launches go on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sympy import cos

import symphys as ph
from symphys.simulate import run_fixed
from symphys.simulate.result import Result
from tests.codegen.backends.stand_in import DeviceArray, StandIn
from tests.codegen.backends.test_cuda import needs_compiler

theta = ph.coordinates("theta")
g = ph.parameters("g", positive=True)
PENDULUM = ph.Lagrangian(ph.dot(theta) ** 2 / 2 + g * cos(theta))
STARTS = {theta: np.linspace(0.1, 2.9, 70).reshape(7, 10), ph.dot(theta): 0.2}
VALUES = {g: np.linspace(1.0, 30.0, 10)}


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StandIn:
    """Two devices, on the host."""
    module = StandIn(folder=tmp_path, devices=2)
    monkeypatch.setitem(sys.modules, "cupy", module)
    return module


def assert_equal(one: Result, other: Result) -> None:
    """To the last bit, and in the order of the trajectories."""
    for key in one.states:
        np.testing.assert_array_equal(one[key], other[key])
    for name in ("t", "outcomes", "times_reached", "steps", "rejected"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for name, values in one.drift.items():
        np.testing.assert_array_equal(values, other.drift[name])
    for mine, theirs in zip(one.events, other.events, strict=True):
        np.testing.assert_array_equal(mine.times, theirs.times)
        np.testing.assert_array_equal(mine[theta], theirs[theta])


@needs_compiler
@pytest.mark.parametrize(
    ("method", "options"),
    [("verlet", {"dt": 0.05, "save_every": 4}), ("dopri5", {"rtol": 1e-3, "events": ph.Event(theta)})],
)
def test_several_devices_give_the_bits_of_one(cupy: StandIn, method: str, options: dict[str, Any]) -> None:
    """Free runs have different numbers of rows on each device; shares are those of the whole."""
    simulator = PENDULUM.compile(method, backend="cuda")
    shares: list[float] = []
    one = simulator.run(STARTS, VALUES, (0, 2), **options)
    assert cupy.used == {0}
    both = simulator.run(STARTS, VALUES, (0, 2), devices=2, progress=shares.append, **options)
    assert cupy.used == {0, 1}
    assert_equal(one, both)
    assert shares[-1] == 1.0
    few = {theta: 0.3, ph.dot(theta): np.array([0.1, 0.2])}
    assert simulator.run(few, {g: 1.0}, (0, 1), devices=2, **options).shape == (2,)


def test_devices_and_arrays_that_there_are_not(cupy: StandIn) -> None:
    simulator = PENDULUM.compile("verlet", backend="reference")
    for options, message in (
        ({"devices": 2}, "devices = 2, but backend 'reference' finds 1 device here; leave devices out"),
        ({"devices": 0}, "devices = 0; give a whole number of at least 1"),
        ({"arrays": "cupy"}, 'arrays="cupy" goes with backend="cuda"; this system was compiled for \'reference\''),
        ({"arrays": "jax"}, 'arrays = \'jax\'; choose "numpy", or "cupy"'),
    ):
        with pytest.raises(ph.InputError, match=message):
            simulator.run(STARTS, VALUES, (0, 1), dt=0.1, **options)
    simulator = PENDULUM.compile("verlet", backend="cuda")
    with pytest.raises(ph.InputError, match="devices = 3, but backend 'cuda' finds 2 devices here; give devices=2"):
        simulator.run(STARTS, VALUES, (0, 1), dt=0.1, devices=3)
    with pytest.raises(ph.InputError, match="would lie on devices = 2; give one of them"):
        simulator.run(STARTS, VALUES, (0, 1), dt=0.1, devices=2, arrays="cupy")
    assert not cupy.launches


@needs_compiler
def test_states_stay_on_the_device_where_they_are_asked_for(cupy: StandIn) -> None:
    """Starts and parameters may be CuPy arrays; everything but the states is NumPy."""
    simulator = PENDULUM.compile("verlet", backend="cuda")
    options = {"dt": 0.05, "save_every": 10}
    plain = simulator.run(STARTS, VALUES, (0, 1), **options)
    start = {**STARTS, theta: cupy.asarray(STARTS[theta])}
    kept = simulator.run(start, {g: cupy.asarray(VALUES[g])}, (0, 1), arrays="cupy", **options)
    assert isinstance(kept[theta], DeviceArray)
    assert not isinstance(kept.t, DeviceArray)
    np.testing.assert_array_equal(kept[theta].get(), plain[theta])
    assert not isinstance(plain[theta], DeviceArray)
    single = simulator.run({theta: 0.3, ph.dot(theta): 0.1}, {g: 2.0}, (0, 1), arrays="cupy", **options)
    assert single[theta].get().shape == (3,)


@needs_compiler
def test_rows_leave_while_the_next_launch_runs(cupy: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but what was asked for is waited for: rows of a launch arrive before the next one is over."""
    simulator = PENDULUM.compile("verlet", backend="cuda")
    whole = simulator.run(STARTS, VALUES, (0, 2), dt=0.05, save_every=2)
    monkeypatch.setattr(run_fixed, "PORTION", 10)
    monkeypatch.setattr(run_fixed, "WORK", 0)
    cupy.log.clear()
    parts = simulator.run(STARTS, VALUES, (0, 2), dt=0.05, save_every=2)
    assert_equal(whole, parts)
    assert "".join(name[0] for name in cupy.log) == "ll" + "ccl" * 3 + "cc"  # prepare, then four launches of ten steps
