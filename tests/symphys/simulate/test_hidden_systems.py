"""Systems of the same kinds that nothing was built for, each against its textbook result."""

import numpy as np
import pytest
import sympy
from sympy import cos, sin, sqrt

import symphys as ph

x, y, z, theta, phi, psi = ph.coordinates("x y z theta phi psi")
m, M, g, l, R, w, k, c, B, q = ph.parameters("m M g l R w k c B q", positive=True)
d, t = ph.dot, ph.t


def laws(system):
    return {law.name for law in system.conserved}


def test_a_bead_on_a_hoop_that_turns():
    """Goldstein, exercise 2.18: beyond w^2 = g / R the bead rests at cos theta = g / (R w^2), and swings about it."""
    place = (R * sin(theta) * cos(w * t), R * sin(theta) * sin(w * t), -R * cos(theta))
    bead = ph.Lagrangian(m * sum(s.diff(t) ** 2 for s in place) / 2 - m * g * place[2])
    assert laws(bead) == {"energy"}  # Jacobi's integral, not the energy in the room
    values = {m: 0.3, g: 9.81, R: 0.5, w: 6.0}
    rest = np.arccos(9.81 / (0.5 * 36.0))
    modes = bead.normal_modes({theta: rest}, values)
    assert modes.frequencies[0] == pytest.approx(6.0 * np.sin(rest), rel=1e-9)
    assert not bead.linearise({theta: 0.0}, values).stable


def test_the_same_bead_held_by_constraints():
    """In Cartesian coordinates, the hoop turning: the same motion, and the hoop does the work that Jacobi's lacks."""
    kinetic = m * (d(x) ** 2 + d(y) ** 2 + d(z) ** 2) / 2
    hoop = [x**2 + y**2 + z**2 - R**2, y * cos(w * t) - x * sin(w * t)]
    held = ph.Lagrangian(kinetic - m * g * z, constraints=hoop)
    place = (R * sin(theta) * cos(w * t), R * sin(theta) * sin(w * t), -R * cos(theta))
    free = ph.Lagrangian(m * sum(s.diff(t) ** 2 for s in place) / 2 - m * g * place[2])
    values, times = {m: 0.3, g: 9.81, R: 0.5, w: 6.0}, np.linspace(0, 2, 11)
    angle = free.compile("tsit5").run({theta: 0.6, d(theta): 0.0}, values, (0, 2), rtol=1e-11, t_eval=times)
    start = {x: 0.5 * np.sin(0.6), y: 0.0, z: -0.5 * np.cos(0.6), d(x): 0.0, d(y): 3.0 * np.sin(0.6), d(z): 0.0}
    run = held.compile("tsit5").run(start, values, (0, 2), rtol=1e-10, t_eval=times)
    np.testing.assert_allclose(run[z], -0.5 * np.cos(angle[theta]), atol=1e-8)
    assert run.drift["energy balance"] < 1e-9
    assert "energy" not in run.drift
    jacobi = angle[d(theta)] ** 2 - 36.0 * np.sin(angle[theta]) ** 2 - 2 * 9.81 / 0.5 * np.cos(angle[theta])
    assert np.ptp(jacobi) < 1e-8


@pytest.mark.parametrize("method", ["rattle", "gauss4"])
def test_rods_of_a_double_pendulum_hold_for_a_hundred_thousand_steps(method):
    """Both rods to the rounding of their terms, positions and velocities, at every thousandth step."""
    u, v = ph.coordinates("u v")
    kinetic = m * (d(x) ** 2 + d(y) ** 2 + d(u) ** 2 + d(v) ** 2) / 2
    rods = [x**2 + y**2 - l**2, (u - x) ** 2 + (v - y) ** 2 - l**2]
    pendulum = ph.Lagrangian(kinetic - m * g * (y + v), constraints=rods)
    start = {x: 1.0, y: 0.0, u: 1.0, v: 1.0, **{d(s): 0.0 for s in (x, y, u, v)}}
    run = pendulum.compile(method).run(start, {m: 1.0, g: 1.0, l: 1.0}, (0, 1000), dt=0.01, save_every=1000)
    assert run.ok
    a, b = run[u] - run[x], run[v] - run[y]
    ra, rb = run[d(u)] - run[d(x)], run[d(v)] - run[d(y)]
    assert np.abs(run[x] ** 2 + run[y] ** 2 - 1).max() < 8 * 2.0**-52
    assert np.abs(a**2 + b**2 - 1).max() < 32 * 2.0**-52  # differences of numbers up to 2
    speed = max(np.hypot(run[d(u)], run[d(v)]).max(), 1.0)
    assert np.abs(run[x] * run[d(x)] + run[y] * run[d(y)]).max() < 16 * 2.0**-52 * speed
    assert np.abs(a * ra + b * rb).max() < 32 * 2.0**-52 * speed
    assert run.drift["energy"] < (1e-3 if method == "rattle" else 1e-4)


