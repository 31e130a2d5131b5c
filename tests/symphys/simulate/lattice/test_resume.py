"""Runs that stop and go on: equal to the last bit to those that went through, wherever their rows lie."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import I, conjugate, cos

import symphys as ph
from symphys.simulate.lattice.result import FieldResult
from symphys.simulate.status import Outcome

t, x, y = ph.spacetime("t x y")
c, m, g = ph.parameters("c m g", positive=True)
phi = ph.scalar_field("phi", (t, x, y))
psi = ph.complex_field("psi", (t, x))
drive = ph.external("E", (t,))
RNG = np.random.default_rng(4)
PLANE = ph.Grid({x: (0.0, 2.0, 6), y: (0.0, 1.0, 5)}, boundary={x: "dirichlet", y: "neumann"})
LINE = ph.Grid({x: (-4.0, 4.0, 16)})
WAVE = ph.LagrangianDensity(
    phi.diff(t) ** 2 / 2 - c**2 * (phi.diff(x) ** 2 + phi.diff(y) ** 2) / 2 - m * cos(3 * t) * phi**2 / 2
)
BAR = conjugate(psi)
FIRST = I / 2 * (BAR * psi.diff(t) - psi * BAR.diff(t)) - BAR.diff(x) * psi.diff(x) / 2 - g / 2 * (BAR * psi) ** 2
WAVES = {phi: RNG.normal(size=PLANE.shape), phi.diff(t): RNG.normal(size=PLANE.shape)}
PACKET = {psi: np.exp(-(LINE.points[x] ** 2)) * (1 + 0.3j)}


def wave(method: str) -> tuple[Any, Any, Any, Any]:
    """With an explicit time, and an ensemble."""
    return WAVE.compile(PLANE, method), WAVES, {c: [1.0, 1.2], m: 0.5}, {}


def schroedinger(method: str, moving: bool) -> tuple[Any, Any, Any, Any]:
    """With an explicit time, or a given function of it."""
    force = drive if moving else cos(2 * t)
    theory = ph.LagrangianDensity(FIRST + force * x * BAR * psi)
    return theory.compile(LINE, method), PACKET, {g: 1.0}, {drive: np.cos} if moving else {}


SYSTEMS = {
    "splitting of waves, explicit time": wave("blanes_moan4"),
    "Runge-Kutta, explicit time": wave("rk4"),
    "split step, explicit time": schroedinger("auto", False),
    "split step, given function": schroedinger("blanes_moan4", True),
}
DT = 2.0**-6  # exact, so that a span cut short has the same step


def assert_same(one: FieldResult, other: FieldResult) -> None:
    """All that is saved, and how far conserved quantities strayed."""
    assert one.t.tobytes() == other.t.tobytes()
    for label, values in one.states.items():
        assert np.asarray(values).tobytes() == np.asarray(other[label]).tobytes()
    for name, course in one.totals.items():
        assert np.array_equal(course, other.totals[name], equal_nan=True)
        assert np.array_equal(one.drift[name], other.drift[name])
    assert (one.outcomes == other.outcomes).all()
    assert np.array_equal(one.times_reached, other.times_reached)


@pytest.mark.parametrize("system", SYSTEMS)
@given(st.integers(4, 20), st.integers(1, 5), st.data())
@settings(max_examples=4, deadline=None)
def test_a_run_that_goes_on_equals_the_whole(system: str, steps: int, every: int, data: st.DataObject) -> None:
    simulator, start, values, functions = SYSTEMS[system]
    cut = data.draw(st.integers(1, steps - 1))
    plan = {"dt": DT, "save_every": every, "threads": 1}
    whole = simulator.run(start, {**values, **functions}, t_span=(0.5, 0.5 + steps * DT), **plan)
    part = simulator.run(start, {**values, **functions}, t_span=(0.5, 0.5 + cut * DT), **plan)
    end = 0.5 + steps * DT
    on = simulator.resume(part, end, parameters=functions, save_every=every, threads=1)
    assert_same(whole, on)
    with TemporaryDirectory() as folder:
        part.save(Path(folder) / "part.npz")
        on = simulator.resume(Path(folder) / "part.npz", end, parameters=functions, save_every=every, threads=1)
    assert_same(whole, on)


class StoppedError(Exception):
    """What stands for the end of a process."""


def stop_after(share: float) -> Any:
    def progress(done: float) -> None:
        if done >= share:
            raise StoppedError

    return progress


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_a_checkpoint_goes_on_to_the_planned_end(tmp_path: Path, system: str, share: float) -> None:
    simulator, start, values, functions = SYSTEMS[system]
    given_values, plan = {**values, **functions}, {"dt": 0.01, "threads": 1, "t_span": (0.3, 0.61)}
    eval_times = [0.3, 0.32, 0.35, 0.41, 0.5, 0.6]
    whole = simulator.run(start, given_values, t_eval=eval_times, **plan)
    path = tmp_path / "c.npz"
    with pytest.raises(StoppedError):
        simulator.run(start, given_values, t_eval=eval_times, checkpoint=path, progress=stop_after(share), **plan)
    at = FieldResult.load(path)
    assert [each.name for each in tmp_path.iterdir()] == ["c.npz"]  # nothing is left beside it
    on = simulator.resume(path, parameters=functions, threads=1)
    later = np.isin(whole.t, on.t)
    if not whole.shape:
        assert on.t[0] == at.t[0] > 0.3
        assert np.array_equal(on.t, whole.t[later])
        assert on[psi].tobytes() == whole[psi][later].tobytes()
    for member in np.ndindex(*whole.shape):  # a member that has ended keeps its last row alone
        for label in whole.states:
            kept = np.isfinite(on[label][member]).all(axis=tuple(range(1, 1 + len(simulator.grid.shape))))
            assert kept[-1]
            mine = whole[label][member][later]
            assert on[label][member][kept].tobytes() == mine[kept].tobytes()
    for name, drift in whole.drift.items():
        assert np.array_equal(on.drift[name], drift)
    assert on.ok if not whole.shape else on.ok.all()


def test_checkpoints_come_every_so_many_rows(tmp_path: Path) -> None:
    simulator, start, values, _ = SYSTEMS["split step, explicit time"]
    simulator.run(
        start, values, t_span=(0.0, 10 * DT), dt=DT, save_every=2, checkpoint=tmp_path / "c.npz", checkpoint_every=4
    )
    assert FieldResult.load(tmp_path / "c.npz").t == [6 * DT]  # the fourth of six rows


def test_an_interrupted_run_is_continued(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends all members; those that have not begun are continued from nothing only by a checkpoint."""
    simulator, start, values, _ = SYSTEMS["split step, explicit time"]

    def interrupt(done: float) -> None:
        if done > 0.5:
            raise KeyboardInterrupt

    plan = {"t_span": (0.0, 16 * DT), "dt": DT, "save_every": 3, "threads": 1}
    part = simulator.run(start, values, progress=interrupt, **plan)
    assert part.status.outcome is Outcome.INTERRUPTED
    assert 0 < len(part.t) < 6
    assert_same(simulator.run(start, values, **plan), simulator.resume(part, threads=1))


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_rows_go_on_in_the_file_itself(tmp_path: Path, suffix: str) -> None:
    if suffix == ".zarr":
        pytest.importorskip("zarr")
    simulator, start, values, _ = SYSTEMS["splitting of waves, explicit time"]
    out = tmp_path / f"run{suffix}"
    plan = {"dt": DT, "save_every": 3, "threads": 1}
    whole = simulator.run(start, values, t_span=(0.0, 12 * DT), **plan)
    simulator.run(start, values, t_span=(0.0, 6 * DT), out=out, **plan)
    on = simulator.resume(out, 12 * DT, out=out, threads=1)
    assert_same(whole, on)
    assert_same(whole, FieldResult.load(out))
    assert [each.name for each in tmp_path.iterdir()] == [out.name]


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    simulator, start, values, _ = SYSTEMS["split step, explicit time"]
    run = simulator.run(start, values, t_span=(0.0, 8 * DT), dt=DT, save_every=4)
    with pytest.raises(ph.InputError, match=r"the run went to its end, t = 0.125; give t_end"):
        simulator.resume(run)
    with pytest.raises(ph.InputError, match=r"t_end = 0.1 lies between two steps of dt = 0.015625"):
        simulator.resume(run, 0.1)
    with pytest.raises(ph.InputError, match=r"t_end = 0.0625 is not beyond t = 0.125, which was reached"):
        simulator.resume(run, 4 * DT)
    with pytest.raises(ph.InputError, match=r"t_eval must hold multiples of dt = 0.015625 beyond t = 0.125"):
        simulator.resume(run, 16 * DT, t_eval=[4 * DT, 16 * DT])
    with pytest.raises(ph.InputError, match="the parameter g is that of the run"):
        simulator.resume(run, 16 * DT, parameters={g: 2.0})
    other = schroedinger("verlet", False)[0]
    assert other.resume(run, 16 * DT).ok  # what was chosen by itself, chosen by name
    with pytest.raises(ph.InputError, match="had method verlet, but this simulator has blanes_moan4"):
        schroedinger("blanes_moan4", False)[0].resume(run, 16 * DT)
    with pytest.raises(
        ph.InputError, match=r"had grid x: -4.0..4.0 16 periodic, but this simulator has x: -4.0..4.0 18"
    ):
        ph.LagrangianDensity(FIRST).compile(ph.Grid({x: (-4.0, 4.0, 18)})).resume(run, 16 * DT)
    with pytest.raises(ph.InputError, match="had dtype float64, but this simulator has float32"):
        ph.LagrangianDensity(FIRST).compile(LINE, dtype="float32").resume(run, 16 * DT)
    with pytest.raises(ph.InputError, match="there is no file"):
        simulator.resume(tmp_path / "nothing.npz")
    waves, begin, numbers, _ = SYSTEMS["Runge-Kutta, explicit time"]
    half = waves.run(begin, numbers, t_span=(0.0, 4 * DT), dt=DT, keep=phi)
    assert list(half.states) == [phi]
    with pytest.raises(ph.InputError, match="phi_t was not saved, so that nothing can go on from here"):
        waves.resume(half, 8 * DT)
    with pytest.raises(ph.InputError, match="psi was not saved"):
        simulator.resume(half, 8 * DT)
