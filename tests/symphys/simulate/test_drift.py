"""Drift is the largest change over the watched steps, by the size of the terms; rounding can be carried along."""

import numpy as np
import pytest
from sympy import cos

import symphys as ph

x, y = ph.coordinates("x y")
v, vy = ph.dot(x), ph.dot(y)
w = ph.parameters("w", positive=True)
SPRING = ph.Lagrangian(v**2 / 2 - w**2 * x**2 / 2)
START = {x: 1.0, v: 0.0}


def energy(run: ph.Result, frequency: float = 1.0) -> np.ndarray:
    return run[v] ** 2 / 2 + frequency**2 * run[x] ** 2 / 2


@pytest.mark.parametrize(
    ("method", "settings"),
    [(name, {"dt": 0.1}) for name in ("verlet", "rk4", "gauss4")]
    + [(name, {"rtol": 1e-5}) for name in ("dop853", "taylor")],
)  # fmt: skip
def test_drift_is_that_of_the_saved_steps_where_all_are_saved(method: str, settings: dict[str, float]) -> None:
    """The contract's definition, by hand: terms of one sign, so that their sum is the energy itself."""
    run = SPRING.compile(method=method).run(START, {w: 1.0}, (0.0, 20.0), **settings)
    e = energy(run)
    assert run.drift["energy"] == pytest.approx(np.abs(e - e[0]).max() / e.max(), rel=1e-9, abs=1e-15)


def test_every_step_is_watched_whether_saved_or_not() -> None:
    every = SPRING.compile(method="verlet").run(START, {w: 1.0}, (0.0, 20.0), dt=0.1)
    few = SPRING.compile(method="verlet").run(START, {w: 1.0}, (0.0, 20.0), dt=0.1, save_every=200)
    assert few.drift["energy"] == pytest.approx(every.drift["energy"], rel=1e-12)
    e = energy(few)
    assert np.abs(e - e[0]).max() / e.max() < 0.9 * every.drift["energy"]  # the saved two would not have shown it


def test_watching_less_often_and_not_at_all() -> None:
    simulator = SPRING.compile(method="verlet")
    every = simulator.run(START, {w: 1.0}, (0.0, 20.0), dt=0.1)
    seventh = simulator.run(START, {w: 1.0}, (0.0, 20.0), dt=0.1, watch_every=7, save_every=200)
    e = energy(every)
    watched = e[[*range(0, 200, 7), 200]]
    assert seventh.drift["energy"] == pytest.approx(np.abs(watched - e[0]).max() / e.max(), rel=1e-2)
    assert seventh.drift["energy"] <= every.drift["energy"]
    never = simulator.run(START, {w: 1.0}, (0.0, 20.0), dt=0.1, watch_every=0)
    assert never.drift == {}
    assert (never[x] == every[x]).all()


def test_drift_is_defined_where_the_quantity_is_zero() -> None:
    """Two free bodies of opposite momentum: the total is zero, its terms are not."""
    pair = ph.Lagrangian((v**2 + vy**2) / 2 - (x - y) ** 4 / 4)
    momentum = next(law.name for law in pair.conserved if law.name != "energy")
    run = pair.compile(method="verlet").run({x: 1.0, y: -1.0, v: 0.5, vy: -0.5}, {}, (0.0, 5.0), dt=0.01)
    assert run.drift[momentum] < 1e-13  # 500 kicks, equal but for rounding
    assert np.isfinite(run.drift[momentum])


def test_each_law_is_listed_under_its_name() -> None:
    r, phi = ph.coordinates("r phi")
    kepler = ph.Lagrangian((ph.dot(r) ** 2 + r**2 * ph.dot(phi) ** 2) / 2 + 1 / r)
    run = kepler.compile(method="gauss6").run(
        {r: 1.0, phi: 0.0, ph.dot(r): 0.0, ph.dot(phi): 1.2}, {}, (0.0, 30.0), dt=0.05
    )
    assert set(run.drift) == {law.name for law in kepler.conserved}
    assert {"energy", "momentum phi"} <= set(run.drift)
    assert run.drift["momentum phi"] < 1e-13  # Gauss methods keep quadratic invariants
    assert run.drift["energy"] < 1e-6  # (dt w)^6 with w = 1.2 at the pericentre


def test_drift_of_ensembles_is_one_number_a_trajectory() -> None:
    run = SPRING.compile(method="verlet").run({x: [0.0, 1.0, 2.0], v: 0.0}, {w: [1.0, 1.0, 2.0]}, (0.0, 9.0), dt=0.1)
    assert run.drift["energy"].shape == (3,)
    assert run.drift["energy"][0] == 0.0
    assert run.drift["energy"][2] > 3 * run.drift["energy"][1]  # (w dt)^2 / 8


@pytest.mark.parametrize("method", ["yoshida4", "rk4"])
def test_compensated_sums_keep_what_rounding_loses(method: str) -> None:
    """A million small steps of a slow oscillator, in single precision so that rounding dwarfs the method's error.

    Plain sums lose up to n eps / 2 and at least sqrt(n) eps; compensated ones a few eps, whatever n.
    """
    simulator = SPRING.compile(method=method, dtype="float32")
    settings = {"t_span": (0.0, 10.0), "dt": 1e-5, "t_eval": [10.0], "watch_every": 0}
    exact = SPRING.compile(method="dop853").run(START, {w: 1.0}, (0.0, 10.0), rtol=1e-13, t_eval=[10.0])
    plain, carried = (simulator.run(START, {w: 1.0}, compensated=c, **settings) for c in (False, True))
    lost, kept = (float(np.abs(run[x] - exact[x])[0]) for run in (plain, carried))
    assert kept < 16 * 2.0**-23
    assert lost > 10 * kept
    chosen = simulator.run(START, {w: 1.0}, **settings)
    assert (chosen[x] == carried[x]).all()  # from 100 000 steps on it is the default


def test_compensation_changes_only_rounding() -> None:
    pendulum = ph.Lagrangian(v**2 / 2 + cos(x)).compile(method="srkn6_4")
    plain, carried = (pendulum.run({x: 2.0, v: 0.0}, {}, (0.0, 10.0), dt=0.01, compensated=c) for c in (False, True))
    assert np.abs(plain[x] - carried[x]).max() < 1e-12  # a thousand steps of a few units
    assert carried.drift["energy"] <= 2 * plain.drift["energy"]
