"""Constraints on velocities: textbook motions by the principle of Lagrange and d'Alembert, held to rounding.

Bloch is "Nonholonomic Mechanics and Control", 2nd ed.
"""

import numpy as np
import pytest
import sympy
from sympy import cos, sin, tan

import symphys as ph
from symphys.errors import InputError, MethodError, NotASymmetryError
from tests.gpu import OTHERS

x, y, z, theta, phi, psi = ph.coordinates("x y z theta phi psi")
m, g, l, R, I, J, a = ph.parameters("m g l R I J a", positive=True)
d = ph.dot
FREE = m * (d(x) ** 2 + d(y) ** 2) / 2
BOTH_WAYS = ({"dt": 0.005}, {"rtol": 1e-11})


@pytest.fixture(scope="module")
def disc():
    """An upright disc rolls without slipping: x' = R theta' cos phi, y' = R theta' sin phi (Bloch, section 1.4)."""
    spinning = I * d(theta) ** 2 / 2 + J * d(phi) ** 2 / 2
    rolling = [d(x) - R * cos(phi) * d(theta), sympy.Eq(d(y), R * sin(phi) * d(theta))]
    return ph.Lagrangian(FREE + spinning, constraints=rolling)


DISC = {m: 1.5, R: 0.5, I: 0.2, J: 0.1}
ROLLING = {x: 0.0, y: 0.0, theta: 0.0, phi: 0.0, d(x): 1.0, d(y): 0.0, d(theta): 2.0, d(phi): 0.7}


@pytest.fixture(scope="module")
def sleigh():
    """Chaplygin's sleigh: a blade at (x, y) does not move sideways, the centre of mass is a ahead of it."""
    centre = (x + a * cos(theta), y + a * sin(theta))
    kinetic = m * sum(c.diff(ph.t) ** 2 for c in centre) / 2 + I * d(theta) ** 2 / 2
    return ph.Lagrangian(kinetic, constraints=[d(y) * cos(theta) - d(x) * sin(theta)])


SLEIGH = {m: 1.0, a: 0.4, I: 0.3}


def test_equations_of_the_rolling_disc_are_those_of_the_book(disc):
    first, second = disc.multipliers
    turning = sympy.Eq(I * d(theta).diff(ph.t), -R * first * cos(phi) - R * second * sin(phi))
    assert sympy.simplify(disc.equations[1].lhs - turning.lhs) == 0
    assert sympy.simplify(disc.equations[1].rhs - turning.rhs) == 0
    assert disc.equations[2] == sympy.Eq(m * ph.ddot(x), first)
    assert {"energy", "momentum phi", "momentum theta"} <= {law.name for law in disc.conserved}


@pytest.mark.parametrize("options", BOTH_WAYS)
def test_the_disc_rolls_on_a_circle_pushed_by_its_multipliers(disc, options):
    """x = (v / phi') sin, and the floor pushes with m times the acceleration; fourth order: (0.7 * 0.005)^4 * 7."""
    run = disc.compile().run(ROLLING, DISC, (0, 10), t_eval=np.linspace(0, 10, 21), **options)
    turn = 0.7 * run.t
    np.testing.assert_allclose(run[x], np.sin(turn) / 0.7, atol=2e-9)
    np.testing.assert_allclose(run[disc.multipliers[0]], -1.5 * 0.7 * np.sin(turn), atol=2e-9)
    np.testing.assert_allclose(run[disc.multipliers[1]], 1.5 * 0.7 * np.cos(turn), atol=2e-9)
    assert run.drift["energy"] < 1e-9
    assert run.drift["momentum theta"] < 1e-9


