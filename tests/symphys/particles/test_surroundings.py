"""Environments inside non-linear functions, species, agents: forces against differences of energies in NumPy."""

from collections.abc import Callable

import numpy as np
import pytest
from sympy import exp, sqrt

import symphys as ph
from symphys.simulate.particles.inputs import read_particles_inputs
from symphys.simulate.particles.state import Choices

metal = ph.particles("r", dim=3, attributes=("charge",))
A, B = ph.parameters("A B")
embedded = ph.Lagrangian(
    metal.sum(lambda a: metal.mass(a) * a.speed_squared / 2)
    + metal.sum(lambda a: A * sqrt(metal.environment(a, weight=lambda s: exp(-2 * s))))
    - metal.pairs(lambda a, b: B * metal.charge(a) * metal.charge(b) / a.distance(b))
)
water = ph.particles("w", dim=3, species=("O", "H"))


def forces(system, x: np.ndarray, values: dict, kinds: list | None = None, **options) -> np.ndarray:
    simulator = system.compile(**options)
    particles = simulator.dynamics.particles
    given = kinds or ((["O", "H", "H"] * len(x))[: len(x)] if particles.species else None)
    inputs = read_particles_inputs(simulator.dynamics, {particles: x, ph.dot(particles): 0 * x}, values, given)
    listed = "cutoff" in options
    return simulator.start(inputs, [()], False, listed, Choices(0.01, 2)).read("force")[0]


def slopes(energy: Callable[[np.ndarray], float], x: np.ndarray) -> np.ndarray:
    """Minus the central differences, which err by d^2 and eps / d."""
    found, d = np.zeros_like(x), 1e-5
    for place in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[place] = d
        found[place] = -(energy(x + step) - energy(x - step)) / (2 * d)
    return found


def distances(x: np.ndarray) -> np.ndarray:
    r = np.linalg.norm(x[:, None] - x[None], axis=-1)
    np.fill_diagonal(r, np.inf)
    return r


@pytest.mark.parametrize("options", [{}, {"cutoff": 50.0}], ids=["all pairs", "lists"])
def test_an_embedded_atom_is_pulled_by_the_slopes_of_its_own_and_of_others_densities(options: dict) -> None:
    x = np.random.default_rng(0).normal(0, 1, (7, 3))
    charge = np.linspace(-1, 1, 7)

    def energy(x: np.ndarray) -> float:
        r = distances(x)
        return float(-1.5 * np.sqrt(np.exp(-2 * r).sum(1)).sum() + 0.5 * (0.3 * np.outer(charge, charge) / r).sum())

    values = {metal.mass: 1.0, metal.charge: charge, A: 1.5, B: 0.3}
    found = forces(embedded, x, values, **options)
    np.testing.assert_allclose(found, slopes(energy, x), atol=1e-7 * np.abs(found).max())
    assert np.abs(found.sum(0)).max() < 1e-14 * np.abs(found).sum()


def test_agents_descend_their_own_losses_only() -> None:
    """A force from the loss of one agent with its neighbours held; momentum is not kept."""
    x = np.random.default_rng(1).normal(0, 1, (6, 3))
    kinds = np.array(["O", "H", "H", "O", "H", "H"])
    near = water.environment("O", of="H", weight=lambda s: exp(-s))
    far = water.environment("O", of="O", weight=lambda s: exp(-(s**2) / 8))
    touch = water.environment("H", of="O", weight=lambda s: 1 / s)
    agents = ph.LearningDynamics(water, {"O": A * near + B * near * far, "H": touch**2})
    values = {water.mass: {"O": 16.0, "H": 1.0}, A: 0.7, B: -0.4}
    found = forces(agents, x, values)
    expected = np.zeros_like(x)
    for i in range(6):

        def loss(x: np.ndarray, i: int = i) -> float:
            r = distances(x)[i]
            if kinds[i] == "O":
                seen = np.exp(-r)[kinds == "H"].sum()
                return 0.7 * seen - 0.4 * seen * np.exp(-(r**2) / 8)[kinds == "O"].sum()
            return float((1 / r)[kinds == "O"].sum() ** 2)

        expected[i] = slopes(loss, x)[i]
    np.testing.assert_allclose(found, expected, atol=1e-7 * np.abs(expected).max())
    run = agents.compile().run({water: x, ph.dot(water): 0 * x}, values, t_span=(0, 0.1), dt=0.01, species=kinds)
    assert run.ok
    assert run.drift == {}


def test_pairs_between_species_and_along_axes() -> None:
    """A term that knows which particle is which, and one that knows direction."""
    x = np.random.default_rng(2).normal(0, 1, (5, 3))
    kinds = np.array(["O", "H", "H", "O", "H"])
    mixed = ph.Lagrangian(
        water.sum(lambda a: water.mass(a) * a.speed_squared / 2)
        - water.pairs(lambda a, b: water.mass(a) ** 2 * exp(-a.distance(b)), between=("O", "H"))
        - water.pairs(lambda a, b: A * a.displacement(b)[2] ** 2 / a.distance(b))
    )
    mass = np.where(kinds == "O", 2.0, 1.0)

    def energy(x: np.ndarray) -> float:
        r, d = distances(x), x[:, None] - x[None]
        first = (kinds == "O")[:, None] & (kinds == "H")[None]
        return float((first * mass[:, None] ** 2 * np.exp(-r)).sum() + 0.35 * (d[..., 2] ** 2 / r).sum())

    values = {water.mass: mass, A: 0.7}
    run = mixed.compile().run({water: x, ph.dot(water): 0 * x}, values, t_span=(0, 1e-4), dt=1e-4, species=kinds)
    found = run[ph.dot(water)][1] / 1e-4 * mass[:, None]
    np.testing.assert_allclose(found, slopes(energy, x), atol=1e-6 * np.abs(found).max())
    assert run.energy[0] == pytest.approx(energy(x), rel=1e-13)
    assert {law.name for law in mixed.conserved} == {"energy", "momentum"}


def test_a_field_on_each_particle_breaks_the_laws_that_it_breaks() -> None:
    g = ph.parameters("g", positive=True)
    falling = ph.Lagrangian(
        metal.sum(lambda a: metal.mass(a) * a.speed_squared / 2 - metal.mass(a) * g * a.position[2])
        - metal.pairs(lambda a, b: A * a.distance(b) ** 2 / 2)
    )
    assert [law.name for law in falling.conserved] == ["energy"]
    x = np.random.default_rng(3).normal(0, 1, (4, 3))
    run = falling.compile().run(
        {metal: x, ph.dot(metal): 0 * x}, {metal.mass: 2.0, g: 9.81, A: 1.0}, t_span=(0, 1), dt=0.01, save_every=100
    )
    np.testing.assert_allclose(run[metal][-1].mean(0) - x.mean(0), [0, 0, -9.81 / 2], atol=1e-12)


def test_equations_are_sums_not_components() -> None:
    (equation,) = embedded.equations
    assert "\\sum_{j \\neq i}" in embedded._repr_latex_()
    assert "\\sum_{k \\neq j}" in embedded._repr_latex_()
    assert "charge_i" in str(equation)
    assert len(str(equation)) < 600
