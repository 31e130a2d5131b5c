"""Ground states on grids against exact energies."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
from sympy import Abs, I, conjugate, exp

import symphys as ph
from tests.codegen.backends.stand_in import DeviceArray, StandIn
from tests.codegen.backends.test_cuda import needs_compiler

t, x, y = ph.spacetime("t x y")


def particle(potential: Any, *axes: Any) -> tuple[Any, ph.LagrangianDensity]:
    """i psi_t = -lap psi / 2 + V psi."""
    psi = ph.complex_field("psi", (t, *axes))
    bar = conjugate(psi)
    slopes = sum(bar.diff(a) * psi.diff(a) for a in axes)
    return psi, ph.LagrangianDensity(
        I / 2 * (bar * psi.diff(t) - psi * bar.diff(t)) - slopes / 2 - potential * bar * psi
    )


@pytest.mark.parametrize(
    ("potential", "interval", "exact", "error"),
    [
        (x**2 / 2, (-9, 9), 0.5, 1e-12),
        (x**2 / 2 + x**4, (-4, 4), 0.8037706512, 1e-9),
        (exp(-2 * x) - 2 * exp(-x) + 1, (-3, 20), 1 - (2 * sympy.sqrt(2) - 1) ** 2 / 8, 1e-11),
        (exp(Abs(x)), (-4.5, 4.5), 2.060040348642, 1e-4),  # a kink: waves converge with the second power of dx only
    ],
)
def test_energies_of_one_particle(potential: Any, interval: tuple[float, float], exact: Any, error: float) -> None:
    psi, theory = particle(potential, x)
    state = theory.ground_state(grid=ph.Grid({x: (*interval, 500)}, boundary="dirichlet"))
    assert state.ok
    assert abs(state.energy - float(exact)) < error
    assert abs(state.norm - 1) < 1e-12
    assert state.residual < 1e-8
    assert state.chemical_potential == pytest.approx(state.energy, abs=1e-10)
    assert state[psi].shape == (500,)


def test_the_state_of_an_anisotropic_well_can_be_read_between_the_points() -> None:
    psi, theory = particle(x**2 / 2 + 2 * y**2, x, y)
    state = theory.ground_state(grid=ph.Grid({x: (-7.0, 7.0, 64), y: (-5.0, 5.0, 64)}))
    assert state.energy == pytest.approx(1.5, abs=1e-11)
    points = {x: np.array([0.0, 0.3, 1.1]), y: np.array([0.1, 0.0, -0.4])}
    exact = (2 / np.pi**2) ** 0.25 * np.exp(-(points[x] ** 2) / 2 - points[y] ** 2)
    # cubic splines between points 0.2 apart
    np.testing.assert_allclose(state.wavefunction(points), exact, atol=1e-3)
    np.testing.assert_allclose(state.wavefunction(points, psi), exact, atol=1e-3)


def test_a_condensate_and_its_chemical_potential() -> None:
    """E = <p^2/2 + x^2/2> + g/2 <n>, mu = E + g/2 <n>: the virial theorem ties the parts in one dimension."""
    psi = ph.complex_field("psi", (t, x))
    g = ph.parameters("g", real=True)
    bar = conjugate(psi)
    theory = ph.LagrangianDensity(
        I / 2 * (bar * psi.diff(t) - psi * bar.diff(t))
        - bar.diff(x) * psi.diff(x) / 2
        - x**2 / 2 * bar * psi
        - g / 2 * (bar * psi) ** 2
    )
    grid = ph.Grid({x: (-12.0, 12.0, 256)})
    state = theory.ground_state(grid=grid, parameters={g: 10.0}, norm=2.0)
    density = np.abs(state[psi]) ** 2
    interaction = 5.0 * (density**2).sum() * grid.spacing[x]
    assert state.norm == pytest.approx(2.0, abs=1e-12)
    assert state.chemical_potential * 2.0 == pytest.approx(state.energy + interaction, abs=1e-9)
    trap = (grid.points[x] ** 2 / 2 * density).sum() * grid.spacing[x]
    kinetic = state.energy - trap - interaction
    assert 2 * kinetic - 2 * trap + interaction == pytest.approx(0.0, abs=1e-8)


@pytest.mark.everywhere
def test_a_kink_relaxes() -> None:
    """The energy of a static kink of (phi^2 - 1)^2 / 4 is 2 sqrt 2 / 3."""
    phi = ph.scalar_field("phi", (t, x))
    theory = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 - phi.diff(x) ** 2 / 2 - (phi**2 - 1) ** 2 / 4)
    grid = ph.Grid({x: (-10.0, 10.0, 401)}, boundary="neumann")
    state = theory.ground_state(grid=grid, initial={phi: np.clip(grid.points[x], -1, 1)})
    assert state.energy == pytest.approx(2 * np.sqrt(2) / 3, abs=1e-5)  # dx^4 of the differences
    np.testing.assert_allclose(state[phi], np.tanh(grid.points[x] / np.sqrt(2)), atol=1e-4)


def test_what_ground_states_refuse() -> None:
    psi, theory = particle(x**2 / 2, x)
    grid = ph.Grid({x: (-5.0, 5.0, 32)})
    with pytest.raises(ph.SymphysError, match=r"norm of psi.* is -1; give a positive number"):
        theory.ground_state(grid=grid, norm=-1)
    with pytest.raises(ph.SymphysError, match=r"the points lack the coordinate x"):
        theory.ground_state(grid=grid).wavefunction({y: [0.0]})
    assert not theory.ground_state(grid=grid, max_steps=2).ok
    del psi


@pytest.fixture(scope="module")
def rotating() -> tuple[Any, ph.LagrangianDensity, Any, Any]:
    """A condensate in a frame that rotates: the energy holds -Omega L_z."""
    psi = ph.complex_field("psi", (t, x, y))
    g, Omega = ph.parameters("g Omega", nonnegative=True)
    bar = conjugate(psi)
    turned = x * psi.diff(y) - y * psi.diff(x)
    slopes = bar.diff(x) * psi.diff(x) + bar.diff(y) * psi.diff(y)
    theory = ph.LagrangianDensity(
        I / 2 * (bar * psi.diff(t) - psi * bar.diff(t))
        - slopes / 2
        - (x**2 + y**2) / 2 * bar * psi
        - g / 2 * (bar * psi) ** 2
        - Omega * I / 2 * (bar * turned - psi * conjugate(turned))
    )
    return psi, theory, g, Omega


def test_a_rotating_condensate_takes_one_vortex(rotating: tuple[Any, ph.LagrangianDensity, Any, Any]) -> None:
    """A vortex that starts aside moves to the middle, where L_z = 1, so that dE/dOmega = -1."""
    psi, theory, g, Omega = rotating
    grid = ph.Grid({x: (-6.0, 6.0, 32), y: (-6.0, 6.0, 32)})
    X, Y = grid.mesh
    aside = (X - 0.6 + 1j * Y) * np.exp(-(X**2 + Y**2) / 4)
    energies = []
    for rate in (0.65, 0.7):
        state = theory.ground_state(grid, {g: 20.0, Omega: rate}, initial={psi: aside}, tolerance=1e-7)
        assert state.ok
        energies.append(state.energy)
    # |psi|^2 is 1e-5 at the sides of the box, which is not round
    assert (energies[0] - energies[1]) / 0.05 == pytest.approx(1.0, abs=1e-4)
    still = theory.ground_state(grid, {g: 20.0, Omega: 0.0}, tolerance=1e-7)
    assert energies[1] < still.energy


def test_a_tighter_tolerance_takes_more_steps(rotating: tuple[Any, ph.LagrangianDensity, Any, Any]) -> None:
    """The error of the energy goes with the square of the residual."""
    _, theory, g, Omega = rotating
    grid = ph.Grid({x: (-6.0, 6.0, 32), y: (-6.0, 6.0, 32)})
    rough, fine = (theory.ground_state(grid, {g: 20.0, Omega: 0.0}, tolerance=each) for each in (1e-3, 1e-9))
    assert rough.steps < fine.steps
    assert 1e-9 < rough.energy - fine.energy < 1e-4
    assert fine.residual < 1e-9 * 10
    with pytest.raises(ph.SymphysError, match=r"tolerance = 0 must be above 0"):
        theory.ground_state(grid, {g: 20.0, Omega: 0.0}, tolerance=0.0)


@needs_compiler
@pytest.mark.parametrize("boundary", ["periodic", "dirichlet", "neumann"])
def test_a_descent_on_a_device_brings_numbers_alone_to_the_host(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, boundary: str
) -> None:
    """Of arrays there comes the state at the end, and goes what the descent begins with; the energy is that of the CPU.

    Both descents stop where |dE/d psi - mu psi| is 1e-8 of |dE/d psi|, and the energy is off by the square of that.
    """
    psi, theory = particle(x**2 / 2 + y**4 / 4, x, y)
    grid = ph.Grid({x: (-5.0, 5.0, 24), y: (-4.0, 4.0, 20)}, boundary)
    expected = theory.ground_state(grid=grid, tolerance=1e-8)
    module = StandIn(folder=tmp_path)
    monkeypatch.setitem(sys.modules, "cupy", module)
    came: list[int] = []
    get = DeviceArray.get

    def noted(array: Any, out: Any = None) -> Any:
        came.append(array.size)
        return get(array, out)

    monkeypatch.setattr(DeviceArray, "get", noted)
    found = theory.ground_state(grid=grid, tolerance=1e-8, backend="cuda")
    assert found.steps > 5
    assert found.energy == pytest.approx(expected.energy, abs=1e-11)
    assert sum(size >= 18 * 22 for size in came) == 1
    assert type(found[psi]) is np.ndarray
    np.testing.assert_allclose(np.abs(found[psi]), np.abs(expected[psi]), atol=1e-6)
