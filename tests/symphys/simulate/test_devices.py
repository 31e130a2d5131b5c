"""Ensembles on devices: several of them, results that stay there, rows that leave while launches go on."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sympy import cos, exp

import symphys as ph
from codegen import HostMemory
from codegen.backends import memory as memory_module
from symphys.quantum import VonNeumann, pauli
from symphys.simulate import run_adaptive, run_fixed
from symphys.simulate.devices import shared_out
from symphys.simulate.execute import Buffers
from symphys.simulate.inputs import Instances
from symphys.simulate.pictures import by_trajectory
from symphys.simulate.quantities import values_along
from symphys.simulate.recording import Recording
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


@needs_compiler
@pytest.mark.parametrize("rows", [{"t_eval": np.linspace(0.0, 2.0, 9)}, {"save_every": 1}])
def test_rows_of_adaptive_runs_leave_while_steps_go_on(
    cupy: StandIn, monkeypatch: pytest.MonkeyPatch, rows: dict[str, Any]
) -> None:
    """Those that all trajectories have passed; free runs get more room on the way. The rows are those of one launch."""
    simulator = PENDULUM.compile("dopri5", backend="cuda")
    whole = simulator.run(STARTS, VALUES, (0, 2), rtol=1e-3, **rows)
    assert cupy.log.index("copy") > max(i for i, what in enumerate(cupy.log) if what == "launch")
    cupy.log.clear()
    for name, value in (("MUCH", 0), ("SOON", 4), ("FIRST_ROWS", 4)):
        monkeypatch.setattr(run_adaptive, name, value)
    assert_equal(whole, simulator.run(STARTS, VALUES, (0, 2), rtol=1e-3, **rows))
    launches = [i for i, what in enumerate(cupy.log) if what == "launch"]
    assert sum(cupy.log[a:b].count("copy") > 0 for a, b in pairwise(launches)) > 1


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
def test_methods_of_scipy_step_on_the_host(cupy: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts and parameters may be on the device all the same, which NumPy does not read; nothing runs in vain."""
    simulator, laid_out = PENDULUM.compile("radau", backend="cuda"), memory_module.laid_out

    def strict(rows: Any, width: int, dtype: Any) -> Any:
        assert not any(isinstance(row, DeviceArray) for row in rows)
        return laid_out(rows, width, dtype)

    monkeypatch.setattr(memory_module, "laid_out", strict)
    start, options = {theta: np.array([0.3, 0.4]), ph.dot(theta): 0.1}, {"rtol": 1e-6, "t_eval": [0.5]}
    plain = simulator.run(start, {g: 2.0}, (0, 0.5), **options)
    there = {**start, theta: cupy.asarray(start[theta])}
    given = simulator.run(there, {g: cupy.asarray(np.array([2.0, 2.0]))}, (0, 0.5), **options)
    np.testing.assert_array_equal(given[theta], plain[theta])
    cupy.launches.clear()
    for wish, message in (
        ({"devices": 2}, "devices = 2 does not go with 'radau', .* leave devices out, or compile with another method"),
        ({"arrays": "cupy"}, "arrays=\"cupy\" does not go with 'radau', .* on the host; leave arrays out"),
    ):
        with pytest.raises(ph.InputError, match=message):
            simulator.run(start, {g: 2.0}, (0, 0.5), **options, **wish)
    assert not cupy.launches


