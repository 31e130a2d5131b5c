"""Pair potentials of a few particles from their motions: exact derivatives, planted parameters, networks."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sympy import exp

import symphys as ph
from symphys.learn.bodies_objective import BodiesObjective
from symphys.learn.fit import _Ask
from symphys.learn.options import read_options
from symphys.learn.particles import ParticleSystem
from symphys.learn.unknowns import read_unknowns
from symphys.simulate.compiled import kernels_for

Floats = NDArray[np.float64]
RNG = np.random.default_rng(3)
balls = ph.particles("r", dim=3, species=("A", "B"))
V = ph.network("V", inputs=1, hidden=(5, 4), activation="squareplus")
k, r0, c = ph.parameters("k r0 c", positive=True)
KINETIC = balls.sum(lambda a: balls.mass(a) * a.speed_squared / 2)
MIXED = ph.Lagrangian(
    KINETIC
    - balls.pairs(lambda a, b: k * (a.distance(b) - r0) ** 2 / 2, between=("A", "A"))
    - balls.pairs(lambda a, b: V(a.distance(b)) + balls.mass(a) * c * exp(-a.distance(b)), between=("A", "B"))
)
SPECIES = ["A", "B", "A", "B"]
PLACES = RNG.uniform(-1, 1, (5, 4, 3)) + np.array([[2, 0, 0], [0, 2, 0], [-2, 0, 0], [0, 0, 2.0]])
RATES = RNG.normal(0, 0.3, (5, 4, 3))
MASSES = np.array([1.0, 2.0, 1.5, 0.7])
TIMES = np.array([0.0, 0.3, 0.5, 0.9])
SURROUNDINGS: dict[str, dict[str, Any]] = {
    "open": {},
    "box": {"box": np.full(3, 7.0), "cutoffs": {"cutoff": 3.0, "onset": 2.4}},
}


def _observed(system: Any, given: dict[Any, Any], **inside: Any) -> dict[Any, Floats]:
    """Places and velocities at TIMES; velocity Verlet with step 0.05."""
    simulator = system.compile(method="verlet", **inside)
    start = {balls: PLACES, ph.dot(balls): RATES}
    run = simulator.run(start, given, t_span=(0, 0.9), dt=0.05, t_eval=TIMES, species=SPECIES)
    return {balls: run[balls], ph.dot(balls): run[ph.dot(balls)]}


@pytest.mark.parametrize(
    ("method", "where", "free"), [("verlet", "open", False), ("verlet", "box", True), ("yoshida4", "open", True)]
)
def test_gradients_through_time_have_taylor_slopes(method: str, where: str, free: bool) -> None:
    """Slope 2 of the remainder with the adjoint's gradient; the tangents' normal equations agree to rounding."""
    dynamics = MIXED.dynamics if where == "open" else MIXED._derived("switch")
    system = ParticleSystem(dynamics, kernels_for("cpu", "float64"), SPECIES, **SURROUNDINGS[where])
    unknowns = read_unknowns(system.parameters, system.networks, None, {}, {k: 1.3, r0: 0.8, c: 0.4}, {})
    ask = _Ask(system, unknowns, {balls.mass: MASSES}, read_options(method=method, dt=0.05))
    noisy = PLACES[:, None] + RNG.normal(0, 0.1, (5, 4, 4, 3))
    noisy[1, 2, 0, 1] = np.nan
    observed = {balls: noisy, ph.dot(balls): RATES[:, None] + np.zeros((5, 4, 4, 3))}
    start = {} if free else {balls: PLACES, ph.dot(balls): RATES}
    objective = ask.objective(ph.Trajectories(TIMES, observed, start=start, unknown_start=free))
    assert isinstance(objective, BodiesObjective)
    assert objective.terms == 5 * 4 * 24 - 1
    u = objective.begin(unknowns.guess)
    assert len(u) == unknowns.size + 5 * 24 * free
    d = RNG.normal(size=len(u)) / 4
    loss, slope = objective.gradient(u)
    normal = objective.normal(u)
    assert loss == pytest.approx(objective.loss(u), rel=1e-13)
    assert normal.loss == pytest.approx(loss, rel=1e-12)
    assert 2 * normal.slope == pytest.approx(slope, rel=1e-8, abs=1e-11)
    steps = 2.0 ** -np.arange(5, 10)
    rest = [abs(objective.loss(u + e * d) - loss - e * slope @ d) for e in steps]
    assert np.polyfit(np.log(steps), np.log(rest), 1)[0] == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_simulated_states_are_those_of_the_simulator(dtype: str) -> None:
    """A dozen operations a step and 18 steps: 1000 roundings of places of size 3."""
    given = {k: 1.0, r0: 1.0, c: 0.3, balls.mass: MASSES, V: V.initialise(seed=1)}
    seen = _observed(MIXED, given)
    system = ParticleSystem(MIXED.dynamics, kernels_for("cpu", dtype), SPECIES)
    known = {r0: 1.0, c: 0.3, V: given[V]}
    unknowns = read_unknowns(system.parameters, system.networks, (k,), known, {}, {})
    rest = {key: value for key, value in given.items() if key != k}
    ask = _Ask(system, unknowns, rest, read_options(method="verlet", dt=0.05, dtype=dtype))
    objective = ask.objective(ph.Trajectories(TIMES, seen))
    assert isinstance(objective, BodiesObjective)
    states = objective.states(objective.begin(np.array([1.0])))
    expected = np.concatenate([seen[key].reshape(5, 4, 12).transpose(2, 1, 0) for key in (balls, ph.dot(balls))])
    assert states == pytest.approx(expected, abs=3e3 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize(("dtype", "accuracy"), [("float64", 1e-9), ("float32", 1e-3)])
def test_planted_parameters_and_starts(dtype: str, accuracy: float) -> None:
    """Noiseless places alone, velocities unknown: what was planted is found, to rounding over the sensitivity."""
    given = {k: 1.0, r0: 1.0, c: 0.3, balls.mass: MASSES, V: V.initialise(seed=1)}
    seen = _observed(MIXED, given)
    data = ph.Trajectories(TIMES, {balls: seen[balls]})
    known = {balls.mass: MASSES, V: given[V]}
    fit = MIXED.fit(data, parameters=known, species=SPECIES, method="verlet", dt=0.05, dtype=dtype, guess={k: 0.7})
    assert fit.method == "Levenberg-Marquardt"
    assert fit.parameters == pytest.approx({k: 1.0, r0: 1.0, c: 0.3}, rel=accuracy)
    assert fit.start[ph.dot(balls)] == pytest.approx(RATES, abs=accuracy)
    error = fit.relative_error(ph.Trajectories(TIMES, {balls: seen[balls]}, start={ph.dot(balls): RATES}))
    assert set(error) == {"A", "B"}
    assert max(error.values()) < accuracy


def test_a_pair_network_from_places_alone() -> None:
    """Six runs of three balls; the force within 5 % of its largest value over the distances that were seen."""
    plain = ph.particles("x", dim=2)
    kinetic = plain.sum(lambda a: plain.mass(a) * a.speed_squared / 2)
    springs = ph.Lagrangian(kinetic - plain.pairs(lambda a, b: k * (a.distance(b) - r0) ** 2 / 2))
    learnt = ph.Lagrangian(kinetic - plain.pairs(lambda a, b: V(a.distance(b))))
    places = RNG.uniform(-0.5, 0.5, (6, 3, 2)) + np.array([[1, 0], [-1, 0], [0, 1.0]])
    rates = RNG.normal(0, 0.5, (6, 3, 2))
    times = np.linspace(0, 1.5, 16)
    start = {plain: places, ph.dot(plain): rates}
    given = {k: 1.0, r0: 1.0, plain.mass: 1.0}
    truth = springs.compile(method="verlet").run(start, given, t_span=(0, 1.5), dt=0.05, t_eval=times)
    data = ph.Trajectories(times, {plain: truth[plain]}, start={ph.dot(plain): rates})
    fit = learnt.fit(data, parameters={plain.mass: 1.0}, method="verlet", dt=0.05, steps=60)
    assert fit.method == "Levenberg-Marquardt"
    r = np.linspace(1.0, 2.0, 20)
    force = -V.evaluate(fit.parameters[V], r, order=1)[:, 0]
    assert np.abs(force + (r - 1.0)).max() < 0.05
    descent = learnt.fit(data, parameters={plain.mass: 1.0}, method="verlet", dt=0.05, steps=40, optimizer="lbfgs")
    assert descent.loss < 0.05 * descent.history["loss"][0]


def test_what_does_not_fit_is_named() -> None:
    data = ph.Trajectories(TIMES, {balls: PLACES[:, None] + np.zeros((5, 4, 4, 3))}, start={ph.dot(balls): RATES})
    with pytest.raises(ph.InputError, match=r"r have the species A, B; give species"):
        MIXED.fit(data, parameters={balls.mass: MASSES})
    with pytest.raises(ph.InputError, match=r"value missing for r\.mass"):
        MIXED.fit(data, species=SPECIES)
    with pytest.raises(ph.UnsupportedError, match=r"the cutoff 4 is longer than half of the box, 3\.5"):
        MIXED.fit(data, parameters={balls.mass: MASSES}, species=SPECIES, box=[7.0] * 3, cutoff=4.0)
    with pytest.raises(ph.InputError, match=r"observations of r have the shape \(3, 4\); give \[times, n, 3\]"):
        ph.Trajectories(TIMES, {balls: np.zeros((3, 4))})
    with pytest.raises(ph.MethodError, match=r"method 'rk4' does not integrate particles"):
        MIXED.fit(data, parameters={balls.mass: MASSES}, species=SPECIES, method="rk4")


def test_a_network_of_all_coordinates_keeps_no_momentum() -> None:
    """The baseline V(q) comes near its data, but its momentum drifts; that of a pair network does not, to rounding."""
    names = [ph.coordinates(f"x{i} y{i}") for i in range(3)]
    flat = [q for pair in names for q in pair]
    N = ph.network("N", inputs=6, hidden=(8,), activation="tanh")
    baseline = ph.Lagrangian(sum(ph.dot(q) ** 2 for q in flat) / 2 - N(*flat))
    places = RNG.uniform(-0.5, 0.5, (60, 3, 2)) + np.array([[1, 0], [-1, 0], [0, 1.0]])
    steps = places[:, :, None] - places[:, None]
    s = np.linalg.norm(steps, axis=-1) + np.eye(3)
    pulls = -np.einsum("fij,fijk->fik", (1 - np.eye(3)) * (s - 1) / s, steps)
    state = {q: places.reshape(60, 6)[:, i] for i, q in enumerate(flat)} | {ph.dot(q): np.zeros(60) for q in flat}
    measured = {ph.ddot(q): pulls.reshape(60, 6)[:, i] for i, q in enumerate(flat)}
    fit = baseline.fit({**state, **measured}, steps=40)
    assert max(fit.relative_error({**state, **measured}).values()) < 0.2
    start = {q: places.reshape(60, 6)[0, i] for i, q in enumerate(flat)} | {ph.dot(q): 0.0 for q in flat}
    run = baseline.compile(method="verlet").run(start, fit.parameters, (0, 2), dt=0.02)
    drift = [abs(sum(run[ph.dot(pair[k])][-1] for pair in names)) for k in range(2)]
    assert max(drift) > 1e-4
    plain = ph.particles("z", dim=2)
    kinetic = plain.sum(lambda a: plain.mass(a) * a.speed_squared / 2)
    learnt = ph.Lagrangian(kinetic - plain.pairs(lambda a, b: V(a.distance(b))))
    given = {plain.mass: 1.0, V: V.initialise(seed=0)}
    kept = learnt.compile().run({plain: places[0], ph.dot(plain): np.zeros((3, 2))}, given, (0, 2), dt=0.02)
    assert max(float(kept.drift[name]) for name in ("momentum", "angular momentum")) < 1e-13
