"""What is seen of pairs of neighbours: angles and handedness, against sums over triples in NumPy."""

from itertools import permutations

import numpy as np
import pytest
from sympy import cos, exp, sqrt, tanh

import symphys as ph
from tests.symphys.particles.test_surroundings import forces, slopes

water = ph.particles("w", dim=3, species=("O", "H"))
KINDS = np.array(["O", "H", "H", "O", "H", "H", "O"])
A, B, c = ph.parameters("A B c")
kinetic = water.sum(lambda a: water.mass(a) * a.speed_squared / 2)
VALUES = {water.mass: {"O": 16.0, "H": 1.0}, A: 0.8, B: -0.3, c: 0.4}


def bend(a, of: tuple):
    """sum exp(-r^2) exp(-s / 2) (1 + cos)^3 / 4, and terms of other weights."""
    return water.environment(
        a, of=of, weight=lambda r, s, x: exp(-(r**2) - s / 2) * (1 + x) ** 3 / 4 + c * exp(-r) / s * x**2 - exp(-s) / 5
    )


def seen(x: np.ndarray, i: int, of: tuple) -> float:
    """The same by the definition: all ordered pairs of different neighbours."""
    total = 0.0
    for j, k in permutations([j for j in range(len(x)) if j != i], 2):
        if all(kind in (None, KINDS[n]) for kind, n in zip(of, (j, k), strict=True)):
            d, e = x[j] - x[i], x[k] - x[i]
            r, s = np.linalg.norm(d), np.linalg.norm(e)
            angle = d @ e / (r * s)
            total += np.exp(-(r**2) - s / 2) * (1 + angle) ** 3 / 4 + 0.4 * np.exp(-r) / s * angle**2 - np.exp(-s) / 5
    return total


CASES = [("O", "H"), ("H", "H"), (None, "H"), (None, None)]
system = ph.Lagrangian(
    kinetic
    - water.sum(lambda a: A * tanh(bend(a, CASES[0])) + B * bend(a, CASES[1]) ** 2, species="O")
    - water.sum(lambda a: sqrt(1 + bend(a, CASES[2]) ** 2) + bend(a, CASES[3]))
)


def energy(x: np.ndarray) -> float:
    total = 0.0
    for i, kind in enumerate(KINDS):
        if kind == "O":
            total += 0.8 * np.tanh(seen(x, i, CASES[0])) - 0.3 * seen(x, i, CASES[1]) ** 2
        total += np.sqrt(1 + seen(x, i, CASES[2]) ** 2) + seen(x, i, CASES[3])
    return float(total)


def places(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 2.5, (7, 3))


@pytest.mark.parametrize("options", [{}, {"cutoff": 50.0}], ids=["all pairs", "lists"])
def test_angles_cost_sums_over_neighbours_and_mean_sums_over_triples(options: dict) -> None:
    x = places(0)
    found = forces_of(system, x, VALUES, **options)
    np.testing.assert_allclose(found, slopes(energy, x), atol=1e-7 * np.abs(found).max())
    assert np.abs(found.sum(0)).max() < 1e-13 * np.abs(found).sum()
    assert np.abs(np.cross(x, found).sum(0)).max() < 1e-13 * np.abs(np.cross(x, found)).sum()


def forces_of(which, x: np.ndarray, values: dict, **options) -> np.ndarray:
    return forces(which, x, values, kinds=list(KINDS), **options)


def test_energy_momentum_and_angular_momentum_are_kept() -> None:
    assert {law.name for law in system.conserved} == {"energy", "momentum", "angular momentum"}
    x, v = places(1), np.random.default_rng(2).normal(0, 0.3, (7, 3))
    start = {water: x, ph.dot(water): v}
    runs = [
        system.compile().run(start, VALUES, t_span=(0, 0.5), dt=dt, species=KINDS, save_every=round(0.1 / dt))
        for dt in (2e-3, 1e-3)
    ]
    kinetic = (np.where(KINDS == "O", 16.0, 1.0)[:, None] * v**2).sum() / 2
    assert runs[0].energy[0] - kinetic == pytest.approx(energy(x), rel=1e-12)
    # Verlet errs by dt^2
    assert runs[0].drift["energy"] / runs[1].drift["energy"] == pytest.approx(4, rel=0.1)
    for run in runs:
        assert run.drift["momentum"] < 1e-12
        assert run.drift["angular momentum"] < 1e-12


def test_two_far_copies_have_the_sum_of_their_energies() -> None:
    """Size consistency: what is further than the cutoff is not seen, by a turned copy either."""
    x = places(3)
    turn = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))[0]
    simulator = system.compile(cutoff=4.0, smoothing="switch")

    def energies(where: np.ndarray, kinds: np.ndarray) -> float:
        start = {water: where, ph.dot(water): 0 * where}
        run = simulator.run(start, VALUES, t_span=(0, 1e-3), dt=1e-3, species=kinds)
        return float(run.energy[0])

    one = energies(x, KINDS)
    both = energies(np.concatenate([x, x @ turn.T + [20.0, 0, 0]]), np.tile(KINDS, 2))
    assert both == pytest.approx(2 * one, rel=1e-12)
    assert abs(one) > 0.1


