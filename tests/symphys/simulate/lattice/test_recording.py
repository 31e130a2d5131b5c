"""Rows of fields leave a device while it goes on with the next ones, on a stand-in for CuPy."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sympy import I

import symphys as ph
from codegen.backends.cuda import CudaBackend
from codegen.backends.cuda_resident import DeviceMemory
from symphys.simulate.lattice.follow import Rows
from symphys.simulate.lattice.record import Record
from symphys.simulate.status import Outcome
from tests.codegen.backends.stand_in import DeviceArray, StandIn
from tests.codegen.backends.test_cuda import needs_compiler

t, x = ph.spacetime("t x")
phi, psi = ph.scalar_field("phi", (t, x)), ph.complex_field("psi", (t, x))
WAVE = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 - phi.diff(x) ** 2 / 2 - phi**4 / 4)
FREE = ph.LagrangianDensity(
    I / 2 * (psi.conjugate() * psi.diff(t) - psi.conjugate().diff(t) * psi) - psi.diff(x) * psi.conjugate().diff(x) / 2
)
GRID = ph.Grid({x: (0.0, 6.0, 24)})
HUMP = np.exp(-((GRID.points[x] - 3.0) ** 2))


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StandIn:
    module = StandIn(folder=tmp_path)
    monkeypatch.setitem(sys.modules, "cupy", module)
    return module


@needs_compiler
@pytest.mark.parametrize("name", ["wave", "free"])
def test_rows_are_those_of_the_cpu_and_are_kept_while_steps_wait(
    cupy: StandIn, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A row is kept when the steps to the next are asked for and not done; 40 steps of a few operations each."""
    theory, start = {"wave": (WAVE, {phi: HUMP, phi.diff(t): 0.0}), "free": (FREE, {psi: HUMP * np.exp(2j * HUMP)})}[
        name
    ]
    expected = theory.compile(GRID).run(start, {}, (0, 0.8), dt=0.02, save_every=10)
    behind: list[int] = []
    keep = Record.keep

    def kept(record: Record, *row: Any) -> None:
        behind.append(len(cupy.launches) - cupy.log.count("launch"))
        keep(record, *row)

    monkeypatch.setattr(Record, "keep", kept)
    found = theory.compile(GRID, backend="cuda").run(start, {}, (0, 0.8), dt=0.02, save_every=10)
    for label in start:
        np.testing.assert_allclose(found[label], expected[label], rtol=0, atol=40 * 30 * 2.0**-52)
    for law, values in expected.totals.items():
        np.testing.assert_allclose(found.totals[law], values, rtol=1e-12, atol=1e-14)
    assert len(behind) == 5
    assert min(behind[:-1]) > 0  # the last row has nothing behind it
    assert behind[-1] == 0


