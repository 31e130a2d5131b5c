"""Results of particles as data sets, files and extended XYZ."""

import numpy as np
import pytest

import symphys as ph
from symphys.data import read_extxyz

atoms = ph.particles("r", dim=3, species=("A", "B"))
k = ph.parameters("k", positive=True)
springs = ph.Lagrangian(
    atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2) - atoms.pairs(lambda a, b: k * a.distance(b) ** 2 / 2)
)
KINDS = ("A", "B", "A", "A")


def run_of(box=None, runs: tuple[int, ...] = ()) -> ph.ParticleResult:
    rng = np.random.default_rng(0)
    start = {atoms: rng.normal(0, 1, (*runs, 4, 3)), ph.dot(atoms): rng.normal(0, 1, (*runs, 4, 3))}
    values = {atoms.mass: {"A": 1.0, "B": 2.0}, k: 0.1}
    return springs.compile(box=box).run(start, values, t_span=(0, 1), dt=0.05, save_every=5, species=KINDS)


def test_a_run_is_a_data_set_with_coordinates() -> None:
    pytest.importorskip("xarray")
    run = run_of(box=[9.0, 9.0, 9.0])
    data = run.to_xarray()
    assert data["r"].dims == ("t", "particle", "component")
    np.testing.assert_array_equal(data["r_dot"].sel(component="y", particle=2), run[ph.dot(atoms)][:, 2, 1])
    np.testing.assert_array_equal(data["temperature"], run.temperature)
    np.testing.assert_array_equal(data["r"].where(data.species == "B", drop=True)[:, 0], run[atoms][:, 1])
    np.testing.assert_array_equal(data["box"], np.diag([9.0] * 3))
    assert data["momentum"].dims == ("t", "component")
    many = run_of(runs=(5,)).to_xarray()
    assert many["r"].dims == ("trajectory", "t", "particle", "component")


@pytest.mark.parametrize("suffix", [".npz", ".nc", ".zarr"])
@pytest.mark.parametrize("runs", [(), (2,)])
def test_what_is_saved_is_loaded(tmp_path, suffix: str, runs: tuple[int, ...]) -> None:
    for module in {".nc": ("xarray", "h5netcdf"), ".zarr": ("xarray", "zarr")}.get(suffix, ()):
        pytest.importorskip(module)
    run = run_of(box=[9.0, 9.0, 9.0] if not runs else None, runs=runs)
    run.save(tmp_path / f"run{suffix}")
    back = ph.ParticleResult.load(tmp_path / f"run{suffix}")
    for key in (atoms, ph.dot(atoms)):
        np.testing.assert_array_equal(back[key], run[key])
    assert back.species == KINDS
    assert back.shape == runs
    assert np.all(back.ok)
    np.testing.assert_array_equal(back.energy, run.energy)
    np.testing.assert_array_equal(back.totals["momentum"], run.totals["momentum"])
    assert set(back.drift) == set(run.drift)
    if not runs:
        np.testing.assert_array_equal(back.pressure, run.pressure)


def test_a_result_of_another_kind_is_refused(tmp_path) -> None:
    x = ph.coordinates("x")
    run = ph.Lagrangian(ph.dot(x) ** 2 / 2).compile().run({x: 0.0, ph.dot(x): 1.0}, t_span=(0, 1), dt=0.1)
    run.save(tmp_path / "run.npz")
    with pytest.raises(ph.InputError, match=r"no result of particles of symphys: its format is 'symphys result 1'"):
        ph.ParticleResult.load(tmp_path / "run.npz")


def test_a_run_is_written_as_extended_xyz(tmp_path) -> None:
    run = run_of(box=[9.0, 9.0, 9.0])
    run.write_extxyz(tmp_path / "run.xyz", every=2)
    frames = read_extxyz(tmp_path / "run.xyz")
    np.testing.assert_array_equal(frames.positions, run[atoms][::2])
    np.testing.assert_array_equal(frames.velocities, run[ph.dot(atoms)][::2])
    np.testing.assert_array_equal(frames.times, run.t[::2])
    np.testing.assert_array_equal(frames.energies, run.totals["potential"][::2])
    assert frames.species == KINDS
    many = run_of(runs=(2, 2))
    np.testing.assert_array_equal(many.frames((1, 0)).positions, many[atoms][1, 0])
    np.testing.assert_array_equal(many.frames(2).positions, many[atoms][1, 0])
    with pytest.raises(ph.InputError, match=r"there is no run 4; the ensemble has the shape \(2, 2\)"):
        many.frames(4)
