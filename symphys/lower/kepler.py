"""Kepler's flow in nodes: the arithmetic of `integrators.kepler_flow`, for all bodies of a part side by side.

Each body gets one correction of fifth order from a guess of fourth. That is enough for the steps of a planetary system;
where it is not, for any of the bodies, all are solved anew by Laguerre's method.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codegen import Builder, Node, apply, boolean, integer, real
from symphys.integrators.kepler_flow import (
    CLOSE,
    MOST_CORRECTIONS,
    NEAR,
    QUICK,
    Elementary,
    Start,
    early_guess,
    increments,
    late_guess,
    quick_correction,
    start_of,
    stumpff,
    stumpff_near,
    sure_correction,
    universal,
    within_period,
)

ELEMENTARY = Elementary(
    sqrt=lambda x: apply("sqrt", x),
    sin=lambda x: apply("sin", x),
    cos=lambda x: apply("cos", x),
    sinh=lambda x: apply("sinh", x),
    cosh=lambda x: apply("cosh", x),
    log=lambda x: apply("log", x),
    exp=lambda x: apply("exp", x),
    absolute=lambda x: apply("abs", x),
    nearest=lambda x: apply("floor", x + real(0.5)),
    less=lambda x, y: apply("lt", x, y),
    select=lambda condition, x, y: apply("select", condition, x, y),
)


@dataclass(frozen=True)
class Body:
    """One of Kepler's motions: the indices of q and w, their values, and a and k of q' = a w, w' = -k q / |q|^3."""

    places: tuple[int, ...]
    speeds: tuple[int, ...]
    q: tuple[Node, ...]
    w: tuple[Node, ...]
    a: Node
    k: Node


def kepler_increments(b: Builder, bodies: Sequence[Body], duration: Node) -> dict[int, Node]:
    """The increments of all bodies in the time `duration`, by component."""
    if not bodies:
        return {}
    b.comment("Kepler's equation in universal variables: s with r G1 + eta G2 + mu G3 = h, for each body")
    starts = [_bound(b, start_of(body.q, body.w, body.a, body.k, ELEMENTARY.sqrt)) for body in bodies]
    times, anomalies, twos, threes = [], [], [], []
    good: Node = boolean(True)
    for start in starts:
        guess = b.let("guess", early_guess(start, duration))
        near = [b.let(f"c{n}", c) for n, c in zip((2, 3), stumpff_near(start.beta * (guess * guess)), strict=True)]
        g = _named(b, universal(start.beta, guess, *near))
        change = b.let("change", quick_correction(start, g, duration))
        s = b.let("s", guess + change)
        z = b.let("z", start.beta * (s * s))
        settled = apply("le", apply("abs", change), real(QUICK) * apply("abs", s))
        good = apply("and", good, apply("and", settled, apply("le", apply("abs", z), real(NEAR))))
        two, three = stumpff_near(z)
        times.append(b.register("h", duration))
        anomalies.append(b.register("anomaly", s))
        twos.append(b.register("c2_at", two))
        threes.append(b.register("c3_at", three))
    with b.where(b.let("hard", apply("not", good))):
        b.comment("a long step or a close passage: Laguerre's method for each body")
        for start, h, s, two, three in zip(starts, times, anomalies, twos, threes, strict=True):
            b.assign(h, within_period(start, duration, ELEMENTARY))
            b.assign(s, late_guess(start, h, ELEMENTARY))
            moving, count = b.register("moving", boolean(True)), b.register("corrections", integer(0))
            with b.repeat_while(apply("and", moving, apply("lt", count, MOST_CORRECTIONS))):
                _, c2, c3 = stumpff(start.beta * (s * s), ELEMENTARY)
                g = _named(b, universal(start.beta, s, b.let("c2", c2), b.let("c3", c3)))
                change = b.let("change", sure_correction(start, g, h, ELEMENTARY))
                b.assign(s, s + change)
                b.assign(moving, apply("lt", real(CLOSE) * apply("abs", s), apply("abs", change)))
                b.assign(count, count + 1)
            _, c2, c3 = stumpff(start.beta * (s * s), ELEMENTARY)
            b.assign(two, c2)
            b.assign(three, c3)
    moved: dict[int, Node] = {}
    for body, start, h, s, two, three in zip(bodies, starts, times, anomalies, twos, threes, strict=True):
        g = _named(b, universal(start.beta, s, two, three))
        dq, dw = increments(start, g, h, body.q, body.w, body.a, body.k)
        moved |= dict(zip((*body.places, *body.speeds), (*dq, *dw), strict=True))
    return moved


def _bound(b: Builder, start: Start) -> Start:
    wishes = ("distance", "inverse", "eta", "zeta", "beta", "mu")
    values = (start.r, start.inverse, start.eta, start.zeta, start.beta, start.mu)
    return Start(*(b.let(wish, value) for wish, value in zip(wishes, values, strict=True)))


def _named(b: Builder, g: tuple[Node, ...]) -> tuple[Node, ...]:
    return tuple(b.let(f"G{n}", value) for n, value in enumerate(g))
