"""Liouville's equation: densities against closed forms, along trajectories and on the grid of a phase plane."""

import numpy as np
import pytest
import sympy
from sympy import cos, exp

import symphys as ph
from symphys.errors import InputError, MethodError, UnsupportedError

q, p = ph.canonical("q p")
x, y = ph.coordinates("x y")
m, k, c, f, w = ph.parameters("m k c f w", positive=True)
OSCILLATOR = ph.Hamiltonian(p**2 / (2 * m) + k * q**2 / 2, {q: p})
BLOB = exp(-8 * ((q - 1) ** 2 + p**2))
UNIT = {m: 1.0, k: 1.0}
AXIS = np.linspace(-3.0, 3.0, 41)
PLANE = dict(zip((q, p), np.meshgrid(AXIS, AXIS, indexing="ij"), strict=True))


def turned(t, Q=PLANE[q], P=PLANE[p]):
    """The blob of an oscillator of frequency 1: phase space turns like a clock."""
    a, b = Q * np.cos(t) - P * np.sin(t), P * np.cos(t) + Q * np.sin(t)
    return np.exp(-8 * ((a - 1) ** 2 + b**2))


def test_the_phase_plane_of_an_oscillator_turns():
    """Errors of 1e-10 in the state, times the steepest slope of the blob, which is below 3; forwards and backwards."""
    simulator = OSCILLATOR.compile()
    found = simulator.density(BLOB, PLANE, UNIT, [2.0, 0.0, -1.0], rtol=1e-10)
    assert found.shape == (41, 41, 3)
    for i, t in enumerate((2.0, 0.0, -1.0)):
        np.testing.assert_allclose(found[..., i], turned(t), atol=1e-8)
    later = simulator.density(BLOB, PLANE, UNIT, 5.0, t0=3.0, rtol=1e-10)
    np.testing.assert_allclose(later, turned(2.0), atol=1e-8)


def test_liouvilles_equation_as_derived_holds_for_what_is_carried():
    """d rho/dt of the carried density is `liouville` of it: central differences of 1e-4, by 1e-8 times d3 rho/dt3."""
    simulator, h = OSCILLATOR.compile(), 1e-4
    values = simulator.density(BLOB, PLANE, UNIT, [-h, h], rtol=1e-12)
    rate = OSCILLATOR.evaluate(OSCILLATOR.liouville(BLOB), PLANE, UNIT)
    np.testing.assert_allclose((values[..., 1] - values[..., 0]) / (2 * h), rate, atol=1e-4)


def test_friction_makes_densities_denser():
    """Volumes shrink by exp(-c t) and the number of points stays: trapezoid sums of a smooth bump, 1e-12."""
    rubbed = ph.Hamiltonian(p**2 / (2 * m) + k * q**2 / 2, {q: p}, dissipation={p: c})
    axis = np.linspace(-4.0, 4.0, 161)
    plane = dict(zip((q, p), np.meshgrid(axis, axis, indexing="ij"), strict=True))
    found = rubbed.compile().density(BLOB, plane, {**UNIT, c: 0.4}, [0.0, 1.0], rtol=1e-11)
    sums = found.sum(axis=(0, 1)) * 0.05**2
    np.testing.assert_allclose(sums, np.pi / 8, rtol=1e-9)
    squares = (found**2).sum(axis=(0, 1)) * 0.05**2  # d rho/dt = c rho along each trajectory
    assert squares[1] / squares[0] == pytest.approx(np.exp(0.4), rel=1e-9)


def test_velocities_are_no_canonical_variables():
    """L = x^2 x'^2 / 2 moves as X = x^2 / 2 does, freely: rho_(x, v) dx dv = rho_(X, V) dX dV, dX dV = x^2 dx dv."""
    v = ph.dot(x)
    system = ph.Lagrangian(x**2 * v**2 / 2)
    X, V = x**2 / 2, x * v
    rho = x**2 * exp(-4 * (X - 2) ** 2 - 4 * (V - sympy.Rational(1, 2)) ** 2)
    at = {x: np.linspace(1.5, 2.5, 5)[:, None], v: np.linspace(-0.1, 0.4, 4)[None, :]}
    found = system.compile().density(rho, at, {}, 0.7, rtol=1e-11)
    big, fast = at[x] ** 2 / 2, at[x] * at[v]
    expected = at[x] ** 2 * np.exp(-4 * (big - 0.7 * fast - 2) ** 2 - 4 * (fast - 0.5) ** 2)
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_driven_systems_and_functions_as_densities():
    """Non-autonomous: one run for each time. A force f cos wt on a free mass moves densities by its own motion."""
    v = ph.dot(x)
    driven = ph.Lagrangian(m * v**2 / 2, forces={x: f * cos(w * ph.t)})
    values, at = {m: 2.0, f: 1.0, w: 1.5}, {x: np.linspace(-1, 1, 5), v: np.linspace(0, 1, 5)}
    found = driven.compile().density(lambda s: np.exp(-(s[x] ** 2) - s[v] ** 2), at, values, [1.0, 2.0], rtol=1e-11)
    for i, t in enumerate((1.0, 2.0)):
        gain = np.sin(1.5 * t) / (1.5 * 2.0)
        before = at[v] - gain
        start = at[x] - before * t - (1 - np.cos(1.5 * t)) / (1.5**2 * 2.0)
        np.testing.assert_allclose(found[:, i], np.exp(-(start**2) - before**2), rtol=1e-8)


