"""Stiff methods: textbook problems, ensembles, events, drifts and failures, as with every other method."""

import numpy as np
import pytest
import sympy
from scipy.integrate import solve_ivp

import symphys as ph
from codegen import get_backend, optimise_kernel
from symphys.lower.flow import lower_flow
from symphys.lower.rates_kernel import functions_kernel, rates_jacobian

STIFF = ["radau", "bdf", "lsoda"]
x, y, z = ph.coordinates("x y z")
mu, k = ph.parameters("mu k", positive=True)
VAN_DER_POL = ph.VectorField({x: y, y: mu * (1 - x**2) * y - x})
ROBERTSON = ph.VectorField({x: -0.04 * x + 1e4 * y * z, y: 0.04 * x - 1e4 * y * z - 3e7 * y**2, z: 3e7 * y**2})
OSCILLATOR = ph.Lagrangian(ph.dot(x) ** 2 / 2 - k * x**2 / 2)


@pytest.mark.parametrize("method", STIFF)
def test_robertson_reaches_the_published_values(method: str) -> None:
    """y(40) of Hairer and Wanner, "Solving Ordinary Differential Equations II", IV.10 (reference to nine digits)."""
    run = ROBERTSON.compile(method=method).run(
        {x: 1.0, y: 0.0, z: 0.0}, t_span=(0.0, 40.0), rtol=1e-9, atol=1e-13, t_eval=[0.4, 40.0]
    )
    assert run.ok
    expected = [0.7158270688, 9.185534764e-6, 0.2841637457]
    assert [run[s][-1] for s in (x, y, z)] == pytest.approx(expected, rel=1e-6)
    assert run[x] + run[y] + run[z] == pytest.approx([1.0, 1.0], abs=1e-11)  # linear invariants are kept


@pytest.mark.parametrize("method", STIFF)
def test_an_ensemble_of_van_der_pol_oscillators(method: str) -> None:
    """Against SciPy's Radau with hand-written rates, at tolerances a hundred times tighter."""
    stiffness = np.array([1.0, 20.0])
    run = VAN_DER_POL.compile(method=method).run(
        {x: 2.0, y: 0.0}, {mu: stiffness}, t_span=(0.0, 30.0), rtol=1e-8, t_eval=np.linspace(0.0, 30.0, 7)
    )
    assert run[x].shape == (2, 7)
    assert run.ok.all()
    for index, m in enumerate(stiffness):
        by_hand = solve_ivp(
            lambda t, s, m=m: (s[1], m * (1 - s[0] ** 2) * s[1] - s[0]),
            (0.0, 30.0), (2.0, 0.0), method="Radau", rtol=1e-10, atol=1e-10, t_eval=run.t,
        )  # fmt: skip
        assert np.abs(run[x][index] - by_hand.y[0]).max() < 1e-4  # relaxation multiplies errors of 1e-8 at every turn


def test_stiff_methods_take_few_steps_where_explicit_ones_crawl() -> None:
    settings = {"t_span": (0.0, 100.0), "rtol": 1e-6, "t_eval": [100.0]}
    steps = {
        method: int(VAN_DER_POL.compile(method=method).run({x: 2.0, y: 0.0}, {mu: 1e4}, **settings).steps)
        for method in ("radau", "dopri5")
    }
    assert steps["radau"] * 100 < steps["dopri5"]


def test_the_jacobian_is_that_of_the_rates() -> None:
    """Derived twice: by the rules of the nodes, and by SymPy."""
    flow = lower_flow(VAN_DER_POL.dynamics)
    function = rates_jacobian(flow)
    assert function is not None
    kernel = get_backend("reference").compile(optimise_kernel(functions_kernel(flow, [function], "float64")))
    arrays = {
        "times": np.zeros(1),
        "state": np.array([[0.7], [-0.3]]),
        "parameters": np.array([[2.0]]),
        "values": np.zeros((4, 1)),
    }
    kernel(arrays, {}, (1,))
    expected = VAN_DER_POL.jacobian.subs({x: 0.7, y: -0.3, mu: 2.0})
    assert arrays["values"][:, 0] == pytest.approx([float(entry) for entry in expected], rel=1e-15)