@pytest.mark.parametrize("options", BOTH_WAYS)
def test_chaplygins_sleigh_turns_into_straight_motion(sleigh, options):
    """u = U tanh kt, omega = W sech kt, k = a W^2 / U (Bloch, section 1.7); the fixed step errs by (k h)^4 or so."""
    assert "energy" in {law.name for law in sleigh.conserved}
    W, U = 1.2, 1.2 * np.sqrt((0.3 + 0.16) / 1.0)
    k = 0.4 * W**2 / U
    start = {x: 0.0, y: 0.0, theta: 0.0, d(x): U * np.tanh(-k), d(y): 0.0, d(theta): W / np.cosh(k)}
    run = sleigh.compile().run(start, SLEIGH, (-1, 6), t_eval=np.linspace(-1, 6, 15), **options)
    np.testing.assert_allclose(run[d(theta)], W / np.cosh(k * run.t), atol=1e-9)
    forward = run[d(x)] * np.cos(run[theta]) + run[d(y)] * np.sin(run[theta])
    np.testing.assert_allclose(forward, U * np.tanh(k * run.t), atol=1e-9)
    assert run.drift["energy"] < 1e-9


@pytest.mark.parametrize("method", ["gauss4", "rk4"])
def test_a_hundred_thousand_steps_do_not_slip(sleigh, method):
    """The sideways speed is one rounded solution of one equation, at every step."""
    start = {x: 0.0, y: 0.0, theta: 0.3, d(x): np.cos(0.3), d(y): np.sin(0.3), d(theta): 2.0}
    run = sleigh.compile(method).run(start, SLEIGH, (0, 1000), dt=0.01, save_every=100)
    assert run.ok
    slip = run[d(y)] * np.cos(run[theta]) - run[d(x)] * np.sin(run[theta])
    assert np.abs(slip).max() < 8 * np.finfo(float).eps * np.hypot(run[d(x)], run[d(y)]).max()


def test_a_ball_on_a_turntable_goes_round_in_circles_of_its_own():
    """A homogeneous ball on a table that turns with W: its centre circles with 2 W / 7, and the table does work on it.

    Affine constraints x' - R w_y = -W y, y' + R w_x = W x in Euler's angles (Weltner, American Journal of Physics 47
    (1979) 984).
    """
    W = ph.parameters("W", positive=True)
    wx = d(theta) * cos(phi) + d(psi) * sin(theta) * sin(phi)
    wy = d(theta) * sin(phi) - d(psi) * sin(theta) * cos(phi)
    inertia = sympy.Rational(2, 5) * m * R**2
    turning = inertia * (d(theta) ** 2 + d(phi) ** 2 + d(psi) ** 2 + 2 * d(phi) * d(psi) * cos(theta)) / 2
    ball = ph.Lagrangian(FREE + turning, constraints=[d(x) - R * wy + W * y, d(y) + R * wx - W * x])
    assert "energy" not in {law.name for law in ball.conserved}
    start = {x: 1.0, y: 0.0, theta: 1.3, phi: 0.2, psi: 0.0, d(x): 0.1, d(y): 0.2, d(theta): 0, d(phi): 0.1, d(psi): 0}
    run = ball.compile("dop853").run(
        start, {m: 1.0, R: 0.2, W: 1.4}, (0, 4), rtol=1e-11, t_eval=np.linspace(0, 4, 9), project_initial=True
    )
    rate, place, speed = 2 * 1.4 / 7, run[x] + 1j * run[y], run[d(x)] + 1j * run[d(y)]
    expected = place[0] + speed[0] / (1j * rate) * (np.exp(1j * rate * run.t) - 1)
    np.testing.assert_allclose(place, expected, atol=1e-8)


