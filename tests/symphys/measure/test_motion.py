"""Motion against what is known: free flight, random walks, harmonic oscillators."""

import numpy as np
import pytest

import symphys as ph
from symphys.data import Frames
from symphys.measure import (
    diffusion,
    mean_square_displacement,
    unwrap,
    velocity_autocorrelation,
    vibrational_spectrum,
)


def walk(count: int, n: int, dim: int = 3, seed: int = 0, step: float = 0.3) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, step, (count, n, dim)).cumsum(axis=0)


def plain(places: np.ndarray, **more) -> Frames:
    return Frames(places, ("X",) * places.shape[1], times=0.5 * np.arange(len(places)), **more)


def test_free_flight_is_quadratic() -> None:
    v = np.random.default_rng(0).normal(0, 1, (5, 3))
    found = mean_square_displacement(plain(0.5 * np.arange(40)[:, None, None] * v))
    np.testing.assert_allclose(found.value, (v**2).sum(axis=1).mean() * found.lag**2, rtol=1e-11, atol=1e-10)


def test_the_fast_sum_is_the_plain_one() -> None:
    """Squares of up to 100 are added and subtracted: 40 roundings of 1e-14 each."""
    places = walk(41, 3)
    found = mean_square_displacement(plain(places), lags=41)
    for lag in range(41):
        moved = places[lag:] - places[: 41 - lag]
        assert found.value[lag] == pytest.approx((moved**2).sum(axis=2).mean(), abs=4e-13)
    relative = mean_square_displacement(plain(places), relative=True)
    centred = mean_square_displacement(plain(places - places.mean(axis=1, keepdims=True)))
    np.testing.assert_allclose(relative.value, centred.value, atol=1e-12)


def test_particles_that_leave_the_box_are_followed() -> None:
    box = np.array([[4.0, 0, 0], [1, 4, 0], [-1, 0.5, 4]])
    places = walk(200, 6)
    parts = places @ np.linalg.inv(box)
    folded = plain((parts - np.floor(parts)) @ box, box=np.tile(box, (200, 1, 1)))
    followed = unwrap(folded).positions
    np.testing.assert_allclose(followed - followed[0], places - places[0], atol=1e-12)


@pytest.mark.parametrize("dim", [1, 3])
def test_a_random_walk_diffuses_and_the_error_bar_holds(dim: int) -> None:
    """D = s^2 / (2 dt). Of 30 walks the deviations by their errors of five blocks follow Student's t of 4 degrees,
    whose variance is 2; that of the mean square of 30 is wide, so bounds are a third and three times that."""
    exact = 0.3**2 / (2 * 0.5)
    found = [diffusion(plain(walk(400, 10, dim, seed)), (1, 5)) for seed in range(30)]
    pulls = np.array([(each.value - exact) / each.error for each in found])
    assert 2 / 3 < (pulls**2).mean() < 6
    values = np.array([each.value for each in found])
    assert abs(values.mean() - exact) < 4 * values.std() / np.sqrt(30)


def oscillators(omegas, phases, count: int = 400, step: float = 0.05) -> Frames:
    """Unit amplitude of velocity along one axis."""
    t = step * np.arange(count)
    v = np.cos(np.multiply.outer(t, omegas) + phases)[:, :, None]
    return Frames(np.zeros_like(v), ("A", "B")[: len(omegas)], times=t, velocities=v)


def test_oscillators_in_quadrature_correlate_as_a_cosine() -> None:
    frames = oscillators([3.0, 3.0], [0.0, np.pi / 2])
    found = velocity_autocorrelation(frames)
    np.testing.assert_allclose(found.value, np.cos(3.0 * found.lag) / 2, atol=1e-13)
    np.testing.assert_allclose(found.normalised, np.cos(3.0 * found.lag), atol=2e-13)


def test_the_spectrum_has_its_lines_by_mass() -> None:
    """Velocities of equal amplitude weigh by their masses; Hann's window is two bins wide to each side."""
    slow, fast = 2 * np.pi * 1.0, 2 * np.pi * 4.0
    frames = oscillators([slow, fast], [0.3, 1.1], count=4000)
    found = vibrational_spectrum(frames, masses={"A": 3.0, "B": 1.0}, resolution=0.1)
    width = found.frequency[1]
    assert np.trapezoid(found.density, found.frequency) == pytest.approx(1, rel=1e-12)
    lines = [found.density[abs(found.frequency - nu) < 3.5 * width].sum() * width for nu in (1.0, 4.0)]
    # what Hann's window lets through beyond its main lobe is below a part in a thousand
    np.testing.assert_allclose(lines, [0.75, 0.25], atol=1e-3)
    alone = vibrational_spectrum(frames, species="B", resolution=0.1)
    assert alone.frequency[alone.density.argmax()] == pytest.approx(4.0, abs=width)


def test_a_run_of_springs_vibrates_at_its_frequency() -> None:
    """Two masses on a spring: omega^2 = 2 k / m; the spectrum of a run, in waves per centimetre."""
    atoms = ph.particles("r", dim=3)
    k = ph.parameters("k", positive=True)
    molecule = ph.Lagrangian(
        atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2)
        - atoms.pairs(lambda a, b: k * (a.distance(b) - 1) ** 2 / 2)
    )
    places = np.array([[0.0, 0, 0], [1.02, 0, 0]])
    run = molecule.compile().run({atoms: places, ph.dot(atoms): 0 * places}, {atoms.mass: 16.0, k: 50.0},
                                 t_span=(0, 40), dt=0.01, save_every=2)  # fmt: skip
    found = vibrational_spectrum(run.frames(), resolution=0.05)
    peak = found.frequency[found.density.argmax()]
    assert peak == pytest.approx(np.sqrt(2 * 50.0 / 16.0) / (2 * np.pi), abs=0.05)
    # one angstrom sqrt(u / eV) is 10.18 fs, a wave number of 1/cm a period of 33356 fs
    assert 1 / ph.units.per_cm / ph.units.fs == pytest.approx(33356.4, rel=1e-5)


def test_what_cannot_be_measured_is_said() -> None:
    frames = plain(walk(20, 2))
    with pytest.raises(ph.InputError, match="these frames have no box, so there is nothing to unwrap"):
        unwrap(frames)
    boxes = np.eye(3) * np.linspace(4, 5, 20)[:, None, None]
    with pytest.raises(ph.UnsupportedError, match="the box changes from frame to frame"):
        unwrap(plain(walk(20, 2), box=boxes))
    with pytest.raises(ph.InputError, match="these frames hold no velocities"):
        velocity_autocorrelation(frames)
    with pytest.raises(ph.InputError, match="these frames hold no times"):
        mean_square_displacement(Frames(frames.positions, frames.species))
    with pytest.raises(ph.InputError, match=r"not evenly spaced: steps go from 0\.5 to 1"):
        mean_square_displacement(frames[[0, 1, 3]])
    with pytest.raises(ph.InputError, match=r"lags = 30; 20 frames have 1 to 20"):
        mean_square_displacement(frames, lags=30)
    with pytest.raises(ph.InputError, match=r"the window \(1, 9\) does not fit into 5 blocks of 4 frames"):
        diffusion(frames, (1, 9))
    with pytest.raises(ph.InputError, match=r"a resolution of 0\.001 takes segments of 2000 frames, and there are 20"):
        vibrational_spectrum(plain(walk(20, 2), velocities=walk(20, 2)), resolution=0.001)
