"""Splittings with exact linear friction: order, contraction of the symplectic form, what is chosen and refused."""

import numpy as np
import pytest
from sympy import cos, exp

import symphys as ph
from symphys.errors import MethodError
from tests.gpu import OTHERS

q, x, y = ph.coordinates("q x y")
v, vx, vy = ph.dot(q), ph.dot(x), ph.dot(y)
m, k, c, f, w = ph.parameters("m k c f w", positive=True)
KINETIC = m * (vx**2 + vy**2 + vx * vy / 2) / 2
WELL = k * (x**2 + y**2 + x**4 * y**2) / 2
VALUES = {m: 1.2, k: 4.0, c: 0.3}
START = {x: 1.0, y: 0.4, vx: 0.0, vy: 0.1}


@pytest.fixture(scope="module")
def uneven():
    """Friction that couples the velocities, and is not proportional to the mass."""
    return ph.Lagrangian(KINETIC - WELL, dissipation=c * (vx**2 + vx * vy + 2 * vy**2) / 2)


@pytest.fixture(scope="module")
def exact(uneven):
    return uneven.compile("dop853").run(START, VALUES, (0, 4), rtol=1e-13, t_eval=[4.0])


@pytest.mark.parametrize(("method", "order"), [("verlet", 2), ("mclachlan4", 4), ("blanes_moan4", 4), ("yoshida6", 6)])
def test_errors_fall_with_the_order_of_the_splitting(uneven, exact, method, order):
    simulator = uneven.compile(method)
    errors = [abs(simulator.run(START, VALUES, (0, 4), dt=dt)[x][-1] - exact[x][0]) for dt in (0.1, 0.05, 0.025)]
    assert np.log2(errors[-2] / errors[-1]) == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize("method", ["symplectic_euler", "verlet", "blanes_moan4", "yoshida6"])
def test_a_step_contracts_the_symplectic_form_by_the_friction(method):
    """Phi^T J Phi = exp(-c h) J in (q, p = M v) for D = c v^T M v / 2; central differences of 1e-5 leave 1e-9."""
    mass = np.array([[1.2, 0.3], [0.3, 1.2]])
    even = ph.Lagrangian(KINETIC - WELL, dissipation=c * KINETIC)
    h, e, point = 0.2, 1e-5, np.array([1.0, 0.4, 0.3, 0.1])
    inverse = np.block([[np.eye(2), np.zeros((2, 2))], [np.zeros((2, 2)), np.linalg.inv(mass)]])
    shifts = np.concatenate([np.eye(4), -np.eye(4)]) * e @ inverse.T
    starts = (point[:2].tolist() + (np.linalg.inv(mass) @ point[2:]).tolist()) + shifts
    run = even.compile(method).run(
        dict(zip((x, y, vx, vy), starts.T, strict=True)), {**VALUES, c: 0.7}, (0, h), dt=h, t_eval=[h]
    )
    ends = np.stack([run[s][:, 0] for s in (x, y, vx, vy)])
    slopes = np.linalg.inv(inverse) @ (ends[:, :4] - ends[:, 4:]) / (2 * e)
    J = np.block([[np.zeros((2, 2)), np.eye(2)], [-np.eye(2), np.zeros((2, 2))]])
    np.testing.assert_allclose(slopes.T @ J @ slopes, np.exp(-0.7 * h) * J, atol=3e-9)


@pytest.mark.parametrize("dt", [0.01, 1.0, 20.0])
def test_free_motion_slows_down_exactly(dt):
    """v = v_0 exp(-c t / m) at any step; the distance is its integral as far as drifts of order four go."""
    sliding = ph.Lagrangian(m * v**2 / 2, dissipation=c * v**2 / 2)
    run = sliding.compile("blanes_moan4").run({q: 0.0, v: 1.0}, {m: 1.2, c: 0.3}, (0, 40), dt=dt)
    np.testing.assert_allclose(run[v], np.exp(-0.25 * run.t), rtol=1e-12 if dt > 0.1 else 1e-11)


