"""How runs end that do not reach their end, and what is kept of them."""

import warnings

import numpy as np
import pytest
import sympy

import symphys as ph

x = ph.coordinates("x")
v = ph.dot(x)
w = ph.parameters("w", positive=True)
RUNAWAY = ph.Lagrangian(v**2 / 2 + x**4 / 4)
EXPLOSION = ph.VectorField({x: x**2})  # 1 / (1 - t) from x = 1
SPRING = ph.Lagrangian(v**2 / 2 - w**2 * x**2 / 2)


@pytest.mark.parametrize("method", ["rk4", "yoshida4", "gauss4"])
def test_what_leaves_the_finite_world_is_told_and_kept_up_to_there(method: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the status says it; NumPy need not
        run = RUNAWAY.compile(method=method).run({x: 1.0, v: 1.0}, {}, (0.0, 10.0), dt=0.01)
        text = repr(run)
    assert run.ok is False
    assert run.status.outcome.name == "NOT_FINITE"
    assert 1.2 < run.t[-1] < 3.0
    assert run.status.time == pytest.approx(run.t[-1], abs=1e-12)
    assert len(run.t) == len(run[x])
    assert np.isfinite(run[x]).all()
    assert f"(t = {run.status.time:.6g})" in str(run.status)
    assert run.status.outcome.name.lower() in text


def test_members_that_fail_leave_the_others_alone() -> None:
    starts = np.array([0.0, 1.0, -0.001, 2.0, -1.0])
    run = EXPLOSION.compile(method="rk4").run({x: starts}, {}, (0.0, 1.5), dt=0.01)
    assert run.ok.tolist() == [True, False, True, False, True]
    for member in (0, 2, 4):
        assert run[x][member] == pytest.approx(starts[member] / (1 - starts[member] * run.t), abs=1e-8)
        assert run.times_reached[member] == pytest.approx(1.5, abs=1e-12)
    for member in (1, 3):
        kept = np.isfinite(run[x][member])
        assert kept[: kept.sum()].all()  # a stretch from the start
        assert run.times_reached[member] == pytest.approx(run.t[kept][-1], abs=1e-12)
        assert run.status[member].outcome.name == "NOT_FINITE"


@pytest.mark.parametrize("method", ["rk4", "gauss4"])
def test_the_step_is_told_at_which_a_state_ceased_to_be_finite(method: str) -> None:
    """Whatever is saved, and in every member of an ensemble, the same as where every step is saved."""
    simulator, span, dt = EXPLOSION.compile(method=method), (0.0, 30.0), 0.001
    starts = np.array([0.05, -1.0, 1.0, 0.2, 0.2001, 0.9])  # singular at 1 / x
    every = simulator.run({x: starts}, {}, span, dt=dt)
    few = simulator.run({x: starts}, {}, span, dt=dt, t_eval=[3.0, 30.0])
    assert few.steps.tolist() == every.steps.tolist()
    assert few.times_reached == pytest.approx(every.times_reached, abs=1e-12)
    assert few.status[3].time == pytest.approx(5.0, abs=0.02)
    assert few[x][:, 0] == pytest.approx(every[x][:, 3000], nan_ok=True)
    alone = simulator.run({x: 0.2}, {}, span, dt=dt, save_every=10_000)
    assert alone.steps == every.steps[3]
    assert alone.status.time == pytest.approx(5.0, abs=0.02)


@pytest.mark.parametrize("method", ["dop853", "taylor", "tsit5"])
def test_singularities_end_adaptive_runs(method: str) -> None:
    """x = 1 / (1 - t): steps shrink with the distance to t = 1 until they are lost in the rounding of time."""
    run = EXPLOSION.compile(method=method).run({x: 1.0}, {}, (0.0, 2.0), rtol=1e-9)
    assert not run.ok
    assert run.status.outcome.name in ("STEP_TOO_SMALL", "NOT_FINITE")
    assert run.t[-1] == pytest.approx(1.0, abs=1e-6)
    assert run.status.time == run.t[-1]
    assert np.isfinite(run[x]).all()
    before = run.t < 0.99
    assert run[x][before] == pytest.approx(1 / (1 - run.t[before]), rel=1e-6)  # errors grow as 1 / (1 - t)
    sampled = EXPLOSION.compile(method=method).run({x: 1.0}, {}, (0.0, 2.0), rtol=1e-9, t_eval=[0.5, 0.9, 1.5])
    assert sampled.t.tolist() == [0.5, 0.9]
    assert sampled[x] == pytest.approx([2.0, 10.0], rel=1e-7)
    together = EXPLOSION.compile(method=method).run({x: [1.0, 0.1]}, {}, (0.0, 2.0), rtol=1e-9, t_eval=[0.5, 1.5])
    assert together.ok.tolist() == [False, True]
    assert np.isnan(together[x][0, 1])
    assert together[x][1] == pytest.approx(0.1 / (1 - 0.1 * together.t), rel=1e-7)


def test_a_domain_left_is_not_finite() -> None:
    """x' = -sqrt(x - 1) reaches 1 at t = 2 from x = 2, and the square root has no value beyond."""
    field = ph.VectorField({x: -sympy.sqrt(x - 1) - 1})
    for method, settings in (("rk4", {"dt": 0.01}), ("dop853", {"rtol": 1e-9})):
        run = field.compile(method=method).run({x: 2.0}, {}, (0.0, 5.0), **settings)
        assert not run.ok
        assert run.t[-1] < 1.0
        assert run[x][-1] == pytest.approx(1.0, abs=0.02)


def test_max_steps_ends_a_run() -> None:
    run = SPRING.compile(method="dop853").run({x: 1.0, v: 0.0}, {w: 1.0}, (0.0, 1e6), rtol=1e-9, max_steps=200)
    assert not run.ok
    assert run.status.outcome.name == "MAX_STEPS"
    assert "raise max_steps" in str(run.status)
    assert run.steps + run.rejected <= 200
    assert run.t[-1] == run.status.time < 1e6
    assert run[x] == pytest.approx(np.cos(run.t), abs=1e-6)
    some = SPRING.compile(method="dop853").run({x: 1.0, v: 0.0}, {w: [1.0, 1e-4]}, (0.0, 1e3), rtol=1e-9, max_steps=200)
    assert some.ok.tolist() == [False, True]


class Impatience:
    """A progress function that has enough at some share, as a user who presses Ctrl-C."""

    def __init__(self, until: float) -> None:
        self.until, self.shares = until, []

    def __call__(self, share: float) -> None:
        self.shares.append(share)
        if share >= self.until:
            raise KeyboardInterrupt


@pytest.mark.parametrize(("method", "settings"), [("yoshida4", {"dt": 1e-4}), ("dop853", {"rtol": 1e-12})])
def test_an_interrupt_keeps_what_was_reached(method: str, settings: dict[str, float]) -> None:
    end = 2000.0 if method == "yoshida4" else 60_000.0
    watcher = Impatience(0.2)
    run = SPRING.compile(method=method).run(
        {x: 1.0, v: 0.0}, {w: 1.0}, (0.0, end), t_eval=np.linspace(0.0, end, 2001), progress=watcher, **settings
    )
    assert not run.ok
    assert run.status.outcome.name == "INTERRUPTED"
    assert 0.1 * end < run.status.time < 0.9 * end
    assert run.t[-1] <= run.status.time + 1e-9
    assert len(run.t) > 200
    assert run[x] == pytest.approx(np.cos(run.t), abs=1e-5)
    assert watcher.shares == sorted(watcher.shares)


def test_progress_is_told_the_share_that_is_done() -> None:
    shares: list[float] = []
    run = SPRING.compile(method="rk4").run({x: 1.0, v: 0.0}, {w: 1.0}, (0.0, 1.0), dt=1e-3, progress=shares.append)
    assert run.ok
    assert shares[-1] == 1.0
    SPRING.compile(method="rk4").run({x: 1.0, v: 0.0}, {w: 1.0}, (0.0, 1.0), dt=1e-3, progress=True)


def test_errors_of_the_progress_function_are_the_callers() -> None:
    def broken(share: float) -> None:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        SPRING.compile(method="rk4").run({x: 1.0, v: 0.0}, {w: 1.0}, (0.0, 1.0), dt=1e-3, progress=broken)
