"""Networks are fitted like any parameter: beside scalars, from samples and through time, in both precisions."""

import numpy as np
import pytest
from sympy import cos

import symphys as ph

q = ph.coordinates("q")
v, a = ph.dot(q), ph.ddot(q)
m, k = ph.parameters("m k", positive=True)
V = ph.network("V", inputs=1, hidden=(8,), activation="tanh")
GREY = ph.Lagrangian(m * v**2 / 2 - V(q))
RNG = np.random.default_rng(3)
ANGLE, RATE = RNG.uniform(-2, 2, 200), RNG.uniform(-2, 2, 200)
DATA = {q: ANGLE, v: RATE, a: -2.0 * np.sin(ANGLE)}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_potential_is_learnt_from_accelerations(dtype: str) -> None:
    """Eight neurons represent a sine on an interval to about 1e-3."""
    fit = GREY.fit(DATA, parameters={m: 1.0}, steps=60, dtype=dtype)
    assert fit.method == "Levenberg-Marquardt"
    assert fit.parameters[V].shape == (V.count,)
    assert fit.uncertainties == {}
    assert fit.relative_error(DATA)[a] < 1e-2
    at = np.linspace(-1.5, 1.5, 20)
    assert GREY.evaluate(a, {q: at, v: 0.0}, {**fit.parameters, m: 1.0}) == pytest.approx(-2 * np.sin(at), abs=2e-2)


def test_scalars_and_networks_together() -> None:
    """A network of the rate takes what the spring does not explain; mass and everything else are open together."""
    drag = ph.network("F", inputs=1, hidden=(5,), activation="tanh")
    system = ph.Lagrangian(m * v**2 / 2 - k * q**2 / 2, forces={q: drag(v)})
    data = {q: ANGLE, v: RATE, a: -3.0 * ANGLE - np.tanh(RATE)}
    fit = system.fit(data, parameters={m: 1.0}, steps=80)
    assert fit.parameters[k] == pytest.approx(3.0, rel=1e-3)
    known = system.fit(data, parameters={m: 1.0, drag: fit.parameters[drag]})
    assert known.method == "least squares"
    assert known.parameters[k] == pytest.approx(fit.parameters[k], rel=1e-3)
    both = system.fit(data, steps=10)
    assert any(m in direction for direction in both.undetermined)


def test_gradients_of_weights_have_taylor_slopes() -> None:
    """A black box: the mass matrix is the network's own, so that third derivatives take part."""
    from symphys.learn.fit import _Ask
    from symphys.learn.options import read_options
    from symphys.learn.system import CoordinateSystem
    from symphys.learn.unknowns import read_unknowns
    from symphys.simulate.compiled import kernels_for, lower

    N = ph.network("N", inputs=2, hidden=(4, 4), activation="softplus", features=1)
    lowered = lower(ph.Lagrangian(m * v**2 / 2 + N(q, v)).dynamics)
    unknowns = read_unknowns((m,), (N,), None, {}, {}, {})
    system = CoordinateSystem(lowered, kernels_for("cpu", "float64"))
    objective = _Ask(system, unknowns, {}, read_options()).objective(DATA)
    u, d = unknowns.free(unknowns.guess), RNG.normal(size=unknowns.size) / 4
    loss, slope = objective.gradient(u)
    normal = objective.normal(u)
    assert normal.loss == pytest.approx(loss, rel=1e-12)
    assert 2 * normal.slope == pytest.approx(slope, rel=1e-9, abs=1e-11)
    steps = 2.0 ** -np.arange(5, 10)
    rest = [abs(objective.loss(u + e * d) - loss - e * slope @ d) for e in steps]
    assert np.polyfit(np.log(steps), np.log(rest), 1)[0] == pytest.approx(2.0, abs=0.1)


def test_a_potential_is_learnt_from_positions_in_time() -> None:
    pendulum = ph.Lagrangian(v**2 / 2 + 2 * cos(q))
    times = np.linspace(0, 2, 11)
    start = {q: RNG.uniform(-2, 2, 12), v: RNG.uniform(-1, 1, 12)}
    truth = pendulum.compile().run(start, {}, (0, 2), rtol=1e-10, t_eval=times)
    data = ph.Trajectories(times, {q: truth[q]}, start={v: start[v]})
    fit = GREY.fit(data, parameters={m: 1.0}, method="verlet", dt=0.02, steps=40)
    at = np.linspace(-1.5, 1.5, 20)
    force = -V.evaluate(fit.parameters[V], at, order=1)[:, 0]
    assert force == pytest.approx(-2 * np.sin(at), abs=0.05)
    descent = GREY.fit(data, parameters={m: 1.0}, method="verlet", dt=0.02, optimizer="lbfgs", steps=60)
    assert descent.loss < 1e-2 * descent.history["loss"][0]


def test_weights_are_saved_and_go_on(tmp_path) -> None:
    first = GREY.fit(DATA, parameters={m: 1.0}, steps=5)
    first.save(tmp_path / "fit.npz")
    loaded = ph.Fit.load(tmp_path / "fit.npz")
    assert (loaded.parameters["V"] == first.parameters[V]).all()
    onward = GREY.fit(DATA, parameters={m: 1.0}, steps=5, start=loaded)
    assert onward.history["loss"][0] == pytest.approx(first.loss, rel=1e-12)
    guessed = GREY.fit(DATA, parameters={m: 1.0}, steps=1, guess={V: first.parameters[V]})
    assert guessed.history["loss"][0] == pytest.approx(first.loss, rel=1e-12)
    with pytest.raises(ph.InputError, match=r"V is neither unknown nor given"):
        GREY.fit(DATA, [m])
    with pytest.raises(ph.InputError, match=r"weights of the network V are an array of shape \(3,\)"):
        GREY.fit(DATA, parameters={m: 1.0}, guess={V: np.zeros(3)})


def test_seeds_draw_other_weights() -> None:
    losses = [GREY.fit(DATA, parameters={m: 1.0}, steps=1, seed=seed).history["loss"][0] for seed in (0, 0, 1)]
    assert losses[0] == losses[1] != losses[2]


def test_the_best_of_several_first_weights_goes_on() -> None:
    """A tenth of fifty steps from each of three starts, whose seeds are a thousand apart."""
    known = {"parameters": {m: 1.0}}
    alone = [GREY.fit(DATA, steps=5, seed=seed, **known) for seed in (1, 1001, 2001)]
    best = min(alone, key=lambda fit: fit.loss)
    tried = GREY.fit(DATA, steps=50, seed=1, tries=3, **known)
    assert tried.history["loss"][:6] == pytest.approx(best.history["loss"], rel=1e-9)
    assert len(tried.history["loss"]) <= 6 + 46
    assert tried.loss < best.loss
    with pytest.raises(ph.InputError, match="tries = 2 draws first weights anew, and start gives them"):
        GREY.fit(DATA, tries=2, start=best, **known)
    with pytest.raises(ph.InputError, match="no network without a guess is unknown"):
        GREY.fit(DATA, tries=2, guess={V: best.parameters[V]}, **known)
    with pytest.raises(ph.InputError, match="tries = 0"):
        GREY.fit(DATA, tries=0, **known)
