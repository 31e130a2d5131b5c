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
    moved: dict[int, Node] = {}
    for dimension in sorted({len(body.q) for body in bodies}):
        alike = [body for body in bodies if len(body.q) == dimension]
        moved |= _one_body(b, alike[0], duration) if len(alike) == 1 else _many_bodies(b, alike, duration)
    return moved


def _one_body(b: Builder, body: Body, duration: Node) -> dict[int, Node]:
    changes, good = _quickly(b, body, duration)
    registers = [b.register("change", change) for change in changes]
    with b.where(b.let("hard", apply("not", good))):
        for register, change in zip(registers, _surely(b, body, duration), strict=True):
            b.assign(register, change)
    return dict(zip((*body.places, *body.speeds), registers, strict=True))


def _many_bodies(b: Builder, bodies: Sequence[Body], duration: Node) -> dict[int, Node]:
    """A loop over bodies: one copy of the code, and without branches, so that bodies may share vector instructions."""
    count, n = len(bodies), len(bodies[0].q)
    rows = [(*body.q, *body.w, body.a, body.k) for body in bodies]
    given = [b.local("of_bodies", (count,)) for _ in rows[0]]
    found = [b.local("changes_of_bodies", (count,)) for _ in range(2 * n)]
    for index, row in enumerate(rows):
        for array, value in zip(given, row, strict=True):
            b.store(array, index, value=value)

    def body_at(index: Node) -> Body:
        values = [b.load("of_body", array, index) for array in given]
        return Body((), (), tuple(values[:n]), tuple(values[n : 2 * n]), values[2 * n], values[2 * n + 1])

    solved = b.register("solved", integer(0))
    with b.loop("body", 0, count) as body:
        changes, good = _quickly(b, body_at(body), duration)
        for array, change in zip(found, changes, strict=True):
            b.store(array, body, value=change)
        b.assign(solved, solved + apply("select", good, integer(1), integer(0)))
    with b.where(b.let("hard", apply("lt", solved, count))), b.loop("body", 0, count) as body:
        for array, change in zip(found, _surely(b, body_at(body), duration), strict=True):
            b.store(array, body, value=change)
    return {
        component: b.load("change", array, index)
        for index, each in enumerate(bodies)
        for component, array in zip((*each.places, *each.speeds), found, strict=True)
    }


def _quickly(b: Builder, body: Body, h: Node) -> tuple[tuple[Node, ...], Node]:
    """The changes of q and w by one correction of s, and whether that was enough."""
    b.comment("Kepler's equation in universal variables: s with r G1 + eta G2 + mu G3 = h, guessed and corrected once")
    start = _bound(b, start_of(body.q, body.w, body.a, body.k, ELEMENTARY.sqrt))
    guess = b.let("guess", early_guess(start, h))
    near = [b.let(f"c{n}", c) for n, c in zip((2, 3), stumpff_near(start.beta * (guess * guess)), strict=True)]
    change = b.let("correction", quick_correction(start, _named(b, universal(start.beta, guess, *near)), h))
    s = b.let("s", guess + change)
    z = b.let("z", start.beta * (s * s))
    settled = apply("le", apply("abs", change), real(QUICK) * apply("abs", s))
    good = b.let("good", apply("and", settled, apply("le", apply("abs", z), real(NEAR))))
    two, three = stumpff_near(z)
    g = _named(b, universal(start.beta, s, b.let("c2", two), b.let("c3", three)))
    dq, dw = increments(start, g, h, body.q, body.w, body.a, body.k)
    return (*dq, *dw), good


def _surely(b: Builder, body: Body, duration: Node) -> tuple[Node, ...]:
    """The changes of q and w on any orbit in any time."""
    b.comment("a long step or a close passage: Laguerre's method, from afar")
    start = _bound(b, start_of(body.q, body.w, body.a, body.k, ELEMENTARY.sqrt))
    h = b.let("h", within_period(start, duration, ELEMENTARY))
    s = b.register("anomaly", late_guess(start, h, ELEMENTARY))
    moving, count = b.register("moving", boolean(True)), b.register("corrections", integer(0))
    with b.repeat_while(apply("and", moving, apply("lt", count, MOST_CORRECTIONS))):
        change = b.let("correction", sure_correction(start, _far(b, start, s), h, ELEMENTARY))
        b.assign(s, s + change)
        b.assign(moving, apply("lt", real(CLOSE) * apply("abs", s), apply("abs", change)))
        b.assign(count, count + 1)
    dq, dw = increments(start, _far(b, start, s), h, body.q, body.w, body.a, body.k)
    return (*dq, *dw)


def _far(b: Builder, start: Start, s: Node) -> tuple[Node, ...]:
    _, two, three = stumpff(start.beta * (s * s), ELEMENTARY)
    return _named(b, universal(start.beta, s, b.let("c2", two), b.let("c3", three)))


def _bound(b: Builder, start: Start) -> Start:
    wishes = ("distance", "inverse", "eta", "zeta", "beta", "mu")
    values = (start.r, start.inverse, start.eta, start.zeta, start.beta, start.mu)
    return Start(*(b.let(wish, value) for wish, value in zip(wishes, values, strict=True)))


def _named(b: Builder, g: tuple[Node, ...]) -> tuple[Node, ...]:
    return tuple(b.let(f"G{n}", value) for n, value in enumerate(g))
