"""The exact flow of Kepler's problem in universal variables, for ellipses, parabolas and hyperbolas alike.

A body moves by q' = a w, w' = -k q / |q|^3, so that with u = a w and mu = a k (negative where it is repelled)

    r G1(s) + eta G2(s) + mu G3(s) = h,  r = |q|,  eta = q . u,  beta = 2 mu / r - u . u,  G_n(s) = s^n c_n(beta s^2)

fixes s, and the state after the time h is a linear combination of q and w. c_n(z) = sum_k (-z)^k / (n + 2k)! are
Stumpff's functions. Everything here is written with + and *, and the few functions of `Elementary`.
Source: Wisdom and Holman, Astronomical Journal 102 (1991) 1528; Danby, Fundamentals of Celestial Mechanics (1988), 6.9;
Rein and Tamayo, Monthly Notices 452 (2015) 376.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symphys.integrators.arithmetic import horner

Vector = tuple[Any, ...]
NEAR = 0.4  # |z| up to which seven terms of the series are exact to rounding: 6 NEAR^7 / 17! is 2^-55
TERMS = 7
QUICK = 2.0**-12  # a relative correction of fifth order that leaves less than rounding behind: (2^-12)^5 = 2^-60
CLOSE = 2.0**-18  # the same for Laguerre's, of third order: 2^-54
MOST_CORRECTIONS = 60  # Laguerre's method needs fewer than ten from where it is started


@dataclass(frozen=True)
class Elementary:
    """The functions that the flow needs, for one kind of scalar; `select(condition, one, other)` takes both."""

    sqrt: Callable[[Any], Any]
    sin: Callable[[Any], Any]
    cos: Callable[[Any], Any]
    sinh: Callable[[Any], Any]
    cosh: Callable[[Any], Any]
    log: Callable[[Any], Any]
    exp: Callable[[Any], Any]
    absolute: Callable[[Any], Any]
    nearest: Callable[[Any], Any]
    less: Callable[[Any, Any], Any]
    select: Callable[[Any, Any, Any], Any]


NUMBERS = Elementary(
    np.sqrt, np.sin, np.cos, np.sinh, np.cosh, np.log, np.exp, np.abs, np.round, np.less, lambda c, x, y: x if c else y
)


@dataclass(frozen=True)
class Start:
    """Where a body stands: its distance r, its inverse, and eta, zeta = mu - beta r, beta, mu of the equation above."""

    r: Any
    inverse: Any
    eta: Any
    zeta: Any
    beta: Any
    mu: Any


def start_of(q: Vector, w: Vector, a: Any, k: Any, sqrt: Callable[[Any], Any]) -> Start:
    """The numbers that fix the orbit through (q, w)."""
    r = sqrt(_dot(q, q))
    inverse, mu = 1.0 / r, a * k
    beta = 2.0 * (mu * inverse) - (a * a) * _dot(w, w)
    return Start(r, inverse, a * _dot(q, w), mu - beta * r, beta, mu)


def _dot(one: Vector, other: Vector) -> Any:
    total = one[0] * other[0]
    for x, y in zip(one[1:], other[1:], strict=True):
        total = total + x * y
    return total


def stumpff_near(z: Any) -> tuple[Any, Any]:
    """c_2 and c_3 for |z| <= NEAR, by their series."""
    two, three = (horner([(-1) ** k / math.factorial(n + 2 * k) for k in range(TERMS)], z) for n in (2, 3))
    return two, three


def stumpff(z: Any, f: Elementary) -> tuple[Any, Any, Any]:
    """c_1, c_2 and c_3 for every z, through circular and hyperbolic functions beyond NEAR."""
    size = f.absolute(z)
    near = f.less(size, NEAR)
    two, three = stumpff_near(f.select(near, z, 0.0))
    far = f.select(near, 1.0, size)
    x = f.sqrt(far)
    turning = f.less(0.0, z)
    one = f.select(turning, f.sin(x), f.sinh(x)) / x
    half = f.select(turning, f.sin(0.5 * x), f.sinh(0.5 * x))
    signed = f.select(turning, far, -1.0 * far)
    return (
        f.select(near, 1.0 - z * three, one),
        f.select(near, two, 2.0 * (half * half) / far),
        f.select(near, three, (1.0 - one) / signed),
    )


def universal(beta: Any, s: Any, two: Any, three: Any) -> tuple[Any, Any, Any, Any]:
    """G_0, G_1, G_2 and G_3 from c_2 and c_3."""
    g2 = (s * s) * two
    g3 = ((s * s) * s) * three
    return 1.0 - beta * g2, s - beta * g3, g2, g3


def early_guess(start: Start, h: Any) -> Any:
    """s to fourth order in h: the series of Kepler's equation reversed."""
    half, bend = start.inverse * start.eta, start.inverse * start.zeta
    return reverted(h * start.inverse, 0.5 * half, (1 / 6) * bend, (-1 / 24) * (start.beta * half))


