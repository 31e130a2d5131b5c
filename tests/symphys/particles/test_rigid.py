"""Rigid bonds and angles: RATTLE against coordinates, exact rotation, linear algebra, and what the laws leave."""

import itertools

import numpy as np
import pytest
from sympy import cos, sin

import symphys as ph
from symphys.simulate.particles.shapes import shape_of
from tests.gpu import OTHERS

atoms = ph.particles("r", dim=3)
k, l, q = ph.parameters("k l q", positive=True)
kinetic = atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2)
springs = atoms.pairs(lambda a, b: k * (a.distance(b) - 1) ** 2 / 2)


def rods(bonds: list, length=1) -> object:
    return atoms.pairs(lambda a, b: a.distance(b) - length, along=bonds)


def residuals(run, bonds: list, length: float = 1.0) -> tuple[float, float]:
    """How far bonds are from their length, and their rates from zero."""
    i, j = np.array(bonds).T
    d, w = (run[key][..., i, :] - run[key][..., j, :] for key in (atoms, ph.dot(atoms)))
    return float(np.abs(np.linalg.norm(d, axis=-1) - length).max()), float(np.abs((d * w).sum(-1)).max())


def bent_chain(n: int, seed: int = 0) -> np.ndarray:
    """Beads a unit apart, in directions that differ by less than a right angle."""
    steps = np.random.default_rng(seed).normal(0, 0.4, (n - 1, 3)) + np.eye(3)[0]
    return np.concatenate([np.zeros((1, 3)), np.cumsum(steps / np.linalg.norm(steps, axis=1)[:, None], axis=0)])


def velocities(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (n, 3))


CHAIN = [[i, i + 1] for i in range(4)]
chain = ph.Lagrangian(kinetic - springs, constraints=[rods(CHAIN)])
VALUES = {atoms.mass: np.linspace(1, 2, 5), k: 1.5}
START = {atoms: bent_chain(5), ph.dot(atoms): velocities(5)}


def test_a_free_rod_turns_as_rods_do() -> None:
    """A dumbbell of reduced mass mu = 2/3 turns with v / l, half of it in each of ten steps of a period: order 2."""
    rod = ph.Lagrangian(kinetic, constraints=[rods([[0, 1]], l)])
    x = np.array([[2.0, 0, 0], [0, 0, 0]]) * 2 / 3 - [[4 / 9, 0, 0]]
    v = np.array([[0, 1.0, 0], [0, -0.5, 0]])
    length, errors = 4 / 3, []
    rate = 1.5 / length
    for steps in (50, 100, 200):
        run = rod.compile().run(
            {atoms: x, ph.dot(atoms): v}, {atoms.mass: [1.0, 2.0], l: length}, t_span=(0, 4), dt=4 / steps
        )
        d = run[atoms][:, 0] - run[atoms][:, 1]
        exact = length * np.stack([np.cos(rate * run.t), np.sin(rate * run.t), 0 * run.t], -1)
        errors.append(np.abs(d - exact).max())
        assert max(residuals(run, [[0, 1]], length)) < 1e-15
        assert run.drift["energy"] < 1e-14
    assert np.log2(np.array(errors[:-1]) / errors[1:]) == pytest.approx([2, 2], abs=0.05)


@pytest.mark.parametrize(("method", "order"), [("auto", 2), ("verlet", 2), ("rattle4", 4), ("yoshida4", 4)])
def test_the_order_is_kept_and_so_is_what_is_held(method: str, order: int) -> None:
    """Each step solves anew, to a few roundings of places of size 4."""
    simulator, ends = chain.compile(method=method), []
    for steps in (40, 80, 160, 320):
        run = simulator.run(START, VALUES, t_span=(0, 0.8), dt=0.8 / steps, save_every=steps, project_initial=True)
        assert max(residuals(run, CHAIN)) < 1e-14
        ends.append(run[atoms][-1])
    errors = [np.abs(a - b).max() for a, b in itertools.pairwise(ends)]
    assert np.log2(errors[1] / errors[2]) == pytest.approx(order, abs=0.3)
    assert run.drift["momentum"] < 1e-14
    assert run.drift["angular momentum"] < 1e-13


