"""Runs that run out of steps say whether they were stiff, with the rate and a method that is not bound by it."""

import numpy as np
import pytest

import symphys as ph
from symphys.simulate import run_external, stiffness

t = ph.t


def van_der_pol(mu):
    x, v = ph.coordinates("x v")
    return (x, v), ph.VectorField({x: v, v: mu * (1 - x**2) * v - x})


def test_a_stiff_run_that_runs_out_of_steps_says_so():
    """On the slow branch v = x / (mu (1 - x^2)) the other direction decays at the rate mu (x^2 - 1)."""
    (x, v), system = van_der_pol(1000.0)
    start = {x: 2.0, v: -2.0 / 3000.0}
    run = system.compile().run(start, t_span=(0, 1000), max_steps=20_000)
    assert run.status.outcome.name == "MAX_STEPS"
    at = float(run[x][-1])
    assert f"disturbances decay at the rate {1000 * (at**2 - 1):.3g}" in str(run.status)
    assert "method='radau'" in str(run.status)


def test_the_method_that_is_named_gets_through():
    (x, v), system = van_der_pol(1000.0)
    assert system.compile("radau").run({x: 2.0, v: -2.0 / 3000.0}, t_span=(0, 1000), rtol=1e-6, max_steps=20_000).ok


def test_a_component_that_has_decayed_hides_no_stiffness():
    """Of y' = -1e6 y nothing is left, which changes at the rate 1e6 still."""
    x, y = ph.coordinates("x y")
    system = ph.VectorField({x: -x, y: -1e6 * y})
    run = system.compile().run({x: 1.0, y: 1.0}, t_span=(0, 100), max_steps=20_000)
    assert "disturbances decay at the rate 1e+06" in str(run.status)


@pytest.mark.parametrize("rtol", [1e-9, 1e-4])
def test_what_is_merely_long_is_not_called_stiff(rtol):
    """Lorenz's attractor contracts as fast as it moves; an oscillation decays not at all; others keep nothing."""
    x, y, z = ph.coordinates("x y z")
    lorenz = ph.VectorField({x: 10 * (y - x), y: x * (28 - z) - y, z: x * y - 8 * z / 3})
    run = lorenz.compile().run({x: 1.0, y: 2.0, z: 20.0}, t_span=(0, 1e6), rtol=rtol, max_steps=2000)
    assert run.status.outcome.name == "MAX_STEPS"
    assert "stiff" not in str(run.status)
    (q, w), oscillator = van_der_pol(0.0)
    run = oscillator.compile().run({q: np.ones(3), w: np.zeros(3)}, t_span=(0, 1e6), rtol=rtol, max_steps=2000)
    assert not any("stiff" in str(each) for each in run.status)


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, MemoryError, ValueError])
def test_whatever_goes_wrong_the_result_stays(monkeypatch, trouble):
    def fails(request):
        raise trouble

    (x, v), system = van_der_pol(1000.0)
    given = {"t_span": (0, 1000), "max_steps": 2000}
    whole = system.compile().run({x: 2.0, v: -2.0 / 3000.0}, **given)
    monkeypatch.setattr(stiffness, "rates_of", fails)
    run = system.compile().run({x: 2.0, v: -2.0 / 3000.0}, **given)
    assert run.status.outcome.name == "MAX_STEPS"
    assert "stiff" in str(whole.status)
    assert "stiff" not in str(run.status)
    assert np.array_equal(run[x], whole[x])


def test_only_rates_are_compiled_to_say_so(monkeypatch):
    """Neither Jacobians nor watches, and nothing at all for large systems."""
    asked = []
    inner = run_external._evaluator
    monkeypatch.setattr(run_external, "_evaluator", lambda *given: asked.append(given[1]) or inner(*given))
    monkeypatch.setattr(stiffness, "LARGE", 4)
    for count in (3, 5):
        xs = ph.coordinates(" ".join(f"x{i}" for i in range(count)))
        decay = ph.VectorField({x: 1 - 10 ** (3 * i / (count - 1)) * x for i, x in enumerate(xs)})
        run = decay.compile().run(dict.fromkeys(xs, 1.0), t_span=(0, 1e4), max_steps=1000)
        assert run.status.outcome.name == "MAX_STEPS"
        assert ("disturbances decay at the rate 1e+03" in str(run.status)) == (count == 3)
    assert asked == ["rates"]
