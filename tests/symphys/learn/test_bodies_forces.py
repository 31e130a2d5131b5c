"""Runs of particles with friction, fields, bonds, and forces that change: exact derivatives, planted parameters."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sympy import cos, exp, sin

import symphys as ph
from symphys.learn.bodies_objective import BodiesObjective
from symphys.learn.fit import _Ask
from symphys.learn.options import read_options
from symphys.learn.particles import ParticleSystem
from symphys.learn.unknowns import read_unknowns
from symphys.simulate.compiled import kernels_for

Floats = NDArray[np.float64]
RNG = np.random.default_rng(12)
t = ph.t
atoms = ph.particles("r", dim=3, species=("A", "B"), attributes=("charge",))
k, g, B, c, w, E, q = ph.parameters("k g B c w E q", positive=True)
N = ph.network("N", inputs=2, hidden=(4,))
KINETIC = atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2)
SPECIES = ["A", "B", "A", "B"]
MASSES, CHARGES = np.array([1.0, 2.0, 1.5, 0.7]), np.array([1.0, -1.0, 0.5, 2.0])
PLACES = RNG.uniform(-0.5, 0.5, (3, 4, 3)) + np.array([[2, 0, 0], [0, 2, 0], [-2, 0, 0], [0, 0, 2.0]])
RATES = RNG.normal(0, 0.5, (3, 4, 3))
TIMES = np.array([0.2, 0.5, 0.7, 1.1])
BONDS, ANGLES = [[0, 1], [2, 3]], [[1, 0, 2]]


def spin(a: Any) -> Any:
    return a.position[0] * a.velocity[1] - a.position[1] * a.velocity[0]


FORCES = {
    "trap": -atoms.sum(lambda a: k * (1 + cos(w * t) / 2) * a.position.dot(a.position) / 2, species="A")
    + atoms.sum(lambda a: atoms.charge(a) * E * cos(w * t) * a.position[0]),
    "network": -atoms.sum(lambda a: N(a.position[0], sin(t)) * atoms.charge(a) + k * a.position[2] ** 4),
    "pairs": -atoms.pairs(lambda a, b: k * (1 + t) * a.distance(b) ** 2 / 2, between=("A", "B")),
    "across": -atoms.pairs(lambda a, b: g * a.displacement(b)[0] ** 2 * exp(-a.distance(b)) * (1 + t * t)),
    "bonds": -atoms.pairs(lambda a, b: k * (a.distance(b) - 1) ** 2 * (2 + sin(t)), along=BONDS)
    - atoms.triples(lambda a, b, c: g * (b.angle(a, c) - 1) ** 2, along=ANGLES),
    "field": atoms.sum(lambda a: atoms.charge(a) * B * (1 + a.position[2] ** 2 / 4) * spin(a) / 2)
    - atoms.pairs(lambda a, b: k * a.distance(b) ** 2 / 2),
    "growing": atoms.sum(lambda a: atoms.charge(a) * B * (1 + t) * spin(a) - k * a.position[0] ** 2),
    "rubbed": atoms.sum(lambda a: B * spin(a) / 2 + N(a.position[2], t) * a.velocity[1])
    - atoms.pairs(lambda a, b: k * a.distance(b) ** 2 / 2),
    "friction": -atoms.pairs(lambda a, b: k * a.distance(b) ** 2 / 2),
}
RUBBED = ("friction", "rubbed", "across")


def system_of(name: str) -> Any:
    rubs = atoms.sum(lambda a: c * (1 + atoms.charge(a) ** 2) * a.speed_squared / 2) if name in RUBBED else 0
    return ph.Lagrangian(KINETIC + FORCES[name], dissipation=rubs)


GUESS = {k: 0.9, g: 0.4, B: 0.8, c: 0.3, w: 2.1, E: 0.6}


def objective_of(
    system: Any, data: Any, method: str, inside: dict[str, Any], dtype: str = "float64"
) -> tuple[Any, Floats]:
    cut = {"cutoff": inside["cutoff"], "onset": 0.8 * inside["cutoff"]} if inside else {}
    dynamics = system._derived("switch") if inside else system.dynamics
    made = ParticleSystem(dynamics, kernels_for("cpu", dtype), SPECIES, inside.get("box"), cut)
    guess = {s: GUESS[s] for s in system.parameters}
    unknowns = read_unknowns(made.parameters, made.networks, None, {}, guess, {})
    given = {atoms.mass: MASSES} | ({atoms.charge: CHARGES} if "charge" in dynamics.attributes else {})
    ask = _Ask(made, unknowns, given, read_options(method=method, dt=0.05, dtype=dtype))
    objective = ask.objective(data)
    assert isinstance(objective, BodiesObjective)
    return objective, unknowns.guess


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n in ("pairs", "growing", "field") else []) for n in FORCES]
)
def test_derivatives_are_those_of_the_steps_and_steps_those_of_the_simulator(name: str) -> None:
    """States to rounding; slope 2 of the Taylor remainder with the adjoint's gradient; rows of the Jacobian agree."""
    system = system_of(name)
    inside = {"box": np.full(3, 9.0), "cutoff": 4.0} if name == "across" else {}
    method = "yoshida4" if name in ("trap", "rubbed") else "verlet"
    observed = {
        atoms: PLACES[:, None] + RNG.normal(0, 0.1, (3, 4, 4, 3)),
        ph.dot(atoms): RATES[:, None] + np.zeros((3, 4, 4, 3)),
    }
    objective, guess = objective_of(system, ph.Trajectories(TIMES, observed, unknown_start=True), method, inside)
    u = objective.begin(guess)
    states = objective.states(u)
    start = objective.starts(u)
    given = {s: GUESS[s] for s in system.parameters} | {atoms.mass: MASSES, **objective.weights_at(u)}
    given |= {atoms.charge: CHARGES} if "charge" in system.dynamics.attributes else {}
    begin = {key: half.T.reshape(3, 4, 3) for key, half in zip((atoms, ph.dot(atoms)), np.split(start, 2), strict=True)}
    options = {**inside, "smoothing": "switch"} if inside else {}
    run = system.compile(method, **options).run(begin, given, (0.2, 1.1), dt=0.05, t_eval=TIMES, species=SPECIES)
    wanted = np.concatenate([run[key].reshape(3, 4, 12).transpose(2, 1, 0) for key in (atoms, ph.dot(atoms))])
    assert states == pytest.approx(wanted, abs=2e-12)
    loss, slope = objective.gradient(u)
    normal = objective.normal(u)
    assert normal.loss == pytest.approx(loss, rel=1e-12)
    assert 2 * normal.slope == pytest.approx(slope, rel=1e-8, abs=1e-10)
    d = RNG.normal(size=len(u)) / 4
    steps = 2.0 ** -np.arange(6, 10)
    rest = [abs(objective.loss(u + e * d) - loss - e * slope @ d) for e in steps]
    assert np.polyfit(np.log(steps), np.log(rest), 1)[0] == pytest.approx(2.0, abs=0.1)
    for a in range(len(system.parameters)):  # each by itself, by central differences
        e = np.eye(len(u))[a] * 1e-5
        assert slope[a] == pytest.approx((objective.loss(u + e) - objective.loss(u - e)) / 2e-5, rel=1e-5, abs=1e-8)


