"""The ledger of energy: what friction takes and forces give adds up, by every method and on every backend."""

import numpy as np
import pytest
from scipy.integrate import simpson
from sympy import Abs, cos, sin

import symphys as ph
from tests.gpu import ALL

q, x, y = ph.coordinates("q x y")
v = ph.dot(q)
m, k, c, f, w = ph.parameters("m k c f w", positive=True)
OSCILLATOR = m * v**2 / 2 - k * q**2 / 2
VALUES = {m: 1.0, k: 4.0, c: 0.3, f: 1.0, w: 1.5}
START = {q: 1.0, v: 0.0}
METHODS = {
    "taylor": {"rtol": 1e-11},
    "dop853": {"rtol": 1e-11},
    "radau": {"rtol": 1e-9},
    "rk4": {"dt": 0.005},
    "gauss6": {"dt": 0.005},
}


@pytest.fixture(scope="module")
def driven():
    return ph.Lagrangian(OSCILLATOR, dissipation=c * v**2 / 2, forces={q: f * cos(w * ph.t)})


@pytest.fixture(scope="module")
def simulators(driven):
    return {method: driven.compile(method) for method in METHODS}


def accounts(run):
    """What is left over by the definition of the ledger, from its own entries."""
    book = run.ledger
    gained = book.supplied + book.explicit + book.constrained - book.dissipated
    return book.energy - book.energy[..., :1] - gained


@pytest.mark.parametrize("method", METHODS)
def test_works_are_the_integrals_of_the_powers(simulators, method):
    """Simpson's rule on 401 samples of ten seconds errs by (2 w_0 h)^4 / 180, 6e-7 at most."""
    times = np.linspace(0, 10, 401)
    run = simulators[method].run(START, VALUES, (0, 10), t_eval=times, **METHODS[method])
    book = run.ledger
    assert book.dissipated[-1] == pytest.approx(simpson(0.3 * run[v] ** 2, x=times), rel=1e-6)
    assert book.supplied[-1] == pytest.approx(simpson(run[v] * np.cos(1.5 * times), x=times), rel=1e-6)
    np.testing.assert_allclose(book.energy, run[v] ** 2 / 2 + 2 * run[q] ** 2, rtol=1e-13)
    np.testing.assert_allclose(book.residual, accounts(run), atol=1e-15)
    assert np.abs(book.residual).max() < 2e-9
    assert run.drift["energy balance"] < 1e-9
    assert (book.explicit == 0).all()
    assert (book.constrained == 0).all()


@pytest.mark.parametrize("method", ["rk4", "gauss6"])
def test_the_residual_of_fixed_steps_falls_with_the_fourth_order(simulators, method):
    """That of the method or of Hermite's cubic, whichever is larger."""
    drifts = [simulators[method].run(START, VALUES, (0, 10), dt=dt).drift["energy balance"] for dt in (0.1, 0.05)]
    assert np.log2(drifts[0] / drifts[1]) == pytest.approx(4, abs=0.35)


def test_a_false_power_would_be_seen(driven):
    """The balance is no identity: with another friction in the equations than in the ledger it fails."""
    from dataclasses import replace

    from symphys.simulate.simulator import build_simulator

    balance = replace(driven.dynamics.balance, dissipated=2 * driven.dynamics.balance.dissipated)
    wrong = build_simulator(replace(driven.dynamics, balance=balance), "rk4", "reference", "float64")
    assert wrong.run(START, VALUES, (0, 2), dt=0.05).drift["energy balance"] > 1e-2


@pytest.mark.parametrize("options", [{"rtol": 1e-10}, {"dt": 0.002}])
def test_friction_of_any_form_and_explicit_time(options):
    """D = c |v|^3 / 3 takes c |v|^3; a spring k (1 + sin(w t) / 2) gives q^2 k' / 2."""
    spring = k * (1 + sin(w * ph.t) / 2)
    system = ph.Lagrangian(m * v**2 / 2 - spring * q**2 / 2, dissipation=c * Abs(v) ** 3 / 3)
    t = np.linspace(0, 6, 1001)
    run = system.compile().run(START, {s: VALUES[s] for s in (m, k, c, w)}, (0, 6), t_eval=t, **options)
    given = 4.0 * 1.5 * np.cos(1.5 * t) / 4 * run[q] ** 2
    assert run.ledger.dissipated[-1] == pytest.approx(simpson(0.3 * np.abs(run[v]) ** 3, x=t), rel=1e-6)
    assert run.ledger.explicit[-1] == pytest.approx(simpson(given, x=t), rel=1e-6)
    assert np.abs(run.ledger.residual).max() < 1e-8


