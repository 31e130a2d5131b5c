"""Constrained systems run: against the same systems in free coordinates, to the rounding of the constraints."""

import numpy as np
import pytest
from sympy import cos, sin

import symphys as ph
from symphys.errors import InputError, MethodError
from tests.gpu import OTHERS

x, y, z = ph.coordinates("x y z")
m, g, l, w = ph.parameters("m g l w", positive=True)
vx, vy, vz = ph.dot(x), ph.dot(y), ph.dot(z)
FREE = m * (vx**2 + vy**2) / 2
ROD = x**2 + y**2 - l**2
VALUES = {m: 0.7, g: 9.81, l: 1.3}
ANGLE = 1.2
START = {x: 1.3 * np.sin(ANGLE), y: -1.3 * np.cos(ANGLE), vx: 0.0, vy: 0.0}


@pytest.fixture(scope="module")
def rod():
    return ph.Lagrangian(FREE - m * g * y, constraints=[ROD])


@pytest.fixture(scope="module")
def swing():
    """The same pendulum by its angle, at the rounding of a Taylor series."""
    a = ph.coordinates("a")
    pendulum = ph.Lagrangian(m * l**2 * ph.dot(a) ** 2 / 2 + m * g * l * cos(a))
    times = np.linspace(0.0, 4.0, 41)
    run = pendulum.compile("taylor").run({a: ANGLE, ph.dot(a): 0.0}, VALUES, (0, 4), rtol=1e-14, t_eval=times)
    return times, run[a], run[ph.dot(a)]


def residual(run):
    """The largest violations of the rod and of its rate, by their largest terms."""
    position = np.abs(run[x] ** 2 + run[y] ** 2 - 1.3**2).max() / 1.3**2
    rate = np.abs(run[x] * run[vx] + run[y] * run[vy]).max()
    return position, rate / (1.3 * np.hypot(run[vx], run[vy]).max())


@pytest.mark.parametrize("method", ["dop853", "tsit5", "taylor"])
def test_adaptive_runs_agree_with_the_angle(rod, swing, method):
    """Local errors of 1e-11 over 41 samples stay below 1e-8; samples between steps obey the rod to rounding, too."""
    times, angle, rate = swing
    run = rod.compile(method).run(START, VALUES, (0, 4), rtol=1e-11, t_eval=times)
    assert run.ok
    np.testing.assert_allclose(run[x], 1.3 * np.sin(angle), atol=1e-8)
    np.testing.assert_allclose(run[vy], 1.3 * np.sin(angle) * rate, atol=3e-8)
    assert max(residual(run)) < 1e-14


def test_automatic_choices_say_that_the_system_is_constrained(rod):
    simulator = rod.compile()
    text = simulator.explain()
    assert "constrained (1 constraint" in text
    assert "rattle" in text
    rubbed = ph.Lagrangian(FREE - m * g * y, constraints=[ROD], dissipation=w * (vx**2 + vy**2) / 2)
    assert "rk4" in rubbed.compile().explain()


@pytest.mark.parametrize(("method", "order"), [("rattle", 2), ("rattle4", 4), ("gauss4", 4), ("rk4", 4)])
def test_errors_fall_with_the_order_and_the_rod_holds_at_every_step(rod, swing, method, order):
    """Halving the step divides the error by 2^order, to the tenth that higher terms of the series leave."""
    times, angle, _ = swing
    simulator = rod.compile(method)
    errors = []
    for dt in (0.02, 0.01):
        run = simulator.run(START, VALUES, (0, 4), dt=dt, t_eval=times)
        errors.append(np.abs(run[x] - 1.3 * np.sin(angle)).max())
        assert max(residual(run)) < 1e-14
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.15)


