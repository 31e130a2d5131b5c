"""Agents that forget, and agents far apart: runs against SciPy, planted memories, size consistency."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from sympy import exp

import symphys as ph

Floats = NDArray[np.float64]
RNG = np.random.default_rng(4)
atoms = ph.particles("r", dim=2)
A, B, tau, gamma = ph.parameters("A B tau gamma", positive=True)
N = 5
PLACES, RATES = RNG.uniform(0, 3, (N, 2)), RNG.normal(0, 0.5, (N, 2))


def _agents(memory: Any = None) -> ph.LearningDynamics:
    """loss = A phi + B phi^2 / 2 of phi = sum exp(-s^2 / 2)."""
    kinds = ph.particles("r", dim=2, species=("x",))
    phi = kinds.environment("x", weight=lambda s: exp(-(s**2) / 2))
    return ph.LearningDynamics(kinds, {"x": A * phi + B * phi**2 / 2}, memory=memory)


def _pull(places: Floats) -> Floats:
    """-(A + B phi) grad phi at A = 1.2, B = 0.5."""
    steps = places[:, None] - places[None]
    weight = np.exp(-np.sum(steps**2, axis=-1) / 2) * (1 - np.eye(len(places)))
    slope = -np.einsum("ij,ijk->ik", weight, steps)
    return np.asarray(-(1.2 + 0.5 * weight.sum(axis=1))[:, None] * slope)


def test_agents_forget_as_their_equation_says() -> None:
    """Errors of order 2: half the step leaves a quarter; the equation shows the friction."""
    system = _agents(tau)
    particles = system.particles
    assert "tau" in str(system.equations[0])

    def rates(_: float, state: Floats) -> Floats:
        x, v = state.reshape(2, N, 2)
        return np.concatenate([v, _pull(x) / 2.0 - v / 0.7]).reshape(-1)

    truth = solve_ivp(rates, (0, 2), np.concatenate([PLACES, RATES]).reshape(-1), rtol=1e-11, atol=1e-12)
    expected = truth.y[:, -1].reshape(2, N, 2)
    errors = []
    for dt in (0.02, 0.01):
        start = {particles: PLACES, ph.dot(particles): RATES}
        given = {A: 1.2, B: 0.5, tau: 0.7, particles.mass: 2.0}
        run = system.compile().run(start, given, t_span=(0, 2), dt=dt, save_every=50, species=["x"] * N)
        errors.append(
            np.abs(run[particles][-1] - expected[0]).max() + np.abs(run[ph.dot(particles)][-1] - expected[1]).max()
        )
    assert errors[1] < 1e-4
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.05)


def test_memories_are_found_with_the_loss() -> None:
    """tau by Levenberg and Marquardt's method; its inverse is linear and is solved for at once."""
    places, rates = RNG.uniform(0, 3, (20, N, 2)), RNG.normal(0, 0.5, (20, N, 2))
    measured = np.array([_pull(x) for x in places]) / 2.0 - rates / 0.7
    for memory, value, method in ((tau, 0.7, "Levenberg-Marquardt"), (1 / gamma, 1 / 0.7, "least squares")):
        system = _agents(memory)
        particles = system.particles
        data = {particles: places, ph.dot(particles): rates, ph.ddot(particles): measured}
        fit = system.fit(data, parameters={particles.mass: 2.0}, species=["x"] * N)
        assert fit.method == method
        unknown = tau if memory is tau else gamma
        assert fit.parameters == pytest.approx({A: 1.2, B: 0.5, unknown: value}, rel=1e-8)
        del data[ph.dot(particles)]
        with pytest.raises(ph.InputError, match="agents that forget feel velocities"):
            system.fit(data, parameters={particles.mass: 2.0}, species=["x"] * N)


def test_clusters_far_apart_know_nothing_of_each_other() -> None:
    """Size consistency: what was learnt of five holds for two fives 40 apart, where exp(-40^2 / 2) is nothing."""
    system = _agents()
    particles = system.particles
    places = RNG.uniform(0, 3, (20, N, 2))
    data = {particles: places, ph.ddot(particles): np.array([_pull(x) for x in places])}
    fit = system.fit(data, parameters={particles.mass: 1.0}, species=["x"] * N)
    both = np.concatenate([places[:10], places[10:] + 40.0], axis=1)
    alone = np.array([_pull(x) for x in places])
    together = {particles: both, ph.ddot(particles): np.concatenate([alone[:10], alone[10:]], axis=1)}
    assert fit.relative_error(together, species=["x"] * 2 * N)["x"] < 1e-9


def test_pair_energies_of_clusters_far_apart_add_up() -> None:
    """Size consistency of a network: with a cutoff two clusters have the energy of each, to rounding."""
    V = ph.network("V", inputs=1, hidden=(6,), activation="tanh")
    kinetic = atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2)
    system = ph.Lagrangian(kinetic - atoms.pairs(lambda a, b: V(a.distance(b))))
    simulator = system.compile(cutoff=3.0, smoothing="switch")
    given = {V: V.initialise(seed=2), atoms.mass: 1.0}
    clusters = [PLACES, PLACES[::-1] * 0.8 + 40.0]
    energies = []
    for places in (*clusters, np.concatenate(clusters)):
        start = {atoms: places, ph.dot(atoms): np.zeros_like(places)}
        run = simulator.run(start, given, t_span=(0, 0.01), dt=0.01, save_every=1)
        energies.append(float(run.energy[0]))
    assert energies[2] == pytest.approx(energies[0] + energies[1], rel=1e-13)