@pytest.mark.parametrize("method", STIFF)
def test_rates_without_a_jacobian_are_differenced(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rates that are found by loops have none; SciPy then takes differences, and finds the same motion."""
    settings = {"t_span": (0.0, 5.0), "rtol": 1e-8, "t_eval": [5.0]}
    exact = VAN_DER_POL.compile(method=method).run({x: 2.0, y: 0.0}, {mu: 10.0}, **settings)
    monkeypatch.setattr("symphys.simulate.run_external.rates_jacobian", lambda flow: None)
    differenced = VAN_DER_POL.compile(method=method).run({x: 2.0, y: 0.0}, {mu: 10.0}, **settings)
    assert differenced[x] == pytest.approx(exact[x], abs=1e-6)


@pytest.mark.parametrize("method", STIFF)
def test_conserved_quantities_are_watched(method: str) -> None:
    """Dissipation of an implicit method at rtol shows in the drift, and the drift is that of the saved states."""
    run = OSCILLATOR.compile(method=method).run({x: 1.0, ph.dot(x): 0.0}, {k: 4.0}, t_span=(0.0, 10.0), rtol=1e-7)
    energy = run[ph.dot(x)] ** 2 / 2 + 2.0 * run[x] ** 2
    size = (run[ph.dot(x)] ** 2 / 2 + 2.0 * run[x] ** 2).max()
    assert run.t[0] == 0.0
    assert run.t[-1] == 10.0
    assert run.drift["energy"] == pytest.approx(np.abs(energy - energy[0]).max() / size, rel=1e-6)
    assert 1e-10 < run.drift["energy"] < 1e-3


def test_save_every_keeps_every_nth_step_and_the_end() -> None:
    simulator = OSCILLATOR.compile(method="bdf")
    settings = {"t_span": (0.0, 10.0), "rtol": 1e-6}
    every = simulator.run({x: 1.0, ph.dot(x): 0.0}, {k: 4.0}, **settings)
    fifth = simulator.run({x: 1.0, ph.dot(x): 0.0}, {k: 4.0}, save_every=5, **settings)
    assert set(fifth.t) == {every.t[0], *every.t[5::5], every.t[-1]}


def test_long_free_runs_widen_their_rows() -> None:
    run = OSCILLATOR.compile(method="bdf").run({x: [1.0, 0.1], ph.dot(x): 0.0}, {k: 4.0}, t_span=(0.0, 60.0), rtol=1e-7)
    assert run.t.shape[-1] > 512
    for index in range(2):
        known = np.isfinite(run.t[index])
        assert known.sum() == run.steps[index] + 1
        assert np.abs(run[x][index][known] - run[x][index, 0] * np.cos(2.0 * run.t[index][known])).max() < 1e-2


@pytest.mark.everywhere
@pytest.mark.parametrize("method", STIFF)
def test_events_are_located_on_the_dense_output(method: str) -> None:
    """cos(2 t) falls through zero at t = pi/4, 5 pi/4, ...; the third fall ends the run."""
    run = OSCILLATOR.compile(method=method).run(
        {x: 1.0, ph.dot(x): 0.0}, {k: 4.0}, t_span=(0.0, 50.0), rtol=1e-9,
        events=[ph.Event(x, direction=-1, terminal=True, after=3), ph.Event(ph.dot(x), direction=1)],
    )  # fmt: skip
    falls = np.pi / 4 + np.pi * np.arange(3)
    assert run.status.outcome.name == "EVENT"
    assert run.status.time == pytest.approx(falls[-1], abs=1e-5)
    assert run.events[0].times == pytest.approx(falls, abs=1e-5)
    assert np.abs(run.events[0][x]).max() < 1e-12
    assert run.events[1].count == 2
    assert run.t[-1] == run.events[0].times[-1]


def test_backwards_in_time() -> None:
    run = OSCILLATOR.compile(method="radau").run(
        {x: np.cos(2.0), ph.dot(x): -2.0 * np.sin(2.0)}, {k: 4.0}, t_span=(1.0, 0.0), rtol=1e-9, t_eval=[1.0, 0.5, 0.0]
    )
    assert run[x] == pytest.approx(np.cos([2.0, 1.0, 0.0]), abs=1e-6)


def test_a_singularity_ends_the_run_and_keeps_what_was_reached() -> None:
    """x' = x^2 from 1 leaves the finite world at t = 1."""
    run = ph.VectorField({x: x**2}).compile(method="radau").run({x: 1.0}, t_span=(0.0, 2.0), rtol=1e-6)
    assert not run.ok
    assert run.status.outcome.name in ("STEP_TOO_SMALL", "NOT_FINITE")
    assert run.t[-1] == pytest.approx(1.0, abs=1e-4)
    assert np.isfinite(run[x]).all()


def test_rates_that_are_not_finite_end_the_run() -> None:
    run = ph.VectorField({x: -sympy.sqrt(x - 1)}).compile(method="bdf").run({x: 2.0}, t_span=(0.0, 9.0), rtol=1e-8)
    assert not run.ok
    assert 0.0 < run.status.time <= 2.001  # x - 1 = (1 - t / 2)^2 until it vanishes
    assert np.isfinite(run[x]).all()


def test_max_steps() -> None:
    run = OSCILLATOR.compile(method="bdf").run(
        {x: [1.0, 0.0], ph.dot(x): 0.0}, {k: 4.0}, t_span=(0.0, 50.0), rtol=1e-8, max_steps=40
    )
    assert [o.name for o in run.outcomes] == ["MAX_STEPS", "FINISHED"]  # the second stands still
    assert "max_steps" in str(run.status[0])


def test_an_interrupt_keeps_what_was_saved() -> None:
    def progress(share: float) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    run = OSCILLATOR.compile(method="bdf").run(
        {x: 1.0, ph.dot(x): 0.0}, {k: 4.0}, t_span=(0.0, 10.0), rtol=1e-6, progress=progress
    )
    assert run.status.outcome.name == "INTERRUPTED"
    assert 5.0 < run.t[-1] < 6.0


def test_signals_force_stiff_systems() -> None:
    """x' = -1e4 (x - cos t) lags by 1e-4 (Prothero and Robinson): x = cos t + 1e-4 sin t + O(1e-8)."""
    u = ph.input_signal("u")
    run = ph.VectorField({x: -10_000 * (x - u)}).compile(method="radau").run(
        {x: 1.0}, {u: np.cos}, t_span=(0.0, 5.0), rtol=1e-8, t_eval=[1.0, 5.0]
    )  # fmt: skip
    t = np.array([1.0, 5.0])
    assert run[x] == pytest.approx(np.cos(t) + 1e-4 * np.sin(t), abs=1e-7)
    assert run.steps < 1000


def test_float32_results_come_from_float64_steps() -> None:
    run = OSCILLATOR.compile(method="radau", dtype="float32").run(
        {x: 1.0, ph.dot(x): 0.0}, {k: 4.0}, t_span=(0.0, 5.0), rtol=1e-9, t_eval=[5.0]
    )
    assert run[x].dtype == np.float32
    assert run[x][0] == pytest.approx(np.cos(10.0), abs=1e-6)


def test_a_fixed_step_is_refused() -> None:
    with pytest.raises(ph.MethodError, match=r"'radau'.*chooses its own steps; give rtol instead of dt"):
        OSCILLATOR.compile(method="radau").run({x: 1.0, ph.dot(x): 0.0}, {k: 4.0}, t_span=(0.0, 1.0), dt=0.1)
