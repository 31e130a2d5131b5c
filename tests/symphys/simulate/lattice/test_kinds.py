"""Theories of many kinds: convolutions, several components, higher derivatives, dissipation, gauge fields."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sympy import I, conjugate, exp

import symphys as ph

t, x, y = ph.spacetime("t x y")


def hartree() -> tuple[Any, ph.LagrangianDensity, Any]:
    psi = ph.complex_field("psi", (t, x))
    strength = ph.parameters("U", positive=True)
    bar = conjugate(psi)
    pair = ph.convolution(lambda d: strength * exp(-(d**2)), bar * psi, over=(x,))
    density = I / 2 * (bar * psi.diff(t) - psi * bar.diff(t)) - bar.diff(x) * psi.diff(x) / 2 - x**2 / 2 * bar * psi
    return psi, ph.LagrangianDensity(density - bar * psi * pair / 2), strength


@pytest.mark.parametrize(
    ("boundary", "method", "points"),
    [("periodic", "auto", 128), ("dirichlet", "auto", 129), ("periodic", "rk4", 128), ("neumann", "rk4", 129)],
)
def test_convolutions_by_program_and_by_host_agree(boundary: str, method: str, points: int) -> None:
    """Far from the ends all boundaries and methods must give one and the same motion."""
    psi, theory, strength = hartree()
    reference_grid = ph.Grid({x: (-12.0, 12.0, 128)})
    packet = lambda s: np.exp(-((s - 1.0) ** 2) / 2) + 0j  # noqa: E731
    start = packet(reference_grid.points[x])
    reference = theory.compile(grid=reference_grid, method="blanes_moan4")
    values = {strength: 0.7}
    exact = reference.run({psi: start}, values, t_span=(0, 1), dt=0.01, save_every=100)
    grid = ph.Grid({x: (-12.0, 12.0, points)}, boundary=boundary)
    order = {"rk4": 8}.get(method)
    simulator = theory.compile(grid=grid, method=method, order=order)
    run = simulator.run({psi: packet(grid.points[x])}, values, t_span=(0, 1), dt=0.002, save_every=500)
    found = np.abs(run[psi][-1][:128]) ** 2
    # Strang's error is dt^2 / 12; differences of order 8 at dx = 0.19
    np.testing.assert_allclose(found, np.abs(exact[psi][-1]) ** 2, atol=2e-5)
    assert run.drift["charge"] < (1e-11 if method == "auto" else 1e-6)
    assert run.drift["energy"] < 1e-5


@pytest.mark.everywhere
def test_two_components_that_turn_into_each_other() -> None:
    """With equal interactions the populations oscillate as cos(2 J t), whatever the interaction is."""
    a, b = ph.complex_field("a b", (t, x))
    coupling, g = ph.parameters("J g", positive=True)
    abar, bbar = conjugate(a), conjugate(b)
    time = sum(I / 2 * (conjugate(f) * f.diff(t) - f * conjugate(f).diff(t)) for f in (a, b))
    slopes = sum(conjugate(f).diff(x) * f.diff(x) / 2 for f in (a, b))
    total = abar * a + bbar * b
    theory = ph.LagrangianDensity(time - slopes - g / 2 * total**2 - coupling * (abar * b + bbar * a))
    grid = ph.Grid({x: (0.0, 4.0, 32)})
    simulator = theory.compile(grid=grid)
    assert "split" in simulator.explain()
    run = simulator.run(
        {a: np.exp(2j * np.pi * grid.points[x] / 4.0), b: 0.0}, {coupling: 0.8, g: 1.3}, t_span=(0, 2), dt=0.01
    )
    imbalance = (np.abs(run[a]) ** 2 - np.abs(run[b]) ** 2).mean(axis=1)
    np.testing.assert_allclose(imbalance, np.cos(1.6 * run.t), atol=1e-9)
    assert run.drift["charge"] < 1e-12


@pytest.mark.parametrize(("order", "points", "error"), [(8, 192, 2e-4), ("spectral", 96, 1e-4)])
def test_solitons_of_korteweg_and_de_vries_through_their_potential(order: Any, points: int, error: float) -> None:
    """u = phi_x obeys u_t + 6 u u_x + u_xxx = 0; u = c/2 sech^2(sqrt(c)/2 (x - c t)) moves unchanged.

    Its tails reach the ends of the grid, where it is 5e-5.
    """
    phi = ph.scalar_field("phi", (t, x))
    theory = ph.LagrangianDensity(phi.diff(t) * phi.diff(x) / 2 + phi.diff(x) ** 3 - phi.diff(x, 2) ** 2 / 2)
    grid = ph.Grid({x: (-12.0, 12.0, points)})
    soliton = lambda s: 0.75 / np.cosh(np.sqrt(1.5) / 2 * s) ** 2  # noqa: E731
    simulator = theory.compile(grid=grid, order=order)
    (unknown,) = theory.dynamics.unknowns
    run = simulator.run({unknown.label: soliton(grid.points[x])}, {}, t_span=(0, 2), dt=5e-4, save_every=2000)
    np.testing.assert_allclose(run[unknown.label][-1], soliton(grid.points[x] - 3.0), atol=error)


def test_a_beam_bends() -> None:
    """phi_tt = -phi_xxxx: a wave of k turns with k^2."""
    phi = ph.scalar_field("phi", (t, x))
    theory = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 - phi.diff(x, 2) ** 2 / 2)
    grid = ph.Grid({x: (0.0, 2 * np.pi, 48)})
    run = theory.compile(grid=grid, order=6).run(
        {phi: np.cos(2 * grid.points[x]), phi.diff(t): 0.0}, {}, t_span=(0, 1), dt=0.002, save_every=250
    )
    np.testing.assert_allclose(run[phi][-1], np.cos(2 * grid.points[x]) * np.cos(4.0), atol=1e-4)


def test_the_complex_ginzburg_landau_equation_saturates() -> None:
    """psi_t = psi + (1 + i a) psi_xx - |psi|^2 psi from a gradient flow and a Hamiltonian part: |psi| -> 1."""
    psi = ph.complex_field("psi", (t, x))
    bar = conjugate(psi)
    lag = (
        I / 2 * (bar * psi.diff(t) - psi * bar.diff(t))
        - bar.diff(x) * psi.diff(x) / 2
        + bar * psi
        - (bar * psi) ** 2 / 2
    )
    theory = ph.LagrangianDensity(lag, dissipation=bar.diff(t) * psi.diff(t) / 2)
    grid = ph.Grid({x: (0.0, 10.0, 64)})
    start = 0.1 * (1 + 0.2 * np.cos(2 * np.pi * grid.points[x] / 10)) + 0j
    simulator = theory.compile(grid=grid)
    assert "rk4" in simulator.explain()
    run = simulator.run({psi: start}, {}, t_span=(0, 30), dt=0.002, save_every=5000)
    np.testing.assert_allclose(np.abs(run[psi][-1]), 1.0, atol=1e-3)


@pytest.mark.everywhere
def test_a_complex_klein_gordon_field_keeps_its_charge() -> None:
    phi = ph.complex_field("phi", (t, x, y))
    bar = conjugate(phi)
    theory = ph.LagrangianDensity(
        bar.diff(t) * phi.diff(t) - bar.diff(x) * phi.diff(x) - bar.diff(y) * phi.diff(y) - bar * phi
    )
    grid = ph.Grid({x: (0.0, 6.0, 32), y: (0.0, 6.0, 24)})
    rng = np.random.default_rng(1)
    k = 2 * np.pi / 6.0
    shape = np.exp(1j * k * grid.mesh[0]) + 0.3 * np.exp(-2j * k * grid.mesh[1]) * rng.uniform(0.9, 1.1)
    start = {phi: shape, phi.diff(t): -1j * shape}
    run = theory.compile(grid=grid).run(start, {}, t_span=(0, 3), dt=0.02, save_every=50)
    assert run.drift["charge"] < 1e-12
    assert run.drift["energy"] < 1e-6
    # differences of order 4 err by (k dx)^4 / 30 of currents of order k, k dx = 0.5
    assert run.continuity_residual().max() < 0.02
    assert run.continuity_residual("energy").shape == run.t.shape


def test_what_compiling_and_running_refuse() -> None:
    phi = ph.scalar_field("phi", (t, x))
    theory = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 - phi.diff(x) ** 2 / 2)
    grid = ph.Grid({x: (0.0, 1.0, 16)})
    start = {phi: np.zeros(16), phi.diff(t): 0.0}
    with pytest.raises(ph.SymphysError, match=r"grid has the axes y, but the fields live on x"):
        theory.compile(grid=ph.Grid({y: (0.0, 1.0, 16)}))
    with pytest.raises(ph.SymphysError, match=r"order = 3; finite differences have an even order"):
        theory.compile(grid=grid, order=3)
    with pytest.raises(ph.SymphysError, match=r"method 'taylor' does not integrate fields"):
        theory.compile(grid=grid, method="taylor")
    with pytest.raises(ph.SymphysError, match=r"grid is 3; give a Grid"):
        theory.compile(grid=3)
    simulator = theory.compile(grid=grid)
    with pytest.raises(ph.SymphysError, match=r"fields are integrated with a fixed step; give dt"):
        simulator.run(start, {}, t_span=(0, 1))
    with pytest.raises(ph.SymphysError, match=r"no initial values for .*phi.*; the state is"):
        simulator.run({phi: 0.0}, {}, t_span=(0, 1), dt=0.1)
    with pytest.raises(ph.SymphysError, match=r"shape \(15,\), but the grid has \(16,\)"):
        simulator.run({**start, phi: np.zeros(15)}, {}, t_span=(0, 1), dt=0.1)
    with pytest.raises(ph.SymphysError, match=r"is a real field, and its initial values are complex"):
        simulator.run({**start, phi: 1j * np.zeros(16)}, {}, t_span=(0, 1), dt=0.1)
    with pytest.raises(ph.SymphysError, match=r"are not finite"):
        simulator.run({**start, phi: np.full(16, np.nan)}, {}, t_span=(0, 1), dt=0.1)
    with pytest.raises(ph.SymphysError, match=r"GiB; give save_every"):
        simulator.run(start, {}, t_span=(0, 1e6), dt=1e-4)
    with pytest.raises(ph.SymphysError, match=r"Grid.*upwards|must run upwards"):
        ph.Grid({x: (1.0, 0.0, 16)})
    with pytest.raises(ph.SymphysError, match=r"boundary of x is 'open'; choose one of periodic"):
        ph.Grid({x: (0.0, 1.0, 16)}, boundary="open")