def test_four_dimensions():
    a, b, pa, pb = ph.canonical("a b p_a p_b")
    both = ph.Hamiltonian((pa**2 + pb**2 + a**2 + 4 * b**2) / 2, {a: pa, b: pb})
    at = {s: np.random.default_rng(0).normal(size=20) for s in (a, b, pa, pb)}
    found = both.compile().density(exp(-(a**2) - (b - 1) ** 2 - pb**2), at, {}, 1.3, rtol=1e-11)
    A = at[a] * np.cos(1.3) - at[pa] * np.sin(1.3)
    B = at[b] * np.cos(2.6) - at[pb] * np.sin(2.6) / 2
    PB = at[pb] * np.cos(2.6) + 2 * at[b] * np.sin(2.6)
    np.testing.assert_allclose(found, np.exp(-(A**2) - (B - 1) ** 2 - PB**2), rtol=1e-8)


@pytest.mark.parametrize(("method", "order"), [("verlet", 2), ("blanes_moan4", 4)])
def test_on_a_grid_the_order_is_that_of_the_splitting(method, order):
    """The blob is resolved to rounding: half a wave of the grid has exp(-k^2 / 32) = 1e-35 of it."""
    grid = ph.Grid({q: (-4, 4, 128), p: (-4, 4, 128)})
    simulator = OSCILLATOR.compile(method)
    errors = []
    for dt in (0.1, 0.05):
        run = simulator.evolve_density(BLOB, grid, UNIT, (0, 3), dt=dt, save_every=10)
        errors.append(np.abs(run.density[-1] - turned(3.0, *grid.mesh)).max())
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.1)
    assert run.drift["norm"] < 1e-13  # sums of 16384 numbers, sixty steps
    assert run.drift["square"] < 1e-11
    assert run.drift["entropy"] < 1e-8
    assert run.drift["energy"] < 10 * errors[1]
    assert run.t.tolist() == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5, 3])
    assert run.edge.max() < 1e-12


def test_grid_and_trajectories_agree_for_a_pendulum():
    """With h = 0.05 the splitting of order 4 errs by 1e-8 or so in the state; the blob's slope is below 3."""
    pendulum = ph.Hamiltonian(p**2 / 2 - cos(q), {q: p})
    grid = ph.Grid({q: (-np.pi, np.pi, 128), p: (-4, 4, 128)})
    blob = exp(-4 * (1 - cos(q - 1)) - 4 * p**2)
    run = pendulum.compile().evolve_density(blob, grid, {}, (0, 2), dt=0.05, save_every=40)
    along = pendulum.compile().density(blob, dict(zip((q, p), grid.mesh, strict=True)), {}, 2.0, rtol=1e-11)
    np.testing.assert_allclose(run.density[-1], along, atol=1e-6)


def test_a_grid_that_is_too_coarse_shows_in_the_entropy():
    pendulum = ph.Hamiltonian(p**2 / 2 - cos(q), {q: p})
    grid = ph.Grid({q: (-np.pi, np.pi, 32), p: (-4, 4, 32)})
    run = pendulum.compile().evolve_density(exp(-4 * q**2 - 4 * (p - 1) ** 2), grid, {}, (0, 30), dt=0.1)
    assert run.drift["norm"] < 1e-12
    assert run.drift["entropy"] > 1e-3


def test_forces_that_depend_on_time_move_the_whole_density():
    u = ph.input_signal("u")
    pushed = ph.Hamiltonian(p**2 / 2 - u * q, {q: p})
    grid = ph.Grid({q: (-6, 6, 96), p: (-6, 6, 96)})
    run = pushed.compile("yoshida4").evolve_density(
        exp(-2 * q**2 - 2 * p**2), grid, {u: lambda t: np.cos(2 * t)}, (0, 1), dt=0.02, save_every=50
    )
    Q, P = grid.mesh
    before = P - np.sin(2.0) / 2
    expected = np.exp(-2 * (Q - before - (1 - np.cos(2.0)) / 4) ** 2 - 2 * before**2)
    np.testing.assert_allclose(run.density[-1], expected, atol=1e-6)
    assert "energy" not in run.drift


GRID = ph.Grid({q: (-4, 4, 16), p: (-4, 4, 16)})


@pytest.mark.parametrize(
    ("system", "grid", "values", "error", "message"),
    [
        (ph.Lagrangian(ph.dot(x) ** 2 + ph.dot(y) ** 2), GRID, {}, UnsupportedError, "one on a plane, and this system"),
        (ph.Hamiltonian(p**2 * (1 + q**2), {q: p}), GRID, {}, MethodError, "need a system that is separable"),
        (OSCILLATOR, ph.Grid({q: (-4, 4, 16), x: (-4, 4, 16)}), UNIT, InputError, "must be the components q"),
        (OSCILLATOR, ph.Grid({q: (-4, 4, 16), p: (-4, 4, 16)}, "dirichlet"), UNIT, InputError, "periodic axes"),
        (OSCILLATOR, GRID, {m: 1.0}, InputError, "value missing for k"),
        (OSCILLATOR, GRID, {m: 1.0, k: [1.0, 2.0]}, InputError, "k is an array"),
    ],
)
def test_what_is_no_phase_plane_is_refused(system, grid, values, error, message):
    with pytest.raises(error, match=message):
        system.compile().evolve_density(BLOB, grid, values, (0, 1), dt=0.1)
