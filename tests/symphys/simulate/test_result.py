"""What a run hands back: components by symbol and by name, statuses, drifts that agree with the states, text."""

import numpy as np
import pytest
import sympy

import symphys as ph
from symphys.simulate.quantities import values_along

q = ph.coordinates("q")
m, k = ph.parameters("m k", positive=True)
v = ph.dot(q)
SYSTEM = ph.Lagrangian(m * v**2 / 2 - k * q**4 / 4)


@pytest.fixture(scope="module")
def one() -> ph.Result:
    return SYSTEM.compile(backend="reference", method="yoshida4").run(
        {q: 1.0, v: 0.5}, {m: 2.0, k: 3.0}, t_span=(0.0, 2.0), dt=0.02, save_every=10
    )


@pytest.fixture(scope="module")
def many() -> ph.Result:
    return SYSTEM.compile(backend="reference", method="yoshida4").run(
        {q: [[1.0], [0.5]], v: 0.5}, {m: [1.0, 2.0, 3.0], k: 3.0}, t_span=(0.0, 2.0), dt=0.02, save_every=10
    )


def test_shapes(one: ph.Result, many: ph.Result) -> None:
    assert one.shape == ()
    assert one.t.shape == one[q].shape == one[v].shape == (11,)
    assert many.shape == (2, 3)
    assert many[q].shape == (2, 3, 11)
    assert many.drift["energy"].shape == many.steps.shape == many.parameters[m].shape == (2, 3)


def test_components_are_found_by_symbol_and_by_name(one: ph.Result) -> None:
    for alias in (v, "q_dot", "Derivative(q(t), t)", sympy.Function("q")(ph.t).diff(ph.t)):
        assert one[alias] is one[v]
    for alias in (q, "q", "q(t)", sympy.Symbol("q")):
        assert one[alias] is one[q]


def test_an_unknown_component_is_refused_with_those_that_there_are(one: ph.Result) -> None:
    with pytest.raises(ph.InputError, match="z is no part of this result; it has q, q_dot"):
        one["z"]


def test_pairs_are_coordinates_with_velocities_or_momenta(one: ph.Result) -> None:
    assert one.pairs == ((q, v),)
    x, p = ph.canonical("x p")
    run = ph.Hamiltonian(p**2 / 2 + x**2 / 2, {x: p}).compile(backend="reference").run(
        {x: 1.0, p: 0.0}, t_span=(0.0, 0.2), dt=0.1
    )  # fmt: skip
    assert run.pairs == ((x, p),)
    field = ph.VectorField({q: -q}).compile(backend="reference").run({q: 1.0}, t_span=(0.0, 0.2), dt=0.1)
    assert field.pairs == ()


def test_status_of_one_and_of_many(one: ph.Result, many: ph.Result) -> None:
    assert one.ok is True
    assert str(one.status) == "finished (t = 2)"
    assert many.ok.shape == many.status.shape == (2, 3)
    assert many.ok.all()


def test_a_bad_trajectory_does_not_spoil_the_others() -> None:
    runaway = ph.Lagrangian(v**2 / 2 + q**4 / 4)
    run = runaway.compile(backend="reference", method="rk4").run(
        {q: [0.0, 1.0], v: [0.0, 1.0]}, t_span=(0.0, 10.0), dt=0.01, save_every=100
    )
    assert run.ok.tolist() == [True, False]
    assert run.status[1].outcome.name == "NOT_FINITE"
    assert run.status[1].time < 10.0
    assert np.isfinite(run[q][0]).all()
    assert np.isnan(run[q][1, -1])
    assert "1 finished, 1 not_finite" in repr(run)


def test_drift_is_what_the_states_say(many: ph.Result) -> None:
    """Watched at every step, the drift is at least that of the saved states.

    It is close to it, because the energy error of a symplectic method is smooth over the ten steps between two of them.
    """
    kinetic, potential = values_along(many, [m * v**2 / 2, k * q**4 / 4])
    energy = kinetic + potential
    scale = (np.abs(kinetic) + np.abs(potential)).max(axis=-1)
    seen = np.abs(energy - energy[..., :1]).max(axis=-1) / scale
    assert (many.drift["energy"] >= seen * (1 - 1e-6)).all()
    assert (many.drift["energy"] <= 3 * seen).all()


def test_expressions_along_trajectories(many: ph.Result) -> None:
    power, clock, fixed = values_along(many, [sympy.cos(q) * v / m, ph.t**2, sympy.Integer(3)])
    expected = np.cos(many[q]) * many[v] / np.array([1.0, 2.0, 3.0])[:, None]
    assert power == pytest.approx(expected, rel=1e-14)
    assert (clock == many.t**2).all()
    assert (fixed == 3.0).all()
    assert power.shape == clock.shape == fixed.shape == (2, 3, 11)


def test_expressions_with_strange_symbols_are_refused(one: ph.Result) -> None:
    with pytest.raises(ph.InputError, match=r"holds z, which this result does not have; it has k, m, q, q_dot, t"):
        values_along(one, [sympy.Symbol("z") * q])
    with pytest.raises(ph.InputError, match=r"holds Derivative\(q\(t\), \(t, 2\)\)"):
        values_along(one, [ph.ddot(q)])
    with pytest.raises(ph.InputError, match="is no expression"):
        values_along(one, ["q + 1"])


def test_the_text_of_a_result(one: ph.Result, many: ph.Result) -> None:
    assert "one trajectory of q, q_dot, 11 times, yoshida4: finished" in repr(one)
    assert "drift of energy: " in repr(one)
    with pytest.raises(ph.InputError, match=r"it has q, q_dot; expressions are for `evaluate` of the system"):
        one[q**2]
    assert "2x3 trajectories" in repr(many)
