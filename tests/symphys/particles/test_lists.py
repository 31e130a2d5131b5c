"""Neighbour lists and images against sums over all pairs and images, written out in NumPy."""

import itertools

import numpy as np
import pytest
from sympy import Max, exp

import symphys as ph
from symphys.simulate.particles.inputs import read_particles_inputs
from symphys.simulate.particles.simulator import ParticleSimulator
from symphys.simulate.particles.skin import LEAST, MOST, RATIO, REBUILD, best_skin
from symphys.simulate.particles.state import Choices
from symphys.simulate.status import Outcome
from tests.gpu import OTHERS

atoms = ph.particles("r", dim=3)
epsilon, sigma = ph.parameters("epsilon sigma", positive=True)
fluid = ph.Lagrangian(
    atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2)
    - atoms.pairs(lambda a, b: 4 * epsilon * ((sigma / a.distance(b)) ** 12 - (sigma / a.distance(b)) ** 6))
)
VALUES = {atoms.mass: 1.0, epsilon: 1.0, sigma: 1.0}
TRICLINIC = np.array([[6.0, 0, 0], [1.5, 5.5, 0], [-1.0, 0.8, 6.5]])


def lattice(side: int, box: np.ndarray, seed: int = 0) -> np.ndarray:
    """A jittered lattice that fills a box."""
    fractions = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1).reshape(-1, 3) / side
    return (fractions + np.random.default_rng(seed).uniform(0, 0.2 / side, fractions.shape)) @ box


def forces_by_images(x: np.ndarray, box: np.ndarray, cutoff: float) -> np.ndarray:
    """Sums over all images within the cutoff."""
    total = np.zeros_like(x)
    for turn in itertools.product(range(-2, 3), repeat=3):
        d = x[:, None] - x[None] + np.array(turn) @ box
        q = (d**2).sum(-1)
        near = (q > 0) & (q < cutoff**2)
        q = np.where(near, q, 1.0)
        total += (np.where(near, 48 * q**-7 - 24 * q**-4, 0.0)[..., None] * d).sum(1)
    return total


def forces(simulator: ParticleSimulator, x: np.ndarray, listed: bool) -> np.ndarray:
    """The first forces of a run."""
    inputs = read_particles_inputs(simulator.dynamics, {atoms: x, ph.dot(atoms): 0 * x}, VALUES, None)
    return simulator.start(inputs, [()], False, listed, Choices(0.01, 2)).read("force")[0]


@pytest.mark.parametrize("box", [np.diag([5.0, 6.0, 7.0]), TRICLINIC], ids=["orthorhombic", "triclinic"])
@pytest.mark.parametrize("listed", [False, True])
def test_forces_in_a_box_are_those_of_all_images(box: np.ndarray, listed: bool) -> None:
    """Sums of some sixty forces of size 100: rounding stays below 1e-11 of the largest."""
    x = lattice(5, box) + np.array([13.0, -40.0, 2.0])
    cutoff = 2.2
    found = forces(fluid.compile(box=box, cutoff=cutoff), x, listed)
    expected = forces_by_images(x, box, cutoff)
    np.testing.assert_allclose(found, expected, atol=1e-11 * np.abs(expected).max())


def test_a_cutoff_may_reach_further_than_half_the_box() -> None:
    box = np.diag([4.0, 4.5, 5.0])
    x = lattice(4, box)
    found = forces(fluid.compile(box=np.diag(box), cutoff=4.2), x, True)
    expected = forces_by_images(x, box, 4.2)
    np.testing.assert_allclose(found, expected, atol=1e-11 * np.abs(expected).max())


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_a_large_cutoff_is_all_pairs(dim: int) -> None:
    beads = ph.particles("x", dim=dim)
    k = ph.parameters("k", positive=True)
    chain = ph.Lagrangian(
        beads.sum(lambda a: beads.mass(a) * a.speed_squared / 2) - beads.pairs(lambda a, b: k * a.distance(b) ** 4)
    )
    start = {beads: np.random.default_rng(0).normal(0, 1, (350, dim)), ph.dot(beads): np.zeros((350, dim))}
    ends = [
        chain.compile(cutoff=c).run(start, {beads.mass: 1.0, k: 1e-4}, t_span=(0, 0.05), dt=0.01, save_every=5)
        for c in (None, 1e3)
    ]
    np.testing.assert_allclose(ends[0][beads][-1], ends[1][beads][-1], atol=1e-11)
    np.testing.assert_allclose(ends[0].energy, ends[1].energy, rtol=1e-12)


