"""Rows that go to a file as they are saved: whole at every moment, and read where they are asked for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import symphys as ph
from symphys.simulate.lattice.result import FieldResult
from symphys.simulate.status import Outcome
from symphys.simulate.stored import StoredArray

t, x, y = ph.spacetime("t x y")
phi = ph.scalar_field("phi", (t, x, y))
psi = ph.complex_field("psi", (t, x))
c = ph.parameters("c", positive=True)
PLANE = ph.Grid({x: (0.0, 2.0, 6), y: (0.0, 1.0, 5)})
LINE = ph.Grid({x: (-4.0, 4.0, 16)})
WAVE = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 - c**2 * (phi.diff(x) ** 2 + phi.diff(y) ** 2) / 2)
BAR = psi.conjugate()
FREE = ph.LagrangianDensity(1j * (BAR * psi.diff(t) - psi * BAR.diff(t)) / 2 - BAR.diff(x) * psi.diff(x) / 2)
START = {phi: np.random.default_rng(1).normal(size=PLANE.shape), phi.diff(t): 0.0}
PACKET = {psi: np.exp(-(LINE.points[x] ** 2) + 0.5j * LINE.points[x])}
NEEDS = {".nc": "h5netcdf", ".zarr": "zarr"}
SUFFIXES = [*NEEDS]


@pytest.fixture(params=SUFFIXES)
def out(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    pytest.importorskip(NEEDS[request.param])
    return tmp_path / f"run{request.param}"


def test_files_hold_what_memory_would(out: Path) -> None:
    simulator = WAVE.compile(PLANE, "verlet", backend="reference")
    plan = {"t_span": (0.0, 0.5), "dt": 0.05, "save_every": 2}
    memory = simulator.run(START, {c: [1.0, 1.1]}, **plan)
    stored = simulator.run(START, {c: [1.0, 1.1]}, out=out, **plan)
    for again in (stored, FieldResult.open(out), FieldResult.load(out)):
        for label in memory.states:
            assert np.asarray(again[label]).tobytes() == memory[label].tobytes()
        assert np.array_equal(again.totals["energy"], memory.totals["energy"])
        assert np.array_equal(again.drift["energy"], memory.drift["energy"])
        assert again.ok.all()
        assert np.array_equal(again.times_reached, memory.times_reached)
        assert np.array_equal(again.t, memory.t)
        assert again.grid == PLANE
    assert np.array_equal(stored.continuity_residual("energy"), memory.continuity_residual("energy"))


def test_fields_in_files_are_read_where_they_are_indexed(out: Path) -> None:
    simulator = FREE.compile(LINE, backend="reference")
    plan = {"t_span": (0.0, 0.5), "dt": 0.05}
    memory, stored = (simulator.run(PACKET, **plan, **more)[psi] for more in ({}, {"out": out}))
    assert isinstance(stored, StoredArray)
    assert (stored.shape, stored.dtype, stored.ndim, stored.size) == (memory.shape, memory.dtype, 2, 11 * 16)
    assert len(stored) == 11
    for key in (0, -1, (3, 4), (-2, slice(1, 9, 3)), slice(2, 5), slice(None, None, -1), ..., [1, 4], (slice(0, 0),)):
        assert np.array_equal(stored[key], memory[key])
    assert np.array_equal(stored[memory.real > 0], memory[memory.real > 0])
    assert np.array_equal(abs(stored) ** 2, np.abs(memory) ** 2)
    assert np.array_equal(1 + 2 * stored, 1 + 2 * memory)
    assert np.array_equal(stored.conj() if hasattr(stored, "conj") else np.conj(stored), memory.conj())
    with pytest.raises(IndexError):
        stored[11]


def test_a_run_that_fails_leaves_the_rows_until_then(out: Path) -> None:
    chi = ph.scalar_field("chi", (t, x))
    unstable = ph.LagrangianDensity(chi.diff(t) ** 2 / 2 - chi.diff(x) ** 2 / 2 + chi**4 / 4)
    simulator = unstable.compile(ph.Grid({x: (0.0, 1.0, 8)}), backend="reference")
    plan = {"t_span": (0.0, 10.0), "dt": 0.05, "save_every": 10}
    with np.errstate(all="ignore"):
        memory, stored = (simulator.run({chi: 1.0, chi.diff(t): 1.0}, **plan, **m) for m in ({}, {"out": out}))
    assert stored.status.outcome is Outcome.NOT_FINITE
    assert len(stored.t) == len(memory.t) < 21
    assert stored[chi].shape == memory[chi].shape
    for again in (stored, FieldResult.load(out)):
        assert np.array_equal(again[chi], memory[chi])
        assert np.array_equal(again.marks.steps, memory.marks.steps)


ENDLESS = """
    import sys
    import numpy as np
    import symphys as ph

    t, x = ph.spacetime("t x")
    phi = ph.scalar_field("phi", (t, x))
    wave = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 - phi.diff(x) ** 2 / 2)
    simulator = wave.compile(ph.Grid({x: (0.0, 1.0, 2000)}), "verlet", backend="reference")
    start = {phi: np.sin(2 * np.pi * simulator.grid.points[x]), phi.diff(t): 0.0}

    def say(share):
        print(share, flush=True)

    simulator.run(start, t_span=(0.0, 10.0), dt=1e-4, save_every=5, out=sys.argv[1], progress=say)
