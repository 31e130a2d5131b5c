"""What is unknown in densities, found from rates on a grid: parameters, networks and functions of place."""

import numpy as np
import pytest
from sympy import Abs, I, conjugate, cos

import symphys as ph
from symphys.learn.field_system import FieldSystem
from symphys.learn.options import read_options
from symphys.learn.places import Place
from symphys.learn.unknowns import read_unknowns
from symphys.simulate.compiled import kernels_for
from symphys.simulate.lattice.choose import choose_field_method
from symphys.simulate.lattice.operators import Operators

t, x, y = ph.spacetime("t x y")
phi = ph.scalar_field("phi", (t, x))
psi = ph.complex_field("psi", (t, x))
c, m, g = ph.parameters("c m g", positive=True)
V = ph.external("V", (x,))
f = ph.network("f", inputs=1, hidden=(5,))
rate = I / 2 * (conjugate(psi) * psi.diff(t) - psi * conjugate(psi).diff(t))
slope2 = conjugate(psi).diff(x) * psi.diff(x)
PHI4 = ph.LagrangianDensity((phi.diff(t) ** 2 - c**2 * phi.diff(x) ** 2) / 2 - m * phi**4 / 4)
BEAM = ph.LagrangianDensity(rate - slope2 / 2 - V * Abs(psi) ** 2 - g / 2 * Abs(psi) ** 4)
LEARNT = ph.LagrangianDensity(rate - c * slope2 / 2 - V * Abs(psi) ** 2 - f(Abs(psi) ** 2))
RING = ph.Grid({x: (0, 10, 32)})
X = RING.points[x]


def waves(count, seed=0):
    rng = np.random.default_rng(seed)
    angle = 2 * np.pi / 10 * X
    return sum(rng.normal(size=(count, 1)) * np.cos(j * angle + rng.uniform(0, 6, (count, 1))) for j in range(1, 4))


def accelerations(values, grid=RING, order=None):
    force = PHI4.evaluate(phi.diff(x, 2), {phi: values}, {}, grid, order=order)
    return {phi: values, phi.diff(t, 2): 1.3**2 * force - 0.7 * values**3}


def rates(values):
    right = BEAM.dynamics.jets.from_jet(BEAM.dynamics.rates[0])
    return {psi: values, psi.diff(t): BEAM.evaluate(right, {psi: values}, {V: np.sin(X), g: 0.5}, RING)}


def test_parameters_are_found():
    fit = PHI4.fit(accelerations(waves(4)), grid=RING, guess={c: 1.0})
    assert fit.method == "Levenberg-Marquardt"
    assert fit.ok
    assert fit.parameters[c] == pytest.approx(1.3, rel=1e-12)
    assert fit.parameters[m] == pytest.approx(0.7, rel=1e-12)
    assert fit.relative_error(accelerations(waves(2, seed=9)))[phi.diff(t, 2)] < 1e-12


def test_derivatives_are_those_of_the_order_that_was_asked_for():
    data = accelerations(waves(2), order=8)
    assert PHI4.fit(data, grid=RING, order=8).loss < 1e-24
    assert PHI4.fit(data, grid=RING, order=2).loss > 1e-6


def test_a_function_of_place_is_found_at_once_where_residuals_are_linear():
    data = rates(waves(3) + 1j * waves(3, seed=1))
    fit = BEAM.fit(data, grid=RING)
    assert fit.method == "least squares"
    assert np.abs(fit.parameters[V] - np.sin(X)).max() < 1e-12
    assert fit.parameters[g] == pytest.approx(0.5, rel=1e-12)
    assert fit.uncertainties[V].shape == (32,)
    known = BEAM.fit(data, [g], {V: np.sin(X)}, grid=RING)
    assert known.parameters[g] == pytest.approx(0.5, rel=1e-12)
    again = BEAM.fit(data, grid=RING, optimizer="levenberg_marquardt", start=fit)
    assert again.history["loss"][0] < 1e-22


def test_a_fit_of_a_function_goes_on_from_a_file(tmp_path):
    data = rates(waves(3) + 1j * waves(3, seed=1))
    BEAM.fit(data, grid=RING).save(tmp_path / "fit.npz")
    again = BEAM.fit(data, grid=RING, optimizer="levenberg_marquardt", start=tmp_path / "fit.npz")
    assert again.history["loss"][0] < 1e-22


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_network_is_found_beside_a_parameter(dtype):
    U = ph.network("U", inputs=1, hidden=(8,))
    theory = ph.LagrangianDensity((phi.diff(t) ** 2 - c**2 * phi.diff(x) ** 2) / 2 - U(phi))
    values = waves(8) / 3
    data = {phi: values, phi.diff(t, 2): theory.evaluate(phi.diff(x, 2), {phi: values}, {}, RING) - np.sin(values)}
    fit = theory.fit(data, {c, U}, grid=RING, steps=60, dtype=dtype)
    assert fit.parameters[c] == pytest.approx(1.0, abs=0.01)
    assert fit.relative_error(data)[phi.diff(t, 2)] < 0.01


