"""Crossings: where they are found, how many, in which direction, and which end a run."""

import numpy as np
import pytest
import sympy

import symphys as ph
from symphys.integrators import METHODS

x, y = ph.coordinates("x y")
v, vy = ph.dot(x), ph.dot(y)
w, g = ph.parameters("w g", positive=True)
SPRING = ph.Lagrangian(v**2 / 2 - w**2 * x**2 / 2)
BALL = ph.Lagrangian(v**2 / 2 - g * x)
START, VALUES = {x: 1.0, v: 0.0}, {w: 1.0}
PRECISE = {"dop853": {"rtol": 1e-13}, "taylor": {"rtol": 1e-15}, "vern7": {"rtol": 1e-13}}


@pytest.mark.parametrize("method", PRECISE)
def test_adaptive_runs_find_crossings_to_twelve_digits(method: str) -> None:
    """cos t falls through zero at pi/2 + 2 pi n; the error is that of a run at rtol 1e-13 over a dozen steps."""
    run = SPRING.compile(method=method).run(
        START, VALUES, (0.0, 15.0), events=ph.Event(x, direction=-1), **PRECISE[method]
    )
    (falls,) = run.events
    assert falls.count == 3
    assert falls.times == pytest.approx(np.pi / 2 + 2 * np.pi * np.arange(3), abs=2e-12)
    assert np.abs(falls[x]).max() < 2e-15
    assert falls[v] == pytest.approx(-np.ones(3), abs=2e-12)


def test_a_ball_hits_the_ground_when_it_must() -> None:
    """t = (u + sqrt(u^2 + 2 g h)) / g; a parabola is exact for every method of order two and above."""
    hit = (3.0 + np.sqrt(9.0 + 2 * 9.81 * 2.0)) / 9.81
    for method, settings in (("dop853", {"rtol": 1e-9}), ("taylor", {"rtol": 1e-9}), ("rk4", {"dt": 0.1})):
        run = BALL.compile(method=method).run(
            {x: 2.0, v: 3.0}, {g: 9.81}, (0.0, 10.0), events=ph.Event(x, terminal=True), **settings
        )
        assert run.ok
        assert run.status.outcome.name == "EVENT"
        assert run.status.time == pytest.approx(hit, abs=1e-12)
        assert run.t[-1] == run.status.time
        assert (run.t[:-1] < run.status.time).all()
        assert run[x][-1] == pytest.approx(0.0, abs=1e-13)
        assert run[v][-1] == pytest.approx(3.0 - 9.81 * hit, abs=1e-12)


@pytest.mark.parametrize("method", ["verlet", "rk4", "gauss4", "yoshida6"])
def test_events_of_fixed_steps_have_the_order_of_the_method(method: str) -> None:
    """Halving dt divides the error of the crossing time by 2^order; 0.15 is room for the next order and rounding."""
    simulator = SPRING.compile(method=method)

    def error(dt: float) -> float:
        run = simulator.run({x: 1.0, v: 0.3}, VALUES, (0.0, 12.0), dt=dt, events=ph.Event(x, terminal=True, after=3))
        return abs(float(run.status.time) - (np.arctan(0.3) + 2.5 * np.pi))

    coarse, fine = error(0.2), error(0.1)
    assert np.log2(coarse / fine) == pytest.approx(METHODS[method].order, abs=0.15)


def test_directions_tell_rising_from_falling() -> None:
    run = SPRING.compile().run(START, VALUES, (0.0, 20.0), rtol=1e-12, events=[ph.Event(x, d) for d in (1, -1, 0)])
    up, down, both = run.events
    assert up.times == pytest.approx(np.pi * (1.5 + 2 * np.arange(3)), abs=1e-10)
    assert down.times == pytest.approx(np.pi * (0.5 + 2 * np.arange(3)), abs=1e-10)
    assert sorted([*up.times, *down.times]) == pytest.approx(both.times, abs=1e-14)
    assert (up[v] > 0).all()
    assert (down[v] < 0).all()


def test_backwards_in_time_before_and_after_change_places() -> None:
    """Run back from t = 0, -cos t rises through zero where time had it fall."""
    run = SPRING.compile().run(START, VALUES, (0.0, -9.0), rtol=1e-12, events=ph.Event(x, direction=-1))
    assert run.events[0].times == pytest.approx([-np.pi / 2, -np.pi * 2.5], abs=1e-10)
    ends = SPRING.compile(method="rk4").run(START, VALUES, (0.0, -9.0), dt=0.01, events=ph.Event(x, terminal=True))
    assert ends.t[-1] == pytest.approx(-np.pi / 2, abs=1e-8)


@pytest.mark.parametrize(("method", "settings"), [("taylor", {"rtol": 1e-11}), ("yoshida6", {"dt": 0.01})])
def test_a_poincare_section_of_two_springs_counts_their_periods(method: str, settings: dict[str, float]) -> None:
    """With frequencies 1 and sqrt 2, y rises through 0 once a period of its own; there x is cos of that time."""
    two = ph.Lagrangian((v**2 + vy**2) / 2 - x**2 / 2 - y**2)
    run = two.compile(method=method).run(
        {x: 1.0, v: 0.0, y: 0.0, vy: -1.0}, {}, (0.0, 100.0), events=ph.Event(y, direction=1), **settings
    )
    (section,) = run.events
    times = np.pi / np.sqrt(2.0) * (1 + 2 * np.arange(23))
    assert section.count == 23
    assert section.times == pytest.approx(times, abs=1e-8)
    assert section[x] == pytest.approx(np.cos(times), abs=1e-8)