@pytest.mark.parametrize("method", ["rattle", "rattle4"])
def test_rattle_returns_where_it_came_from(rod, method):
    """Symmetric: 200 steps forward and back differ by rounding alone, 1e-16 a step and its growth."""
    simulator = rod.compile(method)
    there = simulator.run(START, VALUES, (0, 4), dt=0.02, save_every=200)
    end = {s: there[s][-1] for s in START}
    back = simulator.run(end, VALUES, (4, 0), dt=0.02, save_every=200)
    for symbol, value in START.items():
        assert back[symbol][-1] == pytest.approx(value, abs=1e-12)


def test_a_hundred_thousand_steps_hold_the_rod_and_bound_the_energy(rod):
    """Symplectic: the energy error of O(h^2) does not grow; the rod is kept to the rounding of its terms."""
    simulator = rod.compile("rattle")
    run = simulator.run(START, VALUES, (0, 1000), dt=0.01, save_every=500)
    short = simulator.run(START, VALUES, (0, 10), dt=0.01)
    assert run.ok
    assert max(residual(run)) < 1e-14
    assert run.drift["energy"] < 1.2 * short.drift["energy"] < 1e-3


def test_the_multiplier_is_the_tension(rod, swing):
    """2 lambda r = -T with T = m (l a'^2 + g cos a), whatever the method and at every saved time."""
    times, angle, rate = swing
    tension = 0.7 * (1.3 * rate**2 + 9.81 * np.cos(angle))
    (multiplier,) = rod.multipliers
    run = rod.compile().run(START, VALUES, (0, 4), rtol=1e-11, t_eval=times)
    np.testing.assert_allclose(-2 * 1.3 * run[multiplier], tension, atol=1e-6)
    assert run.multipliers[multiplier] is run[multiplier]


def test_initial_states_off_the_rod_are_refused_by_residual_or_projected(rod):
    simulator = rod.compile()
    with pytest.raises(
        InputError, match=r"violates the constraint .*x\(t\)\*\*2.* = 0: .*-0\.69.*project_initial=True"
    ):
        simulator.run({**START, x: 1.0, y: 0.0}, VALUES, (0, 1), dt=0.01)
    with pytest.raises(InputError, match=r"moves off the constraint .*project_initial=True"):
        simulator.run({**START, vx: 1.0}, VALUES, (0, 1), dt=0.01)
    run = simulator.run({**START, x: 2.0, y: 0.0, vx: 1.0, vy: 3.0}, VALUES, (0, 1), dt=0.01, project_initial=True)
    assert run[x][0] == pytest.approx(1.3, abs=1e-15)
    assert run[vx][0] == pytest.approx(0.0, abs=1e-15)
    assert run[vy][0] == pytest.approx(3.0, abs=1e-15)
    with pytest.raises(InputError, match="could not be projected"):
        simulator.run({**START, x: 0.0, y: 0.0}, VALUES, (0, 1), dt=0.01, project_initial=True)


