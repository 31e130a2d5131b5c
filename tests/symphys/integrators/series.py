"""Truncated power series in the step h, and a problem whose exact solution they give: one step shows its order exactly.

Two nonlinear oscillators, coupled, with explicit time; the kinetic energy is quadratic where a method asks for that.
"""

import dataclasses
from types import SimpleNamespace

import numpy as np

from symphys.integrators import ExplicitTableau, Splitting
from symphys.integrators.gauss import gauss_update, stage_rates, stage_states
from symphys.integrators.splitting import splitting_step
from symphys.integrators.tableau import explicit_step

LENGTH = 14
START = (0.3, 0.4, 0.2, 0.5)
TIME = 0.25


class Series:
    """sum_k c_k h^k, cut after `LENGTH` terms; knows + and * with its like and with numbers, and nothing else."""

    def __init__(self, coefficients):
        self.c = np.zeros(LENGTH)
        self.c[: len(coefficients)] = coefficients

    def __add__(self, other):
        return Series(self.c + (other.c if isinstance(other, Series) else np.eye(1, LENGTH)[0] * other))

    def __mul__(self, other):
        return Series(np.convolve(self.c, other.c)[:LENGTH] if isinstance(other, Series) else self.c * other)

    __radd__ = __add__
    __rmul__ = __mul__


H = Series([0.0, 1.0])


def force(t, q):
    """dp/dt of two coupled oscillators, nonlinear and with explicit time."""
    x, y = q
    return 0.1 + 0.5 * x + 0.3 * x * x + 0.7 * x * y + 0.4 * t * y, 0.3 * y + 0.35 * x * x + 0.2 * y * y * y + 0.6 * t


def quadratic_velocity(t, p):
    """dq/dt where the kinetic energy is quadratic: what a Runge-Kutta-Nystroem method needs."""
    return p[0] + 0.25 * p[1], 0.25 * p[0] + 0.8 * p[1]


def general_velocity(t, p):
    """dq/dt of a kinetic energy that is not quadratic and depends on time."""
    u, v = quadratic_velocity(t, p)
    return u + 0.3 * p[0] * p[0] + 0.2 * p[0] * p[1] + 0.3 * t * p[0], v + 0.1 * p[0] * p[0] + 0.4 * p[1] * p[1] * p[1]


def velocity_of(method):
    return quadratic_velocity if getattr(method, "requires_quadratic_kinetic", False) else general_velocity


def exact(velocity):
    """The solution as series in h, by Picard's iteration, which gains one order a round."""
    state = [Series([value]) for value in START]
    time = Series([TIME, 1.0])
    for _ in range(LENGTH):
        rates = (*velocity(time, state[2:]), *force(time, state[:2]))
        state = [Series([x0, *(r.c[:-1] / np.arange(1, LENGTH))]) for x0, r in zip(START, rates, strict=True)]
    return np.array([component.c for component in state])


def rates_of(velocity):
    return lambda t, x: (*velocity(t, x[2:]), *force(t, x[:2]))


def one_step(method, kind, velocity):
    """One step of a method, or of a record with the coefficients of one, as an array [component, power of h]."""
    x = tuple(Series([value]) for value in START)
    t = Series([TIME])
    if kind is Splitting:
        q, p = splitting_step(method, force, velocity, t, x[:2], x[2:], H)
        new = (*q, *p)
    elif kind is ExplicitTableau:
        new = explicit_step(method, rates_of(velocity), t, x, H)[1]
    else:
        states = (x,) * method.stages
        for _ in range(LENGTH):
            stages = stage_rates(method, rates_of(velocity), t, H, states)
            states = stage_states(method, x, H, stages)
        new = gauss_update(method, x, H, stages)
    return np.array([component.c for component in new])


def shaken(method, rng, relative):
    """A record with the coefficients of a method, each changed by up to a relative amount; zeros stay zero."""

    def shake(value):
        if isinstance(value, tuple):
            return tuple(shake(entry) for entry in value)
        return value * (1.0 + relative * rng.uniform(-1.0, 1.0)) if isinstance(value, float) else value

    return SimpleNamespace(**{field.name: shake(getattr(method, field.name)) for field in dataclasses.fields(method)})


def rounding(response, size):
    """What rounding may do to a step, from its measured `response(shake)` to changes of its coefficients.

    A sum or product that is rounded acts as a coefficient that is changed by one unit in the last place. The response
    is measured at changes 2^22 times as large, where it is still linear, in the norm of three random draws; thirty
    times that stands for thirty such errors that never cancel. `size` adds the rounding of the result itself.
    """
    rng = np.random.default_rng(1)
    relative = 2.0**-30
    draws = [response(lambda record: shaken(record, rng, relative)) for _ in range(3)]
    return 30 * (2.0**-22 * np.sqrt(sum(draw**2 for draw in draws)) + 2.0**-52 * size)
