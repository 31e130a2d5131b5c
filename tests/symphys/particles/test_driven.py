"""Forces that depend on the time: driven traps, pistons, strengths that change, and fields that come with a change."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sympy import Max, Rational, cos, exp, sin

import symphys as ph

t = ph.t
k, w, E = ph.parameters("k w E", positive=True)
s = ph.parameters("s", real=True)
rng = np.random.default_rng(8)
VALUES = {k: 1.2, w: 2.3, E: 0.4}


def charges(dim: int = 2) -> Any:
    return ph.particles("r", dim=dim, attributes=("charge",))


def kinetic(atoms: Any) -> Any:
    return atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2)


def trap(place: Any, charge: Any) -> Any:
    """A trap that breathes, an electric field that alternates, and a piston that presses from the left."""
    x, y = place
    piston = 10 * Max(cos(w * t) / 4 - Rational(3, 5) - x, 0) ** 2
    return k * (1 + cos(w * t) / 2) * (x**2 + 2 * y**2) / 2 - charge * E * cos(w * t) * x + piston


@pytest.mark.parametrize("method", ["verlet", "yoshida4", "srkn11_6", "aba864"])
def test_a_driven_particle_is_that_of_a_lagrangian_in_coordinates(method: str) -> None:
    """One splitting on both roads: 60 steps of a few dozen roundings."""
    atoms = charges()
    system = ph.Lagrangian(kinetic(atoms) - atoms.sum(lambda a: trap(a.position, atoms.charge(a))))
    x, y = ph.coordinates("x y")
    alone = ph.Lagrangian(1.3 * (ph.dot(x) ** 2 + ph.dot(y) ** 2) / 2 - trap((x, y), 0.7))
    start = {atoms: [[1.0, 0.5]], ph.dot(atoms): [[0.1, -0.3]]}
    span = {"t_span": (0.5, 6.5), "dt": 0.1, "save_every": 1}
    run = system.compile(method).run(start, {atoms.mass: 1.3, atoms.charge: 0.7, **VALUES}, **span)
    wanted = alone.compile(method).run({x: 1.0, y: 0.5, ph.dot(x): 0.1, ph.dot(y): -0.3}, VALUES, **span)
    assert (np.cos(2.3 * run.t) / 4 - 0.6 - run[atoms][:, 0, 0]).max() > 0.01  # the piston is met
    for axis, q in enumerate((x, y)):
        assert run[atoms][:, 0, axis] == pytest.approx(wanted[q], abs=1e-13)
        assert run[ph.dot(atoms)][:, 0, axis] == pytest.approx(wanted[ph.dot(q)], abs=1e-13)


@pytest.mark.parametrize(("method", "order"), [("verlet", 2), ("yoshida4", 4)])
def test_the_order_is_kept(method: str, order: int) -> None:
    atoms = charges()
    system = ph.Lagrangian(kinetic(atoms) - atoms.pairs(lambda a, b: k * (2 + sin(w * t)) * a.distance(b) ** 4 / 4))
    places, rates = rng.normal(size=(2, 3, 2))

    def end(dt: float) -> NDArray[np.float64]:
        run = system.compile(method).run({atoms: places, ph.dot(atoms): rates}, given, (0, 2), dt=dt, t_eval=[2])
        return np.asarray(run[atoms][-1])

    given = {atoms.mass: 1.0, k: 0.3, w: 2.3}
    ends = [end(2.0 / n) for n in (100, 200, 400)]
    assert np.log2(np.abs(ends[0] - ends[1]).max() / np.abs(ends[1] - ends[2]).max()) == pytest.approx(order, abs=0.15)


def test_what_is_conserved_and_what_is_not() -> None:
    """Strengths of pairs that change keep momenta, not the energy; the potential counts as it is at that time."""
    atoms = charges(3)
    system = ph.Lagrangian(kinetic(atoms) - atoms.pairs(lambda a, b: k * (2 + sin(w * t)) * a.distance(b) ** 2 / 2))
    assert [law.name for law in system.conserved] == ["momentum", "angular momentum"]
    driven = ph.Lagrangian(kinetic(atoms) - atoms.sum(lambda a: E * cos(w * t) * a.position[0]))
    assert driven.conserved == ()
    assert "cos(t*w)" in str(driven.equations[0])
    places, rates = rng.normal(size=(6, 5, 3)), rng.normal(size=(6, 5, 3))  # six runs as lanes
    given = {atoms.mass: 1.0, k: 0.3, w: 2.3}
    run = system.compile().run({atoms: places, ph.dot(atoms): rates}, given, (0, 2), dt=0.01, save_every=50)
    assert sorted(run.drift) == ["angular momentum", "momentum"]
    assert max(np.max(drift) for drift in run.drift.values()) < 1e-13
    apart = run[atoms][..., :, None, :] - run[atoms][..., None, :, :]
    potential = 0.3 * (2 + np.sin(2.3 * run.t)) * (apart**2).sum((-1, -2, -3)) / 4
    assert run.totals["potential"] == pytest.approx(potential, rel=1e-13)
    assert np.ptp(run.energy, axis=-1).min() > 0.1


def bound(atoms: Any, strength: Any, others: Any) -> Any:
    """Embedded atoms, pairs and a list, each with a strength that may change."""
    seen = atoms.sum(lambda a: strength * atoms.environment(a, weight=lambda r: exp(-(r**2)) * others) ** 2)
    pairs = atoms.pairs(lambda a, b: strength * exp(-2 * a.distance(b) ** 2))
    listed = atoms.pairs(lambda a, b: strength * (a.distance(b) - 1) ** 2, along=[[0, 1], [4, 2]])
    return ph.Lagrangian(kinetic(atoms) - seen - pairs - listed)


@pytest.mark.parametrize("count", [9, 320])
def test_a_step_meets_forces_where_and_when_it_is(count: int) -> None:
    """v_1 = v_0 + h (F(r_0, t_0) + F(r_1, t_1)) / 2: forward with the first force, and back with the second one.

    Nine particles look at everyone, 320 at lists of neighbours.
    """
    atoms = charges(3)
    moving, still = bound(atoms, 1 + t**2, cos(t)), bound(atoms, 1 + s**2, cos(s))
    side = round(count ** (1 / 3) + 0.5)
    places = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1).reshape(-1, 3)[:count] * 1.0
    places += rng.uniform(-0.2, 0.2, places.shape)
    rates, inside = rng.normal(size=places.shape), {"box": [side + 1.0] * 3, "cutoff": 2.5, "smoothing": "switch"}
    start, given = {atoms: places, ph.dot(atoms): rates}, {atoms.mass: 1.0}
    run = moving.compile(**inside).run(start, given, (0.3, 0.5), dt=0.2)
    fixed = still.compile(**inside)
    ahead = fixed.run(start, {**given, s: 0.3}, (0, 0.2), dt=0.2)
    assert np.abs(run[atoms][-1] - ahead[atoms][-1]).max() < 1e-14
    end = {atoms: run[atoms][-1], ph.dot(atoms): run[ph.dot(atoms)][-1]}
    back = fixed.run(end, {**given, s: 0.5}, (0.2, 0), dt=0.2)
    assert np.abs(back[atoms][-1] - places).max() < 1e-13
    assert np.abs(back[ph.dot(atoms)][-1] - rates).max() > 1e-2


@pytest.mark.parametrize("mesh", [False, True])
def test_a_sum_over_all_images_with_a_strength_that_changes(mesh: bool) -> None:
    """The same two halves of a step, with charges in a box."""
    atoms = charges(3)
    pair = {h: kinetic(atoms) - atoms.pairs(lambda a, b, h=h: h * atoms.charge(a) * atoms.charge(b) / a.distance(b))
            for h in (1 + t, s)}  # fmt: skip
    places = np.stack(np.meshgrid(*[np.arange(2)] * 3, indexing="ij"), -1).reshape(-1, 3) + rng.normal(0, 0.1, (8, 3))
    start = {atoms: places, ph.dot(atoms): 0 * places}
    given = {atoms.mass: 1.0, atoms.charge: np.array([1.0, -1] * 4)}
    moving, still = (
        ph.Lagrangian(L).compile(box=[2.2] * 3, cutoff=1.05, long_range=ph.Ewald(accuracy=1e-8, mesh=mesh))
        for L in pair.values()
    )
    run = moving.run(start, given, (1.0, 1.2), dt=0.2)
    ahead = still.run(start, {**given, s: 2.0}, (0, 0.2), dt=0.2)
    assert np.abs(run[atoms][-1] - ahead[atoms][-1]).max() < 1e-13
    end = {atoms: run[atoms][-1], ph.dot(atoms): run[ph.dot(atoms)][-1]}
    back = still.run(end, {**given, s: 2.2}, (0.2, 0), dt=0.2)
    assert np.abs(back[atoms][-1] - places).max() < 1e-13
    mixed = kinetic(atoms) - atoms.pairs(
        lambda a, b: (1 + t * atoms.charge(a)) * (1 + t * atoms.charge(b)) / a.distance(b)
    )
    with pytest.raises(ph.UnsupportedError, match="is no product of a number of each particle"):
        ph.Lagrangian(mixed).compile(box=[2.2] * 3, cutoff=1.05, long_range="ewald")


def test_a_magnetic_field_that_grows_pushes_along_as_well() -> None:
    """A = B(t) (-y, x) / 2: the turn and -dA/dt, against coordinates; of second order."""
    atoms = charges()
    growing = 1 + sin(w * t) / 2
    field = atoms.sum(
        lambda a: atoms.charge(a) * growing * (a.position[0] * a.velocity[1] - a.position[1] * a.velocity[0]) / 2
    )
    system = ph.Lagrangian(kinetic(atoms) + field - atoms.sum(lambda a: k * a.position.dot(a.position) / 2))
    assert system.conserved == ()
    assert system.parameters == (k, w)
    x, y = ph.coordinates("x y")
    free = 1.3 * (ph.dot(x) ** 2 + ph.dot(y) ** 2) / 2 - k * (x**2 + y**2) / 2
    alone = ph.Lagrangian(free + 0.7 * growing * (x * ph.dot(y) - y * ph.dot(x)) / 2)
    given = {k: 1.2, w: 2.3}
    exact = alone.compile("dop853").run({x: 1.0, y: 0.5, ph.dot(x): 0.1, ph.dot(y): -0.3}, given, (0, 3), rtol=1e-11)
    start = {atoms: [[1.0, 0.5]], ph.dot(atoms): [[0.1, -0.3]]}
    errors = []
    for dt in (0.02, 0.01):
        run = system.compile().run(start, {atoms.mass: 1.3, atoms.charge: 0.7, **given}, (0, 3), dt=dt, t_eval=[3])
        errors.append(max(abs(run[atoms][-1, 0, axis] - exact[q][-1]) for axis, q in enumerate((x, y))))
    assert errors[1] < 1e-4
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.1)


def test_a_field_that_is_the_same_everywhere_only_pushes() -> None:
    """L = m v^2 / 2 + q A(t) v_x keeps m v_x + q A."""
    atoms = charges(3)
    system = ph.Lagrangian(kinetic(atoms) + atoms.sum(lambda a: atoms.charge(a) * E * sin(w * t) * a.velocity[0]))
    assert system.dynamics.turning == ()
    run = system.compile().run(
        {atoms: np.zeros((2, 3)), ph.dot(atoms): np.zeros((2, 3))},
        {atoms.mass: 2.0, atoms.charge: [1.0, -3.0], E: 0.4, w: 2.3},
        (0, 1),
        dt=1e-3,
        save_every=100,
    )
    kept = 2.0 * run[ph.dot(atoms)][..., 0] + np.array([1.0, -3.0]) * 0.4 * np.sin(2.3 * run.t[:, None])
    assert np.abs(kept).max() < 1e-5


def test_frames_know_no_time() -> None:
    atoms = charges()
    driven = ph.Lagrangian(kinetic(atoms) - atoms.sum(lambda a: k * cos(t) * a.position.dot(a.position)))
    frames = {atoms: np.zeros((2, 3, 2)), ph.ddot(atoms): np.zeros((2, 3, 2))}
    with pytest.raises(ph.UnsupportedError, match=r"forces on r depend on the time, and frames .* fit runs in time"):
        driven.fit(frames, parameters={atoms.mass: 1.0})


def test_agents_whose_losses_change() -> None:
    """What draws agents together grows with the time: d'' = -2 t d of the displacement between two."""
    atoms = ph.particles("r", dim=1, species=("A",))
    agents = ph.LearningDynamics(atoms, {"A": atoms.environment("A", weight=lambda r: t * r**2 / 2)})
    start = {atoms: [[-1.0], [1.0]], ph.dot(atoms): [[0.0], [0.0]]}
    run = agents.compile().run(start, {atoms.mass: 1.0}, (0, 1), dt=0.005, t_eval=[1], species=["A", "A"])
    d = ph.coordinates("d")
    pair = ph.Lagrangian(ph.dot(d) ** 2 / 2 - t * d**2)
    exact = pair.compile("dop853").run({d: 2.0, ph.dot(d): 0.0}, {}, (0, 1), rtol=1e-10)
    assert run[atoms][-1, 1, 0] - run[atoms][-1, 0, 0] == pytest.approx(float(exact[d][-1]), abs=1e-4)
