"""Steps that are too long for a grid are named before they are taken, with the limit; shorter ones pass in silence."""

import re
import warnings
from typing import Any

import numpy as np
import pytest
import sympy

import symphys as ph
from symphys.simulate.lattice import stability

t, x, y = ph.spacetime("t x y")


def wave(*axes: Any, friction: float = 0.0, quartic: float = 0.0) -> Any:
    phi = ph.scalar_field("phi", (t, *axes))
    density = (phi.diff(t) ** 2 - sum(phi.diff(a) ** 2 for a in axes)) / 2 - quartic * phi**4 / 4
    return phi, ph.LagrangianDensity(density, dissipation=friction * phi.diff(t) ** 2 / 2)


def schroedinger() -> Any:
    psi = ph.complex_field("psi", (t, x))
    bar = sympy.conjugate(psi)
    density = sympy.I * (bar * psi.diff(t) - psi * bar.diff(t)) / 2 - bar.diff(x) * psi.diff(x) / 2
    return psi, ph.LagrangianDensity(density)


CASES = {
    "leapfrog of order 4": (lambda: wave(x), "verlet", 4, 2 / np.sqrt(16 / 3)),
    "leapfrog in the plane": (lambda: wave(x, y), "verlet", 2, 2 / np.sqrt(8)),
    "leapfrog with friction": (lambda: wave(x, friction=0.3), "verlet", 4, None),
    "Runge-Kutta": (lambda: wave(x), "rk4", 2, np.sqrt(8) / 2),
    "Runge-Kutta of the Schroedinger equation": (schroedinger, "rk4", 2, np.sqrt(8) / 2),
    "derivatives by waves": (lambda: wave(x), "verlet", "spectral", 2 / np.pi),
    "a field that acts on itself": (lambda: wave(x, quartic=0.1), "verlet", 2, 1.0),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_limit_is_that_at_which_noise_begins_to_grow(case: Any) -> None:
    """On points at distance 1; the limits are 2 and sqrt(8), of leapfrog and of the classical Runge-Kutta method, by
    the largest frequency of the differences, and what bisection and 9 angles leave is below 1 per cent."""
    make, method, order, expected = case
    field, theory = make()
    axes = theory.dynamics.axes
    grid = ph.Grid(dict.fromkeys(axes, (0.0, 16.0, 16)))
    simulator = theory.compile(grid, method=method, order=order)
    noise = np.random.default_rng(1).normal(size=grid.shape) / 10
    state = {label: noise if label == field else 0.0 for label in simulator.labels}

    with pytest.warns(UserWarning, match="dt = 6 is beyond .* is stable on this grid") as told:
        simulator.run(state, t_span=(0, 600), dt=6.0, save_every=100)
    (found,) = re.findall(r"beyond ([\d.e+-]+),", str(told[0].message))
    limit = float(found)
    if expected is not None:
        assert limit == pytest.approx(expected, rel=0.05)  # over so few steps a little growth is none
    with pytest.warns(UserWarning, match=f"{method!r} is stable"):
        long = simulator.run(state, t_span=(0, 1000 * limit), dt=1.05 * limit, save_every=250)
    assert not long.ok or np.abs(long[field]).max() > 1e6
    assert "take dt = " in str(long.status)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        short = simulator.run(state, t_span=(0, 1000 * limit), dt=0.95 * limit, save_every=250)
    assert short.ok
    assert "dt" not in str(short.status)
    assert np.abs(short[field]).max() < 3  # of 16 or 256 numbers of size 1/10


def two_fields() -> Any:
    """Two fields that act on each other, the second with waves of the speed 1 / sqrt(c)."""
    phi, chi, c = ph.scalar_field("phi", (t, x)), ph.scalar_field("chi", (t, x)), ph.parameters("c")
    motion = (phi.diff(t) ** 2 + chi.diff(t) ** 2 - phi.diff(x) ** 2 - chi.diff(x) ** 2 / c) / 2
    theory = ph.LagrangianDensity(motion - phi * chi / 10)
    return c, theory.compile(ph.Grid({x: (0.0, 16.0, 16)}), method="verlet", order=2)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_coefficients_that_are_not_finite_leave_the_word_to_the_status() -> None:
    c, simulator = two_fields()
    start = dict.fromkeys(simulator.labels, 0.1)
    run = simulator.run(start, {c: 0.0}, t_span=(0, 1), dt=0.1)
    assert run.status.outcome.name == "NOT_FINITE"
    assert not run.status.detail
    for value in (
        1e-308,
        1e200,
    ):  # too fast or too slow for numbers, which does not matter to what is the same everywhere
        assert simulator.run(start, {c: value}, t_span=(0, 1), dt=0.1).ok
    runs = simulator.run(start, {c: np.array([0.0, 1.0])}, t_span=(0, 1), dt=0.1)
    assert runs.ok.tolist() == [False, True]


def test_members_of_an_ensemble_are_told_what_they_would_be_told_alone() -> None:
    c, simulator = two_fields()
    start = dict.fromkeys(simulator.labels, 0.1)
    values = np.array([1.0, 0.04, 0.0, 0.81, 0.04])
    given: dict[str, Any] = {"t_span": (0, 400), "dt": 0.8, "save_every": 100}
    with pytest.warns(UserWarning, match="dt = 0.8 is beyond 0.2"):
        together = simulator.run(start, {c: values}, **given)
    with pytest.warns(UserWarning, match="dt = 0.8 is beyond 0.2"):
        alone = simulator.run(start, {c: 0.04}, **given)
    said = [each.detail for each in together.status]
    assert said[1] == said[4] == alone.status.detail != ""
    assert said[0] == said[2] == said[3] == ""


def test_of_a_thousand_members_the_extremes_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work is bounded: no more waves in all than for two members alone, whatever their number."""
    waves = []
    inner = stability.waves_of
    monkeypatch.setattr(stability, "waves_of", lambda *given: waves.append(inner(*given)) or waves[-1])
    c, simulator = two_fields()
    values = np.linspace(1.0, 2.0, 1000)
    values[333] = 0.04
    with pytest.warns(UserWarning, match="dt = 0.8 is beyond 0.2"):
        runs = simulator.run(dict.fromkeys(simulator.labels, 0.1), {c: values}, t_span=(0, 400), dt=0.8, save_every=500)
    assert [i for i, each in enumerate(runs.status) if each.detail] == [333]
    assert waves[0].rates.size <= 2 * 2 * stability.MANY