def test_lists_are_made_anew_before_anyone_is_missed() -> None:
    """A hot fluid crosses many skins; the same run without lists ends in the same places, up to rounding that chaos
    has stretched (by less than 1e4 in so short a time)."""
    box = np.diag([8.5, 8.5, 8.5])
    x = lattice(7, box)
    v = np.random.default_rng(1).normal(0, 2.0, x.shape)
    simulator = fluid.compile(box=[8.5] * 3, cutoff=2.5, smoothing="shift force")
    inputs = read_particles_inputs(simulator.dynamics, {atoms: x, ph.dot(atoms): v - v.mean(0)}, VALUES, None)
    states = [simulator.start(inputs, [()], False, listed, Choices(0.002, 2)) for listed in (False, True)]
    for state in states:
        state.go(150)
    assert states[1].rebuilds > 5
    np.testing.assert_allclose(states[1].read("position"), states[0].read("position"), atol=1e-9)
    np.testing.assert_allclose(states[1].totals()[0, :4], states[0].totals()[0, :4], rtol=1e-10)


PLACES = {
    "steep walls": lambda p: exp(p[2] - 17) + exp(2 - p[2]),
    "soft walls": lambda p: 10 * (Max(p[2] - 15, 0) ** 2 + Max(4 - p[2], 0) ** 2),
    "trap": lambda p: 2 * (p[0] ** 2 + p[1] ** 2 + p[2] ** 2),
}


def crowd(potential: object) -> tuple[ph.Lagrangian, object]:
    """A gas of soft spheres at places with a potential, and the symbol of its strength."""
    g = ph.parameters("g", positive=True)
    pairs = atoms.pairs(lambda a, b: g / a.distance(b) ** 6)
    alone = atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2 - potential(a.position))
    return ph.Lagrangian(alone - pairs), g


@pytest.mark.parametrize("place", PLACES)
def test_what_fills_up_clusters_stays_where_it_is(place: str) -> None:
    """323 particles leave room in the last clusters. Lists and all pairs end alike; nothing moves that is no particle,
    and nobody makes new lists on its account."""
    gas, g = crowd(PLACES[place])
    box = None if place == "trap" else [8.4, 8.4, 30.0]
    x = 1.2 * lattice(7, 7 * np.eye(3))[:323] + (-3.6 if place == "trap" else np.array([0.0, 0.0, 5.0]))
    v = np.random.default_rng(3).normal(0, 2.0, x.shape)
    simulator = gas.compile(box=box, cutoff=2.0, smoothing="switch")
    inputs = read_particles_inputs(simulator.dynamics, {atoms: x, ph.dot(atoms): v}, {atoms.mass: 1.0, g: 0.1}, None)
    states = [simulator.start(inputs, [()], False, listed, Choices(0.005, 1)) for listed in (False, True)]
    for state in states:
        state.go(80)
    nobody = states[1].arrays.read("kind") < 0
    assert nobody.any()
    assert not states[1].arrays.read("velocity")[:, nobody].any()
    assert 3 < states[1].rebuilds < 40
    assert all(state.finite() for state in states)
    np.testing.assert_allclose(states[1].read("position"), states[0].read("position"), atol=1e-10)
    np.testing.assert_allclose(states[1].totals()[0, :2], states[0].totals()[0, :2], rtol=1e-11)


def test_what_fills_up_rows_does_not_end_a_run() -> None:
    """All pairs, three particles: what fills up their row lies where the potential has its pole."""
    gas, g = crowd(lambda p: 1 / (p[0] ** 2 + p[1] ** 2 + p[2] ** 2) ** 0.5)
    simulator = gas.compile()
    x = np.array([[1.0, 0, 0], [0, 2.0, 0], [0, 0, 3.0]])
    inputs = read_particles_inputs(
        simulator.dynamics, {atoms: x, ph.dot(atoms): 0 * x}, {atoms.mass: 1.0, g: 0.1}, None
    )
    state = simulator.start(inputs, [()], False, False, Choices(0.005, 1))
    state.go(5)
    assert state.finite()


def test_a_place_that_is_no_number_ends_a_run_with_lists() -> None:
    """The potential has no force to the left of a wall: whoever gets there is lost, and the run says so."""
    gas, g = crowd(lambda p: (p[2] + 1.0) ** 1.5)
    x = 1.2 * lattice(7, 7 * np.eye(3))[:323]
    v = np.zeros(x.shape)
    v[5, 2] = -20.0
    run = gas.compile(cutoff=2.0, smoothing="switch").run(
        {atoms: x, ph.dot(atoms): v}, {atoms.mass: 1.0, g: 0.1}, t_span=(0, 2.0), dt=0.01, save_every=20
    )
    assert run.outcomes == Outcome.NOT_FINITE


