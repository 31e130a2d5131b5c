"""Energies along lists: bonds, angles, handedness; forces against differences of energies in NumPy."""

import numpy as np
import pytest
from sympy import cos

import symphys as ph

atoms = ph.particles("r", dim=3)
k, q = ph.parameters("k q")
BONDS, ANGLES, CENTRES = [[0, 1], [1, 2], [2, 3], [1, 4]], [[0, 1, 2], [1, 2, 3], [0, 1, 4]], [[1, 0, 2, 4]]
kinetic = atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2)
molecule = ph.Lagrangian(
    kinetic
    - atoms.pairs(lambda a, b: k * atoms.mass(a) * (a.distance(b) - 1) ** 2 / 2, along=BONDS)
    - atoms.triples(lambda a, b, c: q * (cos(b.angle(a, c)) + 0.3) ** 2, along=ANGLES)
    - atoms.quadruples(lambda a, b, c, d: q * a.signed_volume(b, c, d), along=CENTRES)
)
MASS = np.linspace(1, 2, 6)


def energy(x: np.ndarray) -> float:
    total = sum(1.5 * MASS[i] * (np.linalg.norm(x[i] - x[j]) - 1) ** 2 / 2 for i, j in BONDS)
    for i, j, l in ANGLES:
        a, b = x[i] - x[j], x[l] - x[j]
        total += 0.4 * (a @ b / np.linalg.norm(a) / np.linalg.norm(b) + 0.3) ** 2
    for i, *others in CENTRES:
        total += 0.4 * np.linalg.det(x[others] - x[i])
    return float(total)


@pytest.mark.parametrize("options", [{}, {"cutoff": 1.0}], ids=["all", "lists"])
def test_forces_along_lists(options: dict) -> None:
    """A kick from rest, with differences that err by d^2 and eps / d."""
    x = np.random.default_rng(0).normal(0, 1, (6, 3))
    values = {atoms.mass: MASS, k: 1.5, q: 0.4}
    simulator = molecule.compile(**options)
    run = simulator.run({atoms: x, ph.dot(atoms): 0 * x}, values, t_span=(0, 1e-4), dt=1e-4)
    found, d, expected = run[ph.dot(atoms)][1] / 1e-4 * MASS[:, None], 1e-5, np.zeros_like(x)
    for place in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[place] = d
        expected[place] = -(energy(x + step) - energy(x - step)) / (2 * d)
    np.testing.assert_allclose(found, expected, atol=1e-6 * np.abs(expected).max())
    assert run.energy[0] == pytest.approx(energy(x), rel=1e-12)
    assert run.drift["momentum"] < 1e-14


def test_laws_and_many_runs_along_lists() -> None:
    """Distances and angles turn with the molecule; lanes hold runs."""
    assert {law.name for law in molecule.conserved} == {"energy", "momentum", "angular momentum"}
    x = np.random.default_rng(1).normal(0, 1, (5, 6, 3))
    values = {atoms.mass: MASS, k: 1.5, q: 0.4}
    simulator = molecule.compile()
    together = simulator.run({atoms: x, ph.dot(atoms): 0 * x}, values, t_span=(0, 0.1), dt=0.005, save_every=20)
    alone = simulator.run({atoms: x[3], ph.dot(atoms): 0 * x[3]}, values, t_span=(0, 0.1), dt=0.005, save_every=20)
    np.testing.assert_allclose(together[atoms][3], alone[atoms], atol=1e-13)
    assert together.drift["angular momentum"].max() < 1e-12


def test_bonds_reach_across_the_box() -> None:
    """Two beads on either side of a face are bound by the short way; lists fold them, and nothing changes."""
    n = 400
    chain = ph.Lagrangian(
        kinetic - atoms.pairs(lambda a, b: k * a.distance(b) ** 2 / 2, along=[[i, i + 1] for i in range(n - 1)])
    )
    x = np.zeros((n, 3))
    x[:, 0] = 0.5 * np.arange(n)
    values = {atoms.mass: 1.0, k: 1.0}
    start = {atoms: x, ph.dot(atoms): np.random.default_rng(0).normal(0, 0.1, (n, 3))}
    runs = [
        chain.compile(box=box, cutoff=c).run(start, values, t_span=(0, 0.5), dt=0.02, save_every=25)
        for box, c in ((None, None), ([7.0] * 3, None), ([7.0] * 3, 2.0))
    ]
    for run in runs[1:]:
        np.testing.assert_allclose(run[atoms][-1], runs[0][atoms][-1], atol=1e-11)


def test_a_list_that_names_nobody_is_refused() -> None:
    with pytest.raises(ph.InputError, match="names particle 4, but there are 3"):
        molecule.compile().run(
            {atoms: np.zeros((3, 3)), ph.dot(atoms): np.zeros((3, 3))}, {atoms.mass: 1.0, k: 1, q: 1},
            t_span=(0, 1), dt=0.1,
        )  # fmt: skip
