"""Every method in a kernel is the method of `symphys.integrators`: the same arithmetic, read with numbers."""

import math

import numpy as np
import pytest
import sympy

import symphys as ph
from codegen import optimise_kernel, statements, walk
from codegen.program import For, nodes_of
from symphys.integrators import METHODS, ExplicitTableau, Gauss, Splitting
from symphys.integrators.gauss import gauss_update, stage_states
from symphys.integrators.splitting import splitting_step
from symphys.integrators.tableau import explicit_step
from symphys.lower.fixed import WATCH_NOTHING, FixedPlan, advance_kernel
from symphys.lower.flow import lower_flow
from symphys.lower.merged import merged
from symphys.lower.steppers import stepper_for

q = ph.coordinates("q")
v = ph.dot(q)
w = ph.parameters("w")
STEPS, H, DRIVE = 20, 0.07, 1.3
DRIVEN = ph.Lagrangian(v**2 / 2 - q**4 / 4 + q**2 / 2 + 0.3 * q * sympy.cos(w * ph.t))


def force(t: float, x: float) -> float:
    return x - x**3 + 0.3 * math.cos(DRIVE * t)


def rates(t, x):
    return (x[1], force(t, x[0]))


def one_step(method, t: float, x: tuple[float, float]) -> tuple[float, float]:
    if isinstance(method, ExplicitTableau):
        return explicit_step(method, rates, t, x, H)[1]
    if isinstance(method, Splitting):
        (new_q,), (new_p,) = splitting_step(
            method, lambda at, s: (force(at, s[0]),), lambda _, p: p, t, x[:1], x[1:], H
        )
        return new_q, new_p
    stages = (rates(t, x),) * method.stages
    for _ in range(60):  # contracts by h L, a twentieth, at least
        points = stage_states(method, x, H, stages)
        stages = tuple(rates(t + c * H, y) for c, y in zip(method.c, points, strict=True))
    return gauss_update(method, x, H, stages)


FIXED = [name for name, m in METHODS.items() if isinstance(m, ExplicitTableau | Splitting | Gauss)]


@pytest.mark.parametrize("name", FIXED)
def test_kernels_take_the_steps_of_the_integrators(name: str) -> None:
    """Time enters the force, so that stages at wrong times show. Twenty steps of a growth below 2 a unit of time,
    each with rounding of a few units: 2^1.4 * 20 * 8 eps."""
    x, states = (0.4, -0.2), []
    for k in range(STEPS + 1):
        states.append(x)
        x = one_step(METHODS[name], k * H, x)
    run = DRIVEN.compile(method=name, backend="reference").run({q: 0.4, v: -0.2}, {w: DRIVE}, (0, STEPS * H), dt=H)
    expected = np.array(states).T
    assert np.abs(run[q] - expected[0]).max() < 1e-13
    assert np.abs(run[v] - expected[1]).max() < 1e-13
    assert run.steps == STEPS


@pytest.mark.parametrize(
    ("name", "backend"),
    [("verlet", "cpu"), ("verlet", "reference"), ("leapfrog", "reference"), ("yoshida4", "cpu"), ("saba2", "cpu")],
)
def test_states_ahead_are_told_behind(name: str, backend: str) -> None:
    """Steps share the flow at their borders, which nobody sees: the first row is what was given, to the bit, and rows
    do not depend on which others are saved. Runs in which an event looks do not share it, and differ by rounding."""
    simulator = DRIVEN.compile(method=name, backend=backend)
    start = {q: np.array([0.4, 0.3]), v: np.array([-0.2, 0.0])}

    def run(**options):
        return simulator.run(start, {w: DRIVE}, (0, STEPS * H), dt=H, **options)

    every, few = run(), run(t_eval=[STEPS * H], watch_every=0)
    for symbol in (q, v):
        assert np.array_equal(every[symbol][:, 0], start[symbol])
        assert np.array_equal(every[symbol][:, -1], few[symbol][:, 0])
    seen = run(events=[ph.Event(q - 100.0)])
    assert max(np.abs(seen[s] - every[s]).max() for s in (q, v)) < 1e-13
    assert every.steps[0] == STEPS


def test_a_step_of_verlet_is_one_kick_and_one_drift() -> None:
    """Where nothing is watched, the loop over steps adds to a momentum once, and to a coordinate once."""
    flow = lower_flow(ph.Lagrangian(v**2 / 2 - q**4 / 4).dynamics)
    stepper = merged(stepper_for(flow, METHODS["verlet"], False, None, 2.0**-52))
    plain = advance_kernel(flow, stepper, None, FixedPlan(WATCH_NOTHING), "float64")
    (rows,) = (s for s in optimise_kernel(plain).body if isinstance(s, For))
    (steps,) = (s for s in rows.body if isinstance(s, For))
    nodes = walk([n for s in statements(steps.body) for n in nodes_of(s)])
    assert sum(n.op in ("add", "sub") for n in nodes) == 2
