"""Every model of the registry: its numbers are complete, its constants are constant, its motion is the known one."""

from functools import cache

import numpy as np
import pytest
import sympy

from symphys import models
from symphys.errors import InputError
from symphys.language import t

RTOL = 1e-11
NAMES = models.names()
SOLVED = [name for name in NAMES if models.get(name).exact is not None]


@cache
def default_run(name):
    model = models.get(name)
    times = np.linspace(*model.t_span, 6)
    simulator = model.system.compile("dop853")
    return simulator.run(model.initial, model.parameters, t_span=model.t_span, rtol=RTOL, t_eval=times)


def accumulated(result):
    """What the steps of a run may add up to: each is off by at most rtol (1 + |x|)."""
    return int(result.steps) * RTOL * (1 + max(np.abs(values).max() for values in result.states.values()))


def sensitivity(function, state, step=1e-6):
    """How much the values of a function of {label: number} change with its arguments: sum_j max |d f / d x_j|."""
    bare = np.stack(function(state))
    return sum(
        np.abs(np.stack(function({**state, label: value + step})) - bare).max(axis=-1) / step
        for label, value in state.items()
    )


def explicit_rate(constant, labels):
    """The derivative by the time where it is written as such, with the state held."""
    held = {label: sympy.Dummy(real=True) for label in reversed(labels)}  # velocities before coordinates
    still = sympy.sympify(constant).subs(held)
    return still.diff(t).subs({dummy: label for label, dummy in held.items()})


@pytest.mark.parametrize("name", NAMES)
def test_the_numbers_are_complete(name):
    model = models.get(name)
    assert model.name == name
    assert model.title
    assert model.source
    assert set(model.initial) == set(model.system.dynamics.labels)
    assert set(model.parameters) == set(model.system.parameters)
    assert model.dt is not None
    assert 0 < model.dt < model.t_span[1] - model.t_span[0]


@pytest.mark.parametrize("name", NAMES)
def test_every_invariant_has_rate_zero_on_shell(name):
    """At random points, with accelerations from the equations of motion.

    Tolerance: d I / dt = sum_j dI/dx_j x_j' cancels; each term has a relative error of its few hundred operations, and
    of the accelerations in it, which a linear solve of condition number below 100 gives.
    """
    model = models.get(name)
    constants = [*model.invariants.values(), *(law.expression for law in model.system.conserved)]
    assert constants
    labels = list(model.system.dynamics.labels)
    slopes = [
        [explicit_rate(c, labels), *(sympy.sympify(c).diff(label) * label.diff(t) for label in labels)]
        for c in constants
    ]
    rng = np.random.default_rng(7)
    state = {
        label: value + 0.2 * max(abs(value), 1e-3) * rng.standard_normal(8) for label, value in model.initial.items()
    }
    values = model.system.evaluate([term for terms in slopes for term in terms], state, model.parameters, 1.5)
    terms = values.reshape(len(constants), 1 + len(labels), 8)
    assert (np.abs(terms.sum(axis=1)) <= 300 * 100 * 2.0**-53 * np.abs(terms).sum(axis=1)).all()


@pytest.mark.parametrize("name", NAMES)
def test_every_invariant_is_kept_in_a_run(name):
    """Tolerance: a step is off by rtol (1 + |x|) in each component, and the invariant by that times its slope."""
    model, result = models.get(name), default_run(name)
    assert result.ok
    laws = {law.name: law.expression for law in model.system.conserved}
    constants = [*model.invariants.values(), *laws.values()]

    def values(state):
        return model.system.evaluate(constants, state, model.parameters, result.t)

    states = {label: np.asarray(result[label]) for label in model.initial}
    allowed = accumulated(result) * sensitivity(values, states)
    watched = values(states)
    assert (np.ptp(watched, axis=-1) <= allowed).all()
    assert set(result.drift) >= set(laws)


@pytest.mark.parametrize("name", SOLVED)
def test_the_motion_is_the_known_one(name):
    """Tolerance: what the steps add up to, carried on by the known solution as it carries any displacement."""
    model, result = models.get(name), default_run(name)
    exact = model.exact(result.t, model.initial, model.parameters)
    assert all(label in model.initial for label in exact)

    def motion(initial):
        return list(model.exact(result.t, initial, model.parameters).values())

    allowed = accumulated(result) * (1 + sensitivity(motion, dict(model.initial)))
    for (label, values), bound in zip(exact.items(), allowed, strict=True):
        assert np.abs(result[label] - values).max() <= bound, label


@pytest.mark.parametrize("name", SOLVED)
def test_the_known_motion_starts_at_the_initial_state(name):
    """Tolerance: an inverse function at a turning point halves the digits that cos and its like have lost."""
    model = models.get(name)
    for label, values in model.exact(np.zeros(1), model.initial, model.parameters).items():
        assert values[0] == pytest.approx(model.initial[label], abs=1e-7), label


@pytest.mark.parametrize("name", NAMES)
def test_the_default_step_resolves_the_motion(name):
    """A picture shows a thousandth, so energy is to be kept a hundred times better."""
    model = models.get(name)
    span = (0.0, 200 * model.dt)
    result = model.system.compile().run(model.initial, model.parameters, t_span=span, dt=model.dt, save_every=200)
    assert result.ok
    assert float(result.drift["energy"]) < 1e-5


def test_an_unknown_name_is_answered_with_those_that_come_close():
    with pytest.raises(InputError, match=r"no model 'pendulun'.*mean pendulum"):
        models.get("pendulun")
    with pytest.raises(InputError, match=r"no model 'xyzzy'.*the models are pendulum, "):
        models.get("xyzzy")