def test_without_friction_it_is_the_splitting():
    free = ph.Lagrangian(KINETIC - WELL).compile("yoshida4").run(START, {m: 1.2, k: 4.0}, (0, 2), dt=0.05)
    rubbed = ph.Lagrangian(KINETIC - WELL, dissipation=c * KINETIC).compile("yoshida4")
    run = rubbed.run(START, {**VALUES, c: 1e-300}, (0, 2), dt=0.05)
    np.testing.assert_allclose(run[x], free[x], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("method", "order"), [("verlet", 2), ("blanes_moan4", 4)])
def test_forces_may_depend_on_time(method, order):
    driven = ph.Lagrangian(m * v**2 / 2 - k * q**4 / 4, dissipation=c * v**2 / 2, forces={q: f * cos(w * ph.t)})
    values, start = {**VALUES, f: 1.0, w: 1.5}, {q: 1.0, v: 0.2}
    exact = driven.compile("dop853").run(start, values, (0, 4), rtol=1e-13, t_eval=[4.0])[q][0]
    simulator = driven.compile(method)
    errors = [abs(simulator.run(start, values, (0, 4), dt=dt)[q][-1] - exact) for dt in (0.05, 0.025)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.1)


def test_hamiltonians_with_friction_on_momenta():
    """p' = -dH/dq - c p / m, also where another kinetic energy makes friction non-linear, which is left to rk4."""
    position, p = ph.canonical("s p")
    potential = k * position**4 / 4
    system = ph.Hamiltonian(p**2 / (2 * m) + potential, {position: p}, dissipation={p: c})
    assert "blanes_moan4" in system.compile().explain()
    start, values = {position: 1.0, p: 0.2}, VALUES
    exact = system.compile("dop853").run(start, values, (0, 4), rtol=1e-13, t_eval=[4.0])[position][0]
    errors = [abs(system.compile().run(start, values, (0, 4), dt=dt)[position][-1] - exact) for dt in (0.05, 0.025)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(4, abs=0.1)
    quartic = ph.Hamiltonian(p**4 / (4 * m) + potential, {position: p}, dissipation={p: c})
    assert "rk4" in quartic.compile().explain()


def test_what_is_chosen_is_explained_and_what_does_not_suit_refused(uneven):
    text = uneven.compile().explain()
    assert "separable but for linear friction" in text
    assert "blanes_moan4" in text
    with pytest.raises(MethodError, match="friction takes part in them; choose 'yoshida6'"):
        uneven.compile("srkn11_6")


@pytest.mark.parametrize(
    "dissipation",
    [c * v**4 / 4, c * q**2 * v**2 / 2, c * exp(-ph.t) * v**2 / 2],
    ids=["not linear", "of the place", "of time"],
)
def test_other_friction_is_left_to_runge_and_kutta(dissipation):
    system = ph.Lagrangian(m * v**2 / 2 - k * q**2 / 2, dissipation=dissipation)
    assert "rk4" in system.compile().explain()
    with pytest.raises(MethodError, match="forces depend on the velocities"):
        system.compile("verlet")


@pytest.mark.parametrize("backend", OTHERS)
def test_backends_agree_and_the_ledger_closes(uneven, backend):
    """The same arithmetic in another order, ten steps of it; the ledger to fourth order."""
    starts = {**START, x: np.array([0.5, 1.0, 1.5])}
    runs = [uneven.compile(backend=each).run(starts, VALUES, (0, 1), dt=0.1, t_eval=[1.0]) for each in ("cpu", backend)]
    for symbol in START:
        np.testing.assert_allclose(runs[0][symbol], runs[1][symbol], rtol=1e-12, atol=1e-14)
    assert runs[0].drift["energy balance"].max() < 1e-3


def test_events_inside_steps(uneven):
    run = uneven.compile().run(START, VALUES, (0, 4), dt=0.05, events=ph.Event(vx))
    fine = uneven.compile("tsit5").run(START, VALUES, (0, 4), rtol=1e-10, events=ph.Event(vx))
    np.testing.assert_allclose(run.events[0].times, fine.events[0].times, atol=1e-5)
