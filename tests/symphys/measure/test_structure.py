"""Structure against what is known: the ideal gas, crystals in boxes of several shapes, rigid molecules."""

import itertools
import math

import numpy as np
import pytest

import symphys as ph
from symphys.data import Frames
from symphys.measure import (
    angles_of_bonds,
    bond_angles,
    bond_lengths,
    distribution,
    find_bonds,
    radial_distribution,
)

SHEARED = np.array([[4.0, 0, 0], [4, 4, 0], [-4, 4, 4]])  # another box of the same cubic crystal


def crystal(side: int, box: np.ndarray) -> Frames:
    """Rock salt of spacing 1, whose box holds side^3 places, folded into nothing."""
    places = np.array(list(itertools.product(range(side), repeat=3)), dtype=float)
    kinds = tuple("AB"[int(sum(each)) % 2] for each in places)
    return Frames(places[None], kinds, box[None])


def coordinations(frames: Frames, between=None) -> np.ndarray:
    """Neighbours in the shells about 1, sqrt 2, sqrt 3, 2 and sqrt 5."""
    found = radial_distribution(frames, 2.3, bins=230, between=between)
    bounds = [0.5, 1.2, 1.6, 1.85, 2.1, 2.29]
    return np.diff(np.interp(bounds, found.edges[1:], found.coordination))


@pytest.mark.parametrize("box", [np.eye(3) * 4, SHEARED], ids=["cubic", "sheared"])
def test_a_crystal_has_its_shells(box) -> None:
    np.testing.assert_allclose(coordinations(crystal(4, box)), [6, 12, 8, 6, 24], rtol=1e-12)
    np.testing.assert_allclose(coordinations(crystal(4, box), ("A", "B")), [6, 0, 8, 0, 24], atol=1e-12)
    np.testing.assert_allclose(coordinations(crystal(4, box), ("B", "B")), [0, 12, 0, 6, 0], atol=1e-12)


def test_images_beyond_half_of_the_box_count() -> None:
    np.testing.assert_allclose(coordinations(crystal(2, np.eye(3) * 2)), [6, 12, 8, 6, 24], rtol=1e-12)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_ideal_gas_has_none(dim: int) -> None:
    """Counts of pairs are Poisson numbers: chi^2 per bin is 1 spread sqrt(2 / bins), of which six are taken."""
    rng = np.random.default_rng(dim)
    count, n, bins, cutoff = 40, 60, 20, 2.0
    box = np.array([[5.0, 0, 0], [1.5, 5, 0], [-1, 2, 5]])[:dim, :dim]
    frames = Frames(rng.uniform(-3, 3, (count, n, dim)) @ box, ("X",) * n, np.tile(box, (count, 1, 1)))
    found = radial_distribution(frames, cutoff, bins=bins)
    ball = math.pi ** (dim / 2) / math.gamma(dim / 2 + 1)
    pairs = count * n * (n - 1) / 2 * ball * np.diff(found.edges**dim) / abs(np.linalg.det(box))
    assert abs((pairs * (found.g - 1) ** 2).mean() - 1) < 6 * np.sqrt(2 / bins)


def water(count: int, angle: float, length: float, seed: int = 0) -> Frames:
    """A rigid molecule turned and placed anyhow in a triclinic box, each atom folded into it."""
    rng = np.random.default_rng(seed)
    box = np.array([[6.0, 0, 0], [2, 6, 0], [1, -2, 6]])
    half = angle / 2
    shape = length * np.array([[0, 0, 0], [np.sin(half), np.cos(half), 0], [-np.sin(half), np.cos(half), 0]])
    turns = np.linalg.qr(rng.normal(0, 1, (count, 3, 3)))[0]
    places = np.einsum("fij,aj->fai", turns, shape) + rng.uniform(-10, 10, (count, 1, 3))
    parts = places @ np.linalg.inv(box)
    return Frames((parts - np.floor(parts)) @ box, ("O", "H", "H"), np.tile(box, (count, 1, 1)))


def test_rigid_molecules_keep_their_bonds_and_angles_across_the_walls() -> None:
    """Places of about 10 carry roundings of 1e-15 each, a few of which add up in a bond of length 1."""
    angle, length = np.deg2rad(104.5), 0.9572
    frames = water(200, angle, length)
    bonds = find_bonds(frames, 1.2, between=("O", "H"))
    assert bonds.tolist() == [[0, 1], [0, 2]]
    assert find_bonds(frames, 1.2).tolist() == [[0, 1], [0, 2]]
    triples = angles_of_bonds(bonds)
    assert triples.tolist() == [[1, 0, 2]]
    np.testing.assert_allclose(bond_lengths(frames, bonds), length, atol=4e-14)
    np.testing.assert_allclose(bond_angles(frames, triples), angle, atol=4e-14)
    straight = Frames(np.array([[[0.0, 0], [1, 0], [2, 1e-9]]]), ("X",) * 3)
    np.testing.assert_allclose(bond_angles(straight, [[0, 1, 2]]), np.pi - 1e-9, rtol=1e-15)


def test_a_distribution_integrates_to_one() -> None:
    values = np.random.default_rng(0).normal(2.0, 0.5, (100, 7))
    found = distribution(values, bins=40)
    assert (found.density * np.diff(found.edges)).sum() == pytest.approx(1, rel=1e-12)
    assert found.mean == pytest.approx(values.mean(), rel=1e-14)
    assert found.deviation == pytest.approx(values.std(), rel=1e-14)


def test_what_cannot_be_measured_is_said() -> None:
    frames = water(2, 1.8, 1.0)
    with pytest.raises(ph.InputError, match=r"no particles of the species 'C'; there are O, H"):
        radial_distribution(frames, 2.0, between=("C", "H"))
    with pytest.raises(ph.InputError, match="a density needs a volume"):
        radial_distribution(Frames(frames.positions, frames.species), 2.0)
    with pytest.raises(ph.InputError, match=r"cutoff = -1\.0"):
        radial_distribution(frames, -1.0)
    with pytest.raises(ph.InputError, match="there is 1 particle; a distance needs two"):
        radial_distribution(frames, 1.0, between=("O", "O"))
    with pytest.raises(ph.InputError, match=r"no two particles are closer than 0\.1"):
        find_bonds(frames, 0.1)
    with pytest.raises(ph.InputError, match="the index 3 or 0 is none of 3 particles"):
        bond_lengths(frames, [[0, 3]])
    with pytest.raises(ph.InputError, match=r"give indices \[m, 3\]"):
        bond_angles(frames, [[0, 1]])
    with pytest.raises(ph.InputError, match=r"frames are a symphys\.data\.Frames, not ndarray; take run\.frames\(\)"):
        bond_lengths(frames.positions, [[0, 1]])