def objective(weights=None):
    layout = choose_field_method(LEARNT.dynamics, RING, "auto", 4).layout
    learnt = {V: ph.parameter_array("V", (32,))}
    system = FieldSystem(Place(LEARNT.dynamics, RING, Operators(layout, RING), learnt), kernels_for("cpu", "float64"))
    unknowns = read_unknowns(system.parameters, system.networks, None, {}, {c: 1.1}, {})
    data = rates(waves(2) + 1j * waves(2, seed=1))
    return system.objective(data, unknowns, {}, read_options(weights=weights), False)


def test_slopes_are_those_of_the_loss():
    """Central differences with a step of 1e-5 err by 1e-10 of the curvature's scale and 1e-11 by rounding."""
    loss = objective()
    rng = np.random.default_rng(1)
    u = loss.unknowns.free(loss.unknowns.guess) + 0.1 * rng.normal(size=loss.size)
    value, found = loss.gradient(u)
    normal = loss.normal(u)
    assert value == pytest.approx(loss.loss(u), rel=1e-13)
    assert np.allclose(2 * normal.slope, found, rtol=1e-12, atol=1e-12 * np.abs(found).max())
    for _ in range(4):
        along = rng.normal(size=loss.size)
        numeric = (loss.loss(u + 1e-5 * along) - loss.loss(u - 1e-5 * along)) / 2e-5
        assert numeric == pytest.approx(float(found @ along), rel=1e-7, abs=1e-8 * value)


def test_half_of_the_samples_are_part_of_all():
    loss = objective()
    u = loss.unknowns.free(loss.unknowns.guess)
    parts = [loss.part(np.arange(first, loss.samples, 2)) for first in (0, 1)]
    assert sum(p.loss(u) * p.weight for p in parts) / loss.weight == pytest.approx(loss.loss(u), rel=1e-12)


def test_what_is_missing_held_or_damped_does_not_count():
    line = ph.Grid({x: (0, 10, 41)}, "dirichlet")
    values = np.sin(np.outer([1, 2, 3], np.pi / 10 * line.points[x]))
    data = accelerations(values, line)
    data[phi.diff(t, 2)][:, [0, -1]] = 5.0  # held ends do not move, whatever the equation says
    data[phi.diff(t, 2)][1, 7] = np.nan
    data[phi][2, 20] = np.nan
    assert PHI4.fit(data, grid=line).loss < 1e-24


def test_weights_say_what_counts():
    data = accelerations(waves(2))
    data[phi.diff(t, 2)][:, 5] += 1.0
    weight = np.where(np.arange(32) == 5, 0.0, 1.0)
    assert PHI4.fit(data, grid=RING, weights={phi.diff(t, 2): weight}).loss < 1e-24
    with pytest.raises(ph.InputError, match=r"phi\(t, x\) has weights but no residual of its own"):
        PHI4.fit(data, grid=RING, weights={phi: 1.0})


def test_a_loss_may_be_an_expression():
    """The default written out, the field equation multiplied out, and a robust loss that is no sum of squares."""
    data = accelerations(waves(4))
    a = phi.diff(t, 2)
    error = ph.predicted(a) - a
    for loss in (error**2, [error], [a - c**2 * phi.diff(x, 2) + m * phi**3]):
        fit = PHI4.fit(data, grid=RING, guess={c: 1.0}, loss=loss)
        assert fit.method == "Levenberg-Marquardt"
        assert fit.parameters[c] == pytest.approx(1.3, rel=1e-10)
    data[a][:, 3] += 20.0
    robust = PHI4.fit(data, grid=RING, guess={c: 1.0}, loss=(1e-6 + error**2) ** 0.25, optimizer="lbfgs")
    assert robust.parameters[m] == pytest.approx(0.7, abs=0.02)
    both = rates(waves(3) + 1j * waves(3, seed=1))
    misses = ph.predicted(psi.diff(t)) - psi.diff(t)
    for loss in (Abs(misses) ** 2, [misses]):
        assert BEAM.fit(both, [g], {V: np.sin(X)}, grid=RING, loss=loss).parameters[g] == pytest.approx(0.5, rel=1e-6)
    with pytest.raises(ph.InputError, match=r"is complex; take Abs\(...\)\*\*2, or give a list of residuals"):
        BEAM.fit(both, [g], {V: np.sin(X)}, grid=RING, loss=misses)


