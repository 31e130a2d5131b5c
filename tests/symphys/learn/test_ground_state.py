"""Ground states within an ansatz of networks."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import I, conjugate, exp

import symphys as ph
from symphys.learn.quadrature import quadrature

t, x, y = ph.spacetime("t x y")
k = ph.parameters("k", positive=True)
psi = ph.complex_field("psi", (t, x))
bar = conjugate(psi)
well = ph.LagrangianDensity(
    I / 2 * (bar * psi.diff(t) - psi * bar.diff(t)) - bar.diff(x) * psi.diff(x) / 2 - k * x**2 / 2 * bar * psi
)


def test_a_network_finds_the_ground_state_from_above() -> None:
    N = ph.network("N", inputs=1, hidden=(6, 6))
    state = well.ground_state(
        ansatz={psi: N(x)}, domain={x: (-4, 4)}, parameters={k: 4.0}, max_steps=60, points=120, seed=1
    )
    assert 0 <= state.energy - 1.0 < 1e-4
    assert state.norm == pytest.approx(1.0, abs=1e-12)
    assert state.residual < 0.1
    assert (np.diff(np.minimum.accumulate(state.history)) <= 0).all()
    points = np.linspace(-2, 2, 9)
    found = state.wavefunction({x: points})
    exact = (2 / np.pi) ** 0.25 * np.exp(-(points**2))
    # an energy that is off by delta leaves 2 delta / (gap 2) of other states
    np.testing.assert_allclose(found * np.sign(found[4]), exact, atol=0.05)


def test_a_complex_ansatz_of_two_outputs() -> None:
    N = ph.network("N", inputs=1, outputs=2, hidden=(5,))
    state = well.ground_state(
        ansatz={psi: N(x)[0] + I * N(x)[1]}, domain={x: (-4, 4)}, parameters={k: 1.0}, max_steps=80, points=80
    )
    assert 0 <= state.energy - 0.5 < 5e-3
    assert np.iscomplexobj(state.wavefunction({x: [0.0]}))


def test_what_an_ansatz_refuses() -> None:
    N = ph.network("N", inputs=1, hidden=(4,))
    with pytest.raises(ph.SymphysError, match=r"give a grid, or an ansatz with its domain"):
        well.ground_state()
    with pytest.raises(ph.SymphysError, match=r"the domain lacks an interval for x"):
        well.ground_state(ansatz={psi: N(x)}, parameters={k: 1.0})
    with pytest.raises(ph.SymphysError, match=r"no value for the parameter k"):
        well.ground_state(ansatz={psi: N(x)}, domain={x: (-4, 4)})
    with pytest.raises(ph.SymphysError, match=r"holds no network; nothing in it can be varied"):
        well.ground_state(ansatz={psi: exp(-(x**2))}, domain={x: (-4, 4)}, parameters={k: 1.0})
    with pytest.raises(ph.SymphysError, match=r"the interval \(4.*\) of the domain must run upwards"):
        well.ground_state(ansatz={psi: N(x)}, domain={x: (4, -4)}, parameters={k: 1.0})


def test_the_quadrature_is_exact_on_polynomials_and_products() -> None:
    nodes, weights = quadrature([(-1.0, 3.0)], 16)
    assert weights @ nodes[0] ** 15 == pytest.approx((3.0**16 - 1) / 16, rel=1e-13)
    nodes, weights = quadrature([(0.0, 1.0), (0.0, 2.0)], 16)
    assert weights @ (nodes[0] ** 3 * nodes[1] ** 2) == pytest.approx(0.25 * 8 / 3, rel=1e-13)