def test_a_trailer_without_mass_follows_a_tractrix():
    """tan(psi / 2) falls as exp(-u t / l) behind a car that goes straight on, and the wheel of no weight has no force.

    The trailer's angle has no kinetic energy: only the constraint says how it moves.
    """
    wheel = d(x) * sin(psi) - d(y) * cos(psi) + l * d(psi)
    car = ph.Lagrangian(FREE + I * d(theta) ** 2 / 2, constraints=[d(x) * sin(theta) - d(y) * cos(theta), wheel])
    start = {
        x: 0.0,
        y: 0.0,
        theta: 0.0,
        psi: 1.0,
        d(x): 0.8,
        d(y): 0.0,
        d(theta): 0.0,
        d(psi): -0.8 * np.sin(1.0) / 1.5,
    }
    for options in BOTH_WAYS:
        run = car.compile().run(start, {m: 2.0, I: 0.4, l: 1.5}, (0, 5), t_eval=np.linspace(0, 5, 11), **options)
        np.testing.assert_allclose(np.tan(run[psi] / 2), np.tan(0.5) * np.exp(-0.8 * run.t / 1.5), atol=1e-9)
        np.testing.assert_allclose(run[car.multipliers[1]], 0.0, atol=1e-12)


@pytest.mark.parametrize("options", BOTH_WAYS)
def test_a_knife_edge_on_a_slope_by_constraints_of_both_kinds(options):
    """s = (g sin b / 2 w^2) sin^2 wt down the slope, and a drift across it (Bloch, section 1.6)."""
    slope, w = 0.5, 1.1
    heights = [x * sympy.Float(np.sin(slope)) + z * sympy.Float(np.cos(slope))]
    down = d(x) / sympy.Float(np.cos(slope))
    edge = [down * sin(phi) - d(y) * cos(phi)]
    kinetic = m * (d(x) ** 2 + d(y) ** 2 + d(z) ** 2) / 2 + J * d(phi) ** 2 / 2
    skate = ph.Lagrangian(kinetic - m * g * z, constraints=heights + edge)
    assert "energy" in {law.name for law in skate.conserved}
    start = {x: 0.0, y: 0.0, z: 0.0, phi: 0.0, d(x): 0.0, d(y): 0.0, d(z): 0.0, d(phi): w}
    run = skate.compile().run(start, {m: 0.8, g: 9.81, J: 0.3}, (0, 6), t_eval=np.linspace(0, 6, 13), **options)
    reach, turn = 9.81 * np.sin(slope) / (2 * w**2), w * run.t
    np.testing.assert_allclose(run[x] / np.cos(slope), reach * np.sin(turn) ** 2, atol=3e-8)
    np.testing.assert_allclose(run[y], reach * (turn - np.sin(2 * turn) / 2), atol=3e-8)
    assert np.abs(run[x] * np.sin(slope) + run[z] * np.cos(slope)).max() < 4e-15
    assert run.drift["energy"] < 1e-8


def test_an_integrable_constraint_on_velocities_is_that_of_the_rod():
    rod = ph.Lagrangian(FREE - m * g * y, constraints=[x**2 + y**2 - l**2])
    rolled = ph.Lagrangian(FREE - m * g * y, constraints=[x * d(x) + y * d(y)])
    start, times = {x: 0.8, y: -0.6, d(x): 0.0, d(y): 0.0}, np.linspace(0, 3, 7)
    one, other = (
        system.compile().run(start, {m: 0.7, g: 9.81, l: 1.0}, (0, 3), rtol=1e-11, t_eval=times)
        if system is rod
        else system.compile().run(start, {m: 0.7, g: 9.81}, (0, 3), rtol=1e-11, t_eval=times)
        for system in (rod, rolled)
    )
    np.testing.assert_allclose(one[x], other[x], atol=1e-8)
    # d(x^2 + y^2 - l^2)/dq is twice (x, y)
    np.testing.assert_allclose(2 * one[rod.multipliers[0]], other[rolled.multipliers[0]], atol=1e-7)


@pytest.mark.parametrize("backend", OTHERS)
def test_backends_agree(disc, backend):
    """The same arithmetic in another order, forty steps of it."""
    for options in ({"dt": 0.05}, {"rtol": 1e-8}):
        runs = [
            disc.compile("rk4" if "dt" in options else "dop853", backend=each).run(
                ROLLING, {**DISC, m: np.array([1.0, 2.0])}, (0, 2), t_eval=[1.0, 2.0], **options
            )
            for each in ("cpu", backend)
        ]
        for symbol in ROLLING:
            np.testing.assert_allclose(runs[0][symbol], runs[1][symbol], rtol=1e-12, atol=1e-13)


