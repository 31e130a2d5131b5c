"""Fits of fields through time: steps are a simulator's, slopes those of the steps, and what was planted is found."""

import numpy as np
import pytest
from sympy import Abs, I, conjugate

import symphys as ph
from symphys.learn import field_passage
from symphys.learn.field_system import FieldSystem
from symphys.learn.options import read_options
from symphys.learn.places import Place
from symphys.learn.unknowns import read_unknowns
from symphys.simulate.compiled import kernels_for
from symphys.simulate.lattice.choose import choose_field_method
from symphys.simulate.lattice.operators import Operators

t, x = ph.spacetime("t x")
phi = ph.scalar_field("phi", (t, x))
psi = ph.complex_field("psi", (t, x))
v = phi.diff(t)
c, m, gamma = ph.parameters("c m gamma", positive=True)
V = ph.external("V", (x,))
W = ph.external("W", (t, x))
U = ph.network("U", inputs=1, hidden=(4,))
f = ph.network("f", inputs=1, hidden=(4,))
rate = I / 2 * (conjugate(psi) * psi.diff(t) - psi * conjugate(psi).diff(t))
WAVE = ph.LagrangianDensity((v**2 - c**2 * phi.diff(x) ** 2) / 2 - m * phi**4 / 4)
LEARNT = ph.LagrangianDensity((v**2 - c * phi.diff(x) ** 2 - V * phi**2) / 2 - U(phi))
DAMPED = ph.LagrangianDensity((v**2 - c * phi.diff(x) ** 2) / 2 - U(phi), dissipation=gamma * v**2 / 2)
BEAM = ph.LagrangianDensity(rate - c * conjugate(psi).diff(x) * psi.diff(x) / 2 - V * Abs(psi) ** 2 - f(Abs(psi) ** 2))
LATTICE = ph.LagrangianDensity(v**2 / 2 + c * phi * ph.shift(phi, {x: 1}) * v - U(ph.shift(phi, {x: 1}) - phi))
DRIVEN = ph.LagrangianDensity((v**2 - c * phi.diff(x) ** 2) / 2 - phi**4 / 4 + W * phi)
RING = ph.Grid({x: (0, 10, 12)})
EVEN = ph.Grid({x: (0, 10, 16)})  # two runs fill the lanes without padding
WALLS = ph.Grid({x: (0, 10, 11)}, "dirichlet")


def drive(time, place):
    return np.cos(3 * time) * np.sin(0.2 * np.pi * place)


def objective(theory, grid, data, method="auto", order=None, dt=0.1, dtype="float64", given=None):
    layout = choose_field_method(theory.dynamics, grid, "auto", order).layout
    learnt = {V: ph.parameter_array("V", grid.shape)} if V in theory.given else {}
    place = Place(theory.dynamics, grid, Operators(layout, grid), learnt)
    system = FieldSystem(place, kernels_for("cpu", dtype))
    unknowns = read_unknowns(system.parameters, system.networks, None, {}, {c: 1.2}, {}, seed=3)
    return system.objective(data, unknowns, given or {}, read_options(method=method, dt=dt), False)


def smooth(grid, count, seed=0):
    rng = np.random.default_rng(seed)
    k = np.pi / 10 * (1 if grid is WALLS else 2)
    return sum(rng.normal(size=(count, 1)) * np.sin(j * k * grid.points[x]) for j in (1, 2)) / 2


def frames(theory, grid, field):
    """Two runs of three frames, at times of their own, with a gap; starts of rates are unknown."""
    values = np.array([smooth(grid, 3, seed) for seed in range(2)])
    if field is psi:
        values = values + 1j * np.array([smooth(grid, 3, seed) for seed in (2, 3)])
    values[1, 2, 4] = np.nan
    times = [[0.0, 0.25, 0.6], [0.0, 0.3, 0.5]]
    return ph.Trajectories(times, {field: values}, weights={field: [[1.0, 2.0, 1.0]]})


CASES = [
    (LEARNT, RING, phi, "auto", None),
    (LEARNT, WALLS, phi, "verlet", None),
    (LEARNT, WALLS, phi, "rk4", "spectral"),
    (DAMPED, RING, phi, "auto", 2),
    (BEAM, RING, psi, "auto", None),
    (BEAM, RING, psi, "dopri5", 4),
    (LATTICE, RING, phi, "auto", None),
]


@pytest.mark.parametrize(("theory", "grid", "field", "method", "order"), CASES)
def test_slopes_are_those_of_the_steps_taken(theory, grid, field, method, order):
    """Adjoint against tangents to rounding, and both against differences, which err by 1e-10 of the curvature."""
    loss = objective(theory, grid, frames(theory, grid, field), method, order)
    rng = np.random.default_rng(1)
    u = loss.begin(loss.unknowns.guess) + 0.1 * rng.normal(size=loss.size)
    value, found = loss.gradient(u)
    normal = loss.normal(u)
    assert value == pytest.approx(loss.loss(u), rel=1e-12)
    assert np.abs(2 * normal.slope - found).max() < 1e-11 * np.abs(found).max()
    for _ in range(3):
        along = rng.normal(size=loss.size)
        numeric = (loss.loss(u + 1e-5 * along) - loss.loss(u - 1e-5 * along)) / 2e-5
        assert numeric == pytest.approx(float(found @ along), rel=1e-7, abs=1e-8 * np.abs(found).max())


