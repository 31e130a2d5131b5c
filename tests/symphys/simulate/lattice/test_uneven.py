"""Slopes with coefficients that vary: what is summed over sites before it is varied keeps its energy and its charge."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import I, conjugate

import symphys as ph
from tests.gpu import OTHERS

t, x, y = ph.spacetime("t x y")
s, z = ph.spacetime("s z")
u = ph.scalar_field("u", (t, x, y))
f = ph.scalar_field("f", (s, z))
psi = ph.complex_field("psi", (s, z))
c = ph.external("c", (x, y))
A = ph.external("A", (z,))
k, b = ph.parameters("k b", positive=True)
rate, slope = f.diff(s), f.diff(z)

ONE_DIMENSION = {
    "a coefficient of place": rate**2 / 2 - (1 + k * z**2) * slope**2 / 2,
    "a sigma model": (1 + k * f**2) * (rate**2 - slope**2) / 2,
    "a membrane": rate**2 / 2 - sympy.sqrt(1 + slope**2) - f**4 / 4,
    "a spring that hardens": rate**2 / 2 - slope**2 / 2 - k * slope**4 / 4,
}


@pytest.mark.parametrize(
    ("name", "boundary"), list(zip(ONE_DIMENSION, ("periodic", "neumann", "dirichlet", "dirichlet"), strict=True))
)
def test_the_energy_of_the_lattice_is_kept(name, boundary):
    theory = ph.LagrangianDensity(ONE_DIMENSION[name])
    grid = ph.Grid({z: (-1.0, 1.0, 40)}, boundary=boundary)
    points = grid.points[z]
    start = {f: 0.3 * np.exp(-20 * (points - 0.1) ** 2) * (1 - points**2), rate: 0.0}
    values = {k: 0.5} if k in theory.parameters else {}
    simulator = theory.compile(grid=grid)
    drifts = [float(simulator.run(start, values, (0, 1), dt=dt).drift["energy"]) for dt in (0.01, 0.0025)]
    # the error of a method of order 4 falls 256 times; what the lattice itself does not keep would stay
    assert drifts[1] < drifts[0] / 100 + 1e-13
    assert drifts[1] < 1e-8


@given(st.integers(0, 2**32 - 1), st.sampled_from(["periodic", "neumann", "dirichlet"]), st.sampled_from([2, 4, 6]))
@settings(max_examples=3)
def test_any_medium_in_two_dimensions(seed, boundary, order):
    rng = np.random.default_rng(seed)
    theory = ph.LagrangianDensity(u.diff(t) ** 2 / 2 - c**2 * (u.diff(x) ** 2 + u.diff(y) ** 2) / 2)
    grid = ph.Grid({x: (0, 1, 20), y: (0, 1, 24)}, boundary=boundary)
    start = {u: rng.normal(size=grid.shape), u.diff(t): 0.0}  # as rough as can be
    run = theory.compile(grid=grid, order=order).run(start, {c: rng.uniform(0.5, 2, grid.shape)}, (0, 0.2), dt=5e-4)
    assert run.drift["energy"] < 1e-7
    assert ("shift u" in run.drift) == (boundary != "dirichlet")
    assert run.drift.get("shift u", 0.0) < 1e-13


@pytest.mark.parametrize("order", [4, 6])
def test_the_order_is_that_of_the_differences(order):
    theory = ph.LagrangianDensity(rate**2 / 2 - A**2 * slope**2 / 2 - slope**4 / 8)
    found = []
    for number, how in ((32, order), (64, order), (64, "spectral")):
        grid = ph.Grid({z: (0, 2 * np.pi, number)})
        medium = 1 + 0.3 * np.cos(grid.points[z])
        start = {f: 0.3 * np.sin(grid.points[z]), rate: 0.0}
        run = theory.compile(grid=grid, order=how).run(start, {A: medium}, (0, 0.5), dt=0.002, save_every=250)
        found.append(run[f][-1][:: number // 32])
    coarse, fine = (np.abs(each - found[2]).max() for each in found[:2])
    assert np.log2(coarse / fine) > order - 0.5


@pytest.mark.parametrize("backend", OTHERS)
def test_axes_that_meet_in_one_term(backend):
    theory = ph.LagrangianDensity(u.diff(t) ** 2 / 2 - sympy.sqrt(1 + u.diff(x) ** 2 + u.diff(y) ** 2))
    grid = ph.Grid({x: (-1, 1, 14), y: (-1, 1, 16)}, boundary={x: "neumann", y: "periodic"})
    start = {u: np.exp(-8 * (grid.mesh[0] ** 2 + grid.mesh[1] ** 2)), u.diff(t): 0.0}
    runs = [theory.compile(grid=grid, backend=each).run(start, {}, (0, 0.02), dt=0.005) for each in ("cpu", backend)]
    for run in runs:
        assert run.drift["energy"] < 1e-8
    assert np.abs(runs[0][u] - runs[1][u]).max() < 1e-13


def test_a_charge_in_a_vector_potential_keeps_charge_and_energy():
    bar = conjugate(psi)
    moved, back = psi.diff(z) - I * A * psi, bar.diff(z) + I * A * bar
    theory = ph.LagrangianDensity(I / 2 * (bar * psi.diff(s) - psi * bar.diff(s)) - sympy.expand(back * moved) / 2)
    grid = ph.Grid({z: (0, 6, 48)})
    rng = np.random.default_rng(3)
    start = {psi: rng.normal(size=48) + 1j * rng.normal(size=48)}
    simulator = theory.compile(grid=grid, method="rk4")
    drifts = [simulator.run(start, {A: rng.normal(size=48)}, (0, 0.5), dt=dt).drift for dt in (2e-3, 5e-4)]
    for name in ("charge", "energy"):
        assert drifts[1][name] < drifts[0][name] / 500
        assert drifts[1][name] < 1e-5


def test_a_fit_takes_the_steps_of_the_simulator():
    theory = ph.LagrangianDensity(rate**2 / 2 - (b + k * z**2) * slope**2 / 2)
    grid = ph.Grid({z: (-1, 1, 32)}, boundary="neumann")
    start = np.exp(-9 * grid.points[z] ** 2)
    truth = theory.compile(grid=grid).run({f: start, rate: 0.0}, {k: 0.7, b: 1.2}, (0, 0.5), dt=0.01, save_every=5)
    data = ph.Trajectories(truth.t, {f: truth[f]}, start={rate: np.zeros_like(start)})
    found = theory.fit(data, grid=grid, guess={k: 1.0, b: 1.0}, dt=0.01)
    assert found.parameters[k] == pytest.approx(0.7, abs=1e-8)
    assert found.parameters[b] == pytest.approx(1.2, abs=1e-8)


def test_an_unknown_medium_is_found_by_the_same_differences():
    theory = ph.LagrangianDensity(rate**2 / 2 - A * slope**2 / 2)
    grid = ph.Grid({z: (0, 1, 24)}, boundary="dirichlet")
    medium = 1 + 0.5 * (grid.points[z] > 0.4)
    rng = np.random.default_rng(0)
    waves = [np.sin(n * np.pi * grid.points[z]) for n in (1, 2, 3, 5)]
    starts = np.array([rng.normal(size=4) @ waves for _ in range(4)])
    truth = theory.compile(grid=grid).run({f: starts, rate: 0.0}, {A: medium}, (0, 0.2), dt=0.01, save_every=4)
    data = ph.Trajectories(truth.t, {f: truth[f]}, start={rate: np.zeros_like(starts)})
    found = theory.fit(data, unknowns=[A], grid=grid, guess={A: np.ones(24)}, dt=0.01)
    assert np.abs(found.parameters[A][1:-1] - medium[1:-1]).max() < 1e-5


def test_explain_says_how_slopes_are_taken():
    grid = ph.Grid({z: (0, 1, 16)})
    said = "slopes whose coefficients vary are summed over sites before they are varied"
    assert said in ph.LagrangianDensity(rate**2 / 2 - A * slope**2 / 2).compile(grid=grid).explain()
    assert said not in ph.LagrangianDensity(rate**2 / 2 - k * slope**2 / 2 - f**4).compile(grid=grid).explain()


def test_a_charge_whose_density_vanishes_at_first_has_a_scale():
    p, q = ph.complex_field("p", (s, z)), ph.complex_field("q", (s, z))
    n = sum(conjugate(a) * a for a in (p, q))
    free = sum(I / 2 * (conjugate(a) * a.diff(s) - a * conjugate(a).diff(s)) - conjugate(a).diff(z) * a.diff(z) / 2
               for a in (p, q))  # fmt: skip
    grid = ph.Grid({z: (-10, 10, 64)})
    start = {p: 0.8 / np.cosh(grid.points[z]) + 0j, q: 0.6 / np.cosh(grid.points[z]) + 0j}  # in phase
    run = ph.LagrangianDensity(free + n**2 / 2).compile(grid=grid).run(start, {}, (0, 1), dt=0.01)
    assert max(float(d) for name, d in run.drift.items() if name.startswith("charge")) < 1e-12
