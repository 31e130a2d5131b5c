"""Error bars of correlated series, and the heat capacity of oscillators."""

import numpy as np
import pytest
from scipy.signal import lfilter

import symphys as ph
from symphys.measure import average, heat_capacity


def correlated_series(memory: float, count: int, seed: int) -> np.ndarray:
    """x_t = a x_{t-1} + noise, of unit variance, with tau = (1 + a) / (1 - a) / 2."""
    noise = np.random.default_rng(seed).normal(0, np.sqrt(1 - memory**2), count + 500)
    return lfilter([1.0], [1.0, -memory], noise)[500:]


@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_error_bars_are_as_wide_as_the_scatter(memory: float) -> None:
    """Of 200 series, the mean square of deviation by error is 1, with a spread of sqrt(2 / 200) = 0.1, and the errors
    themselves scatter by a tenth: four of both."""
    found = [average(correlated_series(memory, 4000, seed)) for seed in range(200)]
    pulls = np.array([each.value / each.error for each in found])
    assert abs((pulls**2).mean() - 1) < 0.5
    tau = (1 + memory) / (1 - memory) / 2
    assert np.mean([each.correlation for each in found]) == pytest.approx(tau, rel=0.1)


def test_the_heat_capacity_of_oscillators_is_half_of_their_squares() -> None:
    """f squares in the energy: E / k_B T is gamma distributed with shape f / 2, and C = f k_B / 2. The error of a
    variance over n independent samples is sqrt(m4 - m2^2) / sqrt(n), with m4 = 3 (f / 2)^2 + 3 f of a gamma."""
    kT, f, n = 0.025, 12, 20_000
    rng = np.random.default_rng(0)
    found = [heat_capacity(-7.0 + kT * rng.gamma(f / 2, size=n), kT) for _ in range(50)]
    pulls = np.array([(each.value - f / 2) / each.error for each in found])
    assert abs((pulls**2).mean() - 1) < 4 * np.sqrt(2 / 50)
    expected = np.sqrt(3 * (f / 2) ** 2 + 3 * f - (f / 2) ** 2) / np.sqrt(n)
    assert np.mean([each.error for each in found]) == pytest.approx(expected, rel=0.05)
    noisy = heat_capacity(kT * rng.gamma(f / 2, size=n) + rng.normal(0, 2 * kT, n), kT, noise=4 * kT**2)
    assert abs(noisy.value - f / 2) < 4 * noisy.error


def test_a_thermostatted_run_has_the_heat_capacity_of_its_springs() -> None:
    """n particles on springs of their own: 6 n squares in the total energy, C = 3 n k_B."""
    atoms = ph.particles("r", dim=3)
    k = ph.parameters("k", positive=True)
    n, kT = 8, 0.7
    wells = ph.Lagrangian(
        atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2 - k * sum(x**2 for x in a.position) / 2)
    )
    simulator = wells.compile(thermostat=ph.Langevin(temperature=kT, relaxation=1.0))
    start = {atoms: np.zeros((n, 3)), ph.dot(atoms): ph.maxwell_boltzmann(kT, np.ones(n))}
    run = simulator.run(start, {atoms.mass: 1.0, k: 1.0}, t_span=(0, 2000), dt=0.1, save_every=5, seed=1)
    found = heat_capacity(run.energy[100:], kT)
    assert abs(found.value - 3 * n) < 4 * found.error
    assert found.error < 2


def test_what_cannot_be_told_is_said() -> None:
    with pytest.raises(ph.InputError, match=r"a series of the shape \(3,\) was given"):
        average([1.0, 2.0, 3.0])
    with pytest.raises(ph.InputError, match=r"100 samples are correlated over .*, too long to tell an error"):
        average(np.arange(100.0))
    with pytest.raises(ph.InputError, match=r"the temperature -1 \(k_B T\) must be positive"):
        heat_capacity(np.arange(100.0), -1)
    assert str(ph.measure.Estimate(1.23456789, 0.0123, 0.5)) == "1.23457 +- 0.012"
    assert average(np.ones(10)).error == 0