@pytest.mark.parametrize(("speed", "method"), [(60.0, "verlet"), (100.0, "yoshida4"), (2000.0, "verlet")])
def test_lists_follow_whoever_is_fast_within_bounds(speed: float, method: str) -> None:
    """One particle goes 0.6, 1 and 20 a step through a box of 8.4: as without lists, in as little memory as before."""
    gas, g = crowd(lambda p: 0.0)
    x = 1.2 * lattice(7, 7 * np.eye(3))[:323]
    v = np.random.default_rng(3).normal(0, 1.0, x.shape)
    v[7] = [speed, 0.3 * speed, -0.1 * speed]
    simulator = gas.compile(box=[8.4] * 3, cutoff=2.0, smoothing="switch", method=method)
    inputs = read_particles_inputs(simulator.dynamics, {atoms: x, ph.dot(atoms): v}, {atoms.mass: 1.0, g: 1e-4}, None)
    states = [simulator.start(inputs, [()], False, listed, Choices(0.01, 1)) for listed in (False, True)]
    for state in states:
        state.go(12)
    np.testing.assert_allclose(states[1].read("position"), states[0].read("position"), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(states[1].read("force"), states[0].read("force"), atol=1e-7)
    assert states[1].scalars["slots"] < 60 * states[1].clusters.count
    assert states[1].skin <= 2.0
    assert states[1].k == 12


@pytest.mark.parametrize("bath", [ph.Langevin(1.0, 0.02), ph.NoseHoover(1.0, 0.05)], ids=["langevin", "nose-hoover"])
def test_a_bath_goes_on_where_someone_is_fast(bath: ph.Langevin | ph.NoseHoover) -> None:
    """From steps with lists after each drift to steps by the portion, as the bath slows the fast one down."""
    gas, g = crowd(lambda p: 0.0)
    x = 1.2 * lattice(7, 7 * np.eye(3))[:323]
    v = np.random.default_rng(3).normal(0, 1.0, x.shape)
    v[7] = [300.0, 30.0, -10.0]
    simulator = gas.compile(box=[8.4] * 3, cutoff=2.0, smoothing="switch", thermostat=bath)
    inputs = read_particles_inputs(simulator.dynamics, {atoms: x, ph.dot(atoms): v}, {atoms.mass: 1.0, g: 1e-4}, None)
    states = [simulator.start(inputs, [()], False, listed, Choices(0.01, 1)) for listed in (False, True)]
    for state in states:
        state.go(20)
    np.testing.assert_allclose(states[1].read("position"), states[0].read("position"), atol=1e-12)
    assert states[1].rebuilds < 20
    assert 2.2 * states[1].pace < states[1].skin < 2.0


def test_lists_follow_a_crowd_in_a_skewed_box() -> None:
    """40 steps of a hot gas, with and without lists."""
    gas, g = crowd(lambda p: 0.0)
    box = np.array([[8.4, 0, 0], [2.5, 8.0, 0], [-1.5, 1.2, 8.8]])
    x = lattice(7, box)[:320]
    v = np.random.default_rng(4).normal(0, 4.0, x.shape)
    simulator = gas.compile(box=box, cutoff=2.0, smoothing="switch")
    inputs = read_particles_inputs(simulator.dynamics, {atoms: x, ph.dot(atoms): v}, {atoms.mass: 1.0, g: 0.1}, None)
    states = [simulator.start(inputs, [()], False, listed, Choices(0.005, 1)) for listed in (False, True)]
    for state in states:
        state.go(40)
    assert states[1].rebuilds > 3
    np.testing.assert_allclose(states[1].read("position"), states[0].read("position"), atol=1e-10)
    np.testing.assert_allclose(states[1].totals()[0, :4], states[0].totals()[0, :4], rtol=1e-10)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("box", [np.diag([8.4] * 3), np.array([[8.4, 0, 0], [2.5, 8.0, 0], [-1.5, 1.2, 8.8]])])
def test_potentials_of_places_are_of_places_that_are_not_folded(box: np.ndarray, dtype: str) -> None:
    """Springs to a point, in a box: whoever crosses an edge, or starts beyond it, is pulled back all the way.

    Single precision: 40 steps of roundings of places of about 16, that a gas has stretched by less than a hundred.
    """
    gas, g = crowd(lambda p: 5 * ((p[0] - 4) ** 2 + p[1] ** 2 + (p[2] + 3) ** 2))
    x = lattice(7, box)[:320] + np.arange(320)[:, None] % 3 * box[0]
    v = np.random.default_rng(4).normal(0, 4.0, x.shape)
    simulator = gas.compile(box=box, cutoff=2.0, smoothing="switch", dtype=dtype)
    inputs = read_particles_inputs(simulator.dynamics, {atoms: x, ph.dot(atoms): v}, {atoms.mass: 1.0, g: 0.1}, None)
    states = [simulator.start(inputs, [()], False, listed, Choices(0.005, 1)) for listed in (False, True)]
    for state in states:
        state.go(40)
    eps = np.finfo(dtype).eps
    assert (np.floor(x @ np.linalg.inv(box)) != np.floor(states[0].read("position")[0] @ np.linalg.inv(box))).any()
    atol = max(1e-10, 40 * 16 * 100 * eps)
    np.testing.assert_allclose(states[1].read("position"), states[0].read("position"), atol=atol)
    np.testing.assert_allclose(states[1].totals()[0, :2], states[0].totals()[0, :2], rtol=max(1e-10, 100 * eps))


def test_places_are_not_folded_and_momentum_is_kept() -> None:
    box = 7.6
    x = lattice(7, np.eye(3) * box)
    v = np.random.default_rng(1).normal(0, 1.0, x.shape)
    v += np.array([20.0, 0, 0]) - v.mean(0)
    run = fluid.compile(box=[box] * 3, cutoff=2.5, smoothing="shift force").run(
        {atoms: x, ph.dot(atoms): v}, VALUES, t_span=(0, 0.5), dt=0.002, save_every=125
    )
    assert np.abs((run[atoms][-1] - x).mean(0) - [10, 0, 0]).max() < 1e-9
    assert run.drift["momentum"] < 1e-13
    assert run.drift["energy"] < 5e-4
    assert "angular momentum" not in run.drift
    assert run.temperature.shape == run.pressure.shape == (3,)


@pytest.mark.parametrize("smoothing", [None, "shift", "shift force", "switch"])
def test_energies_end_at_the_cutoff_as_asked(smoothing: str | None) -> None:
    """Two particles: V(r) read from the energy, at and next to the cutoff."""
    V = lambda r: 4 * (r**-12 - r**-6)  # noqa: E731
    slope = -48 * 2.0**-13 + 24 * 2.0**-7

    def energy(r: float) -> float:
        run = fluid.compile(cutoff=2.0, smoothing=smoothing).run(
            {atoms: np.array([[0.0, 0, 0], [r, 0, 0]]), ph.dot(atoms): np.zeros((2, 3))},
            VALUES,
            t_span=(0, 1e-9),
            dt=1e-9,
        )
        return float(run.energy[0])

    expected = {
        None: V(1.5), "shift": V(1.5) - V(2.0), "shift force": V(1.5) - V(2.0) + 0.5 * slope, "switch": V(1.5),
    }  # fmt: skip
    assert energy(1.5) == pytest.approx(expected[smoothing], rel=1e-12)
    assert energy(2.0000001) == 0.0
    jump = {None: V(2.0)}.get(smoothing, 0.0)
    assert energy(1.9999999) == pytest.approx(jump, abs=1e-7)
    assert energy(1.8) == pytest.approx(energy(1.80001), abs=1e-5)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
@pytest.mark.parametrize("backend", OTHERS)
def test_backends_agree_on_lists(backend: str, dtype: str, tolerance: float) -> None:
    """In single precision places lie otherwise in memory; differences of places lose some ten units of rounding."""
    x = lattice(3, np.eye(3) * 3.5)
    made = [fluid.compile(box=[3.5] * 3, cutoff=1.6, backend=b, dtype=dtype) for b in ("cpu", backend)]
    found = [forces(each, x, True) for each in made]
    np.testing.assert_allclose(found[0], found[1], atol=tolerance * np.abs(found[0]).max())


def test_the_skin_that_costs_least_is_wider_where_particles_are_faster() -> None:
    """Of (1 + s)^3 + R / (n s), n steps to the skin: its slope vanishes where 3 (1 + s)^2 s^2 = R / n."""
    for steps in (20.0, 60.0, 200.0):
        s = best_skin(2.5, 3, steps / 2.5) / 2.5
        expected = next(t for t in np.linspace(0.01, 1, 9901) if 3 * (1 + t) ** 2 * t**2 > REBUILD / steps)
        assert s == pytest.approx(np.clip(expected, LEAST, MOST), rel=RATIO - 1)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_run_repeats_itself_to_the_last_bit(dtype: str) -> None:
    x = lattice(7, np.eye(3) * 8.5)
    v = np.random.default_rng(1).normal(0, 1.5, x.shape)
    simulator = fluid.compile(box=[8.5] * 3, cutoff=2.5, smoothing="shift force", dtype=dtype)
    ends = [
        simulator.run({atoms: x, ph.dot(atoms): v}, VALUES, t_span=(0, 0.2), dt=0.002, save_every=100, threads=2)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(ends[0][atoms], ends[1][atoms])


ACROSS = {
    "displacements alone": lambda d, r: 3 * d[0] ** 2 + exp(-(d[1] ** 2)),
    "distances too": lambda d, r: 10 * d[0] ** 2 / r**5,
}


@pytest.mark.parametrize("smoothing", ["shift", "shift force", "switch"])
@pytest.mark.parametrize("written", ACROSS)
def test_what_is_written_in_displacements_ends_at_the_cutoff_as_well(written: str, smoothing: str) -> None:
    """Across the cutoff by 2e-7: the energy goes to 0, and the force, too, unless "shift" was asked for."""
    flat = ph.particles("r", dim=2)
    pair = flat.pairs(lambda a, b: ACROSS[written](a.displacement(b), a.distance(b)))
    system = ph.Lagrangian(flat.sum(lambda a: flat.mass(a) * a.speed_squared / 2) - pair)
    simulator = system.compile(box=[9.0, 9.0], cutoff=2.0, smoothing=smoothing)
    ways = np.array([[np.cos(angle), np.sin(angle)] for angle in (0.3, 1.1, 2.0, 4.0)])
    places = np.stack([np.zeros((4, 2)), ways * (2 - 1e-7)], axis=1) + 4.0
    run = simulator.run({flat: places, ph.dot(flat): 0 * places}, {flat.mass: 1.0}, (0, 1e-4), dt=1e-4)
    assert np.abs(run.totals["potential"][:, 0]).max() < 1e-5
    pulls = np.abs(run[ph.dot(flat)][:, 1]).max() / 1e-4
    assert (pulls < 1e-4) == (smoothing != "shift")


def test_the_virial_counts_what_is_not_along_the_line() -> None:
    """V = x^2 y^2 / r: of degree 3, so that the sum of r . F is -3 V."""
    flat = ph.particles("r", dim=2)
    pair = flat.pairs(lambda a, b: a.displacement(b)[0] ** 2 * a.displacement(b)[1] ** 2 / a.distance(b))
    system = ph.Lagrangian(flat.sum(lambda a: flat.mass(a) * a.speed_squared / 2) - pair)
    places = np.random.default_rng(1).normal(size=(5, 2))
    run = system.compile().run({flat: places, ph.dot(flat): 0 * places}, {flat.mass: 1.0}, (0, 1e-3), dt=1e-3)
    assert run.virial == pytest.approx(-3 * run.totals["potential"], rel=1e-12)


def test_walls_that_lie_across_the_edge_of_a_box():
    """From z = -2 to 12 in a box of 30: nobody is folded to the far end, where the walls' potential is another."""
    z = ph.particles("r", dim=3)
    wall = z.sum(lambda a: exp(-4 * (a.position[2] + 2)) + exp(4 * (a.position[2] - 12)))
    pairs = z.pairs(lambda a, b: a.distance(b) ** -6)
    system = ph.Lagrangian(z.sum(lambda a: z.mass(a) * a.speed_squared / 2) - wall - pairs)
    rng = np.random.default_rng(5)
    edge = np.stack(np.meshgrid(np.arange(6), np.arange(6), np.arange(9), indexing="ij"), -1).reshape(-1, 3)
    start = edge * np.array([1.2, 1.2, 1.3]) + rng.uniform(-0.1, 0.1, edge.shape) - np.array([0.0, 0.0, 0.5])
    state = {z: start, ph.dot(z): rng.normal(size=start.shape)}
    simulator = system.compile(method="verlet", box=[7.2, 7.2, 30.0], cutoff=2.0, smoothing="shift force")
    run = simulator.run(state, {z.mass: np.ones(len(start))}, t_span=(0, 0.2), dt=0.002, save_every=20)
    assert run.drift["energy"] < 1e-3
    assert np.abs(run[z] - run[z][0]).max() < 3.0