def test_cuda_source_compiles(disc):
    pytest.importorskip("cuda.bindings")
    for adaptive in (False, True):
        assert ph.check_cuda(disc.emit("cuda", adaptive=adaptive, method="dop853"))


def test_initial_velocities_are_checked_and_projected(disc):
    simulator = disc.compile()
    slipping = {**ROLLING, d(x): 1.2}
    with pytest.raises(InputError, match=r"violates the constraint .*x\(t\), t\) = 0: the residual is 0\.2"):
        simulator.run(slipping, DISC, (0, 1), dt=0.1)
    run = simulator.run(slipping, DISC, (0, 1), dt=0.1, project_initial=True)
    # the impulse s on the rim: m (x' - 1.2) = s, I (theta' - 2) = -R s, and then x' = R theta'
    s = (0.5 * 2.0 - 1.2) / (1 / 1.5 + 0.25 / 0.2)
    assert run[d(x)][0] == pytest.approx(1.2 + s / 1.5, abs=1e-15)
    assert run[d(theta)][0] == pytest.approx(2.0 - 0.5 * s / 0.2, abs=1e-15)


def test_what_is_chosen_and_what_is_refused_is_said(disc):
    text = disc.compile().explain()
    assert "2 constraints, 2 of them on velocities" in text
    assert "gauss4" in text
    with pytest.raises(MethodError, match="constraints on velocities, which no symplectic method holds"):
        disc.compile("rattle")


def test_symmetries_along_which_the_floor_does_work_give_no_laws(disc):
    assert disc.noether(ph.Symmetry({phi: 1})).name == "momentum phi"
    with pytest.raises(NotASymmetryError, match=r"force of the constraint .* does the work 1 times its multiplier"):
        disc.noether(ph.Symmetry({x: 1}))
    assert "momentum x" not in {law.name for law in disc.conserved}


def test_redundant_constraints_leave_the_motion_and_the_sum_of_forces():
    """A wall given twice: the second form of it has no share in the force, and the first carries all."""
    both = [x - l, x**2 - l**2]
    bead = ph.Lagrangian(FREE - m * g * (y + x), constraints=both)
    simulator = bead.compile()
    assert "follows from the others: -l**2 + x(t)**2 = 0; its multiplier is 0" in simulator.explain()
    run = simulator.run({x: 1.5, y: 0.0, d(x): 0.0, d(y): 0.0}, {m: 2.0, g: 9.81, l: 1.5}, (0, 1), dt=0.1)
    np.testing.assert_allclose(run[bead.multipliers[0]], 2.0 * 9.81, rtol=1e-14)
    np.testing.assert_array_equal(run[bead.multipliers[1]], 0.0)
    state = {x: 1.5, y: 0.0, d(x): 0.0, d(y): 0.0}
    assert bead.evaluate(bead.multipliers[1], state, {m: 2.0, g: 9.81, l: 1.5}, backend="reference") == 0.0


def test_a_slope_whose_angle_is_driven(disc):
    """An affine constraint with explicit time: y' = x' tan b(t) moves as the free part along the slope tells."""
    w = ph.parameters("w", positive=True)
    edge = ph.Lagrangian(FREE, constraints=[d(y) - d(x) * tan(w * ph.t)])
    times = np.linspace(0, 1, 5)
    run = edge.compile().run({x: 0, y: 0, d(x): 1.0, d(y): 0}, {m: 0.5, w: 1.2}, (0, 1), rtol=1e-11, t_eval=times)
    # no force along the blade: the speed stays 1 while the blade turns
    np.testing.assert_allclose(run[x], np.sin(1.2 * times) / 1.2, atol=1e-9)
    assert run.drift["energy"] < 1e-9