@needs_compiler
def test_states_stay_on_the_device_where_they_are_asked_for(cupy: StandIn, tmp_path: Path) -> None:
    """Starts and parameters may be CuPy arrays, and stay there; the rest is NumPy, and so is what is made of it."""
    simulator = PENDULUM.compile("verlet", backend="cuda")
    options = {"dt": 0.05, "save_every": 10}
    plain = simulator.run(STARTS, VALUES, (0, 1), **options)
    start = {**STARTS, theta: cupy.asarray(STARTS[theta])}
    kept = simulator.run(start, {g: cupy.asarray(VALUES[g])}, (0, 1), arrays="cupy", **options)
    assert isinstance(kept[theta], DeviceArray)
    assert not isinstance(kept.t, DeviceArray)
    assert isinstance(kept.parameters[g], DeviceArray)
    np.testing.assert_array_equal(kept.parameters[g].get(), plain.parameters[g])
    np.testing.assert_array_equal(kept[theta].get(), plain[theta])
    assert not isinstance(plain[theta], DeviceArray)
    kept.save(tmp_path / "kept.npz")
    np.testing.assert_array_equal(Result.load(tmp_path / "kept.npz")["theta"], plain[theta])
    along = g * theta**2
    np.testing.assert_array_equal(values_along(kept, [along])[0], values_along(plain, [along])[0])
    np.testing.assert_array_equal(by_trajectory(kept[theta]), by_trajectory(plain[theta]))
    single = simulator.run({theta: 0.3, ph.dot(theta): 0.1}, {g: 2.0}, (0, 1), arrays="cupy", **options)
    assert single[theta].get().shape == (3,)


@needs_compiler
@pytest.mark.parametrize("start", [STARTS, {theta: 0.3, ph.dot(theta): 0.1}], ids=["ensemble", "single"])
@pytest.mark.parametrize("how", [{"dt": 0.05}, {"t_eval": [0.0, 0.5, 1.0]}, {}], ids=["fixed", "sampled", "own"])
def test_states_that_stay_are_memory_of_the_users_stream(
    cupy: StandIn, start: dict[Any, Any], how: dict[str, Any]
) -> None:
    """Not of the run's, which the next run takes: a kernel of the user's may still read what he has let go."""
    simulator = PENDULUM.compile("verlet" if "dt" in how else "dopri5", backend="cuda")
    with cupy.cuda.Stream(non_blocking=True) as users:
        kept = simulator.run(start, {g: 2.0}, (0, 1), arrays="cupy", **how)
        assert kept[theta].home is users
    np.testing.assert_array_equal(kept[theta].get(), simulator.run(start, {g: 2.0}, (0, 1), **how)[theta])


@needs_compiler
@pytest.mark.parametrize("start", [STARTS, {theta: 0.3, ph.dot(theta): 0.1}], ids=["ensemble", "single"])
def test_tangent_vectors_stay_on_the_device_beside_their_states(cupy: StandIn, start: dict[Any, Any]) -> None:
    """What is computed of them, exponents and densities, is NumPy's."""
    simulator = PENDULUM.compile("verlet", backend="cuda")
    values = VALUES if start is STARTS else {g: 2.0}
    options = {"dt": 0.05, "save_every": 10}
    plain, kept = (simulator.variations(start, values, (0, 1), arrays=a, **options) for a in ("numpy", "cupy"))
    assert not isinstance(plain.vectors, DeviceArray)
    assert isinstance(kept.vectors, DeviceArray)
    assert isinstance(kept.result[theta], DeviceArray)
    np.testing.assert_array_equal(kept.vectors.get(), plain.vectors)
    np.testing.assert_array_equal(kept.result[theta].get(), plain.result[theta])
    both = [simulator.lyapunov(start, values, (0, 1), dt=0.05, samples=4, arrays=a) for a in ("numpy", "cupy")]
    assert not isinstance(both[1].exponents, DeviceArray)
    np.testing.assert_array_equal(both[1].history, both[0].history)
    np.testing.assert_array_equal(both[1].dimension, both[0].dimension)
    rho = exp(-(theta**2))
    one, other = (simulator.density(rho, start, values, 0.5, dt=0.05, arrays=a) for a in ("numpy", "cupy"))
    assert not isinstance(other, DeviceArray)
    np.testing.assert_array_equal(one, other)


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


@needs_compiler
def test_density_matrices_are_made_of_states_on_the_device(cupy: StandIn) -> None:
    system = VonNeumann(g * pauli()[0] / 2).compile("rk4", backend="cuda")
    start = np.diag([1.0, 0.0]).astype(complex)
    plain, kept = (system.run(start, VALUES, (0, 1), dt=0.1, arrays=arrays) for arrays in ("numpy", "cupy"))
    assert isinstance(next(iter(kept.states.values())), DeviceArray)
    assert not isinstance(kept.rho, DeviceArray)
    np.testing.assert_array_equal(kept.rho, plain.rho)


