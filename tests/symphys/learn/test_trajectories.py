"""Fits through time: exact gradients, planted parameters, unknown starts, irregular times, gaps and noise."""

import numpy as np
import pytest
from sympy import cos, sin

import symphys as ph
from symphys.learn.fit import _Ask
from symphys.learn.options import read_options
from symphys.learn.system import CoordinateSystem
from symphys.learn.unknowns import read_unknowns
from symphys.simulate.compiled import kernels_for, lower

q = ph.coordinates("q")
v = ph.dot(q)
m, k, c, length = ph.parameters("m k c length", positive=True)
PENDULUM = ph.Lagrangian(m * v**2 / 2 + k * cos(q))
DAMPED = ph.Lagrangian(m * v**2 / 2 + k * cos(q), dissipation=c * v**2 / 2)
TIMES = np.linspace(0, 3, 31)
RNG = np.random.default_rng(11)
START = {q: RNG.uniform(-2, 2, 6), v: RNG.uniform(-1, 1, 6)}
TRUTH = PENDULUM.compile().run(START, {m: 2.0, k: 7.0}, (0, 3), rtol=1e-11, t_eval=TIMES)
FALLING = DAMPED.compile().run(START, {m: 2.0, k: 7.0, c: 0.5}, (0, 3), rtol=1e-11, t_eval=TIMES)


@pytest.mark.parametrize("method", ["verlet", "rk4", "gauss4"])
@pytest.mark.parametrize("free", [False, True], ids=["start known", "start unknown"])
def test_gradients_through_time_have_taylor_slopes(method: str, free: bool) -> None:
    """Slope 2 of the remainder with the adjoint's gradient; the tangents' normal equations agree to rounding."""
    system = PENDULUM if method == "verlet" else DAMPED
    lowered = lower(system.dynamics)
    unknowns = read_unknowns(lowered.dynamics.parameters, (), None, {m: 2.0}, {k: 6.0}, {})
    data = ph.Trajectories(TIMES[::3], {q: TRUTH[q][:, ::3]}, start={} if free else {v: START[v]}, unknown_start=free)
    fitted = CoordinateSystem(lowered, kernels_for("cpu", "float64"))
    ask = _Ask(fitted, unknowns, {m: 2.0}, read_options(method=method, dt=0.05))
    objective = ask.objective(data)
    u = objective.begin(unknowns.guess)
    assert len(u) == len(unknowns.symbols) + 12 * free
    d = RNG.normal(size=len(u))
    loss, slope = objective.gradient(u)
    normal = objective.normal(u)
    assert normal.loss == pytest.approx(loss, rel=1e-12)
    assert 2 * normal.slope == pytest.approx(slope, rel=1e-8, abs=1e-10)
    steps = 2.0 ** -np.arange(6, 11)
    rest = [abs(objective.loss(u + e * d) - loss - e * slope @ d) for e in steps]
    assert np.polyfit(np.log(steps), np.log(rest), 1)[0] == pytest.approx(2.0, abs=0.1)


def test_planted_parameters_from_positions_alone() -> None:
    """Steps are as fine as they need be: 1e-8 of the range, which is what the parameters are found to."""
    data = ph.Trajectories(TIMES, {q: TRUTH[q]}, start={v: START[v]})
    fit = PENDULUM.fit(data, parameters={m: 2.0}, guess={k: 4.0})
    assert fit.method == "Levenberg-Marquardt"
    assert fit.parameters[k] == pytest.approx(7.0, rel=1e-7)
    assert fit.uncertainties[k] < 1e-6
    assert fit.start == {}
    assert fit.relative_error(data)[q] < 1e-7
    by_descent = PENDULUM.fit(data, parameters={m: 2.0}, guess={k: 6.0}, optimizer="lbfgs")
    assert by_descent.parameters[k] == pytest.approx(7.0, rel=1e-6)


def test_unknown_starts_are_found_with_the_parameters() -> None:
    noisy = FALLING[q] + np.random.default_rng(5).normal(0, 0.01, FALLING[q].shape)
    fit = DAMPED.fit(ph.Trajectories(TIMES, {q: noisy}, unknown_start=True), parameters={m: 2.0}, guess={k: 5.0})
    assert set(fit.start) == {q, v}
    for s, planted in ((k, 7.0), (c, 0.5)):
        assert abs(fit.parameters[s] - planted) < 4 * fit.uncertainties[s] < 0.1
    # noise 0.01 over 31 observations of two unknowns a run
    assert np.abs(fit.start[q] - START[q]).max() < 0.02
    assert fit.loss == pytest.approx(1e-4, rel=0.3)


