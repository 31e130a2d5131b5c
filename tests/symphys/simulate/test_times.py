"""When results are saved, in which direction time runs, and what is refused."""

import numpy as np
import pytest
import sympy

import symphys as ph

x = ph.coordinates("x")
v = ph.dot(x)
w, g = ph.parameters("w g", positive=True)
SPRING = ph.Lagrangian(v**2 / 2 - w**2 * x**2 / 2)
FIXED, ADAPTIVE = SPRING.compile(method="yoshida6"), SPRING.compile(method="dop853")
START, VALUES = {x: 1.0, v: 0.0}, {w: 1.0}


def test_with_neither_every_step_is_saved() -> None:
    run = FIXED.run(START, VALUES, (0.0, 1.0), dt=0.01)
    assert run.t == pytest.approx(0.01 * np.arange(101), abs=1e-15)
    assert run.t[-1] == 1.0
    free = ADAPTIVE.run(START, VALUES, (0.0, 9.0), rtol=1e-10)
    assert free.t[0] == 0.0
    assert free.t[-1] == 9.0
    assert len(free.t) == free.steps + 1
    assert (np.diff(free.t) > 0).all()
    assert free[x] == pytest.approx(np.cos(free.t), abs=1e-8)  # rtol times the number of steps


def test_save_every_keeps_the_start_and_every_nth_step() -> None:
    run = FIXED.run(START, VALUES, (0.0, 1.0), dt=0.01, save_every=7)
    assert run.t == pytest.approx(0.07 * np.arange(15), abs=1e-15)
    every = ADAPTIVE.run(START, VALUES, (0.0, 9.0), rtol=1e-10)
    third = ADAPTIVE.run(START, VALUES, (0.0, 9.0), rtol=1e-10, save_every=3)
    assert set(third.t) == {every.t[0], *every.t[3::3], every.t[-1]}
    assert set(third[x]) <= set(every[x])


def test_t_eval_is_the_time_of_the_result() -> None:
    times = np.array([0.0, 0.03, 0.5, 0.99])
    run = FIXED.run(START, VALUES, (0.0, 1.0), dt=0.01, t_eval=times)
    assert (run.t == times).all()
    assert run[x] == pytest.approx(np.cos(times), abs=1e-12)  # order 6 at dt = 0.01
    odd = np.array([0.0, 0.1234567, 0.7, 8.9999])
    free = ADAPTIVE.run(START, VALUES, (0.0, 9.0), rtol=1e-11, t_eval=odd)
    assert (free.t == odd).all()
    assert free[x] == pytest.approx(np.cos(odd), abs=1e-9)
    assert free.times_reached == 9.0  # the run goes to the end of its span all the same


def test_saving_changes_no_trajectory() -> None:
    """Dense output looks back; the steps are the same, and so is the last state but for the order of fused sums."""
    free = ADAPTIVE.run(START, VALUES, (0.0, 9.0), rtol=1e-8)
    sampled = ADAPTIVE.run(START, VALUES, (0.0, 9.0), rtol=1e-8, t_eval=np.linspace(0.0, 9.0, 401))
    assert sampled.steps == free.steps
    assert sampled[x][-1] == pytest.approx(free[x][-1], abs=1e-13)
    every = FIXED.run(START, VALUES, (0.0, 1.0), dt=0.01)
    few = FIXED.run(START, VALUES, (0.0, 1.0), dt=0.01, save_every=50)
    assert (few[x] == every[x][::50]).all()


def test_times_between_steps_are_refused() -> None:
    with pytest.raises(ph.InputError, match=r"0\.105, which lies between two steps of dt = 0\.01"):
        FIXED.run(START, VALUES, (0.0, 1.0), dt=0.01, t_eval=[0.1, 0.105])
    for times, message in (
        ([0.1, 0.1], "without repeating"),
        ([0.5, 0.1], "without repeating"),
        ([0.1, 1.5], r"outside t_span = \(0\.0, 1\.0\)"),
        ([], "at least one time"),
        ([[0.1]], r"shape \(1, 1\)"),
        ([0.1, np.nan], "finite"),
    ):
        with pytest.raises(ph.InputError, match=message):
            ADAPTIVE.run(START, VALUES, (0.0, 1.0), rtol=1e-6, t_eval=times)
    with pytest.raises(ph.InputError, match="t_eval and save_every were both given"):
        FIXED.run(START, VALUES, (0.0, 1.0), dt=0.1, t_eval=[0.1], save_every=2)