def test_runs_go_back_where_they_came_from() -> None:
    simulator = chain.compile()
    there = simulator.run(START, VALUES, t_span=(0, 2), dt=0.02, save_every=100, project_initial=True)
    back = simulator.run(
        {atoms: there[atoms][-1], ph.dot(atoms): -there[ph.dot(atoms)][-1]}, VALUES, t_span=(0, 2), dt=0.02,
        save_every=100,
    )  # fmt: skip
    np.testing.assert_allclose(back[atoms][-1], there[atoms][0], atol=1e-11)
    assert 0 < there.drift["energy"] < 1e-3


def test_the_energy_does_not_drift() -> None:
    """Of second order; in the second half of a long run it strays as far as in the first, by half or so."""
    simulator = chain.compile()
    coarse, fine = (
        simulator.run(START, VALUES, t_span=(0, 2), dt=dt, save_every=1, project_initial=True) for dt in (0.02, 0.01)
    )
    assert coarse.drift["energy"] / fine.drift["energy"] == pytest.approx(4, rel=0.1)
    long = simulator.run(START, VALUES, t_span=(0, 200), dt=0.02, save_every=5, project_initial=True)
    away = np.abs(long.energy - long.energy[0])
    assert away[len(away) // 2 :].max() < 1.5 * away[: len(away) // 2].max()


def test_the_same_system_in_coordinates() -> None:
    """Three beads in a plane, two rods and a spring, as ten coordinates with constraints: the same steps."""
    names = ph.coordinates("x1 y1 x2 y2 x3 y3")
    x1, y1, x2, y2, x3, y3 = names
    far = ((x1 - x3) ** 2 + (y1 - y3) ** 2) ** 0.5
    energy = sum(m * (ph.dot(a) ** 2 + ph.dot(b) ** 2) / 2 for m, a, b in ((1, x1, y1), (2, x2, y2), (3, x3, y3)))
    held = [(x1 - x2) ** 2 + (y1 - y2) ** 2 - 1, (x2 - x3) ** 2 + (y2 - y3) ** 2 - 1]
    system = ph.Lagrangian(energy - 0.7 * far**2 / 2, constraints=held)
    place, rate = np.array([0, 1.0, 0, 0, 1.0, 0]), np.array([0.3, 0, 0, 0, 0, -0.5])
    start = {**dict(zip(names, place, strict=True)), **{ph.dot(n): v for n, v in zip(names, rate, strict=True)}}
    there = system.compile("rattle").run(start, {}, (0, 3), dt=0.01, save_every=300)
    flat = ph.particles("p", dim=2)
    beads = ph.Lagrangian(
        flat.sum(lambda a: flat.mass(a) * a.speed_squared / 2)
        - flat.pairs(lambda a, b: k * a.distance(b) ** 2 / 2, along=[[0, 2]]),
        constraints=[flat.pairs(lambda a, b: a.distance(b) ** 2 - 1, along=[[0, 1], [1, 2]])],
    )  # fmt: skip
    here = beads.compile().run(
        {flat: place.reshape(3, 2), ph.dot(flat): rate.reshape(3, 2)}, {flat.mass: [1.0, 2.0, 3.0], k: 0.7},
        t_span=(0, 3), dt=0.01, save_every=300,
    )  # fmt: skip
    expected = np.array([there[n][-1] for n in names]).reshape(3, 2)
    np.testing.assert_allclose(here[flat][-1], expected, atol=1e-12)
    assert here.degrees == 6 - 2 - 2


SHAPES = [*CHAIN, [5, 6], [7, 8], [8, 9], [9, 7], [10, 11], [12, 13], [13, 14], [14, 12]]


@pytest.mark.parametrize("runs", [(), (5,)])
@pytest.mark.parametrize("backend", OTHERS)
def test_backends_agree_on_molecules_of_many_shapes(backend: str, runs: tuple[int, ...]) -> None:
    """A chain, rods and triangles, one run or five as lanes; twenty steps, a hundred roundings each."""
    mixed = ph.Lagrangian(kinetic - springs, constraints=[rods(SHAPES)])
    triangle = np.array([[0, 0, 0], [1, 0, 0], [0.5, 0.75**0.5, 0]])
    rod = np.array([[0, 0, 0], [0, 1.0, 0]])
    ex, ey, ez = np.eye(3)
    parts = [bent_chain(5), rod + 9 * ex, triangle + 3 * ey, rod + 5 * ez, triangle - 3 * ey, [[4.0, 4, 4]]]
    x = np.concatenate(parts)
    v = np.random.default_rng(1).normal(0, 1, (*runs, len(x), 3))
    values = {atoms.mass: np.linspace(1, 2, len(x)), k: 0.2}
    results = [
        mixed.compile(backend=name).run(
            {atoms: x, ph.dot(atoms): v}, values, t_span=(0, 0.2), dt=0.01, save_every=10, project_initial=True
        )
        for name in ("cpu", backend)
    ]
    np.testing.assert_allclose(results[1][atoms], results[0][atoms], atol=1e-13)
    np.testing.assert_allclose(results[1][ph.dot(atoms)], results[0][ph.dot(atoms)], atol=1e-13)
    np.testing.assert_allclose(results[1].virial, results[0].virial, atol=1e-12)
    assert max(residuals(results[1], SHAPES)) < 1e-14
    assert results[1].degrees == 3 * 16 - len(SHAPES) - 3


@pytest.mark.parametrize("n", [3, 400], ids=["all", "lists"])
def test_bonds_reach_across_the_box(n: int) -> None:
    """A chain that leaves the box by one face and comes back by the other moves as without a box."""
    bonds = [[i, i + 1] for i in range(n - 1)]
    system = ph.Lagrangian(kinetic, constraints=[rods(bonds)])
    start = {atoms: bent_chain(n), ph.dot(atoms): velocities(n)}
    options = [{}, {"box": [7.0] * 3}, {"box": [[7.0, 0, 0], [1, 6, 0], [0, -1, 8]], "cutoff": 1.5}]
    runs = [
        system.compile(**each).run(start, {atoms.mass: 1.0}, t_span=(0, 0.5), dt=0.02, save_every=5,
                                   project_initial=True)
        for each in options
    ]  # fmt: skip
    assert max(residuals(runs[2], bonds)) < 1e-12  # places are of size 300
    for run in runs[1:]:
        np.testing.assert_allclose(run[atoms], runs[0][atoms], atol=1e-10)
        np.testing.assert_allclose(run.virial, runs[0].virial, rtol=1e-8)


def rigid_water(n: int) -> tuple[object, dict, dict, dict]:
    """SPC/E in a box: Lennard-Jones between oxygens, shifted charges, three rigid distances a molecule."""
    w = ph.particles("w", dim=3, species=("O", "H"), attributes=("charge",))
    sigma, epsilon, unit = ph.parameters("sigma epsilon unit", positive=True)
    lj = w.pairs(
        lambda a, b: 4 * epsilon * ((sigma / a.distance(b)) ** 12 - (sigma / a.distance(b)) ** 6), between=("O", "O")
    )
    coulomb = w.pairs(lambda a, b: unit * w.charge(a) * w.charge(b) / a.distance(b))
    bonds = [[3 * i, 3 * i + j] for i in range(n) for j in (1, 2)]
    across = [[3 * i + 1, 3 * i + 2] for i in range(n)]
    wide = 2 * np.sin(np.radians(109.47) / 2)
    system = ph.Lagrangian(
        w.sum(lambda a: w.mass(a) * a.speed_squared / 2) - lj - coulomb,
        constraints=[w.pairs(lambda a, b: a.distance(b) - 1, along=bonds),
                     w.pairs(lambda a, b: a.distance(b) - wide, along=across)],
    )  # fmt: skip
    side = round(n ** (1 / 3))
    sites = np.stack(np.meshgrid(*[np.arange(side) * 3.1] * 3, indexing="ij"), -1).reshape(-1, 3)
    high = np.sqrt(1 - wide**2 / 4)
    shape = np.array([[0, 0, 0], [wide / 2, high, 0], [-wide / 2, high, 0]])
    turns = np.linalg.qr(np.random.default_rng(0).normal(size=(n, 3, 3)))[0]
    kinds, masses = ["O", "H", "H"] * n, {"O": 15.9994, "H": 1.008}
    start = {w: (sites[:, None] + shape @ turns).reshape(-1, 3), ph.dot(w): ph.maxwell_boltzmann(0.6, masses, kinds)}
    values = {w.mass: masses, w.charge: {"O": -0.8476, "H": 0.4238}, sigma: 3.166, epsilon: 0.1553, unit: 332.06}
    return system, start, values, {"species": kinds, "project_initial": True}


def test_rigid_water_keeps_its_shape_and_its_energy() -> None:
    """27 molecules in a box, half a picosecond by 1 and 2 fs (a unit of time is 48.9 fs)."""
    system, start, values, options = rigid_water(27)
    simulator = system.compile(box=[9.3] * 3, cutoff=4.6, smoothing="shift force")
    drifts = []
    for dt in (0.04, 0.02):
        run = simulator.run(start, values, t_span=(0, 10), dt=dt, save_every=5, **options)
        w = run[run.particles].reshape(-1, 27, 3, 3)
        lengths = [np.linalg.norm(w[:, :, i] - w[:, :, j], axis=-1) for i, j in ((0, 1), (0, 2), (1, 2))]
        assert max(np.ptp(each) for each in lengths) < 1e-13
        assert run.drift["momentum"] < 1e-13
        drifts.append(float(run.drift["energy"]))
    assert run.degrees == 27 * 6 - 3
    assert drifts[0] < 1e-3
    assert drifts[0] / drifts[1] == pytest.approx(4, rel=0.5)


def test_the_virial_of_constraints_takes_the_rotation_out_of_the_pressure() -> None:
    """Free rods: 2 K + W = 2 K of the centres, at every instant; springs along the rods add nothing."""
    n = 6
    bonds = [[2 * i, 2 * i + 1] for i in range(n)]
    x = np.random.default_rng(0).normal(0, 3, (2 * n, 3))
    for force in (0, 1):
        gas = ph.Lagrangian(
            kinetic - force * atoms.pairs(lambda a, b: k * a.distance(b) ** 4, along=bonds), constraints=[rods(bonds)]
        )
        run = gas.compile(box=[30.0] * 3).run(
            {atoms: x, ph.dot(atoms): velocities(2 * n)}, {atoms.mass: 2.0, **({k: 3.0} if force else {})},
            t_span=(0, 1), dt=0.05, project_initial=True,
        )  # fmt: skip
        centres = run[ph.dot(atoms)].reshape(-1, n, 2, 3).mean(2)
        expected = 4.0 * (centres**2).sum((1, 2)) / (3 * 30.0**3)
        np.testing.assert_allclose(run.pressure, expected, rtol=1e-11)


@pytest.mark.parametrize("thermostat", [ph.NoseHoover, ph.Langevin, ph.Berendsen])
def test_heat_goes_to_what_is_left_to_move(thermostat: type) -> None:
    """60 rods in a trap: 5 of 6 degrees of freedom each, with k_B T / 2 for every one of translation and rotation.

    f = 300, ten independent samples or more: a sigma is 2.6 % of all, 4 % of the rotations.
    """
    n = 60
    bonds = [[2 * i, 2 * i + 1] for i in range(n)]
    across = [[i, (7 * i + 3) % (2 * n)] for i in range(2 * n) if (6 * i + 3) % (2 * n)]
    trap = ph.Lagrangian(
        kinetic
        - atoms.sum(lambda a: q * a.position.dot(a.position) / 2)
        - atoms.pairs(lambda a, b: k * (a.distance(b) ** 2 - 2) ** 2 / 2, along=across),
        constraints=[rods(bonds)],
    )
    rng = np.random.default_rng(5)
    run = trap.compile(thermostat=thermostat(temperature=0.7, relaxation=0.3)).run(
        {atoms: rng.normal(0, 1, (2 * n, 3)), ph.dot(atoms): rng.normal(0, 1, (2 * n, 3))},
        {atoms.mass: 1.0, k: 0.3, q: 1.0}, t_span=(0, 30), dt=0.04, save_every=25, project_initial=True,
    )  # fmt: skip
    assert run.degrees == 300
    assert run.temperature[10:].mean() == pytest.approx(0.7, rel=0.08)
    pairs = run[ph.dot(atoms)][10:].reshape(-1, n, 2, 3)
    turning = ((pairs[:, :, 0] - pairs[:, :, 1]) ** 2).sum((1, 2)) / 4
    assert turning.mean() == pytest.approx(n * 0.7, rel=0.12)
    if thermostat is ph.NoseHoover:
        assert run.drift["invariant"] < 1e-2


def test_constraints_that_follow_from_others_are_set_aside() -> None:
    """An octahedron with 12 edges and 3 diagonals: a rigid body has 6 degrees of freedom, 3 of them its momentum."""
    x = np.concatenate([np.eye(3), -np.eye(3)]) * 0.5**0.5
    across = [[i, i + 3] for i in range(3)]
    edges = [list(pair) for pair in itertools.combinations(range(6), 2) if list(pair) not in across]
    body = ph.Lagrangian(kinetic, constraints=[rods(edges), rods(across, 2**0.5)])
    run = body.compile().run({atoms: x, ph.dot(atoms): velocities(6)}, {atoms.mass: np.arange(1.0, 7)}, t_span=(0, 5),
                             dt=0.02, save_every=10, project_initial=True)  # fmt: skip
    assert run.ok
    assert run.degrees == 3
    assert max(*residuals(run, edges), *residuals(run, across, 2**0.5)) < 1e-13
    assert run.drift["energy"] < 1e-3
    assert run.drift["angular momentum"] < 1e-13


def test_angles_and_handedness_are_held_too() -> None:
    s = (1 - 0.3**2) ** 0.5
    x = np.array([[1.0, 0, 0], [0, 0, 0], [0.3, s, 0], [0.2, 0.1, 0.9]])
    volume = float(np.linalg.det(x[1:] - x[0]))
    bent = atoms.triples(lambda a, b, c: cos(b.angle(a, c)) - 0.3, along=[[0, 1, 2]])
    turn = atoms.quadruples(lambda a, b, c, d: a.signed_volume(b, c, d) - volume, along=[[0, 1, 2, 3]])
    system = ph.Lagrangian(kinetic - springs, constraints=[rods([[0, 1], [1, 2]]), bent, turn])
    assert "angular momentum" in [law.name for law in system.conserved]
    run = system.compile().run({atoms: x, ph.dot(atoms): velocities(4)}, {atoms.mass: 1.0, k: 1.0}, t_span=(0, 1),
                               dt=0.01, save_every=10, project_initial=True)  # fmt: skip
    assert max(*residuals(run, [[0, 1], [1, 2]]), *residuals(run, [[0, 2]], 1.4**0.5)) < 1e-14
    volumes = np.linalg.det(run[atoms][:, 1:] - run[atoms][:, :1])
    np.testing.assert_allclose(volumes, volume, atol=1e-13)
    assert run.drift["angular momentum"] < 1e-13
    assert run.drift["energy"] < 1e-3
    tilted = atoms.pairs(lambda a, b: sin(a.displacement(b)[0]), along=[[0, 1]])
    assert "angular momentum" not in [law.name for law in ph.Lagrangian(kinetic, constraints=[tilted]).conserved]


@pytest.mark.parametrize("seed", range(3))
def test_turns_solve_the_linear_system(seed: int) -> None:
    """Random graphs: the turns, done one by one, give the solution of a matrix with entries where rows share a bead."""
    rng = np.random.default_rng(seed)
    rows = tuple(tuple(map(int, rng.choice(9, 2, replace=False))) for _ in range(12))
    shape = shape_of(rows, 2)
    slopes, pulls = rng.normal(0, 1, (2, 24, 3))
    slopes += 4 * pulls
    n, entries = len(rows), np.zeros(shape.entries)
    right = entries[:n] = rng.normal(0, 1, n)
    for entry, one, two in shape.mixes:
        entries[entry] += slopes[one] @ pulls[two]
    matrix = np.array([
        [sum(slopes[2 * a + x] @ pulls[2 * b + y] for x in (0, 1) for y in (0, 1) if rows[a][x] == rows[b][y])
         for b in range(n)] for a in range(n)
    ])  # fmt: skip
    expected = np.linalg.solve(matrix, right)
    for target, left, other, pivot in shape.turns:
        entries[target] -= entries[left] * entries[other] / entries[n + pivot]
    np.testing.assert_allclose(entries[:n] / entries[n : 2 * n], expected, rtol=1e-9)


def test_a_long_chain_takes_as_many_turns_as_it_has_beads() -> None:
    shape = shape_of(tuple((i, i + 1) for i in range(500)), 2)
    assert len(shape.turns) == 3 * 499