def test_an_interrupt_while_rows_leave_loses_none() -> None:
    class Interrupted(HostMemory):
        ahead, interrupts = 1, [KeyboardInterrupt]

        def bring(self, *given: Any) -> None:
            if self.interrupts:
                raise self.interrupts.pop()
            super().bring(*given)

    memory = Interrupted({"saved": np.arange(12.0).reshape(1, 4, 3)})
    recording = Recording.of(Buffers(memory, 3, 1, np.dtype(np.float64)), on_device=False)
    recording.follow(np.array([-1, 0, 1]))
    with pytest.raises(KeyboardInterrupt):
        recording.follow(np.array([2, 3]))
    recording.finish()
    np.testing.assert_array_equal(memory["saved"], np.arange(12.0).reshape(1, 4, 3))


@dataclass(frozen=True)
class Asked:
    """As much of a request as sharing out reads."""

    instances: Instances
    kernels: Any
    report: Any = lambda share: None


def test_devices_stop_where_one_has_failed() -> None:
    stopped: list[bool] = []

    def advance(some: Any) -> Any:
        if some.instances.state[0, 0] == 0.0:
            raise ph.InputError("the first device is full")
        end = time.monotonic() + 10.0
        while time.monotonic() < end:
            try:
                some.report(0.1)
            except KeyboardInterrupt:
                stopped.append(True)
                break
            time.sleep(0.001)
        return SimpleNamespace(on_host=lambda: None)

    kernels = SimpleNamespace(backend=SimpleNamespace(on=lambda device: nullcontext()))
    asked: Any = Asked(Instances(np.arange(64.0)[None], np.zeros((0, 64)), (64,)), kernels)
    with pytest.raises(ph.InputError, match="the first device is full"):
        shared_out(asked, 2, advance, list)
    assert stopped == [True]


def test_an_interrupt_while_rows_become_more_leaves_room_for_all_that_are_told() -> None:
    """At each line of what is done: the rows there were are kept, and no more are told than arrays have room for."""

    class Ahead(HostMemory):
        ahead = 1

    values, told, steps = np.arange(12.0).reshape(1, 4, 3), 4, 0
    while told == 4:
        memory = Ahead({"saved": values.copy(), "saved_work": -values, "row_times": values[0].copy()})
        recording = Recording.of(Buffers(memory, 3, 1, np.dtype(np.float64)), on_device=False)
        recording.ready(4)
        recording.take()
        scalars, left, steps = {"rows": 4}, [steps], steps + 1

        def trace(frame: Any, event: str, _: Any, left: list[int] = left) -> Any:
            if event == "line":
                left[0] -= 1
                if left[0] < 0:
                    raise KeyboardInterrupt
            inside = ("_widen", "widen", "widened", "update", "__setitem__", "<dictcomp>")
            return trace if frame.f_code.co_name in inside else None

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            run_adaptive._widen(recording.buffers, recording, scalars)
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(before)
        told = scalars["rows"]
        recording.ready(scalars["rows"])
        recording.finish()
        assert all(array.shape[-2] >= told for array in memory.values())
        np.testing.assert_array_equal(memory["saved"][:, :4], values)
        np.testing.assert_array_equal(memory["row_times"][:4], values[0])
    assert told == 8
    assert steps > 20


@needs_compiler
def test_launches_become_short_when_rows_have_become_many(cupy: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    budgets: list[int] = []
    launch = run_adaptive.launch
    for name, value in (("MUCH", 5 * 2 * 8 * 70), ("SOON", 3), ("BUDGET", 9), ("FIRST_ROWS", 4)):
        monkeypatch.setattr(run_adaptive, name, value)
    monkeypatch.setattr(
        run_adaptive, "launch", lambda kernel, buffers, scalars, threads:
        (budgets.append(scalars["budget"]), launch(kernel, buffers, scalars, threads))
    )  # fmt: skip
    PENDULUM.compile("dopri5", backend="cuda").run(STARTS, VALUES, (0, 1))
    assert budgets[0] == 9
    assert set(budgets[1:]) == {3}