def test_two_dimensions_and_time():
    chi = ph.scalar_field("chi", (t, x, y))
    F = ph.external("F", (t, y))
    W = ph.external("W", (y,))
    theory = ph.LagrangianDensity(
        (chi.diff(t) ** 2 - c * chi.diff(x) ** 2 - chi.diff(y) ** 2) / 2 - W * chi**2 / 2 + m * F * chi * cos(t)
    )
    plane = ph.Grid({x: (0, 6, 12), y: (0, 4, 8)}, {x: "periodic", y: "neumann"})
    X2, Y2 = plane.mesh
    values = np.array([np.cos(k * np.pi * Y2 / 4) * np.sin(2 * np.pi * k * X2 / 6) for k in (1, 2)])
    times = np.array([0.3, 1.1])
    bend = [theory.evaluate(chi.diff(s, 2), {chi: values}, {}, plane) for s in (x, y)]
    push = np.array([np.sin(s + Y2) * np.cos(s) for s in times])
    data = {t: times, chi: values, chi.diff(t, 2): 1.7 * bend[0] + bend[1] - Y2 * values + 0.4 * push}
    fit = theory.fit(data, parameters={F: lambda time, place: np.sin(time + place)}, grid=plane)
    assert fit.method == "least squares"
    assert fit.parameters[c] == pytest.approx(1.7, rel=1e-10)
    assert fit.parameters[m] == pytest.approx(0.4, rel=1e-10)
    assert np.allclose(fit.parameters[W], plane.points[y], atol=1e-10)
    with pytest.raises(ph.InputError, match=r"depend on the time, and the data hold none; add \{t: \.\.\.\}"):
        theory.fit({k: v for k, v in data.items() if k != t}, parameters={F: np.cos}, grid=plane)


def test_what_fits_of_fields_refuse():
    data = accelerations(waves(2))
    with pytest.raises(ph.InputError, match="grid is None; give a Grid"):
        PHI4.fit(data)
    with pytest.raises(ph.InputError, match=r"the data measure nothing that the field equations give: add Derivative"):
        PHI4.fit({phi: data[phi]}, grid=RING)
    with pytest.raises(
        ph.InputError, match=r"hold Derivative\(phi\(t, x\), x\), which the field equations do not give"
    ):
        PHI4.fit({**data, phi.diff(x): data[phi]}, grid=RING)
    with pytest.raises(ph.InputError, match=r"the data hold no values of phi\(t, x\)"):
        PHI4.fit({phi.diff(t, 2): data[phi]}, grid=RING)
    with pytest.raises(ph.InputError, match=r"have the shape \(2, 31\), but the grid has \(32,\)"):
        PHI4.fit({**data, phi: data[phi][:, 1:]}, grid=RING)
    with pytest.raises(ph.InputError, match="the field is real; give their real part"):
        PHI4.fit({**data, phi: 1j * data[phi]}, grid=RING)
    with pytest.raises(ph.InputError, match=r"V\(x\) is neither unknown nor given"):
        BEAM.fit(rates(waves(2) + 0j), [g], grid=RING)
    with pytest.raises(ph.InputError, match="which the loss does not use; remove it or use it in the loss"):
        PHI4.fit(data, grid=RING, loss=phi)
    F = ph.external("F", (t,))
    driven = ph.LagrangianDensity((phi.diff(t) ** 2 - phi.diff(x) ** 2) / 2 + F * phi)
    with pytest.raises(ph.UnsupportedError, match=r"F\(t\) depends on the time; functions of place alone are found"):
        driven.fit(data, grid=RING)
    pulled = ph.LagrangianDensity(
        (phi.diff(t) ** 2 - phi.diff(x) ** 2) / 2 - m * phi * ph.convolution(lambda d: 1 / (1 + d**2), phi, over=(x,))
    )
    with pytest.raises(ph.UnsupportedError, match="fits of densities with convolutions are not made"):
        pulled.fit(data, grid=RING)


def test_a_lattice_is_learnt_as_a_network_of_neighbours_and_rates():
    """Nothing known but inertia; the wave equation is found to the few per cent that so few steps allow."""
    v, left, right = phi.diff(t), ph.shift(phi, {x: -1}), ph.shift(phi, {x: 1})
    N = ph.network("N", inputs=4, hidden=(6,), output_scale=0.1)
    chain = ph.LagrangianDensity(v**2 / 2 - (right - phi) ** 2 / 2)
    learnt = ph.LagrangianDensity(v**2 / 2 + N(left, phi, right, v))
    rng = np.random.default_rng(0)
    state = {phi: rng.uniform(-1.5, 1.5, (20, 32)), v: rng.uniform(-1, 1, (20, 32))}
    data = state | {v.diff(t): chain.evaluate(v.diff(t), state, {}, RING)}
    fit = learnt.fit(data, grid=RING, steps=40)
    assert fit.relative_error(data)[v.diff(t)] < 0.05
    run = learnt.compile(RING).run({phi: np.sin(2 * np.pi * X / 10), v: 0.0}, fit.parameters, (0, 4), dt=0.05)
    assert run.drift["energy"] < 1e-5