@pytest.mark.parametrize("method", ["verlet", "rk4"])
def test_what_is_given_may_change_in_time(method, monkeypatch):
    """A drive W(t, x) acts as in a simulator's run; slopes are those of the steps, whether states are kept or not."""
    loss = objective(DRIVEN, EVEN, frames(DRIVEN, EVEN, phi), method, 4, given={W: drive})
    u = loss.begin(loss.unknowns.guess)
    start = loss.starts(u)[:, 0].reshape(2, -1)
    simulator = DRIVEN.compile(EVEN, method, order=4)
    run = simulator.run({phi: start[0], v: start[1]}, {W: drive, c: 1.2}, (0, 0.25), dt=0.25 / 3)
    assert np.abs(run[phi][-1] - loss.states(u)[:16, 1, 0]).max() < 1e-13
    _, found = loss.gradient(u)
    assert np.abs(2 * loss.normal(u).slope - found).max() < 1e-11 * np.abs(found).max()
    along = np.random.default_rng(1).normal(size=loss.size)
    numeric = (loss.loss(u + 1e-5 * along) - loss.loss(u - 1e-5 * along)) / 2e-5
    assert numeric == pytest.approx(float(found @ along), rel=1e-7)
    monkeypatch.setattr(field_passage, "KEPT", 64)
    assert np.abs(loss.gradient(u)[1] - found).max() < 1e-13 * np.abs(found).max()


def test_rows_are_slopes_of_residuals_by_taylor_remainders():
    """|r(u + h d) - r(u)| falls as h, and as h^2 with h J d taken off."""
    loss = objective(LEARNT, RING, frames(LEARNT, RING, phi))
    u = loss.begin(loss.unknowns.guess)
    along = np.random.default_rng(2).normal(size=loss.size)
    r, rows = (np.concatenate(parts) for parts in zip(*loss.rows(u), strict=True))
    rest = []
    for h in (1e-2, 5e-3):
        moved = np.concatenate([part for part, _ in loss.rows(u + h * along)])
        rest.append(np.linalg.norm(moved - r - h * rows @ along))
    assert np.log2(rest[0] / rest[1]) == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(("theory", "grid", "field", "method", "order"), CASES[:6:2])
def test_the_states_of_a_fit_are_those_of_a_run(theory, grid, field, method, order):
    loss = objective(theory, grid, frames(theory, grid, field), method, order)
    u = loss.begin(loss.unknowns.guess)
    theta = loss.unknowns.by_key(loss.parameters_at(u))
    values = {V if str(key) == "V" else key: value for key, value in theta.items()}
    chosen = {"rk4": "rk4"}.get(method, "rk4" if theory is BEAM else "blanes_moan4")
    simulator = theory.compile(grid, chosen, order="spectral" if theory is BEAM else order)
    start = loss.starts(u)[:, 0].reshape(loss.passage.components, -1)
    state = {psi: start[0] + 1j * start[1]} if field is psi else {phi: start[0], v: start[1]}
    run = simulator.run(state, values, (0, 0.25), dt=0.25 / 3)  # no step is longer than 0.1
    states = loss.states(u)[:, 1, 0].reshape(loss.passage.components, -1)
    mine = states[0] + 1j * states[1] if field is psi else states[0]
    assert np.abs(run[field][-1] - mine).max() < 1e-13


def seen(values, times, dt=0.125):
    start = {phi: smooth(RING, 2), v: 0.3 * smooth(RING, 2, seed=5)}
    return WAVE.compile(RING).run(start, values, (0, times[-1]), dt=dt, t_eval=times), start


def test_parameters_and_starts_are_found_from_frames_of_the_field_alone():
    """Data and fit take the same steps, so that what was planted is found to rounding."""
    times = np.linspace(0, 2, 9)
    run, start = seen({c: 1.3, m: 0.7}, times)
    fit = WAVE.fit(ph.Trajectories(times, {phi: run[phi]}), grid=RING, guess={c: 1.0}, dt=0.125)
    assert fit.method == "Levenberg-Marquardt"
    assert fit.parameters[c] == pytest.approx(1.3, abs=1e-9)
    assert fit.parameters[m] == pytest.approx(0.7, abs=1e-9)
    assert fit.start[v].shape == (2, 12)
    assert np.abs(fit.start[v] - start[v]).max() < 1e-8


