"""Charged fields on links: what a change of gauge leaves alone, what is kept, and the continuum that they approach."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from sympy import I, conjugate, cos

import symphys as ph

t, x, y = ph.spacetime("t x y")
psi = ph.complex_field("psi", (t, x, y))
bar = conjugate(psi)
B = ph.parameters("B", real=True)
SITES, SIDE, CHARGE = 10, 5.0, 1.3
EPS = 2.0**-52
square = ph.Grid({x: (0.0, SIDE, SITES), y: (0.0, SIDE, SITES)})
matter = ph.LagrangianDensity(
    bar.diff(t) * psi.diff(t) - bar.diff(x) * psi.diff(x) - bar.diff(y) * psi.diff(y) - bar * psi / 4
)
carried = I / 2 * (bar * psi.diff(t) - psi * bar.diff(t))


def noise(seed: int, *, whole: bool = True) -> np.ndarray:
    rng = np.random.default_rng(seed)
    real, imaginary = rng.normal(size=(2, SITES, SITES))
    return real + 1j * imaginary if whole else real


@pytest.mark.everywhere
def test_a_magnetic_field_keeps_the_charge_to_rounding() -> None:
    theory = matter.minimal_coupling((0, -B * y, 0), charge=CHARGE, links=square.spacing)
    assert [law.name for law in theory.dynamics.laws] == ["energy", "charge"]
    one = 2 * np.pi / (CHARGE * SIDE * square.spacing[x])
    run = theory.compile(square, method="verlet").run(
        {psi: noise(0), psi.diff(t): noise(1)}, {B: [0.3, one]}, (0, 5), dt=0.05, save_every=10
    )
    assert run.drift["charge"].max() < 100 * 20 * EPS  # steps times the roundings of a step, all of one sign


def test_gauges_agree_and_gauss_is_kept_where_the_potential_moves() -> None:
    """Scalar electrodynamics in temporal gauge; every chi gives the same |psi|, electric field and Gauss's law."""
    a = ph.scalar_field("a_x a_y", (t, x, y))
    dx = square.spacing[x]
    (through,) = ph.plaquettes(a, square.spacing)
    compact = (1 - cos(CHARGE * through * dx**2)) / (CHARGE * dx**2) ** 2
    light = ph.LagrangianDensity(sum(part.diff(t) ** 2 for part in a) / 2 - compact)
    theory = matter.minimal_coupling((0, *a), charge=CHARGE, links=square.spacing) + light
    simulator = theory.compile(square, method="verlet")
    electric = [part.diff(t) for part in a]
    runs = []
    for chi in (np.zeros((SITES, SITES)), noise(9, whole=False)):
        turned = np.exp(1j * CHARGE * chi)
        start = {psi: noise(0) * turned, psi.diff(t): noise(1) * turned}
        for axis, (part, rate) in enumerate(zip(a, electric, strict=True)):
            start[part] = noise(2 + axis, whole=False) + (np.roll(chi, -1, axis) - chi) / dx
            start[rate] = noise(4 + axis, whole=False)
        runs.append(simulator.run(start, {}, (0, 1), dt=0.02, save_every=10))
    first, other = runs
    # 50 steps of a hundred roundings of numbers up to 20, amplified by a chaotic motion e-fold a few times
    allowed = 50 * 100 * 20 * EPS
    np.testing.assert_allclose(np.abs(other[psi]), np.abs(first[psi]), rtol=0, atol=allowed)
    for rate in electric:
        np.testing.assert_allclose(other[rate], first[rate], rtol=0, atol=allowed)
    divergence = sum((first[e] - np.roll(first[e], 1, 1 + axis)) / dx for axis, e in enumerate(electric))
    gauss = divergence - 2 * CHARGE * (first[psi].conj() * first[psi.diff(t)]).imag
    np.testing.assert_allclose(gauss, np.broadcast_to(gauss[0], gauss.shape), rtol=0, atol=allowed)
    assert first.drift["charge"] < 50 * 20 * EPS


