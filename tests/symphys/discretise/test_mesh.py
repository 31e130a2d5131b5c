"""Splines and meshes of sums over all images: what they are, and whether they err as they say."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import BSpline

import symphys as ph
from symphys.discretise.mesh import CROWD, Mesh, allowed_error, charges_from, influence, mesh_error, mesh_of
from symphys.discretise.splines import cardinal_spline, spline_factors

TRICLINIC = np.array([[6.0, 0, 0], [1.6, 5.4, 0], [-1.2, 1.0, 6.6]])


@given(st.floats(0, 1), st.sampled_from([4, 5, 6, 10, 16]))
def test_splines_are_those_of_scipy(w: float, order: int) -> None:
    """SciPy sums up the same recursion for knots of any kind, so that both round alike."""
    reference = BSpline.basis_element(np.arange(order + 1), extrapolate=False)
    u = w + np.arange(order)
    values, slopes = cardinal_spline(w, order)
    np.testing.assert_allclose(values, np.nan_to_num(reference(u)), atol=1e-15)
    np.testing.assert_allclose(slopes, np.nan_to_num(reference.derivative()(u)), atol=1e-13)
    assert sum(values) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("order", [4, 10])
def test_factors_are_what_interpolated_waves_have_at_the_points(order: int) -> None:
    n = 24
    values = np.array(cardinal_spline(0.0, order)[0])
    for m in (0, 1, 7, 12):
        at_points = (values * np.exp(2j * np.pi * m * np.arange(order) / n)).sum()
        assert spline_factors(n, order)[m] == pytest.approx(abs(at_points) ** 2, rel=1e-12)


@pytest.mark.parametrize("counts", [(12, 12, 12), (15, 12, 20)])
def test_the_weights_of_waves_are_even(counts: tuple[int, int, int]) -> None:
    """Else a potential of real charges would not be real."""
    found = influence(TRICLINIC, Mesh(counts, 6), 1.2)
    back = found[np.ix_(*((-np.arange(n)) % n for n in counts))]
    np.testing.assert_array_equal(found, back)
    assert found[0, 0, 0, 0] == pytest.approx(-np.pi / (1.2**2 * np.linalg.det(TRICLINIC)))


def mesh_forces(x: np.ndarray, q: np.ndarray, box: np.ndarray, a: float, mesh: Mesh) -> np.ndarray:
    """Charge by charge and point by point."""
    counts, p = np.array(mesh.counts), mesh.order
    u = (x @ np.linalg.inv(box)) * counts
    cell = np.floor(u).astype(int)
    splines = [cardinal_spline((u - cell)[:, k], p) for k in range(3)]
    points = list(itertools.product(range(p), repeat=3))
    places = [tuple((cell[:, k] - g[k]) % counts[k] for k in range(3)) for g in points]
    charges = np.zeros(counts)
    for g, place in zip(points, places, strict=True):
        np.add.at(charges, place, q * math.prod(splines[k][0][g[k]] for k in range(3)))
    weights = influence(box, mesh, a)[..., 0]
    potential = np.fft.ifftn(weights * np.fft.fftn(charges)).real * counts.prod()
    slope = np.zeros_like(x)
    for g, place in zip(points, places, strict=True):
        for axis in range(3):
            parts = [splines[k][int(k == axis)][g[k]] for k in range(3)]
            slope[:, axis] += potential[place] * math.prod(parts) * counts[axis]
    return -q[:, None] * (slope @ np.linalg.inv(box).T)


@pytest.mark.parametrize("box", [np.diag([6.0, 5, 7]), TRICLINIC], ids=["orthorhombic", "triclinic"])
@pytest.mark.parametrize("accuracy", [1e-2, 1e-4, 1e-7])
def test_forces_err_as_estimated(box: np.ndarray, accuracy: float) -> None:
    """Against a finer mesh: few waves make most of the error, so that single draws find 0.90 to 1.12 times the estimate
    however many charges there are; four of them together are half as far from it."""
    n, cutoff, square = 300, 2.2, []
    how = ph.Ewald(accuracy=accuracy)
    a, mesh = how.split(cutoff), mesh_of(box, how, cutoff)
    fine = mesh_of(box, ph.Ewald(accuracy=1e-2 * accuracy, splitting=a, order=8), cutoff)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        x, q = rng.uniform(0, 1, (n, 3)) @ box, np.where(np.arange(n) % 2, 1.0, -1.0)
        square.append(((mesh_forces(x, q, box, a, mesh) - mesh_forces(x, q, box, a, fine)) ** 2).sum(1).mean())
    found = math.sqrt(np.mean(square)) / mesh_error(box, mesh, a, n / np.linalg.det(box))
    assert found == pytest.approx(1.0, abs=0.06)
    assert mesh_error(box, mesh, a, CROWD / cutoff**3) <= allowed_error(how, cutoff)


def test_a_mesh_grows_with_its_box_and_with_what_is_asked() -> None:
    box = np.eye(3) * 10
    small, large = (mesh_of(box * f, ph.Ewald(accuracy=1e-5, order=6), 2.5) for f in (1, 2))
    assert large.points == pytest.approx(8 * small.points, rel=0.3)
    assert mesh_of(box, ph.Ewald(accuracy=1e-6, order=6), 2.5).points > small.points
    assert all(n % 8 == 0 for n in (small.counts[2], large.counts[2]))
    given_mesh = mesh_of(box, ph.Ewald(accuracy=1e-5, mesh=(50, 51, 52)), 2.5)
    assert given_mesh.counts == (50, 51, 52)
    a = ph.Ewald(accuracy=1e-5).split(2.5)
    assert mesh_error(box, given_mesh, a, CROWD / 2.5**3) <= allowed_error(ph.Ewald(accuracy=1e-5), 2.5)
    coarse = mesh_of(box, ph.Ewald(accuracy=1e-9, mesh=(10, 10, 10)), 2.5)
    assert coarse.order <= 10


def test_few_waves_are_summed_one_by_one() -> None:
    mesh = Mesh((16, 16, 16), 6)
    assert charges_from(mesh, 100) == math.inf
    assert charges_from(mesh, 1000) > charges_from(mesh, 4000) > 0
