"""Field equations solved within an ansatz: by least squares where it is linear, by Gauss-Newton steps with networks."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from sympy import I, conjugate, cos, exp, pi, sin

import symphys as ph

t, x = ph.spacetime("t x")
psi = ph.complex_field("psi", (t, x))
phi = ph.scalar_field("phi", (t, x))
bar = conjugate(psi)
FREE = ph.LagrangianDensity(I / 2 * (bar * psi.diff(t) - psi * bar.diff(t)) - bar.diff(x) * psi.diff(x) / 2)
WAVE = ph.LagrangianDensity((phi.diff(t) ** 2 - phi.diff(x) ** 2) / 2)
c, omega = ph.parameters("c omega", positive=True)
BOX = {t: (0.0, 1.0), x: (0.0, np.pi)}


def test_plane_waves_satisfy_the_equation_by_construction_and_fit_the_start_to_rounding() -> None:
    k = np.arange(-3.0, 4.0)
    waves = ph.plane_waves("c", (t, x), np.column_stack([-(k**2) / 2, k]))
    start = exp(2 * I * x) / 2 + I * exp(-I * x) - 0.3
    solution = FREE.solve({psi: waves}, {t: (0, 1), x: (-np.pi, np.pi)}, {psi.subs(t, 0): start}, points=32)
    assert solution.method == "least squares"
    assert solution.ok
    times, places = np.meshgrid(np.linspace(0, 3, 7), np.linspace(-4, 4, 9), indexing="ij")
    exact = np.exp(2j * (places - times)) / 2 + 1j * np.exp(-1j * (places + times / 2)) - 0.3
    np.testing.assert_allclose(solution.evaluate(psi, {t: times, x: places}), exact, atol=1e-13)
    (amplitudes,) = solution.parameters.values()
    np.testing.assert_allclose(amplitudes[:7] - 1j * amplitudes[7:14], [0, 0, 1j, -0.3, 0, 0.5, 0], atol=1e-13)
    current = solution.evaluate(bar * psi.diff(x), {t: 0.0, x: 0.0})
    assert current == pytest.approx((0.2 - 1j) * (1j + 1), abs=1e-12)


def test_an_array_of_amplitudes_is_linear_and_an_equation_that_holds_as_it_stands_costs_nothing() -> None:
    a, b = ph.parameter_array("a", 3), ph.parameter_array("b", 3)
    modes = sum((a[j] * cos((j + 1) * t) + b[j] * sin((j + 1) * t)) * sin((j + 1) * x) for j in range(3))
    conditions = {phi.subs(t, 0): sin(2 * x), phi.diff(t).subs(t, 0): 3 * sin(3 * x)}
    solution = WAVE.solve({phi: modes}, BOX, conditions, points=24)
    np.testing.assert_allclose(solution.parameters[a], [0, 1, 0], atol=1e-13)
    np.testing.assert_allclose(solution.parameters[b], [0, 0, 1], atol=1e-13)
    assert solution.residuals[phi] == 0.0
    assert set(solution.residuals) == {phi, *conditions}


def test_an_unknown_number_is_found_with_the_field() -> None:
    """The frequency of a standing wave, in which the equation is not linear."""
    solution = WAVE.solve({phi: c * cos(omega * t) * sin(2 * x)}, BOX, {phi.subs(t, 0): 3 * sin(2 * x)}, points=16)
    assert solution.method == "Levenberg-Marquardt"
    assert solution.parameters[omega] == pytest.approx(2.0, abs=1e-9)
    assert solution.parameters[c] == pytest.approx(3.0, abs=1e-9)
    held = {phi: omega * cos(2 * t) * sin(2 * x)}
    with pytest.raises(ph.InputError, match=r"there is nothing to fit: every parameter is given"):
        WAVE.solve(held, BOX, {phi.subs(t, 0): 0}, {omega: 1.0}, points=8)


def test_a_network_solves_the_wave_equation_with_fixed_ends() -> None:
    N = ph.network("N", 2, hidden=(10,), activation="gaussian", input_shift=[0.5, 1.5], input_scale=[0.5, 1.5])
    conditions = {
        phi.subs(t, 0): sin(x),
        phi.diff(t).subs(t, 0): 0,
        phi.subs(x, 0): 0,
        phi.subs(x, pi) - phi.subs(x, 0): 0,
    }
    solution = WAVE.solve({phi: N(t, x)}, BOX, conditions, points=16, steps=60, weights={phi.subs(x, 0): 2.0})
    times, places = np.meshgrid(np.linspace(0, 1, 9), np.linspace(0, np.pi, 9), indexing="ij")
    found = solution.evaluate(phi, {t: times, x: places})
    # the error of a solution is that of its data, plus residuals over the time, each at most the root of the loss
    np.testing.assert_allclose(found, np.cos(times) * np.sin(places), atol=10 * np.sqrt(solution.loss))
    assert solution.loss < 1e-4
    assert (np.diff(np.minimum.accumulate(solution.history)) <= 0).all()


def test_what_solve_refuses() -> None:
    N = ph.network("N", 2, hidden=(3,))
    good = {phi.subs(t, 0): 0}
    V = ph.external("V", (x,))
    driven = ph.LagrangianDensity(WAVE.expression - V * phi**2)
    refused = [
        (lambda: WAVE.solve({}, BOX, good), r"ansatz missing for phi\(t, x\)"),
        (lambda: WAVE.solve({psi: N(t, x)}, BOX, good), r"psi\(t, x\) is no field of this system; it has phi\(t, x\)"),
        (lambda: WAVE.solve({phi: N(t, x)}, {x: (0, 1)}, good), r"the domain lacks an interval for t"),
        (lambda: WAVE.solve({phi: N(t, x)}, BOX, {x: 1}), r"the condition x holds no field"),
        (lambda: WAVE.solve({phi: N(t, x)}, BOX, {psi.subs(t, 0): 1}), r"psi\(0, x\) stands in .* nothing replaces it"),
        (lambda: driven.solve({phi: N(t, x)}, BOX, good), r"V\(x\) stands in .* as an expression in the coordinates"),
        (lambda: WAVE.solve({phi: N(t, x)}, BOX, good, weights={phi: 2}), r"phi\(t, x\) is no condition"),
        (lambda: WAVE.solve({phi: 0 * x}, BOX, good), r"nothing is left to be found"),
        (lambda: ph.plane_waves("c", (t, x), [1.0, 2.0]), r"the phases of c have the shape \(2,\); give \[waves, 2\]"),
    ]
    for call, message in refused:
        with pytest.raises(ph.SymphysError, match=message):
            call()
    solution = WAVE.solve({phi: c * sin(x - t)}, BOX, {phi.subs(t, 0): sin(x)}, points=8)
    with pytest.raises(ph.InputError, match=r"value missing for x; given: t"):
        solution.evaluate(phi, {t: 0.0})
    assert sympy.simplify(solution.parameters[c] - 1) == pytest.approx(0, abs=1e-12)