def test_gaps_irregular_times_and_runs_of_their_own_length() -> None:
    times = np.full((2, 6), np.nan)
    times[0], times[1, :4] = [0, 0.1, 0.7, 0.9, 2.0, 2.05], [0, 0.5, 1.3, 1.4]
    values = np.full((2, 6), np.nan)
    for run in range(2):
        count = 6 if run == 0 else 4
        one = PENDULUM.compile().run(
            {q: START[q][run], v: START[v][run]},
            {m: 2.0, k: 7.0},
            (0, 3),
            rtol=1e-12,
            t_eval=[*times[run, :count]],
        )
        values[run, :count] = one[q]
    values[0, 2] = np.nan
    fit = PENDULUM.fit(
        ph.Trajectories(times, {q: values}, start={v: START[v][:2]}, weights={q: [1.0, 1, 1, 2, 2, 1]}),
        parameters={m: 2.0},
        guess={k: 5.0},
    )
    assert fit.parameters[k] == pytest.approx(7.0, rel=1e-6)


def test_expressions_and_rates_can_be_observed() -> None:
    """The horizontal place of the bob, and an accelerometer."""
    place, pull = length * sin(q), ph.ddot(q)
    accelerations = PENDULUM.evaluate(pull, {q: TRUTH[q], v: TRUTH[v]}, {m: 2.0, k: 7.0})
    data = ph.Trajectories(TIMES, {place: 1.5 * np.sin(TRUTH[q]), pull: accelerations}, start=START)
    # the length stands in what is observed alone, so the system has to have it
    rod = ph.Lagrangian(m * length**2 * v**2 / 2 + k * length * cos(q))
    values = {m: 2.0 / 1.5**2}
    fit = rod.fit(data, parameters=values, guess={k: 4.0, length: 1.2})
    assert fit.parameters == pytest.approx({k: 7.0 / 1.5, length: 1.5}, rel=1e-6)


def test_driven_systems_and_constraints() -> None:
    """Signals enter steps at their inner times; constrained systems are fitted by tangents."""
    u = ph.input_signal("u")
    driven = ph.Lagrangian(m * v**2 / 2 - k * q**2 / 2, forces={q: u - c * v})
    values = {m: 2.0, k: 7.0, c: 0.5, u: np.sin}
    run = driven.compile().run({q: 0.0, v: 0.0}, values, (0, 3), rtol=1e-11, t_eval=TIMES)
    fit = driven.fit(ph.Trajectories(TIMES, {q: run[q]}, start={v: 0.0}), parameters={u: np.sin}, guess={k: 6.0})
    # the signal is a table of polynomials, good to 1e-9
    assert fit.parameters == pytest.approx({m: 2.0, k: 7.0, c: 0.5}, rel=1e-5)
    x, y = ph.coordinates("x y")
    vx, vy = ph.dot(x), ph.dot(y)
    bob = ph.Lagrangian((vx**2 + vy**2) / 2 - k * y, constraints=[x**2 + y**2 - 1])
    start = {x: 1.0, y: 0.0, vx: 0.0, vy: 0.0}
    swing = bob.compile(method="rk4").run(start, {k: 9.0}, (0, 1), dt=0.01, t_eval=[0, 0.5, 1.0])
    data = ph.Trajectories([0, 0.5, 1.0], {x: swing[x]}, start=start)
    found = bob.fit(data, guess={k: 8.0}, method="rk4", dt=0.01)
    assert found.parameters[k] == pytest.approx(9.0, rel=1e-9)
    assert bob.fit(data, guess={k: 8.5}, method="rk4", dt=0.01, optimizer="lbfgs").parameters[k] == pytest.approx(9.0)


def test_validation_by_runs_and_minibatches_of_runs() -> None:
    data = ph.Trajectories(TIMES[:16], {q: TRUTH[q][:, :16]}, start={v: START[v]})
    fit = PENDULUM.fit(
        data,
        parameters={m: 2.0},
        guess={k: 6.0},
        optimizer="adam",
        steps=150,
        batch=2,
        learning_rate=0.02,
        validation=0.4,
    )
    assert fit.history["validation"].shape == fit.history["loss"].shape
    assert fit.parameters[k] == pytest.approx(7.0, rel=1e-2)
