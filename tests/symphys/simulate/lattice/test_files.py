"""Results of fields in data sets and files: what is written comes back, and nothing in a file is evaluated."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symphys as ph
from symphys.simulate.lattice.result import FieldResult
from symphys.simulate.lattice.watch import Watch
from symphys.simulate.run_fixed import read_marks
from symphys.simulate.status import Outcome

t, x, y = ph.spacetime("t x y")
phi = ph.scalar_field("phi", (t, x, y))
psi = ph.complex_field("psi", (t, x, y))
m = ph.parameters("m", positive=True)
GRID = ph.Grid({x: (-1.0, 2.0, 5), y: (0.0, 0.7, 4)}, boundary={x: "neumann", y: "periodic"})
SUFFIXES = [".nc", ".npz", ".zarr"]


def made(shape: tuple[int, ...], rows: int, dtype: str, seed: int) -> FieldResult:
    """A result with random contents of which `rows` of the 4 planned times were reached."""
    rng = np.random.default_rng(seed)
    outcomes = np.empty(shape, dtype=object)
    outcomes[...] = rng.choice(np.array(list(Outcome), dtype=object), size=shape or None)
    marks = read_marks((0.5, 2.0), 0.25, None, 2)
    full = (*shape, rows, *GRID.shape)
    waves = rng.normal(size=full) + 1j * rng.normal(size=full)
    return FieldResult(
        t=marks.times[:rows],
        states={
            phi: rng.normal(size=full).astype(dtype),
            phi.diff(t): np.where(rng.random(full) < 0.2, np.nan, -0.0).astype(dtype),
            psi: waves.astype(np.result_type(dtype, np.complex64)),
        },
        grid=GRID,
        parameters={m: rng.random(shape)},
        watch=Watch(*({"energy": rng.random(shape), "momentum x": rng.random(shape)} for _ in range(3))),
        rows=np.full(shape, rows),
        steps=marks.steps[:rows],
        outcomes=outcomes,
        times_reached=rng.random(shape),
        marks=marks,
        method="verlet",
        derivatives="waves",
        conserved={"energy": m * phi**2, "momentum x": phi},
        totals={"energy": rng.normal(size=(*shape, rows))},
        t_start=0.5,
    )


def same(first: Any, second: Any) -> bool:
    return bool(first.dtype == second.dtype and first.shape == second.shape and first.tobytes() == second.tobytes())


@given(
    st.lists(st.integers(1, 3), max_size=2),
    st.integers(1, 4),
    st.sampled_from(["float32", "float64"]),
    st.integers(0, 2**32),
    st.sampled_from(SUFFIXES),
)
@settings(max_examples=20)
def test_what_is_saved_comes_back(shape: list[int], rows: int, dtype: str, seed: int, suffix: str) -> None:
    """Bit for bit: files hold the numbers themselves."""
    if suffix == ".zarr":
        pytest.importorskip("zarr")
    first = made(tuple(shape), rows, dtype, seed)
    with TemporaryDirectory() as folder:
        first.save(Path(folder) / f"run{suffix}")
        second = FieldResult.load(Path(folder) / f"run{suffix}")
    for label in (phi, phi.diff(t), psi):
        assert same(first[label], second[label])
    assert list(second.states) == ["phi", "phi_t", "psi"]
    assert same(first.t, second.t)
    assert same(first.parameters[m], second.parameters["m"])
    for name, values in first.drift.items():
        assert same(values, second.drift[name])
    assert same(first.totals["energy"], second.totals["energy"])
    assert same(first.rows, second.rows)
    assert np.array_equal(first.steps, second.steps)
    assert (first.outcomes == second.outcomes).all()
    assert str(first.status) == str(second.status)
    assert second.grid == first.grid  # coordinates are real symbols again
    assert (second.method, second.derivatives, second.time, second.t_start) == ("verlet", "waves", "t", 0.5)
    assert (second.dt, second.marks.count) == (0.25, 6)
    assert np.array_equal(second.marks.steps, [0, 2, 4, 6])  # also those that were planned and not reached
    assert np.array_equal(second.marks.times, [0.5, 1.0, 1.5, 2.0])
    assert second.conserved == {"energy": "m*phi(t, x, y)**2", "momentum x": "phi(t, x, y)"}


@pytest.mark.parametrize(("shape", "front"), [((), ()), ((3,), ("trajectory",)), ((2, 3), ("axis_0", "axis_1"))])
def test_data_sets_name_their_axes(shape: tuple[int, ...], front: tuple[str, ...]) -> None:
    result = made(shape, 4, "float64", 1)
    data = result.to_xarray()
    for name, label in (("phi", phi), ("phi_t", phi.diff(t)), ("psi", psi)):
        assert data[name].dims == (*front, "t", "x", "y")
        assert same(data[name].values, result[label])
    assert data["psi"].dtype == np.complex128
    assert np.array_equal(data["x"], GRID.points[x])
    assert data["x"].attrs["boundary"] == "neumann"
    assert np.array_equal(data["t"], [0.5, 1.0, 1.5, 2.0])
    assert np.array_equal(data["step"], [0, 2, 4, 6])
    assert {"t", "x", "y", "m", "step"} <= set(data.coords)
    assert data["m"].dims == front
    assert data["drift_momentum_x"].dims == front
    assert data["total_energy"].dims == (*front, "t")
    assert data["status"].attrs["flag_meanings"].split()[int(data["status"].values.flat[0])] in Outcome.__members__
    assert data.attrs["method"] == "verlet"


def test_the_time_is_called_what_the_user_calls_it() -> None:
    s, u = ph.spacetime("s u")
    chi = ph.complex_field("chi", (s, u))
    free = ph.LagrangianDensity(
        1j * (chi.conjugate() * chi.diff(s) - chi * chi.conjugate().diff(s)) / 2 - chi.diff(u).conjugate() * chi.diff(u)
    )
    run = free.compile(ph.Grid({u: (0.0, 1.0, 8)}), backend="reference").run({chi: 1.0}, t_span=(0.0, 0.1), dt=0.1)
    assert run.to_xarray()["chi"].dims == ("s", "u")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_real_run_survives_every_format(tmp_path: Path, suffix: str) -> None:
    if suffix == ".zarr":
        pytest.importorskip("zarr")
    theory = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 - phi.diff(x) ** 2 / 2 - phi.diff(y) ** 2 / 2 - m * phi**2 / 2)
    run = theory.compile(GRID, backend="reference").run(
        {phi: GRID.mesh[0], phi.diff(t): 0.0}, {m: [1.0, 2.0]}, t_span=(0.0, 0.2), dt=0.05, t_eval=[0.1, 0.2]
    )
    run.save(tmp_path / f"run{suffix}")
    loaded = FieldResult.load(tmp_path / f"run{suffix}")
    assert same(run[phi], loaded[phi])
    assert same(run[phi.diff(t)], loaded["phi_t"])
    assert np.array_equal(loaded.grid.points[x], GRID.points[x])
    assert loaded.ok.all()
    assert same(run.drift["energy"], loaded.drift["energy"])
    assert repr(loaded) == repr(run)
    with pytest.raises(ph.UnsupportedError, match="read from a file cannot take the steps"):
        loaded.continuity_residual()


def test_other_tools_read_the_numbers(tmp_path: Path) -> None:
    import h5py

    result = made((), 4, "float64", 2)
    result.save(tmp_path / "run.nc")
    with h5py.File(tmp_path / "run.nc") as file:
        assert np.array_equal(file["psi_real"][:] + 1j * file["psi_imag"][:], result[psi])
        assert [scale[0].name for scale in (file["phi"].dims[0], file["phi"].dims[1])] == ["/t", "/x"]


def test_results_of_particles_are_no_results_of_fields(tmp_path: Path) -> None:
    q = ph.coordinates("q")
    particle = ph.Lagrangian(ph.dot(q) ** 2 / 2).compile(backend="reference", method="verlet")
    particle.run({q: 0.0, ph.dot(q): 1.0}, t_span=(0.0, 1.0), dt=0.5).save(tmp_path / "run.npz")
    with pytest.raises(ph.InputError, match="no result of fields of symphys: its format is 'symphys result 1'"):
        FieldResult.load(tmp_path / "run.npz")
    made((), 2, "float64", 3).save(tmp_path / "fields.npz")
    with pytest.raises(ph.InputError, match="no result of symphys: its format is 'symphys field result 1'"):
        ph.Result.load(tmp_path / "fields.npz")


def test_laws_in_files_are_text(tmp_path: Path) -> None:
    """What SymPy would evaluate stays a string."""
    result = made((), 2, "float64", 4)
    object.__setattr__(result, "conserved", {"energy": "__import__('os').abort()"})
    for suffix in (".nc", ".npz"):
        result.save(tmp_path / f"run{suffix}")
        assert FieldResult.load(tmp_path / f"run{suffix}").conserved == {"energy": "__import__('os').abort()"}


@pytest.mark.parametrize("name", ["run.csv", "run"])
def test_other_suffixes_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ph.InputError, match=r"give a path that ends in \.nc or in \.npz \(or in \.zarr\)"):
        made((), 2, "float64", 5).save(tmp_path / name)


def test_missing_zarr_names_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ph.UnsupportedError, match=r"needs zarr.*pip install 'symphys\[zarr\]'"):
        made((), 2, "float64", 6).save(tmp_path / "run.zarr")