@pytest.mark.parametrize("method", ["rattle", "dop853"])
def test_ensembles_with_their_own_rods(rod, method):
    lengths = np.array([0.5, 1.0, 1.5, 2.0, 3.0])
    start = {x: lengths * np.sin(ANGLE), y: -lengths * np.cos(ANGLE), vx: 0.0, vy: 0.0}
    options = {"dt": 0.01} if method == "rattle" else {"rtol": 1e-9}
    simulator = rod.compile(method)
    run = simulator.run(start, {**VALUES, l: lengths}, (0, 2), t_eval=np.linspace(0, 2, 5), **options)
    assert run.ok.all()
    np.testing.assert_allclose(np.hypot(run[x], run[y]), np.repeat(lengths[:, None], 5, 1), rtol=1e-14)
    one = simulator.run({s: v[2] if np.ndim(v) else v for s, v in start.items()}, {**VALUES, l: 1.5}, (0, 2),
                        t_eval=np.linspace(0, 2, 5), **options)  # fmt: skip
    np.testing.assert_allclose(run[x][2], one[x], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(run[rod.multipliers[0]][2], one[rod.multipliers[0]], rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("backend", OTHERS)
@pytest.mark.parametrize("method", ["rattle", "dop853", "gauss4"])
def test_backends_agree(rod, method, backend):
    """The same arithmetic in another order: a few units in the last place a step over twenty steps."""
    options = {"rtol": 1e-8} if method == "dop853" else {"dt": 0.02}
    runs = [
        rod.compile(method, backend=each).run(START, VALUES, (0, 0.4), t_eval=[0.2, 0.4], **options)
        for each in ("cpu", backend)
    ]
    for symbol in START:
        np.testing.assert_allclose(runs[0][symbol], runs[1][symbol], rtol=1e-11, atol=1e-11)


def test_single_precision_holds_the_rod_to_its_own_rounding(rod):
    run = rod.compile(dtype="float32").run(START, VALUES, (0, 2), dt=0.01)
    assert run.ok
    assert max(residual(run)) < 32 * np.finfo(np.float32).eps


def test_a_double_pendulum_of_rods_moves_as_the_one_of_angles():
    a, b = ph.coordinates("a b")
    u, v = ph.coordinates("u v")
    kinetic = m * (vx**2 + vy**2 + ph.dot(u) ** 2 + ph.dot(v) ** 2) / 2
    rods = ph.Lagrangian(kinetic - m * g * (y + v), constraints=[ROD, (u - x) ** 2 + (v - y) ** 2 - l**2])
    px, py = l * sin(a), -l * cos(a)
    qx, qy = px + l * sin(b), py - l * cos(b)
    speeds = sum(p.diff(ph.t) ** 2 for p in (px, py, qx, qy))
    angles = ph.Lagrangian(m * speeds / 2 - m * g * (py + qy))
    times = np.linspace(0.0, 2.0, 9)
    free = angles.compile("dop853").run(
        {a: 0.9, b: 1.4, ph.dot(a): 0.0, ph.dot(b): 0.0}, VALUES, (0, 2), rtol=1e-12, t_eval=times
    )
    start = {x: 1.3 * np.sin(0.9), y: -1.3 * np.cos(0.9)}
    start |= {u: start[x] + 1.3 * np.sin(1.4), v: start[y] - 1.3 * np.cos(1.4)}
    start |= {ph.dot(s): 0.0 for s in (x, y, u, v)}
    held = rods.compile("dop853").run(start, VALUES, (0, 2), rtol=1e-12, t_eval=times)
    np.testing.assert_allclose(held[x], 1.3 * np.sin(free[a]), atol=1e-9)
    np.testing.assert_allclose(held[u], 1.3 * (np.sin(free[a]) + np.sin(free[b])), atol=1e-9)
    stepped = rods.compile().run(start, VALUES, (0, 2), dt=1e-3, t_eval=times)
    assert np.abs(np.hypot(stepped[u] - stepped[x], stepped[v] - stepped[y]) - 1.3).max() < 1e-14
    np.testing.assert_allclose(stepped[x], held[x], atol=1e-4)


def test_a_particle_on_a_sphere_keeps_energy_and_spin():
    ball = ph.Lagrangian(m * (vx**2 + vy**2 + vz**2) / 2 - m * g * z, constraints=[x**2 + y**2 + z**2 - l**2])
    assert {"energy", "angular momentum z"} <= {law.name for law in ball.conserved}
    start = {x: 1.3, y: 0.0, z: 0.0, vx: 0.0, vy: 1.0, vz: 0.5}
    run = ball.compile().run(start, VALUES, (0, 20), dt=0.01)
    assert run.drift["angular momentum z"] < 1e-12  # exact for RATTLE, up to 2000 steps of rounding
    assert run.drift["energy"] < 1e-3


@pytest.mark.everywhere
def test_atwoods_machine():
    """Two masses on one string: x'' = g (m2 - m1) / (m1 + m2) with x upward, tension 2 g m1 m2 / (m1 + m2)."""
    m1, m2 = ph.parameters("m1 m2", positive=True)
    machine = ph.Lagrangian((m1 * vx**2 + m2 * vy**2) / 2 - g * (m1 * x + m2 * y), constraints=[x + y])
    values = {m1: 1.0, m2: 3.0, g: 9.81}
    for options in ({"dt": 0.01}, {"rtol": 1e-10}):
        run = machine.compile().run({x: 0.0, y: 0.0, vx: 0.0, vy: 0.0}, values, (0, 2), **options)
        assert run[x][-1] == pytest.approx(9.81 / 2 * 2.0**2 / 2, rel=1e-12)
        np.testing.assert_allclose(run[machine.multipliers[0]], 2 * 9.81 * 3 / 4, rtol=1e-12)


@pytest.mark.parametrize("options", [{"dt": 1e-3}, {"rtol": 1e-11}])
def test_a_bead_on_a_rotating_wire(options):
    """The wire y cos wt = x sin wt turns; at rest on it at r = 1, r = cosh wt, and the wire pushes with 2 m w r'."""
    bead = ph.Lagrangian(FREE, constraints=[y * cos(w * ph.t) - x * sin(w * ph.t)])
    times = np.linspace(0.0, 2.0, 11)
    run = bead.compile().run({x: 1.0, y: 0.0, vx: 0.0, vy: 1.5}, {m: 0.7, w: 1.5}, (0, 2), t_eval=times, **options)
    turn = 1.5 * times
    np.testing.assert_allclose(np.hypot(run[x], run[y]), np.cosh(turn), rtol=1e-5 if "dt" in options else 1e-8)
    assert np.abs(run[y] * np.cos(turn) - run[x] * np.sin(turn)).max() < 2e-15 * np.cosh(3.0)
    force = 2 * 0.7 * 1.5 * 1.5 * np.sinh(turn)
    np.testing.assert_allclose(run[bead.multipliers[0]], force, atol=1e-4 if "dt" in options else 1e-7)


def test_a_pivot_that_a_signal_moves():
    """x = u(t) given from outside: the multiplier is the force m u'' that the signal needs."""
    u = ph.input_signal("u")
    driven = ph.Lagrangian(FREE - m * g * y, constraints=[x - u])
    values = {m: 0.7, g: 9.81, u: lambda t: np.sin(2 * t)}
    run = driven.compile("dop853").run({x: 0.0, y: 0.0, vx: 2.0, vy: 0.0}, values, (0, 1), rtol=1e-9)
    np.testing.assert_allclose(run[x], np.sin(2 * run.t), atol=1e-9)
    np.testing.assert_allclose(run[driven.multipliers[0]], -4 * 0.7 * np.sin(2 * run.t), atol=1e-5)


def test_events_are_found_on_the_rod(rod):
    run = rod.compile().run(START, VALUES, (0, 4), dt=0.01, events=ph.Event(x))
    crossing = run.events[0]
    assert crossing.count >= 2
    np.testing.assert_allclose(crossing[y], -1.3, rtol=1e-9)


def test_results_with_multipliers_are_saved_and_read(rod, tmp_path):
    run = rod.compile().run(START, VALUES, (0, 1), dt=0.1)
    run.save(tmp_path / "rod.npz")
    again = ph.Result.load(tmp_path / "rod.npz")
    np.testing.assert_array_equal(again[rod.multipliers[0]], run[rod.multipliers[0]])


@pytest.mark.parametrize("method", ["verlet", "radau"])
def test_methods_that_hold_no_constraints_are_refused(rod, method):
    with pytest.raises(MethodError, match="does not hold constraints"):
        rod.compile(method)


def test_rattle_is_refused_where_it_does_not_suit(rod):
    with pytest.raises(MethodError, match="has no constraints"):
        ph.Lagrangian(FREE - m * g * y).compile("rattle")
    with pytest.raises(MethodError, match="forces depend on the velocities"):
        ph.Lagrangian(FREE, constraints=[ROD], dissipation=w * vx**2).compile("rattle")