def test_a_double_atwood_machine_with_strings_as_constraints():
    """Goldstein, exercise 1.18: masses 4 | (2 | 1) over massless pulleys; g_eff and tensions by Newton.

    The mass of the movable pulley is 0: only the strings say how it moves. a_4 = (4 - mu) g / (4 + mu), mu = 8 / 3.
    """
    a, b, e, r = ph.coordinates("a b e r")  # heights of the masses 4, 2, 1 and of the movable pulley
    lagrangian = (4 * d(a) ** 2 + 2 * d(b) ** 2 + d(e) ** 2) / 2 - g * (4 * a + 2 * b + e)
    machine = ph.Lagrangian(lagrangian, constraints=[a + r, b + e - 2 * r])
    assert "energy" in laws(machine)
    start = dict.fromkeys((a, b, e, r, d(a), d(b), d(e), d(r)), 0.0)
    mu = 4 * 2 * 1 / (2 + 1)
    down = (4 - mu) / (4 + mu) * 9.81
    for options in ({"dt": 0.01}, {"rtol": 1e-10}):
        run = machine.compile().run(start, {g: 9.81}, (0, 1), **options)
        assert run[a][-1] == pytest.approx(-down / 2, rel=1e-10)
        relative = (2 - 1) / (2 + 1) * (9.81 + down)
        assert run[b][-1] == pytest.approx((down - relative) / 2, rel=1e-10)
        # the upper string carries twice the lower one
        upper, lower = (run[symbol] for symbol in machine.multipliers)
        np.testing.assert_allclose(upper, 4 * (9.81 - down), rtol=1e-9)
        np.testing.assert_allclose(upper, 2 * lower, rtol=1e-9)


def test_a_particle_in_a_plane_wave():
    """V(x - ct): neither energy nor momentum is kept, but energy - c momentum, and it is watched (Galilei)."""
    wave = ph.Lagrangian(m * (d(x) ** 2 + d(y) ** 2) / 2 - k * cos(x - c * t))
    (both,) = [law for law in wave.conserved if law.name == "energy and momentum x"]
    energy = m * (d(x) ** 2 + d(y) ** 2) / 2 + k * cos(x - c * t)
    ratio = sympy.simplify(both.expression / (energy - c * m * d(x)))
    assert ratio.is_number or ratio.free_symbols <= {c}
    run = wave.compile().run({x: 0.3, y: 0.0, d(x): 0.5, d(y): 0.2}, {m: 1.0, k: 0.4, c: 0.7}, (0, 30), rtol=1e-10)
    assert run.drift["energy and momentum x"] < 1e-8
    assert np.ptp(run.ledger.energy) > 0.1
    assert run.drift["energy balance"] < 1e-8


def test_magnetic_translations():
    """In any gauge: p_x + q B y and p_y - q B x (symmetric gauge: half of each) are kept; their bracket is q B."""
    charge = ph.Lagrangian(m * (d(x) ** 2 + d(y) ** 2) / 2 + q * B * (x * d(y) - y * d(x)) / 2)
    expected = (m * d(x) - q * B * y, m * d(y) + q * B * x)
    found = [law.expression for law in charge.conserved if law.name in ("momentum x", "momentum y")]
    for law, wanted in zip(found, expected, strict=True):
        assert sympy.simplify(law / wanted).is_number
    boundary = charge.noether(ph.Symmetry({x: 1}, boundary=q * B * y / 2))
    assert sympy.simplify(boundary.expression - expected[0]) == 0
    H = charge.hamiltonian
    p_x, p_y = H.momenta
    pi_x, pi_y = p_x - q * B * y / 2, p_y + q * B * x / 2
    assert sympy.simplify(H.bracket(pi_x, pi_y)) in (q * B, -q * B)
    values = {m: 1.0, q: 1.5, B: 2.0}
    run = charge.compile().run({x: 0.1, y: 0.2, d(x): 1.0, d(y): 0.0}, values, (0, 20), dt=0.01)
    assert max(run.drift[name] for name in ("energy", "momentum x", "momentum y", "angular momentum z")) < 1e-6