def test_handedness_is_seen_by_vectors() -> None:
    """u . (v x w) of three vectors changes its sign in a mirror, and turns with nothing."""

    def chiral(a):
        u, v, w = (water.environment(a, weight=lambda r, k=k: exp(-k * r), rank=1) for k in (1, 2, 3))
        return u.dot(v.cross(w))

    tells = ph.Lagrangian(kinetic - water.sum(lambda a: A * chiral(a)))
    assert {law.name for law in tells.conserved} == {"energy", "momentum", "angular momentum"}
    x = places(5)

    def energy(x: np.ndarray) -> float:
        d = x[None] - x[:, None]
        r = np.linalg.norm(d, axis=-1) + np.eye(7)
        u, v, w = ((np.exp(-k * r) / r)[..., None] * d for k in (1, 2, 3))
        return 0.8 * float(np.linalg.det(np.stack([u.sum(1), v.sum(1), w.sum(1)], axis=1)).sum())

    values = {water.mass: 1.0, A: 0.8}
    found = forces_of(tells, x, values)
    np.testing.assert_allclose(found, slopes(energy, x), atol=1e-7 * np.abs(found).max())
    assert np.abs(np.cross(x, found).sum(0)).max() < 1e-12 * np.abs(np.cross(x, found)).sum()
    mirrored = forces_of(tells, x * [1, 1, -1], values)
    np.testing.assert_allclose(mirrored, -found * [1, 1, -1], atol=1e-12 * np.abs(found).max())


def test_a_component_of_a_vector_keeps_the_momentum_and_not_the_angular_momentum() -> None:
    up = ph.Lagrangian(kinetic - water.sum(lambda a: water.environment(a, weight=lambda r: exp(-r), rank=1)[2] ** 2))
    assert {law.name for law in up.conserved} == {"energy", "momentum"}


def test_agents_see_angles_with_their_neighbours_held() -> None:
    x = places(6)
    own = {kind: bend(kind, ("O", "H")) for kind in ("O", "H")}
    agents = ph.LearningDynamics(water, {"O": A * own["O"] ** 2, "H": B * own["H"]})
    expected = np.zeros_like(x)
    for i, kind in enumerate(KINDS):

        def loss(x: np.ndarray, i: int = i, kind: str = kind) -> float:
            value = seen(x, i, ("O", "H"))
            return 0.8 * value**2 if kind == "O" else -0.3 * value

        expected[i] = slopes(loss, x)[i]
    found = forces_of(agents, x, VALUES)
    np.testing.assert_allclose(found, expected, atol=1e-7 * np.abs(expected).max())


def test_surroundings_are_read_off_frames() -> None:
    sums = [bend(kind, of) for kind, of in (("O", ("O", "H")), ("H", (None, "H")))]
    agents = ph.LearningDynamics(water, {"O": sums[0], "H": sums[1] ** 2})
    frames = np.stack([places(7), places(8)])
    found = agents.surroundings(frames, {water.mass: 1.0, c: 0.4}, species=KINDS)
    assert list(found) == sums
    for value, of in zip(found.values(), (("O", "H"), (None, "H")), strict=True):
        expected = [[seen(x, i, of) for i in range(7)] for x in frames]
        np.testing.assert_allclose(value, expected, rtol=1e-12)
    with pytest.raises(ph.InputError, match="value missing for c"):
        agents.surroundings(frames, {water.mass: 1.0}, species=KINDS)


def test_sums_over_pairs_of_neighbours_are_written_as_such() -> None:
    (equation,) = system.equations
    assert "cos_jik" in str(system)
    assert r"\cos\theta_{jik}" in system._repr_latex_()
    assert r"\sum_{j \neq k \neq i" in system._repr_latex_()
    assert "grad_i" in str(equation)


def test_weights_that_are_no_sums_of_products_are_refused() -> None:
    def made(weight):
        return ph.Lagrangian(kinetic - water.sum(lambda a: water.environment(a, of=("O", "H"), weight=weight))).dynamics

    with pytest.raises(ph.UnsupportedError, match="no polynomial in the cosine of the angle between them; write it"):
        made(lambda r, s, x: exp(-r - s) * cos(x))
    with pytest.raises(ph.UnsupportedError, match=r"is no sum of products of functions of one distance each; write it"):
        made(lambda r, s, x: exp(-((r - s) ** 2)) * x)
    with pytest.raises(ph.InputError, match="of rank 2 was asked for; there are numbers"):
        water.environment("O", weight=lambda r: exp(-r), rank=2)
    with pytest.raises(ph.InputError, match="w has no species 'C'; it has O, H"):
        water.environment("O", of=("O", "C"), weight=lambda r, s, x: x)


@pytest.mark.parametrize(
    "sight",
    [
        lambda a: water.environment(a, of=[None, None], weight=lambda r, s, x: exp(-(r**2)) * x),
        lambda a: water.environment(a, of="H", weight=lambda r: 1, rank=1)[0] ** 2,
    ],
    ids=["angles", "vectors"],
)
def test_a_neighbour_that_counts_alike_at_any_distance_goes_without_a_jump(sight) -> None:
    """Switched: a third particle that crosses the cutoff leaves the energy where it was."""
    bent = ph.Lagrangian(kinetic - water.sum(sight)).compile(cutoff=2.0, smoothing="switch")

    def energy_at(reach: float) -> float:
        where = np.array([[0.0, 0, 0], [1.0, 0.2, 0], [-reach, 0, 0]])
        start = {water: where, ph.dot(water): 0 * where}
        return float(bent.run(start, {water.mass: 1.0}, t_span=(0, 1e-9), dt=1e-9, species=["O", "H", "H"]).energy[0])

    assert energy_at(2 - 1e-6) == pytest.approx(energy_at(2 + 1e-6), abs=1e-9)
    assert abs(energy_at(1.8) - energy_at(2.1)) > 1e-3
