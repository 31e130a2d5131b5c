"""Thermostats: the invariant of Nose-Hoover chains, temperatures of oscillators, noise that its seed determines."""

import math

import numpy as np
import pytest

import symphys as ph
from symphys.integrators.nose_hoover import chain_half_step

beads = ph.particles("x", dim=3)
k = ph.parameters("k", positive=True)
trap = ph.Lagrangian(beads.sum(lambda a: beads.mass(a) * a.speed_squared / 2 - k * a.position.dot(a.position) / 2))
bound = ph.Lagrangian(
    beads.sum(lambda a: beads.mass(a) * a.speed_squared / 2)
    - beads.pairs(lambda a, b: k * (a.distance(b) ** 2 - 1) ** 2 / 4)
)


def start(n: int) -> dict:
    rng = np.random.default_rng(5)
    return {beads: rng.normal(0, 1, (n, 3)), ph.dot(beads): rng.normal(0, 1, (n, 3))}


def test_the_chain_is_reversible_and_keeps_its_energy() -> None:
    """Half a step of length h and one of -h; with free particles f k_B T x and the kinetic energies add up to h^3."""
    heat, freedom, kT, masses = 7.0, 6.0, 0.9, [5.4, 0.9, 0.9]
    x, v = [0.1, -0.2, 0.3], [0.5, -0.7, 0.2]
    there = chain_half_step(heat, freedom, kT, masses, x, v, 0.1, math.exp)
    back = chain_half_step(
        heat * there.scale**2, freedom, kT, masses, there.positions, there.velocities, -0.1, math.exp
    )
    np.testing.assert_allclose(back.velocities, v, atol=1e-14)
    np.testing.assert_allclose(back.positions, x, atol=1e-14)
    assert there.scale * back.scale == pytest.approx(1.0, abs=1e-14)

    def energy(heat: float, x: tuple, v: tuple) -> float:
        chain = sum(q * w * w / 2 for q, w in zip(masses, v, strict=True))
        return heat / 2 + chain + kT * (freedom * x[0] + sum(x[1:]))

    errors = []
    for h in (0.02, 0.01):
        end = chain_half_step(heat, freedom, kT, masses, x, v, h, math.exp)
        errors.append(abs(energy(heat * end.scale**2, end.positions, end.velocities) - energy(heat, x, v)))
    assert errors[0] / errors[1] == pytest.approx(8, rel=0.3)


def test_the_invariant_of_a_chain_is_kept_to_second_order() -> None:
    drifts = []
    for dt in (0.02, 0.01):
        simulator = bound.compile(thermostat=ph.NoseHoover(temperature=0.5, relaxation=0.5))
        run = simulator.run(start(5), {beads.mass: 1.0, k: 1.0}, t_span=(0, 4), dt=dt, save_every=round(0.2 / dt))
        drifts.append(float(run.drift["invariant"]))
    assert set(run.drift) == {"invariant"}
    assert np.ptp(run.energy) > 1e-2
    assert drifts[0] / drifts[1] == pytest.approx(4, rel=0.4)


@pytest.mark.parametrize("thermostat", [ph.NoseHoover, ph.Langevin, ph.Berendsen])
def test_the_temperature_is_the_one_asked_for(thermostat: type) -> None:
    """200 oscillators, f = 600: the mean over T = 40 deviates by less than sqrt(2 / 600 / 10 samples) = 2 % a sigma."""
    bath = thermostat(temperature=0.7, relaxation=0.5)
    run = trap.compile(thermostat=bath).run(
        start(200), {beads.mass: 1.0, k: 1.0}, t_span=(0, 40), dt=0.05, save_every=20
    )
    assert run.temperature[20:].mean() == pytest.approx(0.7, rel=0.08)


def test_noise_depends_on_its_seed_alone() -> None:
    simulator = trap.compile(thermostat=ph.Langevin(temperature=1.0, relaxation=0.3))
    values = {beads.mass: 1.0, k: 1.0}
    begin = start(9)
    ends = [
        simulator.run(begin, values, t_span=(0, 1), dt=0.02, save_every=every, seed=seed, threads=threads)[beads][-1]
        for every, seed, threads in ((50, 1, 1), (7, 1, 2), (50, 2, 1))
    ]
    late = simulator.run(begin, values, t_span=(0, 1), dt=0.02, t_eval=[1.0], seed=1)[beads][-1]
    np.testing.assert_array_equal(ends[0], late)
    assert np.abs(ends[0] - ends[2]).max() > 0.1


def test_a_force_limit_holds_and_is_counted() -> None:
    run = trap.compile().run(
        {beads: np.array([[10.0, 0, 0], [0.5, 0, 0]]), ph.dot(beads): np.zeros((2, 3))},
        {beads.mass: 1.0, k: 1.0}, t_span=(0, 0.1), dt=0.01, force_limit=2.0,
    )  # fmt: skip
    assert run[ph.dot(beads)][1, 0, 0] == pytest.approx(-0.02, rel=1e-12)
    assert run.counts == {"force limit": 10}


def test_maxwell_boltzmann_has_its_temperature_and_no_drift() -> None:
    v = ph.maxwell_boltzmann(0.5, {"O": 16.0, "H": 1.0}, ["O", "H", "H"] * 2000, seed=3)
    m = np.array([16.0, 1.0, 1.0] * 2000)
    assert (m[:, None] * v**2).mean() == pytest.approx(0.5, rel=4 * math.sqrt(2 / 18000))
    assert np.abs((m[:, None] * v).sum(0)).max() < 1e-10


def test_units_are_those_of_ase() -> None:
    """ASE 3.23, `ase.units` with CODATA 2014, which differ from today's in the seventh digit."""
    assert ph.units.kB == pytest.approx(8.617330337217213e-05, rel=1e-6)
    assert ph.units.fs == pytest.approx(0.09822694788464063, rel=1e-6)