@needs_compiler
@pytest.mark.filterwarnings("ignore:invalid value")  # of energies that overflow
def test_no_more_leaves_than_is_kept(cupy: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rate stays on the device, and is looked at all the same: it alone is not finite in the second row."""
    left: list[set[str]] = []
    snapshot = DeviceMemory.snapshot

    def noted(memory: DeviceMemory, names: Any) -> Any:
        left.append(set(names))
        return snapshot(memory, names)

    monkeypatch.setattr(DeviceMemory, "snapshot", noted)
    start = {phi: HUMP, phi.diff(t): 0.0}
    simulator = WAVE.compile(GRID, "verlet", backend="cuda")
    run = simulator.run(start, {}, (0, 0.2), dt=0.02, save_every=5, keep=[phi])
    assert list(run.states) == [phi]
    assert len(left) == 3
    whole = simulator.run(start, {}, (0, 0.2), dt=0.02, save_every=5)
    assert left[0] < left[-1]
    np.testing.assert_array_equal(run[phi], whole[phi])
    lost = simulator.run({**start, phi.diff(t): 1e308}, {}, (0, 0.2), dt=0.02, save_every=1, keep=[phi])
    assert lost.outcomes == Outcome.NOT_FINITE
    assert np.isfinite(lost[phi]).all()


@needs_compiler
def test_a_run_that_fails_keeps_the_rows_before(cupy: StandIn) -> None:
    """As on the CPU, though the row after the last good one was on its way already."""
    runaway = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 + phi**6)
    start = {phi: 1.0 + 0.0 * HUMP, phi.diff(t): 0.0}
    ends = []
    for backend in ("reference", "cuda"):
        simulator = runaway.compile(GRID, "verlet", backend=backend)
        ends.append(simulator.run(start, {}, (0, 4.0), dt=0.1, save_every=5))
    assert ends[0].outcomes == ends[1].outcomes == Outcome.NOT_FINITE
    assert len(ends[0].t) == len(ends[1].t) > 1
    assert ends[0].times_reached == ends[1].times_reached
    np.testing.assert_allclose(ends[1][phi], ends[0][phi], rtol=1e-9)
    assert cupy.used == {0}


@needs_compiler
def test_steps_after_the_last_row_count_as_reached(cupy: StandIn) -> None:
    """Though the row is kept when they have been asked for."""
    start = {phi: HUMP, phi.diff(t): 0.0}
    found = WAVE.compile(GRID, "verlet", backend="cuda").run(start, {}, (0.0, 0.2), dt=0.02, save_every=7)
    assert len(found.t) == 2
    assert found.times_reached == pytest.approx(0.2)


def test_an_interrupt_while_a_row_is_on_its_way_loses_none() -> None:
    kept: list[int] = []
    interrupts = [KeyboardInterrupt]
    record: Any = SimpleNamespace(keep=lambda member, row, *_: kept.append(row), wanted=())

    def told() -> Any:
        if interrupts:
            raise interrupts.pop()
        return {phi: HUMP}, (np.zeros(0), np.zeros(0))

    run: Any = SimpleNamespace(time=0.0, recorded=lambda labels: told)
    rows = Rows(record, (), ahead=1)
    rows.take(0, run)
    with pytest.raises(KeyboardInterrupt):
        rows.take(1, run)
    rows.settle(0)
    assert kept == [0, 1]


CHARGED = ph.LagrangianDensity(
    psi.diff(t) * psi.conjugate().diff(t) - psi.diff(x) * psi.conjugate().diff(x) - psi * psi.conjugate()
)
KEPT = {
    "wave": (WAVE, "periodic", {phi: HUMP, phi.diff(t): 0.0}),
    "charged": (CHARGED, "periodic", {psi: HUMP * np.exp(2j * HUMP), psi.diff(t): 0.5j * HUMP}),
    "free": (FREE, "periodic", {psi: HUMP * np.exp(2j * HUMP)}),
    "between walls": (FREE, "dirichlet", {psi: np.sin(np.linspace(0.0, np.pi, 24)) * np.exp(2j * HUMP)}),
}


@needs_compiler
@pytest.mark.parametrize("name", KEPT)
def test_rows_stay_on_the_device_where_they_are_asked_for(cupy: StandIn, tmp_path: Path, name: str) -> None:
    """The same bits; integrals are NumPy's, and so is what is saved; runs go on from there."""
    theory, boundary, start = KEPT[name]
    simulator = theory.compile(ph.Grid({x: (0.0, 6.0, 24)}, boundary), backend="cuda")
    plain, kept = (
        simulator.run(start, {}, (0, 0.8), dt=0.02, save_every=10, arrays=arrays) for arrays in ("numpy", "cupy")
    )
    for label, values in plain.states.items():
        assert isinstance(kept[label], DeviceArray)
        np.testing.assert_array_equal(kept[label].get(), values)
    for law, totals in plain.totals.items():
        np.testing.assert_allclose(kept.totals[law], totals, rtol=1e-13, atol=1e-15)  # blocks are added in any order
    kept.save(tmp_path / "kept.npz")
    again = ph.FieldResult.load(tmp_path / "kept.npz")
    label = next(iter(start))
    np.testing.assert_array_equal(again[str(label.func)], plain[label])
    further = [simulator.resume(run, 1.0, save_every=10)[label] for run in (plain, kept)]
    np.testing.assert_array_equal(*further)


@needs_compiler
def test_rows_on_the_device_end_with_the_finite_world(cupy: StandIn) -> None:
    runaway = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 + phi**6)
    simulator = runaway.compile(GRID, "verlet", backend="cuda")
    start = {phi: 1.0 + 0.0 * HUMP, phi.diff(t): 0.0}
    plain, kept = (
        simulator.run(start, {}, (0, 4.0), dt=0.1, save_every=5, keep=[phi], arrays=a) for a in ("numpy", "cupy")
    )
    assert kept.outcomes == Outcome.NOT_FINITE
    assert set(kept.states) == {phi}
    np.testing.assert_array_equal(kept[phi].get(), plain[phi])


def test_rows_on_the_device_go_to_no_file(cupy: StandIn, tmp_path: Path) -> None:
    start = {phi: HUMP, phi.diff(t): 0.0}
    with pytest.raises(ph.InputError, match=r'arrays="cupy" leaves rows on the device; leave out and checkpoint away'):
        WAVE.compile(GRID, backend="cuda").run(
            start, {}, (0, 1), dt=0.1, arrays="cupy", checkpoint=tmp_path / "rows.npz"
        )
    with pytest.raises(ph.InputError, match='arrays="cupy" goes with backend="cuda"'):
        WAVE.compile(GRID, backend="reference").run(start, {}, (0, 1), dt=0.1, arrays="cupy")


@needs_compiler
@pytest.mark.parametrize("unwatched", ["the last row", "an interrupt"])
def test_rows_on_the_device_are_there_when_a_run_returns(
    cupy: StandIn, monkeypatch: pytest.MonkeyPatch, unwatched: str
) -> None:
    """No law is watched, so that nothing is read when the last row was laid: members of an ensemble, seen as memory.

    The memories of the runs are held here, as they wait for what is on its way when they go.
    """
    held: list[DeviceMemory] = []
    memory = CudaBackend.memory
    monkeypatch.setattr(CudaBackend, "memory", lambda backend: (held.append(memory(backend)), held[-1])[1])
    damped = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 - phi.diff(x) ** 2 / 2, dissipation=phi.diff(t) ** 2 / 4)
    simulator = damped.compile(GRID, "rk4", backend="cuda")
    assert not simulator.watched
    start = {phi: np.stack([HUMP, 2 * HUMP]), phi.diff(t): 0.0}

    def stop(share: float) -> None:
        if unwatched == "an interrupt" and share > 0.9:
            raise KeyboardInterrupt

    plain, kept = (
        simulator.run(start, {}, (0, 0.8), dt=0.02, save_every=10, arrays=arrays, progress=stop)
        for arrays in ("numpy", "cupy")
    )
    assert np.isfinite(plain[phi][:, 1]).all()
    seen = kept[phi].view(np.ndarray)  # as by an operation on a stream that does not wait for the run's
    np.testing.assert_array_equal(seen[..., : plain[phi].shape[1], :], plain[phi])
    np.testing.assert_array_equal(kept.outcomes, plain.outcomes)
