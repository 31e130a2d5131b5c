"""Sums over all images through a mesh: they are those wave by wave, within the accuracy that is asked for."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symphys as ph
from tests.gpu import OTHERS
from tests.symphys.particles.test_ewald import (
    CSCL,
    NACL,
    TRICLINIC,
    agree,
    c,
    caesium,
    coulomb,
    drop,
    ions,
    kinetic,
    primitive,
    rocksalt,
    s,
    salt,
)

SIDES = st.tuples(*[st.floats(4.6, 7.0)] * 3)
TILTS = st.tuples(*[st.floats(-1.5, 1.5)] * 3)


def forces(x: np.ndarray, q: np.ndarray, box: np.ndarray, cutoff: float, masses: object = 1.0, **how: object):
    """Runs of one tiny step from rest: momenta are forces by its length."""
    masses = np.broadcast_to(np.asarray(masses, dtype=float), x.shape[-2:-1])
    run = salt.compile(box=box, cutoff=cutoff, long_range=ph.Ewald(**how)).run(
        {ions: x, ph.dot(ions): 0 * x}, {ions.mass: masses, ions.charge: q, c: 1.0}, t_span=(0, 1e-6), dt=1e-6
    )
    return run, masses[:, None] * run[ph.dot(ions)][..., 1, :, :] / 1e-6


@settings(max_examples=8)
@given(st.integers(0, 2**31), st.sampled_from([1e-3, 1e-5]), SIDES, TILTS, st.integers(40, 160))
def test_forces_are_those_of_waves(seed: int, accuracy: float, sides: tuple, tilts: tuple, n: int) -> None:
    """What the cutoff leaves out by Kolafa and Perram, root mean square, and no more than that for the mesh.

    Charges at random scatter about it.
    """
    rng, cutoff = np.random.default_rng(seed), 2.2
    box = np.diag(sides)
    box[np.tril_indices(3, -1)] = tilts
    x, q = rng.uniform(-1, 2, (n, 3)) @ box, rng.normal(0, 1, n)
    q -= q.mean()
    _, exact = forces(x, q, box, cutoff, accuracy=1e-12, mesh=False)
    run, found = forces(x, q, box, cutoff, accuracy=accuracy, mesh=True, order=6)
    expected = 2 * (q @ q) * accuracy / math.sqrt(n * cutoff * np.linalg.det(box))
    assert math.sqrt(((found - exact) ** 2).sum(1).mean()) < 3 * expected
    assert np.abs(found.sum(0)).max() < 1e-13 * np.abs(found).max() * n
    assert run.drift["momentum"] < 1e-12


@pytest.mark.parametrize(("crystal", "constant", "cutoff"), [
    (rocksalt(6), NACL, 2.6), (primitive(), NACL, 3.1), (caesium(3), CSCL, 1.7),
])  # fmt: skip
def test_crystals_have_their_madelung_constants(crystal: tuple, constant: float, cutoff: float) -> None:
    """Energies of a mesh err as the mean of what a charge does to itself, which is about what it does to forces."""
    x, q, box = crystal
    run, found = forces(x + 0.123, q, box, cutoff, accuracy=1e-8, mesh=True, order=10)
    assert -2 * run.energy[0] / len(x) == pytest.approx(constant, abs=1e-7)
    assert run.virial[0] == pytest.approx(run.energy[0], rel=1e-6)
    assert np.abs(found).max() < 1e-7


def test_forces_and_pressure_are_slopes_of_the_energy_however_coarse_the_mesh() -> None:
    """But for the mean force, which is taken off by the masses; so that a run keeps its energy all the same."""
    x, q = drop(6)
    how = {"splitting": 1.1, "mesh": (8, 9, 10), "order": 4}
    masses, d = np.arange(1.0, 7), 1e-5
    run, found = forces(x, q, TRICLINIC, 1.9, masses, **how)
    steps = d * np.eye(x.size).reshape(x.size, *x.shape)
    up, down = (forces(x + sign * steps, q, TRICLINIC, 1.9, **how)[0].energy[:, 0] for sign in (1, -1))
    expected = (-(up - down) / (2 * d)).reshape(x.shape)
    push = expected.sum(0)
    assert 1e-4 < np.abs(push).max() < 0.1
    np.testing.assert_allclose(found, expected - masses[:, None] / masses.sum() * push, atol=1e-7)
    up, down = (forces(x * f, q, TRICLINIC * f, 1.9, **how)[0].energy[0] for f in (1 + d, 1 - d))
    assert run.virial[0] == pytest.approx(-(up - down) / (2 * d), rel=1e-7)


@pytest.mark.parametrize("backend", OTHERS)
def test_backends_agree(backend: str) -> None:
    """As to rounding; five runs, which a mesh takes one after the other."""
    agree(ph.Ewald(accuracy=1e-2, mesh=True), backend, (5,))


def melt(n: int = 6) -> tuple[ph.Lagrangian, dict, dict, np.ndarray]:
    """Ions that repel each other as r^-9, hot enough to leave their places, of two masses."""
    x, q, box = rocksalt(n)
    masses = np.where(q > 0, 1.0, 1.5)
    system = ph.Lagrangian(kinetic - coulomb - ions.pairs(lambda a, b: c * (s / a.distance(b)) ** 9))
    start = {ions: x * 1.1, ph.dot(ions): ph.maxwell_boltzmann(0.06, masses)}
    return system, start, {ions.mass: masses, ions.charge: q, c: 1.0, s: 0.85}, box * 1.1


def test_molten_salt_keeps_its_energy_on_a_coarse_mesh() -> None:
    """Forces are slopes, so that energies are kept to the second order of the step, with forces good to a hundredth.

    Half the step divides what it loses by 4.12 to 4.14, over velocities of six seeds: the fourth order adds a little.
    """
    system, start, values, box = melt()
    how = ph.Ewald(accuracy=1e-2, splitting=1.2, mesh=True, order=6)  # smooth at the cutoff
    simulator = system.compile(box=box, cutoff=2.8, smoothing="shift force", long_range=how)
    runs = [simulator.run(start, values, t_span=(0, 1), dt=dt, save_every=5) for dt in (0.02, 0.01)]
    drifts = [float(run.drift["energy"]) for run in runs]
    assert drifts[0] < 1e-4
    assert drifts[0] / drifts[1] == pytest.approx(4, rel=0.08)
    assert runs[1].drift["momentum"] < 1e-12


@pytest.mark.parametrize("n", [6, 8])
def test_no_bit_depends_on_the_number_of_threads(n: int) -> None:
    """216 ions who all look at each other, 512 with lists of neighbours."""
    system, start, values, box = melt(n)
    simulator = system.compile(box=box, cutoff=2.8, long_range=ph.Ewald(accuracy=1e-3, mesh=True, order=6))
    one, two = (simulator.run(start, values, t_span=(0, 0.1), dt=0.01, threads=k) for k in (1, 2))
    np.testing.assert_array_equal(one[ions], two[ions])


@pytest.mark.everywhere
def test_lists_of_neighbours_change_nothing() -> None:
    """Rounding, after a few steps; particles are sorted anew as lists are."""
    system, start, values, box = melt(8)
    few, listed = (
        system.compile(box=box, cutoff=2.8, long_range=ph.Ewald(accuracy=1e-5, mesh=mesh, order=6)).run(
            start, values, t_span=(0, 0.3), dt=0.01, save_every=10
        )
        for mesh in (False, True)
    )
    np.testing.assert_allclose(listed[ions], few[ions], atol=1e-5)
    np.testing.assert_allclose(listed.energy, few.energy, rtol=1e-5)


def test_a_mesh_is_taken_where_it_costs_less() -> None:
    def simulator(edge: float, **how: object):
        return salt.compile(box=[edge] * 3, cutoff=2.0, long_range=ph.Ewald(accuracy=1e-5, **how))

    small, large = simulator(4.0), simulator(16.0)
    assert small.mesh_for(64) is None
    assert large.mesh_for(4096) is not None
    assert large.mesh_for(2) is None
    assert simulator(4.0, mesh=True).mesh_for(64) is not None
    assert simulator(16.0, mesh=False).mesh_for(4096) is None
    assert "waves; from" in large.explain()
    assert (
        "a mesh of 20 x 20 x 24 points with splines of order 6" in simulator(4.0, mesh=(20, 20, 24), order=6).explain()
    )


@pytest.mark.parametrize("method", ["leapfrog", "saba2"])
@pytest.mark.parametrize("mesh", [False, True])
def test_energies_are_those_of_the_places_where_a_step_ends_with_a_drift(method: str, mesh: bool) -> None:
    """What is known of all charges is of the last kick, and must be known anew where it is watched elsewhere."""
    system, start, values, box = melt(4)
    simulator = system.compile(method, box=box, cutoff=2.1, long_range=ph.Ewald(accuracy=1e-3, mesh=mesh, order=6))
    run = simulator.run(start, values, t_span=(0, 0.02), dt=0.01)
    again = simulator.run({ions: run[ions][-1], ph.dot(ions): run[ph.dot(ions)][-1]}, values, t_span=(0, 0.01), dt=0.01)
    assert run.energy[-1] == pytest.approx(again.energy[0], rel=1e-12)


@pytest.mark.parametrize(("options", "message"), [
    ({"mesh": "pppm"}, "the mesh of an Ewald sum is 'pppm'; give 'auto', True, False, or three whole numbers"),
    ({"mesh": (8, 8)}, r"the mesh of an Ewald sum is \(8, 8\)"),
    ({"mesh": (8, 8, True)}, r"the mesh of an Ewald sum is \(8, 8, True\); give 'auto', True, False, or three whole"),
    ({"mesh": np.array([8.0, 8, 8])}, r"the mesh of an Ewald sum is array\(\[8., 8., 8.\]\); give 'auto'"),
    ({"mesh": np.array([8, 8])}, r"the mesh of an Ewald sum is array\(\[8, 8\]\); give 'auto'"),
    ({"mesh": 8}, "the mesh of an Ewald sum is 8; give 'auto', True, False, or three whole numbers of points"),
    ({"mesh": (8, 8, 2)}, "a mesh of 8 x 8 x 2 points is too small for splines of order 4; give at least 4"),
    ({"mesh": (8, 8, 8), "order": 10}, "too small for splines of order 10"),
    ({"order": 5}, "the order of the splines of a mesh is 5; give an even number from 4 to 16"),
    ({"order": 16.0}, r"the order of the splines of a mesh is 16\.0; give an even number from 4 to 16"),
    ({"order": np.array([4, 6])}, r"the order of the splines of a mesh is array\(\[4, 6\]\); give an even number"),
    ({"splitting": np.array([1.0, 2])}, r"the splitting of an Ewald sum is array\(\[1., 2.\]\); give a number"),
    ({"splitting": True}, "the splitting of an Ewald sum is True; give a number"),
    ({"order": "6"}, "the order of the splines of a mesh is '6'; give an even number from 4 to 16"),
], ids=str)  # fmt: skip
def test_meshes_that_cannot_be_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ph.InputError, match=message):
        ph.Ewald(**options)


@pytest.mark.parametrize("counts", [np.array([8, 9, 10]), [8, 9, 10], (np.int32(8), np.int64(9), 10)], ids=repr)
def test_points_are_read_from_whatever_holds_three_whole_numbers(counts: object) -> None:
    assert ph.Ewald(mesh=counts) == ph.Ewald(mesh=(8, 9, 10))
    assert ph.Ewald(mesh=counts, order=np.int64(6)).counts == (8, 9, 10)
