"""Expressions on grids: densities, fluxes and rates at all points, as derivatives of known fields give them."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import I, conjugate, exp, sin

import symphys as ph

t, x, y = ph.spacetime("t x y")
c, m, w, extra = ph.parameters("c m w extra", positive=True)
phi = ph.scalar_field("phi", (t, x, y))
psi = ph.complex_field("psi", (t, x, y))
V = ph.external("V", (x, y))
BAR = conjugate(psi)
WAVE = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 - c**2 * (phi.diff(x) ** 2 + phi.diff(y) ** 2) / 2 - m * phi**4 / 4)
MATTER = ph.LagrangianDensity(
    I / 2 * (BAR * psi.diff(t) - psi * BAR.diff(t)) - (BAR.diff(x) * psi.diff(x) + BAR.diff(y) * psi.diff(y)) / 2
    - V * BAR * psi
)  # fmt: skip
BOX = ph.Grid({x: (0.0, 2 * np.pi, 48), y: (0.0, 2 * np.pi, 40)})
X, Y = BOX.mesh


def test_derivatives_and_rates_of_a_real_field() -> None:
    """Differences of order 8 on 40 points a wave of number 2 err by (k dx)^8 / 630 < 2e-7 of k^n."""
    field, rate = np.sin(X) * np.cos(2 * Y), np.cos(X + Y)
    state, values = {phi: field, phi.diff(t): rate}, {c: 1.5, m: 0.3}

    def of(expression: object, **more: object) -> np.ndarray:
        return WAVE.evaluate(expression, state, values, BOX, order=8, **more)

    np.testing.assert_allclose(of(phi.diff(x)), np.cos(X) * np.cos(2 * Y), atol=1e-6)
    np.testing.assert_allclose(of(phi.diff(x, y, 2)), -4 * np.cos(X) * np.cos(2 * Y), atol=1e-5)
    np.testing.assert_allclose(of(phi.diff(t, x) * phi), -np.sin(X + Y) * field, atol=1e-6)
    # the second rate is what the equation says
    np.testing.assert_allclose(of(phi.diff(t, 2)), -(1.5**2) * 5 * field - 0.3 * field**3, atol=1e-5)
    np.testing.assert_allclose(of(x * sin(t) + phi, t=0.5), X * np.sin(0.5) + field, atol=1e-14)
    assert of(phi.diff(x)).dtype == np.float64
    energy = of(WAVE.hamiltonian_density)
    assert energy.shape == BOX.shape


def test_waves_differentiate_a_complex_field() -> None:
    field, potential = np.exp(1j * (2 * X - Y)) * (2 + np.cos(X)), X * (2 * np.pi - X)
    state, values = {psi: field}, {V: potential}
    slope = 2j * field - np.sin(X) * np.exp(1j * (2 * X - Y))
    made = MATTER.evaluate(psi.diff(x), state, values, BOX)
    assert made.dtype == np.complex128
    np.testing.assert_allclose(made, slope, atol=1e-12)
    flux = MATTER.evaluate(MATTER.gauge_current(1).flux[0], state, values, BOX)
    assert flux.dtype == np.float64
    np.testing.assert_allclose(flux, (field.conj() * slope).imag, atol=1e-11)
    curvature = -(4 + 1) * field - 2 * 2j * np.sin(X) * np.exp(1j * (2 * X - Y)) - np.cos(X) * np.exp(1j * (2 * X - Y))
    rate = MATTER.evaluate(psi.diff(t), state, {V: lambda a, b: a * (2 * np.pi - a) + 0 * b}, BOX)
    np.testing.assert_allclose(rate, 0.5j * curvature - 1j * potential * field, atol=1e-10)


def test_rows_of_a_result_are_evaluated_together() -> None:
    line = ph.Grid({x: (0.0, 1.0, 24), y: (0.0, 1.0, 20)})
    start = {phi: np.sin(2 * np.pi * line.mesh[0]), phi.diff(t): 0.0}
    run = WAVE.compile(line, backend="reference").run(start, {c: [1.0, 1.2], m: 0.0001}, t_span=(0, 0.1), dt=0.01)
    state = {phi: run[phi], phi.diff(t): run[phi.diff(t)]}
    values = {symbol: a[:, None] for symbol, a in run.parameters.items()}
    density = WAVE.evaluate(WAVE.hamiltonian_density * extra, state, {**values, extra: 1.0}, line, run.t)
    assert density.shape == (2, 11, 24, 20)
    # the slopes are squared here, and summed by parts in the run: both to order 4
    np.testing.assert_allclose((density * line.weights).sum((2, 3)), run.totals["energy"], rtol=1e-2)
    assert np.array_equal(WAVE.evaluate(phi.diff(t), state, {}, line), run[phi.diff(t)])


@pytest.mark.everywhere
def test_convolutions_are_evaluated() -> None:
    n = BAR * psi
    pair = ph.convolution(lambda dx, dy: exp(-(dx**2 + dy**2) / w), n, over=(x, y))
    hartree = ph.LagrangianDensity(MATTER.expression - n * pair / 2)
    made = hartree.evaluate(pair, {psi: np.ones(BOX.shape)}, {w: 0.2, V: 0.0}, BOX)
    np.testing.assert_allclose(made, np.pi * 0.2, rtol=1e-10)  # the integral of the kernel


@pytest.mark.parametrize("boundary", ["dirichlet", "absorbing"])
def test_ends_are_points_too(boundary: str) -> None:
    grid = ph.Grid({x: (0.0, np.pi, 33), y: (0.0, np.pi, 33)}, boundary=boundary)
    a, b = grid.mesh
    values = np.sin(a) * np.sin(b) if boundary == "dirichlet" else np.cos(a) * np.cos(b)
    made = MATTER.evaluate(BAR * psi + psi.diff(x, 2), {psi: values}, {V: 0.0}, grid)
    np.testing.assert_allclose(made, values**2 - values, atol=1e-10)


def test_what_is_missing_or_strange_is_named() -> None:
    ones = np.ones(BOX.shape)
    with pytest.raises(ph.InputError, match=r"the expression needs values of Derivative\(phi\(t, x, y\), t\)"):
        WAVE.evaluate(phi.diff(t), {phi: ones}, {}, BOX)
    with pytest.raises(ph.InputError, match="no value for the parameter c"):
        WAVE.evaluate(c * phi, {phi: ones}, {}, BOX)
    with pytest.raises(ph.InputError, match="extra is no part of this theory"):
        WAVE.evaluate(phi, {phi: ones}, {extra: 1.0}, BOX)
    with pytest.raises(ph.InputError, match="is no field of this density"):
        WAVE.evaluate(psi, {phi: ones}, {}, BOX)
    with pytest.raises(ph.InputError, match="grid is None; give a Grid"):
        WAVE.evaluate(phi, {phi: ones})
    with pytest.raises(ph.InputError, match=r"have shape \(3,\), but the grid has \(48, 40\)"):
        WAVE.evaluate(phi, {phi: np.ones(3)}, {}, BOX)
