"""ASE's atoms and units; without ASE, a word about the extra."""

import sys

import numpy as np
import pytest

import symphys as ph
from symphys.data import Frames, from_ase, read_ase, read_extxyz, to_ase, write_extxyz


def some_frames() -> Frames:
    rng = np.random.default_rng(3)
    draw = rng.normal(0, 1, (3, 2, 3, 3))
    return Frames(draw[0], ("O", "H", "H"), np.eye(3) * 9 + 0.1 * draw[1], draw[2], rng.normal(0, 1, 2), draw[0] / 3)


def test_frames_go_to_ase_and_back() -> None:
    pytest.importorskip("ase")
    frames = some_frames()
    back = from_ase(to_ase(frames))
    assert back.species == frames.species
    for name in ("positions", "box", "forces", "energies"):
        np.testing.assert_array_equal(getattr(back, name), getattr(frames, name))
    # ASE keeps momenta: a product and a quotient by the mass
    np.testing.assert_allclose(back.velocities, frames.velocities, rtol=4e-16)
    with pytest.raises(ph.InputError, match="'Q' is no element"):
        to_ase(Frames(frames.positions[:, :1], ("Q",)))


def test_files_of_ase_and_ours_are_the_same(tmp_path) -> None:
    io = pytest.importorskip("ase.io")
    frames = some_frames()
    write_extxyz(tmp_path / "ours.xyz", frames)
    read = read_ase(tmp_path / "ours.xyz")
    for name in ("positions", "box", "forces", "energies"):
        np.testing.assert_array_equal(getattr(read, name), getattr(frames, name))
    io.write(tmp_path / "theirs.xyz", to_ase(frames))
    theirs = read_extxyz(tmp_path / "theirs.xyz")
    assert theirs.species == frames.species
    np.testing.assert_allclose(theirs.positions, frames.positions, atol=5.1e-9)  # eight digits are written
    np.testing.assert_allclose(theirs.forces, frames.forces, atol=5.1e-9)
    io.write(tmp_path / "film.traj", to_ase(frames))
    np.testing.assert_array_equal(read_ase(tmp_path / "film.traj", index=-1).positions, frames.positions[1:])


def test_what_ase_cannot_read_is_refused_with_its_reason(tmp_path) -> None:
    pytest.importorskip("ase")
    with pytest.raises(ph.InputError, match="there is no file"):
        read_ase(tmp_path / "nothing.cif")
    (tmp_path / "bad.traj").write_text("no trajectory")
    with pytest.raises(ph.InputError, match="ASE cannot read"):
        read_ase(tmp_path / "bad.traj")


def test_units_are_those_of_ase() -> None:
    """ASE holds the CODATA values of 2014, which differ from the current ones by up to a few parts in 1e8 to 1e6."""
    theirs = pytest.importorskip("ase.units")
    for name in ("Ang", "eV", "second", "fs", "kB", "kJ", "kcal", "mol", "Bohr", "Hartree", "bar", "GPa"):
        assert getattr(ph.units, name) == pytest.approx(getattr(theirs, name), rel=2e-6), name
    assert ph.units.ps == pytest.approx(1000 * theirs.fs, rel=2e-6)
    assert ph.units.u == theirs._amu * theirs.kg == pytest.approx(1.0, rel=1e-12)


def test_without_ase_the_extra_is_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ase", None)
    monkeypatch.setitem(sys.modules, "ase.io", None)
    with pytest.raises(ph.UnsupportedError, match=r"needs ase, which is not installed: pip install 'symphys\[ase\]'"):
        read_ase(tmp_path / "some.cif")
    with pytest.raises(ph.UnsupportedError, match=r"symphys\[ase\]"):
        to_ase(some_frames())