def test_steps_are_as_many_as_the_motion_needs():
    times = np.linspace(0, 0.5, 3)
    run, start = seen({c: 1.3, m: 0.7}, times, dt=1 / 64)
    data = ph.Trajectories(times, {phi: run[phi]}, start=start)
    fit = WAVE.fit(data, grid=RING, guess={c: 1.0}, optimizer="lbfgs")
    assert fit.parameters[c] == pytest.approx(1.3, abs=1e-4)
    assert fit.relative_error(data)[phi] < 1e-6


def test_noise_stays_within_the_uncertainties():
    times = np.linspace(0, 2, 9)
    run, start = seen({c: 1.3, m: 0.7}, times)
    noisy = run[phi] + np.random.default_rng(0).normal(0, 0.01, run[phi].shape)
    noisy[:, 3, 2:5] = np.nan
    fit = WAVE.fit(ph.Trajectories(times, {phi: noisy}, start=start), grid=RING, guess={c: 1.0}, dt=0.1)
    assert abs(fit.parameters[c] - 1.3) < 4 * fit.uncertainties[c]
    assert abs(fit.parameters[m] - 0.7) < 4 * fit.uncertainties[m]


def test_a_loss_may_be_an_expression_of_what_is_predicted():
    times = np.linspace(0, 1, 5)
    run, start = seen({c: 1.3, m: 0.7}, times)
    data = ph.Trajectories(times, {phi: run[phi]}, start=start)
    cubes = [ph.predicted(phi**3) - phi**3]
    assert WAVE.fit(data, grid=RING, dt=0.125, guess={c: 1.0}, loss=cubes).parameters[c] == pytest.approx(1.3, abs=1e-6)
    error = ph.predicted(phi) - phi
    soft = WAVE.fit(data, grid=RING, dt=0.125, guess={c: 1.2}, loss=(1e-4 + error**2) ** 0.5, optimizer="lbfgs")
    assert soft.parameters[c] == pytest.approx(1.3, abs=1e-3)


def test_a_potential_is_found_from_intensities_alone():
    """Of a complex field |psi|^2 is seen; it starts known, and V(x) on the grid is found."""
    beam = ph.LagrangianDensity(rate - conjugate(psi).diff(x) * psi.diff(x) / 2 - V * Abs(psi) ** 2)
    potential = np.cos(2 * np.pi * RING.points[x] / 10)
    start = {psi: 1 + 0.5 * smooth(RING, 3) + 0.5j * smooth(RING, 3, seed=1)}
    times = np.linspace(0, 1, 6)
    run = beam.compile(RING, "rk4", order="spectral").run(start, {V: potential}, (0, 1), dt=0.05, t_eval=times)
    data = ph.Trajectories(times, {Abs(psi) ** 2: np.abs(run[psi]) ** 2}, start=start)
    fit = beam.fit(data, grid=RING, dt=0.05, steps=60)
    found = fit.parameters[V] - fit.parameters[V].mean()  # a constant in V turns phases, which nobody saw
    assert np.abs(found - potential).max() < 1e-4


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_network_is_found_through_time(dtype):
    times = np.linspace(0, 1, 6)
    run, start = seen({c: 1.0, m: 1.0}, times, dt=0.1)
    theory = ph.LagrangianDensity((v**2 - phi.diff(x) ** 2) / 2 - U(phi))
    data = ph.Trajectories(times, {phi: run[phi], v: run[v]})
    fit = theory.fit(data, grid=RING, steps=12, dt=0.1, dtype=dtype)
    assert fit.relative_error(data)[phi] < 0.01
    moved = theory.compile(RING).run({phi: start[phi][0], v: start[v][0]}, fit.parameters, (0, 1), dt=0.02)
    assert np.abs(moved[phi][-1] - run[phi][0, -1]).max() < 0.02


def test_what_fits_through_time_refuse():
    data = frames(WAVE, RING, phi)
    with pytest.raises(ph.InputError, match=r"frames of shape \(12,\), but the grid has \(11,\)"):
        WAVE.fit(data, grid=WALLS)
    with pytest.raises(ph.InputError, match=r"have the shape \(5,\); give frames \[times, \*grid\]"):
        ph.Trajectories(np.arange(5), {phi: np.ones(5)})
    with pytest.raises(
        ph.MethodError, match="'verlet' splits off waves or friction, whose flows are not differentiated"
    ):
        BEAM.fit(frames(BEAM, RING, psi), grid=RING, method="verlet")
    with pytest.raises(ph.UnsupportedError, match="no absorbing layers, which x has"):
        WAVE.fit(data, grid=ph.Grid({x: (0, 10, 12)}, "absorbing"))
    with pytest.raises(ph.InputError, match=r"psi\(t, x\) has a start, but is no part of the state"):
        WAVE.fit(ph.Trajectories([0, 1], {phi: np.ones((2, 12))}, start={psi: np.ones(12)}), grid=RING)
    with pytest.raises(ph.InputError, match="weights belong to the trajectories"):
        WAVE.fit(data, grid=RING, weights={phi: 1.0})
