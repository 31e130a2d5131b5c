"""Runs that run out of steps say whether they were stiff, with the rate and a method that is not bound by it."""

import numpy as np
import pytest

import symphys as ph

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
    assert system.compile("radau").run(start, t_span=(0, 1000), rtol=1e-6, max_steps=20_000).ok


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