def reverted(x: Any, a2: Any, a3: Any, a4: Any) -> Any:
    """s with x = s + a2 s^2 + a3 s^3 + a4 s^4, to fourth order in x."""
    square = a2 * a2
    return x + (x * x) * ((x * (2.0 * square - a3) - a2) + (x * x) * (5.0 * (a2 * (a3 - square)) - a4))


def residual(start: Start, g: tuple[Any, ...], h: Any) -> tuple[Any, Any, Any, Any]:
    """By how much the equation for s is missed, and its first three derivatives by s; the first is the distance."""
    _, g1, g2, g3 = g
    bend = start.eta * g[0] + start.zeta * g1
    return (
        (start.r * g1 + start.eta * g2) + (start.mu * g3 - h),
        start.r + (start.eta * g1 + start.zeta * g2),
        bend,
        start.zeta * g[0] - start.beta * (start.eta * g1),
    )


def quick_correction(start: Start, g: tuple[Any, ...], h: Any) -> Any:
    """The correction of s of fifth order: Newton's, and what the next three derivatives add to it."""
    miss, slope, bend, third = residual(start, g, h)
    inverse = 1.0 / slope
    half = inverse * bend
    return reverted(-1.0 * (miss * inverse), 0.5 * half, (1 / 6) * (inverse * third), (-1 / 24) * (start.beta * half))


def sure_correction(start: Start, g: tuple[Any, ...], h: Any, f: Elementary) -> Any:
    """Laguerre's correction of s for a polynomial of degree 5, which converges from afar (Conway, Celestial Mechanics
    39 (1986) 199)."""
    miss, slope, bend, _ = residual(start, g, h)
    root = f.sqrt(f.absolute(16.0 * (slope * slope) - 20.0 * (miss * bend)))
    return -5.0 * miss / (slope + root)


def within_period(start: Start, h: Any, f: Elementary) -> Any:
    """h less whole periods of a bound orbit, so that no more than half of one is left."""
    size = f.absolute(start.beta)
    period = 2.0 * math.pi * f.absolute(start.mu) / (size * f.sqrt(size))
    reduced = h - period * f.nearest(h / period)
    return f.select(f.less(0.0, start.beta), reduced, h)


def late_guess(start: Start, h: Any, f: Elementary) -> Any:
    """An s of the right size for long steps: the mean motion of an ellipse, the logarithm of a hyperbola's."""
    size = f.absolute(start.beta)
    mean = f.absolute(h) * size / f.absolute(start.mu)
    anomaly = mean * f.sqrt(size)
    opening = f.log(1.0 + 2.0 * anomaly) / f.sqrt(size)
    # close to a parabola, where neither has a meaning: mu s^3 / 6 = h; and never faster than a straight line
    cubic = f.exp(f.log(6.0 * f.absolute(h) / f.absolute(start.mu)) / 3.0)
    open_orbit = f.select(f.less(opening, cubic), opening, cubic)
    length = f.select(f.less(0.0, start.beta), f.select(f.less(mean, cubic), mean, cubic), open_orbit)
    return f.select(f.less(h, 0.0), -1.0 * length, length)


def increments(start: Start, g: tuple[Any, ...], h: Any, q: Vector, w: Vector, a: Any, k: Any) -> tuple[Vector, Vector]:
    """By how much q and w change in the time h: small numbers, so that sums may be compensated."""
    _, g1, g2, g3 = g
    after = 1.0 / (start.r + (start.eta * g1 + start.zeta * g2))
    pull, along = (start.mu * g2) * start.inverse, a * (h - start.mu * g3)
    turn, slow = (k * g1) * (start.inverse * after), (start.mu * g2) * after
    moved = tuple(along * y - pull * x for x, y in zip(q, w, strict=True))
    pulled = tuple(-1.0 * (turn * x) - slow * y for x, y in zip(q, w, strict=True))
    return moved, pulled


def kepler_flow(q: Vector, w: Vector, a: Any, k: Any, h: Any) -> tuple[Vector, Vector]:
    """The state after the time h, on plain numbers; `symphys.lower.parts` writes the same into kernels."""
    start = start_of(q, w, a, k, NUMBERS.sqrt)
    s = early_guess(start, h)
    change = quick_correction(start, universal(start.beta, s, *stumpff_near(start.beta * (s * s))), h)
    s = s + change
    z = start.beta * (s * s)
    if abs(change) <= QUICK * abs(s) and abs(z) <= NEAR:
        two, three = stumpff_near(z)
    else:
        h = within_period(start, h, NUMBERS)
        with np.errstate(divide="ignore"):  # a whole number of periods leaves no time
            s = late_guess(start, h, NUMBERS)
        for _ in range(MOST_CORRECTIONS):
            _, two, three = stumpff(start.beta * (s * s), NUMBERS)
            change = sure_correction(start, universal(start.beta, s, two, three), h, NUMBERS)
            s = s + change
            if abs(change) <= CLOSE * abs(s):
                break
        _, two, three = stumpff(start.beta * (s * s), NUMBERS)
    dq, dw = increments(start, universal(start.beta, s, two, three), h, q, w, a, k)
    return tuple(x + d for x, d in zip(q, dq, strict=True)), tuple(y + d for y, d in zip(w, dw, strict=True))