"""


@pytest.mark.parametrize("suffix", [".nc", pytest.param(".zarr", marks=pytest.mark.slow)])
def test_a_file_outlives_its_process(tmp_path: Path, suffix: str) -> None:
    """Killed at some moment, after at least 30 rows: all that were counted are there."""
    out = tmp_path / f"run{suffix}"
    pytest.importorskip(NEEDS[suffix])
    code = [sys.executable, "-c", textwrap.dedent(ENDLESS), str(out)]
    with subprocess.Popen(code, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        assert process.stdout is not None
        for _ in range(30):
            process.stdout.readline()
        during = FieldResult.open(out)  # while it is being written
        assert np.isfinite(during["phi"][-1]).all()
        process.send_signal(signal.SIGKILL)
    left = FieldResult.open(out)
    assert left.status.outcome is Outcome.INTERRUPTED
    assert 20_001 > len(left.t) >= len(during.t) >= 29
    assert np.isfinite(left["phi"]).all()
    assert left.times_reached == pytest.approx(left.t[-1])
    assert 0 < left.drift["energy"] < 1e-6
    import xarray

    with xarray.open_dataset(out, engine="zarr" if out.suffix == ".zarr" else "h5netcdf") as data:
        assert data["phi"].dims == ("t", "x")
        assert np.array_equal(data["phi"].values[: len(left.t)], np.asarray(left["phi"]))
        assert {"t", "x", "step"} <= set(data.coords)


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """A hundred further rows of 256 KiB each would be 25 MiB; what is held at a time are copies of one."""
    simulator = FREE.compile(ph.Grid({x: (-4.0, 4.0, 1 << 14)}))
    start = {psi: np.exp(-(simulator.grid.points[x] ** 2)) + 0j}

    def peak(rows: int) -> int:
        tracemalloc.start()
        simulator.run(start, t_span=(0.0, rows * 1e-3), dt=1e-3, out=tmp_path / "run.nc")
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(2)  # imports, programs and caches
    assert peak(120) - peak(20) < 1 << 20


def test_what_cannot_be_written_is_refused_before_the_run(tmp_path: Path) -> None:
    simulator = FREE.compile(LINE, backend="reference")

    def run(**more: object) -> FieldResult:
        return simulator.run(PACKET, t_span=(0.0, 0.1), dt=0.05, **more)

    with pytest.raises(ph.InputError, match=r"run.npz cannot be written while running; give .* \.nc or in \.zarr"):
        run(out=tmp_path / "run.npz")
    with pytest.raises(ph.InputError, match="there is no folder"):
        run(out=tmp_path / "nowhere" / "run.nc")
    with pytest.raises(ph.InputError, match=r"the checkpoint c.nc must end in \.npz"):
        run(checkpoint=tmp_path / "c.nc")
    with pytest.raises(ph.InputError, match="there is no folder"):
        run(checkpoint=tmp_path / "nowhere" / "c.npz")
    with pytest.raises(ph.InputError, match="checkpoint_every"):
        run(checkpoint=tmp_path / "c.npz", checkpoint_every=0)
    with pytest.raises(ph.InputError, match="keep names chi, which is no part of the state; that is psi"):
        run(keep="chi")
    with pytest.raises(ph.InputError, match=r"give save_every, or out='run.nc'"):
        FREE.compile(LINE).run(PACKET, t_span=(0.0, 1e4), dt=1e-4)