@pytest.mark.parametrize("options", [{"rtol": 1e-10}, {"dt": 0.001}])
def test_a_wire_that_turns_does_work(options):
    """At rest on it at r = 1 a bead has r = cosh wt: the wire gives all the kinetic energy there is, m w^2 sinh^2."""
    vx, vy = ph.dot(x), ph.dot(y)
    wire = y * cos(w * ph.t) - x * sin(w * ph.t)
    bead = ph.Lagrangian(m * (vx**2 + vy**2) / 2, constraints=[wire])
    run = bead.compile().run({x: 1.0, y: 0.0, vx: 0.0, vy: 1.5}, {m: 0.7, w: 1.5}, (0, 2), **options)
    gained = 0.7 * 1.5**2 * np.sinh(1.5 * run.t) ** 2
    np.testing.assert_allclose(run.ledger.constrained, gained, rtol=1e-4, atol=1e-5)
    assert run.drift["energy balance"] < 1e-5


def test_a_port_hamiltonian_takes_and_gives():
    """x' = (J - R) grad H + u: R takes c p^2 / m^2, the input u(t) gives u p / m; here with a sampled input."""
    position, p = ph.canonical("s p")
    u = ph.input_signal("u")
    system = ph.Hamiltonian(p**2 / (2 * m) + k * position**2 / 2, {position: p}, dissipation={p: c}, inputs={p: u})
    times = np.linspace(0, 8, 401)
    values = {**{s: VALUES[s] for s in (m, k, c)}, u: (times, np.sin(times))}
    run = system.compile().run({position: 0.5, p: 0.0}, values, (0, 8), rtol=1e-10, t_eval=times)
    assert run.ledger.dissipated[-1] == pytest.approx(simpson(0.3 * run[p] ** 2, x=times), rel=1e-7)
    assert run.ledger.supplied[-1] == pytest.approx(simpson(np.sin(times) * run[p], x=times), rel=1e-6)
    assert run.drift["energy balance"] < 1e-8


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize("method", ["rk4", "dop853"])
def test_ensembles_on_every_backend(driven, backend, method):
    """Twice the start is not twice the energy: each trajectory has a ledger of its own."""
    options = {"dt": 0.02} if method == "rk4" else {"rtol": 1e-9}
    starts = {q: np.array([[0.5, 1.0, 2.0]]), v: np.array([[0.0], [1.0]])}
    simulator = driven.compile(method, backend=backend)
    run = simulator.run(starts, VALUES, (0, 1), t_eval=[0.0, 0.5, 1.0], **options)
    assert run.ledger.residual.shape == (2, 3, 3)
    assert run.drift["energy balance"].shape == (2, 3)
    assert run.drift["energy balance"].max() < 1e-7
    one = simulator.run({q: 2.0, v: 1.0}, VALUES, (0, 1), t_eval=[0.0, 0.5, 1.0], **options)
    np.testing.assert_allclose(run.ledger.supplied[1, 2], one.ledger.supplied, rtol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_the_ledger_is_closed_at_an_event_that_ends_the_run(simulators, method):
    stop = ph.Event(v - 0.2, direction=1, terminal=True)
    run = simulators[method].run(START, VALUES, (0, 10), events=stop, **METHODS[method])
    assert run.t[-1] < 9.0
    assert run[v][-1] == pytest.approx(0.2, abs=1e-8)
    assert np.abs(run.ledger.residual).max() < 2e-9
    assert run.drift["energy balance"] < 1e-9


def test_backwards_friction_gives_and_forces_take(simulators):
    there = simulators["taylor"].run(START, VALUES, (0, 5), rtol=1e-11)
    back = simulators["taylor"].run({s: there[s][-1] for s in START}, VALUES, (5, 0), rtol=1e-11)
    assert back.ledger.dissipated[-1] == pytest.approx(-there.ledger.dissipated[-1], rel=1e-8)
    assert back.drift["energy balance"] < 1e-9


def test_there_is_none_where_energy_is_kept_or_nothing_is_watched(simulators):
    assert ph.Lagrangian(OSCILLATOR).compile().run(START, {m: 1.0, k: 4.0}, (0, 1), dt=0.1).ledger is None
    run = simulators["rk4"].run(START, VALUES, (0, 1), dt=0.1, watch_every=0)
    assert run.ledger is None
    assert "energy balance" not in run.drift


def test_ledgers_are_saved_and_read(simulators, tmp_path):
    run = simulators["rk4"].run(START, VALUES, (0, 1), dt=0.1)
    run.save(tmp_path / "run.npz")
    again = ph.Result.load(tmp_path / "run.npz")
    np.testing.assert_array_equal(again.ledger.dissipated, run.ledger.dissipated)
    assert "ledger_residual" in run.to_xarray()
