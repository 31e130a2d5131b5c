"""Runs of particles whose arrays stay on a device, on a stand-in for CuPy whose streams do everything as late as they
may."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sympy import exp, sqrt

import symphys as ph
from symphys.simulate.particles.state import State, Told
from tests.codegen.backends.stand_in import DeviceArray, StandIn
from tests.codegen.backends.test_cuda import needs_compiler

atoms = ph.particles("x", dim=2)
G, soft = ph.parameters("G soft", positive=True)
KINETIC = atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2)
CLUSTER = ph.Lagrangian(KINETIC + atoms.pairs(lambda a, b: G / sqrt(a.distance(b) ** 2 + soft**2)))
VALUES = {atoms.mass: 1.0, G: 1.0, soft: 0.3}


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StandIn:
    module = StandIn(folder=tmp_path)
    monkeypatch.setitem(sys.modules, "cupy", module)
    return module


def start(runs: tuple[int, ...] = ()) -> dict[object, np.ndarray]:
    rng = np.random.default_rng(5)
    return {atoms: rng.normal(size=(*runs, 5, 2)), ph.dot(atoms): 0.1 * rng.normal(size=(*runs, 5, 2))}


def assert_equal(one: Any, other: Any) -> None:
    """20 steps of sums over five particles, as two backends round them."""
    for key in (atoms, ph.dot(atoms)):
        np.testing.assert_allclose(one[key], other[key], rtol=0, atol=1e-13)
    np.testing.assert_allclose(one.energy, other.energy, rtol=1e-13)
    np.testing.assert_array_equal(one.t, other.t)


@needs_compiler
@pytest.mark.parametrize("thermostat", [None, ph.NoseHoover(1.0, 0.5)])
def test_rows_leave_while_steps_go_on(
    cupy: StandIn, monkeypatch: pytest.MonkeyPatch, thermostat: ph.NoseHoover | None
) -> None:
    """A row is asked for when the steps to the next were asked for, all but the last."""
    asked: list[tuple[int, int]] = []
    recorded = State.recorded

    def spied(state: State) -> Told:
        then, told = state.k, recorded(state)
        return lambda: (asked.append((then, state.k)), told())[1]

    monkeypatch.setattr(State, "recorded", spied)
    found = [
        CLUSTER.compile(backend=backend, thermostat=thermostat).run(start(), VALUES, (0, 0.2), dt=0.01, save_every=5)
        for backend in ("reference", "cuda")
    ]
    assert_equal(*found)
    steps = [0, 5, 10, 15, 20]
    assert asked == [*zip(steps, steps, strict=True), *zip(steps, [*steps[1:], 20], strict=True)]


@needs_compiler
def test_an_interrupt_keeps_the_rows_on_their_way(cupy: StandIn) -> None:
    def stop(share: float) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    simulator = CLUSTER.compile(backend="cuda")
    whole = simulator.run(start(), VALUES, (0, 0.2), dt=0.01, save_every=5)
    cut = simulator.run(start(), VALUES, (0, 0.2), dt=0.01, save_every=5, progress=stop)
    assert "interrupt" in str(cut.status).lower()
    np.testing.assert_array_equal(cut[atoms], whole[atoms][:3])


@needs_compiler
def test_the_runs_of_a_batch_leave_the_finite_world_one_by_one(cupy: StandIn) -> None:
    """One of nine flies apart; the device is a row further when that is seen, and the others are untouched."""
    torn = ph.Lagrangian(KINETIC + atoms.pairs(lambda a, b: exp(a.distance(b) ** 2)))
    begin = {key: 0.1 * values for key, values in start((9,)).items()}
    begin[atoms][4] *= 20
    cpu, cuda = (
        torn.compile(backend=backend).run(begin, {atoms.mass: 1.0}, (0, 0.4), dt=0.05, save_every=2)
        for backend in ("reference", "cuda")
    )
    assert "finite" in str(cuda.outcomes[4].value)
    np.testing.assert_array_equal(cpu.outcomes, cuda.outcomes)
    np.testing.assert_array_equal(cpu.times_reached, cuda.times_reached)
    assert np.isnan(cuda[atoms][4, -1]).all()
    np.testing.assert_allclose(cpu[atoms], cuda[atoms], rtol=1e-12, atol=1e-13)


@needs_compiler
@pytest.mark.parametrize("runs", [(), (2,), (9,)])
def test_places_stay_on_the_device_where_they_are_asked_for(
    cupy: StandIn, tmp_path: Path, runs: tuple[int, ...]
) -> None:
    """One run, runs one after the other and a batch; totals are NumPy's, and so is what is saved."""
    options = {"dt": 0.01, "save_every": 5}
    simulator = CLUSTER.compile(backend="cuda")
    plain, kept = (
        simulator.run(start(runs), VALUES, (0, 0.2), arrays=arrays, **options) for arrays in ("numpy", "cupy")
    )
    for key in (atoms, ph.dot(atoms)):
        assert isinstance(kept[key], DeviceArray)
        np.testing.assert_array_equal(kept[key].get(), plain[key])
    np.testing.assert_array_equal(kept.energy, plain.energy)
    assert kept.drift == plain.drift if not runs else kept.drift.keys() == plain.drift.keys()
    kept.save(tmp_path / "kept.npz")
    np.testing.assert_array_equal(ph.ParticleResult.load(tmp_path / "kept.npz")[atoms], plain[atoms])
    np.testing.assert_array_equal(kept.frames().positions, plain.frames().positions)


@needs_compiler
def test_places_on_the_device_end_where_a_run_leaves_the_finite_world(cupy: StandIn) -> None:
    torn = ph.Lagrangian(KINETIC + atoms.pairs(lambda a, b: exp(a.distance(b) ** 2)))
    begin = {key: 0.1 * values for key, values in start((9,)).items()}
    begin[atoms][4] *= 20
    plain, kept = (
        torn.compile(backend="cuda").run(begin, {atoms.mass: 1.0}, (0, 0.4), dt=0.05, save_every=2, arrays=arrays)
        for arrays in ("numpy", "cupy")
    )
    np.testing.assert_array_equal(kept[atoms].get(), plain[atoms])
    np.testing.assert_array_equal(kept.outcomes, plain.outcomes)
    alone = {key: values[4] for key, values in begin.items()}
    plain, kept = (
        torn.compile(backend="cuda").run(alone, {atoms.mass: 1.0}, (0, 0.4), dt=0.05, save_every=2, arrays=arrays)
        for arrays in ("numpy", "cupy")
    )
    np.testing.assert_array_equal(kept[atoms].get(), plain[atoms])
    assert len(kept.t) == len(plain.t) < 5


def test_arrays_of_a_device_are_for_its_backend() -> None:
    with pytest.raises(ph.InputError, match='arrays="cupy" goes with backend="cuda"; this system was compiled for'):
        CLUSTER.compile(backend="reference").run(start(), VALUES, (0, 0.1), dt=0.01, arrays="cupy")
