"""Exponentials that have not risen yet leave no trace in Taylor coefficients; steps must not pass over them."""

import numpy as np
import pytest
from sympy import cosh, erf, erfc, exp, sech, tanh

import symphys as ph

x = ph.coordinates("x")
v = ph.dot(x)
width, friction = ph.parameters("w mu", positive=True)


@pytest.mark.parametrize("rtol", [1e-4, 1e-9])
def test_a_pulse_that_is_still_to_come_is_met(rtol: float) -> None:
    """x'' = -x + exp(-(t - 50)^2) from rest: sqrt(pi) exp(-1/4) sin(t - 50), by the Fourier transform of the pulse."""
    driven = ph.Lagrangian(v**2 / 2 - x**2 / 2, forces={x: exp(-((ph.t - 50) ** 2))})
    run = driven.compile("taylor").run({x: 0.0, v: 0.0}, {}, (0, 60), rtol=rtol, t_eval=[0, 60])
    assert abs(run[x][-1] - np.sqrt(np.pi) * np.exp(-0.25) * np.sin(10.0)) < 100 * rtol


@pytest.mark.parametrize("shape", [exp(-((x / width) ** 2) / 2), 1 - tanh(x / width) ** 2], ids=["gaussian", "sech"])
def test_what_is_slower_than_a_thin_barrier_turns_back(shape) -> None:
    """E = 0.49 to 0.51 against a barrier of height 1/2 and a hundredth as wide as the way."""
    barrier = ph.Lagrangian(v**2 / 2 - shape / 2)
    speeds = np.sqrt(2 * np.array([0.49, 0.51]))
    run = barrier.compile("taylor").run({x: -5.0, v: speeds}, {width: 0.03}, (0, 40), rtol=1e-8, t_eval=[0, 40])
    assert run[x][0, -1] < -5
    assert run[x][1, -1] > 5
    assert run.drift["energy"].max() < 1e-5


@pytest.mark.parametrize("method", ["taylor", "dop853"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("shape", [sech(x) ** 2, 1 / cosh(x) ** 2], ids=str)
def test_a_barrier_is_met_from_where_cosh_is_beyond_all_numbers(shape, method: str, dtype: str) -> None:
    """From -1000 at a speed of 50: over a height of at most 1, so that the end is within a thousandth of 1000."""
    simulator = ph.Lagrangian(v**2 / 2 - shape).compile(method, dtype=dtype)
    run = simulator.run({x: -1000.0, v: 50.0}, {}, (0, 40), rtol=1e-6)
    assert run.ok
    assert abs(run[x][-1] - 1000) < 1
    assert run.drift["energy"] < 1e-4


def test_friction_of_almost_constant_size_is_followed_through_its_changes_of_sign() -> None:
    """With -mu sign(v) each half swing loses 2 mu: after n of them from 1, |x| = 1 - 2 n mu. tanh(300 v) is close."""
    rubbing = ph.Lagrangian(v**2 / 2 - x**2 / 2, forces={x: -friction * tanh(300 * v)})
    run = rubbing.compile("taylor").run(
        {x: 1.0, v: 0.0}, {friction: 0.05}, (0, 3 * np.pi), rtol=1e-8, t_eval=[0, 3 * np.pi]
    )
    assert abs(run[x][-1] + 0.7) < 2e-3
    assert float(run.drift["energy balance"]) < 1e-7


def test_a_longest_step_does_not_end_the_motion_of_a_free_particle() -> None:
    """Its series ends after two terms, so that no length follows from the coefficients."""
    falling = ph.Lagrangian(v**2 / 2 + x).compile("taylor")
    run = falling.run({x: 0.0, v: 1.0}, {}, (0, 10), max_step=1.0)
    assert run.ok
    assert abs(run[x][-1] - 60) < 1e-12


def test_an_error_function_is_a_step_like_any_other() -> None:
    """V = erf(x / w) / 2 rises from -1/2 to 1/2: with v^2 / 2 = 1.5 below, 1/2 is left above."""
    step = ph.Lagrangian(v**2 / 2 - erf(x / width) / 2)
    run = step.compile().run({x: -5.0, v: np.sqrt(3.0)}, {width: 0.05}, (0, 10), rtol=1e-9, t_eval=[0, 10])
    assert abs(run[v][-1] - 1) < 1e-7
    other = ph.Lagrangian(v**2 / 2 + erfc(x / width) / 2)
    assert abs(other.compile("dop853").run({x: -5.0, v: np.sqrt(3.0)}, {width: 0.05}, (0, 10))[v][-1] - 1) < 1e-6
