"""Runs of rigid molecules: exact derivatives through what holds them, and what is around them found from motions."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sympy import cos

import symphys as ph
from symphys.learn.bodies_objective import BodiesObjective
from symphys.learn.fit import _Ask
from symphys.learn.options import read_options
from symphys.learn.particles import ParticleSystem
from symphys.learn.unknowns import read_unknowns
from symphys.simulate.compiled import kernels_for

Floats = NDArray[np.float64]
RNG = np.random.default_rng(5)
atoms = ph.particles("r", dim=3)
k, g, l, c = ph.parameters("k g l c", positive=True)
# a triangle and, beside it, a rod; all pull at each other, and a trap that breathes holds them
SIDES, ROD = [[0, 1], [0, 2], [1, 2]], [[3, 4]]
MASSES = np.array([1.0, 2.0, 1.5, 0.7, 1.2])
KINETIC = atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2)
AROUND = -atoms.sum(lambda a: g * (1 + cos(2 * ph.t) / 3) * (a.position[0] ** 2 + 2 * a.position[1] ** 2) / 2)
PAIRS = -atoms.pairs(lambda a, b: k * a.distance(b) ** 4 / 8)
HELD = [
    atoms.pairs(lambda a, b: a.distance(b) - l, along=SIDES),
    atoms.pairs(lambda a, b: a.distance(b) ** 2 - 1, along=ROD),
]
RIGID = ph.Lagrangian(KINETIC + AROUND + PAIRS, constraints=HELD)
BEND = ph.Lagrangian(
    KINETIC + PAIRS, constraints=[*HELD[1:], atoms.triples(lambda a, b, c: b.angle(a, c) - l, along=[[0, 1, 2]])]
)
TIMES = np.array([0.1, 0.4, 0.6, 1.0])
VALUES = {k: 0.6, g: 0.9, l: 1.1}
HEIGHT = np.sqrt(3) / 2


def places_of(runs: int, system: Any) -> Floats:
    """Triangles and rods turned at random; where an angle is held, its corner is turned by it."""
    corner = [[0.0, 0, 0], [1.1, 0, 0], [0.55, 1.1 * HEIGHT, 0]]
    if system is BEND:
        corner = [[1.0, 0, 0], [0.0, 0, 0], [1.3 * np.cos(1.1), 1.3 * np.sin(1.1), 0]]
    one = np.array([*corner, [0, 0, 1.5], [0.6, 0, 2.3]])
    turns = np.linalg.qr(RNG.normal(size=(runs, 3, 3)))[0]
    return np.einsum("ij,rkj->rik", one, turns) + RNG.normal(0, 0.2, (runs, 1, 3))


def objective_of(system: Any, data: Any, method: str, unknown: Any, box: Any = None) -> tuple[BodiesObjective, Floats]:
    made = ParticleSystem(system.dynamics, kernels_for("cpu", "float64"), None, box)
    rest = {s: VALUES[s] for s in system.parameters if s not in unknown}
    unknowns = read_unknowns(made.parameters, made.networks, unknown, rest, {s: VALUES[s] for s in unknown}, {})
    objective = _Ask(made, unknowns, {atoms.mass: MASSES, **rest}, read_options(method=method, dt=0.05)).objective(data)
    assert isinstance(objective, BodiesObjective)
    return objective, unknowns.guess


@pytest.mark.parametrize(
    ("system", "method", "box"),
    [(RIGID, "rattle", None), (RIGID, "rattle4", [20.0] * 3), (BEND, "rattle", None)],
    ids=["lengths", "rattle4", "angle"],
)
def test_derivatives_are_those_of_held_steps(system: Any, method: str, box: Any) -> None:
    """States are the simulator's; adjoint, rows of the Jacobian and central differences agree, by lengths as well."""
    places = places_of(3, system)
    rates = RNG.normal(0, 0.5, (3, 5, 3))
    given = {atoms.mass: MASSES} | {s: VALUES[s] for s in system.parameters}
    start = {atoms: places, ph.dot(atoms): rates}
    simulator = system.compile(method, box=box)
    run = simulator.run(start, given, (0.1, 1.0), dt=0.05, t_eval=TIMES, project_initial=True)
    first = run[ph.dot(atoms)][:, 0]
    off = {key: run[key] + RNG.normal(0, 0.05, run[key].shape) for key in start}
    data = ph.Trajectories(TIMES, off, start={atoms: places}, unknown_start=[ph.dot(atoms)])
    objective, guess = objective_of(system, data, method, system.parameters, box)
    u = objective.begin(guess)
    u[objective.unknowns.size :] = (first.reshape(3, 15).T / objective.scale[:, None]).reshape(-1)
    states = objective.states(u)
    wanted = np.concatenate([run[key].reshape(3, 4, 15).transpose(2, 1, 0) for key in start])
    assert states == pytest.approx(wanted, abs=1e-11)
    loss, slope = objective.gradient(u)
    normal = objective.normal(u)
    assert normal.loss == pytest.approx(loss, rel=1e-12)
    assert 2 * normal.slope == pytest.approx(slope, rel=1e-8, abs=1e-10)
    for a in (*range(objective.unknowns.size), len(u) - 4):
        e = np.eye(len(u))[a] * 1e-5
        assert slope[a] == pytest.approx((objective.loss(u + e) - objective.loss(u - e)) / 2e-5, rel=1e-6, abs=1e-8)