PLANTED = {
    "trap": ({k: 0.9, E: 0.6, w: 2.1}, {k: 1.1, E: 0.5, w: 2.0}),
    "field": ({k: 0.9, B: 0.8}, {k: 1.2, B: 0.5}),
    "friction": ({k: 0.9, c: 0.3}, {k: 1.2, c: 0.1}),
    "bonds": ({k: 0.9, g: 0.4}, {k: 1.2, g: 0.6}),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_parameters_are_found_from_places_alone(name: str) -> None:
    truth, guess = PLANTED[name]
    system = system_of(name)
    known = {atoms.mass: MASSES} | ({atoms.charge: CHARGES} if "charge" in system.dynamics.attributes else {})
    start = {atoms: PLACES, ph.dot(atoms): RATES}
    times = np.linspace(0.2, 1.6, 8)
    run = system.compile().run(start, {**known, **truth}, (0.2, 1.6), dt=0.05, t_eval=times, species=SPECIES)
    data = ph.Trajectories(times, {atoms: run[atoms]})
    fit = system.fit(data, parameters=known, species=SPECIES, method="verlet", dt=0.05, guess=guess)
    assert fit.parameters == pytest.approx(truth, rel=1e-8)
    assert fit.start[ph.dot(atoms)] == pytest.approx(RATES, abs=1e-7)


def test_single_precision_takes_the_same_steps() -> None:
    system = system_of("rubbed")
    observed = {atoms: PLACES[:, None] + np.zeros((3, 4, 4, 3))}
    data = ph.Trajectories(TIMES, observed, start={ph.dot(atoms): RATES})
    (fine, guess), (coarse, _) = (objective_of(system, data, "verlet", {}, dtype) for dtype in ("float64", "float32"))
    u = fine.begin(guess)
    assert coarse.gradient(u)[1] == pytest.approx(fine.gradient(u)[1], rel=1e-3, abs=1e-4)


def test_what_is_not_followed_is_named() -> None:
    seen = KINETIC - atoms.sum(lambda a: k * atoms.environment(a, weight=lambda r: exp(-r)) ** 2)
    data = ph.Trajectories(TIMES, {atoms: np.zeros((1, 4, 4, 3))})
    with pytest.raises(
        ph.UnsupportedError, match="sums over what particles r see of each other are not fitted to traj"
    ):
        ph.Lagrangian(seen).fit(data, parameters={atoms.mass: 1.0}, species=SPECIES)
    far = KINETIC - atoms.pairs(lambda a, b: k * a.distance(b) ** 2, along=[[0, 9]])
    with pytest.raises(ph.InputError, match="names particle 9, but there are 4"):
        ph.Lagrangian(far).fit(data, parameters={atoms.mass: 1.0}, species=SPECIES)