def tilted_disc():
    """A thin disc rolls on a plane, leaning by theta from the vertical: centre (x, y, R cos theta), heading phi."""
    heading = sympy.Matrix([cos(phi), sin(phi), 0])
    left, up = sympy.Matrix([-sin(phi), cos(phi), 0]), sympy.Matrix([0, 0, 1])
    rim = cos(theta) * up + sin(theta) * left  # in the disc, upwards
    axle = heading.cross(rim)
    omega = -d(theta) * heading + d(phi) * up + d(psi) * axle
    inertia = m * R**2 * ((omega.dot(heading)) ** 2 + omega.dot(rim) ** 2 + 2 * omega.dot(axle) ** 2) / 4
    kinetic = m * (d(x) ** 2 + d(y) ** 2 + (R * cos(theta)).diff(t) ** 2) / 2 + sympy.simplify(inertia) / 2
    speed = R * omega.cross(rim)
    constraints = [d(x) - speed[0].expand(), d(y) - speed[1].expand()]
    return ph.Lagrangian(kinetic - m * g * R * cos(theta), constraints=constraints)


def test_a_leaning_disc_rolls_in_a_circle():
    """s W cos a (I3 + m R^2) = I1 W^2 sin a cos a - m g R sin a, s the spin, W the rate of turning: the torques about
    the centre balance, the lean stays, the centre circles with the radius R |s| / W (O'Reilly, as below)."""
    disc = tilted_disc()
    assert "energy" in laws(disc)
    lean, W, values = 0.4, 2.0, {m: 1.2, g: 9.81, R: 0.5}
    spin = (0.25 * 0.25 * W**2 * np.sin(lean) * np.cos(lean) - 9.81 * 0.5 * np.sin(lean)) / (
        W * np.cos(lean) * 1.5 * 0.25
    )
    start = {x: 0.0, y: 0.0, theta: lean, phi: 0.0, psi: 0.0}
    start |= {d(x): -0.5 * spin, d(y): 0.0, d(theta): 0.0, d(phi): W, d(psi): spin - W * np.sin(lean)}
    run = disc.compile("tsit5").run(start, values, (0, 3), rtol=1e-10, t_eval=np.linspace(0, 3, 31))
    np.testing.assert_allclose(run[theta], lean, atol=1e-7)
    turn, radius = W * run.t, 0.5 * abs(spin) / W
    np.testing.assert_allclose(run[x], radius * np.sin(turn), atol=1e-6)
    np.testing.assert_allclose(np.abs(run[y]), radius * (1 - np.cos(turn)), atol=1e-6)
    assert run.drift["energy"] < 1e-9


def test_an_upright_disc_that_is_slow_falls():
    """Upright rolling is stable above v^2 = g R / 3 for a thin disc (O'Reilly, Nonlinear Dynamics 10 (1996) 287)."""
    disc, values = tilted_disc(), {m: 1.2, g: 9.81, R: 0.5}
    critical = np.sqrt(9.81 * 0.5 / 3)
    speeds = np.array([0.8, 1.25]) * critical
    start = {x: 0.0, y: 0.0, theta: 1e-4, phi: 0.0, psi: 0.0, d(x): speeds, d(y): 0.0, d(theta): 0.0, d(phi): 0.0}
    run = disc.compile("tsit5").run(
        {**start, d(psi): -speeds / 0.5}, values, (0, 3), rtol=1e-10, t_eval=[3.0], project_initial=True
    )
    assert abs(run[theta][0, -1]) > 1e-2
    assert abs(run[theta][1, -1]) < 1e-3


def test_networks_keep_the_symmetries_of_their_arguments():
    net = ph.network("U", inputs=1, hidden=(4,))
    assert {"energy", "angular momentum z"} <= laws(
        ph.Lagrangian(m * (d(x) ** 2 + d(y) ** 2) / 2 - net(sqrt(x**2 + y**2)))
    )
    assert "momentum y" in laws(ph.Lagrangian(m * (d(x) ** 2 + d(y) ** 2) / 2 - net(x)))