def test_what_surrounds_rigid_molecules_is_found_from_places() -> None:
    """Strengths of the trap and of the pairs, with velocities unknown, which are known up to what is held."""
    places, rates = places_of(4, RIGID), RNG.normal(0, 0.5, (4, 5, 3))
    given = {atoms.mass: MASSES, **VALUES}
    times = np.linspace(0, 1, 6)
    start = {atoms: places, ph.dot(atoms): rates}
    run = RIGID.compile().run(start, given, (0, 1), dt=0.05, t_eval=times, project_initial=True)
    data = ph.Trajectories(times, {atoms: run[atoms]})
    known = {atoms.mass: MASSES, l: 1.1}
    fit = RIGID.fit(data, parameters=known, method="rattle", dt=0.05, guess={k: 0.3, g: 1.4})
    assert fit.parameters[k] == pytest.approx(0.6, rel=1e-7)
    assert fit.parameters[g] == pytest.approx(0.9, rel=1e-7)


def test_a_length_is_found_and_what_follows_from_others_is_set_aside() -> None:
    """The length twice over, so that half of the constraints say nothing new."""
    twice = ph.Lagrangian(KINETIC + AROUND + PAIRS, constraints=[*HELD, HELD[0]])
    places, rates = places_of(2, RIGID), RNG.normal(0, 0.5, (2, 5, 3))
    times = np.linspace(0, 0.5, 6)
    given = {atoms.mass: MASSES, **VALUES}
    run = twice.compile().run(
        {atoms: places, ph.dot(atoms): rates}, given, (0, 0.5), dt=0.05, t_eval=times, project_initial=True
    )
    data = ph.Trajectories(times, {atoms: run[atoms]}, start={ph.dot(atoms): run[ph.dot(atoms)][:, 0]})
    fit = twice.fit(data, parameters={atoms.mass: MASSES, k: 0.6, g: 0.9}, method="rattle", dt=0.05, guess={l: 1.05})
    assert fit.parameters[l] == pytest.approx(1.1, rel=1e-8)


def test_what_fits_of_held_particles_refuse() -> None:
    places = places_of(1, RIGID)
    data = ph.Trajectories(TIMES, {atoms: places[:, None] + np.zeros((1, 4, 5, 3))})
    known = {atoms.mass: MASSES, **{s: VALUES[s] for s in (g, l)}}
    rubbed = ph.Lagrangian(KINETIC + PAIRS, constraints=HELD, dissipation=atoms.sum(lambda a: c * a.speed_squared / 2))
    with pytest.raises(
        ph.UnsupportedError, match=r"the constraint .* = 0 stands beside friction .* leave the other out"
    ):
        rubbed.fit(data, parameters={atoms.mass: MASSES})
    with pytest.raises(ph.InputError, match=r"where they start is unknown; give start=\{r: \.\.\.\}"):
        RIGID.fit(ph.Trajectories(TIMES, data.observed, unknown_start=True), parameters=known)
    with pytest.raises(
        ph.InputError, match=r"at the start of run 0, particles 0, 1 violate .* residual is 0\.1; give start"
    ):
        RIGID.fit(data, parameters={**known, l: 1.0})
    with pytest.raises(ph.MethodError, match="no composition of leapfrogs and would lose its order"):
        RIGID.fit(data, parameters=known, method="blanes_moan4")
    frames = {atoms: places, ph.ddot(atoms): places}
    with pytest.raises(
        ph.UnsupportedError, match=r"the constraint .* = 0 takes part in accelerations, .* fit runs in time"
    ):
        ph.Lagrangian(KINETIC + PAIRS, constraints=HELD).fit(frames, parameters={atoms.mass: MASSES})