def test_there_are_as_many_steps_as_fit_best() -> None:
    """round((t1 - t0) / dt): 0.3 does not divide 1, and 1 / 0.3 rounds to 3; 0.1 divides, in spite of rounding."""
    assert FIXED.run(START, VALUES, (0.0, 1.0), dt=0.3).t == pytest.approx([0.0, 0.3, 0.6, 0.9], abs=1e-15)
    assert FIXED.run(START, VALUES, (0.0, 1.0), dt=0.1).t[-1] == 1.0
    assert len(FIXED.run(START, VALUES, (0.0, 0.7), dt=0.1).t) == 8
    with pytest.raises(ph.InputError, match=r"dt = 10\.0 is more than twice as long as t_span"):
        FIXED.run(START, VALUES, (0.0, 1.0), dt=10.0)


@pytest.mark.parametrize(("simulator", "steps"), [(FIXED, {"dt": 0.01}), (ADAPTIVE, {"rtol": 1e-10})])
def test_backwards_in_time(simulator: ph.Simulator, steps: dict[str, float]) -> None:
    run = simulator.run({x: np.cos(2.0), v: -np.sin(2.0)}, VALUES, (2.0, -1.0), **steps)
    assert run.t[0] == 2.0
    assert run.t[-1] == -1.0
    assert (np.diff(run.t) < 0).all()
    assert run[x] == pytest.approx(np.cos(run.t), abs=1e-8)
    sampled = simulator.run({x: np.cos(2.0), v: -np.sin(2.0)}, VALUES, (2.0, -1.0), t_eval=[1.5, 0.0, -1.0], **steps)
    assert sampled[x] == pytest.approx(np.cos([1.5, 0.0, -1.0]), abs=1e-8)


def test_there_and_back_is_where_it_began() -> None:
    """A symmetric method undoes itself to rounding: 2 x 500 steps of a few units each."""
    there = FIXED.run({x: 0.3, v: 0.9}, {w: 2.0}, (0.0, 5.0), dt=0.01)
    back = FIXED.run({x: there[x][-1], v: there[v][-1]}, {w: 2.0}, (5.0, 0.0), dt=0.01)
    assert [back[x][-1], back[v][-1]] == pytest.approx([0.3, 0.9], abs=1e-13)


DRIVEN = ph.Lagrangian(v**2 / 2 - w**2 * x**2 / 2 + g * x * sympy.cos(ph.t))


@pytest.mark.parametrize("method", ["rk4", "srkn6_4", "gauss6", "dop853", "taylor"])
def test_time_may_enter_the_equations(method: str) -> None:
    """x'' + w^2 x = g cos t from rest has x = g (cos t - cos w t) / (w^2 - 1), from t = 0.5 on as well."""

    def exact(t):
        return (np.cos(t) - np.cos(2.0 * t)) / 3.0

    def speed(t):
        return (-np.sin(t) + 2.0 * np.sin(2.0 * t)) / 3.0

    settings = {"rtol": 1e-11} if method in ("dop853", "taylor") else {"dt": 0.005}
    run = DRIVEN.compile(method=method).run({x: exact(0.5), v: speed(0.5)}, {w: 2.0, g: 1.0}, (0.5, 6.0), **settings)
    assert run[x] == pytest.approx(exact(run.t), abs=2e-9)  # rk4: t (w dt)^4 / 120
    assert set(run.drift) == {"energy balance"}  # the energy is no constant


def test_one_time_is_enough() -> None:
    assert ADAPTIVE.run(START, VALUES, (0.0, 1.0), t_eval=[1.0])[x] == pytest.approx([np.cos(1.0)], abs=1e-8)
    assert ADAPTIVE.run(START, VALUES, (0.0, 1.0), t_eval=[0.0])[x] == [1.0]
    assert FIXED.run(START, VALUES, (0.0, 1.0), dt=0.1, t_eval=[0.0])[x] == [1.0]


def test_bounds_of_the_step_are_kept() -> None:
    run = ADAPTIVE.run(START, VALUES, (0.0, 9.0), rtol=1e-4, max_step=0.1)
    assert np.diff(run.t).max() <= 0.1 + 9 * 2.0**-52
    first = ADAPTIVE.run(START, VALUES, (0.0, 9.0), rtol=1e-4, first_step=1e-3)
    assert first.t[1] == 1e-3