@pytest.mark.everywhere
def test_ensembles_end_each_at_its_own_time() -> None:
    heights = np.array([[0.5, 1.0, 2.0], [4.0, 8.0, 1e6]])
    hits = np.sqrt(2 * heights / 9.81)
    for method, settings in (("dop853", {"rtol": 1e-10}), ("yoshida4", {"dt": 0.03})):
        run = BALL.compile(method=method).run(
            {x: heights, v: 0.0}, {g: 9.81}, (0.0, 3.0), events=ph.Event(x, terminal=True), **settings
        )
        ended = hits < 3.0
        assert (run.events[0].count == ended).all()
        assert run.events[0].times[ended, 0] == pytest.approx(hits[ended], abs=1e-9)
        assert np.isnan(run.events[0].times[~ended]).all()
        assert run.times_reached[ended] == pytest.approx(hits[ended], abs=1e-9)
        assert run.times_reached[~ended] == 3.0
        assert run.ok.all()
        for index in np.ndindex(2, 3):
            times = run.t if run.t.ndim == 1 else run.t[index]
            saved = np.isfinite(run[x][index])
            assert (times[saved] <= run.times_reached[index]).all()
            assert saved.sum() > 1


def test_what_comes_after_the_end_did_not_happen() -> None:
    """Events of one long step: the first terminal one in time ends the run, wherever it stands in the list."""
    events = [ph.Event(x - 0.2), ph.Event(x - 0.5, terminal=True), ph.Event(x - 0.8), ph.Event(x - 0.4, terminal=True)]
    for order in (events, events[::-1]):
        for settings in ({"dt": 1.0}, {"rtol": 1e-3, "first_step": 1.0}):
            method = "rk4" if "dt" in settings else "dop853"
            falling = ph.Lagrangian(v**2 / 2)
            run = falling.compile(method=method).run({x: 1.0, v: -1.0}, {}, (0.0, 3.0), events=order, **settings)
            assert run.t[-1] == pytest.approx(0.5, abs=1e-14)
            counts = [int(e.count) for e in run.events]
            assert counts == ([0, 1, 1, 0] if order is events else [0, 1, 1, 0][::-1])
            assert sum(e.times.size for e in run.events) == 2


def test_the_last_crossing_is_kept_when_more_come_than_are_recorded() -> None:
    run = SPRING.compile().run(START, VALUES, (0.0, 40.0), rtol=1e-9, events=ph.Event(x, record=3))
    assert run.events[0].times.shape == (3,)
    assert run.events[0].count == 13
    many = SPRING.compile().run(START, VALUES, (0.0, 400.0), rtol=1e-9, events=ph.Event(x, record=200))
    assert many.events[0].count == 127
    assert np.diff(many.events[0].times) == pytest.approx(np.pi * np.ones(126), abs=1e-7)


def test_a_start_on_the_section_is_no_crossing() -> None:
    run = SPRING.compile(method="rk4").run({x: 0.0, v: 1.0}, VALUES, (0.0, 4.0), dt=0.01, events=ph.Event(x))
    assert run.events[0].times == pytest.approx([np.pi], abs=1e-9)


def test_an_event_on_a_step_counts_once() -> None:
    """x = 1 - t meets zero exactly where a step ends."""
    run = (
        ph.Lagrangian(v**2 / 2)
        .compile(method="verlet")
        .run({x: 1.0, v: -1.0}, {}, (0.0, 2.0), dt=0.25, events=ph.Event(x))
    )
    assert run.events[0].count == 1
    assert run.events[0].times == [1.0]


def test_events_may_hold_parameters_velocities_and_the_time() -> None:
    run = SPRING.compile().run(
        START, {w: 2.0}, (0.0, 3.0), rtol=1e-12, events=[ph.Event(ph.t - 1.5), ph.Event(v + w * x), ph.Event(w - ph.t)]
    )
    assert [e.times[0] for e in run.events] == pytest.approx([1.5, np.pi / 8, 2.0], abs=1e-11)


def test_events_do_not_change_the_trajectory() -> None:
    free = SPRING.compile(method="rk4").run(START, VALUES, (0.0, 9.0), dt=0.1)
    watched = SPRING.compile(method="rk4").run(START, VALUES, (0.0, 9.0), dt=0.1, events=ph.Event(x))
    assert np.abs(free[x] - watched[x]).max() < 1e-14  # 90 steps may be fused differently


def test_momenta_of_a_lagrangian_run_canonically_are_seen_as_velocities() -> None:
    """The bead on a parabola, y = x^2 / 2, under gauss4 in (x, p): turning points are zeros of the velocity."""
    bead = ph.Lagrangian(v**2 * (1 + x**2) / 2 - g * x**2 / 2)
    run = bead.compile(method="gauss4").run(START, {g: 1.0}, (0.0, 20.0), dt=0.01, events=ph.Event(v, direction=1))
    assert run.events[0].count >= 2
    assert run.events[0][x] == pytest.approx(-np.ones(int(run.events[0].count)), abs=1e-7)  # energy is kept to dt^4
    assert np.diff(run.events[0].times) == pytest.approx(np.diff(run.events[0].times)[0], abs=1e-7)


def test_what_is_no_event_is_refused() -> None:
    simulator = SPRING.compile()
    z = ph.symbol("z")
    for events, message in (
        (ph.Event(x - z), "holds z, which the system does not have; it has x"),
        ([x], r"give symphys\.Event"),
        (ph.Event(x, direction=2), "direction 2 must be -1, 0 or 1"),
        (ph.Event(x, terminal=True, after=0), "after 0 and record 64 at least 1"),
        (ph.Event("x - 1"), "expression of event 0 must be a SymPy expression, but 'x - 1' is of type str"),
        ([ph.Event(x), ph.Event(sympy.Matrix([x]))], "expression of event 1 must be one scalar expression"),
    ):
        with pytest.raises(ph.InputError, match=message):
            simulator.run(START, VALUES, (0.0, 1.0), events=events)
