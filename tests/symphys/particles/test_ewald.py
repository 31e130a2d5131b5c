"""Sums over all images: Madelung constants, gradients, pressures, and what does not depend on how the sum is split."""

import itertools

import numpy as np
import pytest

import symphys as ph
from symphys.discretise.ewald import waves_of
from tests.gpu import COMPILED

ions = ph.particles("a", dim=3, attributes=("charge",))
c, s = ph.parameters("c s", positive=True)
kinetic = ions.sum(lambda a: ions.mass(a) * a.speed_squared / 2)
coulomb = ions.pairs(lambda a, b: c * ions.charge(a) * ions.charge(b) / a.distance(b))
salt = ph.Lagrangian(kinetic - coulomb)
NACL, CSCL, BCC = 1.7475645946331821906, 1.76267477307098839793, -0.895929255682
TRICLINIC = np.array([[4.0, 0, 0], [1.1, 3.6, 0], [-0.8, 0.7, 4.4]])


def grid(n: int) -> np.ndarray:
    return np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), -1).reshape(-1, 3) * 1.0


def rocksalt(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return grid(n), (-1.0) ** grid(n).sum(1), np.eye(3) * n


def primitive() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same crystal by the two ions of its rhombohedral cell, whose edges are shorter than any cutoff here."""
    return np.array([[0.1, 0.2, 0.3], [1.1, 0.2, 0.3]]), np.array([1.0, -1]), np.ones((3, 3)) - np.eye(3)


def caesium(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.concatenate([grid(n), grid(n) + 0.5]) * 2 / 3**0.5, np.repeat([1.0, -1], n**3), np.eye(3) * n * 2 / 3**0.5


def drop(n: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Charges at random in a triclinic box, that cancel."""
    rng = np.random.default_rng(4)
    charges = rng.normal(0, 1, n)
    return rng.uniform(0, 1, (n, 3)) @ TRICLINIC, charges - charges.mean()


def at_rest(x: np.ndarray, q: np.ndarray, box: np.ndarray, cutoff: float, backend: str = "cpu", **how: object):
    simulator = salt.compile(box=box, cutoff=cutoff, long_range=ph.Ewald(**how), backend=backend)
    values = {ions.mass: 1.0, ions.charge: q, c: 1.0}
    return simulator.run({ions: x, ph.dot(ions): np.zeros_like(x)}, values, t_span=(0, 1e-6), dt=1e-6)


def agree(long_range: ph.Ewald, backend: str, runs: tuple[int, ...]) -> None:
    """Two steps of a drop in a skewed box, on the CPU and on another backend."""
    x, q = drop()
    v = np.random.default_rng(0).normal(0, 0.3, (*runs, *x.shape))
    found = [
        salt.compile(box=TRICLINIC, cutoff=1.8, long_range=long_range, backend=name).run(
            {ions: x, ph.dot(ions): v}, {ions.mass: 5.0, ions.charge: q, c: 0.1}, t_span=(0, 0.02), dt=0.01,
            save_every=2,
        )
        for name in ("cpu", backend)
    ]  # fmt: skip
    np.testing.assert_allclose(found[1][ions], found[0][ions], atol=1e-12)
    np.testing.assert_allclose(found[1].energy, found[0].energy, rtol=1e-11)
    np.testing.assert_allclose(found[1].virial, found[0].virial, rtol=1e-10)


@pytest.mark.parametrize(("crystal", "constant", "cutoff"), [
    (rocksalt(4), NACL, 1.9), (rocksalt(4), NACL, 2.6), (rocksalt(8), NACL, 2.0), (primitive(), NACL, 3.1),
    (caesium(3), CSCL, 1.7),
])  # fmt: skip
def test_crystals_have_their_madelung_constants(crystal: tuple, constant: float, cutoff: float) -> None:
    """With the nearest distance 1 the energy of an ion is half of it; so is the virial. Left out is 1e-13 of terms."""
    x, q, box = crystal
    run = at_rest(x, q, box, cutoff, accuracy=1e-13)
    assert -2 * run.energy[0] / len(x) == pytest.approx(constant, abs=3e-12)
    assert run.virial[0] == pytest.approx(run.energy[0], rel=1e-10)
    assert np.abs(run[ph.dot(ions)][1]).max() < 1e-6 * 1e-11


def test_a_background_makes_up_for_charges_that_do_not_cancel() -> None:
    """Like charges on a body-centred lattice: -0.895929255682 by the radius of the sphere that each has."""
    x, _, box = caesium(3)
    run = at_rest(x, np.ones(len(x)), box, 1.7, accuracy=1e-13, background=True)
    radius = (3 * abs(np.linalg.det(box)) / (4 * np.pi * len(x))) ** (1 / 3)
    assert run.energy[0] * radius / len(x) == pytest.approx(BCC, abs=1e-11)
    assert run.virial[0] == pytest.approx(run.energy[0], rel=1e-9)
    with pytest.raises(ph.InputError, match=r"the charges charge_i add up to 54, .*Ewald\(background=True\)"):
        at_rest(x, np.ones(len(x)), box, 1.7)


def test_nothing_depends_on_how_the_sum_is_split() -> None:
    x, q = drop()
    runs = [at_rest(x, q, TRICLINIC, r, accuracy=1e-12, splitting=a) for r, a in ((1.6, None), (3.2, 1.9), (5.0, 1.3))]
    forces = [run[ph.dot(ions)][1] for run in runs]
    for run, force in zip(runs[1:], forces[1:], strict=True):
        assert run.energy[0] == pytest.approx(runs[0].energy[0], rel=1e-10)
        assert run.virial[0] == pytest.approx(runs[0].virial[0], rel=1e-10)
        np.testing.assert_allclose(force, forces[0], atol=1e-9 * np.abs(force).max())
    assert np.abs(forces[0].sum(0)).max() < 1e-11 * np.abs(forces[0]).max()


def test_forces_and_pressure_are_slopes_of_the_energy() -> None:
    """Differences err by d^2 and eps / d."""
    x, q = drop(6)
    d = 1e-5
    run = at_rest(x, q, TRICLINIC, 1.6, accuracy=1e-12)
    expected = np.zeros_like(x)
    for place in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[place] = d
        up, down = (at_rest(x + sign * step, q, TRICLINIC, 1.6, accuracy=1e-12).energy[0] for sign in (1, -1))
        expected[place] = -(up - down) / (2 * d)
    np.testing.assert_allclose(run[ph.dot(ions)][1] / 1e-6, expected, atol=1e-6 * np.abs(expected).max())
    up, down = (at_rest(x * f, q, TRICLINIC * f, 1.6 * f, accuracy=1e-12).energy[0] for f in (1 + d, 1 - d))
    assert run.virial[0] == pytest.approx(-(up - down) / (2 * d), rel=1e-8)


@pytest.mark.parametrize(
    ("backend", "runs"),
    [("reference", ()), ("reference", (5,)), pytest.param("cuda-shim", (5,), marks=COMPILED),
     *(pytest.param("cuda", runs, marks=pytest.mark.gpu) for runs in ((), (5,)))],
)  # fmt: skip
def test_backends_agree(backend: str, runs: tuple[int, ...]) -> None:
    """One run, and five as lanes; few waves, as the interpreter goes through them one by one."""
    agree(ph.Ewald(accuracy=1e-2), backend, runs)


def test_molten_salt_keeps_its_energy() -> None:
    """216 ions that repel each other as r^-9, hot enough to leave their places: second order, and momenta kept."""
    x, q, box = rocksalt(6)
    melt = ph.Lagrangian(kinetic - coulomb - ions.pairs(lambda a, b: c * (s / a.distance(b)) ** 9))
    simulator = melt.compile(box=box * 1.1, cutoff=2.8, smoothing="shift force", long_range=ph.Ewald(accuracy=1e-7))
    assert "1 / r over all images by Ewald's sum (split at 1.43" in simulator.explain()
    start = {ions: x * 1.1, ph.dot(ions): ph.maxwell_boltzmann(0.06, np.ones(len(x)))}
    values = {ions.mass: 1.0, ions.charge: q, c: 1.0, s: 0.85}
    runs = [simulator.run(start, values, t_span=(0, 1), dt=dt, save_every=5) for dt in (0.02, 0.01)]
    drifts = [float(run.drift["energy"]) for run in runs]
    assert drifts[0] < 1e-4
    assert drifts[0] / drifts[1] == pytest.approx(4, rel=0.4)
    assert runs[1].drift["momentum"] < 1e-12


def test_what_is_bound_is_taken_out_along_a_list() -> None:
    """A rigid dipole, whose own charges do not count, in a large box: what is left is that with its images."""
    own = ions.pairs(lambda a, b: c * ions.charge(a) * ions.charge(b) / a.distance(b), along=[[0, 1]])
    rod = ions.pairs(lambda a, b: a.distance(b) - 1, along=[[0, 1]])
    dipole = ph.Lagrangian(kinetic - coulomb + own, constraints=[rod])
    simulator = dipole.compile(box=[20.0] * 3, cutoff=6.0, long_range=ph.Ewald(accuracy=1e-12))
    x = np.array([[0.5, 0, 0], [-0.5, 0, 0]])
    run = simulator.run({ions: x, ph.dot(ions): np.array([[0, 1.0, 0], [0, -1, 0]])},
                        {ions.mass: 1.0, ions.charge: [1.0, -1], c: 1.0}, t_span=(0, 1), dt=0.01)  # fmt: skip
    # a cubic array of dipoles in a conductor: -2 pi p^2 / (3 V), and quadrupoles of order L^-5
    assert run.totals["potential"][0] == pytest.approx(-2 * np.pi / (3 * 20**3), rel=0.02)
    assert run.drift["energy"] < 1e-6


def test_waves_fill_half_of_a_ball() -> None:
    how = ph.Ewald(accuracy=1e-6)
    waves = waves_of(TRICLINIC, how, 1.6)
    reach = 2 * how.split(1.6) * how.decay
    reciprocal = 2 * np.pi * np.linalg.inv(TRICLINIC).T
    every = np.array(list(itertools.product(range(-12, 13), repeat=3))) @ reciprocal
    inside = int((np.linalg.norm(every, axis=1) <= reach).sum())
    assert 2 * waves.depth.sum() - 1 == inside
    assert (waves.weight != 0).sum() == waves.depth.sum()


WRITTEN = [
    ({"cutoff": None}, coulomb, "give cutoff"),
    ({"box": None}, coulomb, "give box"),
    ({"long_range": "tree"}, coulomb, "choose 'ewald'"),
    ({}, ions.pairs(lambda a, b: c / a.distance(b) ** 6), "no pair term goes as 1 / r"),
    ({}, ions.pairs(lambda a, b: (ions.charge(a) + ions.charge(b)) / a.distance(b)), "no product of a number of each"),
]


@pytest.mark.parametrize(("options", "energy", "message"), WRITTEN, ids=[message for *_, message in WRITTEN])
def test_what_cannot_be_summed_is_refused(options: dict, energy: object, message: str) -> None:
    with pytest.raises(ph.SymphysError, match=message):
        ph.Lagrangian(kinetic - energy).compile(**{"box": [4.0] * 3, "cutoff": 1.5, "long_range": "ewald", **options})


def test_numbers_and_spaces_that_do_not_fit() -> None:
    with pytest.raises(ph.InputError, match="accuracy of an Ewald sum is 2"):
        ph.Ewald(accuracy=2)
    with pytest.raises(ph.InputError, match="the accuracy of an Ewald sum is '1e-6'; give a number"):
        ph.Ewald(accuracy="1e-6")
    with pytest.raises(ph.InputError, match="splitting of an Ewald sum is -1"):
        ph.Ewald(splitting=-1)
    flat = ph.particles("f", dim=2, species=("A", "B"))
    plane = flat.sum(lambda a: flat.mass(a) * a.speed_squared / 2)
    like = ph.Lagrangian(plane - flat.pairs(lambda a, b: flat.mass(a) * flat.mass(b) / a.distance(b)))
    with pytest.raises(ph.UnsupportedError, match="in three dimensions; f live in 2"):
        like.compile(box=[4.0] * 2, cutoff=1.5, long_range="ewald")
    some = ph.Lagrangian(plane - flat.pairs(lambda a, b: 1 / a.distance(b), between=("A", "B")))
    with pytest.raises(ph.UnsupportedError, match="between species alone"):
        some.compile(box=[4.0] * 2, cutoff=1.5, long_range="ewald")


def test_a_strength_may_be_written_in_several_ways() -> None:
    x, q = drop(6)
    values = {ions.mass: np.linspace(1, 2, 6), ions.charge: q, c: 0.7}
    written = [
        (lambda a, b: c * ions.charge(a) * ions.charge(b) / a.distance(b)),
        (lambda a, b: 1 / a.distance(b) ** 3 + c * ions.charge(a) * ions.charge(b) / a.distance(b)
         - (1 + 0 * c) / a.distance(b) ** 3),
        (lambda a, b: ((ions.charge(a) + 2 * c * ions.charge(a)) * ions.charge(b) - ions.charge(a) * ions.charge(b)) / 2
         / a.distance(b)),
    ]  # fmt: skip
    energies = [
        ph.Lagrangian(kinetic - ions.pairs(term)).compile(box=TRICLINIC, cutoff=1.6, long_range="ewald").run(
            {ions: x, ph.dot(ions): 0 * x}, values, t_span=(0, 0.1), dt=0.1
        ).energy[0]
        for term in written
    ]  # fmt: skip
    assert energies[1:] == pytest.approx([energies[0]] * 2, rel=1e-12)


def test_gravity_in_a_periodic_box_has_a_background() -> None:
    """Masses attract; in the mean density a lattice of them is in equilibrium, and its energy has the other sign."""
    stars = ph.Lagrangian(kinetic + ions.pairs(lambda a, b: c * ions.mass(a) * ions.mass(b) / a.distance(b)))
    x, _, box = caesium(2)
    how = ph.Ewald(accuracy=1e-12, background=True)
    run = stars.compile(box=box, cutoff=1.15, long_range=how).run(
        {ions: x, ph.dot(ions): 0 * x}, {ions.mass: 1.0, c: 1.0}, t_span=(0, 0.1), dt=0.01
    )
    radius = (3 * abs(np.linalg.det(box)) / (4 * np.pi * len(x))) ** (1 / 3)
    assert run.energy[0] * radius / len(x) == pytest.approx(-BCC, abs=1e-9)
    np.testing.assert_allclose(run[ions][-1], x, atol=1e-9)