@pytest.mark.parametrize("order", [1, 2])
def test_potentials_may_be_any_arrays(order: int) -> None:
    """Random A on every link, and another gauge of it: the same |psi| to rounding, and a charge that is kept."""
    a = ph.external("a_x a_y", (x, y))
    kinetic = carried if order == 1 else bar.diff(t) * psi.diff(t)
    theory = ph.LagrangianDensity(kinetic - bar.diff(x) * psi.diff(x) - bar.diff(y) * psi.diff(y))
    theory = theory.minimal_coupling((0, *a), charge=CHARGE, links=square.spacing)
    simulator = theory.compile(square, method="dop853" if order == 1 else "verlet")
    chi, dx = noise(9, whole=False), square.spacing[x]
    runs = []
    for phase in (0 * chi, chi):
        moved = [noise(2 + k, whole=False) + (np.roll(phase, -1, k) - phase) / dx for k in (0, 1)]
        turned = np.exp(1j * CHARGE * phase)
        start = {psi: noise(0) * turned, **({psi.diff(t): noise(1) * turned} if order == 2 else {})}
        given = dict(zip(a, moved, strict=True))
        runs.append(simulator.run(start, given, (0, 0.5), dt=0.005, save_every=20))
    np.testing.assert_allclose(np.abs(runs[1][psi]), np.abs(runs[0][psi]), rtol=0, atol=100 * 12 * 100 * EPS)
    assert runs[0].drift["charge"] < 100 * 12 * 20 * EPS


def test_the_lowest_landau_level_is_that_of_the_butterfly() -> None:
    """With a flux of 1 / 5 of a quantum through a square, energies are those of Harper's equation (Hofstadter 1976)."""
    ring = ph.Grid({x: (0.0, 10.0, 10), y: (0.0, 10.0, 10)})
    slopes = bar.diff(x) * psi.diff(x) + bar.diff(y) * psi.diff(y)
    theory = ph.LagrangianDensity(carried - slopes / 2).minimal_coupling((0, -B * y, 0), charge=1, links=ring.spacing)
    alpha = 2 * np.pi / 5
    hop = np.eye(10, k=1) + np.eye(10, k=-1) + np.eye(10, k=9) + np.eye(10, k=-9)
    harper = 2 * np.eye(10) - hop / 2 - np.diag(np.cos(alpha * np.arange(10)))  # at k_x = 0
    energies, states = np.linalg.eigh(harper)
    start = np.broadcast_to(states[:, 0], (10, 10))
    run = theory.compile(ring, method="dop853").run({psi: start}, {B: alpha}, (0, 4), dt=0.05, save_every=20)
    expected = start * np.exp(-1j * energies[0] * run.t)[:, None, None]
    # an order of 8 with E dt <= 0.2: (E dt)^9 / 9! a step; twelve stages of twenty roundings
    np.testing.assert_allclose(run[psi], expected, rtol=0, atol=80 * 12 * 20 * EPS)


def test_links_approach_the_continuum_at_second_order() -> None:
    """psi = exp(i k x) in a constant potential turns at E = (k - g A)^2 / 2; links err by (k - g A)^4 dx^2 / 24."""
    errors = []
    for sites in (16, 32):
        ring = ph.Grid({x: (0.0, 2 * np.pi, sites), y: (0.0, 1.0, 4)})
        slopes = bar.diff(x) * psi.diff(x) + bar.diff(y) * psi.diff(y)
        theory = ph.LagrangianDensity(carried - slopes / 2).minimal_coupling((0, B, 0), charge=1, links=ring.spacing)
        wave = np.exp(2j * ring.mesh[0])
        run = theory.compile(ring, method="rk4").run({psi: wave}, {B: 0.5}, (0, 1), dt=0.01, save_every=100)
        errors.append(np.abs(run[psi][-1] - wave * np.exp(-1j * 1.5**2 / 2)).max())
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.1)


def test_what_links_refuse() -> None:
    with pytest.raises(ph.InputError, match=r"links has the spacings of x, but space is x, y; give one for each"):
        matter.minimal_coupling((0, 0, 0), charge=1, links={x: 0.1})
    current = ph.LagrangianDensity(carried + I * (bar * psi.diff(x) - psi * bar.diff(x)))
    with pytest.raises(ph.UnsupportedError, match=r"slopes of charged fields that do not come in pairs"):
        current.minimal_coupling((0, 0, 0), charge=1, links=square.spacing)
    curved = ph.LagrangianDensity(carried - bar.diff(x, 2) * psi.diff(x, 2))
    with pytest.raises(ph.UnsupportedError, match=r"slopes of charged fields that do not come in pairs"):
        curved.minimal_coupling((0, 0, 0), charge=1, links=square.spacing)
    with pytest.raises(ph.UnsupportedError, match=r"x would be taken at a neighbouring site"):
        matter.minimal_coupling((0, sympy.sin(x), 0), charge=1, links=square.spacing).equations[psi]
    with pytest.raises(ph.InputError, match=r"one component for each of x, y, but it has 1"):
        ph.plaquettes((psi,), square.spacing)
