"""Densities site by site: neighbours on a lattice are varied where they stand, against the ring written out in full."""

import numpy as np
import pytest
from sympy import Abs, Eq, I, conjugate, cos

import symphys as ph
from tests.gpu import ALL

t, x, y = ph.spacetime("t x y")
phi = ph.scalar_field("phi", (t, x))
psi = ph.complex_field("psi", (t, x))
chi = ph.scalar_field("chi", (t, x, y))
v = phi.diff(t)
right, left = ph.shift(phi, {x: 1}), ph.shift(phi, {x: -1})
RING = ph.Grid({x: (0, 5, 5)})
ANY = v**2 * (1 + right**2) / 2 - cos(right - phi) - left * phi**3 / 4 + left * v * phi


def test_shifts_add_up_and_pass_through_derivatives_and_functions():
    assert ph.shift(right, {x: -1}) == phi
    assert ph.shift(right, {x: 2}) == ph.shift(phi, {x: 3})
    assert right.diff(t) == ph.shift(v, {x: 1})
    assert ph.shift(cos(phi) * v**2, {x: 1}) == cos(right) * right.diff(t) ** 2
    assert conjugate(right) == right
    assert conjugate(ph.shift(psi, {x: 1})).diff(t) == conjugate(ph.shift(psi.diff(t), {x: 1}))
    assert str(ph.shift(chi, {x: 1, y: -2})) == "shift(chi(t, x, y), {x: 1, y: -2})"
    theory = ph.LagrangianDensity(v**2 / 2 - (right - phi) ** 2 / 2)
    assert theory.equations[phi] == Eq(phi.diff(t, 2) + 2 * phi - left - right, 0, evaluate=False)


def test_the_equations_are_those_of_the_ring_written_out():
    """Every site a coordinate of its own; both sides are evaluated in double precision, so they differ by rounding."""
    theory = ph.LagrangianDensity(ANY)
    q = ph.coordinates("q0:5")
    sites = [
        ANY.xreplace({right: q[(i + 1) % 5], left: q[i - 1]}).xreplace({v: ph.dot(q[i])}).xreplace({phi: q[i]})
        for i in range(5)
    ]
    whole = ph.Lagrangian(sum(sites))
    rng = np.random.default_rng(4)
    values, rates = rng.uniform(-1, 1, (2, 7, 5))
    acceleration = theory.dynamics.jets.from_jet(theory.dynamics.rates[0])
    found = theory.evaluate(acceleration, {phi: values, v: rates}, {}, RING)
    state = dict(zip(q, values.T, strict=True)) | dict(zip(map(ph.dot, q), rates.T, strict=True))
    expected = np.transpose(whole.evaluate([ph.ddot(each) for each in q], state))
    assert np.abs(found - expected).max() < 1e-13
    energy = theory.evaluate(theory.hamiltonian_density, {phi: values, v: rates}, {}, RING).sum(axis=1)
    assert np.allclose(energy, whole.evaluate(whole.energy, state), atol=1e-13)


def test_runs_keep_the_energy_of_the_lattice():
    """rk4 loses O(dt^4 t) of it: halving the step, sixteen times less."""
    theory = ph.LagrangianDensity(ANY)
    start = {phi: 0.3 * np.sin(2 * np.pi * RING.points[x] / 5), v: 0.2}
    drifts = [theory.compile(RING).run(start, {}, (0, 4), dt=dt).drift["energy"] for dt in (0.1, 0.05)]
    assert drifts[1] < 1e-5
    assert 12 < drifts[0] / drifts[1] < 45  # a slope of 4, or of 5 where the leading error is periodic


@pytest.mark.parametrize("backend", ALL)
def test_neighbours_are_second_differences_on_every_backend_in_two_dimensions(backend):
    grid = ph.Grid({x: (0, 4, 8), y: (0, 6, 12)})
    bonds = sum((ph.shift(chi, {s: 1}) - chi) ** 2 / 0.25 for s in (x, y))
    lattice = ph.LagrangianDensity(chi.diff(t) ** 2 / 2 - bonds / 2 - chi**4 / 4)
    smooth = ph.LagrangianDensity(chi.diff(t) ** 2 / 2 - sum(d**2 for d in ph.gradient(chi)) / 2 - chi**4 / 4)
    start = {chi: np.random.default_rng(0).normal(size=grid.shape), chi.diff(t): 0.0}
    one, other = (
        theory.compile(grid, "verlet", order=2, backend=backend).run(start, {}, (0, 1), dt=0.05, save_every=20)
        for theory in (lattice, smooth)
    )
    assert np.abs(one[chi] - other[chi]).max() < 1e-12
    assert lattice.dynamics.structure.kind == "wave"


def test_a_charge_of_sites_is_kept():
    """The discrete nonlinear Schroedinger equation (Kevrekidis, Springer 2009, chapter 1)."""
    rate = I / 2 * (conjugate(psi) * psi.diff(t) - psi * conjugate(psi).diff(t))
    theory = ph.LagrangianDensity(rate - Abs(ph.shift(psi, {x: 1}) - psi) ** 2 + Abs(psi) ** 4 / 2)
    laws = {law.name: law for law in theory.dynamics.laws}
    assert set(laws) == {"energy", "charge"}
    assert laws["charge"].flux is None
    grid = ph.Grid({x: (0, 16, 16)})
    start = {psi: np.exp(0.3j * grid.points[x]) / np.cosh(grid.points[x] - 8)}
    run = theory.compile(grid).run(start, {}, (0, 2), dt=0.01)
    assert run.drift["charge"] < 1e-9
    assert run.drift["energy"] < 1e-8
    assert theory.conserved == ()


def test_what_shifts_refuse():
    W = ph.external("W", (x,))
    with pytest.raises(ph.InputError, match="2 holds no field, and has no neighbours"):
        ph.shift(2, {x: 1})
    with pytest.raises(ph.InputError, match=r"The shift along x is 0\.5; give a whole number of sites"):
        ph.shift(phi, {x: 0.5})
    with pytest.raises(ph.InputError, match=r"phi\(t, x\) cannot be shifted along t; its coordinates of space are x"):
        ph.shift(phi, {t: 1})
    with pytest.raises(ph.UnsupportedError, match=r"W\(x\) cannot be shifted; only fields"):
        ph.shift(phi * W, {x: 1})
    with pytest.raises(ph.UnsupportedError, match=r"x would be taken at a neighbouring site; .* external function"):
        ph.LagrangianDensity(v**2 / 2 - x**2 * right * phi).equations  # noqa: B018
    theory = ph.LagrangianDensity(v**2 / 2 - right * phi)
    with pytest.raises(ph.InputError, match="along x, whose boundary is 'neumann'; take boundary='periodic', a ring"):
        theory.compile(ph.Grid({x: (0, 5, 6)}, "neumann"))
    with pytest.raises(ph.UnsupportedError, match=r"tie the rates of phi\(t, x\) at neighbouring sites together"):
        ph.LagrangianDensity(v * right.diff(t)).compile(RING)
    with pytest.raises(
        ph.UnsupportedError, match="neighbouring sites along x, and a stress-energy tensor at each site"
    ):
        theory.stress_energy  # noqa: B018
    with pytest.raises(ph.UnsupportedError, match="a current at each site is not derived"):
        theory.noether(ph.FieldSymmetry({phi: 1}))
